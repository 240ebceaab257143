"""Several daily series on the days they have in common, and what was cut off to get there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from fillbook.arrays import Bools, Floats, Ints
from fillbook.results import Undefined

EPOCH = date(1970, 1, 1)
CUTS = {
    "side": pl.String, "is_benchmark": pl.Boolean, "first": pl.Date, "last": pl.Date, "n_days": pl.Int64,
    "n_used": pl.Int64, "n_before": pl.Int64, "n_after": pl.Int64, "n_unknown": pl.Int64,
    "n_dropped": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DaySeries:
    """A value a UTC day.

    Parameters
    ----------
    name
        For people.
    days
        Days since 1970, ascending, each once, shape (n,).
    values
        NaN where the day's value is not known, shape (n,).
    is_benchmark
        Whether it is measured against, not measured.
    """

    name: str
    days: Ints
    values: Floats
    is_benchmark: bool = False


@dataclass(frozen=True, slots=True)
class Aligned:
    """Series on their common days.

    Parameters
    ----------
    days
        Days since 1970 on which every series has a value, shape (n,).
    values
        Shape (n_series, n).
    cuts
        A row a series: ``side, is_benchmark, first, last, n_days, n_used``; days outside the common span
        (``n_before, n_after``); days inside it that are missing or unknown here (``n_unknown``), and that
        are known here but not in another series (``n_dropped``).
    lack
        Why there is no common day; None where there is one.
    """

    days: Ints
    values: Floats
    cuts: pl.DataFrame
    lack: Undefined | None

    @property
    def gaps(self) -> int:
        """Days inside the common span that were left out."""
        span = int(self.days[-1] - self.days[0]) + 1 if self.days.size else 0
        return span - self.days.size


def align(series: Sequence[DaySeries]) -> Aligned:
    """The days on which every series is known (listwise), in order.

    A day that one of them lacks is left out of all: nothing is filled in.
    """
    held = [s for s in series if s.days.size]
    if len(held) < len(series) or not series:
        return _nothing(series)
    first, last = max(s.days[0] for s in series), min(s.days[-1] for s in series)
    days = np.arange(first, last + 1, dtype=np.int64)
    values = np.array([_on(s, days) for s in series]).reshape(len(series), days.size)
    known = ~np.isnan(values)
    common = known.all(axis=0) if days.size else np.zeros(0, bool)
    if not common.any():
        return _nothing(series)
    cuts = pl.DataFrame(
        [_cut(s, days, k, int(common.sum())) for s, k in zip(series, known, strict=True)], schema=CUTS
    )
    return Aligned(days[common], values[:, common], cuts, None)


def _on(series: DaySeries, days: Ints) -> Floats:
    """Values of a series on other days; NaN where it has none."""
    place = np.searchsorted(series.days, days)
    inside = place < series.days.size
    place = np.minimum(place, series.days.size - 1)
    return np.where(inside & (series.days[place] == days), series.values[place], np.nan)


def _cut(series: DaySeries, days: Ints, known: Bools, n_used: int) -> dict[str, object]:
    """What became of the days of one series."""
    n = series.days.size
    first, last = (int(days[0]), int(days[-1])) if days.size else (0, -1)
    return {
        "side": series.name, "is_benchmark": series.is_benchmark,
        "first": day_of(series.days[0]) if n else None, "last": day_of(series.days[-1]) if n else None,
        "n_days": n, "n_used": n_used,
        "n_before": int((series.days < first).sum()), "n_after": int((series.days > last).sum()),
        "n_unknown": int((~known).sum()), "n_dropped": int(known.sum()) - n_used,
    }  # fmt: skip


def _nothing(series: Sequence[DaySeries]) -> Aligned:
    """No common day: the table still says which days each series has."""
    rows = [
        {
            "side": s.name, "is_benchmark": s.is_benchmark,
            "first": day_of(s.days[0]) if s.days.size else None,
            "last": day_of(s.days[-1]) if s.days.size else None, "n_days": s.days.size, "n_used": 0,
            "n_before": None, "n_after": None, "n_unknown": int(np.isnan(s.values).sum()),
            "n_dropped": None,
        }
        for s in series
    ]  # fmt: skip
    nothing = np.zeros(0, np.int64)
    lack = Undefined.unavailable("no_common_days")
    return Aligned(nothing, np.zeros((len(series), 0)), pl.DataFrame(rows, schema=CUTS), lack)


def day_of(number: int | np.integer) -> date:
    """The day so many days after 1970-01-01.

    >>> day_of(20_000)
    datetime.date(2024, 10, 4)
    """
    return EPOCH + timedelta(days=int(number))


def number_of(days: pl.Series) -> Ints:
    """Days since 1970 of a column of dates."""
    return days.cast(pl.Date).to_physical().cast(pl.Int64).to_numpy()


def dates(days: Ints) -> pl.Series:
    """Dates of days since 1970."""
    return pl.Series("day", days, dtype=pl.Int64).cast(pl.Int32).cast(pl.Date)
