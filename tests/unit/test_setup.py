"""What a setup is, and what it refuses to be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from studio_setup.model.app import KNOWN_APP_TYPES
from studio_setup.model.errors import BadInput
from studio_setup.model.setup import MAX_SCRIPT_BYTES, MAX_TIMEOUT_SECONDS, Command, Setup, read_script


@pytest.mark.parametrize("name", ["a", "0", "fetch-extension", "a.b_c-1", "a" * 63])
def test_a_plain_name_is_taken(name: str) -> None:
    """A command's name is lower-case letters, digits, dots, dashes and underscores."""
    assert Command(name, "true").name == name


@pytest.mark.parametrize("name", ["", ".", "..", "-a", "_a", "A", "a b", "a/b", "../a", "a\n", "ä", "$(id)", "a" * 64])
def test_a_name_that_is_no_file_name_is_refused(name: str) -> None:
    """A command's name becomes a file's name in the app, so nothing else will do."""
    with pytest.raises(BadInput, match=re.escape(f"{name!r} is no command name")):
        Command(name, "true")


@pytest.mark.parametrize("script", ["", " ", "\n\n", "\t\r\n"])
def test_an_empty_script_is_refused(script: str) -> None:
    """A command that does nothing is a mistake."""
    with pytest.raises(BadInput, match="script of command 'one' is empty"):
        Command("one", script)


def test_a_script_with_nul_is_refused() -> None:
    """A script is text."""
    with pytest.raises(BadInput, match="not text"):
        Command("one", "echo \0")


def test_a_script_that_is_no_unicode_is_refused() -> None:
    """Bytes of a command line that are no UTF-8 come as surrogates, and are no text."""
    with pytest.raises(BadInput, match="not text in UTF-8"):
        Command("one", "echo \udcff")


def test_windows_line_ends_are_normalised() -> None:
    r"""A script with CRLF line ends runs as it would without; a carriage return inside a line stays."""
    assert Command("one", "#!/bin/sh\r\necho a\rb\r\n").script == "#!/bin/sh\necho a\rb\n"


def test_a_script_may_be_as_big_as_the_limit_and_no_bigger() -> None:
    """The limit counts bytes, not characters, and is itself allowed."""
    assert Command("one", "x" * MAX_SCRIPT_BYTES).script
    with pytest.raises(BadInput, match=f"{MAX_SCRIPT_BYTES + 1} bytes"):
        Command("one", "x" * (MAX_SCRIPT_BYTES + 1))
    with pytest.raises(BadInput, match="let it fetch the rest"):
        Command("one", "é" * (MAX_SCRIPT_BYTES // 2 + 1))


@pytest.mark.parametrize("seconds", [0, -1, MAX_TIMEOUT_SECONDS + 1])
def test_an_impossible_limit_is_refused(seconds: int) -> None:
    """Every command has a limit, of a second at least and half a day at most."""
    with pytest.raises(BadInput, match=f"limit of {seconds} seconds"):
        Command("one", "true", timeout_seconds=seconds)


@pytest.mark.parametrize("seconds", [1, MAX_TIMEOUT_SECONDS])
def test_the_ends_of_the_range_are_limits_too(seconds: int) -> None:
    """The shortest and the longest limit are allowed."""
    assert Command("one", "true", timeout_seconds=seconds).timeout_seconds == seconds


def test_a_setup_without_commands_is_refused() -> None:
    """A setup that does nothing would be a false success."""
    with pytest.raises(BadInput, match="no commands"):
        Setup(())


def test_two_commands_of_one_name_are_refused() -> None:
    """Names are where the app keeps a command, so two of one name would be one; the message names each once."""
    with pytest.raises(BadInput, match="more than one command named a, c; rename"):
        Setup(tuple(Command(name, "true") for name in "abacca"))


def test_the_same_commands_have_the_same_digest() -> None:
    """Who comes next knows the setup again: a digest is one word, the same wherever it is made."""
    one, other = (Setup((Command("a", "true"), Command("b", "false", 5))) for _ in range(2))
    assert one.version == other.version
    assert re.fullmatch(r"\w{16}", one.version)


@pytest.mark.parametrize(
    "commands",
    [
        (Command("a", "true"),),
        (Command("b", "false"), Command("a", "true")),
        (Command("c", "true"), Command("b", "false")),
        (Command("a", "true "), Command("b", "false")),
        (Command("a", "true", timeout_seconds=601), Command("b", "false")),
        (Command("a", "true", go_on_after_failure=True), Command("b", "false")),
    ],
    ids=["fewer", "order", "name", "script", "limit", "go-on"],
)
def test_other_commands_have_another_digest(commands: tuple[Command, ...]) -> None:
    """Any change to a setup makes it another one."""
    assert Setup(commands).version != Setup((Command("a", "true"), Command("b", "false"))).version


@pytest.mark.parametrize("app_type", KNOWN_APP_TYPES)
def test_every_app_type_has_a_setup_that_can_run(app_type: str) -> None:
    """What ships is a setup for each type of app that is set up."""
    assert Setup(SETUPS[app_type]).version


def test_no_setup_ships_for_apps_that_are_not_set_up() -> None:
    """A setup for a type that no event gets past would never run."""
    assert set(SETUPS) == set(KNOWN_APP_TYPES)


def test_a_script_file_is_read(tmp_path: Path) -> None:
    """A script may be a file, in any language."""
    path = tmp_path / "on-start.sh"
    path.write_bytes("echo 'grüß dich ☃'\r\n".encode())
    assert Command("one", read_script(path)).script == "echo 'grüß dich ☃'\n"


def test_a_missing_script_file_is_refused(tmp_path: Path) -> None:
    """A file that is not there is named, with the reason."""
    with pytest.raises(BadInput, match=r"none\.sh' cannot be read: No such file"):
        read_script(tmp_path / "none.sh")


def test_a_folder_is_no_script(tmp_path: Path) -> None:
    """A folder is named, with the reason."""
    with pytest.raises(BadInput, match="cannot be read: Is a directory"):
        read_script(tmp_path)


@pytest.mark.parametrize("data", [b"\x7fELF\xff\xfe", "grüß".encode("latin-1"), "echo".encode("utf-16")])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, data: bytes) -> None:
    """A program, or text in another encoding, is refused before anything runs."""
    path = tmp_path / "program"
    path.write_bytes(data)
    with pytest.raises(BadInput, match="is not text in UTF-8"):
        read_script(path)
