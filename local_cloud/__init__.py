"""An AWS on this machine to deploy to: `sam deploy`, rules, roles, queues and logs without an account.

It is ministack, in a Python environment of its own; functions run on Lambda's own runtime client, in a third
environment that has only boto3 besides. This package starts and ends it, and knows nothing of the product: `cloud` is
the process, `sam` the command line, `log` reads logs, `trail` takes the place of CloudTrail, and `inside` runs in the
cloud's environment.
"""
