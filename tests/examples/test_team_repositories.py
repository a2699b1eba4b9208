"""The example `team_repositories`: clones are there and up to date, and nothing of the user's is ever touched."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from examples.setups.team_repositories import Repository, commands
from studio_setup import BadInput
from studio_setup.model.report import SetupReport
from tests.support.disks import small_disks
from tests.support.example_services import SetUp
from tests.support.git_server import GitServer, git
from tests.support.scenario import Scenario, statuses


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """A git host with the team's repository."""
    with GitServer(tmp_path) as server:
        yield Team(server)


class Team:
    """The team's repository on a git host, and a clone of the team's own to push from."""

    def __init__(self, server: GitServer) -> None:
        self.repository = Repository(f"{server.url}/analysis.git", "team/analysis")
        self._work = server.root / "work"
        git(server.root, "init", "--quiet", "--bare", "--initial-branch=main", "analysis.git")
        git(server.root, "clone", "--quiet", "analysis.git", "work")
        (self._work / ".gitignore").write_text("*.csv\n")
        self.push("report.py", "first\n")

    def push(self, name: str, text: str) -> None:
        """Commit a file and push it."""
        (self._work / name).write_text(text)
        git(self._work, "add", "--all", "--force")
        git(self._work, "commit", "--quiet", "--message", name)
        git(self._work, "push", "--quiet", "origin", "HEAD:main")

    def set_up(self, set_up: SetUp) -> str:
        """Run the example, which must succeed; what it says."""
        report, printed = set_up(*commands([self.repository]))
        assert statuses(report) == [0], printed
        return printed


def test_a_repository_is_cloned_and_then_follows_its_source(app: Scenario, set_up: SetUp, team: Team) -> None:
    """The first run clones; the next ones bring what was pushed since; without news nothing changes."""
    clone = app.home / "team" / "analysis"
    assert "analysis: cloned, main is at" in team.set_up(set_up)
    team.push("report.py", "second\n")
    assert "analysis: main is at" in team.set_up(set_up)
    assert (clone / "report.py").read_text() == "second\n"
    before = contents(clone)
    team.set_up(set_up)
    assert contents(clone) == before


def uncommitted(clone: Path) -> None:
    """The user edits a file of the team's."""
    (clone / "report.py").write_text("mine\n")


def staged(clone: Path) -> None:
    """The user adds a file, without a commit."""
    (clone / "mine.py").write_text("mine\n")
    git(clone, "add", "mine.py")


def committed(clone: Path) -> None:
    """The user has a commit that was not pushed."""
    (clone / "mine.py").write_text("mine\n")
    git(clone, "add", "mine.py")
    git(clone, "commit", "--quiet", "--message=Mine")


def another_branch(clone: Path) -> None:
    """The user works on a branch."""
    git(clone, "switch", "--quiet", "--create", "mine")


def detached(clone: Path) -> None:
    """The user looks at an old commit."""
    git(clone, "checkout", "--quiet", "--detach")


def in_the_way(clone: Path) -> None:
    """The user has a file of the name that the team now uses."""
    (clone / "new.py").write_text("mine\n")


def ignored_in_the_way(clone: Path) -> None:
    """The user has an ignored file of the name that the team now uses, which git's merge would overwrite."""
    (clone / "new.csv").write_text("mine\n")


def another_origin(clone: Path) -> None:
    """The user has another source."""
    git(clone, "remote", "set-url", "origin", "https://git.example.com/fork.git")


def no_repository(clone: Path) -> None:
    """The user has a folder of that name, which is no clone."""
    subprocess.run(["rm", "-rf", clone / ".git"], check=True)


def locked(clone: Path) -> None:
    """A git of the user's is at work, or was killed."""
    (clone / ".git" / "index.lock").touch()


IN_THE_WAY = "a file is in the way, or another git is at work"
CHANGES: dict[Callable[[Path], None], str] = {
    uncommitted: "it has changes that are not committed",
    staged: "it has changes that are not committed",
    committed: "it has commits that origin has not",
    another_branch: "it is not on branch main",
    detached: "it is not on branch main",
    in_the_way: IN_THE_WAY,
    ignored_in_the_way: IN_THE_WAY,
    another_origin: "its origin is another",
    no_repository: "it is no git repository",
    locked: IN_THE_WAY,
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_the_user_has_changed_is_left_as_it_is(
    app: Scenario, set_up: SetUp, team: Team, change: Callable[[Path], None]
) -> None:
    """Not a byte of the user's files differs, and the output says why the clone was not updated."""
    clone = app.home / "team" / "analysis"
    team.set_up(set_up)
    change(clone)
    team.push("report.py", "second\n")
    team.push("new.py", "theirs\n")
    team.push("new.csv", "theirs\n")
    before, head = contents(clone), (clone / ".git" / "HEAD").exists() and git(clone, "rev-parse", "HEAD")
    for _ in range(2):
        assert f"left as it is, {CHANGES[change]}\n" in team.set_up(set_up)
    assert contents(clone) == before
    assert head == ((clone / ".git" / "HEAD").exists() and git(clone, "rev-parse", "HEAD"))


def test_a_source_that_is_away_fails_the_setup(app: Scenario, set_up: SetUp, team: Team) -> None:
    """One repository cannot be cloned and one cannot be updated: both are named, the third is there all the same."""
    team.set_up(set_up)
    git(app.home / "team" / "analysis", "remote", "set-url", "origin", "http://127.0.0.1:1/analysis.git")
    away = [
        Repository("http://127.0.0.1:1/other.git", "other"),
        Repository("http://127.0.0.1:1/analysis.git", "team/analysis"),
    ]
    report, printed = set_up(*commands([*away, Repository(team.repository.url, "again")]))
    assert statuses(report) == [1]
    assert "other: NOT CLONED from http://127.0.0.1:1/other.git" in printed
    assert "team/analysis: NOT UPDATED" in printed
    assert "again: cloned" in printed
    assert not (app.home / "other").exists()
    assert not (app.home / "other.cloning").exists()


def test_a_full_disk_leaves_no_half_clone(
    start_app: Callable[..., Scenario], space: object, team: Team, tmp_path: Path
) -> None:
    """Where the clone does not fit, the setup fails, and nothing of it stays."""
    folder = tmp_path / "disk"
    folder.mkdir()
    team.push("big.bin", "".join(str(number) for number in range(400_000)))
    with small_disks({folder: "size=1m"}) as disks:
        scenario = start_app(place=space, launcher=disks.enter, environment={"HOME": str(folder)})
        report: SetupReport = scenario.set_up(*commands([team.repository]), claims_start=False)
        assert statuses(report) == [1]
        assert [path.name for path in disks.inside(folder).glob("team/*")] == []


def test_values_that_cannot_be_are_refused() -> None:
    """A folder outside the home, an option in place of a branch and a space are refused before anything runs."""
    for url, folder, branch in [("u", "../up", "main"), ("u", "/tmp", "main"), ("u", "f", "--x"), ("a b", "f", "main")]:
        with pytest.raises(BadInput):
            Repository(url, folder, branch)


def contents(folder: Path) -> dict[str, bytes]:
    """The user's files, byte by byte."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }
