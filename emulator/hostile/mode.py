"""One way to misbehave, as a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emulator.hostile.exchange import Exchange
from emulator.hostile.polite import Step

Behaviour = Callable[[Exchange], None]


@dataclass(frozen=True, slots=True)
class Mode:
    """A name, one sentence, and what happens at these steps instead of what should."""

    name: str
    what: str
    behaviours: tuple[tuple[tuple[Step, ...], Behaviour], ...]

    def behaviour_at(self, step: Step) -> Behaviour | None:
        """What happens at a step; None where this mode behaves well."""
        return next((behaviour for steps, behaviour in self.behaviours if step in steps), None)


def at(*steps: Step) -> Callable[[str, str, Behaviour], Mode]:
    """Make modes that misbehave at these steps."""
    return lambda name, what, behaviour: Mode(name, what, ((steps, behaviour),))


POLITE = Mode("polite", "Every answer is what it should be.", ())
