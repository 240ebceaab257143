"""Quotes (mid, bid, ask) from CSV, Parquet, logs of bots that hold a mid, and the order book recorder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.findings import MAX_LISTED_ROWS, Finding, Severity
from fillbook.schema.raw import RawTables, SourceInfo
from fillbook.sources import market_files
from fillbook.sources.base import bot_name, checked_path, sha256_of
from fillbook.sources.market_columns import (
    ASKS,
    BIDS,
    LEVEL,
    MARKETS,
    MIDS,
    TABLES,
    TIMES,
    columns_of,
    first_of,
    is_log,
    is_quotes,
    is_timeless,
    market_columns,
)
from fillbook.sources.recorder import recorded_rows, recording_of
from fillbook.sources.sqlite_trades import canonical
from fillbook.units import counted

_WANTED = frozenset({*TIMES, *MIDS, *BIDS, *ASKS, LEVEL, *MARKETS})
_EFFECTS = ("quotes without a pair mark nothing", "they mark the pair on any exchange")
_REMEDY = "name it quotes_<connector>_<BASE-QUOTE>.csv, or add columns exchange and trading_pair"


@dataclass(frozen=True, slots=True)
class _Read:
    """Rows of a file as they are written, and what is known of them."""

    rows: pl.DataFrame
    kind: str
    layout: str
    findings: tuple[Finding, ...] = ()


class QuoteFile:
    """One file of quotes."""

    opens = "quotes as CSV and Parquet, and the order book recorder's lines"
    example = "quotes_binance_SOL-USDT.parquet"

    def __init__(self, uri: str) -> None:
        """Remember the address; nothing is read yet."""
        self.uri = uri

    @classmethod
    def matches(cls, path: Path) -> bool:
        """Whether it has a time and a mid, or bid and ask; or a mid alone, to say what is missing."""
        if path.suffix.lower() not in TABLES:
            return recording_of(path) == "books"
        columns = columns_of(path)
        return is_quotes(columns) or is_timeless(columns)

    def read(self) -> RawTables:
        """Quotes with venue and pair as far as the columns or the file's name tell them.

        Raises
        ------
        UnreadableSourceError
            Not CSV, Parquet or JSON lines, or without a time, or without prices.
        """
        path = checked_path(self.uri)
        read = _table(self.uri, path) if path.suffix.lower() in TABLES else _books(self.uri, path)
        rows = read.rows
        at = market_files.times(rows, str(first_of(rows.columns, TIMES)))
        quotes = _quotes(rows, at, path, read.kind)
        by_row = any(market_columns(rows.columns))
        info = SourceInfo(
            uri=self.uri, kind="quotes", bot=bot_name(path), schema_version=None, layout=read.layout,
            size_bytes=path.stat().st_size, sha256=sha256_of(path), rows={"quotes": quotes.height},
        )  # fmt: skip
        findings = (
            *market_files.no_rows("quotes", self.uri, n_rows=rows.height),
            *market_files.unnamed_rows(
                quotes, "quotes", self.uri, effects=_EFFECTS, remedy=_REMEDY, by_row=by_row
            ),
            *read.findings,
        )
        return RawTables(info, {"quotes": quotes}, _unreadable(rows, at), findings)


def _table(uri: str, path: Path) -> _Read:
    """Rows of a CSV or Parquet file; of a book with levels the first."""
    columns = columns_of(path)
    if not is_quotes(columns):
        _refuse(uri, columns)
    rows = market_files.rows_of(uri, path, _WANTED)
    kind = "status_log" if is_log(columns) else "quote_file"
    has_sides = first_of(columns, BIDS) and first_of(columns, ASKS)
    layout = f"{kind.replace('_', ' ')}, {'bid and ask' if has_sides else 'mid alone'}"
    if LEVEL not in rows.columns:
        return _Read(rows, kind, layout)
    level = rows.select(market_files.number(rows, LEVEL)).to_series()
    is_deeper = (level > level.min()).fill_null(value=False)
    return _Read(rows.filter(~is_deeper), kind, layout, _deeper(uri, int(is_deeper.sum())))


def _refuse(uri: str, columns: set[str]) -> None:
    """Say what a file of quotes lacks.

    Raises
    ------
    UnreadableSourceError
        Always.
    """
    names = ", ".join(sorted(columns)[:8])
    if is_timeless(columns):
        raise UnreadableSourceError(
            uri,
            f"holds mid prices and no time (its columns are {names}), so that nothing in it can be aligned "
            "with a fill; Hummingbot's debug CSV of Avellaneda is written like this",
            "open a file of quotes with a column timestamp, or the bot's database, whose table MarketData "
            "has them",
        )
    raise UnreadableSourceError(
        uri, f"holds no quotes: its columns are {names}",
        "quotes need timestamp, and mid or bid and ask",
    )  # fmt: skip


def _books(uri: str, path: Path) -> _Read:
    """Best bid and ask of each snapshot; one with an empty side is no sample."""
    rows = recorded_rows(uri, path, "books")
    is_empty = pl.col("line").is_null() & (pl.col("bid").is_null() | pl.col("ask").is_null())
    empty = rows.filter(is_empty)
    return _Read(rows.filter(~is_empty), "quote_file", "order book recorder", _empty_sides(uri, empty))


def _quotes(rows: pl.DataFrame, at: pl.Series, path: Path, kind: str) -> pl.DataFrame:
    bid, ask = (_positive(rows, names) for names in (BIDS, ASKS))
    mid = market_files.number(rows, first_of(rows.columns, MIDS))
    return canonical(
        "quotes", rows.with_columns(at.alias("at"), *market_files.markets(rows, path)), kind=pl.lit(kind),
        connector=pl.col("connector"), pair=pl.col("pair"), at=pl.col("at"),
        mid_quote=pl.coalesce(mid, (bid + ask) / 2.0), bid_quote=bid, ask_quote=ask,
    )  # fmt: skip


def _positive(rows: pl.DataFrame, names: tuple[str, ...]) -> pl.Expr:
    """Price of a side; 0 says that the side is empty."""
    price = market_files.number(rows, first_of(rows.columns, names))
    return pl.when(price > 0.0).then(price)


def _unreadable(rows: pl.DataFrame, at: pl.Series) -> pl.DataFrame:
    """Cells that are no time or no number, and objects that are no JSON."""
    priced = [first_of(rows.columns, names) for names in (MIDS, BIDS, ASKS)]
    return market_files.unreadable(
        "quotes", rows, [(str(first_of(rows.columns, TIMES)), at), *market_files.numbers(rows, priced)]
    )


def _empty_sides(uri: str, empty: pl.DataFrame) -> tuple[Finding, ...]:
    if empty.is_empty():
        return ()
    return (
        Finding(
            "quotes", "empty_side", Severity.WARNING,
            f"{counted(empty.height, 'snapshot')} of the book without a bid or without an ask",
            n_rows=empty.height, rows=tuple(empty["row"].head(MAX_LISTED_ROWS)), source=uri,
            effect="no quote at these times",
        ),
    )  # fmt: skip


def _deeper(uri: str, n_rows: int) -> tuple[Finding, ...]:
    if not n_rows:
        return ()
    return (
        Finding(
            "quotes", "deeper_levels", Severity.INFO,
            f"{counted(n_rows, 'row')} of deeper levels of the book", n_rows=n_rows, source=uri,
            effect="not read: a quote is the best bid and the best ask",
        ),
    )  # fmt: skip
