"""What the market was at every fill and order, found once for all filters (DEFINITIONS C1, C2, H2, H3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fillbook.analysis.levels import order_levels
from fillbook.analysis.markets import by_market
from fillbook.analysis.mids import US, Looked, Mids, mids_of
from fillbook.analysis.ticks import limits, sides
from fillbook.analysis.together import both
from fillbook.analysis.view import View
from fillbook.arrays import Bools, Codes, Floats, Ints
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.sources.hummingbot import decisions_us

HORIZONS = (0.0, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0)
DECIDED_BY = ("creation", "order_id", "executor")
_NEAR_US = 5 * US  # a decision further from the order's creation is no decision of this order
_UTC = pl.Datetime("us", "UTC")
_TICKS_S = (1.0, 0.5, 0.25, 0.1, 0.01, 0.001)
_MOST = 0.99


@dataclass(frozen=True, slots=True)
class FillFacts:
    """Per fill, in the order of the canonical table, shape (n,).

    Parameters
    ----------
    before
        Quote just before each.
    later
        Mid a horizon (s) after each; NaN where there is none.
    tick_s
        Resolution of its time stamps.
    """

    before: Looked
    later: Mapping[float, Floats]
    tick_s: Floats


@dataclass(frozen=True, slots=True)
class OrderPrices:
    """What the market was when the orders were made.

    Parameters
    ----------
    arrival
        Mid when each order of the canonical table was created, null where there is none, shape (n,).
    rank, is_two_sided
        Place of each order's price among the quotes of its tick and side, 1 the innermost, 0 where it has
        none; whether the other side was quoted at its tick.
    decided
        A row an order that traded or was no mere quote, by ``order_row``: ``decided_at`` (when the bot
        decided on it), ``decided_by`` (how that is known, of `DECIDED_BY`) and ``decision_quote``
        (mid then; null where not known).
    levels
        Names of the quote levels, innermost first.
    level
        Index into them of each order, −1 where it has none.
    links_omit_cancelled
        Executors name only the orders that filled, though others were placed: nothing then tells how many
        of a controller's or a level's own orders did.
    """

    arrival: pl.Series
    rank: NDArray[np.int32]
    is_two_sided: Bools
    decided: pl.DataFrame
    levels: tuple[str, ...]
    level: NDArray[np.int16]
    links_omit_cancelled: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything about the market that does not depend on a filter."""

    mids: Mids
    fills: FillFacts
    orders: OrderPrices


_KNOWN: WeakKeyDictionary[PerformanceDataSource, tuple[str, Facts]] = WeakKeyDictionary()


def facts_of(data: PerformanceDataSource, seen: View) -> Facts:
    """Facts of all fills and orders, also those not in the view; the last ones asked for are kept."""
    max_age_s = seen.conventions.max_quote_age_s
    key = repr((max_age_s, seen.conventions.mid_proxy))
    if data not in _KNOWN or _KNOWN[data][0] != key:
        mids = mids_of(data, seen.conventions, seen.prepared.prices)
        fills, orders = both(
            lambda: _fill_facts(data, mids, max_age_s),
            lambda: _order_prices(data, mids, max_age_s, seen.of_fill),
        )
        mids.let_go()
        _KNOWN[data] = (key, Facts(mids, fills, orders))
    return _KNOWN[data][1]


def _us(times: pl.Series) -> Ints:
    return times.dt.timestamp("us").to_numpy()


def clock_tick_s(at: Ints) -> float:
    """Resolution of time stamps: the coarsest tick that nearly all of them lie on.

    >>> clock_tick_s(np.array([1_000_000, 2_000_000, 5_500_000]))
    0.5
    """
    for tick in _TICKS_S:
        if at.size and np.mean(at % round(tick * US) == 0) >= _MOST:
            return tick
    return _TICKS_S[-1]


def _fill_facts(data: PerformanceDataSource, mids: Mids, max_age_s: float) -> FillFacts:
    fills = data.fills
    at, n = _us(fills["at"]), fills.height
    before, tick = Looked.nothing(n), np.ones(n)
    later = {horizon: np.full(n, np.nan) for horizon in HORIZONS}
    for connector, pair, rows in by_market(fills):
        market, when = mids.of(connector, pair), at[rows]
        tick[rows] = clock_tick_s(when)
        before.put(rows, market.before(when, max_age_s))
        for horizon in HORIZONS[1:]:
            if horizon >= 2.0 * tick[rows[0]]:
                later[horizon][rows] = market.after(when, horizon)
    later[0.0] = before.mid
    return FillFacts(before, later, tick)


