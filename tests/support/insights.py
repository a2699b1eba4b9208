"""Logs Insights queries, run on the lines of a log: as much of the language as the template uses, and nothing else.

No local stand-in for AWS runs such queries on JSON lines. This one follows the CloudWatch Logs user guide, "CloudWatch
Logs Insights language query syntax". In place of a time, `@timestamp` has the number of the line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

Row = dict[str, Any]
Condition = Callable[[Row], bool]
_TOKEN = re.compile(r"\s*(?:(?P<mark>[()]|=)|\[(?P<list>[^]]*)\]|'(?P<text>[^']*)'|(?P<word>@?[A-Za-z_][\w.]*))")
_CALL = re.compile(r"(?P<function>\w+)\((?P<field>[@\w.]+|\*)\) as (?P<alias>\w+)")
_AGGREGATE: dict[str, Callable[[list[Any]], Any]] = {
    "avg": lambda values: sum(values) / len(values),
    "count": len,
    "latest": lambda values: values[-1],
    "max": max,
}


class Query:
    """A query. `fields` are the fields of log lines that it names, `messages` the events that it looks for."""

    def __init__(self, text: str) -> None:
        self.fields: set[str] = set()
        self.messages: set[str] = set()
        self._aliases: set[str] = set()
        self._steps = [self._step(*command.split(" ", 1)) for command in re.split(r"\s*\|\s*", text)]

    def run(self, log: Iterable[Row]) -> list[Row]:
        """The result on these lines, oldest first."""
        rows = [{"@timestamp": number, **_flat(line)} for number, line in enumerate(log)]
        for step in self._steps:
            rows = step(rows)
        return rows

    def _step(self, command: str, rest: str) -> Callable[[list[Row]], list[Row]]:
        match command:
            case "SOURCE":
                return lambda rows: rows
            case "fields":
                self._names(rest)  # the others can still be filtered by
                return lambda rows: rows
            case "filter":
                condition = _Conditions(self, rest).parse()
                return lambda rows: [row for row in rows if condition(row)]
            case "stats":
                return self._stats(*rest.split(" by "))
            case "sort":
                name, order = rest.split(" ")
                (field,) = self._names(name)
                return lambda rows: sorted(
                    rows, key=lambda row: row[field], reverse={"asc": False, "desc": True}[order]
                )
            case "limit":
                return lambda rows: rows[: int(rest)]
        raise AssertionError(f"not a command that is known here: {command}")

    def _stats(self, calls: str, by: str) -> Callable[[list[Row]], list[Row]]:
        wanted = [re.fullmatch(_CALL, call) for call in calls.split(", ")]
        groups = self._names(by)
        for call in wanted:
            assert call, f"not a call that is known here: {calls}"
            self._names(call["field"])
            self._aliases.add(call["alias"])

        def aggregate(rows: list[Row]) -> list[Row]:
            found: dict[tuple[Any, ...], list[Row]] = {}
            for row in rows:
                found.setdefault(tuple(row.get(name) for name in groups), []).append(row)
            return [
                dict(zip(groups, key, strict=True)) | {call["alias"]: _value(call, members) for call in wanted if call}
                for key, members in found.items()
            ]

        return aggregate

    def _names(self, text: str) -> list[str]:
        names = text.split(", ")
        self.fields |= {name for name in names if name != "*" and name not in self._aliases}
        return names


class _Conditions:
    """Reads the condition of a filter: comparisons with `=` and `in`, joined with `and`, `or` and parentheses."""

    def __init__(self, query: Query, text: str) -> None:
        self._query = query
        self._tokens = list(_TOKEN.finditer(text))
        assert "".join(token[0] for token in self._tokens) == text.rstrip(), f"not a known condition: {text}"

    def parse(self) -> Condition:
        condition = self._joined("or", any, lambda: self._joined("and", all, self._comparison))
        assert not self._tokens, "text is left after the condition"
        return condition

    def _joined(self, word: str, join: Callable[[Iterable[bool]], bool], part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self._tokens and self._tokens[0]["word"] == word:
            self._tokens.pop(0)
            parts.append(part())
        return lambda row: join(condition(row) for condition in parts)

    def _comparison(self) -> Condition:
        first = self._tokens.pop(0)
        if first["mark"] == "(":
            inner = self._joined("or", any, lambda: self._joined("and", all, self._comparison))
            assert self._tokens.pop(0)["mark"] == ")"
            return inner
        operator, operand = self._tokens.pop(0), self._tokens.pop(0)
        (name,) = self._query._names(first["word"])
        assert operator[0].strip() == ("in" if operand["list"] is not None else "=")
        values = re.findall("'([^']*)'", operand["list"]) if operand["list"] is not None else [operand["text"]]
        if name == "message":
            self._query.messages |= set(values)
        return lambda row: row.get(name) in values


def _value(call: re.Match[str], rows: list[Row]) -> Any:  # noqa: ANN401 (any value of a line)
    field = call["field"]
    values = rows if field == "*" else [row[field] for row in rows if row.get(field) is not None]
    return _AGGREGATE[call["function"]](values) if values else None


def _flat(line: Row) -> Row:
    """A line's fields, and those of its objects with a dot in their names."""
    inner = {
        f"{name}.{key}": item for name, value in line.items() if isinstance(value, dict) for key, item in value.items()
    }
    return {**line, **inner}
