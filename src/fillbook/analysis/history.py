"""How the headline metrics came to be: their value to date, day by day."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from fillbook.analysis.overview import Overview
from fillbook.arrays import Floats

_LEAST_DAYS = 5  # before it a ratio to date is noise


def to_date(answer: Overview) -> Mapping[str, list[float]]:
    """Values up to the end of each UTC day, by metric key; a key is missing where there are none."""
    pnl = answer.daily["pnl"]
    if answer.currency is None or pnl.null_count() or pnl.len() <= 1:
        return {}
    daily = pnl.to_numpy()
    falls = answer.equity.group_by(pl.col("at").dt.date(), maintain_order=True).agg(pl.col("drawdown").max())
    series = {"net_pnl": np.cumsum(daily), "max_drawdown": falls["drawdown"].cum_max().to_numpy()}
    series["fees"] = answer.daily["fees"].cum_sum().to_numpy()
    series["sharpe_ratio"] = _sharpe(daily)
    series |= _trips(answer)
    return {key: values[np.isfinite(values)].tolist() for key, values in series.items()}


def _sharpe(daily: Floats) -> Floats:
    """Annualised Sharpe ratio of the days so far."""
    n = np.arange(1, daily.size + 1)
    mean = np.cumsum(daily) / n
    square = np.cumsum((daily - daily.mean()) ** 2) - n * (mean - daily.mean()) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = mean / np.sqrt(square / (n - 1)) * np.sqrt(365.0)
    return np.where(n >= _LEAST_DAYS, ratio, np.nan)


def _trips(answer: Overview) -> dict[str, Floats]:
    """Win rate and profit factor of the round trips closed so far, a point a day."""
    closed = answer.trips.filter(~pl.col("is_open"), pl.col("net_quote").is_not_null())
    if closed["quote"].n_unique() != 1:
        return {}
    net = pl.col("net_quote")
    by_day = closed.group_by(day=pl.col("exit_at").dt.date()).agg(
        won=(net > 0).sum(), n=pl.len(), gain=net.clip(lower_bound=0.0).sum(),
        loss=-net.clip(upper_bound=0.0).sum(),
    )  # fmt: skip
    sums = by_day.sort("day").select(pl.col("won", "n", "gain", "loss").cum_sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "win_rate": (sums["won"] / sums["n"]).to_numpy(),
            "profit_factor": (sums["gain"] / sums["loss"]).to_numpy(),
        }