def _order_prices(
    data: PerformanceDataSource, mids: Mids, max_age_s: float, order_of_fill: Ints
) -> OrderPrices:
    orders = data.orders
    created = _us(orders["at"])
    arrival = np.empty(orders.height)
    rows, decided, by = decisions(data, order_of_fill)
    decision = np.empty(rows.size)
    for connector, pair, mine in by_market(orders):
        arrival[mine] = mids.of(connector, pair).at(created[mine], max_age_s).mid
    for connector, pair, mine in by_market(orders.select("connector", "pair")[rows]):
        decision[mine] = mids.of(connector, pair).at(decided[mine], max_age_s).mid
    rank, is_two_sided = mids.ticks.ranks(sides(orders), limits(orders))
    level, levels = order_levels(orders, data.executors, rank)
    told = pl.DataFrame({
        "order_row": rows.astype(np.uint32), "decided_at": pl.Series(decided).cast(_UTC),
        "decided_by": named(by, DECIDED_BY), "decision_quote": given(decision),
    })  # fmt: skip
    return OrderPrices(
        given(arrival), rank, is_two_sided, told, levels, level, _omits_cancelled(data, order_of_fill)
    )


def arrivals(data: PerformanceDataSource, rows: pl.Series, mids: Mids, max_age_s: float) -> Looked:
    """What the market was when some orders were created."""
    orders = data.orders.select("connector", "pair", "at")[rows]
    found, created = Looked.blank(orders.height), _us(orders["at"])
    for connector, pair, mine in by_market(orders):
        found.put(mine, mids.of(connector, pair).at(created[mine], max_age_s))
    return found


def given(values: Floats) -> pl.Series:
    """Column of numbers; null where unknown."""
    return pl.Series(values, nan_to_null=True)


def named(codes: NDArray[np.integer[Any]], names: tuple[str, ...]) -> pl.Series:
    """Names by code; null where the code is negative."""
    if not names:
        return pl.Series([None] * codes.size, dtype=pl.Categorical)
    listed = pl.Series([*names, None], dtype=pl.String).cast(pl.Categorical)
    return listed.gather(pl.Series(np.where(codes < 0, len(names), codes).astype(np.uint32)))


def _omits_cancelled(data: PerformanceDataSource, order_of_fill: Ints) -> bool:
    """Whether executors of some kind name only orders with fills, while their bots placed others without."""
    if data.executors.is_empty() or data.orders.is_empty():
        return False
    has_fill = np.zeros(data.orders.height, bool)
    has_fill[order_of_fill[order_of_fill >= 0]] = True
    limit = data.orders.select("bot", pl.col("executor_id").cast(pl.String), "order_type").with_columns(
        pl.Series("has_fill", has_fill)
    ).filter(pl.col("order_type") != "MARKET")  # fmt: skip
    types = data.executors.select("executor_id", "type").unique("executor_id")
    linked = limit.join(types, on="executor_id").group_by("bot", "type").agg(pl.col("has_fill").all())
    bots = linked.filter("has_fill")["bot"].unique()
    others = limit.filter(pl.col("executor_id").is_null() & ~pl.col("has_fill"))
    return others.filter(pl.col("bot").is_in(bots.implode())).height > 0


def decisions(data: PerformanceDataSource, order_of_fill: Ints) -> tuple[Ints, Ints, Codes]:
    """Rows of the orders that traded or were no mere quotes, when the bot decided on each (µs UTC), by what.

    First the executor's own start, for its first order; then the time in the client order id, where it
    lies within five seconds of the creation; else the creation, a clock tick.
    """
    orders = data.orders
    asks = (orders["order_type"] != "LIMIT_MAKER").to_numpy().copy()
    asks[order_of_fill[order_of_fill >= 0]] = True
    rows = np.flatnonzero(asks)
    decided, by = _us(orders["at"])[rows], np.zeros(rows.size, np.int8)
    told = decisions_us(orders["order_id"].gather(rows)).cast(pl.Float64).fill_null(np.nan).to_numpy()
    near = np.abs(told - decided) <= _NEAR_US
    decided[near], by[near] = told[near], DECIDED_BY.index("order_id")
    first, starts = _executor_starts(data)
    asked = asks[first]
    place = np.searchsorted(rows, first[asked])
    decided[place], by[place] = starts[asked], DECIDED_BY.index("executor")
    return rows, decided, by


def _executor_starts(data: PerformanceDataSource) -> tuple[Ints, Floats]:
    """Rows of the first order of each executor, and when the executor was started, µs UTC."""
    if data.executors.is_empty():
        return np.zeros(0, np.int64), np.zeros(0)
    starts = data.executors.select("executor_id", start=pl.col("at").dt.timestamp("us")).unique("executor_id")
    first = (
        data.orders.select("executor_id", "at", "order_id").with_row_index("row")
        .filter(pl.col("executor_id").is_not_null())
        .sort("at", "order_id").unique("executor_id", keep="first", maintain_order=True)
        .with_columns(pl.col("executor_id").cast(pl.String)).join(starts, on="executor_id")
    )  # fmt: skip
    return first["row"].cast(pl.Int64).to_numpy(), first["start"].cast(pl.Float64).to_numpy()
