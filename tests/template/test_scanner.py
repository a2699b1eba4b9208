"""The template and a public policy scanner: every finding is waived in the template, with a reason."""

from __future__ import annotations

import json
import os
import subprocess
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from tests.support.stack import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SCANNER = ROOT / ".venvs/scan" / "bin" / "checkov"
WAIVED = {
    ("StudioSetupFunction", "CKV_AWS_116"),
    ("StudioSetupFunction", "CKV_AWS_173"),
    ("ReconcileFunction", "CKV_AWS_115"),
    ("ReconcileFunction", "CKV_AWS_116"),
    ("ReconcileFunction", "CKV_AWS_117"),
    ("ReconcileFunction", "CKV_AWS_173"),
    ("FailureQueue", "CKV_AWS_27"),
    ("Trail", "CKV_AWS_67"),
    ("Trail", "CKV_AWS_35"),
    ("TrailBucket", "CKV_AWS_18"),
}


def _waivers(template: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return resource and check → the reason; SAM copies a function's metadata to the resources it makes for it."""
    return {
        (name, waiver["id"]): waiver["comment"]
        for name, resource in template["Resources"].items()
        for waiver in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
        if resource["Type"] != "AWS::Lambda::EventInvokeConfig"
    }


def _findings(template: dict[str, Any], folder: Path) -> set[tuple[str, str]]:
    file = folder / "template.json"
    file.write_text(json.dumps(template), encoding="utf-8")
    assert SCANNER.exists(), "the policy scanner is not installed: run `make setup`"
    options = ["--framework", "cloudformation", "--skip-download", "--output", "json", "--file", str(file)]
    done = subprocess.run([SCANNER, *options], env=os.environ, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0, done.stderr
    assert report["summary"]["resource_count"] == len(template["Resources"]), "the scanner read the template"
    assert report["summary"]["passed"] > len(WAIVED), "the scanner looked at the resources"
    return {
        (finding["resource"].rpartition(".")[2], finding["check_id"]) for finding in report["results"]["failed_checks"]
    }


def test_the_waivers_are_exactly_what_the_scanner_finds(template: dict[str, Any], tmp_path: Path) -> None:
    """Scanned after SAM's transformation with the waivers taken out: each is needed, and nothing else is found."""
    bare = deepcopy(template)
    for resource in bare["Resources"].values():
        resource.get("Metadata", {}).pop("checkov", None)
    assert _findings(bare, tmp_path) == WAIVED == _waivers(template).keys()


def test_every_waiver_has_a_reason(template: dict[str, Any]) -> None:
    """Each waiver has a sentence that says why."""
    for waiver, reason in _waivers(template).items():
        assert len(reason.split()) > 5, waiver
        assert reason.endswith("."), waiver
