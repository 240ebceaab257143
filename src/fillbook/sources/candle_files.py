"""Candles from CSV and Parquet: Hummingbot's columns, Binance's, and close-only daily series."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.findings import Finding, Severity
from fillbook.schema.raw import RawTables, SourceInfo
from fillbook.sources.base import bot_name, checked_path, sha256_of
from fillbook.sources.market_columns import (
    CANDLE_TIMES,
    CLOSES,
    TABLES,
    columns_of,
    first_of,
    is_candles,
    is_quotes,
    is_timeless,
    is_trades,
)
from fillbook.sources.market_files import connector_in_name, pair_in_name, rows_of, times, unnamed
from fillbook.sources.sqlite_trades import canonical

_VOLUMES_QUOTE = ("quote_asset_volume", "quote_volume")
INTERVALS = {"1s": 1, "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1_800, "1h": 3_600,
              "2h": 7_200, "4h": 14_400, "6h": 21_600, "8h": 28_800, "12h": 43_200, "1d": 86_400}  # fmt: skip


class CandleFile:
    """One file of candles of one pair."""

    opens = "candles as CSV and Parquet"
    example = "candles_binance_SOL-USDT_1m.csv"

    def __init__(self, uri: str) -> None:
        """Remember the address; nothing is read yet."""
        self.uri = uri

    @classmethod
    def matches(cls, path: Path) -> bool:
        """Whether it has a time and a close, and is no log of something else."""
        if path.suffix.lower() not in TABLES:
            return False
        columns = columns_of(path)
        if path.suffix.lower() == ".parquet":  # one of unknown columns is told here what it lacks
            return not (is_quotes(columns) or is_trades(columns) or is_timeless(columns))
        return is_candles(columns)

    def read(self) -> RawTables:
        """Candles with venue and pair as far as the file's name tells them.

        Raises
        ------
        UnreadableSourceError
            Not Parquet or CSV, or without time and close.
        """
        path = checked_path(self.uri)
        rows = rows_of(self.uri, path)
        columns = set(rows.columns)
        time = first_of(columns, CANDLE_TIMES)
        close = first_of(columns, CLOSES)
        if time is None or close is None:
            raise UnreadableSourceError(
                self.uri, f"holds no candles: its columns are {', '.join(rows.columns[:8])}",
                "candles need timestamp, open, high, low, close and volume",
            )  # fmt: skip
        at = times(rows, time)
        interval, pair, connector = _interval(path, at), pair_in_name(path), connector_in_name(path)
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
        if part in INTERVALS:
            return float(INTERVALS[part])
    steps = at.drop_nulls().sort().diff().drop_nulls().dt.total_seconds()
    usual = steps.filter(steps > 0).median()
    return float(usual) if isinstance(usual, int | float) else 60.0


def _findings(uri: str, pair: str | None, connector: str | None, *, has_range: bool) -> tuple[Finding, ...]:
    found = list(unnamed(
        "candles", uri, pair=pair is not None, connector=connector is not None,
        effects=("candles without a pair mark nothing", "they mark the pair on any exchange"),
        remedy="name it candles_<connector>_<BASE-QUOTE>_<interval>.csv",
    ))  # fmt: skip
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
