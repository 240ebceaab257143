"""From canonical tables to a kept ledger: every fill booked once, every book balanced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from fillbook.arrays import Bools, Codes, Floats, Ints
from fillbook.conventions import Conventions
from fillbook.filters import Filter
from fillbook.findings import Finding
from fillbook.ledger.book_findings import fee_findings, funding_gaps
from fillbook.ledger.book_sums import INVERSE, book_sums, with_kept_out
from fillbook.ledger.fees import Fees, fees_in_quote, revalued
from fillbook.ledger.flow import Flow
from fillbook.ledger.funding import assign_funding, funding_findings
from fillbook.ledger.marks import Mark, end_mark, refuse_missing
from fillbook.ledger.positions import Assignment, assign_books, reassigned
from fillbook.ledger.rates import Prices, Series
from fillbook.ledger.round_trips import average_price, fold_round_trips, funding_of_trips
from fillbook.schema.tables import empty

_FLAT = 1e-9  # of the largest fill: less is rounding


@dataclass(frozen=True, slots=True)
class Prepared:
    """What does not depend on the filter: books, fees and prices of all fills, found once.

    Parameters
    ----------
    fills
        The canonical table.
    assigned
        Which book each of its rows belongs to.
    whole
        All fills folded, in the order of the books.
    fees
        Of each fill, in the order of the table.
    prices
        Every price the data holds.
    funding
        All payments, checked against the whole position of their book.
    quarantine
        Fills that are in no book.
    contract_value
        Quote value of one inverse contract by pair, where it is not 1.
    findings
        What was noticed.
    """

    fills: pl.DataFrame
    assigned: Assignment
    whole: Flow
    fees: Fees
    prices: Prices
    funding: pl.DataFrame
    quarantine: pl.DataFrame
    conventions: Conventions
    contract_value: Mapping[str, float]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Ledger:
    """A kept ledger.

    Parameters
    ----------
    books
        A row a book, `BOOK_COLUMNS`; money in the book's quote, null where unknown.
    flow
        The fills booked as arrays, with positions and PnL of each.
    fills, rows
        The canonical table, and which of its rows are in `flow`, in its order; see `column`.
    fee_method
        Index into `fees.METHODS` of each fill.
    funding
        Payments with their book and what is suspect about them.
    trips
        Round trips of all books; money in the settlement asset.
    unit_marks
        Mark of each book as the folds see it: −1/price for inverse contracts.
    funding_left_over
        Funding that came while no trip was open.
    prices
        Every price the data held.
    end_us
        End of the period, µs UTC: where open positions are marked.
    kept_out
        Quarantined fills of this view: what the books lack.
    findings
        What booking found.
    """

    books: pl.DataFrame
    flow: Flow
    fills: pl.DataFrame
    rows: Ints
    fee_method: Codes
    funding: pl.DataFrame
    trips: pl.DataFrame
    unit_marks: Floats
    funding_left_over: float
    prices: Prices
    conventions: Conventions
    end_us: int
    kept_out: pl.DataFrame
    findings: tuple[Finding, ...]

    def column(self, name: str) -> pl.Series:
        """A column of the canonical table in the order of `flow`."""
        return self.fills[name][self.rows]


@dataclass(frozen=True, slots=True)
class Whole:
    """What of `Prepared` only all fills tell, however few are asked for: as the fields of that name."""

    books: pl.DataFrame
    funding: pl.DataFrame
    quarantine: pl.DataFrame
    findings: tuple[Finding, ...]


def prepare(
    tables: Mapping[str, pl.DataFrame],
    conventions: Conventions,
    *,
    rates: pl.DataFrame | None = None,
    contract_value: Mapping[str, float] | None = None,
) -> Prepared:
    """Sort all fills into books and find their fees, once for every filter.

    Parameters
    ----------
    tables
        Canonical tables: fills, flat_fees, funding, quotes, candles, and the quarantine if there is one.
    conventions
        How to book.
    rates
        Further rates for fees: ``pair, at, price``.
    contract_value
        Quote value of one inverse contract by pair; 1 where not given.
    """
    prices = Prices.of(
        tables, max_mid_age_s=conventions.max_mid_age_s, max_rate_age_s=conventions.max_rate_age_s,
        rates=rates,
    )  # fmt: skip
    fills = tables["fills"]
    assigned = assign_books(fills, tables["funding"], conventions)
    is_spot = (assigned.books["market_type"] == "spot").to_numpy()[assigned.book]
    fees = fees_in_quote(fills, tables["flat_fees"], is_spot=is_spot, prices=prices, conventions=conventions)
    whole = _flow(fills, assigned, fees, contract_value or {})
    funding = assign_funding(
        tables["funding"], assigned.books,
        [(whole.at[rows], whole.position[rows], whole.price[rows]) for rows in whole.slices()],
    )  # fmt: skip
    quarantine = tables.get("quarantine", empty("quarantine")).filter(pl.col("table") == "fills")
    return Prepared(
        fills, assigned, whole, fees, prices, funding, quarantine, conventions, contract_value or {},
        noticed(assigned, fees, fills, funding),
    )  # fmt: skip


def noticed(
    assigned: Assignment, fees: Fees, fills: pl.DataFrame, funding: pl.DataFrame
) -> tuple[Finding, ...]:
    """What sorting into books, converting fees and assigning payments found."""
    return (*assigned.findings, *fee_findings(fees, fills), *funding_findings(funding))


def prepare_part(fills: pl.DataFrame, whole: Whole, prices: Prices, conventions: Conventions) -> Prepared:
    """What `prepare` finds, for some of the fills alone.

    Parameters
    ----------
    fills
        The canonical fills of a period, each with one flat fee at most.
    whole
        What only all fills tell.
    prices
        Every price the data holds.
    conventions
        How all fills were booked.
    """
    assigned = reassigned(fills, whole.books)
    is_spot = (assigned.books["market_type"] == "spot").to_numpy()[assigned.book]
    fees = fees_in_quote(fills, empty("flat_fees"), is_spot=is_spot, prices=prices, conventions=conventions)
    flow = _flow(fills, assigned, fees, {})
    return Prepared(
        fills, assigned, flow, fees, prices, whole.funding, whole.quarantine, conventions, {}, whole.findings
    )


def keep_ledger(
    prepared: Prepared, *, end: datetime, chosen: Filter | None = None, part_of: Filter | None = None
) -> Ledger:
    """Book every chosen fill once, from flat.

    Parameters
    ----------
    prepared
        All fills with their books and fees.
    end
        When open positions are marked, UTC.
    chosen
        Which fills count; None takes all.
    part_of
        The filter of the whole positions, where `chosen` asks for less than those (a side, a controller):
        each payment is shared by position. Payments to a flat book are then nobody's.

    Raises
    ------
    MissingMarkError
        Marks are strict, and an open book has none.
    """
    rows, books, flow, funding = _chosen(prepared, chosen, part_of)
    conventions, end_us, fills = prepared.conventions, _epoch_us(end), prepared.fills
    marks = _marks(books, flow, prepared.prices, end_us, conventions)
    trips, left_over = _trips(
        flow, funding, books, (fills["controller_id"], rows), prepared.prices, conventions
    )
    lost = revalued(prepared.fees.third, _mask(rows, fills.height), prepared.prices, conventions, end_us)[
        rows
    ]
    method = prepared.fees.method[rows]
    books, unit_marks = book_sums(books, flow, lost, method, funding, marks, trips, conventions, end_us)
    if conventions.strict_marks:
        refuse_missing(books)
    kept_out = _kept_out(prepared.quarantine, chosen)
    return Ledger(
        with_kept_out(books, kept_out, fills), flow, fills, rows, method, funding, trips, unit_marks,
        left_over, prepared.prices, conventions, end_us, kept_out,
        (*prepared.findings, *funding_gaps(books)),
    )  # fmt: skip


def _kept_out(quarantine: pl.DataFrame, chosen: Filter | None) -> pl.DataFrame:
    """Quarantined fills that a filter may have meant; one without a time belongs to every period."""
    if quarantine.is_empty() or chosen is None:
        return quarantine
    timeless = (pl.col("reason") == "bad_time") | pl.col("at").is_null()
    at_any_time = replace(chosen, start=None, end=None).apply(quarantine.filter(timeless))
    return pl.concat([chosen.apply(quarantine.filter(~timeless)), at_any_time])


def _epoch_us(moment: datetime) -> int:
    """Microseconds since 1970 without passing through a float."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _mask(rows: Ints, n: int) -> Bools:
    mask = np.zeros(n, dtype=bool)
    mask[rows] = True
    return mask


