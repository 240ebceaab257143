"""What a bot is measured against: nothing, holding a pair or its inventory, a basket, given returns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from fillbook.analysis.alignment import number_of
from fillbook.analysis.view import View
from fillbook.arrays import Bools, Floats, Ints
from fillbook.errors import BadRequestError
from fillbook.ledger.marks import marks_at
from fillbook.results import Undefined

ZERO, HOLD, BASKET, SIDES, INVENTORY = "zero", "hold", "basket", "sides", "inventory"
KINDS = (
    f"{ZERO}, {HOLD}:PAIR, {BASKET}, {SIDES}, {INVENTORY}:BASE=AMOUNT, or a CSV with the columns date,return"
)
_DAY_US = 86_400_000_000
_SATURDAY = 5
_NO_FILLS = (np.zeros(0, np.int64), np.zeros(0))


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A series to measure against.

    Parameters
    ----------
    name
        For people.
    days
        Days since 1970, ascending, shape (n,).
    returns, pnl
        Daily returns as fractions, daily PnL in `currency`; NaN on a day without a price.
    currency
        Of `pnl`, and of what the returns are measured in; None where it has none.
    capital
        What `pnl` is a return of, where it is one.
    is_held_beside
        Whether the bot held it as well: it is then added to the bot's PnL before they are compared.
    reasons
        Why its days are not all there.
    """

    name: str
    days: Ints
    returns: Floats | Undefined
    pnl: Floats | Undefined
    currency: str | None = None
    capital: float | None = None
    is_held_beside: bool = False
    reasons: tuple[str, ...] = ()

    @property
    def lack(self) -> Undefined | None:
        """Why there is no series at all; None where there is one."""
        both = (self.returns, self.pnl)
        known = [x for x in both if isinstance(x, np.ndarray) and not np.isnan(x).all()]
        if known:
            return None
        return next((x for x in both if isinstance(x, Undefined)), Undefined.unavailable("no_price"))

    @property
    def basis(self) -> Floats:
        """Returns where known, else PnL."""
        found = self.returns if isinstance(self.returns, np.ndarray) else self.pnl
        return found if isinstance(found, np.ndarray) else np.full(self.days.size, np.nan)


