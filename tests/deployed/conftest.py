"""Fixtures: the product, deployed with SAM to a cloud on this machine.

Rules for the tests that use them: loopback and free ports only; one cloud, one deployment and one Studio per test
process, and one user per test; wait for conditions, with a limit, never for a fixed time; a test that changes the
function or the stack changes it back.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.studio import LocalStudio
from local_cloud.cloud import LocalCloud
from local_cloud.sam import FUNCTION, TEMPLATE, Sam
from tests.support.deployment import STACK, Deployed, with_commands


@pytest.fixture(scope="session")
def studio() -> Iterator[LocalStudio]:
    """A Studio with one domain, whose events go nowhere by themselves."""
    with LocalStudio() as studio:
        studio.add_domain()
        yield studio


@pytest.fixture(scope="session")
def cloud(studio: LocalStudio) -> Iterator[LocalCloud]:
    """An AWS with nothing in it."""
    with LocalCloud(studio.sagemaker_endpoint) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def build(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result of `sam build`, shared by test processes that run in parallel."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "deployed" / "build"
    folder.parent.mkdir(exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / FUNCTION).exists():
            Sam(cloud).build("--template-file", TEMPLATE, "--build-dir", folder)
    return folder


@pytest.fixture(scope="session")
def deployed(cloud: LocalCloud, studio: LocalStudio, build: Path) -> Deployed:
    """The unmodified template and the built bundle, deployed as samconfig.toml says for `local`.

    The reconcile function is there too, which by itself would run a day later.
    """
    deployed = Deployed(cloud, studio, build)
    deployed.deploy(STACK, "--parameter-overrides", 'ReconcileSchedule="rate(1 day)"')
    return deployed


@pytest.fixture(autouse=True)
def _declared_lines_only(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test does, each line that the function logs is one that docs/log-schema.json declares."""
    yield
    deployed = getattr(request.node, "funcargs", {}).get("deployed")
    if isinstance(deployed, Deployed):
        deployed.log_check.run()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the log of the function and that of the cloud to the report of a test that failed, or whose clean-up did."""
    report = yield
    deployed = getattr(item, "funcargs", {}).get("deployed")
    if report.failed and isinstance(deployed, Deployed):
        said = "\n".join(json.dumps(line) for line in deployed.log()[-40:])
        report.sections.append(("the function's log", said))
        report.sections.append(("the cloud's log", deployed.cloud.log_path.read_text()[-3000:]))
    return report


@pytest.fixture
def set_up_with(deployed: Deployed, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """A function that gives the deployed function another setup until the test ends: `(script, …, Timeout=24)`."""
    before = deployed.cloud.client("lambda").get_function_configuration(FunctionName=deployed.outputs()["FunctionName"])

    def change(*scripts: str, **configuration: Any) -> None:  # noqa: ANN401 (Lambda's)
        deployed.change_function(with_commands(deployed.bundle, tmp_path, *scripts), **configuration)

    yield change
    deployed.end_invocations()
    deployed.change_function(deployed.bundle, Timeout=before["Timeout"])
