#!/usr/bin/env bash
# Fetch CHECK_URL as programs in this app do, through the proxy and with the authorities; fail if it cannot be reached.
set -eu
python3 - <<'END'
import os, sys, urllib.error, urllib.request

url = os.environ["CHECK_URL"]
try:
    urllib.request.urlopen(url, timeout=20).close()
except urllib.error.HTTPError as error:  # an answer all the same, unless it is the proxy's own
    if error.code in (407, 502, 503, 504):
        sys.exit(f"{url} cannot be reached through the proxy: {error}")
except OSError as error:
    sys.exit(f"{url} cannot be reached: {error}")
print(f"{url} answers.")
END
