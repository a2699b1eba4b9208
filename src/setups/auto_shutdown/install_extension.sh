#!/usr/bin/env bash
# Install the extension that fetch_extension.sh has fetched, and enable it.
set -eu
# The image of JupyterLab 3 keeps the Jupyter server in a conda environment; the one of JupyterLab 1 does not.
if [ "${AWS_SAGEMAKER_JUPYTERSERVER_IMAGE:-jupyter-server}" = jupyter-server-3 ]; then
    eval "$(conda shell.bash hook)"
    conda activate studio
fi
cd ~/.auto-shutdown
tar xzf sagemaker_studio_autoshutdown-0.1.5.tar.gz
pip install --no-dependencies --no-build-isolation ./sagemaker_studio_autoshutdown-0.1.5
if command -v jupyter-serverextension >/dev/null; then
    jupyter serverextension enable --py sagemaker_studio_autoshutdown --sys-prefix
else
    jupyter server extension enable sagemaker_studio_autoshutdown --sys-prefix
fi
