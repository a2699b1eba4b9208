#!/usr/bin/env bash
# Restart the Jupyter server if its configuration has changed, and wait until it is another one. This ends every terminal; the
# run itself goes on. Once for a change, however often it is tried: a restart at each start would be a loop for the user.
set -eu
wanted=~/.local/share/studio-setup/restart-jupyter
[ -e "$wanted" ] || { echo "No restart is needed."; exit 0; }

started() { python3 -c '
import json, os, urllib.request
url = os.environ.get("JUPYTER_SERVER_URL", "http://localhost:8888/jupyterlab/default/")
open_url = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
print(json.load(open_url(url.rstrip("/") + "/api/status", timeout=10))["started"])' 2>/dev/null; }

before=$(started)
rm "$wanted"
restart-jupyter-server >/dev/null
for _ in $(seq 120); do
    after=$(started) || after=$before
    if [ "$after" != "$before" ]; then echo "The Jupyter server was restarted." && exit 0; fi
    sleep 0.5
done
echo "The Jupyter server does not come back." >&2
exit 1
