#!/usr/bin/env bash
# Lead pip, uv and, if CONDA_CHANNEL is given, conda to private sources. INDEX_URL has no password: what logs in is in
# ~/.netrc, which renew_token.sh keeps fresh. What the user has configured otherwise is left and named.
set -eu

pip_config() { python3 -m pip --disable-pip-version-check config --user "$@"; }

current=$(pip_config get global.index-url 2>/dev/null) || current=
if [ -z "$current" ] || [ "$current" = "$INDEX_URL" ] || [ "$current" = "${INDEX_URL%/}" ]; then
    pip_config set global.index-url "$INDEX_URL" >/dev/null
    echo "pip's index is $INDEX_URL"
else
    # It may have a password in it.
    echo "pip's index is another one, which the user has set; it is left. Ours is $INDEX_URL" >&2
fi
if pip_config get global.extra-index-url >/dev/null 2>&1; then
    echo "pip also asks an extra-index-url: a package of a private name could come from there." >&2
fi

if [ -n "$CONDA_CHANNEL" ]; then
    if grep --quiet --no-messages '^channels:' ~/.condarc && ! grep --quiet --fixed-strings "$CONDA_CHANNEL" ~/.condarc; then
        echo "conda has channels that the user has set; they are left. Ours is $CONDA_CHANNEL" >&2
    elif ! grep --quiet --no-messages --fixed-strings "$CONDA_CHANNEL" ~/.condarc; then
        printf 'channels:\n  - %s\n' "$CONDA_CHANNEL" >>~/.condarc
    fi
    echo "conda's channel is $CONDA_CHANNEL"
fi