def _chosen(
    prepared: Prepared, chosen: Filter | None, part_of: Filter | None
) -> tuple[Ints, pl.DataFrame, Flow, pl.DataFrame]:
    """Rows of the fills that pass, the books that are left, renumbered, their flow and payments."""
    whole, funding, assigned = prepared.whole, prepared.funding, prepared.assigned
    fills, books = prepared.fills, assigned.books
    every = np.arange(fills.height) if assigned.order is None else assigned.order
    conditions = chosen.conditions(fills.columns) if chosen else []
    if chosen is None or not conditions:
        return every, books, whole, funding
    places = _places(prepared, conditions)
    traded = np.flatnonzero(np.bincount(whole.book[places]))
    funding = chosen.apply(funding)
    if part_of is not None:
        funding = funding.filter(pl.col("book").is_in(traded))
        funding = _shared(whole, funding, places, _places(prepared, part_of.conditions(fills.columns)))
    left = np.union1d(traded, funding["book"].unique().to_numpy()).astype(np.int64)
    code = np.full(books.height, -1)
    code[left] = np.arange(left.size)
    funding = funding.with_columns(book=pl.Series(code[funding["book"].to_numpy()], dtype=pl.Int64))
    books = books[left].with_columns(book=pl.Series(np.arange(left.size)))
    if places.size == whole.book.size and left.size == prepared.assigned.books.height:
        return every, books, whole, funding
    return every[places], books, whole.taken(places, code), funding


