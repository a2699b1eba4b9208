"""Runs the cloud until SIGTERM: `.venvs/cloud/bin/python serve.py`. The first line on standard output has its URL.

The other modules in this folder change ministack where AWS behaves differently. They replace internals of it, so its
version is pinned.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket


def main() -> None:
    """Listen on a free loopback port, print the URL, and serve."""
    # Before the imports: ministack reads its port from the environment when it is imported.
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    port = listener.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    os.environ |= {"GATEWAY_PORT": str(port), "MINISTACK_HOST": "127.0.0.1", "AWS_ENDPOINT_URL": endpoint}

    from cloud_formation import fill_gaps  # noqa: PLC0415 (see above)
    from event_bridge import deliver_as_aws_does  # noqa: PLC0415
    from hypercorn.asyncio import serve  # noqa: PLC0415
    from hypercorn.config import Config  # noqa: PLC0415
    from ministack import app  # noqa: PLC0415
    from ministack.core import lambda_runtime  # noqa: PLC0415
    from python_runtime import use_lambdas_own_runtime  # noqa: PLC0415

    deliver_as_aws_does()
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
