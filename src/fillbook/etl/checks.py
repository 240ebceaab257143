"""The registry of what is looked for in the data; each rule turns oddities into findings.

Adding a check is one function under `check`: it reads a `Cleaned` and yields what it saw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

import polars as pl

from fillbook.findings import MAX_LISTED_ROWS, Finding, Severity
from fillbook.sources.hummingbot import truncation_bound
from fillbook.units import counted

if TYPE_CHECKING:
    from fillbook.etl.duplicates import Duplicates
    from fillbook.schema.raw import SourceInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """Everything a check may look at.

    Parameters
    ----------
    tables
        The canonical tables, cleaned, with the quarantine.
    infos, bots
        The files by number, and the bot of each.
    unreadable
        Cells no source could read: source, table, row, column, value.
    duplicates, shared_orders
        What was found twice.
    n_out_of_order
        Fills by file that stand before an earlier one.
    books
        `book_sums` of the fills.
    """

    tables: Mapping[str, pl.DataFrame]
    infos: Sequence[SourceInfo]
    bots: Sequence[str]
    unreadable: pl.DataFrame
    duplicates: Duplicates
    shared_orders: pl.DataFrame
    n_out_of_order: Mapping[int, int]
    books: pl.DataFrame

    def uri(self, source: int) -> str:
        """Address of file `source`."""
        return self.infos[source].uri

    def name(self, source: int) -> str:
        """File name of `source`, for a message that names a second file."""
        return PurePath(self.infos[source].uri).name

    def by_file(self, rows: pl.DataFrame, message: str, noun: str) -> Iterator[Seen]:
        """What was seen of `rows`, a file at a time: their number, then `message`."""
        for (source,), part in rows.group_by("source", maintain_order=True):
            yield Seen(
                f"{counted(part.height, noun)} {message}",
                n_rows=part.height,
                rows=first_rows(part),
                source=self.uri(int(str(source))),
            )


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing a check saw; empty fields are the check's own.

    Parameters
    ----------
    message
        One sentence with the figures.
    n_rows, rows, source
        As in `Finding`.
    rule, table, severity, effect, remedy
        Over those of the check, where it covers several rules.
    """

    message: str
    n_rows: int = 0
    rows: tuple[int, ...] = ()
    source: str = ""
    rule: str = ""
    table: str = ""
    severity: Severity | None = None
    effect: str = ""
    remedy: str = ""


Function = Callable[[Cleaned], Iterable[Seen]]


@dataclass(frozen=True, slots=True)
class DataCheck:
    """A registered rule: what it looks at, how much it matters, and what to do."""

    table: str
    rule: str
    severity: Severity
    effect: str
    remedy: str
    function: Function

    def findings(self, cleaned: Cleaned) -> Iterable[Finding]:
        """What the rule sees in `cleaned`."""
        for seen in self.function(cleaned):
            yield Finding(
                table=seen.table or self.table,
                rule=seen.rule or self.rule,
                severity=seen.severity or self.severity,
                message=seen.message,
                n_rows=seen.n_rows,
                rows=seen.rows,
                source=seen.source,
                effect=seen.effect or self.effect,
                remedy=seen.remedy or self.remedy,
            )


CHECKS: dict[str, DataCheck] = {}


def check(
    *, table: str, rule: str, severity: Severity, effect: str, remedy: str = ""
) -> Callable[[Function], Function]:
    """Register a function that yields what it saw of `rule` in `table`."""

    def register(function: Function) -> Function:
        CHECKS[rule] = DataCheck(table, rule, severity, effect, remedy, function)
        return function

    return register


def findings_of(cleaned: Cleaned) -> tuple[Finding, ...]:
    """Findings of every registered check, gravest first, else in the order of the registry."""
    found = [finding for one in CHECKS.values() for finding in one.findings(cleaned)]
    return tuple(sorted(found, key=lambda finding: _GRAVITY[finding.severity]))


_GRAVITY = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def book_sums(fills: pl.DataFrame) -> pl.DataFrame:
    """A row a bot, connector and pair: what several checks ask of the fills, in one pass.

    ``n`` fills from ``first`` to ``last``, ``notional`` in quote and ``bound``, the part of it
    that the stored digits leave open; prices from ``lowest`` to ``highest``, leverage from ``least``
    to ``most``.
    """
    price, amount, step = pl.col("price_quote"), pl.col("amount_base"), pl.col("quantum")
    return (
        fills.lazy()
        .group_by("bot", "connector", "pair")
        .agg(
            pl.len().alias("n"),
            pl.col("at").min().alias("first"),
            pl.col("at").max().alias("last"),
            (price * amount).sum().alias("notional"),
            truncation_bound(price, amount, step).sum().alias("bound"),
            price.min().alias("lowest"),
            price.max().alias("highest"),
            pl.col("leverage").min().alias("least"),
            pl.col("leverage").max().alias("most"),
        )
        .sort("bot", "connector", "pair")
        .collect(engine="streaming")  # a tenth of the memory
    )


def first_rows(rows: pl.DataFrame) -> tuple[int, ...]:
    """The first row numbers of `rows`, as a finding lists them."""
    return tuple(int(row) for row in rows["row"].head(MAX_LISTED_ROWS))


def share(part: float, whole: float) -> str:
    """A share in percent for a message: ``12.5 %``."""
    return f"{100.0 * part / whole:.3g} %"
