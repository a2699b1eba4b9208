"""What is deployed: the function's own answer to the event `Describe Setup`.

The function is invoked (`RequestResponse`) with

    {"source": "studio-setup", "detail-type": "Describe Setup",
     "detail": {"apps": [{"domain_id": …, "user_profile_name": …, "app_type": …, "app_name": …, "space_name": …}, …]}}

where `apps` has at most MAX_APPS_DESCRIBED apps and may be missing, which means none. It starts nothing, calls nobody,
and answers

    {"schema_version": 1,
     "engine_version": "0.1.0",
     "time_limit_seconds": 900,
     "commands": {"JupyterServer": {"setup_version": "…", "commands": [{"name": "…", "timeout_seconds": 300}, …]}, …},
     "setups": [{"app": "d-…/alice/JupyterServer/default", "setup_version": "…", "commands": […]},
                {"app": "d-…/bob/JupyterLab/default", "code": "other-app-type", "reason": "…"}, …]}

`time_limit_seconds` is how long an attempt of the function can last. `commands` has every app type that is set up, with
the setup of an app that nothing singles out. `setups` has one entry for each app of the request, in that order, named
by its label: the setup that `setup_for` chooses for it, or the code and the reason why it gets none (a code of an event
that is ignored, such as `other-app-type`, `other-domain`; `bad-input` if its setup is not valid).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from studio_setup.model.app import App
from studio_setup.model.json_text import parse_json
from studio_setup.model.request import MAX_APPS_DESCRIBED, RequestType, payload_of
from studio_setup.model.text import one_line

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import InvocationResponseTypeDef

_MAX_ANSWER_BYTES = 6 * 1024 * 1024  # Lambda's own limit


class NotDescribed(Exception):
    """The function did not describe its setup; `str()` says why, and what to do."""


@dataclass(frozen=True, slots=True)
class DescribedCommand:
    """A command by its name and its limit."""

    name: str
    timeout_seconds: int


@dataclass(frozen=True, slots=True)
class AppSetup:
    """The deployed setup of an app; with a `code`, it gets none, for `reason`."""

    setup_version: str = ""
    commands: tuple[DescribedCommand, ...] = ()
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DescribedSetup:
    """What is deployed: per app type that is set up, and for each app that was asked for.

    `engine_version`: the version of Studio Setup that is deployed; empty if the function does not say.
    """

    time_limit_seconds: float
    app_types: Mapping[str, AppSetup]
    apps: Mapping[App, AppSetup]
    engine_version: str = ""


def describe_setup(client: LambdaClient, function_name: str, apps: Sequence[App] = ()) -> DescribedSetup:
    """What the function `function_name` has deployed, and what of it is for these apps.

    Raises:
        NotDescribed: the function cannot be invoked, fails, is of a version that does not know the event, or answers
            something else.
    """
    chunks = [apps[start : start + MAX_APPS_DESCRIBED] for start in range(0, len(apps), MAX_APPS_DESCRIBED)] or [[]]
    setups: dict[App, AppSetup] = {}
    for chunk in chunks:
        answer = _invoke(client, function_name, chunk)
        setups |= zip(chunk, _setups(answer, chunk), strict=True)
    engine_version = one_line(str(answer.get("engine_version", "")), 64)
    return DescribedSetup(_time_limit(answer), _app_types(answer), setups, engine_version)


def read_answer(response: InvocationResponseTypeDef) -> object:
    """What the function answered to an invocation; None if that is not JSON."""
    text = response["Payload"].read(_MAX_ANSWER_BYTES + 1).decode("utf-8", "replace")
    try:
        return parse_json(text)
    except ValueError:
        return None


def _invoke(client: LambdaClient, function_name: str, apps: Sequence[App]) -> Mapping[str, object]:
    payload = payload_of(RequestType.DESCRIBE_SETUP, {"apps": [asdict(app) for app in apps]})
    try:
        response = client.invoke(FunctionName=function_name, Payload=payload)
    except client.exceptions.ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        raise NotDescribed(
            f"The function {function_name} cannot be asked to describe its setup (lambda:InvokeFunction: {code})."
        ) from None
    answer = read_answer(response)
    if response.get("FunctionError"):
        raise NotDescribed(f"The function {function_name} failed to describe its setup: {_error(answer)}.")
    if not isinstance(answer, dict):
        raise _garbled()
    if "commands" not in answer:
        raise NotDescribed(
            f"The function {function_name} is of a version that does not describe its setup; deploy this one."
        )
    return answer


def _error(answer: object) -> str:
    match answer:
        case {"errorType": str(kind), "errorMessage": str(message)}:
            return one_line(f"{kind}: {message}", 300).rstrip(".")
        case {"errorMessage": str(message)}:
            return one_line(message, 300).rstrip(".")
    return "it does not say why"


def _time_limit(answer: Mapping[str, object]) -> float:
    match answer:
        case {"time_limit_seconds": int() | float() as seconds} if seconds > 0:
            return float(seconds)
    raise _garbled()


def _app_types(answer: Mapping[str, object]) -> dict[str, AppSetup]:
    match answer:
        case {"commands": dict(by_type)}:
            return {str(app_type): _setup(entry) for app_type, entry in by_type.items()}
    raise _garbled()


def _setups(answer: Mapping[str, object], apps: Sequence[App]) -> list[AppSetup]:
    match answer:
        case {"setups": list(entries)} if len(entries) == len(apps):
            labels = [entry.get("app") for entry in entries if isinstance(entry, dict)]
            if labels == [app.label for app in apps]:
                return [_setup(entry) for entry in entries]
    raise _garbled()


def _setup(entry: object) -> AppSetup:
    match entry:
        case {"setup_version": str(version), "commands": list(commands)}:
            return AppSetup(version, tuple(map(_command, commands)))
        case {"code": str(code), "reason": str(reason)}:
            return AppSetup(code=one_line(code, 64), reason=one_line(reason))
    raise _garbled()


def _command(entry: object) -> DescribedCommand:
    match entry:
        case {"name": str(name), "timeout_seconds": int(seconds)}:
            return DescribedCommand(one_line(name, 64), seconds)
    raise _garbled()


def _garbled() -> NotDescribed:
    return NotDescribed("The function's description of its setup is garbled; deploy this version of Studio Setup.")
