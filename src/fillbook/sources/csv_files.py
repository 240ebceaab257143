"""Trade CSVs: the ``trades_*.csv`` bots wrote until 2024, and the ``export trades`` command's."""

from __future__ import annotations

import re
from itertools import zip_longest
from pathlib import Path

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.findings import MAX_LISTED_ROWS, Finding, Severity
from fillbook.schema.raw import UNREADABLE_SCHEMA, RawTables, SourceInfo
from fillbook.sources.base import bot_name, checked_path, sha256_of
from fillbook.sources.hummingbot import epoch_us, us_to_utc
from fillbook.sources.sqlite_trades import canonical, side_of, tag

_TRADES = {"market", "symbol", "timestamp", "order_id", "trade_type", "price", "amount"}
_EXPORT = {"id", "timestamp", "exchange", "market", "side", "price", "amount"}
_NUMBER = r"""(?:Decimal\()?["']?(-?[0-9.]+(?:[eE][-+]?[0-9]+)?)"""
_PERCENT = r"""["']percent["']\s*:\s*""" + _NUMBER
_FEE_TYPE = r"""["']fee_type["']\s*:\s*["'](\w+)["']"""
_SAYS_PERCENT = r"""["']percent["']\s*:\s*(?:Decimal\()?["']?[^"'\s,}nN]"""  # something, and not null
_SAYS_AMOUNT = r"""["']amount["']\s*:"""
_FEE_COIN = r"""["'](?:token|asset)["']\s*:\s*["']([^"']+)["']"""
_AMOUNT = r"""["']amount["']\s*:\s*""" + _NUMBER


class TradesCsv:
    """A CSV of one bot's trades."""

    opens = "trades_*.csv of bots until 2024, and what the command export trades writes"
    example = "data/trades_NAME.csv"

    def __init__(self, uri: str) -> None:
        """Remember the address; nothing is read yet."""
        self.uri = uri

    @classmethod
    def matches(cls, path: Path) -> bool:
        """Whether the header names the columns of a trade."""
        if path.suffix.lower() != ".csv":
            return False
        header = header_of(path)
        return header >= _TRADES or header >= _EXPORT

    def read(self) -> RawTables:
        """Fills of the file; an export has no fees and local times.

        Raises
        ------
        UnreadableSourceError
            Not text, not a CSV, or not a trade CSV.
        """
        path = checked_path(self.uri)
        rows = read_text_csv(self.uri, path)
        names = {name.lower() for name in rows.columns}
        rows = rows.rename({name: name.lower() for name in rows.columns})
        is_export = not names >= _TRADES
        fills = _export_fills(rows, path) if is_export else _trade_fills(rows, bot_name(path))
        tables = {"fills": fills}
        if not is_export and (more := _more_fees(rows)) is not None:
            tables["flat_fees"] = more
        info = SourceInfo(
            uri=self.uri, kind="export_csv" if is_export else "trades_csv", bot=_bot(path),
            schema_version=None, layout="plain units", size_bytes=path.stat().st_size,
            sha256=sha256_of(path), rows={"fills": fills.height},
        )  # fmt: skip
        findings = _export_findings(self.uri, fills) if is_export else ()
        return RawTables(info, tables, _unreadable(rows, fills), findings)


def header_of(path: Path) -> set[str]:
    """Column names of a CSV, lower case; empty where the first line is not text."""
    return set(first_line(path))


def first_line(path: Path) -> list[str]:
    """Cells of the first line of a CSV, lower case; none where it is not text."""
    with path.open("rb") as file:
        first = file.readline(65_536)
    try:
        return [name.strip().strip('"').lower() for name in first.decode("utf-8-sig").split(",")]
    except UnicodeDecodeError:
        return []


def read_text_csv(uri: str, path: Path, columns: list[str] | None = None) -> pl.DataFrame:
    """Every cell of a CSV as text, or of some columns, with ``row`` = line after the header."""
    frame = _text_csv(uri, path, columns)
    return frame.with_row_index("row", offset=1).with_columns(pl.col("row").cast(pl.Int64))


def columns_of_csv(uri: str, path: Path) -> list[str]:
    """Column names of a CSV as it writes them."""
    return _text_csv(uri, path, None, n_rows=0).columns


def _text_csv(uri: str, path: Path, columns: list[str] | None, *, n_rows: int | None = None) -> pl.DataFrame:
    try:
        return pl.read_csv(
            path, columns=columns, n_rows=n_rows, infer_schema=False, truncate_ragged_lines=False,
            encoding="utf8-lossy",
        )  # fmt: skip
    except pl.exceptions.PolarsError as error:
        why = f"is not a CSV that can be read ({str(error).splitlines()[0]})"
        raise UnreadableSourceError(uri, why, "check for cut lines and quotes") from error


def _bot(path: Path) -> str:
    """Name of the bot behind ``trades_NAME.csv``."""
    return bot_name(path).removeprefix("trades_")


def _optional(rows: pl.DataFrame, name: str) -> pl.Expr:
    return pl.col(name) if name in rows.columns else pl.lit(None, dtype=pl.String)


def _float(column: pl.Expr) -> pl.Expr:
    return column.cast(pl.Float64, strict=False)


def _asset(rows: pl.DataFrame, name: str, place: int) -> pl.Expr:
    """An asset column, else that part of the pair."""
    return _optional(rows, name).fill_null(pl.col("symbol").str.split("-").list.get(place, null_on_oob=True))


