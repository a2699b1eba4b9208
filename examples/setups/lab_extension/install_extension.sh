#!/usr/bin/env bash
# Install a prebuilt JupyterLab extension into the image's Python from a wheel: NAME is the wheel's file name, and the wheel
# is in WHEEL_BASE64, or at WHEEL_URI (s3://…) with the checksum SHA256. No other package is installed, replaced or asked for.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -n "$WHEEL_BASE64" ]; then
    printf %s "$WHEEL_BASE64" | base64 -d >"$folder/$NAME"
else
    AWS_MAX_ATTEMPTS=2 timeout 120 aws s3 cp --only-show-errors --cli-connect-timeout 10 "$WHEEL_URI" "$folder/$NAME" || {
        echo "The wheel cannot be fetched from $WHEEL_URI. The app's role needs s3:GetObject on it, and an app without" \
            "internet a gateway endpoint for S3 in its VPC." >&2
        exit 1
    }
fi
echo "$SHA256  $folder/$NAME" | sha256sum --check --strict --quiet
# The image is new at each start, and so is its Python. Without dependencies nothing that Jupyter needs can change.
python3 -m pip install --quiet --disable-pip-version-check --no-index --no-deps --force-reinstall "$folder/$NAME"
