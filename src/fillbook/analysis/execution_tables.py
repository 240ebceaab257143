"""Order by order and fill by fill: when, at what price, against which market (DEFINITIONS C1–C5, A11)."""

from __future__ import annotations

import numpy as np
import polars as pl

from fillbook.analysis.execution_facts import DECIDED_BY, Facts, arrivals, given, named
from fillbook.analysis.inputs import inverse_of
from fillbook.analysis.mids import KINDS
from fillbook.analysis.orders import order_facts
from fillbook.analysis.view import View
from fillbook.arrays import Floats
from fillbook.ledger.book_sums import INVERSE
from fillbook.metrics.inputs import ORDER_CLASSES
from fillbook.performance_data_source import PerformanceDataSource

US = 1e6
_UTC = pl.Datetime("us", "UTC")
_BPS = 1e4
LIQUIDITY_OF = {"LIMIT_MAKER": "maker", "MARKET": "taker", "AMM_SWAP": "taker"}
_ORDER_NAMES = (
    "bot", "strategy", "connector", "pair", "quote", "controller_id", "executor_id", "side", "order_type",
    "order_id",
)  # fmt: skip

TRADED = (  # what the answers ask of the orders that traded
    "bot", "connector", "quote", "side", "order_type", "order_is_market", "amount_base", "filled_base",
    "average_quote", "limit_quote", "created_at", "last_fill_at", "decided_by", "arrival_quote",
    "arrival_from", "touch_quote", "latency_s", "create_to_fill_s", "first_to_last_fill_s", "fill_to_end_s",
    "slippage_limit_bps", "overfill_base", "is_late_fill", "is_fill_before_order",
)  # fmt: skip


def fill_table(data: PerformanceDataSource, seen: View, facts: Facts) -> pl.DataFrame:
    """Fills of the view with the market around them, in the order of the ledger's flow.

    Returns
    -------
    pl.DataFrame
        Names, ``at, side, order_type, liquidity, level, order_id, price_quote, amount_base`` (of inverse
        contracts in base), ``rate`` (reporting currency for one quote; NaN where there is none), ``mid_quote,
        bid_quote, ask_quote`` just before the fill with ``mid_age_s`` and ``mid_from``, ``is_crossed``,
        and ``mid_0s … mid_3600s``; NaN where not known. ``fill_row`` is the row in the canonical table,
        ``is_inverse`` tells contracts, and ``beyond_flat`` is the share of a fill that crosses zero which
        opens the next position (else 0).
    """
    rows, books = seen.ledger.rows, seen.ledger.books
    names = ("bot", "connector", "pair", "quote", "controller_id", "close_type", "at", "side", "order_type")
    fills = data.fills.select(*names, "order_id", "price_quote", "amount_base")[rows]
    book = seen.ledger.flow.book
    rate = seen.reporting.at_end[book] if book.size else np.zeros(0)
    before = facts.fills.before.taken(rows)
    types = (books["market_type"] == INVERSE).to_numpy()
    is_inverse = types[book] if book.size else np.zeros(0, bool)
    amount, price = fills["amount_base"].to_numpy(), fills["price_quote"].to_numpy()
    order = seen.of_fill[rows]
    level = np.where(order >= 0, facts.orders.level[order] if data.orders.height else 0, -1)
    later = {f"mid_{horizon:g}s": mids[rows] for horizon, mids in facts.fills.later.items() if horizon > 0.0}
    return fills.select(
        *names, "order_id", "price_quote",
        liquidity=pl.col("order_type").cast(pl.String).replace_strict(LIQUIDITY_OF, default="unknown"),
    ).with_columns(
        pl.Series("level", named(level, facts.orders.levels)),
        pl.Series("beyond_flat", _beyond_flat(seen)), pl.Series("is_inverse", is_inverse),
        pl.Series("fill_row", rows), pl.Series("amount_base", np.where(is_inverse, amount / price, amount)),
        pl.Series("rate", rate), pl.Series("mid_quote", before.mid), pl.Series("bid_quote", before.bid),
        pl.Series("ask_quote", before.ask), pl.Series("mid_age_s", before.age_s),
        pl.Series("mid_from", named(before.kind, KINDS)), pl.Series("is_crossed", before.is_crossed),
        pl.Series("tick_s", facts.fills.tick_s[rows]),
        mid_0s=pl.Series(before.mid), **{name: pl.Series(values) for name, values in later.items()},
    )  # fmt: skip


