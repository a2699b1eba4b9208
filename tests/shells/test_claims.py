"""Claims and verdicts of runs, kept by remote.sh on real shells."""

from __future__ import annotations

import threading

import pytest

from studio_setup.model.errors import RunLost
from studio_setup.runs.remote_runs import Claim, RemoteRuns, Start
from tests.support.machines import Machine
from tests.support.remote_commands import LIMIT_SECONDS, RUN, follow, start, until


def test_the_first_claim_holds(runs: RemoteRuns) -> None:
    """An app start belongs to the first run that claims it; the others learn which run that is."""
    assert runs.claim("aaa", "version1", force=False) == Claim("aaa", "version1", "")
    assert runs.claim("aaa", "version1", force=False) == Claim("aaa", "version1", "")
    assert runs.claim("bbb", "version2", force=False) == Claim("aaa", "version1", "")


def test_a_claim_has_a_verdict_when_the_run_is_over(runs: RemoteRuns) -> None:
    """A later claim learns the verdict of the run that holds it, and does not replace it."""
    runs.claim("aaa", "version1", force=False)
    assert runs.finish("aaa", "succeeded", "aaa")
    assert runs.claim("bbb", "version2", force=False) == Claim("aaa", "version1", "succeeded")


def test_force_replaces_only_the_claim_of_a_run_that_is_over(runs: RemoteRuns) -> None:
    """A run that is under way keeps its claim; that of a run that is over is replaced once."""
    runs.claim("aaa", "version1", force=False)
    assert runs.claim("bbb", "version2", force=True) == Claim("aaa", "version1", "")
    runs.finish("aaa", "timed_out", "aaa")
    assert runs.claim("bbb", "version2", force=True) == Claim("bbb", "version2", "")
    assert runs.claim("ccc", "version3", force=True) == Claim("bbb", "version2", "")
    assert runs.claim("aaa", "version1", force=False) == Claim("bbb", "version2", "")


def test_force_replaces_the_claim_of_a_run_that_was_stopped(machine: Machine) -> None:
    """A run that somebody interrupted has no verdict and never will; it is over when its commands have ended."""
    with machine.switched_off_after(), machine.runs(PATH=machine.hasty_path) as runs:
        runs.claim(RUN, "version1", force=False)
        start(runs, "one", "true")
        assert follow(runs, "one").state == "over"
        assert runs.claim("bbb", "version2", force=True).run_id == RUN, "an attempt may be between two commands"
        start(runs, "two", "sleep 60")
        assert until(lambda: runs.follow(RUN, "two", 0, 0).state == "running")
        runs.stop(RUN, "two")
        assert follow(runs, "two").ended == "stopped"
        start(runs, "three", "until [ -e ~/go ]; do sleep 0.01; done")
        assert until(lambda: runs.follow(RUN, "three", 0, 0).state == "running")
        assert runs.claim("bbb", "version2", force=True).run_id == RUN, "an attempt has gone on to the next command"
        (machine.home / "go").touch()
        assert follow(runs, "three").state == "over"
        assert runs.claim("bbb", "version2", force=False).run_id == RUN, "nobody forced it"
        assert until(lambda: runs.claim("bbb", "version2", force=True) == Claim("bbb", "version2", ""))


def test_force_replaces_the_claim_of_a_run_that_was_interrupted_before_it_started_anything(runs: RemoteRuns) -> None:
    """Nobody goes on with it; whoever had joined it meanwhile starts nothing more."""
    runs.claim("aaa", "version1", force=False)
    runs.interrupt("aaa")
    assert runs.claim("bbb", "version2", force=False) == Claim("aaa", "version1", ""), "nobody forced it"
    assert runs.claim("bbb", "version2", force=True) == Claim("bbb", "version2", "")
    with pytest.raises(RunLost):
        runs.follow("aaa", "one", 0, 0, Start("echo >>~/effect", 10))


def test_a_run_that_somebody_goes_on_with_is_not_interrupted_any_more(runs: RemoteRuns) -> None:
    """Force does not replace its claim between two commands; a run that is not there cannot be interrupted."""
    runs.claim(RUN, "version1", force=False)
    runs.interrupt(RUN)
    start(runs, "one", "true")
    assert follow(runs, "one").state == "over"
    runs.interrupt("bbb")
    assert runs.claim("bbb", "version2", force=True) == Claim(RUN, "version1", "")


def test_of_several_claims_at_once_one_holds(machine: Machine) -> None:
    """Claims that are made at the same moment, over different terminals, all learn of the same run."""
    claims: list[str] = []
    together = threading.Barrier(3, timeout=LIMIT_SECONDS)

    def claim(run_id: str) -> None:
        with machine.runs() as runs:
            together.wait()
            claims.append(runs.claim(run_id, "version", force=False).run_id)

    threads = [threading.Thread(target=claim, args=[name]) for name in ("aaa", "bbb", "ccc")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claims) == 3
    assert len(set(claims)) == 1


def test_an_ad_hoc_run_claims_nothing(runs: RemoteRuns) -> None:
    """A run that was only opened does not keep a setup from claiming the app start."""
    assert runs.has(RUN)
    assert not runs.has("never-opened")
    assert runs.claim("aaa", "version1", force=False) == Claim("aaa", "version1", "")


def test_the_first_verdict_stands(runs: RemoteRuns) -> None:
    """Of several attempts that finish a run, the first gives the verdict, and learns so however often it asks."""
    assert runs.finish(RUN, "failed", "first")
    assert not runs.finish(RUN, "succeeded", "second")
    assert runs.finish(RUN, "failed", "first")
    runs.claim("aaa", "version1", force=False)
    runs.finish("aaa", "failed", "first")
    runs.finish("aaa", "succeeded", "second")
    assert runs.claim("bbb", "version2", force=False).verdict == "failed"
