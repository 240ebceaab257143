"""What an open position is worth, and how that was known (DEFINITIONS A8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from fillbook.arrays import Floats, Ints
from fillbook.conventions import Conventions
from fillbook.errors import MissingMarkError
from fillbook.ledger.rates import Prices, given_rate

LAST_FILL = "last_fill"


@dataclass(frozen=True, slots=True)
class Mark:
    """Price of one base at the end of the period.

    `kind` is ``given``, ``mid``, ``candle``, ``candle_of_another_venue``, ``last_fill`` or ``none``;
    `age_s` is NaN for a given price.
    """

    price: float
    kind: str
    age_s: float


def marks_at(
    connector: str, pair: str, own: tuple[Ints, Floats], prices: Prices, when: Ints, *, strict: bool
) -> tuple[Floats, Floats, list[str]]:
    """Prices of a pair at many times, their ages, and the kind of each.

    A fresh mid, else the last complete candle, else (unless `strict`) the book's own last fill.

    Parameters
    ----------
    connector, pair
        The book.
    own
        Times (µs UTC, ascending) and prices of its own fills.
    prices
        Everything else that is known.
    when
        Times asked for, µs UTC.
    strict
        Leave out the own last fill.
    """
    price, age = np.full(when.size, np.nan), np.full(when.size, np.nan)
    kind = np.full(when.size, "none", dtype=object)
    for name, series in prices.marks(connector, pair):
        found, found_age = series.as_of(when)
        use = np.isnan(price) & ~np.isnan(found)
        price[use], age[use], kind[use] = found[use], found_age[use], name
    if not strict and own[0].size:
        index = np.searchsorted(own[0], when, side="right") - 1
        use = np.isnan(price) & (index >= 0)
        price[use] = own[1][index[use]]
        age[use] = (when[use] - own[0][index[use]]) / 1e6
        kind[use] = LAST_FILL
    return price, age, kind.tolist()


def end_mark(
    book: Mapping[str, object],
    own: tuple[Ints, Floats],
    prices: Prices,
    end_us: int,
    conventions: Conventions,
) -> Mark:
    """Mark of a book at the end of the period, a price given by the user first."""
    pair = str(book["pair"])
    given = given_rate(conventions.marks, *(str(book["base"]), str(book["quote"])))
    if not np.isnan(given):
        return Mark(given, "given", float("nan"))
    price, age, kind = marks_at(
        str(book["connector"]),
        pair,
        own,
        prices,
        np.array([end_us]),
        strict=conventions.strict_marks,
    )
    return Mark(float(price[0]), kind[0], float(age[0]))


def refuse_missing(books: pl.DataFrame) -> None:
    """Stop where marks are strict and an open book has none.

    Raises
    ------
    MissingMarkError
        Names the pairs and the option that supplies a price.
    """
    open_unmarked = books.filter(pl.col("position_base") != 0.0, pl.col("mark_kind") == "none")
    if open_unmarked.height:
        pairs = open_unmarked["pair"].cast(pl.String).unique(maintain_order=True).to_list()
        message = (
            f"no price for open positions in {', '.join(pairs)}: give one "
            f"(--mark {pairs[0]}=PRICE), add candles, or leave out --mark strict"
        )
        raise MissingMarkError(message)
