"""Which book a fill belongs to: account, venue, pair, and side in hedge mode (DEFINITIONS 0.7, A6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import overload

import numpy as np
import polars as pl

from fillbook.arrays import Codes, Floats, Ints
from fillbook.conventions import Conventions, MarketType
from fillbook.findings import Finding, Severity
from fillbook.ledger.codes import label_codes
from fillbook.sources.hummingbot import market_type

ACCOUNT = ["bot", "config", "connector", "pair"]
KEYS = [*ACCOUNT, "leg"]
LEGS = ("NET", "LONG", "SHORT")
_LEG = pl.Enum(LEGS)
_SLACK = 1e-9  # of the largest position: a book "never closes more than it holds" within this


@dataclass(frozen=True, slots=True)
class Assignment:
    """Fills in ledger order, their book codes, and the books.

    Parameters
    ----------
    book
        Code of each fill, in the order of the table, shape (n,).
    order
        Places of the fills sorted by (book, at, source, row); None where the table is sorted so.
    books
        A row a code: ``book, bot, config, connector, pair, leg, base, quote, market_type``.
    findings
        Assumed market types, and untagged fills in hedge mode.
    """

    book: Ints
    order: Ints | None
    books: pl.DataFrame
    findings: tuple[Finding, ...]

    @overload
    def sorted(self, values: Floats) -> Floats: ...
    @overload
    def sorted(self, values: Ints) -> Ints: ...
    def sorted(self, values: Floats | Ints) -> Floats | Ints:
        """A column of the table in the order of the books."""
        return values if self.order is None else values[self.order]


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
                f"{connector} is not an exchange fillbook knows; booked as {known_type}",
                effect="a wrong market type changes PnL by an order of magnitude",
                remedy=f"say what it is: --market-type {connector}=spot|linear_perp|inverse_perp",
            ))  # fmt: skip
    return types, findings


def legs_of(fills: pl.DataFrame, perps: list[str]) -> pl.Series:
    """``leg`` of each fill: LONG or SHORT where a perp account runs hedged, else NET."""
    action = pl.col("position_action")
    tagged = pl.col("connector").cast(pl.String).is_in(perps) & action.is_in(["OPEN", "CLOSE"])
    closing = action == "CLOSE"
    whole = fills.select(*ACCOUNT, "side", "amount_base", "position_action") if perps else fills.clear()
    if whole.filter(tagged & closing).is_empty():
        return pl.repeat("NET", fills.height, dtype=_LEG, eager=True)
    side_of_book = pl.col("side") * pl.when(closing).then(-1).otherwise(1)
    held = (
        whole.filter(tagged)
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
    joined = whole.join(hedged, on=ACCOUNT, how="left", maintain_order="left", nulls_equal=True)
    return joined.select(_leg(pl.col("hedged").fill_null(value=False))).to_series()


def _leg(is_hedged: pl.Expr) -> pl.Expr:
    """Leg of each fill by its side and action: NET where its account is not hedged."""
    side_of_book = pl.col("side") * pl.when(pl.col("position_action") == "CLOSE").then(-1).otherwise(1)
    leg = pl.when(side_of_book > 0).then(pl.lit("LONG", _LEG)).otherwise(pl.lit("SHORT", _LEG))
    return pl.when(is_hedged).then(leg).otherwise(pl.lit("NET", _LEG))


def _untagged(fills: pl.DataFrame, leg: pl.Series) -> list[Finding]:
    """Fills of a hedged account that do not say whether they open or close."""
    if (leg == "NET").all():
        return []
    untagged = fills.filter(
        leg != "NET",
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
    leg = legs_of(fills, perps)
    findings += _untagged(fills, leg)
    code, first = label_codes([*(fills[name] for name in ACCOUNT), leg])
    keys = fills.select(*ACCOUNT, "base", "quote")[first].with_columns(leg=leg[first].cast(pl.String))
    books = books_of(keys, funding, types)
    return Assignment(code.astype(np.int64), _order(code), books, tuple(findings))


def books_of(
    keys: pl.DataFrame,
    funding: pl.DataFrame,
    types: Mapping[str, MarketType],
    known: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Books in the order of their first fill, then those that only funding names, behind those known.

    Parameters
    ----------
    keys
        Columns of `KEYS`, ``base`` and ``quote``, in the order of the fills.
    funding
        Canonical funding.
    types
        Market type of each connector.
    known
        Books that have their codes already.
    """
    named = keys.select(*KEYS, pl.col("base", "quote").cast(pl.String))
    if known is not None:
        named = pl.concat([known.select(named.columns), named])
    named = named.unique(KEYS, keep="first", maintain_order=True)
    paid = funding.select(ACCOUNT).unique(maintain_order=True).join(
        named, on=ACCOUNT, how="anti", maintain_order="left", nulls_equal=True
    )  # fmt: skip
    if paid.height:
        base, quote = (pl.col("pair").cast(pl.String).str.split("-").list.get(i) for i in (0, -1))
        alone = paid.with_columns(base=base, quote=quote, leg=pl.lit("NET"))
        named = pl.concat([named, alone.select(named.columns)])
    kind = pl.col("connector").cast(pl.String).replace_strict(types, return_dtype=pl.String)
    books = named.with_columns(market_type=kind).with_row_index("book").cast({"book": pl.Int64})
    return books.select("book", *KEYS, "base", "quote", "market_type")


def reassigned(fills: pl.DataFrame, books: pl.DataFrame) -> Assignment:
    """Some of the fills sorted into books that are known already.

    Parameters
    ----------
    fills
        Canonical fills in ledger order.
    books
        As `assign_books` made them of all fills.
    """
    code, first = label_codes([fills[name] for name in ACCOUNT])
    named = [pl.col(name).cast(pl.String) for name in ACCOUNT]
    hedged = (
        books.filter(pl.col("leg") != LEGS[0]).select(named).unique().with_columns(hedged=pl.lit(value=True))
    )
    accounts = fills[first].select(named).join(
        hedged, on=ACCOUNT, how="left", maintain_order="left", nulls_equal=True
    )  # fmt: skip
    is_hedged = pl.lit(
        pl.Series(accounts["hedged"].fill_null(value=False).to_numpy()[code], dtype=pl.Boolean)
    )
    leg = fills.select(_leg(is_hedged)).to_series()
    code, first = label_codes([*(fills[name] for name in ACCOUNT), leg])
    kinds = fills[first].select(*named, leg=leg[first].cast(pl.String))
    known = kinds.join(
        books.select(*named, "leg", "book"), on=KEYS, how="left", maintain_order="left", nulls_equal=True
    )  # fmt: skip
    book = known["book"].to_numpy().astype(np.int64)[code]
    return Assignment(book, _order(book), books, ())


def _order(code: Codes | Ints) -> Ints | None:
    """Places sorted by code; None where they are sorted."""
    is_sorted = code.size == 0 or bool((code[1:] >= code[:-1]).all())
    return None if is_sorted else np.argsort(code, kind="stable")
