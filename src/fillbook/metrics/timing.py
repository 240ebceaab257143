"""How long things took, and how long the bot was in the market (DEFINITIONS C1, C8, C9, C14)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fillbook.arrays import Bools, Codes, Floats, Ints
from fillbook.ledger.sums import total
from fillbook.metrics.inputs import ORDER_CLASSES
from fillbook.metrics.kernels import live_seconds
from fillbook.metrics.registry import metric
from fillbook.results import Undefined
from fillbook.units import Unit

_HOUR_S = 3_600.0
_ENOUGH_FOR_P99 = 100
_OPEN = ORDER_CLASSES.index("OPEN")


@dataclass(frozen=True, slots=True)
class Survival:
    """Share of orders still without a fill after each time, Kaplan–Meier; times ascending, shape (n,)."""

    seconds: Floats
    share: Floats
    at_risk: Ints

    def quantile(self, share: float) -> float:
        """First time by which `share` of the orders has its first fill; undefined where it never is."""
        reached = self.share <= 1.0 - share + 1e-12
        return float(self.seconds[np.argmax(reached)]) if reached.any() else Undefined("not_reached")


def survival(seconds: Floats, is_filled: Bools) -> Survival:
    """Kaplan–Meier estimate of the time to the first fill (Lo, MacKinlay & Zhang 2002).

    Parameters
    ----------
    seconds
        From creation to the first fill, else to the order's end or the end of the data.
    is_filled
        Whether it was the fill that ended the wait; the others are censored: the wait was longer.
    """
    ordered = np.sort(seconds)
    is_new = np.ones(ordered.size, bool)
    np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
    first = np.flatnonzero(is_new)
    times, at_risk = ordered[first], seconds.size - first
    filled = np.diff(np.searchsorted(np.sort(seconds[is_filled]), times, side="right"), prepend=0)
    return Survival(times, np.cumprod(1.0 - filled / at_risk, dtype=np.float64), at_risk)


def quantile(values: Floats, share: float) -> float:
    """Smallest value that at least `share` of them do not exceed; NaN are left out.

    No p99 of fewer than 100 values: it would be the largest one.
    """
    known = values[~np.isnan(values)]
    if known.size == 0 or (share > 0.95 and known.size < _ENOUGH_FOR_P99):
        return Undefined("empty" if known.size == 0 else "n_too_small")
    place = max(math.ceil(share * known.size - 1e-9) - 1, 0)
    known.partition(place)
    return float(known[place])


@dataclass(frozen=True, slots=True)
class Uptime:
    """Seconds with a live order on the bid, the ask, and both, within a window of `window_s`."""

    bid_s: float
    ask_s: float
    both_s: float
    window_s: float


def uptime(side: Codes | Ints, start: Floats, end: Floats, window: tuple[float, float]) -> Uptime:
    """How long orders were live, clipped to the window (DEFINITIONS C14).

    Parameters
    ----------
    side, start, end
        Per order, any order of rows: ±1, seconds at which it was live, half-open.
    window
        First second and end.
    """
    by_start = np.argsort(start, kind="stable") if np.any(np.diff(start) < 0.0) else slice(None)
    bid, ask, either = live_seconds(side[by_start], start[by_start], end[by_start], *map(float, window))
    return Uptime(bid, ask, max(bid + ask - either, 0.0), window[1] - window[0])


@metric(
    label="Time to first fill p50", group="execution", unit=Unit.SECONDS, better="neither",
    formula=r"\min\{t: \hat S(t)\le \tfrac12\}", source="DEFINITIONS C9; limit orders, Kaplan–Meier",
    undefined="not_reached where fewer than half are ever filled; no_order_row; no_orders",
)  # fmt: skip
def time_to_first_fill_p50(order_wait_s: Floats, order_is_filled: Bools, order_is_market: Bools) -> float:
    """Time after which half of the limit orders have a fill, cancelled ones counted as still waiting."""
    chosen = ~order_is_market & ~np.isnan(order_wait_s)
    if not chosen.any():
        return Undefined("no_orders")
    return survival(order_wait_s[chosen], order_is_filled[chosen]).quantile(0.5)


@metric(
    label="Order latency p50", group="execution", unit=Unit.SECONDS, better="lower",
    formula=r"q_{50}(t_{first\ fill}-t_{signal})", source="DEFINITIONS C1; orders that trade at once",
    undefined="no_taker_orders: none that trades at once was filled; no_order_row",
)  # fmt: skip
def order_latency_p50(traded_latency_s: Floats) -> float:
    """Half of the market and marketable orders had their first fill within this of the decision."""
    return _latency(traded_latency_s, 0.5)


@metric(
    label="Order latency p90", group="execution", unit=Unit.SECONDS, better="lower",
    formula=r"q_{90}(t_{first\ fill}-t_{signal})", source="DEFINITIONS C1; orders that trade at once",
    undefined="no_taker_orders: none that trades at once was filled; no_order_row",
)  # fmt: skip
def order_latency_p90(traded_latency_s: Floats) -> float:
    """Nine in ten of the market and marketable orders had their first fill within this of the decision."""
    return _latency(traded_latency_s, 0.9)


def _latency(seconds: Floats, share: float) -> float:
    return Undefined("no_taker_orders") if np.isnan(seconds).all() else quantile(seconds, share)


@metric(
    label="Fills per order-hour", group="execution", unit=Unit.RATIO, better="neither",
    formula=r"\#\text{fills}\,/\,\sum(t_{end}-t_{create})", source="DEFINITIONS C8, limit orders",
    undefined="no_orders; no_order_row",
)  # fmt: skip
def fills_per_order_hour(order_live_s: Floats, order_n_fills: Ints, order_is_market: Bools) -> float:
    """Fills for every hour that one limit order stood in the book; does not depend on the refresh time."""
    chosen = ~order_is_market & ~np.isnan(order_live_s)
    live = total(order_live_s[chosen])
    return int(order_n_fills[chosen].sum()) / live * _HOUR_S if live > 0.0 else Undefined("no_orders")


@metric(
    label="Orders per trade", group="execution", unit=Unit.RATIO, better="lower",
    formula=r"\#\text{orders}\,/\,\#\{Q_f>0\}", source="DEFINITIONS C8",
    undefined="no_orders with a fill; no_order_row",
)  # fmt: skip
def orders_per_trade(order_filled: Floats) -> float:
    """Acknowledged orders for each one that traded."""
    traded = int((order_filled > 0.0).sum())
    return order_filled.size / traded if traded else Undefined("no_orders")


@metric(
    label="Quote lifetime p50", group="execution", unit=Unit.SECONDS, better="neither",
    formula=r"q_{50}(t_{end}-t_{create})", source="DEFINITIONS C14, limit orders",
    undefined="no_orders that ended; no_order_row",
)  # fmt: skip
def quote_lifetime_p50(order_live_s: Floats, order_class: Ints, order_is_market: Bools) -> float:
    """Half of the limit orders that ended had lived no longer than this."""
    mine = order_live_s[~order_is_market & (order_class != _OPEN) & ~np.isnan(order_live_s)]
    return quantile(mine, 0.5) if mine.size else Undefined("no_orders")


@metric(
    label="Quote uptime", group="execution", unit=Unit.FRACTION, better="higher",
    formula=r"|\text{bid live}\cap\text{ask live}|\,/\,T", source="DEFINITIONS C14",
    undefined="no_orders; no_order_row",
)  # fmt: skip
def quote_uptime(uptime_both_s: Floats, uptime_window_s: Floats) -> float:
    """Share of the time with a live bid and a live ask, over bots and pairs."""
    return _uptime(uptime_both_s, uptime_window_s)


@metric(
    label="Bid uptime", group="execution", unit=Unit.FRACTION, better="higher",
    formula=r"|\text{bid live}|\,/\,T", source="DEFINITIONS C14", undefined="no_orders; no_order_row",
)  # fmt: skip
def bid_uptime(uptime_bid_s: Floats, uptime_window_s: Floats) -> float:
    """Share of the time with a live bid, over bots and pairs."""
    return _uptime(uptime_bid_s, uptime_window_s)


@metric(
    label="Ask uptime", group="execution", unit=Unit.FRACTION, better="higher",
    formula=r"|\text{ask live}|\,/\,T", source="DEFINITIONS C14", undefined="no_orders; no_order_row",
)  # fmt: skip
def ask_uptime(uptime_ask_s: Floats, uptime_window_s: Floats) -> float:
    """Share of the time with a live ask, over bots and pairs."""
    return _uptime(uptime_ask_s, uptime_window_s)


def _uptime(live: Floats, window: Floats) -> float:
    whole = total(window)
    return total(live) / whole if whole > 0.0 else Undefined("no_orders")