def _beyond_flat(seen: View) -> Floats:
    """Share of each fill that opens a position on the other side of zero."""
    flow = seen.ledger.flow
    before = np.concatenate([[0.0], flow.position[:-1]])[: flow.qty.size]
    before[1:][flow.book[1:] != flow.book[:-1]] = 0.0
    beyond = np.abs(flow.qty) - np.abs(before)
    is_crossing = (before * flow.qty < 0.0) & (beyond > 0.0)
    return np.where(is_crossing, beyond / np.where(flow.qty == 0.0, 1.0, np.abs(flow.qty)), 0.0)


def order_lives(data: PerformanceDataSource, seen: View, facts: Facts) -> pl.DataFrame:
    """Orders of the view: what became of them.

    Returns
    -------
    pl.DataFrame
        Names, ``order_type, level, rank, amount_base, limit_quote, order_class, filled_base, n_fills,
        created_at, ended_at, arrival_quote`` (mid at creation), ``is_two_sided, wait_s`` (to the first fill,
        which it has where it ``is_filled``, else to its end) and ``live_s`` (to the end of the data for an
        open one); ``order_row`` is the row in the canonical table. Amounts of inverse contracts are in base
        at the price they filled at, else their limit, else the mid at creation. Null where not known.
    """
    held = seen.orders if seen.orders is not None else order_facts(data.tables).table
    orders, prices = data.orders, facts.orders
    row = held["order_row"].to_numpy() if held.height != orders.height else slice(None)
    orders = orders[row]
    told = beside(held, seen.filled.select("order_row", "n_fills", "first_fill_at"))
    lives = orders.select(
        *_ORDER_NAMES, "amount_base", limit_quote="price_quote", created_at="at", last_status="last_status",
    ).with_columns(
        *held.select("order_row", "order_class", "order_is_market", filled_base="order_filled",
                     ended_at=pl.col("ended_us").cast(_UTC)).get_columns(),
        *told.select(pl.col("n_fills").fill_null(0), "first_fill_at").get_columns(),
        arrival_quote=prices.arrival[row], is_two_sided=pl.Series(prices.is_two_sided[row]),
        level=named(prices.level[row], prices.levels), rank=pl.Series(prices.rank[row]),
    )  # fmt: skip
    is_inverse = inverse_of(orders, seen.conventions)
    if is_inverse.any():
        coins = beside(held, seen.filled.select("order_row", "contracts", "coins"))
        lives = lives.with_columns(*coins.get_columns()).with_columns(**_coins(is_inverse))
    return lives.with_columns(**_durations(seen), is_filled=pl.col("first_fill_at").is_not_null()).drop(
        "first_fill_at", "contracts", "coins", strict=False
    )


