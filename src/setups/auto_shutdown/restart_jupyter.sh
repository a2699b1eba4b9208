#!/usr/bin/env bash
# Restart the Jupyter server, which ends every terminal; the run itself goes on.
set -eu
if command -v restart-jupyter-server >/dev/null; then
    restart-jupyter-server
else
    supervisorctl -c /etc/supervisor/conf.d/supervisord.conf restart jupyterlabserver
fi
