"""Setups and their commands: what is checked before anything runs, and what makes two setups the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from studio_setup.model.errors import BadInput
from studio_setup.model.setup import (
    MAX_ENVIRONMENT_BYTES,
    MAX_SCRIPT_BYTES,
    MAX_TIMEOUT_SECONDS,
    Command,
    Setup,
    read_script,
)


@pytest.mark.parametrize("name", ["a", "0", "fetch-extension", "a.b_c-1", "a" * 63])
def test_a_plain_name_is_accepted(name: str) -> None:
    """The name of a command has lower-case letters, digits, dots, hyphens and underscores."""
    assert Command(name, "true").name == name


@pytest.mark.parametrize("name", ["", ".", "..", "-a", "_a", "A", "a b", "a/b", "../a", "a\n", "ä", "$(id)", "a" * 64])
def test_a_name_that_is_not_a_plain_file_name_is_refused(name: str) -> None:
    """The name of a command is the name of files in the app; the message has the name and the pattern."""
    with pytest.raises(BadInput, match=re.escape(f"{name!r} is not a valid command name: it must match")):
        Command(name, "true")


@pytest.mark.parametrize("script", ["", " ", "\n\n", "\t\r\n"])
def test_an_empty_script_is_refused(script: str) -> None:
    """A command that does nothing is a mistake, and the message names the command."""
    with pytest.raises(BadInput, match="script of command 'one' is empty"):
        Command("one", script)


def test_a_script_with_a_nul_character_is_refused() -> None:
    """A script is text, and no shell takes a NUL character."""
    with pytest.raises(BadInput, match="not text"):
        Command("one", "echo \0")


def test_a_script_that_is_not_utf8_is_refused() -> None:
    """Bytes of a command line that are not UTF-8 come as surrogates, which cannot be encoded."""
    with pytest.raises(BadInput, match="not text in UTF-8"):
        Command("one", "echo \udcff")


def test_windows_line_ends_are_converted() -> None:
    """CRLF line ends become LF; a carriage return inside a line stays."""
    assert Command("one", "#!/bin/sh\r\necho a\rb\r\n").script == "#!/bin/sh\necho a\rb\n"


def test_a_script_may_be_as_large_as_the_limit_and_no_larger() -> None:
    """The limit counts bytes, not characters; a script of exactly that size is accepted."""
    assert Command("one", "x" * MAX_SCRIPT_BYTES).script
    with pytest.raises(BadInput, match=f"{MAX_SCRIPT_BYTES + 1} bytes"):
        Command("one", "x" * (MAX_SCRIPT_BYTES + 1))
    with pytest.raises(BadInput, match=rf", more than {MAX_SCRIPT_BYTES}; let it fetch the rest\.$"):
        Command("one", "é" * (MAX_SCRIPT_BYTES // 2 + 1))


@pytest.mark.parametrize("seconds", [0, -1, MAX_TIMEOUT_SECONDS + 1])
def test_a_time_limit_out_of_range_is_refused(seconds: int) -> None:
    """A time limit is from one second to half a day."""
    with pytest.raises(BadInput, match=f"limit of {seconds} seconds"):
        Command("one", "true", timeout_seconds=seconds)


@pytest.mark.parametrize("seconds", [1, MAX_TIMEOUT_SECONDS])
def test_the_shortest_and_the_longest_time_limit_are_accepted(seconds: int) -> None:
    """Both ends belong to the range."""
    assert Command("one", "true", timeout_seconds=seconds).timeout_seconds == seconds


def test_a_setup_without_commands_is_refused() -> None:
    """A setup without commands would succeed without having done anything."""
    with pytest.raises(BadInput, match="no commands"):
        Setup(())


def test_two_commands_with_the_same_name_are_refused() -> None:
    """Two commands of one name would share their files in the app; the message has each name once."""
    with pytest.raises(BadInput, match="more than one command named a, c; rename"):
        Setup(tuple(Command(name, "true") for name in "abacca"))


def test_the_same_commands_have_the_same_version() -> None:
    """A later attempt recognises the setup by its version: one word, the same in every process."""
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
        (Command("a", "true", environment={"X": ""}), Command("b", "false")),
    ],
    ids=["fewer", "order", "name", "script", "limit", "go-on", "environment"],
)
def test_other_commands_have_another_version(commands: tuple[Command, ...]) -> None:
    """Any change to the commands changes the setup version."""
    assert Setup(commands).version != Setup((Command("a", "true"), Command("b", "false"))).version


# Variables


def test_variables_of_a_command_are_kept() -> None:
    """Any text may be a value: empty, with quotes, line ends and characters outside ASCII."""
    environment = {"A": "", "_b1": 'it\'s "quoted"\n', "C": "grüß dich ☃"}
    assert Command("one", "true", environment=environment).environment == environment


def test_without_variables_a_command_has_the_apps_own() -> None:
    """Nothing is set unless it is asked for."""
    assert Command("one", "true").environment == {}


@pytest.mark.parametrize("name", ["", "1a", "a-b", "a b", "a=b", "ä", "a\n", "$(id)", "a;id"])
def test_an_invalid_variable_name_is_refused(name: str) -> None:
    """The name stands in a line of shell, so it must be a shell's; the message has the command and the name."""
    with pytest.raises(BadInput, match=re.escape(f"Command 'one' has the variable {name!r}: it must match")):
        Command("one", "true", environment={name: "x"})


