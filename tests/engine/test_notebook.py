"""The notebook of the examples shows what it does: it is executed on the local Studio, in two kernels."""

from __future__ import annotations

import copy
import re

from tools.notebook import NOTEBOOK, executed, read, text

_SECONDS = re.compile(r"\b\d+\.\d+ s,|\bseconds=\d+\.\d+")


def test_the_outputs_are_those_of_an_execution() -> None:
    """Executing the notebook again would change nothing but the times that commands took."""
    committed = NOTEBOOK.read_text(encoding="utf-8")
    assert _SECONDS.sub("…", text(executed(copy.deepcopy(read())))) == _SECONDS.sub("…", committed)


def test_the_second_half_runs_in_a_kernel_of_its_own() -> None:
    """Each kernel counts the cells that it executes, and the count begins again where the kernel restarts."""
    counts = [cell.execution_count for cell in read().cells if cell.cell_type == "code"]
    second = counts.index(1, 1)
    assert counts == [*range(1, second + 1), *range(1, len(counts) - second + 1)]
