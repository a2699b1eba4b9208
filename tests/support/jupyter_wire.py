"""A Jupyter server at the other end of HTTP: where it is, and how Studio refuses a login that has expired."""

from __future__ import annotations

from tests.support.fakes import redirect

HOST = "d-abc.studio.us-east-1.sagemaker.aws"
BASE = f"https://{HOST}/jupyter/default"
SIGN_IN = redirect("https://us-east-1.signin.aws.amazon.com/oauth?token=SECRET")
