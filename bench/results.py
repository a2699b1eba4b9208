"""All that was measured, part by part, as it is kept in `results.json` beside this module."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

RESULTS = Path(__file__).with_name("results.json")


@dataclass(frozen=True, slots=True)
class Part:
    """What one command measured: rows (as `Row.as_dict`), and what pictures are drawn from.

    `measured_at`: ISO 8601, to the minute, in UTC.
    """

    command: str
    measured_at: str
    cores: int
    rows: list[dict[str, Any]]
    pictures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Results:
    """Name → part, in the order in which they are measured."""

    parts: dict[str, Part]

    @classmethod
    def load(cls, path: Path = RESULTS) -> Self:
        """What was measured so far; nothing if there is no such file."""
        if not path.exists():
            return cls({})
        table = json.loads(path.read_text(encoding="utf-8"))
        return cls({name: Part(**part) for name, part in table.items()})

    def save(self, order: Iterable[str], path: Path = RESULTS) -> None:
        """Write the parts in that order, a row or a picture a line."""
        parts = [f"{_json(name)}: {_text(self.parts[name])}" for name in order if name in self.parts]
        path.write_text("{" + ",\n".join(parts) + "}\n", encoding="utf-8")

    def value(self, part: str, name: str) -> float | None:
        """The median of a row, by its part and the beginning of its name; None if it was never measured."""
        rows = self.parts[part].rows if part in self.parts else []
        found = (row["value"]["median"] for row in rows if row["name"].startswith(name))
        return next((float(value) for value in found), None)

    def picture(self, name: str) -> Any:  # noqa: ANN401 (JSON)
        """What a picture is drawn from; None if it was never measured."""
        return next((part.pictures[name] for part in self.parts.values() if name in part.pictures), None)


def _text(part: Part) -> str:
    rows = ",\n  ".join(map(_json, part.rows))
    pictures = ",\n  ".join(f"{_json(name)}: {_json(data)}" for name, data in part.pictures.items())
    head = {name: value for name, value in asdict(part).items() if name not in {"rows", "pictures"}}
    return f'{_json(head)[:-1]},\n "rows": [\n  {rows}],\n "pictures": {{\n  {pictures}}}}}'


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
