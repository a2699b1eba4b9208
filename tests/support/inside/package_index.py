"""A real package index: pypiserver, for whoever has a token that is in a file.

Run in the environment of requirements/examples.txt: `package_index.py FOLDER TOKENS`; prints its URL.
"""

from __future__ import annotations

import sys
from pathlib import Path
from wsgiref.simple_server import make_server

import pypiserver


def main(folder: str, tokens: str) -> None:
    """Serve the packages of a folder to the end."""
    application = pypiserver.app(
        roots=[Path(folder)],
        authenticate=["list", "download"],
        auther=lambda user, password: user == "aws" and password in Path(tokens).read_text().split(),
        disable_fallback=True,
    )
    server = make_server("127.0.0.1", 0, application)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


main(*sys.argv[1:])
