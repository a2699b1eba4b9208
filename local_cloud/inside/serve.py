"""Run the cloud: `.venv-cloud/bin/python serve.py`, until SIGTERM. The first line on standard output says where it is.

Three things differ from plain ministack, each towards AWS. Events of AWS's own services may be put, since here they
come from our stand-in for CloudTrail, which is one. Python functions run on Lambda's own runtime client. And
CloudFormation takes all of our template, though nothing judges alarms over expressions: they are there, and silent.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import socket


def main() -> None:
    """Listen on a free port of loopback, say which, serve."""
    # Bound before anything is imported: ministack reads its port from the environment when it is.
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    port = listener.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    os.environ |= {"GATEWAY_PORT": str(port), "MINISTACK_HOST": "127.0.0.1", "AWS_ENDPOINT_URL": endpoint}

    from cloud_formation import fill_gaps  # noqa: PLC0415 (see above)
    from hypercorn.asyncio import serve  # noqa: PLC0415
    from hypercorn.config import Config  # noqa: PLC0415
    from ministack import app  # noqa: PLC0415
    from ministack.core import lambda_runtime  # noqa: PLC0415
    from ministack.services import eventbridge  # noqa: PLC0415
    from python_runtime import use_lambdas_own_runtime  # noqa: PLC0415

    eventbridge._put_events = functools.partial(eventbridge._put_events, allow_aws_source=True)
    fill_gaps()
    use_lambdas_own_runtime(os.environ["LAMBDA_PYTHON"])
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    print(json.dumps({"endpoint": endpoint}), flush=True)
    try:
        asyncio.run(serve(app.app, config))
    finally:
        lambda_runtime.reset()


if __name__ == "__main__":
    main()
