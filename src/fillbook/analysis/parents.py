"""Orders as decisions: what was wanted, at what price, and what it cost to get it (DEFINITIONS C4, C11).

A parent is a leg (entry or exit) of an executor that follows one intention; without one it is the order
itself. Its children are its orders: one that replaces another does not add to what was wanted.
"""

from __future__ import annotations

import json

import numpy as np
import polars as pl

from fillbook.analysis.execution_facts import Facts
from fillbook.analysis.execution_tables import beside
from fillbook.analysis.market_volume import market_volumes, volume_of
from fillbook.analysis.markets import by_market
from fillbook.analysis.view import View
from fillbook.arrays import Bools, Floats
from fillbook.ledger.book_sums import INVERSE
from fillbook.ledger.fees import METHODS
from fillbook.metrics.liquidity import twap, vwap
from fillbook.metrics.shortfall import Intents, Pieces, shortfall
from fillbook.performance_data_source import PerformanceDataSource

US = 1e6
_LEGS = ("position_executor", "order_executor", "twap_executor", "dca_executor")
_SLICED = ("twap_executor", "dca_executor")  # their orders add up to what was wanted
_MAKERS = "market_making|liquidity_mining"  # strategies whose LIMIT orders are quotes
_COVERED = 0.5  # of the window: less of it and there is no time-weighted price
_LASTS_S = 120.0  # a mid counts no longer than this in a time-weighted price
_OF_FIRST = (  # what a leg has from its first child
    "executor_id", "bot", "connector", "pair", "quote", "side", "order_id", "decided_at", "created_at",
    "decision_quote", "arrival_quote",
)  # fmt: skip
_ASKED = (  # of the orders
    "executor_id", "bot", "strategy", "connector", "pair", "quote", "side", "order_type", "order_id",
    "order_row", "amount_base", "filled_base", "created_at", "ended_at", "arrival_quote", "is_two_sided",
)  # fmt: skip
PARTS = ("delay", "timing", "spread", "opportunity", "fees")


