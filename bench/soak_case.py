"""A setup of the soak test and its expected result: pure, and the same for the same seed."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import Any

from bench.soak_neighbours import NEIGHBOURS
from studio_setup.model.outcomes import Outcome
from studio_setup.model.setup import Command

FAULTS = {
    "none": 40,
    "dropped sockets": 20,
    "killed invocation": 14,
    "duplicate event": 10,
    "throttled API": 8,
    "killed Jupyter": 3,
    "all at once": 5,
    "hostile neighbour": 20,
}
_STATUSES = (1, 2, 9, 126, 127, 130, 137, 143, 255)
_OPERATIONS = ("DescribeDomain", "DescribeApp", "CreatePresignedDomainUrl")
# Roughly the time that a setup takes besides its commands; no fault is to happen after its end.
_OWN_SECONDS = 0.6
# Output that could be mistaken for a prompt, an answer or a typed line; for bash's `$'…'`.
_TEXTS = (
    "a line of an installation that goes well",
    "bash-4.2$ ",
    "sagemaker-user@default:~$ ",
    "root@host:/# exit 0",
    "<0123456789abcdef:7:0:follow over 0 - 1.00 2.00 0 >",
    "<$nonce:$sn:$?:$answer>",
    "sn=3 answer=; finish 0123456789ab succeeded 0123456789ab",
    r"\033[32m 42 %\r\033]0;title\007\033[0m",
    r"\377\376\001\002 not text at all",
)


@dataclass(frozen=True)
class Step:
    """One command: its duration, output and exit status, and whether the setup goes on if it fails."""

    name: str
    exit_status: int
    seconds: float
    text: str
    output_bytes: int
    has_lines: bool
    go_on_after_failure: bool

    def script(self, case_number: int) -> str:
        """The bash script; it writes a line into the setup's own file at its beginning and end."""
        effects = f"~/effects/{case_number}"
        lines = "" if self.has_lines else " | tr -d '\\n'"
        return (
            f"echo begin {self.name} >>{effects}\nsleep {self.seconds:.3f}\n"
            f"yes $'{self.text}'{lines} | head -c {self.output_bytes}\n"
            f"echo end {self.name} >>{effects}\nexit {self.exit_status}\n"
        )


@dataclass(frozen=True)
class Case:
    """One setup: its commands, and the faults with their times in seconds.

    `kills`: for each, an invocation is killed that long after its start; one more follows, which is not killed.
    `duplicate`: how long after the last invocation one more begins, if any.
    `neighbour`: the name of the one who misbehaves meanwhile; empty for nobody.
    """

    number: int
    fault: str
    steps: tuple[Step, ...]
    drops: tuple[float, ...] = ()
    kills: tuple[float, ...] = ()
    duplicate: float | None = None
    jupyter_kill: float | None = None
    throttled: tuple[tuple[str, int], ...] = ()
    neighbour: str = ""

    @property
    def commands(self) -> list[dict[str, Any]]:
        """The commands as JSON types."""
        return [
            asdict(Command(step.name, step.script(self.number), 60, step.go_on_after_failure)) for step in self.steps
        ]

    @property
    def reached(self) -> tuple[Step, ...]:
        """The steps up to the one that ends the setup."""
        last = (at for at, step in enumerate(self.steps, 1) if step.exit_status and not step.go_on_after_failure)
        return self.steps[: next(last, len(self.steps))]

    @property
    def outcome(self) -> Outcome:
        """The expected outcome."""
        return Outcome.FAILED if any(step.exit_status for step in self.reached) else Outcome.SUCCEEDED

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes that its reports may have: what the commands come to, or what a neighbour can make of it."""
        own = ("command-failed",) if self.outcome is Outcome.FAILED else ("succeeded", "already-set-up")
        return own + (NEIGHBOURS[self.neighbour].codes if self.neighbour else ())

    @property
    def effects(self) -> list[str]:
        """The expected content of the setup's own file."""
        return [f"{when} {step.name}" for step in self.reached for when in ("begin", "end")]


def draw(seed: int, number: int) -> Case:
    """The setup with that number."""
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 (no secret)
    fault = chance.choices(list(FAULTS), list(FAULTS.values()))[0]
    steps = tuple(_step(chance, f"step-{at}") for at in range(1, chance.choice((3, 4))))
    span = _OWN_SECONDS + sum(step.seconds for step in steps)
    every = fault == "all at once"

    def moments(times: int) -> tuple[float, ...]:
        return tuple(sorted(chance.uniform(0, span) for _ in range(times)))

    return Case(
        number,
        fault,
        steps,
        drops=moments(chance.randint(1, 3)) if every or fault == "dropped sockets" else (),
        kills=moments(chance.choice((1, 1, 2))) if every or fault == "killed invocation" else (),
        duplicate=chance.choice((0.0, chance.uniform(0, span))) if every or fault == "duplicate event" else None,
        jupyter_kill=moments(1)[0] if fault == "killed Jupyter" else None,
        throttled=tuple((name, chance.randint(1, 2)) for name in chance.sample(_OPERATIONS, chance.randint(1, 3)))
        if every or fault == "throttled API"
        else (),
        neighbour=chance.choice(list(NEIGHBOURS)) if fault == "hostile neighbour" else "",
    )


def _step(chance: random.Random, name: str) -> Step:
    most_bytes = chance.choices((0, 2_000, 70_000, 400_000), (30, 40, 20, 10))[0]
    return Step(
        name=name,
        exit_status=chance.choice(_STATUSES) if chance.random() < 0.15 else 0,
        seconds=chance.uniform(0, 0.3),
        text=chance.choice(_TEXTS),
        output_bytes=chance.randint(0, most_bytes),
        has_lines=chance.random() < 0.8,
        go_on_after_failure=chance.random() < 0.3,
    )


def wrong_outcomes(case: Case, results: list[dict[str, Any]], kills: int, over: str) -> list[str]:
    """What is wrong with the reports of a setup's invocations, and with the outcome that the app keeps."""
    wrong = [fault for result in results for fault in _wrong_report(case, result, is_first=len(results) + kills == 1)]
    if over.partition(" ")[0] != case.outcome:
        wrong.append(f"the app keeps the outcome {over!r}, not {case.outcome}")
    reports = [result["report"] for result in results if not result["error"]]
    new = [report for report in reports if report["outcome"] != Outcome.SKIPPED and not report["repeated"]]
    # A killed invocation may have finished the run without reporting it.
    if len(new) != 1 and not (kills and not new):
        wrong.append(f"{len(new)} reports are not marked as repeated")
    runs = {report["run_id"] for report in reports if report["outcome"] != Outcome.SKIPPED}
    return [*wrong, f"more than one run: {runs}"] if len(runs) > 1 else wrong


def _wrong_report(case: Case, result: dict[str, Any], *, is_first: bool) -> list[str]:
    if result["error"]:
        return [f"crashed: {result['error']}"]
    report = result["report"]
    if report["code"] == "already-set-up" and case.outcome == Outcome.SUCCEEDED and not is_first:
        return []
    if report["outcome"] != case.outcome:
        return [f"{report['outcome']} ({report['code']}: {report['reason']}), not {case.outcome}"]
    seen = [(one["name"], one["state"], one["exit_status"], one["output_bytes"]) for one in report["commands"]]
    expected = [(step.name, "exited", step.exit_status, step.output_bytes) for step in case.reached]
    return [] if seen == expected else [f"commands {seen}, not {expected}"]


def wrong_effects(case: Case, effects: list[str]) -> list[str]:
    """What is wrong with the effects of a setup's commands."""
    return [] if effects == case.effects else [f"effects {effects}, not {case.effects}"]
