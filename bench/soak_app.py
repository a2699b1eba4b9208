"""One app of the soak test, over all its starts: what is done to it, and what is left in it."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path
from typing import Any

from emulator.handles import AppHandle
from emulator.studio import LocalStudio

# Our shell ends by itself after a minute without a line; a terminal in which it was not running yet is deleted by the
# next setup that finds it idle for 45 seconds.
ABANDONED_SECONDS = 120.0
# The last line of a killed invocation may still be on its way to the shell.
_LAST_LINE_SECONDS = 2.0


class SoakApp:
    """A user's JupyterServer app, or the JupyterLab app of a space that the user owns."""

    def __init__(self, studio: LocalStudio, user: str, *, in_space: bool = False) -> None:
        self.starts = 0
        self.terminals_left: list[str] = []
        self.processes_left: list[str] = []
        self.abandoned_terminals = 0
        self._studio = studio
        self._user = studio.add_user_profile(user)
        self._space = studio.add_space(f"{user}-space", user) if in_space else None
        self._type = "JupyterLab" if in_space else "JupyterServer"
        self._home = studio.home_of(user, space_name=self._space)
        self._abandoned: dict[str, float] = {}
        self._overdue: set[str] = set()
        self._killed_at = -_LAST_LINE_SECONDS
        (self._home / "effects").mkdir()
        self.handle: AppHandle
        self.event: dict[str, Any]

    def start(self) -> None:
        """Start the app, and keep the event of the start."""
        self.starts += 1
        self.handle = self._studio.create_app(self._user, space_name=self._space, app_type=self._type)
        owner = {"spaceName": self._space} if self._space else {"userProfileName": self._user}
        self.event = next(
            event
            for event in reversed(self._studio.events)
            if owner.items() <= event["detail"]["requestParameters"].items()
        )
        self.handle.wait_until_in_service()

    def restart(self) -> None:
        """Restart the app, once nothing of ours is left in it."""
        self.settle()
        self.handle.delete()
        self.start()

    def look_like_a_new_start(self) -> None:
        """Delete what setups keep on the app's disk: nothing else distinguishes one start from another."""
        time.sleep(max(0.0, self._killed_at + _LAST_LINE_SECONDS - time.monotonic()))
        # The witness of the claim first: with the claim alone, an invocation that is still there would find it lost.
        shutil.rmtree(self._home / ".local" / "state" / "studio-setup", ignore_errors=True)
        if self._root.exists():
            old = self._root.rename(self._root.with_name("studio-setup-before"))
            shutil.rmtree(old)

    def effects(self, number: int) -> list[str]:
        """The lines that the commands of a setup have written."""
        path = self._home / "effects" / str(number)
        return path.read_text().splitlines() if path.exists() else []

    def over(self, run_id: str = "") -> str:
        """The outcome that the app keeps of a run, by default that with the claim, and the attempt that set it."""
        try:
            run_id = run_id or next(self._root.glob("claim.*")).read_text().split()[0]
            return str((self._root / run_id / "over").readlink())
        except (FileNotFoundError, StopIteration):
            return ""

    def kill_jupyter(self) -> None:
        """Kill the Jupyter server with SIGKILL; it is restarted."""
        self.handle.kill_jupyter(signal.SIGKILL)

    def invocation_killed(self) -> None:
        """Note that an invocation for this app was killed."""
        self._killed_at = time.monotonic()

    def look_at_terminals(self, killed_invocations: int) -> None:
        """Check after a setup: each killed invocation may have left one terminal open, for a limited time."""
        listed = self._listed()
        new = sorted(listed - self._abandoned.keys())
        self.terminals_left += new[killed_invocations:]
        self.abandoned_terminals += len(new[:killed_invocations])
        now = time.monotonic()
        self._abandoned = {name: self._abandoned.get(name, now) for name in listed}
        self._note_overdue()

    def settle(self) -> None:
        """Wait until every abandoned terminal and every process has ended, or should have ended."""
        while self._abandoned and self._youngest_seconds() <= ABANDONED_SECONDS:
            time.sleep(0.5)
            listed = self._listed()
            self._abandoned = {name: since for name, since in self._abandoned.items() if name in listed}
        self._note_overdue()
        self.let_processes_end()

    def let_processes_end(self) -> None:
        """Wait until every process besides server and terminals has ended; what has not in ten seconds is left."""
        give_up = time.monotonic() + 10
        while (left := self._others()) and time.monotonic() < give_up:
            time.sleep(0.1)
        self.processes_left += left

    @property
    def _root(self) -> Path:
        return self.handle.tmp / "studio-setup"

    def _listed(self) -> set[str]:
        self.handle.wait_until_ready()
        return {name for name in self.handle.terminals() if name.startswith("studiosetup")}

    def _youngest_seconds(self) -> float:
        return time.monotonic() - max(self._abandoned.values())

    def _note_overdue(self) -> None:
        limit = time.monotonic() - ABANDONED_SECONDS
        overdue = {name for name, since in self._abandoned.items() if since < limit} - self._overdue
        self._overdue |= overdue
        self.terminals_left += [f"{name} does not end; shells: {'; '.join(self._shells())}" for name in overdue]

    def _others(self) -> list[str]:
        """What runs besides the Jupyter server and the shells of terminals, which are counted separately."""
        return self._processes(of_terminals=False)

    def _shells(self) -> list[str]:
        return self._processes(of_terminals=True)

    def _processes(self, *, of_terminals: bool) -> list[str]:
        jupyter = self.handle.jupyter_pid
        seen = ((pid, _parent_and_line(pid)) for pid in self.handle.processes() if pid != jupyter)
        return [f"{pid} {of[1]}" for pid, of in seen if of and (of[0] == jupyter) is of_terminals]


def _parent_and_line(pid: int) -> tuple[int, str] | None:
    """The parent and command line of a process; None if it has ended."""
    folder = Path(f"/proc/{pid}")
    try:
        parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        return parent, (folder / "cmdline").read_text(errors="replace").replace("\0", " ").strip()
    except OSError:
        return None
