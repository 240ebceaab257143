"""Trades of everybody on a venue: CSV and Parquet of exchanges and collectors, and the recorder's lines."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.findings import MAX_LISTED_ROWS, Finding, Severity
from fillbook.schema.raw import RawTables, SourceInfo
from fillbook.sources import market_files
from fillbook.sources.base import bot_name, checked_path, sha256_of
from fillbook.sources.csv_files import first_line
from fillbook.sources.market_columns import (
    AMOUNTS,
    MAKERS,
    MARKETS,
    PRICE,
    SIDES,
    TABLES,
    TIMES,
    columns_of,
    first_of,
    is_trades,
    market_columns,
)
from fillbook.sources.recorder import recorded_rows, recording_of
from fillbook.sources.sqlite_trades import canonical
from fillbook.units import counted

_WANTED = frozenset({*TIMES, PRICE, *AMOUNTS, *SIDES, *MAKERS, *MARKETS})
_EFFECTS = ("trades without a pair belong to no market", "they count for the pair on any exchange")
_REMEDY = "name it trades_<connector>_<BASE-QUOTE>.csv, or add columns exchange and trading_pair"
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[-+]?\d+)?")
_HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"
_WORDS = {
    "BUY": 1, "B": 1, "BID": 1, "1": 1, "1.0": 1, "SELL": -1, "S": -1, "ASK": -1, "2": -1, "2.0": -1,
    "-1": -1, "-1.0": -1,
}  # fmt: skip
_MAKER_WORDS = {"TRUE": -1, "T": -1, "1": -1, "1.0": -1, "FALSE": 1, "F": 1, "0": 1, "0.0": 1}
_SAYS_NOTHING = ("", "UNKNOWN", "NONE", "NULL", "NAN")


class MarketTradeFile:
    """One file of public trades."""

    opens = "everybody's trades of a market as CSV and Parquet, and the recorder's lines"
    example = "market_trades_binance_SOL-USDT.csv"

    def __init__(self, uri: str) -> None:
        """Remember the address; nothing is read yet."""
        self.uri = uri

    @classmethod
    def matches(cls, path: Path) -> bool:
        """Whether it has time, price, amount and the taker's side, and is nobody's own trades."""
        if path.suffix.lower() not in TABLES:
            return recording_of(path) == "trades"
        return is_trades(columns_of(path)) or _is_headless(path)

    def read(self) -> RawTables:
        """Trades with venue and pair as far as the columns or the file's name tell them.

        Raises
        ------
        UnreadableSourceError
            Not CSV, Parquet or JSON lines, or without header, time, price, amount or side.
        """
        path = checked_path(self.uri)
        is_table = path.suffix.lower() in TABLES
        rows = _table(self.uri, path) if is_table else recorded_rows(self.uri, path, "trades")
        at = market_files.times(rows, str(first_of(rows.columns, TIMES)))
        trades = _trades(rows, at, path)
        info = SourceInfo(
            uri=self.uri, kind="market_trades", bot=bot_name(path), schema_version=None,
            layout="public trades" if is_table else "order book recorder",
            size_bytes=path.stat().st_size, sha256=sha256_of(path), rows={"market_trades": trades.height},
        )  # fmt: skip
        findings = (
            *market_files.no_rows("market_trades", self.uri, n_rows=rows.height),
            *market_files.unnamed_rows(
                trades, "market_trades", self.uri, effects=_EFFECTS, remedy=_REMEDY,
                by_row=any(market_columns(rows.columns)),
            ),
            *_without_amount(self.uri, trades),
        )  # fmt: skip
        return RawTables(info, {"market_trades": trades}, _unreadable(rows, at), findings)


def _is_headless(path: Path) -> bool:
    """Whether it looks like Binance's trades without their header: numbers, and whether a maker bought."""
    cells = first_line(path) if path.suffix.lower() == ".csv" else []
    n_truths = sum(cell in ("true", "false") for cell in cells)
    numbers = [cell for cell in cells if _NUMBER.fullmatch(cell)]
    return 1 <= n_truths <= 2 and len(numbers) >= 5 and len(numbers) + n_truths == len(cells)


def _table(uri: str, path: Path) -> pl.DataFrame:
    columns = columns_of(path)
    if is_trades(columns):
        return market_files.rows_of(uri, path, _WANTED)
    if _is_headless(path):
        raise UnreadableSourceError(
            uri, "holds trades without a header, and nothing says which column is what",
            f"give it its first line: {_HEADER}, or as many names as it has columns",
        )  # fmt: skip
    raise UnreadableSourceError(
        uri, f"holds no market trades: its columns are {', '.join(sorted(columns)[:8])}",
        "market trades need timestamp, price, amount and side (or is_buyer_maker)",
    )  # fmt: skip


def _trades(rows: pl.DataFrame, at: pl.Series, path: Path) -> pl.DataFrame:
    amount = market_files.number(rows, first_of(rows.columns, AMOUNTS))
    is_amount = amount.is_finite() & (amount > 0.0)
    taker = rows.select(_taker(rows).alias("taker")).to_series()
    return canonical(
        "market_trades", rows.with_columns(at.alias("at"), taker, *market_files.markets(rows, path)),
        connector=pl.col("connector"), pair=pl.col("pair"), at=pl.col("at"), side=pl.col("taker"),
        price_quote=market_files.number(rows, PRICE), amount_base=pl.when(is_amount).then(amount),
    )  # fmt: skip


def _taker(rows: pl.DataFrame) -> pl.Expr:
    """+1 where the taker bought, −1 where he sold: as the side says, else as the maker's side does."""
    side, maker = first_of(rows.columns, SIDES), first_of(rows.columns, MAKERS)
    return pl.coalesce(
        _word(column).replace_strict(words, default=None, return_dtype=pl.Int8)
        for column, words in ((side, _WORDS), (maker, _MAKER_WORDS))
        if column is not None
    )


def _word(column: str) -> pl.Expr:
    text = pl.col(column).cast(pl.String, strict=False).str.strip_chars().str.to_uppercase()
    return text.str.strip_prefix("TRADETYPE.")


def _unreadable(rows: pl.DataFrame, at: pl.Series) -> pl.DataFrame:
    """Cells that are no time, number or side, and objects that are no JSON."""
    read = [(str(first_of(rows.columns, TIMES)), at)]
    read += market_files.numbers(rows, [PRICE, first_of(rows.columns, AMOUNTS)])
    said = first_of(rows.columns, (*SIDES, *MAKERS))
    if said is not None:
        silent = pl.when(_word(said).is_in(_SAYS_NOTHING)).then(pl.lit(0, dtype=pl.Int8))
        read.append((said, rows.select(pl.coalesce(_taker(rows), silent)).to_series()))
    return market_files.unreadable("market_trades", rows, read)


def _without_amount(uri: str, trades: pl.DataFrame) -> tuple[Finding, ...]:
    lacking = trades.filter(pl.col("amount_base").is_null() & pl.col("price_quote").is_not_null())
    if lacking.is_empty():
        return ()
    return (
        Finding(
            "market_trades", "no_amount", Severity.WARNING,
            f"{counted(lacking.height, 'trade')} without a quantity above 0", n_rows=lacking.height,
            rows=tuple(lacking["row"].head(MAX_LISTED_ROWS)), source=uri,
            effect="they count as trades and not in the volume",
        ),
    )  # fmt: skip
