"""Sums of a book: what was traded, held, earned and paid."""

from __future__ import annotations

import numpy as np
import polars as pl

from fillbook.arrays import Codes, Floats
from fillbook.conventions import Conventions
from fillbook.ledger.fees import METHODS
from fillbook.ledger.flow import Flow
from fillbook.ledger.funding import funding_reasons
from fillbook.ledger.marks import LAST_FILL, Mark

BOOK_COLUMNS = (
    "book", "bot", "config", "connector", "pair", "leg", "base", "quote", "market_type",
    "first_at", "last_at", "n_fills", "n_trips", "volume_quote", "bought_base", "sold_base",
    "bought_quote", "sold_quote", "position_base", "average_quote", "mark_quote", "mark_kind",
    "mark_age_s", "realized_quote", "unrealized_quote", "fees_paid_quote", "rebates_quote",
    "fees_quote", "funding_quote", "net_quote", "net_fees_at_fill_quote", "net_fees_at_end_quote",
    "fee_tokens_revalued_quote", "closed_base",
    "status", "reasons",
)  # fmt: skip
INVERSE = "inverse_perp"


def book_sums(
    books: pl.DataFrame,
    flow: Flow,
    fees_revalued: Floats,
    fee_method: Codes,
    funding: pl.DataFrame,
    marks: list[Mark],
    trips: pl.DataFrame,
    conventions: Conventions,
    end_us: int,
) -> tuple[pl.DataFrame, Floats]:
    """Sums of every book (`BOOK_COLUMNS`) and its unit mark; inverse contracts in quote at the mark.

    Parameters
    ----------
    books
        Keys of the books, code by code.
    flow, fees_revalued, fee_method
        The fills: folded, gain of third-token fees since, index of the fee method.
    funding, marks, trips
        Payments by book, end mark of each book, round trips.
    conventions, end_us
        Cost method, and end of the period in µs UTC.
    """
    inverse = (books["market_type"] == INVERSE).to_numpy()
    mark = np.array([m.price for m in marks])
    with np.errstate(divide="ignore"):
        unit_mark = np.where(inverse, -1.0 / mark, mark)
    realized, lots = flow.realized(conventions.method)
    unrealized = flow.unrealized(lots, unit_mark)
    to_quote = np.where(inverse, mark, 1.0)
    paid = np.zeros(books.height)
    if funding.height:
        np.add.at(
            paid,
            funding["book"].to_numpy(),
            np.where(funding["is_trusted"], funding["amount_quote"], 0.0),
        )
    fees_paid, rebates = flow.parts(flow.fee)
    bought, sold = flow.parts(flow.qty)
    bought_quote, sold_quote = flow.parts(np.copysign(flow.notional, flow.qty))
    gain = flow.sums(realized)
    average = flow.last_average
    with np.errstate(divide="ignore"):
        average = np.where(inverse, -1.0 / average, average)
    net = (gain + unrealized - fees_paid + rebates) * to_quote + paid
    third = flow.sums(fees_revalued)
    since = np.zeros(books.height)
    if flow.fee_base.any():  # base that paid fees is out of the position, so at the mark
        left = flow.sums(flow.fee_base)
        since = np.where(left == 0.0, 0.0, left * mark) - flow.sums(flow.fee_base * flow.price)
    counted = books.with_columns(
        pl.Series(
            "first_at",
            [flow.at[r][0] if r.stop > r.start else None for r in flow.slices()],
            pl.Int64,
        ),
        pl.Series(
            "last_at",
            [flow.at[r][-1] if r.stop > r.start else None for r in flow.slices()],
            pl.Int64,
        ),
        pl.Series("n_fills", np.bincount(flow.book, minlength=books.height)),
        pl.Series(
            "n_trips",
            np.bincount(trips.filter(~pl.col("is_open"))["book"].to_numpy(), minlength=books.height),
        ),
        pl.Series("volume_quote", bought_quote + sold_quote),
        pl.Series("bought_base", bought),
        pl.Series("sold_base", sold),
        pl.Series("bought_quote", bought_quote),
        pl.Series("sold_quote", sold_quote),
        pl.Series("position_base", flow.last_position),
        pl.Series("average_quote", average),
        pl.Series("mark_quote", mark),
        pl.Series("mark_kind", [m.kind for m in marks], pl.String),
        pl.Series("mark_age_s", [m.age_s for m in marks], pl.Float64),
        pl.Series("realized_quote", gain * to_quote),
        pl.Series("unrealized_quote", unrealized * to_quote),
        pl.Series("fees_paid_quote", fees_paid * to_quote),
        pl.Series("rebates_quote", rebates * to_quote),
        pl.Series("fees_quote", (fees_paid - rebates) * to_quote),
        pl.Series("funding_quote", paid),
        pl.Series("net_quote", net),
        pl.Series("net_fees_at_fill_quote", net + since),
        pl.Series("net_fees_at_end_quote", net + third),
        pl.Series("fee_tokens_revalued_quote", third - since),
        pl.Series("closed_base", flow.sums(flow.closed)),
        *_reasons(books, flow, fee_method, funding, marks, end_us),
    ).with_columns(pl.col("first_at", "last_at").cast(pl.Datetime("us", "UTC")))
    return counted.with_columns(pl.selectors.float().fill_nan(None)).select(BOOK_COLUMNS), unit_mark


def _reasons(
    books: pl.DataFrame,
    flow: Flow,
    fee_method: Codes,
    funding: pl.DataFrame,
    marks: list[Mark],
    end_us: int,
) -> tuple[pl.Series, pl.Series]:
    """Why the figures of a book are not the whole truth: status and reason codes."""
    gaps = funding_reasons(books, flow, funding, end_us)
    unconverted = flow.sums((fee_method == METHODS.index("unconverted")).astype(float))
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
