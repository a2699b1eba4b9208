#!/bin/sh
# A git credential helper: fetches user name and password from Secrets Manager with the app's own role whenever git asks,
# and stores nothing. Usage, by git: git-credential-secrets-manager SECRET_ID get
# The secret is a JSON object with "username" and "password", as Secrets Manager's own databases have it.
set -eu

[ "${2-}" = get ] || exit 0 # git also says what it wants stored or erased

# git would go on and ask the user; `quit` keeps it from that, so that the reason is the last thing to be read.
fail() {
    echo "No git credentials from Secrets Manager: $1" >&2
    echo quit=1
    exit 0
}

# Without limits a missing route to Secrets Manager would look like a git that hangs.
secret=$(AWS_MAX_ATTEMPTS=2 timeout 60 aws secretsmanager get-secret-value --secret-id "$1" --query SecretString \
    --output text --cli-connect-timeout 5 --cli-read-timeout 15) || fail \
    "secret $1 cannot be read. The app's role needs secretsmanager:GetSecretValue on it, and an app without internet \
an interface endpoint for secretsmanager in its VPC."

# The secret goes through a pipe: printf is the shell's own, and no process has the secret in its arguments.
printf %s "$secret" | python3 -c '
import json, sys
try:
    login = json.load(sys.stdin)
    lines = [name + "=" + login[name] for name in ("username", "password")]
except (ValueError, TypeError, KeyError):
    sys.exit(1)
if any(character in line for line in lines for character in "\0\r\n"):
    sys.exit(1)
print(*lines, sep="\n")
' || fail "secret $1 is no JSON object with username and password, each on one line."