@pytest.mark.parametrize("value", ["a\0b", "\udcff"], ids=["nul", "not-utf8"])
def test_a_value_that_is_not_text_is_refused(value: str) -> None:
    """A value has no NUL character and can be encoded; the message has the variable, and not its value."""
    with pytest.raises(BadInput, match=r"The variable 'X' of command 'one' is not text\.") as caught:
        Command("one", "true", environment={"A": "fine", "X": value})
    assert value not in str(caught.value)


def test_variables_may_be_as_large_as_the_limit_and_no_larger() -> None:
    """The limit counts the bytes of all names and values; exactly that size is accepted."""
    half = MAX_ENVIRONMENT_BYTES // 2
    assert Command("one", "true", environment={"A": "x" * (half - 1), "B": "é" * (half // 2 - 1) + "x"}).environment
    limit = MAX_ENVIRONMENT_BYTES
    message = rf"of command 'one' has {limit + 1} bytes, more than {limit}; put long values into a file\.$"
    with pytest.raises(BadInput, match=message):
        Command("one", "true", environment={"A": "x" * (half - 1), "B": "é" * (half // 2 - 1) + "xx"})


@pytest.mark.parametrize(
    "environment", [{}, {"A": "1"}, {"A": "1", "B": "3"}, {"A": "1", "C": "2"}, {"A": "1", "B": "2", "C": ""}], ids=repr
)
def test_other_variables_make_another_version(environment: dict[str, str]) -> None:
    """A changed variable is a changed setup: its names and its values are part of the version."""
    assert _version(environment) != _version({"A": "1", "B": "2"})


def test_the_order_of_variables_does_not_matter() -> None:
    """The same variables in another order are the same setup."""
    assert _version({"A": "1", "B": "2"}) == _version({"B": "2", "A": "1"})


def test_whether_output_is_logged_is_part_of_the_version() -> None:
    """A command whose output stays in the app is another setup than one whose output is logged."""
    quiet, logged = (Setup((Command("one", "true", log_output=log_output),)) for log_output in (False, True))
    assert quiet.version != logged.version


def _version(environment: dict[str, str]) -> str:
    return Setup((Command("one", "true", environment=environment),)).version


# Script files


def test_a_script_file_is_read_as_utf8(tmp_path: Path) -> None:
    """A script may be a file, with any characters and with Windows line ends."""
    path = tmp_path / "on-start.sh"
    path.write_bytes("echo 'grüß dich ☃'\r\n".encode())
    assert Command("one", read_script(path)).script == "echo 'grüß dich ☃'\n"


def test_a_missing_script_file_is_refused(tmp_path: Path) -> None:
    """The message has the file and the reason."""
    with pytest.raises(BadInput, match=r"none\.sh' cannot be read: No such file"):
        read_script(tmp_path / "none.sh")


def test_a_folder_is_refused_as_a_script(tmp_path: Path) -> None:
    """The message has the folder and the reason."""
    with pytest.raises(BadInput, match="cannot be read: Is a directory"):
        read_script(tmp_path)


@pytest.mark.parametrize("data", [b"\x7fELF\xff\xfe", "grüß".encode("latin-1"), "echo".encode("utf-16")])
def test_a_file_that_is_not_utf8_text_is_refused(tmp_path: Path, data: bytes) -> None:
    """A binary, or text in another encoding, is refused before anything runs."""
    path = tmp_path / "program"
    path.write_bytes(data)
    with pytest.raises(BadInput, match="is not text in UTF-8"):
        read_script(path)


def test_a_byte_order_mark_is_not_part_of_the_script(tmp_path: Path) -> None:
    """In a script that was saved by an editor on Windows, the first line is the first line."""
    path = tmp_path / "on-start.sh"
    path.write_bytes(b"\xef\xbb\xbf#!/bin/bash\r\necho hi\r\n")
    assert Command("one", read_script(path)).script.startswith("#!/bin/bash\n")
