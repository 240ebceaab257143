"""From canonical tables to a kept ledger: every fill booked once, every book balanced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from fillbook.arrays import Floats
from fillbook.conventions import Conventions
from fillbook.findings import Finding
from fillbook.ledger.book_findings import fee_findings, funding_gaps
from fillbook.ledger.fees import METHODS, Fees, fees_in_quote
from fillbook.ledger.flow import Flow
from fillbook.ledger.funding import assign_funding, funding_findings, funding_reasons
from fillbook.ledger.marks import LAST_FILL, Mark, end_mark, refuse_missing
from fillbook.ledger.positions import assign_books
from fillbook.ledger.rates import Prices, Series
from fillbook.ledger.round_trips import average_price, fold_round_trips, funding_of_trips

BOOK_COLUMNS = (
    "book", "bot", "config", "connector", "pair", "leg", "base", "quote", "market_type",
    "first_at", "last_at", "n_fills", "n_trips", "volume_quote", "bought_base", "sold_base",
    "bought_quote", "sold_quote", "position_base", "average_quote", "mark_quote", "mark_kind",
    "mark_age_s", "realized_quote", "unrealized_quote", "fees_paid_quote", "rebates_quote",
    "fees_quote", "funding_quote", "net_quote", "fee_tokens_revalued_quote", "closed_base",
    "status", "reasons",
)  # fmt: skip
INVERSE = "inverse_perp"


@dataclass(frozen=True, slots=True)
class Ledger:
    """A kept ledger.

    Parameters
    ----------
    books
        A row a book, `BOOK_COLUMNS`; money in the book's quote, null where unknown.
    fills
        Canonical fills in the order of `flow`.
    flow
        The same as arrays, with positions and PnL of each fill.
    fees
        Fees of the fills.
    funding
        Payments with their book and what is suspect about them.
    trips
        Round trips of all books; money in the book's quote.
    lots_unrealized
        Unit marks of the books, for a second opinion under another cost method.
    prices
        Every price the data held.
    end_us
        End of the period, µs UTC: where open positions are marked.
    findings
        What booking found.
    """

    books: pl.DataFrame
    fills: pl.DataFrame
    flow: Flow
    fees: Fees
    funding: pl.DataFrame
    trips: pl.DataFrame
    unit_marks: Floats
    funding_left_over: float
    prices: Prices
    conventions: Conventions
    end_us: int
    findings: tuple[Finding, ...]

    @property
    def is_inverse(self) -> Floats:
        """Per book: 1.0 for coin-margined contracts, whose PnL settles in base."""
        return (self.books["market_type"] == INVERSE).to_numpy()


def keep_ledger(
    tables: Mapping[str, pl.DataFrame],
    conventions: Conventions,
    *,
    end: datetime,
    rates: pl.DataFrame | None = None,
    contract_value: Mapping[str, float] | None = None,
) -> Ledger:
    """Book every fill once.

    Parameters
    ----------
    tables
        Canonical tables, filtered as wanted.
    conventions
        How to book and mark.
    end
        When open positions are marked, UTC.
    rates
        Further rates for fees: ``pair, at, price``.
    contract_value
        Quote value of one inverse contract by pair; 1 where not given.

    Raises
    ------
    MissingMarkError
        Marks are strict, and an open book has none.
    """
    prices = Prices.of(
        tables, max_mid_age_s=conventions.max_mid_age_s, max_rate_age_s=conventions.max_rate_age_s,
        rates=rates,
    )  # fmt: skip
    assigned = assign_books(tables["fills"], tables["funding"], conventions)
    end_us = int(end.timestamp() * 1e6)
    kind_of_fill = assigned.books["market_type"].to_numpy()[assigned.book] if assigned.book.size else np.array([])
    fees = fees_in_quote(
        assigned.fills, tables["flat_fees"], is_spot=kind_of_fill == "spot", prices=prices,
        conventions=conventions, end_us=end_us,
    )  # fmt: skip
    flow = _flow(assigned.fills, assigned.book, assigned.books, fees, kind_of_fill == INVERSE, contract_value or {})
    funding = assign_funding(
        tables["funding"], assigned.books,
        [(flow.at[rows], flow.position[rows], flow.price[rows]) for rows in flow.slices()],
    )  # fmt: skip
    ledger_marks = _marks(assigned.books, flow, prices, end_us, conventions)
    trips, left_over = _trips(flow, funding, assigned.books, assigned.fills, prices, conventions)
    books, unit_marks = _books(assigned.books, flow, fees, funding, ledger_marks, trips, conventions, end_us)
    if conventions.strict_marks:
        refuse_missing(books)
    findings = (
        *assigned.findings, *fee_findings(fees, assigned.fills), *funding_findings(funding),
        *funding_gaps(books),
    )  # fmt: skip
    return Ledger(
        books, assigned.fills, flow, fees, funding, trips, unit_marks, left_over, prices, conventions, end_us, findings
    )


def _flow(
    fills: pl.DataFrame,
    book: np.ndarray,
    books: pl.DataFrame,
    fees: Fees,
    inverse: np.ndarray,
    contract_value: Mapping[str, float],
) -> Flow:
    """Arrays of the fills, inverse contracts turned into unit prices and settlement fees."""
    price = fills["price_quote"].to_numpy()
    qty = fills["side"].cast(pl.Float64).to_numpy() * fills["amount_base"].to_numpy()
    unit, fee = price, fees.quote
    if inverse.any():
        values = np.array([contract_value.get(str(pair), 1.0) for pair in books["pair"]])
        qty = np.where(inverse, qty * values[book], qty)
        unit = np.where(inverse, -1.0 / price, price)
        fee = np.where(inverse, fees.quote / price, fees.quote)
    return Flow.of(
        n_books=books.height, book=book, at=fills["at"].dt.timestamp("us").to_numpy(), qty=qty,
        price=price, unit=unit, fee=fee, fee_base=fees.base,
    )  # fmt: skip


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
    fills: pl.DataFrame,
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
        fills["controller_id"][entry].alias("controller_id"),
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


def _books(  # noqa: PLR0913
    books: pl.DataFrame,
    flow: Flow,
    fees: Fees,
    funding: pl.DataFrame,
    marks: list[Mark],
    trips: pl.DataFrame,
    conventions: Conventions,
    end_us: int,
) -> tuple[pl.DataFrame, Floats]:
    """Sums of every book; inverse contracts valued in quote at the mark."""
    inverse = (books["market_type"] == INVERSE).to_numpy()
    mark = np.array([m.price for m in marks])
    with np.errstate(divide="ignore"):
        unit_mark = np.where(inverse, -1.0 / mark, mark)
    realized, lots = flow.realized(conventions.method)
    unrealized = flow.unrealized(lots, unit_mark)
    to_quote = np.where(inverse, mark, 1.0)
    paid = np.zeros(books.height)
    if funding.height:
        np.add.at(paid, funding["book"].to_numpy(), np.where(funding["is_trusted"], funding["amount_quote"], 0.0))
    fees_paid, rebates = flow.sums(np.maximum(flow.fee, 0.0)), flow.sums(np.maximum(-flow.fee, 0.0))
    bought, sold = flow.qty > 0.0, flow.qty < 0.0
    notional = np.abs(flow.qty) * np.where(flow.unit < 0.0, 1.0, flow.price)
    average = flow.last_average
    with np.errstate(divide="ignore"):
        average = np.where(inverse, -1.0 / average, average)
    net = (flow.sums(realized) + unrealized - fees_paid + rebates) * to_quote + paid
    counted = books.with_columns(
        pl.Series("first_at", [flow.at[r][0] if r.stop > r.start else None for r in flow.slices()], pl.Int64),
        pl.Series("last_at", [flow.at[r][-1] if r.stop > r.start else None for r in flow.slices()], pl.Int64),
        pl.Series("n_fills", np.bincount(flow.book, minlength=books.height)),
        pl.Series("n_trips", np.bincount(trips.filter(~pl.col("is_open"))["book"].to_numpy(), minlength=books.height)),
        pl.Series("volume_quote", flow.sums(notional)),
        pl.Series("bought_base", flow.sums(np.where(bought, flow.qty, 0.0))),
        pl.Series("sold_base", flow.sums(np.where(sold, -flow.qty, 0.0))),
        pl.Series("bought_quote", flow.sums(np.where(bought, notional, 0.0))),
        pl.Series("sold_quote", flow.sums(np.where(sold, notional, 0.0))),
        pl.Series("position_base", flow.last_position),
        pl.Series("average_quote", average),
        pl.Series("mark_quote", mark),
        pl.Series("mark_kind", [m.kind for m in marks], pl.String),
        pl.Series("mark_age_s", [m.age_s for m in marks], pl.Float64),
        pl.Series("realized_quote", flow.sums(realized) * to_quote),
        pl.Series("unrealized_quote", unrealized * to_quote),
        pl.Series("fees_paid_quote", fees_paid * to_quote),
        pl.Series("rebates_quote", rebates * to_quote),
        pl.Series("fees_quote", (fees_paid - rebates) * to_quote),
        pl.Series("funding_quote", paid),
        pl.Series("net_quote", net),
        pl.Series("fee_tokens_revalued_quote", flow.sums(fees.revalued)),
        pl.Series("closed_base", flow.sums(flow.closed)),
        *_reasons(books, flow, fees, funding, marks, end_us),
    ).with_columns(pl.col("first_at", "last_at").cast(pl.Datetime("us", "UTC")))
    return counted.with_columns(pl.selectors.float().fill_nan(None)).select(BOOK_COLUMNS), unit_mark


def _reasons(
    books: pl.DataFrame,
    flow: Flow,
    fees: Fees,
    funding: pl.DataFrame,
    marks: list[Mark],
    end_us: int,
) -> tuple[pl.Series, pl.Series]:
    """Why the figures of a book are not the whole truth: status and reason codes."""
    gaps = funding_reasons(books, flow, funding, end_us)
    unconverted = flow.sums((fees.method == METHODS.index("unconverted")).astype(float))
    held = flow.last_position
    reasons, status = [], []
    for i, mark in enumerate(marks):
        why = list(gaps[i])
        if held[i] != 0.0 and mark.kind == LAST_FILL:
            why.append("marked_at_last_fill")
        if held[i] != 0.0 and mark.kind == "none":
            why.append("no_mid")
        if unconverted[i]:
            why.append("fee_unconverted")
        reasons.append(why)
        status.append("unavailable" if "no_mid" in why else "partial" if why else "ok")
    return pl.Series("status", status, pl.String), pl.Series("reasons", reasons, pl.List(pl.String))