def beside(orders: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """What is told of some orders, by ``order_row``: a row an order, null where nothing is."""
    return (
        orders.select("order_row")
        .join(told, on="order_row", how="left", maintain_order="left").drop("order_row")
    )  # fmt: skip


def with_details(lives: pl.DataFrame, data: PerformanceDataSource, seen: View, facts: Facts) -> pl.DataFrame:
    """Orders with what is told only of those that somebody looks at more closely.

    Parameters
    ----------
    lives
        Some rows of `order_lives`.
    data, seen, facts
        What they are of.

    Returns
    -------
    pl.DataFrame
        With ``class`` (the name), ``average_quote, first_fill_at, last_fill_at, stopped_at`` (first event
        that cancelled, expired or failed it), ``decided_at, decided_by, decision_quote`` (null for quotes
        that never traded), ``arrival_bid_quote, arrival_ask_quote, arrival_age_s`` and ``arrival_from``.
        Null where not known.
    """
    found = arrivals(data, lives["order_row"], facts.mids, seen.conventions.max_quote_age_s)
    is_inverse = inverse_of(lives, seen.conventions)
    coins = pl.when(pl.col("coins") > 0.0).then("coins")
    average = pl.when(is_inverse).then(pl.col("contracts") / coins).otherwise("average_quote")
    return lives.with_columns(
        pl.Series("class", named(lives["order_class"].to_numpy(), ORDER_CLASSES)),
        *beside(lives, seen.filled.drop("n_fills")).with_columns(average_quote=average)
        .drop("contracts", "coins").get_columns(),
        *beside(lives, facts.orders.decided)
        .with_columns(pl.col("decided_by").fill_null(DECIDED_BY[0])).get_columns(),
        arrival_bid_quote=given(found.bid), arrival_ask_quote=given(found.ask),
        arrival_age_s=given(found.age_s), arrival_from=named(found.kind, KINDS),
    )  # fmt: skip


def with_costs(lives: pl.DataFrame) -> pl.DataFrame:
    """Orders with what can be told of those that traded.

    Parameters
    ----------
    lives
        Orders `with_details`.

    Returns
    -------
    pl.DataFrame
        With ``latency_s`` (decision to first fill, of orders that trade at once), ``create_to_fill_s,
        first_to_last_fill_s, fill_to_end_s``, ``touch_quote``, ``slippage_arrival_bps``,
        ``slippage_limit_bps`` and ``slippage_touch_bps`` (market orders), ``overfill_base``, and whether it
        ``is_late_fill`` (filled after it was cancelled, expired or failed) or ``is_fill_before_order``
        (stamped so). Null where not known.
    """
    return lives.with_columns(**_spans(), **_slippage()).drop("stopped_at")


def _coins(is_inverse: pl.Series) -> dict[str, pl.Expr]:
    """Amounts of inverse contracts in base, at their harmonic mean price; the others as they are."""
    amount, coins = pl.col("amount_base"), pl.col("coins").fill_null(0.0)
    average = pl.col("contracts") / pl.when(coins > 0.0).then(coins)
    price = pl.coalesce(average, "limit_quote", "arrival_quote")
    changed = {"amount_base": amount / price, "filled_base": coins}
    return {name: pl.when(is_inverse).then(value).otherwise(name) for name, value in changed.items()}


def _seconds(span: pl.Expr) -> pl.Expr:
    return span.dt.total_microseconds() / US


def _durations(seen: View) -> dict[str, pl.Expr]:
    """Seconds to the first fill and of life; the open ones last until the end of the data."""
    end = pl.lit(seen.ledger.end_us, dtype=pl.Int64).cast(_UTC)
    is_open = pl.col("order_class") == ORDER_CLASSES.index("OPEN")
    ended = pl.coalesce("ended_at", pl.when(is_open).then(end))  # an unknown end leaves null
    wait = pl.col("first_fill_at").fill_null(ended)
    return {
        "wait_s": _seconds(wait - pl.col("created_at")), "live_s": _seconds(ended - pl.col("created_at")),
    }  # fmt: skip


def _spans() -> dict[str, pl.Expr]:
    """Spans between the moments of an order with fills, and what is odd about them."""
    limit, touch = pl.col("limit_quote"), _touch()
    crosses = pl.when(pl.col("side") > 0).then(limit >= touch).otherwise(limit <= touch)
    rests = pl.col("order_type") == "LIMIT_MAKER"  # else the exchange had refused it
    trades_at_once = pl.col("order_is_market") | (crosses & ~rests).fill_null(value=False)
    late = pl.col("last_fill_at") > pl.coalesce("stopped_at", "ended_at")
    first, last = pl.col("first_fill_at"), pl.col("last_fill_at")
    return {
        "latency_s": pl.when(trades_at_once).then(_seconds(first - pl.col("decided_at"))),
        "create_to_fill_s": _seconds(first - pl.col("created_at")),
        "first_to_last_fill_s": _seconds(last - first),
        "fill_to_end_s": _seconds(pl.col("ended_at") - last),
        "overfill_base": (pl.col("filled_base") - pl.col("amount_base")).clip(lower_bound=0.0),
        "is_late_fill": late.fill_null(value=False),
        "is_fill_before_order": (first < pl.col("created_at")).fill_null(value=False),
    }


def _touch() -> pl.Expr:
    """Price at creation at which the other side would have traded at once; null where the side is."""
    side = pl.col("side")
    return pl.when(side > 0).then("arrival_ask_quote").when(side < 0).then("arrival_bid_quote")


def _slippage() -> dict[str, pl.Expr]:
    """Costs in bps of the benchmark; a market order's also against the touch."""
    side, average = pl.col("side"), pl.col("average_quote")
    touch = _touch()

    def cost(benchmark: pl.Expr, base: pl.Expr) -> pl.Expr:
        return side * (average - benchmark) / base * _BPS

    arrival, limit = pl.col("arrival_quote"), pl.col("limit_quote")
    return {
        "touch_quote": touch,
        "slippage_arrival_bps": cost(arrival, arrival),
        "slippage_limit_bps": pl.when(~pl.col("order_is_market")).then(cost(limit, limit)),
        "slippage_touch_bps": pl.when(pl.col("order_is_market")).then(cost(touch, arrival)),
    }


def trade_table(trips: pl.DataFrame, fills: pl.DataFrame) -> pl.DataFrame:
    """Round trips with how they were executed.

    Parameters
    ----------
    trips
        Of the overview of the same view.
    fills
        `fill_table`, in the order of the ledger's flow.

    Returns
    -------
    pl.DataFrame
        `trips` with ``exit_efficiency`` (gross over the best point; null where that is 0), ``mae_fraction``
        and ``mfe_fraction`` of the entry's value, ``edge_quote`` (gain of its fills against the mids before
        them; a fill that ends one trip and begins the next counts in each with its share) and
        ``n_with_mid``, how many of them had one.
    """
    qty = fills["side"].cast(pl.Float64) * fills["amount_base"]
    gain = (qty * (fills["mid_quote"] - fills["price_quote"])).to_numpy()
    known = ~np.isnan(gain)
    total = np.concatenate([[0.0], np.cumsum(np.where(known, gain, 0.0))])
    count = np.concatenate([[0], np.cumsum(known)])
    first = trips["entry_fill"].to_numpy()
    last = first + trips["n_fills"].to_numpy() - 1
    beyond = np.where(known, gain * fills["beyond_flat"].to_numpy(), 0.0)
    closing = np.where(known, gain, 0.0) - beyond
    edge, n = total[last + 1] - total[first], count[last + 1] - count[first]
    ends = trips["exit_fill"].to_numpy()
    edge -= np.where(np.isin(first, ends[ends != first]), closing[first], 0.0)
    edge -= np.where(np.isin(ends, first[ends != first]), beyond[last], 0.0)
    price = pl.when(fills["is_inverse"].gather(first)).then(1.0).otherwise("entry_quote")
    worth = price * pl.col("qty_base")
    best = pl.when(pl.col("mfe_quote") > 0.0).then(pl.col("mfe_quote"))
    return trips.with_columns(
        exit_efficiency=pl.when(~pl.col("is_open")).then(pl.col("gross_quote") / best),
        mae_fraction=pl.col("mae_quote") / worth, mfe_fraction=pl.col("mfe_quote") / worth,
        edge_quote=pl.when(pl.Series(n) > 0).then(pl.Series(edge)), n_with_mid=pl.Series(n),
    )  # fmt: skip
