#!/usr/bin/env bash
# Fetch the extension's repository at COMMIT from github.com into ~/.auto-shutdown.
set -eu
# The home outlives the app; what an earlier start left there is used if it is the right commit.
if [ "$(git -C ~/.auto-shutdown rev-parse HEAD 2>/dev/null)" != "$COMMIT" ]; then
    rm -rf ~/.auto-shutdown
    # Without a limit, git waits for a host that does not answer until this command's time is up, and nobody learns why.
    timeout 120 git clone --quiet --no-checkout \
        https://github.com/aws-samples/sagemaker-studio-auto-shutdown-extension.git ~/.auto-shutdown || {
        echo "The extension cannot be fetched from github.com. If this app has no route to the internet, deploy the" \
            "extension's archive with the function, as docs/setups-without-internet.md describes." >&2
        exit 1
    }
fi
cd ~/.auto-shutdown
git -c advice.detachedHead=false checkout --quiet --force --detach "$COMMIT"
git log -1 --format='fetched %H (%s)'
