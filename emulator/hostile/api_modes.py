"""The SageMaker API misbehaves."""

from __future__ import annotations

from emulator.hostile.exchange import Exchange
from emulator.hostile.mode import at
from emulator.hostile.polite import Step

ESCAPES = "\x1b]0;owned\x07\x1b[2J\u202egnorw\u2066\x9b31m\r\n"
DEEP = b"[" * 100_000 + b"]" * 100_000
_app, _url = at(Step.APP), at(Step.URL)


def _dripping(exchange: Exchange) -> None:
    exchange.head(200, ("Content-Length", "1000000"))
    exchange.drip(b" ")


def _failed(exchange: Exchange) -> None:
    exchange.json({"Status": "Failed", "FailureReason": f"Because.{ESCAPES}" * 10_000})


def _error(exchange: Exchange) -> None:
    exchange.json({"__type": f"Odd{ESCAPES}Exception", "message": f"No.{ESCAPES}" * 10_000}, 400)


API_MODES = (
    _app("api-silent", "`DescribeApp` is never answered.", Exchange.silence),
    _app("api-drips", "The answer to `DescribeApp` comes one byte every 0.2 s.", _dripping),
    _app(
        "api-garbled", "The answer to `DescribeApp` is half an object.", lambda x: x.answer(200, b'{"Status": "InSer')
    ),
    _app("api-page", "`DescribeApp` is answered with a page.", Exchange.page),
    _app("api-deep", "The answer to `DescribeApp` is JSON 100,000 levels deep.", lambda x: x.answer(200, DEEP)),
    _app("api-no-status", "The answer to `DescribeApp` has no `Status`.", lambda x: x.json({})),
    _app("api-odd-status", "`Status` is a number.", lambda x: x.json({"Status": 5})),
    _app("api-odd-object", "The answer to `DescribeApp` is a list.", lambda x: x.json([1, 2])),
    _app(
        "api-odd-time",
        "`CreationTime` lies beyond every calendar.",
        lambda x: x.json({"Status": "InService", "CreationTime": 1e300}),
    ),
    _app("api-failed", "`FailureReason` has 300 KB of escape codes and bidirectional overrides.", _failed),
    _app("api-error", "The error's code and message are full of escape codes.", _error),
    _url("api-no-url", "The answer to `CreatePresignedDomainUrl` has no URL.", lambda x: x.json({})),
    _url("api-odd-url", "`AuthorizedUrl` is an object.", lambda x: x.json({"AuthorizedUrl": {"a": 1}})),
    _url("api-bad-url", "`AuthorizedUrl` is not a valid URL.", lambda x: x.json({"AuthorizedUrl": "http://[::1"})),
    _url("api-file-url", "`AuthorizedUrl` is a file.", lambda x: x.json({"AuthorizedUrl": "file:///etc/passwd"})),
    _url("api-url-silent", "`CreatePresignedDomainUrl` is never answered.", Exchange.silence),
)
