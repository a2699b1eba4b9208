#!/usr/bin/env bash
# Ask git for the credentials of each URL in URLS (one a line), as `git clone` does, and say whether it has them.
set -eu
while IFS= read -r url; do
    url=${url/'*.'/any.} # a host that the pattern stands for
    # What git says on standard output is the secret.
    if printf 'url=%s\n\n' "$url" | GIT_TERMINAL_PROMPT=0 git credential fill >/dev/null; then
        echo "git has credentials for $url"
    else
        echo "git has no credentials for $url" >&2
        exit 1
    fi
done <<<"$URLS"
