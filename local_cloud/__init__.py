"""An AWS on this machine, to deploy to: real `sam deploy`, real rules, roles, queues and logs, without an account.

ministack (from the package index, in an environment of its own) is the cloud; functions run on Lambda's own runtime
client, in a third environment that has nothing but boto3. This package starts it, talks to it and ends it. It knows
nothing of the product: `cloud` is the process, `sam` the command line, `trail` takes CloudTrail's place, `inside` is
what runs in the cloud's environment.
"""
