"""How well did it trade: spreads, markouts, shortfall, fill rates, latency, uptime of one filtered view."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from fillbook.analysis import execution_groups as groups
from fillbook.analysis.execution_facts import HORIZONS, Facts, facts_of
from fillbook.analysis.execution_findings import execution_findings
from fillbook.analysis.execution_inputs import execution_inputs
from fillbook.analysis.execution_tables import (
    TRADED,
    fill_table,
    order_lives,
    trade_table,
    with_costs,
    with_details,
)  # fmt: skip
from fillbook.analysis.execution_tags import fill_tags, order_tags
from fillbook.analysis.inputs import inverse_of, order_arrays
from fillbook.analysis.market_share import market_shares, uptimes
from fillbook.analysis.mids import KINDS
from fillbook.analysis.overview import trips_frame
from fillbook.analysis.parents import parents_of
from fillbook.analysis.together import both
from fillbook.analysis.view import View, view_of
from fillbook.arrays import Floats
from fillbook.conventions import Conventions
from fillbook.filters import Filter
from fillbook.findings import Finding
from fillbook.metrics.bootstrap import places, ratio_intervals
from fillbook.metrics.evaluate import answered_keys, evaluate
from fillbook.metrics.impact import Impact, fit_impact
from fillbook.metrics.inputs import ExecutionInputs
from fillbook.metrics.spreads import edge, markout
from fillbook.metrics.timing import survival
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Result, Undefined

_BPS = 1e4
_TOXIC = 100  # fills listed
_CURVE = 400  # points of a survival curve


@dataclass(frozen=True)
class Execution:
    """One filtered view, answered.

    Parameters
    ----------
    currency, period
        As in `Overview`.
    metrics
        By key, in registry order.
    mids
        Where the mids came from: ``kind, n`` (fills it answered), ``share`` of their value, and the age
        of the samples ``age_p50_s, age_p95_s, age_max_s``; the row without a kind counts the fills without
        a mid.
    spreads
        A row a market: ``connector, pair, quote, n, n_used, coverage, edge_quote, edge_bps, quoted_bps,
        effective_bps, realized_bps, impact_bps`` at 60 s (effective = realised + impact on the same fills),
        ``markout_5s_bps … markout_3600s_bps, n_crossed``; in the quote of the pair, so that it is there
        also where no rate joins the currencies.
    markouts
        A row a horizon: ``horizon_s, markout_bps, low, high`` (95 %, stationary bootstrap over hours),
        ``markout`` (money), ``n, coverage`` of the value, ``balanced_bps`` (fills known at every
        horizon that any is), ``reason`` where there is no value.
    by_fill, by_order
        Groups of fills (`execution_groups.fill_groups`, markout after a minute) and of orders
        (`order_groups`), by what they are grouped by.
    hour_by_level
        Fill rates by hour and level.
    toxic
        Fills that lost most in the minute after them, the worst first.
    waits
        Kaplan–Meier curve of the limit orders: ``seconds, waiting`` (share without a fill), ``at_risk``.
    latency
        By connector, and by hour: ``by, tag, what, n, p50, p90, p99, n_negative``, seconds; the truth lies
        up to a tick of the bot's clock above each.
    parents
        Decisions and their shortfall (`parents.parents_of`).
    markets
        A row a market: own and market volume, participation, and how it was known.
    uptime
        A row a bot and market: share of the time with live quotes.
    impact
        The fit of the square-root law.
    lives, fills
        Order by order (`execution_tables.order_lives`; see also `orders`), fill by fill
        (`execution_tables.fill_table`).
    trades
        Round trips with exit efficiency, excursions and edge (`execution_tables.trade_table`).
    findings
        What a reader of these numbers must know.
    detailed
        `execution_tables.with_details` of rows of `lives`.
    """

    currency: str | None
    period: tuple[datetime, datetime] | None
    metrics: Mapping[str, Result]
    mids: pl.DataFrame
    spreads: pl.DataFrame
    markouts: pl.DataFrame
    by_fill: Mapping[str, pl.DataFrame]
    by_order: Mapping[str, pl.DataFrame]
    hour_by_level: pl.DataFrame
    toxic: pl.DataFrame
    waits: pl.DataFrame
    latency: pl.DataFrame
    parents: pl.DataFrame
    markets: pl.DataFrame
    uptime: pl.DataFrame
    impact: Impact
    lives: pl.DataFrame
    fills: pl.DataFrame
    trades: pl.DataFrame
    findings: tuple[Finding, ...]
    chosen: Filter
    conventions: Conventions
    detailed: Callable[[pl.DataFrame], pl.DataFrame]

    @functools.cached_property
    def orders(self) -> pl.DataFrame:
        """`lives` with their details, and costs and spans of those that traded (`execution_tables`)."""
        return with_costs(self.detailed(self.lives))


def execution(
    data: PerformanceDataSource, chosen: Filter | None = None, conventions: Conventions | None = None
) -> Execution:
    """Answer of `data` seen through `chosen`: how its orders were executed.

    Parameters
    ----------
    data
        An opened source.
    chosen
        Which rows count; None takes all. A period chooses fills by their time and orders by their creation.
    conventions
        Among others how old a quote may be, and whether candles may stand in for mids.

    Raises
    ------
    BadRequestError
        A filter value that the data does not hold, or a currency without rates.
    """
    seen = view_of(data, chosen, conventions)
    facts = facts_of(data, seen)
    detailed = functools.partial(with_details, data=data, seen=seen, facts=facts)
    fills, orders = both(lambda: fill_table(data, seen, facts), lambda: order_lives(data, seen, facts))
    tables, inputs, findings = _tables(data, seen, facts, fills, orders, detailed)
    return Execution(
        seen.reporting.currency, seen.period, metrics=_metrics(inputs), **tables,
        impact=_impact(inputs), lives=orders, fills=fills, findings=(*seen.findings, *findings),
        chosen=seen.chosen, conventions=seen.conventions, detailed=detailed,
    )  # fmt: skip


def _tables(
    data: PerformanceDataSource, seen: View, facts: Facts, fills: pl.DataFrame, orders: pl.DataFrame,
    detailed: Callable[[pl.DataFrame], pl.DataFrame],
) -> tuple[dict[str, Any], ExecutionInputs, list[Finding]]:  # fmt: skip
    """Tables by name of the answer's field, what its metrics eat, and what to know of them."""
    traded = with_costs(detailed(orders.filter(pl.col("filled_base") > 0.0))).select(TRADED)
    omits = facts.orders.links_omit_cancelled
    of_fills, of_orders = both(
        lambda: _of_fills(data, seen, fills), lambda: _of_orders(data, seen, facts, orders, traded, fills)
    )
    inputs = execution_inputs(
        data, seen, fills, orders, traded, of_orders["parents"], of_fills["markets"], of_orders["uptime"],
        links_omit_cancelled=omits,
    )  # fmt: skip
    findings = execution_findings(fills, traded, of_fills["markets"], links_omit_cancelled=omits)
    return {**of_fills, **of_orders}, inputs, findings


