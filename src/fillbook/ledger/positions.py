"""Which book a fill belongs to: account, venue, pair, and side in hedge mode (DEFINITIONS 0.7, A6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from fillbook.arrays import Ints
from fillbook.conventions import Conventions, MarketType
from fillbook.findings import Finding, Severity
from fillbook.sources.hummingbot import market_type

ACCOUNT = ["bot", "config", "connector", "pair"]
KEYS = [*ACCOUNT, "leg"]
NEEDED = [
    "source", "row", *ACCOUNT, "base", "quote", "at", "side", "amount_base", "price_quote",
    "position_action", "leverage", "fee_percent", "fee_token", "fee_amount", "fee_quote_recorded",
    "controller_id", "close_type",
]  # fmt: skip
_INT16 = 32_768  # below this many books a radix sort of their codes is quickest
_SLACK = 1e-9  # of the largest position: a book "never closes more than it holds" within this


@dataclass(frozen=True, slots=True)
class Assignment:
    """Fills in ledger order, their book codes, and the books.

    Parameters
    ----------
    fills
        The columns of the fills that booking needs (`NEEDED`), sorted by (book, at, source, row),
        and their ``place`` in the table they came from.
    book
        Code of each fill, ascending, shape (n,).
    books
        A row a code: ``book, bot, config, connector, pair, leg, base, quote, market_type``.
    findings
        Assumed market types, and untagged fills in hedge mode.
    """

    fills: pl.DataFrame
    book: Ints
    books: pl.DataFrame
    findings: tuple[Finding, ...]


def market_types(
    connectors: list[str], conventions: Conventions
) -> tuple[dict[str, MarketType], list[Finding]]:
    """Market type of each connector: as declared, as Hummingbot names it, else assumed and said."""
    types: dict[str, MarketType] = {}
    findings = []
    for connector in connectors:
        declared = conventions.market_types.get(connector)
        known_type, is_known = market_type(connector)
        types[connector] = declared or known_type
        if declared is None and not is_known:
            findings.append(Finding(
                "fills", "market_type_assumed", Severity.WARNING,
                f"{connector} is not a connector fillbook knows; booked as {known_type}",
                effect="a wrong market type changes PnL by an order of magnitude",
                remedy=f"say what it is: --market-type {connector}=spot|linear_perp|inverse_perp",
            ))  # fmt: skip
    return types, findings


def _legs(fills: pl.DataFrame, perps: list[str]) -> pl.DataFrame:
    """Column ``leg``: LONG or SHORT where a perp account runs hedged, else NET."""
    action = pl.col("position_action").cast(pl.String)
    tagged = pl.col("connector").cast(pl.String).is_in(perps) & action.is_in(["OPEN", "CLOSE"])
    closing = action == "CLOSE"
    if fills.filter(tagged & closing).is_empty():
        return fills.with_columns(leg=pl.lit("NET"))
    side_of_book = pl.col("side") * pl.when(closing).then(-1).otherwise(1)
    held = (
        fills.filter(tagged)
        .with_columns(book_side=side_of_book, x=pl.col("side") * pl.col("amount_base"))
        .with_columns(held=pl.col("x").cum_sum().over([*ACCOUNT, "book_side"]) * pl.col("book_side"))
        .group_by(ACCOUNT)
        .agg(
            lowest=pl.col("held").min(), largest=pl.col("held").max(),
            closes=(pl.col("side") != pl.col("book_side")).any(),
        )
    )  # fmt: skip
    hedged = held.filter("closes", pl.col("lowest") >= -_SLACK * pl.col("largest").abs()).select(
        ACCOUNT, hedged=pl.lit(value=True)
    )
    joined = fills.join(hedged, on=ACCOUNT, how="left", maintain_order="left", nulls_equal=True)
    leg = pl.when(side_of_book > 0).then(pl.lit("LONG")).otherwise(pl.lit("SHORT"))
    return joined.with_columns(
        leg=pl.when(pl.col("hedged").fill_null(value=False)).then(leg).otherwise(pl.lit("NET"))
    ).drop("hedged")


def _untagged(fills: pl.DataFrame) -> list[Finding]:
    """Fills of a hedged account that do not say whether they open or close."""
    untagged = fills.filter(
        pl.col("leg") != "NET",
        ~pl.col("position_action").cast(pl.String).fill_null("NIL").is_in(["OPEN", "CLOSE"]),
    )
    if untagged.is_empty():
        return []
    return [Finding(
        "fills", "nil_in_hedge", Severity.WARNING,
        f"{untagged.height} fills of a hedged account say neither OPEN nor CLOSE",
        n_rows=untagged.height, rows=tuple(untagged["row"].head(20)),
        effect="they are booked as opening; realised and unrealised PnL may shift between sides",
    )]  # fmt: skip


def assign_books(fills: pl.DataFrame, funding: pl.DataFrame, conventions: Conventions) -> Assignment:
    """Fills sorted into books, in stable order of each book's first fill.

    Parameters
    ----------
    fills
        Canonical fills in ledger order (at, source, row).
    funding
        Canonical funding: an account that was only ever paid funding has a book too.
    conventions
        Declared market types.
    """
    connectors = fills["connector"].cast(pl.String).append(funding["connector"].cast(pl.String))
    types, findings = market_types(connectors.unique(maintain_order=True).to_list(), conventions)
    perps = [name for name, kind in types.items() if kind != "spot"]
    fills = _legs(fills.select(NEEDED), perps).with_row_index("place")
    findings += _untagged(fills)
    keys = fills.select(*KEYS, "base", "quote").unique(KEYS, keep="first", maintain_order=True)
    paid = funding.select(ACCOUNT).unique(maintain_order=True).join(
        keys, on=ACCOUNT, how="anti", maintain_order="left", nulls_equal=True
    )  # fmt: skip
    if paid.height:
        base, quote = (pl.col("pair").cast(pl.String).str.split("-").list.get(i) for i in (0, -1))
        alone = paid.with_columns(leg=pl.lit("NET"), base=base, quote=quote)
        keys = pl.concat([keys.cast({"base": pl.String, "quote": pl.String}), alone])
    kind = pl.col("connector").cast(pl.String).replace_strict(types, return_dtype=pl.String)
    books = keys.with_columns(pl.col("base", "quote").cast(pl.String), market_type=kind)
    books = books.with_row_index("book").with_columns(pl.col("book").cast(pl.Int64))
    if books.height <= 1:
        return Assignment(fills, np.zeros(fills.height, np.int64), books, tuple(findings))
    coded = fills.join(
        books.select("book", *KEYS), on=KEYS, how="left", maintain_order="left", nulls_equal=True
    )
    book = coded["book"].to_numpy()
    if (np.diff(book) >= 0).all():
        return Assignment(fills, book, books, tuple(findings))
    order = np.argsort(book.astype(np.int16 if books.height < _INT16 else np.int64), kind="stable")
    return Assignment(fills[order], book[order], books, tuple(findings))
