"""The Python API is documented: each public name has a docstring, types, and a place on docs/python-api.md."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import studio_setup
from tools.python_api_page import members, page, public_names

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SIGNATURES = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What the README's excerpt of a setup has around it.
_AROUND = "from pathlib import Path\n\nfrom studio_setup import *\n\n_HERE = Path()\n\n"


def _everything() -> Iterator[tuple[str, Any]]:
    """Every public name with its public members."""
    for name, value in public_names().items():
        yield name, value
        if inspect.isclass(value):
            yield from ((f"{name}.{member}", one) for member, one in members(value).items())


def _is_typed(value: Any) -> bool:  # noqa: ANN401 (whatever is offered)
    if inspect.isclass(value):
        return True
    getter: Any = value.fget if isinstance(value, property) else value
    signature = inspect.signature(getter)
    kinds = [one.annotation for name, one in signature.parameters.items() if name != "self"]
    return inspect.Signature.empty not in (*kinds, signature.return_annotation)


def _promise(value: Any) -> str:  # noqa: ANN401 (the same)
    """The docstring, unless it is one that Python has made up or that is inherited."""
    text = (vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__) or ""
    made_up = dataclasses.is_dataclass(value) and text.startswith(f"{getattr(value, '__name__', '')}(")
    return "" if made_up else text


def test_long_signatures_are_broken_over_lines() -> None:
    """Where a signature is too long to be read without scrolling, each parameter has a line of its own."""
    generated = page()[page().index("\n## ") :]
    lines = [line for block in _SIGNATURES.findall(generated) for line in block.splitlines()]
    assert [line for line in lines if len(line) > 88] == []
    assert {"    timeout_seconds: int = 900,", "    *,", ") -> Result", "attach(job_id: str) -> Job"} <= set(lines)


def test_every_public_name_has_a_docstring_and_types() -> None:
    """No name of `__all__`, and no public member of one, lacks a docstring or an annotation."""
    everything = dict(_everything())
    assert {"connect", "ConnectedApp.run", "Result.succeeded"} <= everything.keys()
    assert [name for name, value in everything.items() if not _promise(value)] == []
    assert [name for name, value in everything.items() if not _is_typed(value)] == []


def test_every_public_name_is_on_the_page() -> None:
    """Each has a heading of its own."""
    headings = {line.lstrip("# ") for line in page().splitlines() if line.startswith("##")}
    assert {name for name, _ in _everything()} == headings


def test_nothing_else_is_offered() -> None:
    """What can be imported from the package is listed in `__all__`, but for its own modules."""
    names = {name for name in dir(studio_setup) if not name.startswith("_")}
    assert {name for name in names if not inspect.ismodule(getattr(studio_setup, name))} == set(public_names())


def _examples() -> Iterator[tuple[str, str]]:
    """The Python in README.md, docs and the notebook, by a name for each."""
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    for path in documents:
        if path.name == "notebook.md":  # its cells are parts of one program, which follows below
            continue
        for number, code in enumerate(_BLOCK.findall(path.read_text(encoding="utf-8")), 1):
            yield f"{path.stem.lower().replace('-', '_')}_{number}", _AROUND + code
    notebook = json.loads((ROOT / "examples" / "remote_terminal.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    yield "notebook", "\n\n".join(cells)


def test_the_examples_are_typed(tmp_path: Path) -> None:
    """Mypy finds nothing wrong with the Python in README.md, docs and the notebook."""
    examples = dict(_examples())
    assert {"readme_1", "python_api_1", "python_api_2", "python_api_3", "notebook"} <= examples.keys()
    for name, code in examples.items():
        (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", *tmp_path.glob("*.py")],
        cwd=ROOT / "src",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
