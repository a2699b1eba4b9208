#!/usr/bin/env bash
# Ask the index for its list, as pip does, and fail if it does not answer or does not let the user in.
set -eu
python3 - <<'END'
import netrc, os, pathlib, sys, urllib.parse, urllib.request

url = os.environ["INDEX_URL"]
host = urllib.parse.urlsplit(url).hostname
login = netrc.netrc().authenticators(host) if pathlib.Path("~/.netrc").expanduser().exists() else None
passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
if login:
    passwords.add_password(None, url, login[0], login[2], is_authenticated=True)
try:
    urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords)).open(url, timeout=20).close()
except OSError as error:
    sys.exit(f"The index {url} does not answer: {error}")
print("The index answers.")
END
