#!/usr/bin/env bash
# The beginning of a script that needs the Jupyter server's own Python environment.
set -eu
# The image of JupyterLab 3 keeps the Jupyter server in a conda environment; the one of JupyterLab 1 does not.
if [ "${AWS_SAGEMAKER_JUPYTERSERVER_IMAGE:-jupyter-server}" = jupyter-server-3 ]; then
    eval "$(conda shell.bash hook)"
    conda activate studio
fi
