"""What the market was like at any time, from candles that had closed (DEFINITIONS B6).

Volatility is that of Garman & Klass (1980) over the last 24 closed candles, trend the efficiency ratio of
Kaufman (1995) over as many, volume a candle's over the median of the same hour of the week in the four weeks
before. Volatility and volume are sorted into thirds of the 30 days before: the class of a time never changes
with what came after it. Where history or candles are missing there is no class.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from fillbook.arrays import Codes, Floats, Ints

Kind = Literal["volatility", "trend", "market_volume"]
CLASSES: Mapping[Kind, tuple[str, ...]] = {
    "volatility": ("low", "middle", "high"), "trend": ("down", "range", "up"),
    "market_volume": ("low", "middle", "high"),
}  # fmt: skip
UNKNOWN = -1
_N = 24  # candles
_RANGE = 0.3  # efficiency below which there is no trend
_TRAILING, _LEAST = "30d", 100
_WEEKS, _LEAST_WEEKS, _WEEK_H = 4, 3, 168
_HOUR_US, _DAY_US = 3_600_000_000, 86_400_000_000
_HISTORY_US = 60 * _DAY_US  # thirds of 30 days of ratios to the four weeks before
_GAPS = 2  # times the span that candles without a gap would have


@dataclass(frozen=True, slots=True)
class Regimes:
    """Classes of one market, each known from the moment its candle closed.

    Parameters
    ----------
    known_us
        Close of each candle, µs UTC, ascending, shape (n,).
    lasts_us
        For how long a class stands where no candle follows: twice their length.
    code
        By kind: index into `CLASSES`, −1 where unknown, shape (n,).
    """

    known_us: Ints
    lasts_us: int
    code: Mapping[Kind, Codes]

    def at(self, when: Ints) -> Mapping[Kind, Codes]:
        """Classes known at each time (µs UTC), shape (n,); −1 where none is."""
        place = np.searchsorted(self.known_us, when, side="right") - 1
        held = np.maximum(place, 0)
        is_fresh = (place >= 0) & (when - self.known_us[held] <= self.lasts_us)
        return {
            kind: np.where(is_fresh, code[held], UNKNOWN).astype(np.int8) for kind, code in self.code.items()
        }


def regimes_of(candles: pl.DataFrame, first_us: int, last_us: int) -> Regimes | None:
    """Classes of one market from `first_us` to `last_us`; None where it has no candle for it.

    Parameters
    ----------
    candles
        Canonical candles of one market; the finest are taken.
    first_us, last_us
        First and last time that will be asked for, µs UTC.
    """
    step_s = candles["interval_s"].min()
    at = pl.col("at").dt.timestamp("us")
    rows = candles.filter(
        pl.col("interval_s") == step_s, at >= first_us - _HISTORY_US, at <= last_us
    ).unique("at", keep="first").sort("at")  # fmt: skip
    if rows.is_empty():
        return None
    step = round(float(str(step_s)) * 1e6)
    opened = rows["at"].dt.timestamp("us").to_numpy()
    code: dict[Kind, Codes] = {
        "volatility": _thirds(rows["at"], volatility(rows, step)), "trend": trend(rows, step),
        "market_volume": _thirds(rows["at"], relative_volume(rows)),
    }  # fmt: skip
    return Regimes(opened + step, 2 * step, code)


def volatility(candles: pl.DataFrame, step_us: int) -> Floats:
    """Garman & Klass' volatility of one candle, over the last 24; NaN with fewer, or with gaps among them."""
    opened, high, low, close = (
        candles[f"{name}_quote"].to_numpy() for name in ("open", "high", "low", "close")
    )
    variance = 0.5 * np.log(high / low) ** 2 - (2.0 * math.log(2.0) - 1.0) * np.log(close / opened) ** 2
    found = np.full(variance.size, np.nan)
    if variance.size >= _N:
        mean = np.lib.stride_tricks.sliding_window_view(np.maximum(variance, 0.0), _N).mean(axis=1)
        found[_N - 1 :] = np.sqrt(mean)
    return np.where(_is_dense(candles, _N - 1, step_us), found, np.nan)


def trend(candles: pl.DataFrame, step_us: int) -> Codes:
    """Down, range or up by the signed efficiency ratio over 24 candles; a market that stood still ranges."""
    close = candles["close_quote"].to_numpy()
    code = np.full(close.size, UNKNOWN, np.int8)
    if close.size > _N:
        way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(close)))])
        moved, walked = close[_N:] - close[:-_N], way[_N:] - way[:-_N]
        ratio = np.where(walked > 0.0, moved / np.where(walked > 0.0, walked, 1.0), 0.0)
        code[_N:] = np.where(ratio <= -_RANGE, 0, np.where(ratio >= _RANGE, 2, 1))
    return np.where(_is_dense(candles, _N, step_us), code, UNKNOWN).astype(np.int8)


def relative_volume(candles: pl.DataFrame) -> Floats:
    """Volume over the median of the mean candle of the same hour in the four weeks before.

    NaN where fewer than three of those weeks are known, or nothing was traded in them.
    """
    volume = candles["volume_base"].fill_null(np.nan).to_numpy()
    hour = candles["at"].dt.timestamp("us").to_numpy() // _HOUR_US
    hours, place = np.unique(hour, return_inverse=True)
    known = ~np.isnan(volume)
    n = np.bincount(place[known], minlength=hours.size)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(place[known], volume[known], hours.size) / n
    before = np.full((_WEEKS, hours.size), np.nan)
    for week in range(_WEEKS):
        wanted = hours - _WEEK_H * (week + 1)
        there = np.minimum(np.searchsorted(hours, wanted), hours.size - 1)
        before[week] = np.where(hours[there] == wanted, mean[there], np.nan)
    usual = np.full(hours.size, np.nan)
    enough = (~np.isnan(before)).sum(axis=0) >= _LEAST_WEEKS
    usual[enough] = np.nanmedian(before[:, enough], axis=0)
    return np.where(usual[place] > 0.0, volume / np.where(usual[place] > 0.0, usual[place], 1.0), np.nan)


def _is_dense(candles: pl.DataFrame, back: int, step_us: int) -> np.ndarray:
    """Whether each candle and the one `back` before it lie about as far apart as without gaps."""
    at = candles["at"].dt.timestamp("us").to_numpy()
    dense = np.zeros(at.size, bool)
    dense[back:] = at[back:] - at[: at.size - back] <= _GAPS * back * step_us
    return dense


def _thirds(at: pl.Series, values: Floats) -> Codes:
    """Third of the 30 days before that each value falls into; −1 with fewer than 100 values in them."""
    value = pl.Series("value", values, nan_to_null=True)

    def edge(quantile: float) -> pl.Expr:
        return pl.col("value").rolling_quantile_by(
            "at", _TRAILING, quantile=quantile, interpolation="linear", min_samples=_LEAST, closed="left"
        )

    low, high = edge(1.0 / 3.0), edge(2.0 / 3.0)
    code = pl.when(pl.col("value") < low).then(0).when(pl.col("value") > high).then(2).otherwise(1)
    found = pl.DataFrame([at.alias("at"), value]).select(
        pl.when(pl.col("value").is_not_null() & low.is_not_null()).then(code).otherwise(UNKNOWN)
    )
    return found.to_series().cast(pl.Int8).to_numpy()
