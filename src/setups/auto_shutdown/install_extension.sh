#!/usr/bin/env bash
# Install the extension from its archive in ~/.auto-shutdown, and enable it.
set -eu
cd ~/.auto-shutdown
tar xzf sagemaker_studio_autoshutdown-0.1.5.tar.gz
pip install --no-dependencies --no-build-isolation ./sagemaker_studio_autoshutdown-0.1.5
jupyter serverextension enable --py sagemaker_studio_autoshutdown --sys-prefix
