"""Fill rates and markouts by level, side, size, hour …: each with its number and an honest interval."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fillbook.analysis.execution_tags import Tags, name_order
from fillbook.analysis.kernels import tally_fills, tally_orders
from fillbook.arrays import Floats, Ints
from fillbook.metrics.bootstrap import places, ratio_intervals
from fillbook.metrics.execution import wilson
from fillbook.metrics.inputs import ORDER_CLASSES
from fillbook.metrics.timing import quantile

HOUR_US = 3_600_000_000
_BPS = 1e4
_OPEN = ORDER_CLASSES.index("OPEN")
_FULL = (ORDER_CLASSES.index("FILLED"), ORDER_CLASSES.index("FILLED_INCOMPLETE_DATA"))
_JOINT = 0.05  # chance that any interval of one table misses


def fill_groups(
    at_us: Ints, qty: Floats, price: Floats, mid: Floats, later: Floats, tags: Tags
) -> pl.DataFrame:
    """Edge and markout of each group.

    Parameters
    ----------
    at_us, qty, price, mid, later
        Per fill: time, signed base times reporting rate, price, mid just before it and a horizon later.
    tags
        Group of each; one without is left out.

    Returns
    -------
    pl.DataFrame
        ``tag, n`` (fills), ``n_used`` (with both mids), ``worth`` (value of all at their prices),
        ``coverage`` of it, ``edge_bps``, ``adverse`` (money; negative is toxic), ``markout_bps`` and its
        interval ``low, high``: 95 % for all groups of the table together, by stationary bootstrap over hours;
        null with fewer than 20 hours of fills.
    """
    code, n = tags.code, len(tags.names)
    known = ~(np.isnan(mid) | np.isnan(later) | np.isnan(qty)) & (code >= 0)
    (n_all, n_used), sums = tally_fills(code, qty, price, mid, later, n)
    worth, worth_used, edge, worth_with_mid, gain, base, moved = sums
    hour, of_code = at_us[known] // HOUR_US, code[known]
    gains, bases = (qty * (later - price))[known], (np.abs(qty) * mid)[known]
    low, high = _intervals(hour, of_code, gains, bases, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        frame = pl.DataFrame({
            "tag": pl.Series([*tags.names], dtype=pl.String), "n": n_all, "n_used": n_used, "worth": worth,
            "coverage": worth_used / worth, "edge_bps": _BPS * edge / worth_with_mid,
            "adverse": np.where(base > 0.0, moved, np.nan), "markout_bps": _BPS * gain / base,
            "low": low * _BPS, "high": high * _BPS,
        })  # fmt: skip
    return frame.fill_nan(None)


def _intervals(
    hour: Ints, code: NDArray[np.int32], gain: Floats, base: Floats, n: int
) -> tuple[Floats, Floats]:
    """Interval of each group's markout, from its gains hour by hour."""
    if n == 0 or hour.size == 0:
        return np.full(n, np.nan), np.full(n, np.nan)
    hours, place = places(hour)
    cell = place * n + code
    tops, bottoms = (
        np.bincount(cell, weights=values, minlength=hours.size * n).reshape(hours.size, n).astype(np.float64)
        for values in (gain, base)
    )
    return ratio_intervals(hours, tops, bottoms, level=1.0 - _JOINT / n)


