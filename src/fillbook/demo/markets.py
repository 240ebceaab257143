"""Simulated markets: correlated random walks with bursts, a daily rhythm and a bouncing mid."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from fillbook.arrays import Floats, Ints

START = datetime(2026, 9, 21, tzinfo=UTC)
DAYS = 60
DAYS_BEFORE = 45  # of candles before the bots began: a market has a past
START_S = int(START.timestamp())
MINUTES = DAYS * 1_440
_STEPS = 4  # a minute
STEP_S = 60 // _STEPS
_CANDLE_MIN = 5
_SAMPLE_S = 5
_HALF_SPREAD = 0.00006  # of the price, and half a tick at least
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
    """One pair: its true mid every 15 s, and minute by minute the first, the lowest and the highest.

    A minute begins after its first instant and holds its last one: low and high know the next minute's mid.
    """

    listing: Listing
    path: Floats
    mid: Floats
    low: Floats
    high: Floats
    volume: Floats

    @classmethod
    def of(cls, listing: Listing, path: Floats, volume: Floats) -> Market:
        """Market that walks this path, trading this much base a minute."""
        steps = path.reshape(MINUTES, _STEPS)
        mid, following = steps[:, 0], np.append(steps[1:, 0], path[-1])
        low, high = np.minimum(steps.min(axis=1), following), np.maximum(steps.max(axis=1), following)
        return cls(listing, path, mid, low, high, volume)

    @property
    def pair(self) -> str:
        """BASE-QUOTE."""
        return self.listing.pair

    @property
    def tick(self) -> float:
        """Smallest step of a price, in quote."""
        return float(10.0**-self.listing.price_decimals)

    def price(self, value: float) -> float:
        """Price on the tick."""
        return round(value, self.listing.price_decimals)

    def amount(self, quote: float, price: float) -> float:
        """Base amount on the step that a sum of quote buys."""
        return round(quote / price, self.listing.amount_decimals)

    def mid_at(self, second: npt.ArrayLike) -> Floats:
        """True mid at seconds since the start: between two steps its logarithm is a straight line."""
        step = np.clip(np.asarray(second, np.float64) / STEP_S, 0.0, self.path.size - 1)
        before = step.astype(np.int64)
        start, end = self.path[before], self.path[np.minimum(before + 1, self.path.size - 1)]
        return np.asarray(start * (end / start) ** (step - before))

    def half_spread(self, mid: Floats) -> Floats:
        """Distance of the best bid and ask from the mid, in quote."""
        return np.maximum(0.5 * self.tick, _HALF_SPREAD * mid)

    def best_around(self, mid: Floats) -> tuple[Floats, Floats]:
        """Best bid and ask around a mid, on the tick outside the half spread."""
        half, ticks = self.half_spread(mid), 10.0**self.listing.price_decimals
        return np.floor((mid - half) * ticks + 1e-6) / ticks, np.ceil((mid + half) * ticks - 1e-6) / ticks

    def maker_price(self, minute: int, side: int, wanted: float) -> float:
        """Price on the tick of an order that only makes: at the best where the one wanted would take."""
        price, mid = self.price(wanted), self.mid[minute]
        if side * (mid - self.level(-side, price)) > 0.0:
            return price
        bid, ask = self.best_around(mid)
        return float(bid if side > 0 else ask)

    def taker_price(self, second: int, side: int, slip: float) -> float:
        """Price an order at the market pays: a fraction off the mid, and never inside the book."""
        mid = self.mid_at(second)
        slipped, (bid, ask) = self.price(float(mid) * (1.0 + side * slip)), self.best_around(mid)
        return max(slipped, float(ask)) if side > 0 else min(slipped, float(bid))

    def level(self, side: int, price: float) -> float:
        """Mid at which the market's own best bid (side 1) or best ask (side -1) is at this price."""
        beside, away = price + side * 0.5 * self.tick, price / (1.0 - side * _HALF_SPREAD)
        return max(beside, away) if side > 0 else min(beside, away)

    def reached(self, minute: int, side: int, level: float, *, after: int = 0) -> int | None:
        """First whole second at which the mid has fallen (side 1) or risen (side -1) to a level.

        Parameters
        ----------
        minute
            The minute searched, its end included.
        side
            1 for a level below, as a bid waits; -1 for one above.
        level
            Mid in quote.
        after
            Only later seconds count.

        Returns
        -------
        int or None
            Seconds since the start; None where the mid did not get there.
        """
        if side * (level - (self.low if side > 0 else self.high)[minute]) < 0.0:
            return None
        first = max(after, 60 * minute) + 1
        for step in range((first - 1) // STEP_S, (minute + 1) * _STEPS):  # a step holds its end
            start, end = float(self.path[step]), float(self.path[min(step + 1, self.path.size - 1)])
            earliest = max(first, STEP_S * step)
            if side * (level - start * (end / start) ** (earliest / STEP_S - step)) >= 0.0:
                return earliest
            if side * (level - end) >= 0.0:
                share = math.log(level / start) / math.log(end / start)
                return max(earliest, math.ceil(STEP_S * (step + share) - 1e-9))
        return None


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
    path = np.exp(value + bounce)
    volume = item.volume_quote / 1_440 * activity.reshape(MINUTES, _STEPS).mean(axis=1)
    noise = rng.lognormal(0.0, 0.5, MINUTES)
    return Market.of(item, path, volume * noise / path[::_STEPS])


def elsewhere(market: Market, rng: np.random.Generator, *, kept: float, jolt: float) -> Market:
    """The same pair on another venue, whose mid strays from this one's and comes back.

    Parameters
    ----------
    market
        The pair here.
    rng
        Where its chance comes from.
    kept
        Share of the distance that is left after a minute.
    jolt
        Deviation of what a minute adds to the distance, as a fraction of the price.
    """
    distance = _smooth(rng.normal(size=MINUTES), kept=kept) * jolt / math.sqrt(1.0 - kept**2)
    minute = np.arange(MINUTES * _STEPS) / _STEPS
    away = np.exp(np.interp(minute, np.arange(MINUTES), distance))
    return Market.of(market.listing, market.path * away, market.volume)


def _smooth(noise: Floats, *, kept: float) -> Floats:
    """Noise that remembers: an autoregression of variance 1, by blocks of its own kernel."""
    length = min(noise.size, int(np.ceil(np.log(1e-4) / np.log(kept))))
    kernel = kept ** np.arange(length)
    size = 1 << (noise.size + length - 1).bit_length()
    mixed = np.fft.irfft(np.fft.rfft(noise, size) * np.fft.rfft(kernel, size), size)[: noise.size]
    return np.asarray(mixed / mixed.std())


def write_quotes(market: Market, connector: str, folder: Path) -> None:
    """Write best bid and ask every five seconds, as a recorder beside the bots would."""
    second = np.arange(0, 60 * MINUTES, _SAMPLE_S)
    bid, ask = market.best_around(market.mid_at(second))
    rows = pl.DataFrame({"timestamp": 1_000 * (START_S + second), "best_bid": bid, "best_ask": ask})
    folder.mkdir(parents=True, exist_ok=True)
    rows.write_parquet(folder / f"quotes_{connector}_{market.pair}.parquet", compression="zstd")


@dataclass(frozen=True, slots=True)
class Bars:
    """Five-minute candles: open times in seconds since 1970, prices in quote, volume in base."""

    start_s: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    @classmethod
    def of(cls, market: Market) -> Bars:
        """Candles of a market's 60 days."""
        shape = (MINUTES // _CANDLE_MIN, _CANDLE_MIN)
        opens = market.mid.reshape(shape)[:, 0]
        return cls(
            START_S + 60 * _CANDLE_MIN * np.arange(shape[0]), opens, market.high.reshape(shape).max(axis=1),
            market.low.reshape(shape).min(axis=1), np.append(opens[1:], market.mid[-1]),
            market.volume.reshape(shape).sum(axis=1),
        )  # fmt: skip

    def followed_by(self, later: Bars) -> Bars:
        """These, then those."""
        names = ("start_s", "open", "high", "low", "close", "volume")
        return Bars(*(np.concatenate([getattr(self, name), getattr(later, name)]) for name in names))


def histories(markets: Mapping[str, Market], rng: np.random.Generator) -> dict[str, Bars]:
    """Candles of the days before the bots began, by pair: they lead to the first mid of each market."""
    n = DAYS_BEFORE * 1_440 // _CANDLE_MIN
    common = rng.normal(size=n * _STEPS)
    return {pair: _history(market, common, rng) for pair, market in markets.items()}


def _history(market: Market, common: Floats, rng: np.random.Generator) -> Bars:
    """A walk as the market's own, told from its end."""
    item, n = market.listing, common.size // _STEPS
    moves = (0.75 * common + 0.66 * rng.normal(size=common.size)) * item.volatility
    moves /= math.sqrt(1_440 / _CANDLE_MIN * _STEPS)
    path = market.path[0] * np.exp(np.cumsum(moves) - moves.sum())
    opens = np.concatenate([path[:1] / np.exp(moves[:1]), path[_STEPS - 1 :: _STEPS][:-1]])
    steps = np.column_stack([opens, path.reshape(n, _STEPS)])
    volume = item.volume_quote * _CANDLE_MIN / 1_440 * rng.lognormal(0.0, 0.5, n) / opens
    start_s = START_S - 60 * _CANDLE_MIN * np.arange(n, 0, -1)
    return Bars(start_s, opens, steps.max(axis=1), steps.min(axis=1), steps[:, -1], volume)


def write_candles(bars: Bars, listing: Listing, connector: str, folder: Path) -> None:
    """Write five-minute candles as Hummingbot writes them."""
    decimals = listing.price_decimals
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"candles_{connector}_{listing.pair}_5m.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([
            "timestamp", "open", "high", "low", "close", "volume", "quote_asset_volume", "n_trades",
            "taker_buy_base_volume", "taker_buy_quote_volume",
        ])  # fmt: skip
        columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
        for at, *values in zip(bars.start_s.tolist(), *(x.tolist() for x in columns), strict=True):
            o, h, low, c = (round(x, decimals) for x in values[:4])
            v, n = round(values[4], 4), 40 + int(values[4] * o / 900)
            row = [at, o, max(h, o, c), min(low, o, c), c, v, round(v * c, 4), n]
            writer.writerow([*row, round(v * 0.5, 4), round(v * c * 0.5, 4)])
