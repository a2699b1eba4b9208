"""Finds what looks like a secret, by the shapes that issuers document for their tokens; it never repeats one."""

from __future__ import annotations

import re

# What it looks like → its shape, from the issuers' documentation: IAM's unique identifiers (AKIA, ASIA), the tokens of
# GitHub, GitLab, PyPI, npm, Slack, Hugging Face; RFC 7468 (PEM), RFC 7519 (JWT), RFC 3986 (userinfo). What may be long
# before the end of a shape has a limit: else a megabyte on one line could take minutes.
_SHAPES = {
    "an AWS access key id": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "an AWS secret access key": r"(?i:secret_?access_?key)[\"']?\s*[=:]\s*[\"']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])",
    "a presigned AWS URL": r"[?&]X-Amz-Signature=[0-9a-f]{64}",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
    "a GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "a PyPI token": r"\bpypi-AgE[A-Za-z0-9_-]{50,}",
    "an npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "a Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{34,}",
    "a JSON web token": r"\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    "a private key": r"-----BEGIN (?:[A-Z]+ ){0,3}PRIVATE KEY-----",
    "a URL with a password": r"\b[a-z][a-z0-9+.-]{0,30}://[^\s/:@]+:[^\s/@]+@",
}
_COMPILED = {name: re.compile(shape) for name, shape in _SHAPES.items()}


def secrets_in(text: str) -> list[str]:
    """What it looks like a text has, such as `a GitHub token`."""
    return [name for name, shape in _COMPILED.items() if shape.search(text)]


def without_secrets(text: str) -> str:
    """The text with `[what it looks like]` in the place of each."""
    for name, shape in _COMPILED.items():
        text = shape.sub(f"[{name}]", text)
    return text
