"""Where every row came from and what became of it, file by file and table by table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from fillbook.schema.raw import SourceInfo


@dataclass(frozen=True, slots=True)
class FileLineage:
    """One file that was read.

    Parameters
    ----------
    source
        Its number: `source` in every row that came from it.
    uri, kind, schema_version, layout, size_bytes, sha256
        As `fillbook.schema.raw.SourceInfo` says.
    bot
        The bot whose book its fills went to.
    """

    source: int
    uri: str
    kind: str
    bot: str
    schema_version: str | None
    layout: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class TableLineage:
    """One table of one file, step by step: read = duplicates + quarantined + kept.

    Parameters
    ----------
    source, table
        Which rows.
    read
        Rows the source handed over.
    duplicates
        Rows dropped because another row says the same.
    repaired
        Rows of `kept` whose value was restored from a more exact file.
    quarantined
        Rows refused, each with its reason in the table ``quarantine``.
    kept
        Rows in the canonical table.
    """

    source: int
    table: str
    read: int
    duplicates: int
    repaired: int
    quarantined: int
    kept: int


@dataclass(frozen=True, slots=True)
class Lineage:
    """Every file and what became of its rows."""

    files: tuple[FileLineage, ...] = ()
    tables: tuple[TableLineage, ...] = ()

    def as_frame(self) -> pl.DataFrame:
        """A row a file and table: identity of the file, then rows read, dropped, repaired, kept."""
        files = pl.DataFrame(self.files, schema=_FILE_SCHEMA)
        tables = pl.DataFrame(self.tables, schema=_TABLE_SCHEMA)
        return files.join(tables, on="source", how="left", maintain_order="left_right")

    @classmethod
    def of(cls, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Self:
        """Lineage of its rows as JSON: ``files`` and ``tables``."""
        files = tuple(FileLineage(**row) for row in rows["files"])
        return cls(files, tuple(TableLineage(**row) for row in rows["tables"]))


_FILE_SCHEMA = {
    "source": pl.Int64,
    "uri": pl.String,
    "kind": pl.String,
    "bot": pl.String,
    "schema_version": pl.String,
    "layout": pl.String,
    "size_bytes": pl.Int64,
    "sha256": pl.String,
}
_TABLE_SCHEMA = {
    "source": pl.Int64,
    "table": pl.String,
    "read": pl.Int64,
    "duplicates": pl.Int64,
    "repaired": pl.Int64,
    "quarantined": pl.Int64,
    "kept": pl.Int64,
}

Counts = Mapping[tuple[int, str], int]


def file_lineage(infos: Sequence[SourceInfo], bots: Sequence[str]) -> tuple[FileLineage, ...]:
    """Identity of each file, numbered as `infos` are."""
    return tuple(
        FileLineage(
            source=number,
            uri=info.uri,
            kind=info.kind,
            bot=bot,
            schema_version=info.schema_version,
            layout=info.layout,
            size_bytes=info.size_bytes,
            sha256=info.sha256,
        )
        for number, (info, bot) in enumerate(zip(infos, bots, strict=True))
    )


def table_lineage(
    read: Counts, *, duplicates: Counts, repaired: Counts, quarantined: Counts, kept: Counts
) -> tuple[TableLineage, ...]:
    """Counts of every table that was read, by file."""
    return tuple(
        TableLineage(
            source=key[0],
            table=key[1],
            read=n_read,
            duplicates=duplicates.get(key, 0),
            repaired=repaired.get(key, 0),
            quarantined=quarantined.get(key, 0),
            kept=kept.get(key, 0),
        )
        for key, n_read in sorted(read.items())
    )


def rows_by_source(table: str, rows: pl.DataFrame) -> dict[tuple[int, str], int]:
    """Number of `rows` by file, under the name `table`; `rows` needs its column `source`."""
    counts = np.bincount(rows["source"].to_numpy()) if rows.height else np.zeros(0, np.int64)
    return {(int(source), table): int(counts[source]) for source in np.flatnonzero(counts)}