def _trade_fills(rows: pl.DataFrame, bot: str) -> pl.DataFrame:
    fee = _optional(rows, "trade_fee")
    known = _is_fee(fee)
    return canonical(
        "fills",
        rows,
        bot=pl.lit(bot.removeprefix("trades_")),
        config=_optional(rows, "config_file_path").fill_null(bot),
        strategy=_optional(rows, "strategy").fill_null(""),
        connector=pl.col("market"),
        pair=pl.col("symbol"),
        base=_asset(rows, "base_asset", 0),
        quote=_asset(rows, "quote_asset", -1),
        at=us_to_utc(epoch_us(pl.col("timestamp"))),
        order_id=pl.col("order_id"),
        trade_id=_optional(rows, "exchange_trade_id").fill_null(""),
        side=side_of("trade_type"),
        order_type=_optional(rows, "order_type").fill_null(""),
        price_quote=_float(pl.col("price")),
        amount_base=_float(pl.col("amount")),
        quantum=pl.lit(0.0),
        leverage=_float(_optional(rows, "leverage")),
        position_action=tag("position") if "position" in rows.columns else pl.lit(None),
        fee_percent=pl.when(known).then(_float(fee.str.extract(_PERCENT)).fill_null(0.0)),
        fee_type=fee.str.extract(_FEE_TYPE),
        fee_token=fee.str.extract(_FEE_COIN),
        fee_amount=_float(fee.str.extract(_AMOUNT)),
        fee_quote_recorded=_float(_optional(rows, "trade_fee_in_quote")),
    )


def _is_fee(fee: pl.Expr) -> pl.Expr:
    """Whether a fee was understood: it names a part, and every number it names is one."""
    names_a_part = fee.str.contains("flat_fees", literal=True) | fee.str.contains("percent", literal=True)
    is_odd_percent = fee.str.contains(_SAYS_PERCENT) & _float(fee.str.extract(_PERCENT)).is_null()
    is_odd_amount = fee.str.count_matches(_SAYS_AMOUNT) != fee.str.count_matches(_AMOUNT)
    return names_a_part & ~is_odd_percent & ~is_odd_amount


def _more_fees(rows: pl.DataFrame) -> pl.DataFrame | None:
    """Flat fees after the first, where a fill has several."""
    if "trade_fee" not in rows.columns:
        return None
    several = rows.filter(pl.col("trade_fee").str.count_matches(_AMOUNT) > 1)
    if several.is_empty():
        return None
    found = []
    for row, text in several.select("row", "trade_fee").iter_rows():
        coins, amounts = re.findall(_FEE_COIN, text), re.findall(_AMOUNT, text)
        found += [(row, *part) for part in zip_longest(coins[1:], amounts[1:])]
    schema = {"row": pl.Int64, "token": pl.String, "amount": pl.String}
    frame = pl.DataFrame(found, schema=schema, orient="row")
    return canonical("flat_fees", frame, token=pl.col("token"), amount=_float(pl.col("amount")))


def _export_fills(rows: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Fills of ``export trades``: no order ids, no fees, local time taken as UTC."""
    pair = pl.col("market")
    return canonical(
        "fills", rows, bot=pl.lit(_bot(path)), config=pl.lit(path.stem), strategy=pl.lit(""),
        connector=pl.col("exchange"), pair=pair, base=pair.str.split("-").list.get(0),
        quote=pair.str.split("-").list.get(-1),
        at=pl.col("timestamp").str.to_datetime(time_unit="us", strict=False).dt.replace_time_zone("UTC"),
        order_id=pl.concat_str(pl.lit("export:"), pl.col("id")), trade_id=pl.col("id").fill_null(""),
        side=side_of("side"), order_type=_optional(rows, "order_type").str.to_uppercase().fill_null(""),
        price_quote=_float(pl.col("price")), amount_base=_float(pl.col("amount")), quantum=pl.lit(0.0),
        leverage=_float(_optional(rows, "leverage")),
        position_action=tag("position") if "position" in rows.columns else pl.lit(None),
    )  # fmt: skip


def _export_findings(uri: str, fills: pl.DataFrame) -> tuple[Finding, ...]:
    return (
        Finding(
            "fills", "local_time", Severity.WARNING,
            "the export states local times without a zone; they are taken as UTC", source=uri,
            n_rows=fills.height, effect="days and hours may be shifted",
            remedy="open the bot's database instead",
        ),
        Finding(
            "fills", "fees_unknown", Severity.ERROR, "the export states no fees", source=uri,
            n_rows=fills.height, effect="net PnL is before fees",
            remedy="open the bot's database instead",
        ),
    )  # fmt: skip


def _unreadable(rows: pl.DataFrame, fills: pl.DataFrame) -> pl.DataFrame:
    """Cells that are there and are not the number or time they should be."""
    found = []
    for column, target in (
        ("timestamp", "at"),
        ("price", "price_quote"),
        ("amount", "amount_base"),
        ("trade_fee", "fee_percent"),
    ):
        if column not in rows.columns:
            continue
        lost = rows.filter(fills[target].is_null() & rows[column].is_not_null()).head(MAX_LISTED_ROWS * 50)
        found += [("fills", row, column, value) for row, value in lost.select("row", column).iter_rows()]
    return pl.DataFrame(found, schema=UNREADABLE_SCHEMA, orient="row")
