"""`python -m emulator`: run a local Studio until SIGTERM or SIGINT.

Standard output has one JSON object a line: first the endpoints, then the event of each CreateApp call.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import signal
import threading
from enum import StrEnum
from pathlib import Path
from typing import Any

from emulator.app_host import StartOptions
from emulator.app_kinds import KINDS
from emulator.login_forms import Expired, LandingUriWithoutPath, Login, LoginForms, PresignedUrl
from emulator.state import Account, AuthMode
from emulator.studio import DOMAIN_ID, USER_PROFILE, LocalStudio

_LOGIN_FORMS: dict[str, StrEnum] = dataclasses.asdict(LoginForms())
_HELP = {
    "login": "how a presigned URL leads into the app",
    "expired": "the answer to a request without a good session",
    "landing_uri_without_path": "the answer to a LandingUri such as app:JupyterLab:",
    "presigned_url": "how often a presigned URL logs in",
}


def main() -> None:
    """Run a Studio and print its endpoints and events, until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    arguments = _arguments()
    with _studio(arguments) as studio:
        studio.add_domain(arguments.domain_id, AuthMode(arguments.auth_mode))
        studio.add_user_profile(arguments.user_profile_name, arguments.domain_id)
        _print(
            {
                "sagemaker_endpoint": studio.sagemaker_endpoint,
                "studio": studio.front_door_url,
                "domain_id": arguments.domain_id,
                "user_profile_name": arguments.user_profile_name,
                "spaces": _add_spaces(studio, arguments),
                "region": arguments.region,
            }
        )
        stop.wait()


def _add_spaces(studio: LocalStudio, arguments: argparse.Namespace) -> dict[str, str]:
    wanted = (
        (arguments.space_name, arguments.user_profile_name, arguments.space_app_type),
        (arguments.shared_space_name, None, arguments.shared_space_app_type),
    )
    names = [studio.add_space(name, owner, kind, arguments.domain_id) for name, owner, kind in wanted if name]
    return {name: studio.space_url(name, arguments.domain_id) for name in names}


def _studio(arguments: argparse.Namespace) -> LocalStudio:
    return LocalStudio(
        arguments.state_dir,
        defaults=StartOptions(
            start_delay_seconds=arguments.start_delay_seconds,
            http_delay_seconds=arguments.http_delay_seconds,
            shell=tuple(shlex.split(arguments.shell)) or None,
        ),
        account=Account(arguments.account_id, arguments.region),
        login_forms=_login_forms(arguments),
        api_port=arguments.api_port,
        front_door_port=arguments.front_door_port,
        on_event=_print,
    )


def _login_forms(arguments: argparse.Namespace) -> LoginForms:
    return LoginForms(
        login=Login(arguments.login),
        expired=Expired(arguments.expired),
        landing_uri_without_path=LandingUriWithoutPath(arguments.landing_uri_without_path),
        presigned_url=PresignedUrl(arguments.presigned_url),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m emulator", description="A SageMaker Studio on this machine.")
    parser.add_argument(
        "--state-dir", type=Path, help="folder for containers and homes while it runs (default: temporary)"
    )
    parser.add_argument(
        "--start-delay-seconds", type=float, default=2.0, help="seconds that an app is Pending (default: 2)"
    )
    parser.add_argument(
        "--http-delay-seconds", type=float, default=0.0, help="seconds from InService to the start of Jupyter"
    )
    parser.add_argument("--api-port", type=int, default=0, help="port of the SageMaker API (default: a free one)")
    parser.add_argument("--front-door-port", type=int, default=0, help="port of Studio (default: a free one)")
    parser.add_argument("--domain-id", default=DOMAIN_ID)
    parser.add_argument("--user-profile-name", default=USER_PROFILE)
    parser.add_argument("--auth-mode", choices=[str(mode) for mode in AuthMode], default=str(AuthMode.IAM))
    parser.add_argument("--space-name", help="add a private space of the user")
    parser.add_argument("--space-app-type", choices=[*KINDS], default="JupyterLab")
    parser.add_argument("--shared-space-name", help="add a shared space without an owner")
    parser.add_argument("--shared-space-app-type", choices=[*KINDS], default="JupyterServer")
    parser.add_argument("--shell", default="", help="the program that terminals run (default: that of the app type)")
    for name, default in _LOGIN_FORMS.items():
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, choices=[*type(default)], default=default, help=f"{_HELP[name]} (default: {default})")
    parser.add_argument("--account-id", default=Account().account_id)
    parser.add_argument("--region", default=Account().region)
    return parser.parse_args()


def _print(document: dict[str, Any]) -> None:
    print(json.dumps(document), flush=True)


if __name__ == "__main__":
    main()
