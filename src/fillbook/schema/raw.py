"""What a source hands to the ETL: canonical columns, unchecked rows, and where they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from fillbook.findings import Finding

UNREADABLE_SCHEMA = {
    "table": pl.String,
    "row": pl.Int64,
    "column": pl.String,
    "value": pl.String,
}


def no_unreadable() -> pl.DataFrame:
    """Empty frame of cells that could not be read."""
    return pl.DataFrame(schema=UNREADABLE_SCHEMA)


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """Identity of one opened file.

    Parameters
    ----------
    uri
        As the user gave it, or as found below the folder he gave.
    kind
        ``hummingbot_sqlite``, ``checkpoint_sqlite``, ``checkpoint_json``, ``trades_csv``,
        ``export_csv``, ``candles``, ``quotes``, ``market_trades``, …
    bot
        Instance folder for ``bots/instances/NAME`` and ``bots/archived/NAME``, else the file's stem.
    schema_version
        ``local_db_version`` of the Metadata table; None where there is none.
    layout
        What the columns say the layout is (``float 2021``, ``scaled 2023``): units follow it.
    size_bytes, sha256
        Of the file when it was read.
    rows
        Rows read, by canonical table.
    """

    uri: str
    kind: str
    bot: str
    schema_version: str | None
    layout: str
    size_bytes: int
    sha256: str
    rows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RawTables:
    """Tables of one source in canonical columns and units, before any check.

    `tables` holds only what the source has; `source` is 0 in every row (the ETL numbers the
    files), and `row` is the row of the file. A cell that could not be converted is null and listed
    in `unreadable` (table, row, column, value as text). Fills carry null `controller_id`,
    `executor_id` and `close_type`: the ETL links them.
    """

    info: SourceInfo
    tables: Mapping[str, pl.DataFrame]
    unreadable: pl.DataFrame = field(default_factory=no_unreadable)
    findings: tuple[Finding, ...] = ()
    continues: bool = False
