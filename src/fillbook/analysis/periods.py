"""A view hour by hour, against the period before it, and with what was held when it began."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import fsum

import numpy as np
import polars as pl

from fillbook.analysis.kept import kept_overview
from fillbook.analysis.overview import Overview, overview
from fillbook.analysis.view import view_of
from fillbook.errors import BadRequestError, MissingMarkError
from fillbook.filters import Filter
from fillbook.ledger.equity import books_at
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
    held = data.span("fills")
    if held is None or earlier < held[0]:
        return None
    chosen = replace(answer.chosen, start=earlier, end=start)
    how = replace(answer.conventions, marks={})  # prices given are of the end of the view, not of then
    try:
        return overview(data, chosen, how, metrics=keys, check=False).metrics
    except (BadRequestError, MissingMarkError):
        return None  # without those prices there is no answer


def accrued(data: PerformanceDataSource, answer: Overview) -> float | None:
    """Net PnL of the period with what was held before it: net at its end less net at its start.

    A view that begins with a chosen start holds the fills of its period alone, booked from flat; this is
    what the same fills and those before them made within it (DEFINITIONS B5).

    Parameters
    ----------
    data
        The source the answer came from.
    answer
        What is shown.

    Returns
    -------
    float or None
        In the answer's currency. None where no start was chosen, or an open position had no mark.
    """
    if answer.chosen.start is None or answer.period is None or answer.currency is None:
        return None
    kept = _kept_days(data, answer)
    if kept is not None:
        return kept
    how = replace(answer.conventions, currency=answer.currency)
    try:
        view = view_of(data, replace(answer.chosen, start=None), how)
    except (BadRequestError, MissingMarkError):
        return None
    start_us, end_us = (int(moment.timestamp() * 1e6) for moment in answer.period)
    end_us = max(end_us, view.ledger.end_us)
    when = np.array([min(start_us, end_us - 1), end_us])  # a period of one moment holds what happened at it
    net, _ = books_at(view.ledger, when, is_open=True)
    value = np.where(net == 0.0, 0.0, net * view.reporting.rates(when)).sum(axis=0)
    found = float(value[1] - value[0])
    return None if math.isnan(found) else found


def _kept_days(data: PerformanceDataSource, answer: Overview) -> float | None:
    """The same as a sum of days that a checkpoint kept; None unless it is of whole days of everything."""
    chosen = answer.chosen
    moments = [at for at in (chosen.start, chosen.end) if at is not None]
    whole_days = all(
        at == at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) for at in moments
    )
    if not whole_days or chosen != Filter(start=chosen.start, end=chosen.end):
        return None
    whole = kept_overview(data, Filter(), answer.conventions, ())
    if whole is None or whole.currency != answer.currency:
        return None
    ends = chosen.end or datetime.max.replace(tzinfo=UTC)
    first, last = (at.astimezone(UTC).date() for at in (chosen.start or ends, ends))
    pnl = whole.daily.filter(pl.col("day") >= first, pl.col("day") < last)["pnl"]
    return None if pnl.is_empty() or pnl.null_count() or pnl.is_nan().any() else fsum(pnl)


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
