"""Set up every SageMaker Studio app as it starts.

CloudTrail logs `CreateApp`, an EventBridge rule hands the event to `handler.lambda_handler`. It waits until the app
is in service, logs in with a presigned URL as the user would, and opens a terminal over the Jupyter REST API. The
commands of `setups` run from that terminal, but as processes of their own that the app keeps: whoever connects
next, after a lost socket, a restarted Jupyter server or a dead invocation, finds them and goes on. What each printed,
its exit status and the outcome of the whole are logged, and returned as a report.

Floor by floor, from the ground; each imports only those below it:

    model/      values: the app, its event, the setup, the report, outcomes and errors, the deadline, the settings
    terminal/   one terminal: its websocket, our prompt, a shell of ours, printable output
    runs/       a run that the app keeps: claim, start, follow; remote.sh is their other half, in the app
    access/     into the app: the SageMaker API, the login, the Jupyter server, its terminals, the connection
    setup_run   the use case: set one app up, whatever happens on the way
    handler     the Lambda function, a composition root
    api/        the Python API: connect to an app, run commands in it, start jobs and attach to them

What `setups` needs is here, and the Python API:

    with studio_setup.connect("d-abcdefghijkl", user="alice") as app:
        print(app.run("pwd"))
"""

import importlib
import typing

from studio_setup.model.app import App
from studio_setup.model.errors import AppDeleted, BadInput, OutOfTime, RunLost, SetupError
from studio_setup.model.report import CommandState
from studio_setup.model.setup import Command, Setup, read_script
from studio_setup.model.version import __version__

if typing.TYPE_CHECKING:
    from studio_setup.api.connect import connect
    from studio_setup.api.connected_app import ConnectedApp
    from studio_setup.api.job import Job
    from studio_setup.api.many import AppResult, run_many
    from studio_setup.api.results import CommandFailed, Result
    from studio_setup.api.terminal import Terminal

__all__ = [
    "App",
    "AppDeleted",
    "AppResult",
    "BadInput",
    "Command",
    "CommandFailed",
    "CommandState",
    "ConnectedApp",
    "Job",
    "OutOfTime",
    "Result",
    "RunLost",
    "Setup",
    "SetupError",
    "Terminal",
    "__version__",
    "connect",
    "read_script",
    "run_many",
]

# Imported when they are asked for: the function and the command's `--help` do without them.
_API = {
    "AppResult": "many",
    "CommandFailed": "results",
    "ConnectedApp": "connected_app",
    "Job": "job",
    "Result": "results",
    "Terminal": "terminal",
    "connect": "connect",
    "run_many": "many",
}


if not typing.TYPE_CHECKING:  # where every name is known

    def __getattr__(name: str) -> object:
        """What the Python API offers under that name."""
        if name not in _API:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.api.{_API[name]}"), name)


def __dir__() -> list[str]:
    """Every name, for whoever completes them."""
    return [*globals(), *_API]
