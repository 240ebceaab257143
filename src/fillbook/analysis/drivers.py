"""What made the profit and what cost it, over all dimensions, and whether that is more than noise."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from fillbook.analysis.attribution_parts import FillParts
from fillbook.analysis.attribution_rows import ENOUGH_DAYS
from fillbook.analysis.attribution_tags import (
    DAY_US,
    OF_BOOKS,
    OF_TIME,
    UNALLOCATED,
    UNKNOWN,
    Tagged,
    days_in,
)
from fillbook.analysis.tagged_days import Moves, daily_net
from fillbook.analysis.view import View
from fillbook.arrays import Floats, Ints
from fillbook.filters import UNLINKED
from fillbook.ledger.equity import day_edges
from fillbook.metrics.bootstrap import ENOUGH, block_length, resampled_sums

MOST = 5  # of each kind
PART = "part"
_NO_NAMES = (UNLINKED, UNKNOWN, UNALLOCATED)
_TAIL = 2.5  # percent on each side
_SCHEMA = {
    "kind": pl.String, "dimension": pl.String, "tag": pl.String, "amount": pl.Float64, "share": pl.Float64,
    "low": pl.Float64, "high": pl.Float64, "is_more_than_noise": pl.Boolean, "n_days": pl.Int64,
}  # fmt: skip
Named = tuple[str, str]  # dimension and tag


def drivers(
    view: View, parts: FillParts, whole: Mapping[str, float | None], by: Mapping[str, pl.DataFrame],
    tags: Mapping[str, Tagged], accrued_by_day: Floats,
) -> pl.DataFrame:  # fmt: skip
    """The largest contributions to net PnL, up or down, of any part and any tag that is not all there is.

    Parameters
    ----------
    view, parts
        The booked view and the parts of each fill.
    whole
        ``net`` and the parts of the whole, None where unknown.
    by, tags
        Rows and tags of every dimension.
    accrued_by_day
        Net PnL of each UTC day of the view, marked at its ends.

    Returns
    -------
    pl.DataFrame
        ``kind`` (``profit`` or ``cost``), ``dimension`` (``part`` for a part of the whole), ``tag, amount,
        share`` of net (signed; null where net is 0), ``low, high``: 95 % interval of the amount by the
        stationary bootstrap over the days' accrued PnL; ``is_more_than_noise``: the interval leaves out 0;
        null below 20 days, or with a gap among them: then nobody can tell; ``n_days``.
    """
    net = whole["net"]
    if net is None:
        return pl.DataFrame(schema=_SCHEMA)
    found = _largest(whole, by, days_in(view.ledger.flow.at))
    edges = day_edges(view.start_us, view.ledger.end_us)
    is_split = whole["spread"] is not None
    daily = _days_of_parts(view, parts, edges, accrued_by_day, is_split=is_split)
    daily |= _days_of_tags(view, edges, found, tags)
    low, high = _intervals(np.array([daily[name] for name in found]).reshape(len(found), edges.size))
    rows = [
        {
            "kind": "profit" if amount > 0.0 else "cost", "dimension": name[0], "tag": name[1],
            "amount": amount, "share": amount / net if net else None, "low": a, "high": b,
            "is_more_than_noise": None if np.isnan(a) else bool(a > 0.0 or b < 0.0), "n_days": edges.size,
        }
        for (name, amount), a, b in zip(found.items(), low.tolist(), high.tolist(), strict=True)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=_SCHEMA).with_columns(pl.selectors.float().fill_nan(None))


def _largest(
    whole: Mapping[str, float | None], by: Mapping[str, pl.DataFrame], n_days: int
) -> dict[Named, float]:
    """Every part, and the largest gains and losses of tags that share a dimension with another.

    A side alone is no result, and what two dimensions call by different names stands under the first.
    """
    signs = {"fees": -1.0}
    found: dict[Named, float] = {
        (PART, name): signs.get(name, 1.0) * value
        for name, value in whole.items() if name != "net" and value
    }  # fmt: skip
    tagged: dict[Named, float] = {}
    known: set[tuple[int, float]] = set()
    for dimension, rows in by.items():
        if rows.height < 2 or dimension == "side" or (dimension in OF_TIME and n_days < ENOUGH_DAYS):
            continue
        named = rows.filter(~pl.col("tag").is_in(_NO_NAMES), pl.col("n_fills") > 0, pl.col("net") != 0.0)
        top = pl.concat([named.top_k(MOST, by="net"), named.bottom_k(MOST, by="net")]).unique("tag")
        for tag, amount, n_fills in top.select("tag", "net", "n_fills").sort("tag").iter_rows():
            if (n_fills, round(amount, 9)) not in known:
                tagged[dimension, tag] = amount
                known.add((n_fills, round(amount, 9)))
    order = sorted(tagged, key=lambda name: tagged[name])
    kept = [n for n in reversed(order) if tagged[n] > 0.0][:MOST] + [n for n in order if tagged[n] < 0.0][
        :MOST
    ]
    both = found | {name: tagged[name] for name in kept}
    return dict(sorted(both.items(), key=lambda item: -item[1]))


def _days_of_parts(
    view: View, parts: FillParts, edges: Ints, accrued: Floats, *, is_split: bool
) -> dict[Named, Floats]:
    """Each part by day of its fills or payments; the inventory is what is left of what accrued."""
    day = np.clip(view.ledger.flow.at // DAY_US - view.start_us // DAY_US, 0, edges.size - 1)

    def summed(values: Floats) -> Floats:
        return np.asarray(np.bincount(day, values, edges.size), float)

    paid = view.ledger.funding.filter("is_trusted")
    rate = view.reporting.at_end[paid["book"].to_numpy()] if paid.height else np.zeros(0)
    when = np.clip(
        paid["at"].dt.timestamp("us").to_numpy() // DAY_US - view.start_us // DAY_US, 0, edges.size - 1
    )
    funding = np.bincount(when, paid["amount_quote"].to_numpy() * rate, edges.size)
    spread, unattributed = summed(parts.spread), summed(parts.unattributed)
    fees, rebates = summed(np.maximum(parts.fees, 0.0)), summed(np.maximum(-parts.fees, 0.0))
    rest = accrued + fees - rebates - funding
    return {
        (PART, "spread"): spread, (PART, "fees"): -fees, (PART, "rebates"): rebates,
        (PART, "funding"): np.asarray(funding, float),
        (PART, "unattributed"): unattributed if is_split else rest,
        (PART, "inventory"): rest - spread - unattributed,
    }  # fmt: skip


def _days_of_tags(
    view: View, edges: Ints, found: Mapping[Named, float], tags: Mapping[str, Tagged]
) -> dict[Named, Floats]:
    """Accrued PnL by day of each tag, a pass a dimension; the tags not asked for share one row."""
    days: dict[Named, Floats] = {}
    moves = Moves.of(view, edges)
    for dimension in dict.fromkeys(name[0] for name in found if name[0] != PART):
        names, tagged = [name for name in found if name[0] == dimension], tags[dimension]
        place = {tag: i for i, (_, tag) in enumerate(names)}
        code = np.array([place.get(tag, len(names)) for tag in tagged.names], np.int64)[tagged.code]
        daily = daily_net(view, moves, code, len(names) + 1, edges, is_of_books=dimension in OF_BOOKS)
        days |= {name: daily[i] for i, name in enumerate(names)}
    return days


def _intervals(daily: Floats) -> tuple[Floats, Floats]:
    """95 % percentile interval of the sum of each row; NaN with a gap, or with fewer than 20 days.

    Parameters
    ----------
    daily
        Shape (n, n_days).
    """
    low, high = np.full((2, daily.shape[0]), np.nan)
    known = np.flatnonzero(~np.isnan(daily).any(axis=1))
    if daily.shape[1] < ENOUGH or not known.size:
        return low, high
    values = daily[known].T
    block = max(block_length(np.ascontiguousarray(column)) for column in values.T)
    sums = resampled_sums(values, block)
    low[known], high[known] = np.percentile(sums, [_TAIL, 100.0 - _TAIL], axis=0)
    return low, high
