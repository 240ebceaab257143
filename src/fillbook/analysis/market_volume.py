"""What the market traded while the bots did: candles of the same venue and pair (DEFINITIONS C11–C13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from fillbook.arrays import Floats, Ints
from fillbook.metrics.liquidity import Cumulative
from fillbook.sources.hummingbot import venue_of

US = 1e6
_DAY_S = 86_400
_TRAILING = 30  # days
_LEAST = 10  # of them


@dataclass(frozen=True, slots=True)
class MarketVolume:
    """Candles with volume of one market; times in seconds since 1970.

    Parameters
    ----------
    start, interval_s
        Open time of each candle, ascending, and their length.
    volume, value, time
        Base, quote and seconds covered, as they flow through the candles.
    is_proxy
        The files hold no quote volume: value is volume × (high + low + close) / 3.
    day, sigma, daily
        UTC days (days since 1970) with the volatility of daily log returns and the mean daily volume of the
        30 days before each; NaN with fewer than 10.
    """

    start: Floats
    interval_s: float
    volume: Cumulative
    value: Cumulative
    time: Cumulative
    is_proxy: bool
    day: Ints
    sigma: Floats
    daily: Floats

    def exceeded(self, at: Floats, base: Floats) -> tuple[int, Floats]:
        """Candles in which own fills trade more than the market, and each fill's candle (−1: none)."""
        index = np.searchsorted(self.start, at, side="right") - 1
        inside = (index >= 0) & (at < self.start[np.maximum(index, 0)] + self.interval_s)
        own = np.bincount(index[inside], weights=base[inside], minlength=self.start.size)
        return int((own > self.volume.amount * (1.0 + 1e-9)).sum()), np.where(inside, index, -1)

    def of_day(self, at: Floats) -> tuple[Floats, Floats]:
        """Daily volatility and volume known at each time: of the days before it."""
        index = np.searchsorted(self.day, at // _DAY_S)
        known = (index < self.day.size) & (self.day[np.minimum(index, self.day.size - 1)] == at // _DAY_S)
        place = np.minimum(index, self.day.size - 1)
        return np.where(known, self.sigma[place], np.nan), np.where(known, self.daily[place], np.nan)


def market_volumes(candles: pl.DataFrame) -> Mapping[tuple[str, str], MarketVolume]:
    """Volume of every market that has candles with volume, by (venue, pair); the finest candles of each."""
    held = candles.filter(pl.col("volume_base").is_not_null())
    found = {}
    groups = held.partition_by(["connector", "pair"], as_dict=True, maintain_order=True)
    for (venue, pair), rows in groups.items():
        finest = rows.filter(pl.col("interval_s") == pl.col("interval_s").min())
        found[(str(venue or ""), str(pair or ""))] = _volume(
            finest.sort("at").unique("at", maintain_order=True)
        )
    return found


def volume_of(
    volumes: Mapping[tuple[str, str], MarketVolume], connector: str, pair: str
) -> MarketVolume | None:
    """Volume of a market on its own venue (that of a paper trade), else of a file that names no venue."""
    return (
        volumes.get((connector, pair)) or volumes.get((venue_of(connector), pair)) or volumes.get(("", pair))
    )


def _volume(candles: pl.DataFrame) -> MarketVolume:
    start = candles["at"].dt.timestamp("us").to_numpy() / US
    interval = float(candles["interval_s"][0])
    end = np.minimum(start + interval, np.append(start[1:], np.inf))
    volume = candles["volume_base"].to_numpy()
    is_proxy = candles["volume_quote"].null_count() > 0
    typical = (candles["high_quote"] + candles["low_quote"] + candles["close_quote"]) / 3.0
    value = (typical * volume).to_numpy() if is_proxy else candles["volume_quote"].to_numpy()
    days = candles.group_by(day=pl.col("at").dt.epoch("d"), maintain_order=True).agg(
        close=pl.col("close_quote").last(), volume=pl.col("volume_base").sum()
    )
    move = pl.col("close").log().diff()
    trailing = days.select(
        "day", sigma=move.rolling_std(_TRAILING, min_samples=_LEAST).shift(1),
        daily=pl.col("volume").rolling_mean(_TRAILING, min_samples=_LEAST).shift(1),
    )  # fmt: skip
    return MarketVolume(
        start, interval, Cumulative.of(start, end, volume), Cumulative.of(start, end, value),
        Cumulative.of(start, end, end - start), is_proxy, trailing["day"].cast(pl.Int64).to_numpy(),
        trailing["sigma"].fill_null(np.nan).to_numpy(), trailing["daily"].fill_null(np.nan).to_numpy(),
    )  # fmt: skip
