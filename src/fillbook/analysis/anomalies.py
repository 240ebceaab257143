"""What does not look like the rest: days and round trips beyond three robust deviations."""

from __future__ import annotations

import numpy as np
import polars as pl

from fillbook.analysis.overview import Overview
from fillbook.arrays import Bools, Floats

BEYOND = 3.0  # robust deviations from the median
LEAST = 10  # fewer values have no "usual"
_TO_DEVIATION = 1.4826  # median absolute deviation of a normal variable over its deviation


def is_outlier(values: Floats) -> Bools:
    """Which values lie beyond `BEYOND` robust deviations of the median (1.4826 × MAD).

    None where there are fewer than `LEAST` values or more than half of them are the same.
    Source: Hampel (1974); Iglewicz & Hoaglin (1993).
    """
    if values.size < LEAST:
        return np.zeros(values.size, bool)
    middle = np.median(values)
    away = np.abs(values - middle)
    scale = _TO_DEVIATION * np.median(away)
    return np.asarray(away > BEYOND * scale) if scale > 0.0 else np.zeros(values.size, bool)


def unusual(answer: Overview) -> pl.DataFrame:
    """Unusual days and round trips: ``kind, at, where, value, quote``, the largest first.

    Parameters
    ----------
    answer
        What is shown. Round trips are judged among those of their own pair and quote.
    """
    daily = answer.daily.filter(pl.col("pnl").is_not_null())
    days = daily.filter(pl.Series(is_outlier(daily["pnl"].to_numpy()), dtype=pl.Boolean)).select(
        kind=pl.lit("day"),
        at=pl.col("day").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        where=pl.lit("all that is shown"),
        value="pnl",
        quote=pl.lit(answer.currency, dtype=pl.String),
    )
    closed = answer.trips.filter(~pl.col("is_open"), pl.col("net_quote").is_not_null())
    parts = [
        group.filter(pl.Series(is_outlier(group["net_quote"].to_numpy()), dtype=pl.Boolean))
        for _, group in closed.group_by("bot", "connector", "pair", maintain_order=True)
    ]
    trips = pl.concat([closed.clear(), *parts]).select(
        kind=pl.lit("round trip"),
        at="exit_at",
        where=pl.format("{} · {} on {}", *(pl.col(n).cast(pl.String) for n in ("bot", "pair", "connector"))),
        value="net_quote",
        quote=pl.col("quote").cast(pl.String),
    )
    found = pl.concat([days, trips], how="vertical_relaxed")
    return found.sort(pl.col("value").abs(), descending=True)
