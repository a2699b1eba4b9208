"""What only a mutation of the code, or a generated stream, has shown to be untested."""

from __future__ import annotations

from studio_setup.remote_run import RemoteRuns
from tests.unit.machines import Machine


def test_a_start_that_is_typed_twice_at_once_starts_once(machine: Machine) -> None:
    """A line typed again before its command's keeper is there leaves the command its script."""
    with machine.own_shell() as shell:
        runs = RemoteRuns.prepare(shell)
        runs.open_run("run", "digest")
        for number in range(10):
            start = f"start run c{number} 60"
            shell.run(f"{start}; {start}", text="echo once; exit 7")
            progress = runs.follow("run", f"c{number}", 0, 100)
            while progress.state in {"none", "running"}:
                progress = runs.follow("run", f"c{number}", 0, 100)
            assert (progress.state, progress.exit_status, progress.output) == ("over", 7, b"once\n")
