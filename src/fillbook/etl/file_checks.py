"""What the files lack, and what had to be kept out of the books."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from fillbook.etl.checks import Cleaned, Seen, check, first_rows
from fillbook.etl.merge import MARKET_FILES
from fillbook.etl.vocabulary import PERPETUAL
from fillbook.findings import Severity
from fillbook.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class _Reason(NamedTuple):
    text: str
    severity: Severity  # where the row is a fill; elsewhere a warning
    remedy: str = ""


_CSV = "open the bot's trades_*.csv beside the database"
_REASONS: Mapping[str, _Reason] = {
    "zero_price": _Reason(
        "at price 0, which is what any price below 1e-6 is stored as", Severity.ERROR, _CSV
    ),
    "bad_amount": _Reason("with quantity 0 or below", Severity.ERROR, _CSV),
    "not_positive": _Reason("with a value that must be positive", Severity.ERROR),
    "non_finite": _Reason("with a number that is not finite", Severity.ERROR),
    "unknown_side": _Reason("on no known side", Severity.ERROR),
    "bad_time": _Reason("with a time before 2009 or in the future", Severity.ERROR, "check the bot's clock"),
    "unreadable_cell": _Reason("with a cell that cannot be read", Severity.ERROR),
    "missing_value": _Reason("without a value they need", Severity.ERROR),
    "conflicting_duplicate": _Reason(
        "that contradict another row of the same key, which was kept",
        Severity.WARNING,
        "remove the file that is wrong",
    ),
    "lp_trade": _Reason("of liquidity pools, which are listed and not booked", Severity.WARNING),
}


@check(
    table="quarantine",
    rule="quarantined",
    severity=Severity.WARNING,
    effect="kept out of every number; listed in the table quarantine",
)
def quarantined_rows(cleaned: Cleaned) -> Iterator[Seen]:
    """Refused rows by file, table and reason."""
    rows = cleaned.tables["quarantine"]
    for (source, table, name), part in rows.group_by("source", "table", "reason", maintain_order=True):
        reason = _REASONS.get(str(name), _Reason("refused", Severity.WARNING))
        known = part["notional_quote"].count()
        worth = f", worth about {part['notional_quote'].sum():.8g} in quote" if known else ""
        yield Seen(
            f"{counted(part.height, 'row')} {reason.text}{worth}",
            n_rows=part.height,
            rows=first_rows(part),
            source=cleaned.uri(int(str(source))),
            rule=str(name),
            table=str(table),
            severity=reason.severity if table == "fills" else Severity.WARNING,
            remedy=reason.remedy,
        )


@check(
    table="fills",
    rule="unreadable_value",
    severity=Severity.WARNING,
    effect="read as missing; what needs the value is partial or unavailable",
)
def unreadable_values(cleaned: Cleaned) -> Iterator[Seen]:
    """Cells that no source could convert, by file and column."""
    for (source, table, column), part in cleaned.unreadable.group_by(
        "source", "table", "column", maintain_order=True
    ):
        yield Seen(
            f"{counted(part.height, 'cell')} of {column} not readable, first {part['value'][0]!r}",
            n_rows=part.height,
            rows=first_rows(part),
            source=cleaned.uri(int(str(source))),
            table=str(table),
        )


@check(
    table="fills",
    rule="no_fills",
    severity=Severity.WARNING,
    effect="no PnL, volume or trade statistics for this bot",
)
def bots_without_fills(cleaned: Cleaned) -> Iterator[Seen]:
    """Bots of which no fill is booked."""
    traded = set(cleaned.tables["fills"]["bot"].unique())
    for bot, uri in _first_files(cleaned).items():
        if bot not in traded:
            yield Seen(f"bot {bot} has no fills", source=uri)


@check(
    table="orders",
    rule="no_orders",
    severity=Severity.INFO,
    effect="fill rates, cancel ratio and order checks are unavailable",
    remedy="open the bot's database, not only its export",
)
def bots_without_orders(cleaned: Cleaned) -> Iterator[Seen]:
    """Bots with fills but no order."""
    traded = set(cleaned.tables["fills"]["bot"].unique())
    ordered = set(cleaned.tables["orders"]["bot"].unique())
    for bot, uri in _first_files(cleaned).items():
        if bot in traded and bot not in ordered:
            yield Seen(f"bot {bot} has fills and no orders", source=uri)


@check(
    table="funding",
    rule="funding_unavailable",
    severity=Severity.WARNING,
    effect="funding is unavailable and net PnL partial for these books",
    remedy="give the exchange's funding statement, or read net PnL as before funding",
)
def perpetuals_without_funding(cleaned: Cleaned) -> Iterator[Seen]:
    """Perpetual markets of a bot without any funding row."""
    key = ["bot", "connector"]
    books = (
        cleaned.books.group_by(key)
        .agg(pl.col("n").sum())
        .filter(pl.col("connector").cast(pl.String).str.contains(PERPETUAL, literal=True))
        .join(cleaned.tables["funding"], on=key, how="anti")
        .sort(key)
    )
    files = _first_files(cleaned)
    for bot, connector, n in books.iter_rows():
        yield Seen(
            f"{counted(n, 'fill')} of bot {bot} on {connector}, and no funding payment recorded",
            source=files.get(bot, ""),
        )


def _first_files(cleaned: Cleaned) -> dict[str, str]:
    """Address of the first file of each bot."""
    files: dict[str, str] = {}
    for info, bot in zip(cleaned.infos, cleaned.bots, strict=True):
        if info.kind not in MARKET_FILES:
            files.setdefault(bot, info.uri)
    return files
