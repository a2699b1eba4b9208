#!/usr/bin/env bash
# Give git the identity USER_NAME, USER_EMAIL unless the user has chosen one, and for each URL in URLS (one a line) the
# credential helper whose text is in HELPER, with the secret SECRET_ID.
set -eu

program=~/.local/share/studio-setup/git-credential-secrets-manager
mkdir -p "${program%/*}"
printf '%s\n' "$HELPER" >"$program.new"
chmod 755 "$program.new"
mv "$program.new" "$program"

for setting in "user.name=$USER_NAME" "user.email=$USER_EMAIL"; do
    name=${setting%%=*}
    if current=$(git config --global "$name"); then
        echo "$name is $current"
    else
        git config --global "$name" "${setting#*=}"
        echo "$name set to ${setting#*=}"
    fi
done

# Quoted, because git hands the whole value to a shell.
printf -v line '%q %q' "$program" "$SECRET_ID"
while IFS= read -r url; do
    # The empty entry makes git forget the helpers named before: none of them is to store what ours fetches.
    git config --global --unset-all "credential.$url.helper" || [ $? = 5 ]
    git config --global --add "credential.$url.helper" ''
    git config --global --add "credential.$url.helper" "$line"
    echo "credentials for $url come from the secret $SECRET_ID"
done <<<"$URLS"
