"""The setup: the one file to edit.

What stands here runs as the user, in every app that starts. It is hard-coded so that whoever may change it is exactly
whoever may deploy this function; nothing of it ever comes from an event. A command is a script that bash runs in the
user's home, with nothing to answer questions; an existing lifecycle-configuration script goes in unchanged:
`Command("name", read_script(Path(__file__).with_name("on-start.sh")))`.

For JupyterServer apps: the auto-shutdown extension for idle kernels
(aws-samples/sagemaker-studio-auto-shutdown-extension), its server side, from its archive at a pinned commit, the way
AWS's lifecycle-configuration sample does it. For JupyterLab apps, whose idle shutdown is a setting of the domain: a few
defaults of JupyterLab itself. Both verify that the server has taken what they set.
"""

from __future__ import annotations

from studio_setup.plan import Command

IDLE_TIMEOUT_MINUTES = 120
EXTENSION_COMMIT = "4609598c67ff3919077b0fb77d511ed2cc7836f0"

_FETCH = f"""\
set -eu
# The home outlives the app; what an earlier start left there is used if it is the right one.
if [ "$(git -C ~/.auto-shutdown rev-parse HEAD 2>/dev/null)" != {EXTENSION_COMMIT} ]; then
    rm -rf ~/.auto-shutdown
    git clone --quiet --no-checkout \\
        https://github.com/aws-samples/sagemaker-studio-auto-shutdown-extension.git ~/.auto-shutdown
fi
cd ~/.auto-shutdown
git -c advice.detachedHead=false checkout --quiet --force --detach {EXTENSION_COMMIT}
git log -1 --format='fetched %H'
"""

_INSTALL = """\
set -eu
# The image of JupyterLab 3 keeps the Jupyter server in a conda environment; the one of JupyterLab 1 does not.
if [ "${AWS_SAGEMAKER_JUPYTERSERVER_IMAGE:-jupyter-server}" = jupyter-server-3 ]; then
    eval "$(conda shell.bash hook)"
    conda activate studio
fi
cd ~/.auto-shutdown
tar xzf sagemaker_studio_autoshutdown-0.1.5.tar.gz
pip install --no-dependencies --no-build-isolation ./sagemaker_studio_autoshutdown-0.1.5
if command -v jupyter-serverextension >/dev/null; then
    jupyter serverextension enable --py sagemaker_studio_autoshutdown --sys-prefix
else
    jupyter server extension enable sagemaker_studio_autoshutdown --sys-prefix
fi
"""

_RESTART = """\
set -eu
if command -v restart-jupyter-server >/dev/null; then
    restart-jupyter-server
else
    supervisorctl -c /etc/supervisor/conf.d/supervisord.conf restart jupyterlabserver
fi
"""

# Standard library only: which packages the image has is not ours to know.
_CONFIGURE = f"""\
#!/usr/bin/env python3
import http.cookiejar, json, os, sys, time, urllib.error, urllib.request

BASE = os.environ.get("JUPYTER_SERVER_URL", "http://localhost:8888/jupyter/default/").rstrip("/")
ENDPOINT = BASE + "/sagemaker-studio-autoshutdown/idle_checker"
cookies = http.cookiejar.CookieJar()
browser = urllib.request.build_opener(
    urllib.request.ProxyHandler({{}}), urllib.request.HTTPCookieProcessor(cookies)
)

def call(url, body=None, **headers):
    request = urllib.request.Request(url, body, {{"Content-Type": "application/json", **headers}})
    with browser.open(request, timeout=10) as response:
        return response.read()

for attempt in range(120):
    try:
        call(BASE + "/api/status")
        call(ENDPOINT)
        break
    except OSError as error:
        problem = error
        time.sleep(1)
else:
    sys.exit(f"the extension does not answer at {{ENDPOINT}}: {{problem}}")
try:
    call(BASE + "/tree")
except urllib.error.HTTPError:
    pass  # a page that is not there brings the cookie as well
token = next(cookie.value for cookie in cookies if cookie.name == "_xsrf")
settings = {{"idle_time": {IDLE_TIMEOUT_MINUTES}, "keep_terminals": False}}
call(ENDPOINT, json.dumps(settings).encode(), **{{"X-XSRFToken": token}})
answer = json.loads(call(ENDPOINT))
print("the extension answers:", answer)
if answer["idle_time"] != {IDLE_TIMEOUT_MINUTES} * 60:
    sys.exit("the idle timeout was not taken")
"""

# What the settings editor of JupyterLab would write, as defaults that a user can still change.
_LAB_DEFAULTS = """\
#!/usr/bin/env python3
import json, os, pathlib, sys, urllib.request

DEFAULTS = {
    # The volume of a space is small (5 GB unless asked for more): show what fills it.
    "@jupyterlab/filebrowser-extension:browser": {"showFileSizeColumn": True},
    # An idle app may be shut down: lose a minute at most, not two.
    "@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": 60},
    # Without a way to the internet these only wait and complain.
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
path = pathlib.Path("~/.jupyter/labconfig/default_setting_overrides.json").expanduser()
path.parent.mkdir(parents=True, exist_ok=True)
settings = json.loads(path.read_text()) if path.exists() else {}
for plugin, values in DEFAULTS.items():
    settings.setdefault(plugin, {}).update(values)
path.write_text(json.dumps(settings, indent=2))

base = os.environ.get("JUPYTER_SERVER_URL", "http://localhost:8888/jupyterlab/default/").rstrip("/")
browser = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for plugin, values in DEFAULTS.items():
    with browser.open(f"{base}/lab/api/settings/{plugin}", timeout=10) as response:
        properties = json.load(response)["schema"]["properties"]
    for name, value in values.items():
        print(plugin, name, "=", properties[name]["default"])
        if properties[name]["default"] != value:
            sys.exit(f"JupyterLab does not take {name} from {path}")
"""

SETUPS = {
    "JupyterServer": (
        Command("fetch-extension", _FETCH, timeout_seconds=300),
        Command("install-extension", _INSTALL, timeout_seconds=300),
        Command("restart-jupyter", _RESTART, timeout_seconds=120),
        Command("set-idle-timeout", _CONFIGURE, timeout_seconds=180),
    ),
    "JupyterLab": (Command("lab-defaults", _LAB_DEFAULTS, timeout_seconds=60),),
}
