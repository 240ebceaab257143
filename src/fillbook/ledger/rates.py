"""Prices as of a time: never from the future, never older than they may be (DEFINITIONS 0.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from fillbook.arrays import Floats, Ints
from fillbook.sources.hummingbot import canonical_token

US = 1_000_000  # microseconds a second


@dataclass(frozen=True, slots=True)
class Series:
    """Prices of one pair from one kind of source.

    Parameters
    ----------
    at
        Times from which each price is known, µs UTC, ascending, shape (n,).
    price
        Quote per base, shape (n,).
    max_age_s
        Seconds after which a price is no price any more; infinite for the own last fill.
    """

    at: Ints
    price: Floats
    max_age_s: float

    def as_of(self, when: Ints, max_age_s: float | None = None) -> tuple[Floats, Floats]:
        """Price at each time and its age in seconds; NaN where there is none fresh enough."""
        limit = self.max_age_s if max_age_s is None else max_age_s
        if self.at.size == 0:
            return np.full(when.size, np.nan), np.full(when.size, np.nan)
        index = np.searchsorted(self.at, when, side="right") - 1
        found = index >= 0
        index = np.maximum(index, 0)
        age = (when - self.at[index]) / US
        fresh = found & (age <= limit)
        return np.where(fresh, self.price[index], np.nan), np.where(fresh, age, np.nan)


def series_of(table: pl.DataFrame, time: pl.Expr, price: str, max_age_s: float | None) -> Series:
    """Series of a table's rows; `max_age_s` None takes twice the candles' own interval."""
    rows = table.select(at=time.dt.timestamp("us"), price=pl.col(price)).drop_nulls()
    if not rows["at"].is_sorted():
        rows = rows.sort("at", maintain_order=True)
    if max_age_s is None:
        max_age_s = 2.0 * float(table["interval_s"].max() or 0.0)  # type: ignore[arg-type]
    return Series(rows["at"].to_numpy(), rows["price"].to_numpy(), max_age_s)


def _by_pair(table: pl.DataFrame, *columns: str) -> Iterable[tuple[str, str, pl.DataFrame]]:
    """Columns of each (connector, pair) of a table, in stable order of their names."""
    asked = table.select("connector", "pair", *columns)
    for keys, rows in asked.group_by(["connector", "pair"], maintain_order=True):
        yield str(keys[0] or ""), str(keys[1] or ""), rows


@dataclass(frozen=True, slots=True)
class Prices:
    """Every price the data holds, by what it is: mids, candle closes, given rates, own fills.

    `own` gives the fills of a pair by time (``at``, ``price_quote``), of the pairs that were traded.
    """

    mids: Mapping[tuple[str, str], Series]
    candles: Mapping[tuple[str, str], Series]
    given: Mapping[str, Series]
    own: Callable[[str], pl.DataFrame]
    pairs: frozenset[str]

    @classmethod
    def of(
        cls,
        tables: Mapping[str, pl.DataFrame],
        *,
        max_mid_age_s: float,
        max_rate_age_s: float,
        rates: pl.DataFrame | None = None,
        own: tuple[Callable[[str], pl.DataFrame], frozenset[str]] | None = None,
    ) -> Prices:
        """Prices of canonical tables, and of a frame of rates (``pair, at, price``).

        `own` gives the fills of a pair, and the pairs, where the fills themselves are not to be read.
        """
        close = pl.col("at") + pl.duration(seconds=pl.col("interval_s"))
        given = {} if rates is None else {
            str(pair): series_of(rows, pl.col("at"), "price", max_rate_age_s)
            for (pair,), rows in rates.group_by(["pair"], maintain_order=True)
        }  # fmt: skip
        return cls(
            {
                (venue, pair): series_of(rows, pl.col("at"), "mid_quote", max_mid_age_s)
                for venue, pair, rows in _by_pair(tables["quotes"], "at", "mid_quote")
            },
            {
                (venue, pair): series_of(rows, close, "close_quote", None)
                for venue, pair, rows in _by_pair(tables["candles"], "at", "interval_s", "close_quote")
            },
            given,
            *(own or own_of(tables["fills"])),
        )

    def marks(self, connector: str, pair: str) -> list[tuple[str, Series]]:
        """Series that may mark a book, best first; those of a file that names no venue count."""
        found = [("mid", self.mids.get((venue, pair))) for venue in (connector, "")]
        found += [("candle", self.candles.get((venue, pair))) for venue in (connector, "")]
        others = [key for key in self.candles if key[1] == pair and key[0] not in (connector, "")]
        found += [("candle_of_another_venue", self.candles[key]) for key in others]
        return [(kind, series) for kind, series in found if series is not None]

    def _direct(self, base: str, quote: str, when: Ints, max_age_s: float) -> Floats:
        """Newest price of exactly this pair over all sources and venues."""
        best = np.full(when.size, np.nan)
        youngest = np.full(when.size, np.inf)
        for series in self._of_pair(base, quote):
            price, age = series.as_of(when, max_age_s)
            better = age < youngest
            best = np.where(better, price, best)
            youngest = np.where(better, age, youngest)
        return best

    def _of_pair(self, base: str, quote: str) -> list[Series]:
        """Every series of a pair, own fills last; token aliases count as one."""

        def names(pair: str) -> bool:
            return tuple(map(canonical_token, pair.split("-", 1))) == (base, quote)

        found = [series for pair, series in self.given.items() if names(pair)]
        for held in (self.mids, self.candles):
            found += [series for (_, pair), series in held.items() if names(pair)]
        for pair in sorted(filter(names, self.pairs)):
            found.append(series_of(self.own(pair), pl.col("at"), "price_quote", np.inf))
        return found

    def _one_step(self, base: str, quote: str, when: Ints, max_age_s: float) -> Floats:
        rate = self._direct(base, quote, when, max_age_s)
        if np.isnan(rate).any():
            rate = np.where(np.isnan(rate), 1.0 / self._direct(quote, base, when, max_age_s), rate)
        return rate

    def rate(
        self, token: str, quote: str, when: Ints, *, max_age_s: float, via: Iterable[str] = ()
    ) -> Floats:
        """Quote for one `token` at each time: direct, else inverse, else over one other token.

        NaN where no fresh rate is known (DEFINITIONS A2). `when` is in µs UTC.
        """
        token, quote = canonical_token(token), canonical_token(quote)
        if token == quote:
            return np.ones(when.size)
        rate = self._one_step(token, quote, when, max_age_s)
        for middle in via:
            if not np.isnan(rate).any():
                break
            if canonical_token(middle) in (token, quote):
                continue
            first = self._one_step(token, canonical_token(middle), when, max_age_s)
            second = self._one_step(canonical_token(middle), quote, when, max_age_s)
            rate = np.where(np.isnan(rate), first * second, rate)
        return rate


def own_of(fills: pl.DataFrame) -> tuple[Callable[[str], pl.DataFrame], frozenset[str]]:
    """The fills of each pair, and the pairs."""
    return (
        lambda pair: fills.filter(pl.col("pair") == pair),
        frozenset(fills["pair"].cast(pl.String).unique()),
    )


def given_rate(marks: Mapping[str, float], token: str, quote: str) -> float:
    """Rate of a token from the marks the user gave, either way round; NaN where he gave none."""
    if canonical_token(token) == canonical_token(quote):
        return 1.0
    for pair, price in marks.items():
        names = tuple(map(canonical_token, pair.split("-", 1)))
        if names == (canonical_token(token), canonical_token(quote)):
            return price
        if names == (canonical_token(quote), canonical_token(token)) and price:
            return 1.0 / price
    return float("nan")
