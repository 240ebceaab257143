"""Units, and the one place where a number becomes text."""

from __future__ import annotations

import math
from enum import StrEnum
from itertools import pairwise

MINUS = "\N{MINUS SIGN}"
NO_VALUE = "\N{EM DASH}"
THIN_SPACE = "\N{THIN SPACE}"

_CRYPTO_DECIMALS = 8
_MICRO = 1e-3  # seconds below which a duration is told in microseconds
_STABLE = frozenset({"USDT", "USDC", "USD", "EUR", "BUSD", "FDUSD", "DAI", "TUSD", "GBP"})


class Unit(StrEnum):
    """What a number counts."""

    MONEY = "money"  # reporting currency, or quote of the pair
    FRACTION = "fraction"  # 0.01 is shown as 1 %
    RATIO = "ratio"  # no unit: Sharpe, profit factor
    COUNT = "count"
    SECONDS = "seconds"
    PER_DAY = "per_day"
    BASE = "base"  # base asset of the pair
    BPS = "bps"


def money_decimals(currency: str | None) -> int:
    """Decimals a trader expects of a currency: 2 for stablecoins and cash, 8 for coins."""
    return 2 if currency is None or currency in _STABLE else _CRYPTO_DECIMALS


def least_shown(currency: str | None) -> float:
    """Half of the last decimal money is shown with: less is written as 0.

    >>> least_shown("USDT")
    0.005
    """
    return 0.5 * 10.0 ** -money_decimals(currency)


def counted(n: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "fill"), counted(1204, "fill")
    ('1 fill', '1,204 fills')
    """
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def format_duration(seconds: float) -> str:
    """Two largest units of a duration: ``2 d 4 h``, ``35 min 2 s``, ``0.4 s``, ``3 µs``.

    >>> format_duration(187_200.0)
    '2 d 4 h'
    >>> format_duration(-0.000_001)
    '\N{MINUS SIGN}1 µs'
    """
    if seconds < 0.0:
        return MINUS + format_duration(-seconds)
    if 0.0 < seconds < _MICRO:
        return f"{1e6 * seconds:.3g} µs"
    if seconds < 60.0:
        return f"{seconds:.3g} s"
    steps = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
    whole = round(seconds)
    for (size, name), (next_size, next_name) in pairwise(steps):
        if whole >= size:
            rest = whole % size // next_size
            return f"{whole // size} {name}" + (f" {rest} {next_name}" if rest else "")
    return f"{whole} s"


def format_value(
    value: float | None, unit: Unit, *, currency: str | None = None, signed: bool = False
) -> str:
    """Text of a number for people: true minus, thousands, decimals by unit; a dash where none.

    >>> format_value(-1234.5, Unit.MONEY, currency="USDT")
    '\N{MINUS SIGN}1,234.50'
    >>> format_value(None, Unit.RATIO)
    '\N{EM DASH}'
    >>> format_value(0.004, Unit.MONEY, currency="USDT", signed=True)
    '0.00'
    """
    if value is None or math.isnan(value):
        return NO_VALUE
    if unit is Unit.SECONDS:
        return format_duration(value)
    sign = "+" if signed else "-"
    if unit is Unit.MONEY:
        text = f"{value:{sign},.{money_decimals(currency)}f}"
    elif unit is Unit.FRACTION:
        text = f"{100.0 * value:{sign},.2f}{THIN_SPACE}%"
    elif unit is Unit.COUNT:
        text = f"{value:{sign},.0f}"
    elif unit is Unit.BASE:
        text = f"{value:{sign},.8g}"
    else:
        text = f"{value:{sign},.2f}" if abs(value) >= 0.01 or value == 0.0 else f"{value:{sign}.2g}"
    if text[0] in "+-" and not text.rstrip("%" + THIN_SPACE).strip("+-0.,"):
        text = text[1:]  # what rounds to nothing has no sign
    return text.replace("-", MINUS)