@dataclass(frozen=True, slots=True)
class Market:
    """Prices at the ends of the days of a comparison.

    Parameters
    ----------
    views
        Where prices are looked for, in order.
    days
        Days since 1970, each, shape (n,).
    edges
        Start of the first day's run and the end of each day, µs UTC, shape (n + 1,).
    currency
        What prices are turned into.
    """

    views: Sequence[View]
    days: Ints
    edges: Ints
    currency: str | None

    @classmethod
    def of(cls, views: Sequence[View], currency: str | None) -> Market:
        """Days from the first start to the last end of some views."""
        alive = [view for view in views if view.period is not None]
        if not alive:
            return cls(views, np.zeros(0, np.int64), np.zeros(0, np.int64), currency)
        start, end = min(v.start_us for v in alive), max(v.ledger.end_us for v in alive)
        last = max((end - 1) // _DAY_US, start // _DAY_US)
        days = np.arange(start // _DAY_US, last + 1, dtype=np.int64)
        edges = np.append(days * _DAY_US, end)
        edges[0] = start
        return cls(views, days, edges, currency)

    @property
    def pairs(self) -> list[str]:
        """Pairs that were traded, by name."""
        return sorted({str(pair) for view in self.views for pair in view.ledger.books["pair"]})

    def prices(self, pair: str) -> Floats:
        """Price of a pair at each edge, in the currency; NaN where the market's is not known.

        The bots' own fills are no price here: what was paid is not what holding was worth.
        """
        found = np.full(self.edges.size, np.nan)
        for view in self.views:
            mine = view.ledger.books.filter(pl.col("pair").cast(pl.String) == pair)
            venues = [str(name) for name in mine["connector"].unique(maintain_order=True)] or [""]
            for venue in venues:
                price, _, _ = marks_at(
                    venue, pair, _NO_FILLS, view.ledger.prices, self.edges, strict=True
                )  # fmt: skip
                rate = np.ones(self.edges.size)
                quote = pair.partition("-")[2]
                if self.currency is not None and quote != self.currency:
                    rate = view.ledger.prices.rate(
                        quote, self.currency, self.edges, max_age_s=_DAY_US / 1e6,
                        via=view.ledger.conventions.cross_via,
                    )  # fmt: skip
                found = np.where(np.isnan(found), price * rate, found)
        return found

    def returns(self, pair: str) -> Floats:
        """Return of holding a pair on each day; NaN without a price at both ends."""
        price = self.prices(pair)
        return np.asarray(price[1:] / price[:-1] - 1.0)


def computed(spec: str, market: Market) -> Benchmark:
    """The benchmark a word names, but ``sides``, which needs them.

    Parameters
    ----------
    spec
        ``zero``, ``hold`` (the only pair), ``hold:PAIR``, ``basket`` (the traded pairs in equal weights, set
        back every day) or ``inventory:BASE=AMOUNT,…`` (what was held when the bots began).
    market
        Days and prices.

    Raises
    ------
    BadRequestError
        No such benchmark, or ``hold`` without a pair where several were traded.
    """
    kind, _, pair = spec.partition(":")
    if kind == ZERO and not pair:
        nothing = np.zeros(market.days.size)
        return Benchmark("zero", market.days, nothing, nothing, market.currency)
    if kind == HOLD:
        return _held(pair or _only(market.pairs), market)
    if kind == BASKET and not pair:
        return _basket(market)
    if kind == INVENTORY:
        return _inventory(market, _amounts(pair))
    raise BadRequestError(f"there is no benchmark {spec!r}; there are {KINDS}")


def _only(pairs: list[str]) -> str:
    if len(pairs) == 1:
        return pairs[0]
    if not pairs:
        return ""
    raise BadRequestError(f"several pairs were traded; say which to hold: {HOLD}:{pairs[0]}")


def _held(pair: str, market: Market) -> Benchmark:
    lack = Undefined.unavailable("no_pair" if not pair else "no_price")
    returns = market.returns(pair) if pair and market.days.size else np.zeros(0)
    is_known = bool(returns.size) and not np.isnan(returns).all()
    return Benchmark(
        f"hold {pair}" if pair else "hold", market.days, returns if is_known else lack,
        Undefined.unavailable("benchmark_is_a_return"), market.currency,
    )  # fmt: skip


def _basket(market: Market) -> Benchmark:
    """Equal weights in every pair, set back at the end of each day; a day needs every price."""
    if not market.pairs:
        return _held("", market)
    rows = np.array([market.returns(pair) for pair in market.pairs])
    returns = rows.mean(axis=0)
    one = _held(market.pairs[0], market)
    n = len(market.pairs)
    name = f"basket of {n} pairs" if n > 1 else f"basket of {market.pairs[0]}"
    is_known = not np.isnan(returns).all()
    return replace(one, name=name, returns=returns if is_known else Undefined.unavailable("no_price"))


def _amounts(text: str) -> dict[str, float]:
    """``SOL=10,BTC=0.5`` as amounts by asset."""
    found = {}
    for part in filter(None, text.split(",")):
        base, _, number = part.partition("=")
        try:
            amount = float(number)
        except ValueError:
            amount = math.nan
        if not base.strip() or not math.isfinite(amount) or amount < 0.0:
            raise BadRequestError(
                f"an opening inventory is BASE=AMOUNT, like {INVENTORY}:SOL=10; not {part!r}"
            )
        found[base.strip().upper()] = amount
    return found


def _inventory(market: Market, inventory: Mapping[str, float]) -> Benchmark:
    """Holding what was there when the bots began; PnL and returns of its value at the start."""
    name = "hold the opening inventory"
    if not inventory:
        lack = Undefined.unavailable("no_inventory")
        return Benchmark(name, market.days, lack, lack, market.currency, is_held_beside=True)
    value = np.zeros(market.edges.size)
    for base, amount in inventory.items():
        if base != market.currency:
            value += amount * market.prices(f"{base}-{market.currency}")
    known = np.flatnonzero(~np.isnan(value))
    if not known.size or value[known[0]] <= 0.0:
        lack = Undefined.unavailable("no_price")
        return Benchmark(name, market.days, lack, lack, market.currency, is_held_beside=True)
    capital, pnl = float(value[known[0]]), np.diff(value)
    return Benchmark(
        name, market.days, pnl / capital, pnl, market.currency, capital, is_held_beside=True
    )  # fmt: skip


def given(name: str, table: pl.DataFrame) -> Benchmark:
    """A benchmark of returns somebody gives: ``day, return``, by day.

    The first row after a missing day may hold the return of more than one day, so it is left out with it.
    """
    days, returns = number_of(table["day"]), table["return"].fill_null(np.nan).to_numpy().copy()
    known = ~np.isnan(returns)
    days, returns = days[known], returns[known]
    after = np.flatnonzero(np.diff(days) > 1) + 1
    reasons: tuple[str, ...] = ()
    if after.size:
        missing = np.setdiff1d(np.arange(days[0], days[-1] + 1), days)
        has_no_weekends = _is_weekend(missing).all() and not _is_weekend(days).any()
        reasons = ("other_calendar",) if has_no_weekends else ("benchmark_gaps",)
        returns[after] = np.nan
    return Benchmark(name, days, returns, Undefined.unavailable("benchmark_is_a_return"), reasons=reasons)


def _is_weekend(days: Ints) -> Bools:
    return np.asarray((days + 3) % 7 >= _SATURDAY)  # 1970-01-01 was a Thursday
