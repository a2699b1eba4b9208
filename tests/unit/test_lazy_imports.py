"""What is not imported before it is needed: by the help, by completion, by the function, by the package itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

import studio_setup
from studio_setup_cli.main import cli

SRC = Path(__file__).parents[2] / "src"
SUBCOMMANDS = ["doctor", "logs", "run", "setup", "status", "try", "verify"]
_HEAVY = {"boto3", "botocore", "requests", "websocket", "rich"}
_CALL = """
import sys
from studio_setup_cli.main import main
sys.argv = ["studio-setup", *sys.argv[1:]]
try:
    main()
finally:
    print(*sys.modules, sep="\\n", file=sys.stderr)
"""


def _imported(code: str, *arguments: str, **environment: str) -> tuple[str, set[str]]:
    """What a program of its own prints, and the modules that it has imported and names on standard error."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(SRC), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, set(done.stderr.splitlines())


@pytest.mark.parametrize("arguments", [[], *([name] for name in SUBCOMMANDS)])
def test_help_needs_no_sdk(arguments: list[str]) -> None:
    """The help of all and of each subcommand is there without the SDK, HTTP, websockets or drawing."""
    said, modules = _imported(_CALL, *arguments, "--help")
    assert said.startswith("Usage: studio-setup")
    assert modules & _HEAVY == set()


@pytest.mark.parametrize(
    ("words", "at", "expected"), [("studio-setup ", "1", "status"), ("studio-setup run --", "2", "--script")]
)
def test_completion_needs_no_sdk(words: str, at: str, expected: str) -> None:
    """Nor does what a shell asks for at every press of Tab."""
    asked = {"_STUDIO_SETUP_COMPLETE": "zsh_complete", "COMP_WORDS": words, "COMP_CWORD": at}
    said, modules = _imported(_CALL, **asked)
    assert expected in said.splitlines()
    assert modules & _HEAVY == set()


def test_the_help_of_all_imports_no_subcommand() -> None:
    """So it is as quick with any number of them."""
    _, modules = _imported(_CALL, "--help")
    assert modules & {f"studio_setup_cli.{name}" for name in [*SUBCOMMANDS, "try_"]} == set()


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_the_summary_of_a_subcommand_is_the_beginning_of_its_own_help(name: str) -> None:
    """It stands in two places, because the help of all does not look into the subcommands."""
    context = click.Context(cli)
    assert cli.list_commands(context) == SUBCOMMANDS
    listed = cli.get_command(context, name)
    _, command, others = cli.resolve_command(context, [name, "--json"])
    assert listed is not None
    assert command is not None
    assert (command.name, others) == (name, ["--json"])
    assert str(command.help).startswith(str(listed.short_help).rstrip("."))


def test_the_function_does_without_the_python_api() -> None:
    """A cold start does not pay for what others use."""
    _, modules = _imported("import sys, studio_setup.handler; print(*sys.modules, sep='\\n', file=sys.stderr)")
    assert {name for name in modules if name.startswith("studio_setup.api")} == set()


def test_the_function_imports_no_more_of_the_sdk_than_its_core() -> None:
    """Nor for what boto3 puts around botocore: uploads, resources, and the pools of processes that they want."""
    _, modules = _imported("import sys, studio_setup.handler; print(*sys.modules, sep='\\n', file=sys.stderr)")
    assert modules & {"boto3", "s3transfer", "multiprocessing"} == set()
    assert "botocore" in modules


def test_the_package_offers_what_it_has_not_imported_yet() -> None:
    """Every public name can be completed and had; any other is missing as usual."""
    assert set(studio_setup.__all__) <= set(dir(studio_setup))
    assert all(getattr(studio_setup, name) is not None for name in studio_setup.__all__)
    with pytest.raises(AttributeError, match="module 'studio_setup' has no attribute 'nothing'"):
        _ = studio_setup.nothing  # type: ignore[attr-defined]
