"""How the headline metrics came to be: their value to date, day by day."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from fillbook.analysis.overview import Overview
from fillbook.arrays import Floats
from fillbook.conventions import Conventions
from fillbook.metrics.returns import compounded_returns
from fillbook.results import Undefined

_FLAT = 1e-12  # of the values: less is rounding
_LEAST_DAYS = 5  # before it a ratio to date is noise


def to_date(answer: Overview) -> Mapping[str, list[float]]:
    """Values up to the end of each UTC day, by metric key; a key is missing where there are none."""
    pnl = answer.daily["pnl"]
    if answer.currency is None or pnl.null_count() or pnl.len() <= 1:
        return {}
    daily = pnl.to_numpy()
    deepest = answer.equity.group_by(pl.col("at").dt.date(), maintain_order=True).agg(
        pl.col("drawdown").max()
    )
    series = {
        "net_pnl": np.cumsum(daily), "max_drawdown": deepest["drawdown"].cum_max().to_numpy(),
        "fees": answer.daily["fees"].cum_sum().to_numpy(), "sharpe_ratio": _sharpe(daily, answer.conventions),
        **_trips(answer),
    }  # fmt: skip
    known = {key: values[np.isfinite(values)].tolist() for key, values in series.items()}
    return {key: values for key, values in known.items() if values}


def _sharpe(daily: Floats, conventions: Conventions) -> Floats:
    """Annualised Sharpe ratio of the days so far; NaN where they do not differ, or are too few."""
    if conventions.return_basis == "compounded" and conventions.capital is not None:
        returns = compounded_returns(daily, conventions.capital)
        daily = np.full(daily.size, np.nan) if isinstance(returns, Undefined) else returns
    n = np.arange(1, daily.size + 1)
    mean, middle = np.cumsum(daily) / n, daily.mean()
    square = np.cumsum((daily - middle) ** 2) - n * (mean - middle) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.sqrt(np.maximum(square, 0.0) / (n - 1))
        ratio = mean / spread * np.sqrt(conventions.periods_per_year)
    varies = spread > _FLAT * np.maximum.accumulate(np.abs(daily))
    return np.where(varies & (n >= _LEAST_DAYS), ratio, np.nan)


def _trips(answer: Overview) -> dict[str, Floats]:
    """Win rate and profit factor of the round trips closed so far, a point a day."""
    closed = answer.trips.filter(~pl.col("is_open"), pl.col("net_quote").is_not_null())
    if closed["quote"].n_unique() != 1:
        return {}
    notional = pl.col("entry_quote") * pl.col("qty_base")
    net = pl.when(pl.col("net_quote").abs() > _FLAT * notional).then(pl.col("net_quote")).otherwise(0.0)
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
