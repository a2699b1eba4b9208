#!/usr/bin/env bash
# Say what the setup needs (NEEDED_HOST: the host that it fetches from, if any), and fail where the extension cannot work.
set -eu
echo "This setup needs ${NEEDED_HOST:+$NEEDED_HOST over HTTPS, }Python 3.7 to 3.9 and notebook 6 or older."
python3 - <<'END'
import sys

python = ".".join(map(str, sys.version_info[:3]))
try:
    import notebook.base.handlers
    server = "notebook " + ".".join(map(str, notebook.version_info[:3]))
except ImportError:
    server = "no notebook 6"
print("It has Python", python, "and", server + ".")
if not (3, 7) <= sys.version_info[:2] <= (3, 9) or server == "no notebook 6":
    sys.exit(
        "The auto-shutdown extension cannot work in this app: start it with Studio's image of JupyterLab 3 (Python 3.9),"
        " or let the user work in a JupyterLab space and turn on its built-in idle shutdown in the domain's settings."
    )
END
