"""Where a mid comes from, and the mid at any time (DEFINITIONS 0.5).

Kinds are asked in the order of `KINDS`; the first with a fresh sample answers, and every look-up says
which one it was and how old the sample is. Nothing is interpolated, and nothing comes from the future.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fillbook.analysis.kernels import NEVER
from fillbook.analysis.markets import by_market
from fillbook.analysis.own_quotes import own_quotes
from fillbook.analysis.ticks import Ticks
from fillbook.arrays import Bools, Codes, Floats, Ints
from fillbook.conventions import Conventions
from fillbook.ledger.rates import Prices, Series
from fillbook.metrics.spreads import is_crossed
from fillbook.performance_data_source import PerformanceDataSource

KINDS = ("market_data", "quote_file", "status_log", "trades", "own_quotes", "candles")
KIND_TEXT: Mapping[str, str] = {
    "market_data": "the bot's MarketData", "quote_file": "quote files", "status_log": "status logs",
    "trades": "public trades", "own_quotes": "the bot's own two-sided quotes", "candles": "candle closes",
}  # fmt: skip
NONE = -1
_FRESH_S = 5.0
_ASKED = ("connector", "pair", "at", "mid_quote")
US = 1_000_000
Market = tuple[str, str]
_Kind = Callable[[pl.DataFrame], "list[Samples]"]


@dataclass(frozen=True, slots=True)
class Looked:
    """Answers to many look-ups, shape (n,): NaN and kind −1 where no sample was fresh enough.

    `is_crossed` tells look-ups that hit a quote whose bid was above its ask: no mid comes from it.
    """

    mid: Floats
    bid: Floats
    ask: Floats
    age_s: Floats
    kind: Codes
    is_crossed: Bools

    @classmethod
    def nothing(cls, n: int) -> Looked:
        """Nothing known yet of `n` look-ups."""
        mid, bid, ask, age = (np.full(n, np.nan) for _ in range(4))
        return cls(mid, bid, ask, age, np.full(n, NONE, np.int8), np.zeros(n, bool))

    @classmethod
    def blank(cls, n: int) -> Looked:
        """Room for `n` answers, each of which will be put."""
        mid, bid, ask, age = (np.empty(n) for _ in range(4))
        return cls(mid, bid, ask, age, np.empty(n, np.int8), np.empty(n, bool))

    def put(self, rows: Ints, found: Looked) -> None:
        """Set the answers of some rows."""
        for name in self.__slots__:
            getattr(self, name)[rows] = getattr(found, name)

    def taken(self, rows: Ints) -> Looked:
        """Answers of some rows, in their order."""
        return Looked(*(getattr(self, name)[rows] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of one kind: index into `KINDS`, µs UTC ascending, prices.

    Bid and ask are NaN where unknown, the mid where the bid is above the ask.
    `place` is where each sample finds its bid and ask, None: where it finds its mid.
    `lasts_s` is for how long each stands in at least, whatever age is allowed: a close, for a candle.
    """

    kind: int
    at: Ints
    mid: Floats
    bid: Floats
    ask: Floats
    place: NDArray[np.uint32] | None = None
    lasts_s: float = 0.0

    def last(
        self, when: Ints, max_age_s: float, side: Literal["left", "right"]
    ) -> tuple[Ints, Bools, Floats]:
        """Place of the last sample before (or at) each time, whether it is fresh, and its age in seconds."""
        index = np.searchsorted(self.at, when, side=side) - 1
        place = np.maximum(index, 0)
        age = (when - self.at[place]) / US
        return place, (index >= 0) & (age <= max_age_s), age


@dataclass(slots=True)
class Source:
    """Samples that are read when they are first needed: how, and after when (µs UTC) there are none."""

    read: Callable[[], list[Samples]]
    last_us: int = NEVER
    samples: list[Samples] | None = None


