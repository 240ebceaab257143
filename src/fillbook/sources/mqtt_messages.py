"""Messages of Hummingbot's MQTT bridge: topics, and JSON as the bridge writes it.

Its JSON has bare ``NaN``, negative integers as text (``"-3"``) and enums as ``"TradeType.BUY"``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from fillbook.sources.hummingbot import epoch_us, us_to_utc

NAMESPACE = "hbot"
CHANNELS: Final = ("events", "performance", "status_updates", "hb", "log", "notify")
MAX_BYTES = 1 << 20  # of one message; a report of hundreds of controllers stays far below
MAX_DEPTH = 50  # of lists and objects inside each other
_NEGATIVE = re.compile(r"-\d+")

JsonObject = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it came.

    `at_s` is when, in seconds since 1970 by our clock.
    """

    bot: str
    channel: str
    payload: bytes
    at_s: float


def placed(topic: str, namespace: str = NAMESPACE) -> tuple[str, str] | None:
    """Bot and channel of a topic; None for one that is not a bot's own word.

    >>> placed("hbot/maker-1/events")
    ('maker-1', 'events')
    >>> placed("hbot/maker-1/start") is None
    True
    """
    head = f"{namespace}/"
    if not topic.startswith(head):
        return None
    bot, _, channel = topic[len(head) :].rpartition("/")
    return (bot, channel) if bot and "/" not in bot and channel in CHANNELS else None


def decoded(payload: bytes) -> JsonObject | None:
    """The JSON object of a message; None where it is no JSON, no object, or nested beyond `MAX_DEPTH`.

    >>> decoded(b'{"a": NaN}'), decoded(b"[1]"), decoded(b"{")
    ({'a': nan}, None, None)
    """
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and not _is_deep(value) else None


def _is_deep(value: object) -> bool:
    """Whether a value is nested beyond `MAX_DEPTH`."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            held
            for one in level
            for held in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
            if isinstance(held, dict | list)
        ]
        if not level:
            return False
    return True


def plain(value: object) -> object:
    """A value with its negative integers as numbers and what is not finite as None, all the way down.

    >>> plain({"a": ["-3", float("nan")]})
    {'a': [-3, None]}
    """
    if isinstance(value, dict):
        return {str(key): plain(held) for key, held in value.items()}
    if isinstance(value, list):
        return [plain(held) for held in value]
    if isinstance(value, str) and len(value) < 20 and _NEGATIVE.fullmatch(value):
        return int(value)
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value


def words(value: object) -> str:
    """Text of a field without the name of its enum; empty where there is none.

    >>> words("OrderType.LIMIT"), words(None)
    ('LIMIT', '')
    """
    if value is None or isinstance(value, dict | list):
        return ""
    text = str(value)
    head, dot, rest = text.partition(".")
    return rest if dot and head.isidentifier() and rest.isidentifier() else text


def name(value: object) -> str:
    """An id or a name as it stands; empty where there is none."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def number(value: object) -> float | None:
    """A number, or a number written as text; None where it is neither.

    >>> number("-0.5"), number(True), number("ten")
    (-0.5, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def seconds(value: object) -> float | None:
    """A time as a finite number; None where it is none.

    >>> seconds(float("nan")) is None
    True
    """
    found = number(value)
    return found if found is not None and math.isfinite(found) else None


def moments(column: str) -> pl.Expr:
    """UTC times of a column of numbers, whatever their unit: the bridge mixes seconds and milliseconds."""
    return us_to_utc(epoch_us(pl.col(column)))