def order_groups(orders: pl.DataFrame, price: Floats, tags: Tags) -> pl.DataFrame:
    """Fill rates of each group of orders.

    Parameters
    ----------
    orders
        `execution_tables.order_lives`.
    price
        Weight of one base of each order, NaN where unknown.
    tags
        Group of each; one without is left out.

    Returns
    -------
    pl.DataFrame
        ``tag, n_terminal, n_open, n_filled`` (with any fill), ``fill_rate`` and its Wilson interval
        ``low, high`` (95 % for all groups together), ``fill_rate_full``, ``fill_rate_quantity``,
        ``partial_ratio, cancel_ratio, expired_ratio, failed_ratio`` and ``fills_per_order_hour`` of the
        limit orders. Null where a group has no ended order.
    """
    n = len(tags.names)
    columns = ("order_class", "filled_base", "amount_base")
    kind, filled, amount = (orders[name].to_numpy() for name in columns)
    live_s, n_fills = orders["live_s"].fill_null(np.nan).to_numpy(), orders["n_fills"].to_numpy()
    is_market = orders["order_is_market"].to_numpy()
    counts, (asked, got, stood_s, fills) = tally_orders(
        tags.code, kind, filled, amount, price, live_s, n_fills, is_market, n, len(ORDER_CLASSES)
    )
    by_class, closed = counts.sum(axis=2), [i for i in range(len(ORDER_CLASSES)) if i != _OPEN]
    terminal, with_fill = by_class[:, closed].sum(axis=1), counts[:, closed, 1].sum(axis=1)
    full, full_with_fill = by_class[:, _FULL].sum(axis=1), counts[:, _FULL, 1].sum(axis=1)
    low, high = wilson(with_fill, terminal, level=1.0 - _JOINT / max(n, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = {
            f"{name}_ratio": by_class[:, ORDER_CLASSES.index(label)] / terminal
            for name, label in (("cancel", "CANCELLED"), ("expired", "EXPIRED"), ("failed", "FAILED"))
        }
        frame = pl.DataFrame({
            "tag": pl.Series([*tags.names], dtype=pl.String), "n_terminal": terminal,
            "n_open": by_class[:, _OPEN], "n_filled": with_fill, "fill_rate": with_fill / terminal,
            "low": low, "high": high, "fill_rate_full": full / terminal, "fill_rate_quantity": got / asked,
            "partial_ratio": (with_fill - full_with_fill) / with_fill, **shares,
            "fills_per_order_hour": fills / np.where(stood_s > 0.0, stood_s / 3_600.0, np.nan),
        })  # fmt: skip
    return frame.fill_nan(None)


def extremes(groups: pl.DataFrame, value: str = "markout_bps") -> tuple[str | None, str | None]:
    """Worst and best tag whose interval does not reach the middle of the table's values; None: noise."""
    known = groups.filter(pl.col(value).is_not_null(), pl.col("low").is_not_null())
    if known.height < 2:
        return None, None
    worth = known["worth"] if "worth" in known.columns else known["n_terminal"].cast(pl.Float64)
    middle = float((known[value] * worth).sum()) / float(worth.sum())
    worse = known.filter(pl.col("high") < middle).sort(value)["tag"]
    better = known.filter(pl.col("low") > middle).sort(value, descending=True)["tag"]
    return (worse[0] if worse.len() else None, better[0] if better.len() else None)


def hour_by_level(orders: pl.DataFrame, *, by_rank: bool) -> pl.DataFrame:
    """Fill rate of limit orders by level, side and hour of the day (UTC).

    Returns
    -------
    pl.DataFrame
        ``side, level, hour, n_terminal, n_filled, fill_rate``, a row a combination that occurs, levels
        outermost first on the ask and then innermost first on the bid, as in an order book; the level is the
        rank where `by_rank`.
    """
    counts = (
        orders.lazy()
        .filter(pl.col("order_class") != _OPEN, ~pl.col("order_is_market"), pl.col("side").is_not_null())
        .group_by("side", level="rank" if by_rank else "level", hour=pl.col("created_at").dt.hour())
        .agg(n_terminal=pl.len(), n_filled=(pl.col("filled_base") > 0.0).sum())
        .with_columns(pl.col("level").cast(pl.String))
        .collect()
    )
    names = sorted(counts["level"].unique().drop_nulls().to_list(), key=name_order)
    depth = pl.col("level").replace_strict(names, range(len(names)), default=None, return_dtype=pl.Int64)
    return (
        counts.with_columns(fill_rate=pl.col("n_filled") / pl.col("n_terminal"))
        .sort("side", pl.col("side") * depth, "hour")
    )  # fmt: skip


_SPANS = {
    "decision to first fill": "latency_s", "creation to first fill": "create_to_fill_s",
    "first to last fill": "first_to_last_fill_s", "last fill to end": "fill_to_end_s",
}  # fmt: skip


def latency(traded: pl.DataFrame) -> pl.DataFrame:
    """Quantiles of the spans of orders with fills, by connector and by hour of the day (UTC)."""
    rows = []
    keyed = traded.select("connector", *_SPANS.values(), hour=pl.col("created_at").dt.hour())
    for by in ("connector", "hour"):
        for (tag,), mine in sorted(
            keyed.partition_by([by], as_dict=True).items(), key=lambda item: str(item[0][0]).zfill(2)
        ):
            name = f"{tag:02}" if by == "hour" else str(tag)
            for what, column in _SPANS.items():
                values = mine[column].drop_nulls().to_numpy()
                if values.size:
                    rows.append({
                        "by": by, "tag": name, "what": what, "n": values.size,
                        **{f"p{int(100 * q)}": quantile(values, q) for q in (0.5, 0.9, 0.99)},
                        "n_negative": int((values < 0.0).sum()),
                    })  # fmt: skip
    schema = {
        "by": pl.String, "tag": pl.String, "what": pl.String, "n": pl.Int64, "p50": pl.Float64,
        "p90": pl.Float64, "p99": pl.Float64, "n_negative": pl.Int64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema).with_columns(pl.col(pl.Float64).fill_nan(None))
