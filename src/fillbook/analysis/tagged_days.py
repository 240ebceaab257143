"""Net PnL of tagged fills at the end of each day, tag by tag and book by book (DEFINITIONS B4, B5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fillbook.analysis.funding_shares import payments
from fillbook.analysis.view import View
from fillbook.arrays import Floats, Ints
from fillbook.ledger.book_sums import INVERSE
from fillbook.ledger.equity import prices_at

_FLAT = 1e-9  # of the largest position: less is rounding


def daily_net(view: View, moves: Moves, code: Ints, n: int, edges: Ints, *, is_of_books: bool) -> Floats:
    """Net PnL that each tag accrued on each day, in the reporting currency, shape (n, n_days).

    NaN where an open position has no mark, or there is no common currency.

    Parameters
    ----------
    view, moves
        The booked view, and what its fills moved.
    code
        Tag of each fill, in the order of the flow.
    n
        How many tags there are.
    edges
        Ends of the days (`day_edges`).
    is_of_books
        Whether the tag of a book's fills is always the same, which then gets what was paid while it was flat.
    """
    group, part_of, book_of = by_book(code, view.ledger.flow.book)
    cash, position = moves.through(group, part_of.size)
    net = net_without_funding(view, book_of, cash, position, edges)
    net += np.cumsum(funding_by_day(view, group, book_of, edges, flat_to_first=is_of_books), axis=1)
    rates, _ = rates_of(view, book_of, edges, is_own=False)
    return np.diff(sums_of_parts(in_currency(net, rates), part_of, n), axis=1, prepend=0.0)


def by_book(code: Ints, book: Ints) -> tuple[Ints, Ints, Ints]:
    """Groups of one part and one book: that of each fill, and the part and book of each."""
    if not code.size:
        nothing = np.zeros(0, np.int64)
        return nothing, nothing, nothing
    n_books = int(book.max()) + 1
    both = code.astype(np.int64) * n_books + book
    present = np.flatnonzero(np.bincount(both))
    return np.searchsorted(present, both), present // n_books, present % n_books


def day_of(edges: Ints, at: Ints) -> Ints:
    """Day that each time is in: a day ends where the next begins, the last one with the period."""
    return np.asarray(np.minimum(np.searchsorted(edges, at, side="right"), edges.size - 1))


@dataclass(frozen=True, slots=True)
class Moves:
    """What each fill of a view moved, in the order of the flow, shape (n,): day, cash after fees, base."""

    day: Ints
    cash: Floats
    base: Floats
    n_days: int

    @classmethod
    def of(cls, view: View, edges: Ints) -> Moves:
        """Moves of a view whose days end at `edges`."""
        flow = view.ledger.flow
        return cls(day_of(edges, flow.at), flow.cash_moves - flow.fee, flow.qty - flow.fee_base, edges.size)

    def through(self, group: Ints, n: int) -> tuple[Floats, Floats]:
        """Cash and position of each of `n` groups of fills at the end of each day, shape (n, n_days)."""
        place = group * self.n_days + self.day
        cash, position = (
            np.cumsum(
                np.asarray(np.bincount(place, moved, n * self.n_days), float).reshape(n, self.n_days), axis=1
            )
            for moved in (self.cash, self.base)
        )
        largest = np.abs(position).max(axis=1, keepdims=True, initial=0.0)
        position[np.abs(position) <= _FLAT * largest] = 0.0
        return cash, position


def net_without_funding(view: View, book_of: Ints, cash: Floats, position: Floats, edges: Ints) -> Floats:
    """Net PnL of each group at the end of each day, without funding, in the quote of its book."""
    price = prices_at(view.ledger, edges)[book_of]
    inverse = (view.ledger.books["market_type"] == INVERSE).to_numpy()[book_of][:, None]
    with np.errstate(divide="ignore"):
        unit = np.where(inverse, -1.0 / price, price)
    settled = cash + np.where(position == 0.0, 0.0, position * unit)
    return np.asarray(np.where(settled == 0.0, 0.0, settled * np.where(inverse, price, 1.0)))


def to_quote(view: View, book_of: Ints) -> Floats:
    """What turns the settlement asset of each group's book into its quote, at the end."""
    books = view.ledger.books
    mark = books["mark_quote"].fill_null(np.nan).to_numpy()
    return np.asarray(np.where((books["market_type"] == INVERSE).to_numpy(), mark, 1.0)[book_of])


def funding_by_day(
    view: View, group: Ints, book_of: Ints, edges: Ints, *, flat_to_first: bool = True
) -> Floats:
    """Funding of each group on each day, in quote: a payment is shared by position.

    What was paid while the book was flat goes to its first group, as nothing tells them apart, or to none.
    """
    flow = view.ledger.flow
    paid = np.zeros((book_of.size, edges.size))
    for payment in payments(view.ledger):
        mine = np.flatnonzero(book_of == payment.book)
        if not mine.size:
            continue  # paid, never traded in this view
        at, rows = payment.at, payment.rows
        place = np.searchsorted(mine, group[rows]) * (at.size + 1) + np.searchsorted(at, flow.at[rows])
        moved = np.bincount(place, flow.qty[rows], mine.size * (at.size + 1))
        held = np.cumsum(moved.reshape(mine.size, -1), axis=1)[:, :-1]
        got = held * payment.per_base
        if flat_to_first:
            got[0] += np.where(payment.total == 0.0, payment.amount, 0.0)
        day = day_of(edges, at)
        for row, part in zip(got, mine, strict=True):
            paid[part] += np.bincount(day, row, edges.size)
    return paid


def in_currency(values: Floats, rates: Floats) -> Floats:
    """Values × rates; before it traded a book needs no rate."""
    has_none = np.isnan(rates).all(axis=1, keepdims=True) if rates.size else np.zeros((0, 1), bool)
    return np.asarray(np.where((values == 0.0) & ~has_none, 0.0, values * rates))


def sums_of_parts(values: Floats, part_of: Ints, n: int) -> Floats:
    """Sum over the groups of each part, shape (n, n_columns)."""
    total = np.zeros((n, values.shape[1]))
    np.add.at(total, part_of, values)
    return total


def rates_of(view: View, book_of: Ints, edges: Ints, *, is_own: bool) -> tuple[Floats, Floats]:
    """Value of each group's quote at each day's end, and at the end.

    Without a reporting currency a part of one pair stands in its own quote.
    """
    if view.reporting.currency is None and is_own:
        return np.ones((book_of.size, edges.size)), np.ones(book_of.size)
    return view.reporting.rates(edges)[book_of], view.reporting.at_end[book_of]
