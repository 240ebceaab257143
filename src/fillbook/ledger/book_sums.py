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
KEPT_OUT = "fills_quarantined"


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
        average = np.where(inverse, -1.0 / flow.last_average, flow.last_average)
    realized, lots = flow.realized(conventions.method)
    to_quote = np.where(inverse, mark, 1.0)
    gain, unrealized = flow.sums(realized) * to_quote, flow.unrealized(lots, unit_mark) * to_quote
    paid, rebates = (part * to_quote for part in flow.parts(flow.fee))
    received = _received(funding, books.height)
    net = gain + unrealized - paid + rebates + received
    third, since = flow.sums(fees_revalued), _base_fees_since(flow, mark)
    counted = books.with_columns(
        *_traded(flow, trips, books.height),
        pl.Series("average_quote", average),
        pl.Series("mark_quote", mark),
        pl.Series("mark_kind", [m.kind for m in marks], pl.String),
        pl.Series("mark_age_s", [m.age_s for m in marks], pl.Float64),
        pl.Series("realized_quote", gain),
        pl.Series("unrealized_quote", unrealized),
        pl.Series("fees_paid_quote", paid),
        pl.Series("rebates_quote", rebates),
        pl.Series("fees_quote", paid - rebates),
        pl.Series("funding_quote", received),
        pl.Series("net_quote", net),
        pl.Series("net_fees_at_fill_quote", net + since),
        pl.Series("net_fees_at_end_quote", net + third),
        pl.Series("fee_tokens_revalued_quote", third - since),
        *_reasons(books, flow, fee_method, funding, marks, end_us),
    )
    return counted.with_columns(pl.selectors.float().fill_nan(None)).select(BOOK_COLUMNS), unit_mark


def with_kept_out(books: pl.DataFrame, kept_out: pl.DataFrame, fills: pl.DataFrame) -> pl.DataFrame:
    """Books with status and reason where some of their fills were quarantined.

    Parameters
    ----------
    books
        A row a book.
    kept_out
        Quarantined fills.
    fills
        The canonical table, which says whose file each row came from.
    """
    if kept_out.is_empty():
        return books
    bots = fills.select("source", "bot").unique("source")
    named = kept_out.join(bots, on="source", how="left").select("bot", "connector", "pair").unique()
    on = ["bot", "connector", "pair"]
    is_short = books.select(on).join(named.with_columns(short=True), on=on, how="left", maintain_order="left")
    short = is_short["short"].fill_null(value=False)
    return books.with_columns(
        pl.when(short)
        .then(pl.concat_list("reasons", pl.lit(KEPT_OUT)))
        .otherwise("reasons")
        .alias("reasons"),
        pl.when(short & (pl.col("status") == "ok"))
        .then(pl.lit("partial"))
        .otherwise("status")
        .alias("status"),
    )


def _traded(flow: Flow, trips: pl.DataFrame, n_books: int) -> list[pl.Series]:
    """When, how often and how much each book traded, and what it still holds."""
    bought, sold = flow.parts(flow.qty)
    bought_quote, sold_quote = flow.parts(np.copysign(flow.notional, flow.qty))
    closed = trips.filter(~pl.col("is_open"))["book"].to_numpy()
    spans = [(flow.at[r][0], flow.at[r][-1]) if r.stop > r.start else (None, None) for r in flow.slices()]
    moment = pl.Datetime("us", "UTC")
    return [
        pl.Series("first_at", [first for first, _ in spans], pl.Int64).cast(moment),
        pl.Series("last_at", [last for _, last in spans], pl.Int64).cast(moment),
        pl.Series("n_fills", np.bincount(flow.book, minlength=n_books)),
        pl.Series("n_trips", np.bincount(closed, minlength=n_books)),
        pl.Series("volume_quote", bought_quote + sold_quote),
        pl.Series("bought_base", bought),
        pl.Series("sold_base", sold),
        pl.Series("bought_quote", bought_quote),
        pl.Series("sold_quote", sold_quote),
        pl.Series("position_base", flow.last_position),
        pl.Series("closed_base", flow.sums(flow.closed)),
    ]


def _received(funding: pl.DataFrame, n_books: int) -> Floats:
    """Trusted funding payments of each book, received positive."""
    received = np.zeros(n_books)
    trusted = funding.filter("is_trusted")
    np.add.at(received, trusted["book"].to_numpy(), trusted["amount_quote"].to_numpy())
    return received


def _base_fees_since(flow: Flow, mark: Floats) -> Floats:
    """What base that paid fees gained since: it is out of the position, so it counts at the mark."""
    if not flow.fee_base.any():
        return np.zeros(mark.size)
    left = flow.sums(flow.fee_base)
    return np.where(left == 0.0, 0.0, left * mark) - flow.sums(flow.fee_base * flow.price)


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
