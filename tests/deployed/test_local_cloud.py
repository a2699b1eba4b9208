"""The local cloud runs functions as Lambda does, which the other tests build on."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local_cloud.cloud import ACCOUNT_ID, LocalCloud
from local_cloud.log import lines
from tests.support.deployment import zipped
from tests.support.waiting import wait_until

AT_ONCE = 4
HANDLER = "def handle(event, context):\n    return {}\n"
GROUP = "/aws/lambda/{}"
_NAMES = itertools.count(1)


@pytest.fixture
def function(cloud: LocalCloud, tmp_path: Path) -> Callable[[str], str]:
    """A function that creates a Lambda function with a log in JSON from a module's text, and returns its name."""

    def create(module: str) -> str:
        name = f"function-{next(_NAMES)}"
        (tmp_path / "module.py").write_text(module, encoding="utf-8")
        cloud.client("logs").create_log_group(logGroupName=GROUP.format(name))
        cloud.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=f"arn:aws:iam::{ACCOUNT_ID}:role/any",
            Handler="module.handle",
            Code={"ZipFile": zipped(tmp_path)},
            LoggingConfig={"LogFormat": "JSON"},
        )
        cloud.client("lambda").get_waiter("function_active_v2").wait(FunctionName=name)
        return name

    return create


def test_the_first_invocations_of_a_function_may_come_at_once(
    cloud: LocalCloud, function: Callable[[str], str]
) -> None:
    """Each has an environment of its own, which all are made from the same code at the same moment."""
    name = function(HANDLER)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: invoke(cloud, name), range(AT_ONCE)))
    assert answers == [b"{}"] * AT_ONCE


def test_an_invocation_whose_code_does_not_load_has_a_beginning_and_an_end_in_the_log(
    cloud: LocalCloud, function: Callable[[str], str]
) -> None:
    """As on AWS, each `platform.start` has its `platform.report`, whatever becomes of the invocation."""
    name = function("import a_module_that_is_not_there\n")
    assert b"errorType" in invoke(cloud, name)

    def kinds() -> Counter[str]:
        return Counter(str(line.get("type")) for line in lines(cloud.client("logs"), GROUP.format(name)))

    wait_until(lambda: kinds()["platform.report"], "the end of the invocation")
    assert (kinds()["platform.start"], kinds()["platform.report"]) == (1, 1)


def invoke(cloud: LocalCloud, name: str) -> bytes:
    """Invoke a function, wait for its answer and return it."""
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    return bytes(answer["Payload"].read())