class MarketMids:
    """Samples of one market, best kind first; a kind is prepared when a look-up first comes to it."""

    def __init__(self, sources: Sequence[Source]) -> None:
        """Remember where samples come from, best first."""
        self._sources = sources
        self._lock = Lock()

    @classmethod
    def of(cls, *samples: Samples) -> MarketMids:
        """Samples as they are, best first."""
        return cls([Source(lambda: list(samples))])

    def __iter__(self) -> Iterator[Samples]:
        """Samples of each kind that has any."""
        for place in range(len(self._sources)):
            yield from self._kinds(place, 0)

    def _kinds(self, place: int, since_us: float) -> list[Samples]:
        """Samples of a source, best first, unless it ends before `since_us`; two threads may ask at once."""
        source = self._sources[place]
        with self._lock:
            if source.samples is None:
                if source.last_us < since_us:
                    return []
                source.samples = sorted(source.read(), key=lambda samples: samples.kind)
            return source.samples

    def before(self, when: Ints, max_age_s: float) -> Looked:
        """Last sample strictly before each time: the state a trade met."""
        return self._look(when, max_age_s, "left")

    def at(self, when: Ints, max_age_s: float) -> Looked:
        """Last sample at or before each time."""
        return self._look(when, max_age_s, "right")

    def after(self, when: Ints, horizon_s: float, end_us: int | None = None) -> Floats:
        """Mid a horizon after each time; NaN past the end of the data and where no sample is fresh.

        A sample may be a tenth of the horizon old, a second at least; one of any kind that is at most five
        seconds old goes before an older one of a better kind. The data end with the last sample
        of each kind, unless `end_us` says otherwise.
        """
        later, oldest = when + round(horizon_s * US), max(1.0, 0.1 * horizon_s)
        found, todo = np.full(when.size, np.nan), np.arange(when.size)
        for max_age_s in dict.fromkeys((min(_FRESH_S, oldest), oldest)):  # a fresh one of any kind first
            for place in range(len(self._sources)):
                if todo.size == 0:
                    return found
                slack = 0.0 if end_us is None else max_age_s * US
                for samples in self._kinds(place, float(later[todo].min()) - slack):
                    asked = later if todo.size == when.size else later[todo]
                    row, fresh, _ = samples.last(asked, max_age_s, "right")
                    end = samples.at[-1] if end_us is None else end_us
                    found[todo] = np.where(fresh & (asked <= end), samples.mid[row], np.nan)
                    todo = np.flatnonzero(np.isnan(found) & (later <= (end_us or NEVER)))
        return found

    def _look(self, when: Ints, max_age_s: float, side: Literal["left", "right"]) -> Looked:
        found, todo = Looked.nothing(when.size), np.arange(when.size)
        for place in range(len(self._sources)):
            if todo.size == 0:
                break
            for samples in self._kinds(place, float(when[todo].min()) - max_age_s * US):
                asked = when if todo.size == when.size else when[todo]
                row, fresh, age = samples.last(asked, max(max_age_s, samples.lasts_s), side)
                todo = todo[~_put(found, todo, samples, row, fresh, age)]
        return found


def _put(found: Looked, todo: Ints, samples: Samples, row: Ints, fresh: Bools, age: Floats) -> Bools:
    """Note what fresh samples say of the look-ups still open; which of those have their answer."""
    mid = samples.mid[row]
    found.is_crossed[todo] |= fresh & np.isnan(mid)
    use = fresh & ~np.isnan(mid)
    if use.all():  # the usual case: everything is known by the best kind
        rows, chosen = todo, row
    else:
        rows, chosen, mid, age = todo[use], row[use], mid[use], age[use]
    found.mid[rows], found.age_s[rows], found.kind[rows] = mid, age, samples.kind
    quoted = chosen if samples.place is None else samples.place[chosen]
    found.bid[rows], found.ask[rows] = samples.bid[quoted], samples.ask[quoted]
    return use