def _metrics(inputs: ExecutionInputs) -> dict[str, Result]:
    """Every metric, one half beside the other."""
    keys = answered_keys(inputs)
    one, other = both(lambda: evaluate(inputs, keys[::2]), lambda: evaluate(inputs, keys[1::2]))
    return {key: one[key] if key in one else other[key] for key in keys}


def _of_fills(data: PerformanceDataSource, seen: View, fills: pl.DataFrame) -> dict[str, Any]:
    """What the fills alone tell, by name of the answer's field."""
    curve = {horizon: fills[f"mid_{horizon:g}s"].to_numpy() for horizon in HORIZONS}
    qty, at = _signed(fills), fills["at"].dt.timestamp("us").to_numpy()
    price, mid, later = (fills[name].to_numpy() for name in ("price_quote", "mid_quote", "mid_60s"))
    return {
        "trades": trade_table(trips_frame(seen.ledger), fills),
        "mids": _mids(fills), "spreads": _spreads(fills), "toxic": _toxic(fills),
        "markouts": markout_curve(at, qty, price, mid, curve, fills["tick_s"].to_numpy()),
        "by_fill": {
            by: groups.fill_groups(at, qty, price, mid, later, tags) for by, tags in fill_tags(fills)
        },
        "markets": market_shares(data, seen, fills),
    }  # fmt: skip


def _of_orders(
    data: PerformanceDataSource, seen: View, facts: Facts, orders: pl.DataFrame, traded: pl.DataFrame,
    fills: pl.DataFrame,
) -> dict[str, Any]:  # fmt: skip
    """What the orders tell, by name of the answer's field."""
    omits = facts.orders.links_omit_cancelled
    return {
        "parents": parents_of(data, seen, facts, orders), "uptime": uptimes(seen, orders, traded, fills),
        "by_order": _by_order(seen, orders, links_omit_cancelled=omits),
        "hour_by_level": groups.hour_by_level(orders, by_rank=omits), "waits": _waits(orders),
        "latency": groups.latency(traded),
    }  # fmt: skip


