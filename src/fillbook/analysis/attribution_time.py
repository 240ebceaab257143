"""When net PnL was earned: by the fills made in an hour or day, and by what the books gained in it (B5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl

from fillbook.analysis.attribution_parts import FillParts
from fillbook.analysis.attribution_tags import (
    DAY_US,
    HOUR_US,
    HOURS,
    UNALLOCATED,
    WEEKDAYS,
    hour_of,
    weekday_of,
)
from fillbook.analysis.view import View
from fillbook.arrays import Floats, Ints
from fillbook.ledger.equity import books_at


def accrued(view: View) -> tuple[Ints, Floats]:
    """Start (µs UTC) of each hour of the view, and net PnL that its books gained in it, marked at both ends.

    NaN where an open position has no mark at one of them; in the reporting currency.
    """
    start, end = view.start_us, view.ledger.end_us
    first = start // HOUR_US + 1
    edges = np.append(np.arange(first, -(-end // HOUR_US), dtype=np.int64) * HOUR_US, end)
    net, _ = books_at(view.ledger, edges, is_open=True)
    # a book that has not traded needs no rate
    total = np.where(net == 0.0, 0.0, net * view.reporting.rates(edges)).sum(axis=0)
    if view.reporting.currency is None:
        total = np.full(edges.size, np.nan)
    return np.concatenate([[start], edges[:-1]]), np.diff(total, prepend=0.0)


def by_time(view: View, parts: FillParts, starts: Ints, gained: Floats) -> Mapping[str, pl.DataFrame]:
    """Both views of time, side by side; each sums to net PnL.

    Returns
    -------
    By ``day`` (``tag`` a date), ``hour`` and ``weekday``: ``tag, n_fills, originated, accrued``.
    `originated` is what the fills made in it brought until the end, with their share of the funding;
    `accrued` is how much more the books were worth at its end than at its start. Funding that no position got
    is ``unallocated``. Null without a common currency, or where a mark is missing.
    """
    at, has_money = view.ledger.flow.at, view.reporting.currency is not None
    left = float(parts.funding_left.sum()) if has_money else np.nan
    net = parts.net if has_money else np.full(at.size, np.nan)
    first = view.start_us // DAY_US
    days = pl.Series(np.arange(first, max(view.ledger.end_us - 1, view.start_us) // DAY_US + 1)).cast(
        pl.Int32
    )

    def day_of(at: Ints) -> Ints:
        return np.clip(at // DAY_US - first, 0, days.len() - 1)

    places: Mapping[str, tuple[list[str], Callable[[Ints], Ints]]] = {
        "day": (days.cast(pl.Date).cast(pl.String).to_list(), day_of), "hour": (list(HOURS), hour_of),
        "weekday": (list(WEEKDAYS), weekday_of),
    }  # fmt: skip
    return {
        name: _side_by_side(tags, place(at), place(starts), net, gained, left)
        for name, (tags, place) in places.items()
    }


def _side_by_side(
    tags: list[str], of_fill: Ints, of_hour: Ints, net: Floats, gained: Floats, left: float
) -> pl.DataFrame:
    n = len(tags)
    frame = pl.DataFrame(
        {
            "tag": tags, "n_fills": np.bincount(of_fill, minlength=n),
            "originated": np.asarray(np.bincount(of_fill, net, n), float),
            "accrued": np.asarray(np.bincount(of_hour, gained, n), float),
        },
        schema={"tag": pl.String, "n_fills": pl.Int64, "originated": pl.Float64, "accrued": pl.Float64},
    )  # fmt: skip
    if left:
        rest = {"tag": [UNALLOCATED], "n_fills": [0], "originated": [left], "accrued": [0.0]}
        frame = frame.vstack(pl.DataFrame(rest, schema=frame.schema))
    return frame.with_columns(pl.selectors.float().fill_nan(None))


def hour_by_weekday(view: View, parts: FillParts) -> pl.DataFrame:
    """``weekday, hour, n_fills, net``: what the fills of each hour of the week brought until the end.

    `net` is null without a common currency; hours without a fill are left out.
    """
    at = view.ledger.flow.at
    net = parts.net if view.reporting.currency is not None else np.full(at.size, np.nan)
    code = weekday_of(at) * 24 + hour_of(at)
    n = np.bincount(code, minlength=168)
    return pl.DataFrame({
        "weekday": np.repeat(WEEKDAYS, 24), "hour": HOURS * 7, "n_fills": n,
        "net": np.asarray(np.bincount(code, net, 168), float),
    }).filter(pl.col("n_fills") > 0).with_columns(pl.col("net").fill_nan(None))  # fmt: skip
