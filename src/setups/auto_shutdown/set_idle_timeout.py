#!/usr/bin/env python3
"""Wait until the extension answers, set its idle timeout to IDLE_TIMEOUT_MINUTES, and check that it was taken.

Standard library only, and any Python 3: what the image has is not known here.
"""

import contextlib
import http.cookiejar
import json
import os
import sys
import time
import urllib.error
import urllib.request

IDLE_TIMEOUT_MINUTES = int(os.environ["IDLE_TIMEOUT_MINUTES"])
BASE = os.environ.get("JUPYTER_SERVER_URL", "http://localhost:8888/jupyter/default/").rstrip("/")
ENDPOINT = BASE + "/sagemaker-studio-autoshutdown/idle_checker"
WAIT_SECONDS = 120

cookies = http.cookiejar.CookieJar()
browser = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(cookies))


def call(url: str, body: "bytes | None" = None, xsrf_token: str = "") -> bytes:
    """What the server answers."""
    headers = {"Content-Type": "application/json", "X-XSRFToken": xsrf_token}
    request = urllib.request.Request(url, body, headers)
    with browser.open(request, timeout=10) as response:
        answer: bytes = response.read()
        return answer


def wait_for_extension() -> None:
    """Wait until the extension answers: the server has just been restarted."""
    for _ in range(WAIT_SECONDS):
        try:
            call(BASE + "/api/status")
            call(ENDPOINT)
        except OSError as error:
            problem = error
            time.sleep(1)
        else:
            return
    sys.exit(f"the extension does not answer at {ENDPOINT}: {problem}")


def xsrf_token() -> str:
    """The token that the server asks for; it comes as a cookie with any page, also with one that is not found."""
    with contextlib.suppress(urllib.error.HTTPError):
        call(BASE + "/tree")
    return next(cookie.value or "" for cookie in cookies if cookie.name == "_xsrf")


def main() -> None:
    """Set the idle timeout."""
    wait_for_extension()
    settings = {"idle_time": IDLE_TIMEOUT_MINUTES, "keep_terminals": False}
    call(ENDPOINT, json.dumps(settings).encode(), xsrf_token())
    answer = json.loads(call(ENDPOINT))
    print("the extension answers:", answer)
    if answer["idle_time"] != IDLE_TIMEOUT_MINUTES * 60:
        sys.exit("the idle timeout was not taken")


main()
