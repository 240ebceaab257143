"""Funding payments: to which book, and whether they can be believed (DEFINITIONS A7)."""

from __future__ import annotations

import numpy as np
import polars as pl

from fillbook.arrays import Floats, Ints
from fillbook.findings import Finding, Severity
from fillbook.ledger.flow import Flow
from fillbook.ledger.positions import ACCOUNT
from fillbook.sources.hummingbot import FUNDING_NOT_TRUSTED

_EIGHT_HOURS_US = 8 * 3_600 * 1_000_000
_SIZE_RANGE = (0.5, 2.0)


def position_at(when: Ints, at: Ints, position: Floats) -> Floats:
    """Position held at each time, fills of that moment included; 0 before the first fill."""
    if at.size == 0:
        return np.zeros(when.size)
    index = np.searchsorted(at, when, side="right") - 1
    return np.where(index >= 0, position[np.maximum(index, 0)], 0.0)


def assign_funding(
    funding: pl.DataFrame,
    books: pl.DataFrame,
    flows: list[tuple[Ints, Floats, Floats]],
) -> pl.DataFrame:
    """Funding rows with their book and what is suspect about them.

    Adds ``book, position_base, expected_quote, is_sign_suspect, is_size_suspect,
    is_without_position, is_trusted``. In hedge mode a payment goes to the side that held more.

    Parameters
    ----------
    funding
        Canonical funding.
    books
        As `assign_books` makes them.
    flows
        Per book code: times, positions after, and prices of its fills.
    """
    joined = funding.join(
        books.select("book", *ACCOUNT, "market_type"), on=ACCOUNT, how="left",
        maintain_order="left", nulls_equal=True,
    )  # fmt: skip
    when = joined["at"].dt.timestamp("us").to_numpy()
    code = joined["book"].fill_null(-1).to_numpy()
    position, price = np.zeros(when.size), np.full(when.size, np.nan)
    for book in np.unique(code[code >= 0]):
        rows = code == book
        at, held, paid = flows[book]
        position[rows] = position_at(when[rows], at, held)
        index = np.searchsorted(at, when[rows], side="right") - 1
        if at.size:
            price[rows] = paid[np.maximum(index, 0)]
    expected = -position * price * joined["rate"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = joined["amount_quote"].to_numpy() / expected
    is_open = position != 0.0
    checked = joined.with_columns(
        pl.Series("position_base", position),
        pl.Series("expected_quote", expected),
        pl.Series("is_sign_suspect", is_open & (ratio < 0.0)),
        pl.Series(
            "is_size_suspect", is_open & (ratio > 0.0) & ((ratio < _SIZE_RANGE[0]) | (ratio > _SIZE_RANGE[1]))
        ),
        pl.Series("is_without_position", ~is_open),
        is_trusted=~pl.col("connector").cast(pl.String).is_in(list(FUNDING_NOT_TRUSTED)),
    )
    largest = pl.col("position_base").abs()
    return (
        checked.with_columns(rank=largest.rank("ordinal", descending=True).over("source", "row"))
        .filter(pl.col("rank") == 1)
        .drop("rank")
    )


def missed_funding(at: Ints, position: Floats, end_us: int) -> bool:
    """True when a position was held across an 8-hour funding instant."""
    if at.size == 0:
        return False
    ends = np.append(at[1:], end_us)
    crossed = (ends - 1) // _EIGHT_HOURS_US > (at - 1) // _EIGHT_HOURS_US
    return bool((crossed & (position != 0.0)).any())


def funding_reasons(books: pl.DataFrame, flow: Flow, funding: pl.DataFrame, end_us: int) -> list[list[str]]:
    """Per book: why its funding is not the whole truth."""
    paid = set(funding["book"].to_list())
    reasons: list[list[str]] = []
    for row, rows in zip(books.iter_rows(named=True), flow.slices(), strict=True):
        why = []
        if row["market_type"] != "spot":
            if str(row["connector"]) in FUNDING_NOT_TRUSTED:
                why.append("funding_not_covered")
            elif row["book"] not in paid and missed_funding(flow.at[rows], flow.position[rows], end_us):
                why.append("funding_unavailable")
        reasons.append(why)
    return reasons


def funding_findings(funding: pl.DataFrame) -> list[Finding]:
    """What is suspect about the payments, a finding a kind."""
    kinds = (
        (
            "is_sign_suspect",
            "funding_sign_suspect",
            "have the opposite sign of −position × mark × rate",
        ),
        (
            "is_size_suspect",
            "funding_size_suspect",
            "are not within a factor 2 of position × mark × rate",
        ),
        ("is_without_position", "funding_without_position", "came while no position was held"),
    )
    findings = []
    for column, rule, text in kinds:
        rows = funding.filter(pl.col(column))
        if rows.height:
            total = float(rows["amount_quote"].sum())
            findings.append(Finding(
                "funding", rule, Severity.WARNING,
                f"{rows.height} of {funding.height} funding payments ({total:+.6g} in quote) {text}",
                n_rows=rows.height, rows=tuple(rows["row"].head(20)),
                effect="they stay in net PnL as recorded",
                remedy="compare them with the statement of the exchange",
            ))  # fmt: skip
    return findings
