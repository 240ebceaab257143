"""How far an asset moves with BTC, from daily closes of candles (DEFINITIONS E9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from fillbook.analysis.crashes import STILL
from fillbook.results import Undefined
from fillbook.sources.hummingbot import canonical_token

BENCHMARK = "BTC"
LEAST_RETURNS = 60
_DAY = "1d"


@dataclass(frozen=True, slots=True)
class Beta:
    """Slope of an asset's daily returns on those of BTC, from `n` days both have; `Undefined` without it."""

    value: float
    n: int


def daily_closes(candles: pl.DataFrame, until: datetime | None = None) -> Mapping[str, pl.DataFrame]:
    """``day, close`` of each asset against a stablecoin or cash, whole UTC days only.

    Parameters
    ----------
    candles
        Canonical table.
    until
        What closed later is not known; None knows all.

    Returns
    -------
    By asset's plain name; of several markets the one with most days.
    """
    names = candles.select("connector", "pair").unique()
    found: dict[str, pl.DataFrame] = {}
    for row in names.sort("connector", "pair", nulls_last=True).iter_rows(named=True):
        base, _, quote = str(row["pair"]).partition("-")
        if quote not in STILL:
            continue
        mine = candles.filter(
            pl.col("pair") == row["pair"],
            pl.col("connector").eq_missing(row["connector"]),
        )
        closes = _whole_days(mine, until)
        asset = canonical_token(base)
        if asset not in found or closes.height > found[asset].height:
            found[asset] = closes
    return found


def _whole_days(candles: pl.DataFrame, until: datetime | None) -> pl.DataFrame:
    """Close of each UTC day that has a candle ending with it."""
    end = pl.col("at") + pl.duration(microseconds=(pl.col("interval_s") * 1e6).cast(pl.Int64))
    ended = candles.select("at", close="close_quote", end=end).filter(
        pl.col("end") == pl.col("end").dt.truncate(_DAY)
    )
    if until is not None:
        ended = ended.filter(pl.col("end") <= until)
    return (
        ended.sort("at").unique("end", keep="last", maintain_order=True)
        .select(day=pl.col("end").dt.date() - pl.duration(days=1), close="close").sort("day")
    )  # fmt: skip


def _returns(closes: pl.DataFrame) -> pl.DataFrame:
    """Return of each day whose day before is known as well."""
    moved = closes.with_columns(
        move=pl.col("close") / pl.col("close").shift(1) - 1.0,
        is_next=pl.col("day") - pl.col("day").shift(1) == pl.duration(days=1),
    )
    return moved.filter(pl.col("is_next").fill_null(value=False)).select("day", "move")


def betas(closes: Mapping[str, pl.DataFrame], assets: Iterable[str]) -> dict[str, Beta]:
    """Beta of each asset to BTC.

    Parameters
    ----------
    closes
        Answer of `daily_closes`.
    assets
        Whose beta is asked for.

    Returns
    -------
    By asset; unavailable (``no_beta``) with fewer than 60 daily returns in common, or where BTC did not move.
    BTC's own is 1.
    """
    market = _returns(closes[BENCHMARK]) if BENCHMARK in closes else None
    return {asset: _beta(asset, closes.get(asset), market) for asset in assets}


def _beta(asset: str, closes: pl.DataFrame | None, market: pl.DataFrame | None) -> Beta:
    if asset == BENCHMARK:
        return Beta(1.0, 0 if market is None else market.height)
    if closes is None or market is None:
        return Beta(Undefined.unavailable("no_beta"), 0)
    both = _returns(closes).join(market, on="day", suffix="_market")
    x, y = both["move_market"].to_numpy(), both["move"].to_numpy()
    if both.height < LEAST_RETURNS or float(np.ptp(x)) == 0.0:
        return Beta(Undefined.unavailable("no_beta"), both.height)
    away = x - x.mean()
    return Beta(float(away @ (y - y.mean()) / (away @ away)), both.height)
