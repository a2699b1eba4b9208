# ruff: noqa: INP001 (the root of a project of its own)
"""Packages the stand-in for the auto-shutdown extension under the name of the real one."""

from setuptools import setup  # type: ignore[import-untyped]

setup(
    name="sagemaker_studio_autoshutdown",
    version="0.1.5",
    description="Stand-in for the Studio auto-shutdown extension: same endpoint, shuts nothing down",
    packages=["sagemaker_studio_autoshutdown"],
    # The first folder is read by the servers of Studio's images, the second by jupyter_server, which enables
    # only what has a file there.
    data_files=[
        (
            "etc/jupyter/jupyter_notebook_config.d",
            ["jupyter-config/jupyter_notebook_config.d/sagemaker_studio_autoshutdown.json"],
        ),
        (
            "etc/jupyter/jupyter_server_config.d",
            ["jupyter-config/jupyter_server_config.d/sagemaker_studio_autoshutdown.json"],
        ),
    ],
    python_requires=">=3.7",
)
