"""The choices that change a number, in one frozen object that travels with it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from fillbook.errors import BadRequestError

CostMethod = Literal["wac", "fifo", "lifo", "hifo"]
ReturnBasis = Literal["fixed_capital", "compounded"]
BaseFee = Literal["inventory", "value"]
MarketType = Literal["spot", "linear_perp", "inverse_perp"]
MidProxy = Literal["none", "candle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conventions:
    """How fills are booked, marked and reported.

    Parameters
    ----------
    method
        Cost basis of realised PnL: weighted average (headline), FIFO, LIFO or HIFO.
    marks
        Prices given by the user, ``{"SEI-USDT": 0.12425}``; first in the order of marks, and
        rates for fee tokens and currencies at the end of the period.
    strict_marks
        Refuse to mark a book at its own last fill.
    capital
        Capital base in the reporting currency; None leaves every percentage unavailable.
    currency
        Reporting currency; None takes the only quote currency there is.
    return_basis
        ``fixed_capital`` divides each day's PnL by `capital`; ``compounded`` by the equity before.
    base_fee
        ``inventory`` books a spot fee in base as a deemed trade, as the wallet sees it.
    market_types
        Market type by connector, over what `sources.hummingbot` knows.
    cross_via
        Tokens a fee rate may pass through (``("USDT",)``).
    max_rate_age_s, max_mid_age_s
        Seconds after which a fee rate, a mid, is no longer a price.
    max_quote_age_s
        Seconds after which a quote no longer tells the mid a fill or an order met.
    mid_proxy
        ``candle`` lets the close of the last candle stand in for a mid nobody recorded.
    dust_base
        Residual position in base that ends a round trip.
    periods_per_year
        Days of a year in a market that never closes.
    run
        First moment and end of the bot's run (UTC), where it ran longer than it traded; None takes
        the first order or fill and the last event.
    """

    method: CostMethod = "wac"
    marks: Mapping[str, float] = field(default_factory=dict)
    strict_marks: bool = False
    capital: float | None = None
    currency: str | None = None
    return_basis: ReturnBasis = "fixed_capital"
    base_fee: BaseFee = "inventory"
    market_types: Mapping[str, MarketType] = field(default_factory=dict)
    cross_via: tuple[str, ...] = ("USDT", "USDC", "BTC")
    max_rate_age_s: float = 300.0
    max_mid_age_s: float = 120.0
    dust_base: float = 0.0
    periods_per_year: float = 365.0
    max_quote_age_s: float = 5.0
    mid_proxy: MidProxy = "none"
    run: tuple[datetime, datetime] | None = None


def read_marks(texts: Iterable[str]) -> dict[str, float]:
    """Prices written as ``PAIR=PRICE``.

    >>> read_marks(["SEI-USDT=0.12425"])
    {'SEI-USDT': 0.12425}

    Raises
    ------
    BadRequestError
        A text of another form, or a price that is none.
    """
    return dict(map(_mark, texts))


def _mark(text: str) -> tuple[str, float]:
    pair, _, number = text.strip().rpartition("=")
    try:
        price = float(number)
    except ValueError:
        price = math.nan
    if "-" not in pair or not math.isfinite(price) or price <= 0.0:
        raise BadRequestError(f"a given price is PAIR=PRICE, like SEI-USDT=0.12425; not {text!r}")
    return pair.strip(), price
