"""What an app finds in Studio's images beside its Jupyter server: paths, variables, programs. Facts only.

For JupyterLab from AWS's public image (sagemaker-distribution 4.5: `Dockerfile`, `entrypoint-jupyter-server`; package
versions: 4.4.1, `cpu.env.out`), for Studio Classic from scripts that AWS published for it
(sagemaker-studio-lifecycle-config-examples). README.md says which are guesses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from emulator.state import Account, AppKey

HOME = Path("/home/sagemaker-user")
CONDA = Path("/opt/conda")
SERVER_PORT = 8888
CONDA_VERSION = "26.7.0"
# Studio Classic's image of JupyterLab 3 keeps its server in an environment of this name.
STUDIO_ENVIRONMENT = "studio"
METADATA = "/opt/ml/metadata/resource-metadata.json"
FOLDERS = ("/var/log/apps", "/var/log/sagemaker", "/var/log/studio")

_PATH = "/opt/conda/bin:/opt/conda/condabin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_JUPYTERLAB = {
    "SAGEMAKER_LOGGING_DIR": "/var/log/sagemaker/",
    "STUDIO_LOGGING_DIR": "/var/log/studio/",
    "SAGEMAKER_RECOVERY_MODE_HOME": "/tmp/sagemaker-recovery-mode-home",  # noqa: S108 (the image's)
    "SAGEMAKER_SPACE_TYPE_LOWERCASE": "private",
    "IMAGE_VERSION": "4.4.1",
    "EDITOR": "nano",
    "MAMBA_USER": "sagemaker-user",
    "DOCKER_BUILDKIT": "0",
}


def variables(app_type: str, server: str, account: Account) -> Mapping[str, str]:
    """The variables of an app's image; `server` is a name of `servers.SERVERS`."""
    common = {
        "HOME": str(HOME),
        "PATH": f"{_PATH}:{HOME}/.local/bin",
        "USER": "sagemaker-user",
        "AWS_REGION": account.region,
        "AWS_DEFAULT_REGION": account.region,
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/_sagemaker-instance-credentials/local-studio",
    }
    if app_type == "JupyterLab":
        return {**common, **_JUPYTERLAB}
    image = "jupyter-server-3" if server.startswith("jupyterlab3") else "jupyter-server"
    return {**common, "AWS_SAGEMAKER_JUPYTERSERVER_IMAGE": image}


def conda_environments(app_type: str, server: str) -> tuple[str, ...]:
    """The names of the conda environments."""
    has_studio = app_type == "JupyterServer" and server.startswith("jupyterlab3")
    return ("base", STUDIO_ENVIRONMENT) if has_studio else ("base",)


def metadata(key: AppKey, account: Account) -> str:
    """The text of the file METADATA."""
    owner = {"SpaceName": key.space_name} if key.space_name else {"UserProfileName": key.user_profile_name}
    return json.dumps(
        {
            "AppType": key.app_type,
            "DomainId": key.domain_id,
            **owner,
            "ResourceArn": account.arn(key.resource),
            "ResourceName": key.app_name,
        }
    )
