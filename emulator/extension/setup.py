# ruff: noqa: INP001 (the root of a project of its own)
"""Packages the stand-in for the auto-shutdown extension under the name of the real one, and refuses what that refuses.

The real 0.1.5 compares Python's version with 3.7 as if both were decimal numbers, so 3.10 is too old for it; and it
imports `pipes`, which Python 3.13 no longer has.
"""

import pipes  # type: ignore[import-not-found,unused-ignore]  # noqa: F401 (fails where the real one fails)
import sys

from setuptools import setup  # type: ignore[import-untyped]

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
if float(VERSION) < 3.7:  # noqa: PLR2004 (the number of the real one)
    raise ValueError(f"Python version {VERSION} unsupported")

setup(
    name="sagemaker_studio_autoshutdown",
    version="0.1.5",
    description="Stand-in for the Studio auto-shutdown extension: same endpoint, shuts nothing down",
    packages=["sagemaker_studio_autoshutdown"],
    install_requires=["boto3>=1.10.44"],
    # Read by notebook and, for its sake, by jupyter_server 1.x; there is nothing for jupyter_server by itself.
    data_files=[
        (
            "etc/jupyter/jupyter_notebook_config.d",
            ["jupyter-config/sagemaker_studio_autoshutdown.json"],
        ),
    ],
)
