"""The settings of the SAM command line fit any account and any machine."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.stack import ROOT, TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = ROOT / "samconfig.toml"


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    """samconfig.toml as SAM reads it."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def _settings(section: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _settings(value)
        else:
            yield key, str(value)


def test_the_default_environment_belongs_to_no_account_and_no_machine(config: dict[str, Any]) -> None:
    """No account, region, profile, bucket, ARN, endpoint or path of one machine is in the defaults."""
    owned = {
        "region",
        "profile",
        "s3_bucket",
        "image_repository",
        "role_arn",
        "kms_key_id",
        "notification_arns",
    }
    machine = re.compile(r"\d{12}|arn:|://|localhost|127\.|^[/~]|[a-z]{2}-[a-z]+-\d")
    for key, value in _settings(config["default"]):
        assert key not in owned
        assert not machine.search(value), f"{key} = {value}"


def test_deploy_uses_what_was_built(config: dict[str, Any]) -> None:
    """Only building and validating name the source template; deploy, package and sync take the built one."""
    named = {command for command, section in config["default"].items() if "template_file" in section["parameters"]}
    assert named == {"build", "validate"}
    for command in named:
        assert config["default"][command]["parameters"]["template_file"] == TEMPLATE.name


def test_nothing_is_set_that_a_typed_option_cannot_take_back(config: dict[str, Any]) -> None:
    """A bucket of one's own and a deployment with nobody there stay possible: SAM has no --no-resolve-s3."""
    assert {"resolve_s3", "confirm_changeset"} & dict(_settings(config["default"])).keys() == set()


@pytest.mark.parametrize("environment", ["default", "local"])
def test_an_unchanged_stack_is_no_error(config: dict[str, Any], environment: str) -> None:
    """Deploying twice succeeds twice."""
    assert config[environment]["deploy"]["parameters"]["fail_on_empty_changeset"] is False


@pytest.mark.parametrize("environment", ["default", "local"])
def test_no_capability_but_to_create_roles(config: dict[str, Any], environment: str) -> None:
    """The stack has a role without a name of its own, for which CAPABILITY_IAM is enough."""
    assert config[environment]["deploy"]["parameters"]["capabilities"] == "CAPABILITY_IAM"


def test_deploying_to_the_local_cloud_asks_nothing(config: dict[str, Any]) -> None:
    """`--config-env local` lets SAM make its own bucket."""
    deploy = config["local"]["deploy"]["parameters"]
    assert (deploy["resolve_s3"], deploy["confirm_changeset"]) == (True, False)
