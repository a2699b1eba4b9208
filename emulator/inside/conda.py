"""`conda` of a container: answers what the image's would about itself, and installs nothing.

`conda shell.bash hook` defines the shell function that scripts need for `conda activate`. Whatever would change or read
an environment's packages is refused, with a message that says so. The first argument is the version, the second the
names of the environments, separated by commas; the wrapper script on the container's PATH supplies both.
"""

from __future__ import annotations

import sys

_ROOT = "/opt/conda"
_HOOK = f"""conda() {{
    case "${{1:-}}" in
        activate) eval "$({_ROOT}/bin/conda shell.activate "${{2:-base}}" || echo false)" ;;
        deactivate) unset CONDA_DEFAULT_ENV CONDA_PREFIX ;;
        *) command conda "$@" ;;
    esac
}}"""


def main(version: str, environments: list[str], arguments: list[str]) -> int:
    """Carry out a command line; its exit status."""
    match arguments:
        case ["--version" | "-V"]:
            print(f"conda {version}")
        case ["shell.bash" | "shell.posix" | "shell.zsh", "hook"]:
            print(_HOOK)
        case ["shell.activate", name]:
            return _activate(name, environments)
        case ["info", "--envs" | "-e"] | ["env", "list"]:
            print("# conda environments:\n#")
            for name in environments:
                print(f"{name:<22}   {_prefix(name)}")
        case ["info", "--base"]:
            print(_ROOT)
        case _:
            return _refuse(arguments)
    return 0


def _activate(name: str, environments: list[str]) -> int:
    if name not in environments:
        print(f"\nEnvironmentNameNotFound: Could not find conda environment: {name}", file=sys.stderr)
        return 1
    print(f"export CONDA_DEFAULT_ENV={name} CONDA_PREFIX={_prefix(name)}")
    return 0


def _prefix(name: str) -> str:
    return _ROOT if name == "base" else f"{_ROOT}/envs/{name}"


def _refuse(arguments: list[str]) -> int:
    print(
        f"conda {' '.join(arguments[:1])}: the local Studio has only a stand-in, without packages; nothing was done."
        " The image's conda may do it: try that part in an app.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2].split(","), sys.argv[3:]))