def _by_order(seen: View, orders: pl.DataFrame, *, links_omit_cancelled: bool) -> dict[str, pl.DataFrame]:
    weight = _weights(seen, orders)
    tagged = order_tags(orders, links_omit_cancelled=links_omit_cancelled)
    return {by: groups.order_groups(orders, weight, tags) for by, tags in tagged}


def _signed(fills: pl.DataFrame) -> Floats:
    """Signed base of each fill times its reporting rate; NaN where there is no common currency."""
    return (fills["side"].cast(pl.Float64) * fills["amount_base"] * fills["rate"]).to_numpy()


def _weights(seen: View, orders: pl.DataFrame) -> Floats:
    """Value of one base of each order; NaN where there is no common currency."""
    asked = order_arrays(seen.orders, seen.reporting)
    price, amount = asked["order_price"], asked["order_amount"]
    if seen.orders is None or isinstance(price, Undefined) or isinstance(amount, Undefined):
        return np.full(orders.height, np.nan)
    if amount.all() and not inverse_of(seen.orders, seen.conventions).any():
        return np.asarray(price, np.float64)  # one base is worth the price
    with np.errstate(divide="ignore", invalid="ignore"):
        worth = np.asarray(price * amount)
        worth /= orders["amount_base"].to_numpy()
    return worth


def _impact(inputs: ExecutionInputs) -> Impact:
    size, move = inputs.impact_size, inputs.impact_move
    if isinstance(size, Undefined) or isinstance(move, Undefined):
        return fit_impact(np.zeros(0), np.zeros(0))
    return fit_impact(size, move)


def _mids(fills: pl.DataFrame) -> pl.DataFrame:
    """Where the mids before the fills came from, and how old they were."""
    worth = pl.col("amount_base") * pl.col("price_quote") * pl.col("rate")
    age = pl.col("mid_age_s").fill_nan(None)
    rows = fills.group_by(kind=pl.col("mid_from").cast(pl.String)).agg(
        n=pl.len(), worth=worth.sum(), age_p50_s=age.quantile(0.5), age_p95_s=age.quantile(0.95),
        age_max_s=age.max(),
    )  # fmt: skip
    place = pl.col("kind").replace_strict({kind: i for i, kind in enumerate(KINDS)}, default=len(KINDS))
    total = pl.col("worth").sum()
    return rows.sort(place).select(
        "kind", "n", pl.when(total > 0.0).then(pl.col("worth") / total).fill_nan(None).alias("share"),
        "age_p50_s", "age_p95_s", "age_max_s",
    )  # fmt: skip


def _spreads(fills: pl.DataFrame) -> pl.DataFrame:
    """Spreads of each pair in its own quote, after a minute."""
    signed = pl.col("side").cast(pl.Float64) * pl.col("amount_base")
    size, mid, later = pl.col("amount_base"), pl.col("mid_quote"), pl.col("mid_60s")
    price = pl.col("price_quote")
    has_mid, has_both = mid.is_not_nan(), mid.is_not_nan() & later.is_not_nan()
    has_quote = pl.col("bid_quote").is_not_nan() & pl.col("ask_quote").is_not_nan()

    def bps(gain: pl.Expr, chosen: pl.Expr) -> pl.Expr:
        bottom = (size * mid).filter(chosen).sum()
        return pl.when(bottom > 0.0).then(_BPS * gain.filter(chosen).sum() / bottom)

    return fills.group_by("connector", "pair", "quote", maintain_order=True).agg(
        n=pl.len(), n_used=has_mid.sum(),
        coverage=(size * price).filter(has_mid).sum() / (size * price).sum(),
        edge_quote=pl.when(has_mid.any()).then((signed * (mid - price)).filter(has_mid).sum()),
        edge_bps=bps(signed * (mid - price), has_mid),
        quoted_bps=bps(size * (pl.col("ask_quote") - pl.col("bid_quote")), has_quote),
        effective_bps=bps(2.0 * signed * (mid - price), has_both),
        realized_bps=bps(2.0 * signed * (later - price), has_both),
        impact_bps=bps(-2.0 * signed * (later - mid), has_both),
        **{
            f"markout_{h:g}s_bps": bps(
                signed * (pl.col(f"mid_{h:g}s") - price), has_mid & pl.col(f"mid_{h:g}s").is_not_nan()
            )
            for h in HORIZONS[2:]
        },
        n_crossed=pl.col("is_crossed").sum(),
    )  # fmt: skip


