"""docs/performance.md, from bench/results.json; the page itself says how it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.__main__ import PARTS
from bench.results import Part, Results
from bench.table import Measured, Row

_HEAD = """# Performance

What was measured, beside what one would pick instead or what cannot be undercut, side by side on the same machine. Only
the ratios mean anything on another one. A value is a median; in brackets are the quartiles and how often it was
measured. A target is about the ratio, or about the value if nothing stands beside it. `make bench` measures everything
and fails if a target is missed, unless the reason stands beside the number. "Delay" is from the moment an app is in
service to its first command.

This page is generated from `bench/results.json`, and a test checks that it is what the file says:

<!-- not run: it takes many minutes -->
```sh
make bench                                                  # everything, about ten minutes on two quiet cores
PYTHONPATH=src:. .venv/bin/python -m bench storm money      # some parts; the others stay as they were
make docs-refresh                                           # this page alone, and the other generated ones
```
"""


@dataclass(frozen=True, slots=True)
class About:
    """A part's heading, what is to be known about it, its picture in docs/plots and what is seen on it."""

    heading: str
    text: str
    picture: str = ""
    seen: str = ""


_ABOUT = {
    "engine": About("The engine", "Commands and whole setups in a real Jupyter server behind a local front door."),
    "by_hand": About("The command line", "Whole processes."),
    "cold_start": About(
        "A cold start", "The built bundle under Lambda's own runtime client, without what an empty function takes."
    ),
    "bundle": About("The bundle", "What Lambda has to fetch before a cold start."),
    "one_setup": About(
        "One setup, step by step",
        "From the engine's own log lines, in an app that is in service.",
        "steps.svg",
        "A setup step by step",
    ),
    "first_command": About(
        "From an app that answers to its first command",
        """The engine's own waiting code with a clock that is only counted, for every start-up of 30 to 240 seconds
alike; login, terminal and shell are added as measured above, without the network between Lambda and Studio.""",
    ),
    "run_many": About("`run` in many apps at once", "What the command line does for an operator."),
    "fleet": About("`status` of a large fleet", "What the command line asks AWS, and what it does besides."),
    "storm": About(
        "Many setups at the same moment",
        """Real setups, each an invocation in a process of its own, and an API that refuses what is more than 20 calls
a second. That rate is an assumption: AWS publishes none.""",
        "latency.svg",
        "How long setups take that begin at the same moment",
    ),
    "simulation": About(
        "Thousands of app starts",
        """Simulated: the engine's own pauses, Lambda's documented concurrency (1,000) and retries, an API of 20 calls
a second, start-ups evenly from 30 to 240 seconds, setups of 20 seconds. How long an event is on its way is not known;
here it takes no time, so the function waits for longest. That Lambda tries less often while many events wait in its
queue is documented, but not by how much: it is left out. The bound is the later of two moments: when the last one would
be set up with nothing in the way, and when the API has accepted the calls that cannot be left out. Bursts as in the
storm are simulated too, beside what was measured there.""",
        "queue.svg",
        "10,000 starts in ten minutes: what waits, what runs, what is set up",
    ),
    "money": About(
        "Money",
        """From the measured CPU time and log, and AWS's list prices without the free tiers: `bench/prices.json` has
them with their date and sources.""",
        "cost.svg",
        "What 1,000 starts cost, by start-up time and memory",
    ),
}
_DESIGNS = """
What was compared, each by the same simulation:

- **waiting inside**: the function waits for the app. This is what Studio Setup does.
- **a learned first wait**: it looks once, and then not before one start-up in ten would be over.
- **handing back to a queue**: it looks once, and puts the event into a queue for as long as it would have waited.
- **one waiter per domain**: one function lists the domain's apps page by page, the newest first, and starts a function
  for each app that is in service.
- **waiting inside, `ReservedConcurrency=…`**: the first one, with so many functions at once at most. Events that wait
  in Lambda's queue for more than two hours are given up: their starts are in the failure queue.

A learned first wait saves some calls and with them some of the delay. Handing back saves most of the seconds that are
billed, which are cheap, but not the calls, which are short. A waiter that asks about a hundred apps in one call needs a
fraction of the calls and of the seconds, and the delay is a fraction too as long as the API can take the calls that
each setup needs. Where it cannot, the last one is not set up sooner, and all starts of a domain depend on one function
that must not end. So the rule invokes the function directly. A low `ReservedConcurrency` is worse than none: events
wait in Lambda's queue for longer than the function would have to, and some of them for too long.
"""
_DESIGN_COLUMNS = (
    "| Way to wait | The last one after | Given up | Delay, median | Calls a start | Billed a start"
    " | US$ per 1,000, without the log |\n|---|---|---|---|---|---|---|\n"
)
_COLUMNS = "| What | Measured | Beside it | Ratio | Target | |\n|---|---|---|---|---|---|\n"


def page() -> str:
    """The whole page."""
    return page_of(Results.load())


def page_of(results: Results) -> str:
    """The page of these results."""
    return _HEAD + "".join(_section(name, results.parts[name]) for name in PARTS if name in results.parts)


def _section(name: str, part: Part) -> str:
    about = _ABOUT[name]
    cores = f"{part.cores} core{'s' if part.cores != 1 else ''}"
    text = f"\n## {about.heading}\n\n{about.text}\n\n"
    text += f"Measured on {cores}, at {part.measured_at}: `{part.command}`\n\n"
    text += _COLUMNS + "".join(map(_row, part.rows))
    text += f"\n![{about.seen}](plots/{about.picture})\n" if about.picture else ""
    compared = {key: data for key, data in part.pictures.items() if key.startswith("designs, ")}
    return text + (_DESIGNS if compared else "") + "".join(_comparison(*one) for one in compared.items())


def _row(fields: dict[str, Any]) -> str:
    row = row_of(fields)
    beside = f"{row.beside}: {row.beside_value}" if row.beside_value else ""
    unit = f" {row.unit}" if row.unit else ""
    cells = [
        row.name,
        f"{row.value}{unit}",
        f"{beside}{unit}" if beside else "",
        "" if row.ratio is None else f"{row.ratio:.2f}",
        "" if row.target is None else f"≤ {row.target:g}",
        _verdict(row),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _verdict(row: Row) -> str:
    if row.target is None:
        return ""
    return "met" if row.is_met else f"missed: {row.reason or 'no reason is known'}"


def row_of(fields: dict[str, Any]) -> Row:
    """The row that `Row.as_dict` has made these fields of."""
    beside_value = fields["beside_value"]
    return Row(
        name=fields["name"],
        value=Measured(**fields["value"]),
        unit=fields["unit"],
        target=fields["target"],
        beside=fields["beside"],
        beside_value=Measured(**beside_value) if beside_value else None,
        reason=fields["reason"],
    )


def _comparison(key: str, compared: dict[str, Any]) -> str:
    name = key.removeprefix("designs, ")
    first = compared["used_up_first"]
    head = f"\n### {name}\n\nUsed up first, by the function that waits inside: {first}.\n\n{_DESIGN_COLUMNS}"
    return head + "".join(_design(one) for one in compared["designs"])


def _design(one: dict[str, Any]) -> str:
    return (
        f"| {one['design']} | {one['last_set_up_at']:,.0f} s | {one['given_up']} | {one['median_delay']:.1f} s"
        f" | {one['calls']:.1f} | {one['billed_seconds']:.0f} s | {one['usd_per_thousand']:.2f} |\n"
    )
