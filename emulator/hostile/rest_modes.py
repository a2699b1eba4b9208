"""The Jupyter server's REST API misbehaves."""

from __future__ import annotations

from emulator.hostile.api_modes import DEEP, ESCAPES
from emulator.hostile.exchange import Exchange
from emulator.hostile.front_door_modes import MUCH_BYTES, endless, gzip_bomb
from emulator.hostile.mode import Mode, at
from emulator.hostile.polite import Step, behave

LONG_AGO = "2020-01-01T00:00:00Z"
_status, _list, _create = at(Step.STATUS), at(Step.LIST), at(Step.CREATE)
NAMES = (
    "studiosetup/../../../../admin",
    "studiosetup0123456789abcdef/../../admin",
    "../../admin",
    "..",
    f"studiosetup{ESCAPES}",
    "studiosetup0123456789ABCDEF",
    "studiosetup0123456789abcdef\n",
    "1",
)


def _dripping(exchange: Exchange) -> None:
    exchange.head(200, ("Content-Type", "application/json"))
    exchange.drip(b" ")


def _continuing(exchange: Exchange) -> None:
    exchange.flood(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, MUCH_BYTES)


def _odd_date(exchange: Exchange) -> None:
    terminals = [{"name": "studiosetup0123456789abcdef", "last_activity": LONG_AGO}]
    exchange.json(terminals, 200, ("Date", "Mon, 99 Foo 99999999999 99:99:99 +9999"))


def _list_of(*names: str) -> list[dict[str, str]]:
    return [{"name": name, "last_activity": LONG_AGO} for name in names]


def _names(exchange: Exchange) -> None:
    exchange.json(_list_of(*NAMES), 200, ("Date", "Mon, 03 Aug 2026 22:22:31 GMT"))


def _slow_refusal(exchange: Exchange) -> None:
    exchange.pause(0.9)
    exchange.json({"message": "no", "reason": None}, 403)


def _slow_page(exchange: Exchange) -> None:
    exchange.pause(0.9)
    behave(exchange, Step.PAGE)


def _thousands(exchange: Exchange) -> None:
    terminals = _list_of(*(f"studiosetup{number:016x}" for number in range(5000)))
    exchange.json(terminals, 200, ("Date", "Mon, 03 Aug 2026 22:22:31 GMT"))


def _half_a_thousand(exchange: Exchange) -> None:
    terminals = _list_of(*(f"studiosetup{number:016x}" for number in range(500)))
    exchange.json(terminals, 200, ("Date", "Mon, 03 Aug 2026 22:22:31 GMT"))


def _odd_last_activity(exchange: Exchange) -> None:
    odd = ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "never", 5, None, "2020-01-01"]
    terminals = [{"name": f"studiosetup{number:016x}", "last_activity": when} for number, when in enumerate(odd)]
    exchange.json([*terminals, 5, None, {"name": {}}], 200, ("Date", "Mon, 03 Aug 2026 22:22:31 GMT"))


REST_MODES = (
    _status("rest-silent", "`api/status` is never answered.", Exchange.silence),
    _status("rest-drips", "`api/status` comes one byte every 0.2 s, for ever.", _dripping),
    _status("rest-continues", "`api/status` is answered with `100 Continue`, for ever.", _continuing),
    _status("rest-endless", "`api/status` has 250 MB.", endless),
    _status("rest-gzip-bomb", "`api/status` has 250 KB that become 250 MB.", gzip_bomb),
    _status("rest-deep", "`api/status` is JSON 100,000 levels deep.", lambda x: x.answer(200, DEEP)),
    _status(
        "rest-digits",
        "`api/status` has a number of 60,000 digits.",
        lambda x: x.answer(200, b'{"started": ' + b"9" * 60_000 + b"}"),
    ),
    _status(
        "rest-encoding",
        "`api/status` names an encoding that does not exist.",
        lambda x: x.answer(200, b'{"started": 1}', ("Content-Type", "application/json; charset=\x01nonsense")),
    ),
    at(Step.PAGE)("rest-page-silent", "The page that sets `_xsrf` is never answered.", Exchange.silence),
    at(Step.PAGE)("rest-no-xsrf", "No page sets `_xsrf`.", Exchange.page),
    _list("rest-odd-date", "The list of terminals has a `Date` header that is not a date.", _odd_date),
    _list("rest-names", "Listed terminals are called `../../admin`, or have escape codes in their names.", _names),
    _list("rest-thousands", "5,000 terminals look as if we had abandoned them.", _thousands),
    _list("rest-hundreds", "500 terminals look as if we had abandoned them.", _half_a_thousand),
    _list("rest-last-activity", "Terminals have been active before and after all time.", _odd_last_activity),
    _list("rest-list-deep", "The list of terminals is JSON 100,000 levels deep.", lambda x: x.answer(200, DEEP)),
    _list("rest-list-silent", "The list of terminals is never sent.", Exchange.silence),
    _create(
        "rest-other-name",
        "The terminal that is made has the name of another.",
        lambda x: x.json({"name": "studiosetup0123456789abcdef"}),
    ),
    _create(
        "rest-admin-name",
        "The terminal that is made is called `studiosetup/../../../../admin`.",
        lambda x: x.json({"name": NAMES[0]}),
    ),
    _create(
        "rest-number", "The terminal that is made has a number of nine digits.", lambda x: x.json({"name": "9" * 9})
    ),
    _create("rest-create-endless", "The answer to the request for a terminal has 250 MB.", endless),
    _create("rest-create-silent", "The request for a terminal is never answered.", Exchange.silence),
    _create("rest-create-deep", "The answer to it is JSON 100,000 levels deep.", lambda x: x.answer(200, DEEP)),
    at(Step.DELETE)("rest-delete-silent", "The terminal's deletion is never answered.", Exchange.silence),
    at(Step.DELETE)("rest-delete-drips", "The deletion comes one byte every 0.2 s, for ever.", _dripping),
    Mode(
        "rest-abandoned-silent",
        "500 terminals look as if we had abandoned them, and no deletion is ever answered.",
        (((Step.LIST,), _half_a_thousand), ((Step.DELETE,), Exchange.silence)),
    ),
    Mode(
        "rest-delete-slow",
        "The deletion is refused with 403 again and again, each time after 0.9 s.",
        (((Step.DELETE,), _slow_refusal), ((Step.PAGE,), _slow_page)),
    ),
)
