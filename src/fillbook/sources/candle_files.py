"""Candles from CSV and Parquet: Hummingbot's columns, Binance's, and close-only daily series."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.findings import Finding, Severity
from fillbook.schema.raw import RawTables, SourceInfo
from fillbook.sources.base import bot_name, checked_path, sha256_of
from fillbook.sources.csv_files import header_of, read_text_csv
from fillbook.sources.hummingbot import epoch_us, market_type, us_to_utc
from fillbook.sources.sqlite_trades import canonical

_TIMES = ("timestamp", "timestamp_ms", "open_time", "date", "datetime", "time")
_CLOSES = ("close", "adj_close", "adj close")
_VOLUMES_QUOTE = ("quote_asset_volume", "quote_volume")
_QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "USD", "EUR", "BTC", "ETH")
_CASH = frozenset({"USDT", "USDC", "USD", "EUR"})
_INTERVALS = {"1s": 1, "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1_800, "1h": 3_600,
              "2h": 7_200, "4h": 14_400, "6h": 21_600, "8h": 28_800, "12h": 43_200, "1d": 86_400}  # fmt: skip


class CandleFile:
    """One file of candles of one pair."""

    def __init__(self, uri: str) -> None:
        """Remember the address; nothing is read yet."""
        self.uri = uri

    @classmethod
    def matches(cls, path: Path) -> bool:
        """Whether it has a time and a close, and is no log of something else."""
        if path.suffix == ".parquet":
            return True
        if path.suffix.lower() != ".csv":
            return False
        header = header_of(path)
        return bool(header & set(_TIMES)) and bool(header & set(_CLOSES))

    def read(self) -> RawTables:
        """Candles with venue and pair as far as the file's name tells them.

        Raises
        ------
        UnreadableSourceError
            Not Parquet or CSV, or without time and close.
        """
        path = checked_path(self.uri)
        rows = _rows(self.uri, path)
        columns = set(rows.columns)
        time = next((name for name in _TIMES if name in columns), None)
        close = next((name for name in _CLOSES if name in columns), None)
        if time is None or close is None:
            raise UnreadableSourceError(
                self.uri, f"holds no candles: its columns are {', '.join(rows.columns[:8])}",
                "candles need timestamp, open, high, low, close and volume",
            )  # fmt: skip
        at = _times(rows, time)
        interval, pair, connector = _interval(path, at), _pair(path), _connector(path)
        candles = _candles(rows, at, close, interval).with_columns(
            connector=pl.lit(connector).cast(pl.Categorical), pair=pl.lit(pair).cast(pl.Categorical)
        )
        info = SourceInfo(
            uri=self.uri, kind="candles", bot=bot_name(path), schema_version=None,
            layout=f"candles of {interval:g} s", size_bytes=path.stat().st_size,
            sha256=sha256_of(path), rows={"candles": candles.height},
        )  # fmt: skip
        has_range = {"open", "high", "low"} <= columns
        return RawTables(
            info,
            {"candles": candles},
            findings=_findings(self.uri, pair, connector, has_range=has_range),
        )


def _rows(uri: str, path: Path) -> pl.DataFrame:
    """Rows with lower-case column names and their row number."""
    if path.suffix == ".parquet":
        try:
            frame = pl.read_parquet(path)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            why = f"is not a Parquet file that can be read ({str(error).splitlines()[0]})"
            raise UnreadableSourceError(uri, why) from error
        frame = frame.drop("row", strict=False).with_row_index("row", offset=1)
        rows = frame.with_columns(pl.col("row").cast(pl.Int64))
    else:
        rows = read_text_csv(uri, path)
    return rows.rename({name: name.strip().lower() for name in rows.columns})


def _times(rows: pl.DataFrame, name: str) -> pl.Series:
    """Open times in UTC: numbers by magnitude, text by ISO form."""
    dtype = rows.schema[name]
    if dtype.is_temporal():
        utc = pl.col(name).cast(pl.Datetime("us"))
        return rows.select(at=utc.dt.replace_time_zone("UTC")).to_series()
    number = rows.select(epoch_us(pl.col(name))).to_series()
    if number.null_count() < rows.height:
        return rows.select(at=us_to_utc(epoch_us(pl.col(name)))).to_series()
    plain = pl.col(name).str.replace(r"(?:\+00:00|Z)$", "")
    for form in ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d"):
        parsed = rows.select(at=plain.str.to_datetime(form, time_unit="us", strict=False)).to_series()
        if parsed.null_count() < rows.height:
            return parsed.dt.replace_time_zone("UTC")
    return pl.Series("at", [None] * rows.height, dtype=pl.Datetime("us", "UTC"))


def _candles(rows: pl.DataFrame, at: pl.Series, close: str, interval: float) -> pl.DataFrame:
    def value(*names: str) -> pl.Expr:
        found = [pl.col(name) for name in names if name in rows.columns]
        return found[0].cast(pl.Float64, strict=False) if found else pl.lit(None, dtype=pl.Float64)

    last = value(close)
    timed = rows.drop("at", strict=False).with_columns(at)
    return canonical(
        "candles", timed, interval_s=pl.lit(interval), at=pl.col("at"),
        open_quote=value("open").fill_null(last), high_quote=value("high").fill_null(last),
        low_quote=value("low").fill_null(last), close_quote=last, volume_base=value("volume"),
        volume_quote=value(*_VOLUMES_QUOTE),
    )  # fmt: skip


def _interval(path: Path, at: pl.Series) -> float:
    """Seconds of the interval the name states, else the commonest step between rows."""
    for part in re.split(r"[_|/.\-]", path.stem):
        if part in _INTERVALS:
            return float(_INTERVALS[part])
    steps = at.drop_nulls().sort().diff().drop_nulls().dt.total_seconds()
    usual = steps.filter(steps > 0).median()
    return float(usual) if isinstance(usual, int | float) else 60.0


def _pair(path: Path) -> str | None:
    """BASE-QUOTE as the file's name states it (BTC-USDT, BTCUSDT, btc_usdt), null where it does not."""
    words = re.split(r"[_|. ]", path.stem.upper())
    for word in words:
        base, dash, quote = word.partition("-")
        if dash and base and quote in _QUOTES:
            return word
    for word in words:
        quote = next((q for q in _QUOTES if word.endswith(q) and word != q), None)
        if quote is not None:
            return f"{word.removesuffix(quote)}-{quote}"
    for base, quote in pairwise(words):
        if quote in _CASH and not market_type(base.lower())[1]:
            return f"{base}-{quote}"
    return None


