"""Net PnL through time, marked to market (DEFINITIONS A9, A13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from fillbook.arrays import Floats, Ints
from fillbook.ledger.book import Ledger
from fillbook.ledger.book_sums import INVERSE
from fillbook.ledger.marks import marks_at
from fillbook.ledger.rates import US, given_rate

_DAY_US = 86_400 * US
STEPS_S = (1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400)
MAX_GRID = 5_000  # steps that are always taken, so far as they are not finer than a second
USUAL_STEP_S, LONGEST_GRID = 60, 100_000  # a step that is fine enough, and as many of those at most
MAX_CELLS = 3_000_000  # steps of all books together, beyond `MAX_GRID`
MAX_FILL_POINTS = 20_000  # below this, every fill is a point of the curve as well


@dataclass(frozen=True, slots=True)
class Curve:
    """Net PnL of all books at a grid of times.

    Parameters
    ----------
    at
        Times, µs UTC, ascending, shape (n,); the last is the end of the period.
    net
        Per book in its own quote, shape (n_books, n); NaN where an open book has no mark.
    step_s
        Regular step of the grid in seconds.
    """

    at: Ints
    net: Floats
    step_s: int


def net_at(ledger: Ledger, when: Ints) -> Floats:
    """Net PnL of each book at each time, in its quote, shape (n_books, n_times)."""
    return books_at(ledger, when)[0]


def books_at(ledger: Ledger, when: Ints, *, is_open: bool = False) -> tuple[Floats, Floats]:
    """Net PnL and signed value of the position of each book at each time, in its quote.

    With `is_open` a fill or payment at one of the times is not yet counted: a day ends where the next
    begins. The end of the period counts what happened at it.

    Net is realised + unrealised − fees + funding. The mark at the end of the period is the ledger's
    own (a given price counts there, and only there). Both have shape (n_books, n_times); NaN where an
    open book has no mark.
    """
    net, value = np.zeros((2, ledger.books.height, when.size))
    rows_of = ledger.flow.slices()
    for i, (book, rows) in enumerate(zip(ledger.books.iter_rows(named=True), rows_of, strict=True)):
        until = when - is_open * (when < ledger.end_us)
        net[i], value[i] = _trading(ledger, book, rows, when, until)
        net[i] += _funding(ledger, i, until)
    return net, value


def _trading(
    ledger: Ledger, book: Mapping[str, object], rows: slice, when: Ints, until: Ints
) -> tuple[Floats, Floats]:
    """Realised + unrealised − fees of one book by the fills up to `until`, and its position, at `when`."""
    flow = ledger.flow
    at = flow.at[rows]
    if at.size == 0:
        return np.zeros(when.size), np.zeros(when.size)
    index = np.searchsorted(at, until, side="right") - 1
    before = index < 0
    index = np.maximum(index, 0)
    settled = np.cumsum(flow.realized_wac[rows] - flow.fee[rows])[index]
    held, average = flow.position[rows][index], flow.average[rows][index]
    price = _prices(ledger, book, rows, when)
    is_inverse = book["market_type"] == INVERSE
    unit = -1.0 / price if is_inverse else price
    settled = settled + np.where(held == 0.0, 0.0, held * (unit - average))
    net = np.where(before, 0.0, settled * price if is_inverse else settled)
    worth = held if is_inverse else np.where(held == 0.0, 0.0, held * price)
    return net, np.where(before, 0.0, worth)


def _prices(ledger: Ledger, book: Mapping[str, object], rows: slice, when: Ints) -> Floats:
    """Mark of one book at each time; the ledger's own at the end of the period."""
    price, _, _ = marks_at(
        str(book["connector"]), str(book["pair"]), (ledger.flow.at[rows], ledger.flow.price[rows]),
        ledger.prices, when, strict=ledger.conventions.strict_marks,
    )  # fmt: skip
    mark = book["mark_quote"]
    price[when >= ledger.end_us] = np.nan if mark is None else float(str(mark))
    return price


def prices_at(ledger: Ledger, when: Ints) -> Floats:
    """Mark of each book at each time in quote, shape (n_books, n_times); NaN where there is none."""
    rows_of = ledger.flow.slices()
    found = np.full((ledger.books.height, when.size), np.nan)
    for i, (book, rows) in enumerate(zip(ledger.books.iter_rows(named=True), rows_of, strict=True)):
        found[i] = _prices(ledger, book, rows, when)
    return found


def _funding(ledger: Ledger, i: int, when: Ints) -> Floats:
    """Funding of one book up to each time."""
    mine = ledger.funding.filter(pl.col("book") == i, "is_trusted").sort("at")
    if mine.is_empty():
        return np.zeros(when.size)
    total = np.concatenate([[0.0], np.cumsum(mine["amount_quote"].to_numpy())])
    return np.asarray(total[np.searchsorted(mine["at"].dt.timestamp("us").to_numpy(), when, side="right")])


def grid(ledger: Ledger, start_us: int) -> tuple[Ints, int]:
    """Times of the curve, and its regular step; the fills too if there are few.

    The step is a minute or finer, unless the run is so long or the books are so many that it is too much.
    """
    span = max(ledger.end_us - start_us, 1)
    affordable = min(LONGEST_GRID, MAX_CELLS // max(ledger.books.height, 1))
    most = {s: MAX_GRID if s < USUAL_STEP_S else max(MAX_GRID, affordable) for s in STEPS_S}
    step_s = next((s for s in STEPS_S if span <= s * US * most[s]), STEPS_S[-1])
    step = step_s * US
    regular = np.arange(-(-start_us // step) * step, ledger.end_us, step, dtype=np.int64)
    at = [regular, np.array([ledger.end_us])]
    if ledger.flow.at.size <= MAX_FILL_POINTS:
        at.append(ledger.flow.at[ledger.flow.at <= ledger.end_us])
    return np.unique(np.concatenate(at)), step_s


def curve(ledger: Ledger, start_us: int) -> Curve:
    """Net PnL of all books from `start_us` to the end of the period."""
    at, step_s = grid(ledger, start_us)
    return Curve(at, net_at(ledger, at), step_s)


def day_edges(start_us: int, end_us: int) -> Ints:
    """Midnights (µs UTC) that close each day of a run, the end of the run last."""
    first = start_us // _DAY_US + 1
    midnights = np.arange(first, -(-end_us // _DAY_US), dtype=np.int64) * _DAY_US
    return np.append(midnights, end_us)


def exchange_rates(ledger: Ledger, quotes: list[str], currency: str, when: Ints) -> Floats:
    """Value of one unit of each quote asset in `currency`, shape (n_quotes, n_times).

    The newest price however old (a finding says its age); given marks count at the end. NaN where
    none is known.
    """
    rates = np.ones((len(quotes), when.size))
    for i, quote in enumerate(quotes):
        if quote == currency:
            continue
        rates[i] = ledger.prices.rate(
            quote, currency, when, max_age_s=np.inf, via=ledger.conventions.cross_via
        )
        given = given_rate(ledger.conventions.marks, quote, currency)
        if not np.isnan(given):
            rates[i] = np.where((when >= ledger.end_us) | np.isnan(rates[i]), given, rates[i])
    return rates
