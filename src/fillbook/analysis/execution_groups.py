"""Fill rates and markouts by level, side, size, hour …: each with its number and an honest interval."""

from __future__ import annotations

import numpy as np
import polars as pl

from fillbook.analysis.execution_tags import Tags, name_order
from fillbook.arrays import Bools, Floats, Ints
from fillbook.metrics.bootstrap import ratio_intervals
from fillbook.metrics.execution import wilson
from fillbook.metrics.inputs import ORDER_CLASSES

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
    worth, base = np.abs(qty) * price, np.abs(qty) * mid

    def per_group(values: Floats, chosen: Bools) -> Floats:
        return np.bincount(code[chosen], weights=values[chosen], minlength=n).astype(np.float64)

    total = per_group(worth, code >= 0)
    bottom = per_group(base, known)
    has_mid = ~np.isnan(mid) & (code >= 0)
    gain = qty * (later - price)
    low, high = _intervals(at_us[known], code[known], gain[known], base[known], n)
    with np.errstate(divide="ignore", invalid="ignore"):
        frame = pl.DataFrame({
            "tag": pl.Series([*tags.names], dtype=pl.String),
            "n": np.bincount(code[code >= 0], minlength=n), "n_used": np.bincount(code[known], minlength=n),
            "worth": total, "coverage": per_group(worth, known) / total,
            "edge_bps": _BPS * per_group(qty * (mid - price), has_mid) / per_group(base, has_mid),
            "adverse": np.where(bottom > 0.0, per_group(qty * (later - mid), known), np.nan),
            "markout_bps": _BPS * per_group(gain, known) / bottom, "low": low * _BPS, "high": high * _BPS,
        })  # fmt: skip
    return frame.fill_nan(None)


def _intervals(at_us: Ints, code: Ints, gain: Floats, base: Floats, n: int) -> tuple[Floats, Floats]:
    if n == 0 or at_us.size == 0:
        return np.full(n, np.nan), np.full(n, np.nan)
    hour = at_us // HOUR_US
    hours, place = np.unique(hour, return_inverse=True)
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
        `execution_tables.order_table`.
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
    code, n = tags.code, len(tags.names)
    kind = orders["order_class"].to_numpy()
    filled, amount = orders["filled_base"].to_numpy(), orders["amount_base"].to_numpy()
    named = code >= 0
    ended = (kind != _OPEN) & named
    cell = (code.astype(np.int64) * len(ORDER_CLASSES) + kind) * 2 + (filled > 0.0)
    n_cells = n * len(ORDER_CLASSES) * 2
    counts = np.bincount(cell[named], minlength=n_cells).reshape(n, len(ORDER_CLASSES), 2).astype(np.float64)
    by_class, closed = counts.sum(axis=2), [i for i in range(len(ORDER_CLASSES)) if i != _OPEN]

    def total(values: Floats, chosen: Bools) -> Floats:
        use = chosen & named & ~np.isnan(values)
        return np.bincount(code[use], weights=values[use], minlength=n).astype(np.float64)

    got = np.minimum(filled, amount)
    terminal, with_fill = by_class[:, closed].sum(axis=1), counts[:, closed, 1].sum(axis=1)
    full, full_with_fill = by_class[:, _FULL].sum(axis=1), counts[:, _FULL, 1].sum(axis=1)
    low, high = wilson(with_fill, terminal, level=1.0 - _JOINT / max(n, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        stood = ~orders["order_is_market"].to_numpy() & ~np.isnan(orders["live_s"].to_numpy())
        hours = total(orders["live_s"].to_numpy(), stood) / 3_600.0
        hours[hours <= 0.0] = np.nan
        shares = {
            f"{name}_ratio": by_class[:, ORDER_CLASSES.index(label)] / terminal
            for name, label in (("cancel", "CANCELLED"), ("expired", "EXPIRED"), ("failed", "FAILED"))
        }
        frame = pl.DataFrame({
            "tag": pl.Series([*tags.names], dtype=pl.String),
            "n_terminal": terminal.astype(np.int64), "n_open": by_class[:, _OPEN].astype(np.int64),
            "n_filled": with_fill.astype(np.int64), "fill_rate": with_fill / terminal, "low": low,
            "high": high, "fill_rate_full": full / terminal,
            "fill_rate_quantity": total(got * price, ended) / total(amount * price, ended),
            "partial_ratio": (with_fill - full_with_fill) / with_fill, **shares,
            "fills_per_order_hour": total(orders["n_fills"].to_numpy().astype(float), stood) / hours,
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
    ended = orders.filter(
        pl.col("order_class") != _OPEN, ~pl.col("order_is_market"), pl.col("side").is_not_null()
    )
    level = pl.col("rank" if by_rank else "level").cast(pl.String)
    names = sorted(ended.select(level.unique()).to_series().drop_nulls().to_list(), key=name_order)
    depth = pl.col("level").replace_strict(names, range(len(names)), default=None, return_dtype=pl.Int64)
    return (
        ended.with_columns(level=level)
        .group_by("side", "level", hour=pl.col("created_at").dt.hour())
        .agg(n_terminal=pl.len(), n_filled=(pl.col("filled_base") > 0.0).sum())
        .with_columns(fill_rate=pl.col("n_filled") / pl.col("n_terminal"))
        .sort("side", pl.col("side") * depth, "hour")
    )  # fmt: skip