class Mids:
    """Every mid the data holds, market by market."""

    def __init__(
        self, tables: Mapping[str, pl.DataFrame], conventions: Conventions, known: Mapping[Market, Series]
    ) -> None:
        """Remember the tables, and the mids that are held by market already; nothing is read yet."""
        quotes = tables["quotes"]
        quoted = functools.partial(_quote_samples, touch=functools.cache(lambda: _touch(quotes)))
        candles = tables["candles"] if conventions.mid_proxy == "candle" else tables["candles"].clear()
        trades = functools.partial(_trade_samples, max_age_s=conventions.max_quote_age_s)
        self._read: dict[_Kind, Callable[[], pl.DataFrame]] = {
            quoted: lambda: quotes.select(*_ASKED, "kind").with_row_index("row"),
            trades: lambda: tables["market_trades"],
            _own_samples: lambda: own_quotes(
                tables["orders"], tables["controllers"], self.ticks
            ).select(_ASKED),
            _candle_samples: lambda: candles,
        }  # fmt: skip
        self._last = {trades: _last_us(tables["market_trades"]), _own_samples: _last_us(tables["orders"])}
        self._shared = known
        self._held: dict[_Kind, _Held] = {}
        self._known: dict[Market, MarketMids] = {}
        self._lock, self._sorting = Lock(), Lock()
        self._orders = tables["orders"]
        self._ticks: Ticks | None = None

    @property
    def ticks(self) -> Ticks:
        """The orders by tick, sorted when they are first asked for."""
        with self._sorting:
            if self._ticks is None:
                self._ticks = Ticks.of(self._orders)
            return self._ticks

    def let_go(self) -> None:
        """Drop the tables sorted so far; who asks for a market nobody has asked for sorts them again."""
        self._held.clear()
        self._ticks = None

    def of(self, connector: str, pair: str) -> MarketMids:
        """Samples of a market; those of a file that names no venue count for the pair on any."""
        venues = (connector, "")
        sources = [
            Source(functools.partial(self._found, kind, venues, pair), self._last.get(kind, NEVER))
            for kind in self._read
        ]
        return self._known.setdefault((connector, pair), MarketMids(sources))

    def _found(self, kind: _Kind, venues: tuple[str, ...], pair: str) -> list[Samples]:
        """Samples of a family of kinds on the venue and on no venue in particular."""
        held = self._table_of(kind)
        rows = [(held.take((venue, pair)), self._shared.get((venue, pair))) for venue in venues]
        return [_sharing(found, series) for mine, series in rows if mine is not None for found in kind(mine)]

    def _table_of(self, kind: _Kind) -> _Held:
        """The table a family of kinds reads, sorted into markets the first time."""
        with self._lock:
            if kind not in self._held:
                self._held[kind] = _Held.of(self._read[kind]())
            return self._held[kind]


_KNOWN: WeakKeyDictionary[PerformanceDataSource, tuple[str, Mids]] = WeakKeyDictionary()


def mids_of(data: PerformanceDataSource, conventions: Conventions, prices: Prices) -> Mids:
    """Mids of some data, whose prices are booked; the ones asked for last are kept, for all answers."""
    key = repr((conventions.max_quote_age_s, conventions.mid_proxy))
    if data not in _KNOWN or _KNOWN[data][0] != key:
        _KNOWN[data] = (key, Mids(data.tables, conventions, prices.mids))
    return _KNOWN[data][1]


def _last_us(table: pl.DataFrame) -> int:
    """Last time of a table, µs UTC; 0 where it is empty."""
    last = table["at"].dt.timestamp("us").max()
    return last if isinstance(last, int) else 0


@dataclass(slots=True)
class _Held:
    """A table without the names of the markets, and the rows of each; a missing name is blank."""

    table: pl.DataFrame
    rows: dict[Market, NDArray[np.uint32]]

    @classmethod
    def of(cls, table: pl.DataFrame) -> _Held:
        rows = {(venue, pair): rows.astype(np.uint32) for venue, pair, rows in by_market(table)}
        return cls(table.drop("connector", "pair"), rows)

    def take(self, market: Market) -> pl.DataFrame | None:
        """Rows of a market, None where it has none; those of one venue are asked for once and let go."""
        table = self.table  # before the rows: whoever takes the last of them lets the table go
        found = self.rows.get(market) if not market[0] else self.rows.pop(market, None)
        if found is None:
            return None
        if not self.rows:
            self.table = table.clear()
        return table if found.size == table.height else table[found]


