"""The book's own arithmetic: these hold, or the program is wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import polars as pl

from fillbook.ledger.book import Ledger
from fillbook.ledger.book_sums import INVERSE
from fillbook.ledger.equity import net_at
from fillbook.ledger.invariants import Outcome, Verdict, compared, invariant, missing
from fillbook.ledger.sums import total

METHODS = ("wac", "fifo", "lifo", "hifo")


def _tolerance(ledger: Ledger, rows: slice) -> float:
    """1e-6 + 1e-12 of everything traded, in the settlement asset (DEFINITIONS 0.6)."""
    flow = ledger.flow
    return 1e-6 + 1e-12 * float(np.abs(flow.qty[rows] * flow.unit[rows]).sum())


def _worst(found: list[Outcome], nothing: str) -> Outcome:
    """The first failure, else the largest difference."""
    if not found:
        return missing(nothing)
    failed = [outcome for outcome in found if outcome.verdict is Verdict.FAIL]
    worst = max(failed or found, key=lambda outcome: abs(outcome.difference or 0.0))
    return Outcome(
        worst.verdict,
        f"{len(found) - len(failed)} of {len(found)} books; {worst.detail}",
        worst.difference,
    )


def _each_book(ledger: Ledger) -> list[tuple[int, dict[str, object], slice]]:
    books = zip(ledger.books.iter_rows(named=True), ledger.flow.slices(), strict=True)
    return [(i, book, rows) for i, (book, rows) in enumerate(books) if rows.stop > rows.start]


@invariant(label="Position is what was bought less what was sold and paid in fees", is_own=True)
def position_identity(ledger: Ledger, tables: Mapping[str, pl.DataFrame]) -> Outcome:
    """Position of each book against an exact sum over its fills."""
    flow = ledger.flow
    found = []
    for _, book, rows in _each_book(ledger):
        exact = total(flow.qty[rows]) - total(flow.fee_base[rows])
        largest = float(np.abs(flow.position[rows]).max())
        held = float(flow.position[rows][-1])
        found.append(compared(held, exact, 1e-9 * largest, f"{book['connector']} {book['pair']} position"))
    return _worst(found, "no fills")


@invariant(label="Realised + unrealised is cash + position × mark", is_own=True)
def cash_identity(ledger: Ledger, tables: Mapping[str, pl.DataFrame]) -> Outcome:
    """PnL of each book by cost basis against its cash flow."""
    flow = ledger.flow
    found = []
    for i, book, rows in _each_book(ledger):
        mark = ledger.unit_marks[i]
        held = float(flow.position[rows][-1])
        if held != 0.0 and math.isnan(mark):
            continue
        open_value = held * mark if held else 0.0
        by_cash = total(flow.cash_moves[rows]) + open_value
        open_gain = held * (mark - flow.average[rows][-1]) if held else 0.0
        by_cost = total(flow.realized_wac[rows]) + open_gain
        found.append(
            compared(
                by_cost,
                by_cash,
                _tolerance(ledger, rows),
                f"{book['connector']} {book['pair']} gross PnL",
            )
        )
    return _worst(found, "no marked book")


@invariant(label="Every cost method gives the same total", is_own=True)
def methods_agree(ledger: Ledger, tables: Mapping[str, pl.DataFrame]) -> Outcome:
    """Realised + unrealised under FIFO, LIFO and HIFO against weighted average cost."""
    totals = {}
    for method in METHODS:
        realized, lots = ledger.flow.realized(method)  # type: ignore[arg-type]
        totals[method] = ledger.flow.sums(realized) + ledger.flow.unrealized(lots, ledger.unit_marks)
    found = [
        compared(
            float(totals[method][i]), float(totals["wac"][i]), _tolerance(ledger, rows),
            f"{book['connector']} {book['pair']} {method} total",
        )
        for i, book, rows in _each_book(ledger)
        for method in METHODS[1:]
        if not math.isnan(totals["wac"][i])
    ]  # fmt: skip
    return _worst(found, "no marked book")


@invariant(label="The equity curve ends at net PnL", is_own=True)
def equity_ends_at_net(ledger: Ledger, tables: Mapping[str, pl.DataFrame]) -> Outcome:
    """Last point of each book's curve against its net PnL."""
    ends = net_at(ledger, np.array([ledger.end_us]))[:, 0]
    found = [
        compared(
            float(ends[i]),
            float(str(book["net_quote"])),
            _tolerance(ledger, rows)
            * (float(str(book["mark_quote"])) if book["market_type"] == INVERSE else 1.0),
            f"{book['connector']} {book['pair']} net",
        )
        for i, book, rows in _each_book(ledger)
        if book["net_quote"] is not None
    ]
    return _worst(found, "no marked book")


@invariant(label="Round trips add up to realised PnL and fees", is_own=True)
def trips_add_up(ledger: Ledger, tables: Mapping[str, pl.DataFrame]) -> Outcome:
    """Gross and fees of all trips of a book against its sums."""
    sums = ledger.trips.group_by("book", maintain_order=True).agg(pl.col("gross").sum(), pl.col("fees").sum())
    by_book = {row["book"]: row for row in sums.iter_rows(named=True)}
    flow, found = ledger.flow, []
    for i, book, rows in _each_book(ledger):
        mine = by_book.get(i)
        if mine is None:
            continue
        name = f"{book['connector']} {book['pair']} realised less fees"
        booked = total(flow.realized_wac[rows]) - total(flow.fee[rows])
        found.append(compared(mine["gross"] - mine["fees"], booked, _tolerance(ledger, rows), name))
    return _worst(found, "no round trips")
