"""What a funding payment fell to: it is shared by position (DEFINITIONS B4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fillbook.arrays import Floats, Ints
from fillbook.ledger.book import Ledger

FLAT = 1e-9  # of the largest fill: less is rounding


@dataclass(frozen=True, slots=True)
class Paid:
    """Trusted payments of one book, by time.

    Parameters
    ----------
    book, rows
        Code of the book, and its fills in the flow.
    at, amount
        Time (µs UTC) and quote of each payment.
    total
        Position at each, fills of that moment included; 0 where the book was flat.
    """

    book: int
    rows: slice
    at: Ints
    amount: Floats
    total: Floats

    @property
    def per_base(self) -> Floats:
        """Quote that each base held got of each payment; 0 where the book was flat."""
        return self.amount / np.where(self.total == 0.0, np.inf, self.total)


def payments(ledger: Ledger) -> Iterator[Paid]:
    """Payments of each book that has any."""
    flow, rows_of = ledger.flow, list(ledger.flow.slices())
    trusted = ledger.funding.filter("is_trusted")
    for (book,), mine in trusted.group_by("book", maintain_order=True):
        rows, ordered = rows_of[int(str(book))], mine.sort("at")
        at = ordered["at"].dt.timestamp("us").to_numpy()
        qty = flow.qty[rows]
        held = np.concatenate([[0.0], np.cumsum(qty)])
        total = held[np.searchsorted(flow.at[rows], at, side="right")]
        total[np.abs(total) <= FLAT * np.abs(qty).max(initial=0.0)] = 0.0
        yield Paid(int(str(book)), rows, at, ordered["amount_quote"].to_numpy(), total)


def funding_of_fills(ledger: Ledger) -> tuple[Floats, Floats]:
    """Funding of each fill in the quote of its pair, and what no position of a book got, shape (n_books,).

    A payment gives each fill before it its quantity over the whole position: what closed a position takes
    back what would have fallen to what opened it. The sum over the fills that any tag has is that tag's share
    by position, and over all fills the whole, without a table of tags by payments.
    """
    flow = ledger.flow
    share, left = np.zeros(flow.qty.size), np.zeros(flow.n_books)
    for paid in payments(ledger):
        still_to_come = np.append(np.cumsum(paid.per_base[::-1])[::-1], 0.0)
        first = np.searchsorted(paid.at, flow.at[paid.rows], side="left")
        share[paid.rows] = flow.qty[paid.rows] * still_to_come[first]
        left[paid.book] = float(paid.amount[paid.total == 0.0].sum())
    return share, left
