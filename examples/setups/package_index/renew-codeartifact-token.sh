#!/usr/bin/env bash
# Write a fresh CodeArtifact token into ~/.netrc for the host HOST; with `loop`, do so again and again, to the end of the app.
# A token lives 12 hours at most, and an app longer. It is renewed every six hours, and every five minutes after a failure.
# Usage: DOMAIN=… DOMAIN_OWNER=… HOST=… renew-codeartifact-token [loop]
set -eu

renew() (
    set -e
    umask 077
    # The token goes through pipes: printf and read are the shell's own, and no process has it in its arguments.
    token=$(AWS_MAX_ATTEMPTS=2 timeout 60 aws codeartifact get-authorization-token --domain "$DOMAIN" \
        --domain-owner "$DOMAIN_OWNER" --query authorizationToken --output text \
        --cli-connect-timeout 5 --cli-read-timeout 15)
    [ -n "$token" ]
    new=~/.netrc.$$
    trap 'rm -f "$new"' EXIT
    if [ -e ~/.netrc ]; then grep -v "^machine $HOST login aws password " ~/.netrc >"$new" || [ $? = 1 ]; fi
    printf 'machine %s login aws password %s\n' "$HOST" "$token" >>"$new"
    mv "$new" ~/.netrc
)

case ${1-} in
loop)
    # One for an app: the lock is gone with the process that holds it.
    exec 9>"${TMPDIR:-/tmp}/renew-codeartifact-token.lock"
    flock --nonblock 9 || exit 0
    while sleep "${PAUSE_SECONDS:-21600}" 9>&-; do
        until renew 9>&-; do
            echo "$(date -u +%FT%TZ) the token for $HOST could not be renewed; trying again in five minutes" >&2
            sleep 300 9>&-
        done
    done
    ;;
*) renew ;;
esac