def parents_of(data: PerformanceDataSource, seen: View, facts: Facts, orders: pl.DataFrame) -> pl.DataFrame:
    """A row a parent that traded or was meant to, by decision.

    Parameters
    ----------
    data, seen, facts
        The source, the booked view, and what the market was.
    orders
        Orders of the view (`execution_tables.order_lives`).

    Returns
    -------
    pl.DataFrame
        ``executor_id`` (null where the order is the parent), ``order_id`` of the first child, ``n_orders``,
        names of the market, ``side, asked_base, filled_base, average_quote, decided_at, created_at,
        ended_at, decision_quote, arrival_quote, end_quote`` (mids), the parts of the shortfall in quote
        (``delay_quote …, total_quote, paper_quote, real_quote``), ``vwap_quote, twap_quote,
        market_base`` (traded by the market meanwhile), ``sigma, day_base``, ``is_directional`` and
        ``is_taker``. Null where the market then is not known.
    """
    children = _children(data, facts, orders)
    legs = _legs(children)
    end = _end_mids(legs, facts, seen)
    legs = legs.with_columns(pl.Series("end_quote", end))
    fills = _their_fills(children, legs, data, seen, facts)
    columns = ("side", "asked_base", "decision_quote", "arrival_quote", "end_quote")
    wants = Intents(*(legs[name].fill_null(np.nan).to_numpy() for name in columns))
    parts = shortfall(wants, fills, legs["is_directional"].to_numpy())
    money = {f"{name}_quote": getattr(parts, name) for name in (*PARTS, "total", "paper", "real")}
    filled, value = (
        np.bincount(fills.parent, weights=w, minlength=legs.height)
        for w in (fills.qty, fills.qty * fills.price)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        average = value / filled
    frame = legs.with_columns(filled_base=filled, average_quote=average, **money)
    found = frame.with_columns(**_benchmarks(frame, data, facts)).drop("key").fill_nan(None)
    by_time = found.select(pl.arg_sort_by("decided_at", "order_id")).to_series()
    return found if by_time.is_sorted() else found[by_time]  # mostly they are: no copy then


def _children(data: PerformanceDataSource, facts: Facts, orders: pl.DataFrame) -> pl.DataFrame:
    """Orders that traded, or were meant to, each with the key of its parent."""
    executors = data.executors.select(
        "executor_id", pl.col("type").cast(pl.String), controller=pl.col("controller_id"),
        enters=pl.col("side").cast(pl.Int8), wanted=_wanted(data.executors),
    ).unique("executor_id", keep="first", maintain_order=True)  # fmt: skip
    making = data.controllers.filter(pl.col("type") == "market_making")["controller_id"].cast(pl.String)
    may = (pl.col("filled_base") > 0.0) | (pl.col("order_type") != "LIMIT_MAKER")
    asked = orders.select(_ASKED).filter(may | pl.col("executor_id").is_not_null())
    joined = (
        asked.with_columns(
            pl.col("executor_id").cast(pl.String),
            *beside(asked, facts.orders.decided.drop("decided_by")).get_columns(),
        )
        .join(executors, on="executor_id", how="left", maintain_order="left")
        .sort("created_at", "order_id")
    )
    is_leg = pl.col("type").is_in(_LEGS).fill_null(value=False) & pl.col("side").is_not_null()
    is_quoter = pl.col("controller").cast(pl.String).is_in(making.implode()).fill_null(value=False)
    is_market = pl.col("order_type") == "MARKET"
    is_maker = pl.col("strategy").cast(pl.String).str.contains(_MAKERS).fill_null(value=False)
    first_side = pl.col("side").first().over("executor_id", "connector", "pair")
    is_entry = ~is_leg | (pl.col("side") == pl.coalesce("enters", first_side))
    is_aim = (pl.col("order_type") != "LIMIT_MAKER") & pl.when(is_leg).then(
        is_entry | (pl.col("filled_base") > 0.0)  # a take profit that never filled was an option
    ).otherwise((pl.col("order_type") == "LIMIT") & ~pl.col("is_two_sided") & ~is_maker)  # fmt: skip
    leg = pl.concat_str("executor_id", pl.col("connector", "pair", "side").cast(pl.String), separator="/")
    key = pl.when(is_leg).then(leg).otherwise("order_id")
    return joined.with_columns(
        key=key,
        is_directional=is_market | (is_aim & ~is_quoter),
        is_taker=is_market,
        is_entry=is_entry,
        executor_id=pl.when(is_leg).then("executor_id"),
        type=pl.when(is_leg).then("type"),
        wanted=pl.when(is_leg & is_entry).then("wanted"),
    ).filter((pl.col("filled_base") > 0.0) | pl.col("is_directional"), pl.col("side").is_not_null())


def _wanted(executors: pl.DataFrame) -> pl.Series:
    """Base an executor was told to trade, where its configuration says so."""
    amounts = []
    for kind, text in executors.select(pl.col("type").cast(pl.String), "config").iter_rows():
        amount = None
        if kind not in _SLICED:
            try:
                amount = float(json.loads(text or "{}").get("amount"))
            except (ValueError, TypeError, AttributeError):
                amount = None
        amounts.append(amount)
    return pl.Series("wanted", amounts, dtype=pl.Float64)


def _legs(children: pl.DataFrame) -> pl.DataFrame:
    """One row a parent: an order of no executor as it is, a leg by its first child and its last end."""
    names = ("key", *_OF_FIRST, "n_orders", "asked_base", "ended_at", "is_directional", "is_taker")
    is_leg = pl.col("executor_id").is_not_null()
    single = children.filter(~is_leg).with_columns(n_orders=pl.lit(1), asked_base="amount_base")
    sliced = pl.col("type").first().is_in(_SLICED).fill_null(value=False)
    asked = pl.col("wanted").first().fill_null(pl.col("amount_base").first())
    legs = (
        children.filter(is_leg).group_by("key", maintain_order=True)
        .agg(
            pl.col(*_OF_FIRST).first(), n_orders=pl.len().cast(pl.Int32),
            asked_base=pl.when(sliced).then(pl.col("amount_base").sum()).otherwise(asked),
            ended_at=pl.when(pl.col("ended_at").is_not_null().all()).then(pl.col("ended_at").max()),
            is_directional=pl.col("is_directional").any(), is_taker=pl.col("is_taker").all(),
        )
    )  # fmt: skip
    return pl.concat([single.select(names), legs.select(names)]).with_columns(
        pl.col("decided_at").fill_null(pl.col("created_at")), pl.col("side").cast(pl.Float64)
    )


def _end_mids(legs: pl.DataFrame, facts: Facts, seen: View) -> Floats:
    """Mid at the end of each parent; an open one at the end of the data."""
    ended = legs["ended_at"].dt.timestamp("us").fill_null(seen.ledger.end_us).to_numpy()
    found = np.full(legs.height, np.nan)
    for connector, pair, rows in by_market(legs):
        market = facts.mids.of(connector, pair)
        found[rows] = market.at(ended[rows], seen.conventions.max_quote_age_s).mid
    return found


def _their_fills(
    children: pl.DataFrame, legs: pl.DataFrame, data: PerformanceDataSource, seen: View, facts: Facts
) -> Pieces:
    """Fills of the children, by parent."""
    is_leg = pl.col("executor_id").is_not_null()
    single = children.filter(~is_leg)["order_row"].to_numpy()
    keys = legs.filter(is_leg).select("key").with_row_index("parent", offset=single.size)
    of_child = children.filter(is_leg).select("order_row", "key").join(keys, on="key", maintain_order="left")
    parent_of_order = np.full(data.orders.height + 1, -1)
    parent_of_order[single] = np.arange(single.size)  # as `_legs` puts them: those first
    parent_of_order[of_child["order_row"].to_numpy()] = of_child["parent"].to_numpy()
    parent = parent_of_order[seen.of_fill]  # −1, no order, finds the last place: no parent
    rows = np.flatnonzero(parent >= 0)
    fills = data.fills.select("amount_base", "price_quote")
    fee, is_inverse = _fees(seen, data)
    price = fills["price_quote"].to_numpy()[rows]
    qty = fills["amount_base"].to_numpy()[rows]
    qty = np.where(is_inverse[rows], qty / price, qty)
    fee = np.where(is_inverse[rows], fee[rows] * price, fee[rows])
    return Pieces(parent[rows], qty, price, facts.fills.before.mid[rows], fee)


def _fees(seen: View, data: PerformanceDataSource) -> tuple[Floats, Bools]:
    """Fee of every fill in its settlement asset, NaN where unknown; and whether that is base."""
    prepared = seen.prepared
    order = slice(None) if prepared.assigned.order is None else prepared.assigned.order
    fee = np.empty(data.fills.height)
    fee[order] = prepared.whole.fee
    lost = prepared.fees.method == METHODS.index("unconverted")
    types = (prepared.assigned.books["market_type"] == INVERSE).to_numpy()
    is_inverse = np.zeros(data.fills.height, bool)
    is_inverse[order] = types[prepared.whole.book] if types.size else False
    return np.where(lost, np.nan, fee), is_inverse


def _benchmarks(legs: pl.DataFrame, data: PerformanceDataSource, facts: Facts) -> dict[str, Floats]:
    """The market's averages over each parent's life, and what it traded."""
    start = legs["created_at"].dt.timestamp("us").to_numpy() / US
    end = legs["ended_at"].dt.timestamp("us").cast(pl.Float64).fill_null(np.nan).to_numpy() / US
    names = ("vwap_quote", "twap_quote", "market_base", "sigma", "day_base")
    found = {name: np.full(legs.height, np.nan) for name in names}
    volumes = market_volumes(data.candles)
    for connector, pair, every in by_market(legs):
        rows = every[end[every] > start[every]]
        begin, until = start[rows], end[rows]
        samples = next(iter(facts.mids.of(connector, pair)), None)
        if samples is not None:
            price, covered = twap(samples.at / US, samples.mid, begin, until, _LASTS_S)
            found["twap_quote"][rows] = np.where(covered >= _COVERED, price, np.nan)
        market = volume_of(volumes, connector, pair)
        if market is None:
            continue
        is_covered = market.time.between(begin, until) >= (until - begin) * (1.0 - 1e-9)
        found["vwap_quote"][rows] = np.where(
            is_covered, vwap(market.volume, market.value, begin, until), np.nan
        )
        found["market_base"][rows] = np.where(is_covered, market.volume.between(begin, until), np.nan)
        found["sigma"][every], found["day_base"][every] = market.of_day(start[every])
    return found
