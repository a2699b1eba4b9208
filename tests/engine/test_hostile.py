"""Whatever the other side does, the function ends in its time and memory, with a code, and gives nothing away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.hostile.exchange import Request
from emulator.hostile.mode import POLITE
from emulator.hostile.modes import MODES
from emulator.hostile.polite import SESSION, XSRF
from emulator.hostile.studio import STUDIO_HOST
from emulator.hostile.terminal_modes import PLANTED
from studio_setup.model.outcomes import CODES
from tests.support.hostile_invocations import MEMORY_MIB, Invocation, invoke
from tests.support.hostile_rows import CODES_BY_MODE

OURS = re.compile(
    r"/auth(/\S*)?|/jupyter/default/(lab|tree|api/status|api/terminals(/studiosetup[0-9a-f]{16}|/[0-9]{1,9})?"
    r"|terminals/websocket/(studiosetup[0-9a-f]{16}|[0-9]{1,9})|terminals/new/studiosetup[0-9a-f]{16})"
)
PIECE_OF_THE_TOKEN = "0123456789" * 3
SECRETS = (PIECE_OF_THE_TOKEN, SESSION, XSRF)
UNREADABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
NETRC = f"machine {STUDIO_HOST} login operator password netrc-of-the-operator\ndefault login x password netrc-default\n"


@pytest.fixture
def netrc(tmp_path: Path) -> Path:
    """What the operator has in ~/.netrc: a password for Studio's host, and one for any other."""
    path = tmp_path / "netrc"
    path.write_text(NETRC, encoding="utf-8")
    path.chmod(0o600)
    return path


def problems(invocation: Invocation) -> Iterator[str]:
    """What is wrong about how an invocation went."""
    mode, ending, said = invocation.mode, invocation.ending, invocation.said
    if ending.code not in CODES.keys() & set(CODES_BY_MODE.get(mode.name, ["succeeded"])):
        yield f"ended with {ending.code or ending.error}"
    if "setup.crashed" in said:
        yield "crashed"
    if ending.seconds >= invocation.limit_seconds:
        yield f"took {ending.seconds} s"
    if ending.peak_mib >= MEMORY_MIB:
        yield f"took {ending.peak_mib} MiB"
    if not invocation.got_there:
        yield "did not get as far as the misbehaviour"
    yield from (f"said {secret}" for secret in SECRETS if secret in said + ending.error)
    if found := UNREADABLE.search(ending.error):
        yield f"reported {found[0]!r}"
    yield from (f"asked for {request.host}{request.path}" for request in invocation.studio.requests if is_odd(request))


def is_odd(request: Request) -> bool:
    """Is it a request that the setup has no business to make, or with something in it that is nobody's business?"""
    if request.operation:
        return request.target != "/"
    secret = "authorization" in request.headers or PLANTED in request.headers.get("cookie", "")
    return secret or request.host != STUDIO_HOST or not OURS.fullmatch(request.path)


def wrong(invocations: list[Invocation]) -> list[str]:
    """All that is wrong about them."""
    return [f"{one.mode.name}: {problem}" for one in invocations for problem in problems(one)]


@pytest.mark.parametrize("layer", MODES)
def test_nothing_on_the_other_side_can_hang_it_or_make_it_tell(
    layer: str, tmp_path: Path, events_folder: Path, netrc: Path
) -> None:
    """It ends in its time and below 256 MiB, with a code; no secret is said; nothing is asked for that is not ours."""
    event = events_folder / "jupyter-server-started.json"
    assert wrong(invoke([*MODES[layer]], tmp_path, event, NETRC=str(netrc))) == []


def test_the_operators_netrc_is_never_sent(tmp_path: Path, events_folder: Path, netrc: Path) -> None:
    """A Studio that behaves well is set up, with every request that a setup makes, and none has a password in it."""
    (one,) = invoke([POLITE], tmp_path, events_folder / "jupyter-server-started.json", NETRC=str(netrc))
    assert wrong([one]) == []
    assert {request.method for request in one.studio.requests} == {"GET", "POST", "DELETE"}


def test_every_mode_has_its_codes() -> None:
    """Each mode has a name of its own and codes of the table; no code is kept for a mode that is gone."""
    names = [mode.name for modes in MODES.values() for mode in modes]
    assert sorted(names) == sorted(CODES_BY_MODE)
    assert {code for codes in CODES_BY_MODE.values() for code in codes} <= CODES.keys()
