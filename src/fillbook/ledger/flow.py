"""The fills of all books as arrays: what the folds eat and what they give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from fillbook.arrays import Floats, Ints
from fillbook.conventions import CostMethod
from fillbook.ledger.kernels import (
    fold_average,
    fold_dearest,
    fold_on,
    fold_queue,
    held_by_book,
    splice,
    sum_by_book,
    sum_gains_and_losses,
)

_FOLDED = ("position", "average", "realized_wac", "closed")


@dataclass(frozen=True, slots=True)
class Lots:
    """Open lots, oldest first: book codes, signed quantities, unit prices."""

    book: Ints
    qty: Floats
    price: Floats


@dataclass(frozen=True, slots=True)
class Flow:
    """Fills sorted by (book, time, source order), shape (n,) each.

    `unit` is the price the folds work with: the price itself, −1/price for inverse contracts;
    PnL is then in the settlement asset (quote, or base for inverse). `fee` is in the settlement
    asset, `fee_base` what left the wallet in base.
    """

    n_books: int
    book: Ints
    at: Ints
    qty: Floats
    price: Floats
    unit: Floats
    fee: Floats
    fee_base: Floats
    position: Floats
    average: Floats
    realized_wac: Floats
    closed: Floats

    @classmethod
    def of(
        cls,
        *,
        n_books: int,
        book: Ints,
        at: Ints,
        qty: Floats,
        price: Floats,
        unit: Floats,
        fee: Floats,
        fee_base: Floats,
    ) -> Flow:
        """Fold the fills once at weighted average cost."""
        return cls(
            n_books,
            book,
            at,
            qty,
            price,
            unit,
            fee,
            fee_base,
            *fold_average(book, qty, unit, fee_base),
        )

    def taken(self, rows: Ints, code: Ints) -> Flow:
        """Some of the fills, folded from flat; `code` gives the new code of each book."""
        book = code[self.book[rows]]
        columns = ("at", "qty", "price", "unit", "fee", "fee_base")
        return Flow.of(
            n_books=int(code.max(initial=-1)) + 1, book=book,
            **{name: getattr(self, name)[rows] for name in columns},
        )  # fmt: skip

    def spans(self, kept: Ints) -> tuple[Ints, Ints]:
        """Where each of `kept.size` books starts, and how many of its first fills are kept."""
        starts = np.searchsorted(self.book, np.arange(kept.size))
        return starts.astype(np.int64), kept.astype(np.int64)

    def extended(self, kept: Ints, book: Ints, new: Mapping[str, Any]) -> Flow:
        """The first `kept` fills of each book as they are, and `new` ones of some books folded on.

        Parameters
        ----------
        kept
            Shape (n_books,), new books included.
        book
            Code of each new fill, ascending.
        new
            ``at, qty, price, unit, fee, fee_base`` of the new fills, each book's by time.
        """
        spans = self.spans(kept)
        grown = {name: splice(getattr(self, name), *spans, values, book) for name, values in new.items()}
        codes = splice(self.book, *spans, book, book)
        blank = np.zeros(book.size)
        folded = [splice(getattr(self, name), *spans, blank, book) for name in _FOLDED]
        fold_on(codes, grown["qty"], grown["unit"], grown["fee_base"], spans[1], *folded)
        return Flow(kept.size, codes, **grown, **dict(zip(_FOLDED, folded, strict=True)))

    def sums(self, values: Floats) -> Floats:
        """Compensated sum of a column per book, shape (n_books,)."""
        return np.asarray(sum_by_book(self.book, values, self.n_books))

    def parts(self, values: Floats) -> tuple[Floats, Floats]:
        """Compensated sums of a column's gains and of its losses per book, both positive."""
        gains, losses = sum_gains_and_losses(self.book, values, self.n_books)
        return gains, losses

    def held_s(self, end_us: int) -> Floats:
        """Base · seconds that each book held until `end_us`, long or short, shape (n_books,)."""
        return np.asarray(held_by_book(self.book, self.at, self.position, end_us, self.n_books)) / 1e6

    @property
    def notional(self) -> Floats:
        """Value of each fill in quote; contracts of an inverse pair are counted in quote already."""
        value = np.abs(self.qty)
        np.multiply(value, self.price, out=value, where=self.unit >= 0.0)
        return value

    def slices(self) -> Iterator[slice]:
        """Rows of each book, in order of code; empty for a book without fills."""
        edges = np.searchsorted(self.book, np.arange(self.n_books + 1))
        for start, stop in pairwise(edges.tolist()):
            yield slice(start, stop)

    @property
    def cash_moves(self) -> Floats:
        """Settlement asset each fill brought, deemed trades of base fees included."""
        return -(self.qty - self.fee_base) * self.unit

    @property
    def last_position(self) -> Floats:
        """Position of each book after its last fill."""
        return np.array(
            [self.position[rows][-1] if rows.stop > rows.start else 0.0 for rows in self.slices()]
        )

    @property
    def last_average(self) -> Floats:
        """Average entry of each book after its last fill (unit price), NaN when flat."""
        return np.array(
            [self.average[rows][-1] if rows.stop > rows.start else np.nan for rows in self.slices()]
        )

    def realized(self, method: CostMethod) -> tuple[Floats, Lots]:
        """Realised PnL of each fill in the settlement asset, and the lots left open."""
        if method == "wac":
            held = self.last_position
            is_open = np.flatnonzero(held)
            return self.realized_wac, Lots(is_open, held[is_open], self.last_average[is_open])
        args = (self.book, self.qty, self.unit, self.fee_base)
        if method == "hifo":
            realized, *lots = fold_dearest(*args)
        else:
            realized, *lots = fold_queue(*args, method == "lifo")
        return realized, Lots(*lots)

    def closed_base_s(self, method: Literal["fifo", "lifo"]) -> Floats:
        """Base · seconds that the units each fill closed had been held; times take the prices' place."""
        seconds = (self.at - (self.at[0] if self.at.size else 0)) / 1e6
        held = fold_queue(self.book, self.qty, seconds, self.fee_base, method == "lifo")[0]
        return np.asarray(np.abs(held))

    def unrealized(self, lots: Lots, unit_mark: Floats) -> Floats:
        """Open PnL of each book at its mark, shape (n_books,); NaN where it is open unmarked."""
        gain = lots.qty * (unit_mark[lots.book] - lots.price)
        total = np.zeros(self.n_books)
        np.add.at(total, lots.book, gain)
        return total
