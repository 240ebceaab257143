"""A view hour by hour, and against the period before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

import polars as pl

from fillbook.analysis.overview import Overview, overview
from fillbook.errors import BadRequestError, MissingMarkError
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Result

_HOURLY = timedelta(hours=5_000)  # the curve has at most 5,000 steps, of an hour or less


def before(data: PerformanceDataSource, answer: Overview, keys: Iterable[str]) -> Mapping[str, Result] | None:
    """Metrics of the equal period that ended where the view begins; None where the data does not reach.

    Parameters
    ----------
    data
        The source the answer came from.
    answer
        What is shown; only a view with a chosen start has a period before it. Prices given by hand do
        not hold for the earlier period and are left out there.
    keys
        Metrics to answer.
    """
    if answer.period is None or answer.chosen.start is None:
        return None
    start, end = answer.period
    if start >= end:
        return None
    earlier = start - (end - start)
    first = data.fills["at"].min()
    if first is None or earlier < first:  # type: ignore[operator]
        return None
    chosen = replace(answer.chosen, start=earlier, end=start)
    how = replace(answer.conventions, marks={})  # prices given are of the end of the view, not of then
    try:
        return overview(data, chosen, how, metrics=keys, check=False).metrics
    except (BadRequestError, MissingMarkError):
        return None  # without those prices there is no answer


def hourly(answer: Overview) -> pl.DataFrame:
    """``hour, pnl``: a row an hour (its start, UTC); empty where the curve is coarser than that.

    Parameters
    ----------
    answer
        What is shown. The curve has a point at every full hour unless it spans more than 208 days.
        An hour that ends, or follows one that ended, without a mark is null.
    """
    curve = answer.equity
    if answer.period is None or (answer.period[1] - answer.period[0]) > _HOURLY:
        return pl.DataFrame(schema={"hour": pl.Datetime("us", "UTC"), "pnl": pl.Float64})
    start = answer.conventions.capital or 0.0
    inside = pl.max_horizontal(pl.col("at").dt.offset_by("-1us"), pl.lit(answer.period[0]))
    ends = curve.group_by(hour=inside.dt.truncate("1h"), maintain_order=True).agg(pl.col("equity").last())
    return ends.select("hour", pnl=pl.col("equity") - pl.col("equity").shift(1, fill_value=start))