def _connector(path: Path) -> str | None:
    """The longest connector name Hummingbot knows in the file's name, null where there is none."""
    words = re.split(r"[_|\-.]", path.stem.lower())
    runs = ["_".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, len(words) + 1)]
    known = [run for run in runs if run and market_type(run.removesuffix("_perpetual"))[1]]
    return max(known, key=len, default=None)


def _findings(uri: str, pair: str | None, connector: str | None, *, has_range: bool) -> tuple[Finding, ...]:
    found = []
    if pair is None or connector is None:
        lacks = (
            "neither venue nor pair"
            if pair is None and connector is None
            else "no pair"
            if pair is None
            else "no venue"
        )
        found.append(
            Finding(
                "candles",
                "candles_unnamed",
                Severity.WARNING,
                f"the file's name states {lacks}",
                source=uri,
                effect="candles without a pair mark nothing"
                if pair is None
                else "they mark the pair on any venue",
                remedy="name it candles_<connector>_<BASE-QUOTE>_<interval>.csv",
            )
        )
    if not has_range:
        found.append(
            Finding(
                "candles",
                "close_only",
                Severity.INFO,
                "the file has closes only; open, high and low repeat them",
                source=uri,
                effect="no range for MAE, MFE and volatility from ranges",
            )
        )
    return tuple(found)
