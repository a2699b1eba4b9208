"""Data flows one way: each part of the product imports only what is on the floors below it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house.imports import imports_of, modules_below, upward_imports

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
# From the ground. Names on one floor are neighbours that do not know each other; `studio_setup` itself offers the API.
FLOORS = (
    ("studio_setup.model",),
    ("studio_setup.terminal",),
    ("studio_setup.runs",),
    ("studio_setup.access",),
    ("studio_setup.fleet", "studio_setup.setup_run"),
    ("studio_setup.handler", "studio_setup.reconcile", "studio_setup.api"),
    ("studio_setup",),
    ("studio_setup_cli",),
)
MAY_IMPORT_SETUPS = {"studio_setup.handler"}
# Module of the outside → the modules that may use it
RESERVED = {
    "websocket": {"studio_setup.terminal.channel"},
    "time": {"studio_setup.model.deadline"},
    "boto3": {"studio_setup.api.connect", "studio_setup.reconcile"},
    "os": {"studio_setup.handler", "studio_setup.reconcile"},
    "botocore": {
        "studio_setup.access.control_plane",
        "studio_setup.api.connect",
        "studio_setup.fleet.known_claims",
        "studio_setup.handler",
        "studio_setup.reconcile",
    },
    "requests": {
        "studio_setup.access.http",
        "studio_setup.access.jupyter_server",
        "studio_setup.api.app_access",
        "studio_setup.handler",
        "studio_setup.setup_run",
    },
}
# (who, what): one import for each rule that must be found, were it there
BROKEN = [
    pytest.param("studio_setup.model.app", "from studio_setup.terminal import prompt", id="model-imports-terminal"),
    pytest.param("studio_setup.terminal.prompt", "import studio_setup.handler", id="terminal-imports-handler"),
    pytest.param(
        "studio_setup.terminal.shell", "from studio_setup.runs import remote_runs", id="terminal-imports-runs"
    ),
    pytest.param("studio_setup.runs.command_run", "from studio_setup.access import login", id="runs-imports-access"),
    pytest.param("studio_setup.access.login", "from studio_setup.setup_run import Job", id="access-imports-use-case"),
    pytest.param("studio_setup.setup_run", "import studio_setup.fleet.status", id="use-case-imports-its-neighbour"),
    pytest.param("studio_setup.fleet.survey", "from studio_setup.setup_run import Job", id="fleet-imports-neighbour"),
    pytest.param("studio_setup.setup_run", "from studio_setup import App", id="use-case-imports-the-api"),
    pytest.param("studio_setup.handler", "import studio_setup.reconcile", id="handler-imports-its-neighbour"),
    pytest.param("studio_setup.handler", "from studio_setup_cli import run", id="handler-imports-the-command-line"),
    pytest.param("studio_setup.model.app", "def f():\n    import studio_setup.handler", id="inside-a-function"),
    pytest.param(
        "studio_setup.model.app",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from studio_setup.runs.remote_runs import Start",
        id="for-types-only",
    ),
    pytest.param(
        "studio_setup.model.app", "import importlib\nimportlib.import_module('studio_setup.handler')", id="by-name"
    ),
]


@pytest.fixture(scope="module")
def product() -> dict[str, str]:
    """The product's modules with their sources."""
    return modules_below(SOURCE, "studio_setup", "studio_setup_cli")


def test_every_import_leads_to_a_lower_floor(product: dict[str, str]) -> None:
    """No module imports a higher floor or a neighbour."""
    assert upward_imports(product, FLOORS) == []


@pytest.mark.parametrize(("module", "line"), BROKEN)
def test_an_import_upward_or_sideways_is_found(product: dict[str, str], module: str, line: str) -> None:
    """Each kind of forbidden import, added to the real sources, is found, and nothing else is."""
    found = upward_imports({**product, module: f"{product[module]}\n{line}\n"}, FLOORS)
    assert {importer for importer, _ in found} == {module}


def test_imports_are_absolute(product: dict[str, str]) -> None:
    """No import is relative: what is imported can be read without knowing where the file is."""
    modules = {**product, **modules_below(SOURCE, "setups")}
    assert [module for module, text in modules.items() if any(name.startswith(".") for name in imports_of(text))] == []


def test_only_the_composition_roots_know_the_setups(product: dict[str, str]) -> None:
    """The engine is merged without touching what is set up: it is told, and never imports it."""
    importers = {module for module, text in product.items() if _imports(text, "setups")}
    assert importers == MAY_IMPORT_SETUPS


@pytest.mark.parametrize("name", RESERVED)
def test_the_outside_world_has_one_door(product: dict[str, str], name: str) -> None:
    """Sockets, clock, AWS and environment are each used in the modules meant for it and nowhere else in the engine."""
    engine = {module: text for module, text in product.items() if module.startswith("studio_setup.")}
    importers = {module for module, text in engine.items() if _imports(text, name)}
    assert importers == RESERVED[name]


@pytest.mark.parametrize(
    ("package", "unknown"),
    [
        pytest.param(
            "emulator", ("studio_setup", "studio_setup_cli", "setups", "tests", "demo", "try_setup"), id="emulator"
        ),
        pytest.param(
            "local_cloud",
            ("studio_setup", "studio_setup_cli", "setups", "tests", "emulator", "demo", "try_setup"),
            id="local-cloud",
        ),
        pytest.param("demo", ("studio_setup", "studio_setup_cli", "setups", "tests", "bench", "try_setup"), id="demo"),
    ],
)
def test_stand_ins_know_nothing_of_the_product(package: str, unknown: tuple[str, ...]) -> None:
    """What stands in for AWS is written from AWS's behaviour; the demo goes through the deployed stack."""
    modules = modules_below(ROOT, package)
    assert {module: name for module, text in modules.items() for name in unknown if _imports(text, name)} == {}


def test_the_product_knows_nothing_of_its_tests() -> None:
    """Nothing that ships imports tests, benchmarks, tools or what stands in for AWS."""
    modules = modules_below(SOURCE, "setups", "studio_setup", "studio_setup_cli")
    unknown = ("tests", "emulator", "local_cloud", "demo", "try_setup", "bench", "tools")
    assert {module: name for module, text in modules.items() for name in unknown if _imports(text, name)} == {}


def _imports(text: str, name: str) -> bool:
    return any(imported == name or imported.startswith(f"{name}.") for imported in imports_of(text))