def _places(prepared: Prepared, conditions: list[pl.Expr]) -> Ints:
    """Places in the whole flow of the fills that meet the conditions."""
    if not conditions:
        return np.arange(prepared.fills.height)
    passes = prepared.fills.select(pl.all_horizontal(conditions)).to_series().to_numpy()
    return np.flatnonzero(prepared.assigned.sorted(passes))


def _shared(whole: Flow, funding: pl.DataFrame, part: Ints, positions: Ints) -> pl.DataFrame:
    """Payments with what falls to some of the fills that made the positions (DEFINITIONS B4)."""
    at, book = funding["at"].dt.timestamp("us").to_numpy(), funding["book"].to_numpy()
    share = np.zeros(funding.height)
    for one in np.unique(book):
        mine = np.flatnonzero(book == one)
        held, total = (
            _held_at(whole, places[whole.book[places] == one], at[mine]) for places in (part, positions)
        )
        is_open = np.abs(total) > _FLAT * np.abs(whole.qty[positions]).max(initial=0.0)
        share[mine] = np.where(is_open, held / np.where(is_open, total, 1.0), 0.0)
    return funding.with_columns(amount_quote=pl.col("amount_quote") * pl.Series(share))


def _held_at(whole: Flow, places: Ints, when: Ints) -> Floats:
    """Sum of the quantities at these places up to each time."""
    held = np.concatenate([[0.0], np.cumsum(whole.qty[places])])
    return np.asarray(held[np.searchsorted(whole.at[places], when, side="right")])


