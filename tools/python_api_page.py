"""Writes docs/python-api.md from the signatures and docstrings of what `studio_setup` offers."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import studio_setup

_HEAD = """# The Python API

A user's terminal in three lines, in a script, a notebook or a Lambda function:

```python
import studio_setup

with studio_setup.connect("d-abcdefghijkl", user="alice") as app:
    print(app.run("pwd"))
```

[The notebook](notebook.md) shows everything at work: a command that fails, a long one that is found again after the
kernel restarted, a check over several users.

![The notebook in JupyterLab: a command in the user's app fails, and the error has its output and exit status](\
jupyterlab-notebook.png)

**A command is a process of its own.** `cd` and variables are gone with it, so give `cwd` and `env` with each call.
Standard input is empty on purpose, so that what asks a question fails instead of waiting. Standard error is merged into
the output.

**What is kept.** No terminal stays open between calls, since an open one keeps an app from shutting down when idle. The
login is kept until `close`. What a command printed, and its exit status, is kept in the app for as long as the app
runs; a job goes on when your program ends, and is found again by its `id`.

**Threads, notebooks, Lambda.** Every call blocks, and nothing is asynchronous, so it works where an event loop runs, as
in Jupyter. One object per app may be shared by several threads, which take turns. `run_many` runs a command in many
apps at once. In Lambda, give `timeout_seconds` less than the function has left, or `start` a job and `attach` to it
later.

**What it costs in permissions.** `sagemaker:DescribeDomain`, `DescribeSpace`, `DescribeApp` and
`CreatePresignedDomainUrl`. The last one logs in as the user, so whoever has it can act as that user. Importing the
package reads and calls nothing.

```python
from pathlib import Path

import studio_setup

with studio_setup.connect("d-abcdefghijkl", space="hers", region="eu-west-1") as app:
    result = app.run(Path("fix.sh"), check=False, timeout_seconds=60, on_output=print)
    print(result.exit_status, result.seconds)
    job = app.start("make all", cwd="~/project", env={"JOBS": "2"})

# Later, in any process:
with studio_setup.connect("d-abcdefghijkl", space="hers") as app:
    print(app.attach(job.id).wait(timeout_seconds=3600))
```

In many apps at once:

```python
import studio_setup

apps = [studio_setup.connect("d-abcdefghijkl", user=user) for user in ("alice", "bob")]
for one in studio_setup.run_many(apps, "pip --version", max_concurrency=5, timeout_seconds=60):
    print(one.app.label, one.result or one.error)
```

Every error is a `SetupError`, and its text says what to do. [Outcomes and codes](outcomes.md) lists the codes. A result
shows itself in a notebook with its state, exit status and time, and its output folded in.

The rest of this page is generated from the docstrings by `make docs-refresh`; a test checks that it is up to date.
"""
_LINE_CHARACTERS = 88
_MAGIC = re.compile(r"__\w+__")
_SECTION = re.compile(r"^(Raises|Args|Attributes):$", re.MULTILINE)


def public_names() -> dict[str, Any]:
    """Every name that the package offers, but its version, with what it stands for."""
    return {name: getattr(studio_setup, name) for name in studio_setup.__all__ if not _MAGIC.fullmatch(name)}


def members(cls: type) -> dict[str, Any]:
    """The public methods and properties that a class defines itself; an enumeration's are its values."""
    if issubclass(cls, enum.Enum):
        return {}
    return {
        name: value
        for name, value in vars(cls).items()
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property))
    }


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(f"\n{part}\n" for name, value in public_names().items() for part in _parts(name, value))


def _parts(name: str, value: Any) -> Iterator[str]:  # noqa: ANN401 (whatever is offered)
    yield f"## {name}"
    if not inspect.isclass(value):
        yield _signature(name, value)
        yield _text(value)
        return
    if dataclasses.is_dataclass(value):
        yield _code("\n".join([f"class {name}:", *(f"    {_field(one)}" for one in dataclasses.fields(value))]))
    elif issubclass(value, Exception):
        yield f"An error: a subclass of `{inspect.getmro(value)[1].__name__}`."
    yield _text(value)
    if issubclass(value, enum.Enum):
        yield "\n".join(f"- `{one.value}`" for one in value)
    for member_name, member in members(value).items():
        yield f"### {name}.{member_name}"
        if inspect.isfunction(member):
            yield _signature(member_name, member)
        else:
            yield _code(f"{member_name}: {inspect.get_annotations(member.fget)['return']}")
        yield _text(member)


def _field(field: dataclasses.Field[Any]) -> str:
    has_default = field.default is not dataclasses.MISSING
    return f"{field.name}: {field.type}" + (f" = {_value(field.default)}" if has_default else "")


def _signature(name: str, function: Callable[..., Any]) -> str:
    """How it is called: on one line, or one parameter a line where that is too long."""
    signature = inspect.signature(function)
    parameters = list(_parameters(signature))
    one_line = f"{name}({', '.join(parameters)}) -> {signature.return_annotation}"
    if len(one_line) <= _LINE_CHARACTERS:
        return _code(one_line)
    lines = "".join(f"    {one},\n" for one in parameters)
    return _code(f"{name}(\n{lines}) -> {signature.return_annotation}")


def _parameters(signature: inspect.Signature) -> Iterator[str]:
    """The parameters as they are written, with the star before those that are given by name alone."""
    starred = False
    for one in signature.parameters.values():
        if one.name == "self":
            continue
        if one.kind is one.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        stars = "**" if one.kind is one.VAR_KEYWORD else ""
        default = "" if one.default is one.empty else f" = {_value(one.default)}"
        yield f"{stars}{one.name}: {one.annotation}{default}"


def _value(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _code(text: str) -> str:
    return f"```text\n{text}\n```"


def _text(value: Any) -> str:  # noqa: ANN401 (the same)
    """The docstring, with each line of a section such as `Raises:` as an item of a list."""
    text, *sections = _SECTION.split(inspect.getdoc(value) or "")
    pairs = zip(sections[::2], sections[1::2], strict=True)
    return "\n\n".join([text.strip(), *(f"{title}:\n\n{_items(body)}" for title, body in pairs)])


def _items(body: str) -> str:
    """A section's entries; a line that is indented further goes on with the one before."""
    entries = re.sub(r"\n {5,}", " ", body.strip("\n")).strip().splitlines()
    return "\n".join(re.sub(r"^([\w, ]+):", r"- \1:", entry.strip()) for entry in entries)
