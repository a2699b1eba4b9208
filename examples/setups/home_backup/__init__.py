"""A backup of the home in S3 at each start, and its restoration in a space that is new."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studio_setup import App, Command, read_script

_HERE = Path(__file__).parent
# Secrets, what can be fetched again, and what belongs to one home.
EXCLUDED = (
    *("./.aws", "./.ssh", "./.netrc", "./.git-credentials"),
    *("./.cache", "./.conda", "./.local/share/Trash", "./.local/share/studio-setup", "node_modules", "__pycache__"),
    *("./lost+found", "./.sagemaker", "./.ipynb_checkpoints"),
)


def commands(
    app: App, folder: str, *, excluded: Sequence[str] = EXCLUDED, max_mib: int = 2048, timeout_seconds: int = 1800
) -> tuple[Command, ...]:
    """Back up below `folder` (`s3://BUCKET/FOLDER`), in a folder for each domain and user or space.

    A space that is deleted and made again under its name finds its backup. `excluded`: names, or paths that begin with
    `./`. `max_mib`: of a larger home there is no backup, and the command fails.

    Raises:
        BadInput: the script is missing or not valid.
    """
    environment = {
        "BACKUP": f"{folder.rstrip('/')}/{app.domain_id}/{app.space_name or app.user_profile_name}",
        "EXCLUDED": "\n".join(excluded),
        "MAX_MIB": str(max_mib),
    }
    script = read_script(_HERE / "back_up_home.sh")
    return (Command("back-up-home", script, timeout_seconds, environment=environment, go_on_after_failure=True),)
