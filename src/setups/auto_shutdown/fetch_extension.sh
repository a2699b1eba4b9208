#!/usr/bin/env bash
# Fetch the extension's repository at EXTENSION_COMMIT into ~/.auto-shutdown.
set -eu
# The home outlives the app; what an earlier start left there is used if it is the right commit.
if [ "$(git -C ~/.auto-shutdown rev-parse HEAD 2>/dev/null)" != "$EXTENSION_COMMIT" ]; then
    rm -rf ~/.auto-shutdown
    git clone --quiet --no-checkout \
        https://github.com/aws-samples/sagemaker-studio-auto-shutdown-extension.git ~/.auto-shutdown
fi
cd ~/.auto-shutdown
git -c advice.detachedHead=false checkout --quiet --force --detach "$EXTENSION_COMMIT"
git log -1 --format='fetched %H'
