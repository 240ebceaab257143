"""Simulated markets: correlated random walks with bursts, a daily rhythm and a bouncing mid."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from fillbook.arrays import Floats

START = datetime(2026, 9, 21, tzinfo=UTC)
DAYS = 60
START_S = int(START.timestamp())
MINUTES = DAYS * 1_440
_STEPS = 4  # a minute
_CANDLE_MIN = 5
_BOUNCE = 0.0013  # how far the mid strays from its value, and how much of it is left after a step
_KEPT = 0.94


@dataclass(frozen=True, slots=True)
class Listing:
    """A pair: first price, daily volatility, drift over the 60 days, decimals, daily volume."""

    pair: str
    price: float
    volatility: float
    drift: float
    price_decimals: int
    amount_decimals: int
    volume_quote: float


LISTINGS = (
    Listing("SOL-USDT", 152.0, 0.034, 0.06, 2, 2, 9e7),
    Listing("ETH-USDT", 3_240.0, 0.027, 0.03, 2, 3, 4e8),
    Listing("BTC-USDT", 71_300.0, 0.020, 0.02, 1, 4, 9e8),
    Listing("AVAX-USDT", 31.4, 0.038, -0.02, 3, 2, 2e7),
    Listing("DOGE-USDT", 0.1642, 0.041, -0.24, 5, 0, 6e7),
    Listing("BNB-USDT", 618.0, 0.019, 0.01, 1, 3, 7e7),
)


@dataclass(frozen=True, slots=True)
class Market:
    """One pair, minute by minute: mid at the start of each, its lowest and highest within it."""

    listing: Listing
    mid: Floats
    low: Floats
    high: Floats
    volume: Floats

    @property
    def pair(self) -> str:
        """BASE-QUOTE."""
        return self.listing.pair

    def price(self, value: float) -> float:
        """Price on the tick."""
        return round(value, self.listing.price_decimals)

    def amount(self, quote: float, price: float) -> float:
        """Base amount on the step that a sum of quote buys."""
        return round(quote / price, self.listing.amount_decimals)


def simulate(rng: np.random.Generator) -> dict[str, Market]:
    """All markets, by pair; one common factor moves them together."""
    steps = MINUTES * _STEPS
    hour = np.arange(steps) / (_STEPS * 60) % 24
    rhythm = 1.0 + 0.35 * np.sin((hour - 9.0) / 24 * 2 * np.pi)
    bursts = np.exp(_smooth(rng.normal(size=steps), kept=0.9995) * 0.35)
    common = rng.normal(size=steps)
    return {item.pair: _market(item, rng, rhythm * bursts, common) for item in LISTINGS}


def _market(item: Listing, rng: np.random.Generator, activity: Floats, common: Floats) -> Market:
    steps = activity.size
    scale = item.volatility / np.sqrt(1_440 * _STEPS) / np.sqrt(np.mean(activity**2))
    own = rng.normal(size=steps)
    moves = (0.75 * common + 0.66 * own) * activity * scale
    moves += item.drift / steps - moves.mean()
    value = np.log(item.price) + np.cumsum(moves)
    bounce = _smooth(rng.normal(size=steps), kept=_KEPT) * _BOUNCE
    path = np.exp(value + bounce).reshape(MINUTES, _STEPS)
    mid = path[:, 0]
    following = np.append(mid[1:], path[-1, -1])
    volume = item.volume_quote / 1_440 * activity.reshape(MINUTES, _STEPS).mean(axis=1)
    noise = rng.lognormal(0.0, 0.5, MINUTES)
    low, high = np.minimum(path.min(axis=1), following), np.maximum(path.max(axis=1), following)
    return Market(item, mid, low, high, volume * noise / mid)


def _smooth(noise: Floats, *, kept: float) -> Floats:
    """Noise that remembers: an autoregression of variance 1, by blocks of its own kernel."""
    length = min(noise.size, int(np.ceil(np.log(1e-4) / np.log(kept))))
    kernel = kept ** np.arange(length)
    size = 1 << (noise.size + length - 1).bit_length()
    mixed = np.fft.irfft(np.fft.rfft(noise, size) * np.fft.rfft(kernel, size), size)[: noise.size]
    return np.asarray(mixed / mixed.std())


def write_candles(market: Market, connector: str, folder: Path) -> None:
    """Write five-minute candles as Hummingbot writes them."""
    shape = (MINUTES // _CANDLE_MIN, _CANDLE_MIN)
    low, high = market.low.reshape(shape).min(axis=1), market.high.reshape(shape).max(axis=1)
    opens = market.mid.reshape(shape)[:, 0]
    closes = np.append(opens[1:], market.mid[-1])
    volume = market.volume.reshape(shape).sum(axis=1)
    decimals = market.listing.price_decimals
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"candles_{connector}_{market.pair}_5m.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([
            "timestamp", "open", "high", "low", "close", "volume", "quote_asset_volume", "n_trades",
            "taker_buy_base_volume", "taker_buy_quote_volume",
        ])  # fmt: skip
        for i in range(shape[0]):
            o, h, low_i, c = (round(float(x), decimals) for x in (opens[i], high[i], low[i], closes[i]))
            v, n = round(float(volume[i]), 4), 40 + int(volume[i] * o / 900)
            row = [START_S + 300 * i, o, max(h, o, c), min(low_i, o, c), c, v, round(v * c, 4), n]
            writer.writerow([*row, round(v * 0.5, 4), round(v * c * 0.5, 4)])
