"""What became of orders (DEFINITIONS C8): acknowledged ones, open ones left out of every rate."""

from __future__ import annotations

from statistics import NormalDist
from typing import Literal

import numpy as np

from fillbook.arrays import Bools, Codes, Floats, Ints
from fillbook.ledger.sums import total
from fillbook.metrics.inputs import ORDER_CLASSES
from fillbook.metrics.registry import metric
from fillbook.results import Undefined
from fillbook.units import Unit

Kind = Literal["all", "limit", "market"]
_FULL = 1e-9  # an order is full within this share of its amount
_FILLED, _INCOMPLETE, _CANCELLED, _EXPIRED, _FAILED, _OPEN = range(len(ORDER_CLASSES))


def classify_orders(
    filled: Floats,
    amount: Floats,
    completed: Bools,
    cancelled: Bools,
    expired: Bools,
    failed: Bools,
) -> Codes:
    """Class of each order (index into `ORDER_CLASSES`), the first that matches.

    Filled in full, completed though fills are missing, cancelled, expired, failed, else open.
    """
    classes = np.full(filled.size, _OPEN, np.int8)
    for flag, name in (
        (failed, _FAILED), (expired, _EXPIRED), (cancelled, _CANCELLED), (completed, _INCOMPLETE),
        (filled >= amount * (1.0 - _FULL), _FILLED),
    ):  # fmt: skip
        classes[flag] = name
    return classes


def wilson(hits: Floats, n: Floats, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Interval of each share ``hits / n`` (Wilson 1927); NaN where n is 0."""
    z = NormalDist().inv_cdf((1.0 + level) / 2.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = hits / n
        middle = (share + z * z / (2.0 * n)) / (1.0 + z * z / n)
        half = z * np.sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n)) / (1.0 + z * z / n)
        low = np.where(hits == 0.0, 0.0, middle - half)  # exactly the ends, without rounding
        high = np.where(hits == n, 1.0, middle + half)
    return np.where(n > 0.0, low, np.nan), np.where(n > 0.0, high, np.nan)


LATENCY_FLAGS = ("ok", "negative_clock_floor", "no_nonce")


def signal_to_fill(decided_us: Floats, filled_us: Floats) -> tuple[Floats, Ints]:
    """Seconds from the bot's decision to the fill, and how far each can be trusted.

    The fill's time is floored to the bot's clock tick, so the truth lies up to a tick above; a
    negative difference is that floor showing, and is kept (DEFINITIONS C1, H3).

    Parameters
    ----------
    decided_us
        Decision in microseconds since 1970; NaN where the order's id carries none.
    filled_us
        Fill in microseconds since 1970.

    Returns
    -------
    Seconds, NaN without a decision; index into `LATENCY_FLAGS`.
    """
    seconds = (filled_us - decided_us) / 1e6
    flags = np.select([np.isnan(seconds), seconds < 0.0], [2, 1], 0)
    return seconds, flags.astype(np.int64)


def _terminal(order_class: Ints, order_is_market: Bools, kind: Kind) -> Bools:
    chosen = {
        "all": np.ones(order_class.size, bool),
        "market": order_is_market,
        "limit": ~order_is_market,
    }
    return np.asarray((order_class != _OPEN) & chosen[kind])


def _share(hits: Bools, population: Bools) -> float:
    n = int(population.sum())
    return int((hits & population).sum()) / n if n else Undefined("no_orders")


@metric(
    label="Fill rate",
    group="execution",
    unit=Unit.FRACTION,
    better="higher",
    formula=r"\#\{Q_f>0\}/\#\text{terminal}",
    source="DEFINITIONS C8",
    undefined="no_order_row; no_orders that ended",
)
def fill_rate(
    order_class: Ints, order_filled: Floats, order_is_market: Bools, *, kind: Kind = "all"
) -> float:
    """Share of ended orders that were filled at least in part."""
    return _share(order_filled > 0.0, _terminal(order_class, order_is_market, kind))


@metric(
    label="Full fill rate",
    group="execution",
    unit=Unit.FRACTION,
    better="higher",
    formula=r"\#\text{FILLED}/\#\text{terminal}",
    source="DEFINITIONS C8",
    undefined="no_order_row; no_orders that ended",
)
def fill_rate_full(order_class: Ints, order_is_market: Bools, *, kind: Kind = "all") -> float:
    """Share of ended orders that were filled completely."""
    return _share(np.isin(order_class, [_FILLED, _INCOMPLETE]), _terminal(order_class, order_is_market, kind))


@metric(
    label="Fill rate by quantity", group="execution", unit=Unit.FRACTION, better="higher",
    formula=r"\sum w\min(Q_f,Q_o)/\sum w Q_o", source="DEFINITIONS C8, weighted by price",
    undefined="no_order_row; no_orders that ended; no_price where an order has none",
)  # fmt: skip
def fill_rate_quantity(
    order_class: Ints, order_amount: Floats, order_filled: Floats, order_price: Floats,
    order_is_market: Bools, *, kind: Kind = "all",
) -> float:  # fmt: skip
    """Share of the value asked for that was filled; overfills count no more than the order."""
    ended = _terminal(order_class, order_is_market, kind) & ~np.isnan(order_price)
    asked = total((order_amount * order_price)[ended])
    got = total((np.minimum(order_filled, order_amount) * order_price)[ended])
    return got / asked if asked > 0.0 else Undefined("no_orders")


@metric(
    label="Cancel ratio",
    group="execution",
    unit=Unit.FRACTION,
    better="neither",
    formula=r"\#\text{CANCELLED}/\#\text{terminal}",
    source="DEFINITIONS C8",
    undefined="no_order_row; no_orders that ended",
)
def cancel_ratio(order_class: Ints, order_is_market: Bools, *, kind: Kind = "all") -> float:
    """Share of ended orders that were cancelled."""
    return _share(order_class == _CANCELLED, _terminal(order_class, order_is_market, kind))


@metric(
    label="Expired ratio",
    group="execution",
    unit=Unit.FRACTION,
    better="lower",
    formula=r"\#\text{EXPIRED}/\#\text{terminal}",
    source="DEFINITIONS C8",
    undefined="no_order_row; no_orders that ended",
)
def expired_ratio(order_class: Ints, order_is_market: Bools, *, kind: Kind = "all") -> float:
    """Share of ended orders that expired."""
    return _share(order_class == _EXPIRED, _terminal(order_class, order_is_market, kind))


@metric(
    label="Failed ratio",
    group="execution",
    unit=Unit.FRACTION,
    better="lower",
    formula=r"\#\text{FAILED}/\#\text{terminal}",
    source="DEFINITIONS C8",
    undefined="no_order_row; no_orders that ended",
)
def failed_ratio(order_class: Ints, order_is_market: Bools, *, kind: Kind = "all") -> float:
    """Share of ended orders that failed after they were acknowledged."""
    return _share(order_class == _FAILED, _terminal(order_class, order_is_market, kind))


@metric(
    label="Partial fills",
    group="execution",
    unit=Unit.FRACTION,
    better="neither",
    formula=r"\#\{0<Q_f<Q_o\}/\#\{Q_f>0\}",
    source="DEFINITIONS C8",
    undefined="no_order_row; no_orders with a fill",
)
def partial_fill_ratio(
    order_class: Ints, order_filled: Floats, order_is_market: Bools, *, kind: Kind = "all"
) -> float:
    """Share of the ended orders with a fill that were left unfinished."""
    with_fill = _terminal(order_class, order_is_market, kind) & (order_filled > 0.0)
    return _share(~np.isin(order_class, [_FILLED, _INCOMPLETE]), with_fill)
