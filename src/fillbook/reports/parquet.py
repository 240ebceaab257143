"""Parquet: exact types, with units and meanings in the file's metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from fillbook.reports.json import to_json

if TYPE_CHECKING:
    from fillbook.reports.table import ReportTable


def write_parquet(table: ReportTable, to: BinaryIO) -> None:
    """Write a table as Parquet.

    The key ``fillbook`` of the metadata holds what the table is about, and the unit and meaning
    of each column, as JSON.
    """
    about = {
        "table": table.name,
        "about": table.about,
        "units": table.units,
        "meanings": table.meanings,
    }
    table.rows.write_parquet(to, metadata={"fillbook": to_json(about)})
