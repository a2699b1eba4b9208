"""A change is checked by the same programs everywhere: by `make`, before a commit, and on GitHub."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A program of ours with its subcommand, if it has one; options and files vary.
_PROGRAM = re.compile(r"(?:^| )(\.venvs?/\S+(?: [a-z]+(?![^ ]))?)")
_PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*")


def _programs(commands: Iterable[str]) -> list[str]:
    found = [(command, _PROGRAM.search(command)) for command in commands]
    assert [command for command, program in found if program is None] == []
    return sorted(program[1] for _, program in found if program)


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_a_commit_is_checked_by_what_make_lint_runs() -> None:
    """The hooks of .pre-commit-config.yaml call the programs of `make lint`, all of them and no others."""
    # READY= leaves out what would install the programs.
    lint = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "READY=", "lint"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    hooks = re.findall(r"^ +entry: (.+)$", _read(".pre-commit-config.yaml"), re.MULTILINE)
    assert _programs(hooks) == _programs(lint.stdout.splitlines())


def test_github_runs_make_test_and_may_only_read() -> None:
    """The workflow ends in `make test`, as a developer runs it, and its token can change nothing."""
    workflow = _read(".github/workflows/ci.yml")
    assert re.fullmatch(r" +- run: .* \.ci/run", workflow.splitlines()[-1])
    assert _read(".ci/run").splitlines()[-1] == "exec make test"
    assert re.findall(r"^ *permissions:\n((?:  .+\n)+)", workflow, re.MULTILINE) == ["  contents: read\n"]


def test_actions_are_pinned() -> None:
    """Each action is the commit that was looked at, whatever becomes of its tags."""
    workflows = [path.read_text(encoding="utf-8") for path in (ROOT / ".github" / "workflows").iterdir()]
    used = re.findall(r"uses: (.+)", "\n".join(workflows))
    assert used
    assert [action for action in used if not _PINNED.fullmatch(action)] == []
