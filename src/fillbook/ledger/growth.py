"""Fills that come after the others: books and fees of the old ones stand, the new ones are booked on.

The past does not change by what comes later: fees are valued at the fill's own time, and a fold needs only
where it stood. What may change is whether an account runs hedged; then all is prepared anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from fillbook.arrays import Ints
from fillbook.ledger.book import Prepared, flow_columns, noticed
from fillbook.ledger.fees import fees_in_quote
from fillbook.ledger.funding import assign_funding
from fillbook.ledger.kernels import splice
from fillbook.ledger.positions import ACCOUNT, KEYS, Assignment, books_of, legs_of, market_types
from fillbook.ledger.rates import Prices, own_of
from fillbook.schema.tables import empty


def extended(
    before: Prepared, tables: Mapping[str, pl.DataFrame], n_same: int, *, same_prices: bool
) -> Prepared | None:
    """`before` for tables whose first `n_same` fills are those it was prepared from; None where it cannot.

    Parameters
    ----------
    before
        All fills with their books and fees.
    tables
        Canonical tables, grown.
    n_same
        Fills, from the first, that are as they were (their tags may differ).
    same_prices
        Whether quotes and candles are what they were.
    """
    fills, conventions = tables["fills"], before.conventions
    assigned = _assigned(before, fills, tables["funding"], n_same)
    if assigned is None:
        return None
    prices = _prices(before, tables, same_prices=same_prices)
    new, code = fills[n_same:], assigned.book[n_same:]
    is_spot = (assigned.books["market_type"] == "spot").to_numpy()[code]
    fees = fees_in_quote(new, tables["flat_fees"], is_spot=is_spot, prices=prices, conventions=conventions)
    order = np.argsort(code, kind="stable")
    columns = flow_columns(new, code, assigned.books, fees, before.contract_value)
    kept = np.bincount(before.assigned.book[:n_same], minlength=assigned.books.height)
    flow = before.whole.extended(kept, code[order], {name: x[order] for name, x in columns.items()})
    places = np.arange(before.fills.height) if before.assigned.order is None else before.assigned.order
    place = splice(places, *before.whole.spans(kept), order + n_same, code[order])
    is_sorted = assigned.books.height == 1
    assigned = replace(assigned, order=None if is_sorted else place)
    funding = assign_funding(
        tables["funding"], assigned.books,
        [(flow.at[rows], flow.position[rows], flow.price[rows]) for rows in flow.slices()],
    )  # fmt: skip
    whole_fees = before.fees.followed_by(fees, n_same)
    quarantine = tables.get("quarantine", empty("quarantine")).filter(pl.col("table") == "fills")
    return Prepared(
        fills, assigned, flow, whole_fees, prices, funding, quarantine, conventions,
        before.contract_value, noticed(assigned, whole_fees, fills, funding),
    )  # fmt: skip


def _prices(before: Prepared, tables: Mapping[str, pl.DataFrame], *, same_prices: bool) -> Prices:
    """Prices of the grown tables; series of quotes and candles are found again only where they changed."""
    fills, conventions = tables["fills"], before.conventions
    if not same_prices:
        found = Prices.of(
            tables, max_mid_age_s=conventions.max_mid_age_s, max_rate_age_s=conventions.max_rate_age_s
        )
        return replace(found, given=before.prices.given)
    own, pairs = own_of(fills)
    return replace(before.prices, own=own, pairs=pairs)


def _assigned(before: Prepared, fills: pl.DataFrame, funding: pl.DataFrame, n_same: int) -> Assignment | None:
    """Books of all fills, new ones behind the old; None where an old fill would change its side."""
    old, new, conventions = before.assigned, fills[n_same:], before.conventions
    known = [*old.books["connector"].cast(pl.String), *new["connector"].cast(pl.String).unique()]
    known += funding["connector"].cast(pl.String).unique().to_list()
    types, findings = market_types(list(dict.fromkeys(known)), conventions)
    legs = _legs(before, fills, n_same, [name for name, kind in types.items() if kind != "spot"])
    if legs is None:
        return None
    keys = new.select(*ACCOUNT, "base", "quote").with_columns(leg=legs.cast(pl.String))
    books = books_of(keys, funding, types, old.books)
    code = keys.select(KEYS).join(
        books.select(*KEYS, "book"), on=KEYS, how="left", maintain_order="left", nulls_equal=True
    )["book"]
    book = np.concatenate([old.book[:n_same], code.to_numpy()])
    return Assignment(book, None, books, tuple(findings))


def _legs(before: Prepared, fills: pl.DataFrame, n_same: int, perps: list[str]) -> pl.Series | None:
    """Leg of each new fill; None where those of an old one would be another now."""
    new = fills[n_same:]
    if not perps or not new["connector"].cast(pl.String).is_in(perps).any():
        return legs_of(new, [])
    books = before.assigned.books
    touched = books.join(new.select(ACCOUNT).unique(), on=ACCOUNT, how="semi", nulls_equal=True)[
        "book"
    ].to_numpy()
    mine: Ints = np.flatnonzero(np.isin(before.assigned.book[:n_same], touched))
    legs = legs_of(pl.concat([fills[mine], new]), perps)
    were = books["leg"][before.assigned.book[mine]]
    if not (legs[: mine.size].cast(pl.String) == were).all():
        return None
    return legs[mine.size :]