def _flow(fills: pl.DataFrame, assigned: Assignment, fees: Fees, contract_value: Mapping[str, float]) -> Flow:
    """All fills folded, in the order of the books."""
    columns = flow_columns(fills, assigned.book, assigned.books, fees, contract_value)
    book, ordered = assigned.sorted(assigned.book), assigned.sorted
    return Flow.of(
        n_books=assigned.books.height, book=book, **{name: ordered(x) for name, x in columns.items()}
    )


def flow_columns(
    fills: pl.DataFrame, book: Ints, books: pl.DataFrame, fees: Fees, contract_value: Mapping[str, float]
) -> dict[str, Any]:
    """What the folds eat of `fills`, in their order: inverse contracts as unit prices and settlement fees."""
    price = fills["price_quote"].to_numpy()
    qty = fills["side"].cast(pl.Float64).to_numpy() * fills["amount_base"].to_numpy()
    unit, fee = price, fees.quote
    inverse = (books["market_type"] == INVERSE).to_numpy()
    if inverse.any():
        is_inverse = inverse[book]
        values = np.array([contract_value.get(str(pair), 1.0) for pair in books["pair"]])
        qty = np.where(is_inverse, qty * values[book], qty)
        unit = np.where(is_inverse, -1.0 / price, price)
        fee = np.where(is_inverse, fee / price, fee)
    at = fills["at"].to_physical().to_numpy()
    return {"at": at, "qty": qty, "price": price, "unit": unit, "fee": fee, "fee_base": fees.base}


def _marks(
    books: pl.DataFrame, flow: Flow, prices: Prices, end_us: int, conventions: Conventions
) -> list[Mark]:
    """End mark of every book."""
    return [
        end_mark(row, (flow.at[rows], flow.price[rows]), prices, end_us, conventions)
        for row, rows in zip(books.iter_rows(named=True), flow.slices(), strict=True)
    ]


def _trips(
    flow: Flow,
    funding: pl.DataFrame,
    books: pl.DataFrame,
    controllers: tuple[pl.Series, Ints],
    prices: Prices,
    conventions: Conventions,
) -> tuple[pl.DataFrame, float]:
    """Round trips with names, times and funding; PnL still in the settlement asset."""
    paths: list[Series | None] = []
    for row in books.iter_rows(named=True):
        known = prices.marks(str(row["connector"]), str(row["pair"]))
        mids = known[0][1] if known and known[0][0] == "mid" else None
        if mids is not None and row["market_type"] == INVERSE:
            mids = Series(mids.at, -1.0 / mids.price, mids.max_age_s)
        paths.append(mids)
    trips = fold_round_trips(flow, dust=conventions.dust_base, paths=paths)
    paid, left_over = funding_of_trips(trips, flow, funding)
    entry, leaves = trips["entry_fill"].to_numpy(), trips["exit_fill"].to_numpy()
    at = pl.Series("at", flow.at).cast(pl.Datetime("us", "UTC"))
    named = trips.with_columns(
        pl.Series("funding", paid),
        at[entry].alias("entry_at"),
        pl.when(pl.col("exit_fill") >= 0).then(at[np.maximum(leaves, 0)]).alias("exit_at"),
        controllers[0][controllers[1][entry]].alias("controller_id"),
        pl.Series("has_path", [path is not None for path in paths], dtype=pl.Boolean)[
            trips["book"].to_numpy()
        ],
    )
    kinds = books.select("book", "bot", "connector", "pair", "leg", "quote", "market_type")
    inverse = pl.col("market_type") == INVERSE
    return named.join(kinds, on="book", how="left", maintain_order="left").with_columns(
        entry_quote=average_price(pl.col("entry_value"), pl.col("entry_base"), is_inverse=inverse),
        exit_quote=average_price(pl.col("exit_value"), pl.col("exit_base"), is_inverse=inverse),
        hold_s=(pl.col("exit_at") - pl.col("entry_at")).dt.total_microseconds() / 1e6,
    ), left_over
