"""What looks like a secret. The secrets are put together here, so that no scanner takes this file for a leak."""

from __future__ import annotations

import pytest

from try_setup.secret_shapes import secrets_in, without_secrets

SECRETS = {
    "an AWS access key id": "AKIA" + "Z" * 16,
    "an AWS secret access key": "aws_secret_access_key = " + "z/" * 20,
    "a presigned AWS URL": "https://b.s3.amazonaws.com/k?X-Amz-Signature=" + "0" * 64,
    "a GitHub token": "ghp_" + "Z" * 36,
    "a GitLab token": "glpat-" + "Z" * 20,
    "a PyPI token": "pypi-AgE" + "Z" * 60,
    "an npm token": "npm_" + "Z" * 36,
    "a Slack token": "xoxb-" + "1" * 12,
    "a Hugging Face token": "hf_" + "Z" * 34,
    "a JSON web token": ".".join(["eyJ" + "Z" * 12, "eyJ" + "Z" * 12, "Z" * 12]),
    "a private key": "-----BEGIN OPENSSH " + "PRIVATE KEY-----",
    "a URL with a password": "https://me:" + "word@host.example.org/x",
}


@pytest.mark.parametrize(("name", "secret"), SECRETS.items())
def test_each_shape_is_found_and_never_repeated(name: str, secret: str) -> None:
    """The name of the shape is said, the value is left out, what is around it stays."""
    text = f"before {secret} after"
    assert secrets_in(text) == [name]
    shown = without_secrets(text)
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert f"[{name}]" in shown
    assert secret not in shown


def test_ordinary_output_has_none() -> None:
    """Digests, paths, commit ids and URLs without a password are not taken for secrets."""
    text = "fetched 4609598c67ff3919077b0fb77d511ed2cc7836f0 from https://github.com/a/b into /home/sagemaker-user/x:y"
    assert secrets_in(text) == []
    assert without_secrets(text) == text


@pytest.mark.parametrize("piece", ["a-", "eyJ-", "eyJ-a.", "x://a:", "-----BEGIN A "])
@pytest.mark.timeout(20)
def test_a_megabyte_on_one_line_takes_no_time(piece: str) -> None:
    """Whatever it begins with again and again; in quadratic time it would be minutes."""
    assert secrets_in(piece * ((1 << 20) // len(piece))) == []