def markout_curve(
    at_us: np.ndarray, qty: Floats, price: Floats, mid: Floats, later: Mapping[float, Floats], tick_s: Floats
) -> pl.DataFrame:
    """Markouts by horizon; see `Execution.markouts`.

    Parameters
    ----------
    at_us, qty, price, mid
        Per fill: time, signed base (times the reporting rate), price, mid just before it.
    later
        Mid of each fill at each horizon, s; NaN where there is none.
    tick_s
        Resolution of each fill's time.
    """
    base = np.abs(qty) * mid
    worth = np.where(np.isnan(mid), np.abs(qty) * price, base)
    known = {h: ~(np.isnan(mid) | np.isnan(values) | np.isnan(qty)) for h, values in later.items()}
    has_no_rate = bool(qty.size) and bool(np.isnan(qty).all())
    used = [h for h in known if known[h].any()]
    balanced = np.logical_and.reduce([known[h] for h in used]) if used else np.zeros(mid.size, bool)
    low, high = np.full(len(used), np.nan), np.full(len(used), np.nan)
    if used:
        hours, hour = places(at_us // groups.HOUR_US)
        tops, bottoms = np.zeros((2, hours.size, len(used)))
        for i, h in enumerate(used):
            gain = np.where(known[h], qty * (later[h] - price), 0.0)
            tops[:, i] = np.bincount(hour, gain, hours.size)
            bottoms[:, i] = np.bincount(hour, np.where(known[h], base, 0.0), hours.size)
        low, high = ratio_intervals(hours, tops, bottoms)
    rows = []
    for horizon, values in later.items():
        mine = known[horizon]
        value = Undefined.unavailable("no_rate") if has_no_rate else markout(qty, price, mid, values)
        coarse = bool(mid.size) and horizon > 0.0 and bool((horizon < 2.0 * tick_s).all())
        lack = "resolution_too_coarse" if coarse else getattr(value, "reason", None)
        place = used.index(horizon) if horizon in used else None
        at_all = markout(qty[balanced], price[balanced], mid[balanced], values[balanced])
        rows.append({
            "horizon_s": horizon, "markout_bps": value,
            "low": _BPS * low[place] if place is not None else np.nan,
            "high": _BPS * high[place] if place is not None else np.nan,
            "markout": float(edge(qty, price, values)[mine].sum()) if mine.any() else np.nan,
            "n": int(mine.sum()),
            "coverage": float(worth[mine].sum() / worth.sum()) if worth.sum() > 0.0 else np.nan,
            "balanced_bps": at_all, "n_balanced": int(balanced.sum()), "reason": lack,
        })  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"reason": pl.String}).with_columns(
        pl.col(pl.Float64).fill_nan(None)
    )


def _toxic(fills: pl.DataFrame) -> pl.DataFrame:
    """Fills the market ran over: the largest losses within a minute, against the mid before them."""
    signed = pl.col("side").cast(pl.Float64) * pl.col("amount_base")
    moved = signed * (pl.col("mid_60s") - pl.col("mid_quote"))
    names = (
        "at", "bot", "connector", "pair", "quote", "side", "level", "liquidity", "amount_base", "price_quote",
        "mid_quote", "mid_60s", "order_id",
    )  # fmt: skip
    return (
        fills.select(
            *names, "rate", adverse_quote=moved,
            edge_quote=signed * (pl.col("mid_quote") - pl.col("price_quote")),
        )
        .filter(pl.col("adverse_quote").is_not_nan(), pl.col("adverse_quote") < 0.0)
        .sort(pl.col("adverse_quote") * pl.col("rate"), "at").head(_TOXIC)
        .select(*names, "edge_quote", "adverse_quote")
    )  # fmt: skip


def _waits(orders: pl.DataFrame) -> pl.DataFrame:
    """Survival of the limit orders without a fill, thinned to a drawable number of steps."""
    limit = orders.lazy().filter(~pl.col("order_is_market"), pl.col("wait_s").is_not_null())
    waits = limit.select("wait_s", "is_filled").collect()
    curve = survival(waits["wait_s"].to_numpy(), waits["is_filled"].to_numpy())
    place = np.unique(np.linspace(0, curve.seconds.size - 1, min(_CURVE, curve.seconds.size)).astype(int))
    return pl.DataFrame({
        "seconds": curve.seconds[place], "waiting": curve.share[place], "at_risk": curve.at_risk[place],
    })  # fmt: skip