def _sharing(samples: Samples, series: Series | None) -> Samples:
    """The samples with the times and mids of a series that are the same: memory before speed."""
    if series is None or not np.array_equal(samples.at, series.at):
        return samples
    mid = series.price if np.array_equal(samples.mid, series.price) else samples.mid
    return replace(samples, at=series.at, mid=mid)


def _samples(kind: str, rows: pl.DataFrame) -> Samples:
    """Samples without bid and ask."""
    rows = rows if rows["at"].is_sorted() else rows.sort("at", maintain_order=True)
    at, mid = rows["at"].dt.timestamp("us").to_numpy(), rows["mid_quote"].fill_null(np.nan).to_numpy()
    nothing = np.broadcast_to(np.nan, at.size)
    return Samples(KINDS.index(kind), at, mid, nothing, nothing)


def _touch(quotes: pl.DataFrame) -> tuple[Floats, Floats]:
    bid, ask = (quotes[name].fill_null(np.nan).to_numpy() for name in ("bid_quote", "ask_quote"))
    return bid, ask


def _quote_samples(rows: pl.DataFrame, touch: Callable[[], tuple[Floats, Floats]]) -> list[Samples]:
    """Samples of some rows of the quotes; bids and asks stay where the whole table has them."""
    kinds = rows["kind"].unique().cast(pl.String).to_list()
    parts = [rows] if len(kinds) == 1 else [rows.filter(pl.col("kind") == kind) for kind in kinds]
    return [_quoted(kind, mine, *touch()) for kind, mine in zip(kinds, parts, strict=True)]


def _quoted(kind: str, rows: pl.DataFrame, bid: Floats, ask: Floats) -> Samples:
    rows = rows if rows["at"].is_sorted() else rows.sort("at", maintain_order=True)
    found, place = _samples(kind, rows.select("at", "mid_quote")), rows["row"].to_numpy()
    wrong = is_crossed(bid[place], ask[place])
    mid = np.where(wrong, np.nan, found.mid) if wrong.any() else found.mid
    return replace(found, mid=mid, bid=bid, ask=ask, place=place)


def _trade_samples(rows: pl.DataFrame, max_age_s: float) -> list[Samples]:
    """Between the last trade at the bid and the last at the ask where both are fresh, else the last price."""
    ordered = rows if rows["at"].is_sorted() else rows.sort("at", maintain_order=True)
    price, side, at = pl.col("price_quote"), pl.col("side"), pl.col("at")

    def last(mine: pl.Expr) -> pl.Expr:
        age = at - pl.when(mine).then(at).forward_fill()
        is_fresh = age.dt.total_microseconds() <= max_age_s * US
        return pl.when(is_fresh).then(pl.when(mine).then(price).forward_fill())

    sided = ordered.select("at", price, low=last(side < 0), high=last(side > 0))
    between = pl.when(pl.col("low") <= pl.col("high")).then((pl.col("low") + pl.col("high")) / 2.0)
    return [_samples("trades", sided.with_columns(mid_quote=between.fill_null(price)))]


def _own_samples(rows: pl.DataFrame) -> list[Samples]:
    return [_samples("own_quotes", rows)]


def _candle_samples(rows: pl.DataFrame) -> list[Samples]:
    """Closes of the finest candles, known when each candle ends; one stands in until the next."""
    finest = rows.filter(pl.col("interval_s") == pl.col("interval_s").min())
    known = pl.col("at") + pl.duration(seconds=pl.col("interval_s"))
    closes = _samples("candles", finest.select(at=known, mid_quote="close_quote"))
    return [replace(closes, lasts_s=float(finest["interval_s"][0]))]
