#!/usr/bin/env bash
# Get a CodeArtifact token now, so that a missing permission or route fails the setup, and leave a process in the app that
# renews it. Its complaints are in ~/.local/share/studio-setup/renew-codeartifact-token.log.
set -eu
program=~/.local/share/studio-setup/renew-codeartifact-token
mkdir -p "${program%/*}"
printf '%s\n' "$RENEW_TOKEN" >"$program.new"
chmod 755 "$program.new"
mv "$program.new" "$program"
unset RENEW_TOKEN

"$program" || {
    echo "CodeArtifact gives no token for the domain $DOMAIN of $DOMAIN_OWNER. The app's role needs" \
        "codeartifact:GetAuthorizationToken and sts:GetServiceBearerToken, and an app without internet interface endpoints" \
        "for codeartifact.api and codeartifact.repositories in its VPC." >&2
    exit 1
}
# In a session of its own, it is not ended with this command.
setsid nohup "$program" loop </dev/null >/dev/null 2>"$program.log" &
echo "The file .netrc has a token for $HOST, which is renewed every six hours."
