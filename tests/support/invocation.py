"""A setup in a process of its own, which a test can kill: `python -m tests.support.invocation JSON`.

JSON is an object with `user`, `commands` and `limit_seconds`; the report is printed as JSON.
"""

import json
import sys

import boto3
import requests

from emulator.studio import DOMAIN_ID
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.setup import Command, Setup
from studio_setup.setup_run import Job, Tools, set_up

order = json.loads(sys.argv[1])
setup = Setup(tuple(Command(f"step-{number}", text) for number, text in enumerate(order["commands"], 1)))
job = Job(App(DOMAIN_ID, order["user"], "JupyterServer", "default"), setup)
with requests.Session() as http:
    report = set_up(job, Tools(boto3.client("sagemaker"), http), Deadline.after(order["limit_seconds"]))
sys.stdout.write(json.dumps(report.as_dict()))
