"""How AWS spells an app's type in the ARN that IAM compares with a policy.

Taken from what AWS and its users have published (app_arns.json, account ids masked), never from our template: no
public reference says which spelling a call is checked with.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path

import botocore.session
from botocore.model import StringShape

_QUOTES = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
_APP_TYPE = re.compile(r":app/[^/]+/[^/]+/([A-Za-z]+)/")


@functools.cache
def app_types() -> tuple[str, ...]:
    """Every app type of the SageMaker API, as the API spells it (botocore's model)."""
    shape = botocore.session.get_session().get_service_model("sagemaker").shape_for("AppType")
    assert isinstance(shape, StringShape)
    return tuple(shape.enum)


def spellings(app_type: str) -> set[str]:
    """An app type in every way of spelling that is known from an app's ARN."""
    known = {name for quote in _QUOTES for name in _APP_TYPE.findall(quote["quote"])}
    assert len(known) == len(_QUOTES), "each quote has an app's ARN in it"
    return {_spelled_like(name, app_type) for name in known}


def _spelled_like(known: str, app_type: str) -> str:
    if known in app_types():
        return app_type
    assert known in {name.lower() for name in app_types()}, f"{known} is an app type in a third way of spelling"
    return app_type.lower()
