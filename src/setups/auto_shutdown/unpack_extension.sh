#!/usr/bin/env bash
# Write the extension's archive, which is in ARCHIVE_BASE64, into ~/.auto-shutdown.
set -eu
rm -rf ~/.auto-shutdown
mkdir ~/.auto-shutdown
printf %s "$ARCHIVE_BASE64" | base64 -d >~/.auto-shutdown/sagemaker_studio_autoshutdown-0.1.5.tar.gz
