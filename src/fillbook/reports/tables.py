"""A table as a file: written beside its place and renamed, so that a crash leaves the old one."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from fillbook.errors import BadRequestError, MissingExtraError
from fillbook.reports.json import dumps

_FORMULA = r"^[=+\-@\t\r]"  # a spreadsheet would run what begins so


def _safe(table: pl.DataFrame) -> pl.DataFrame:
    """Text that a spreadsheet would run as a formula gets an apostrophe; lists become JSON."""
    columns = []
    for name, dtype in table.schema.items():
        column = pl.col(name)
        if isinstance(dtype, pl.List | pl.Struct):
            column = column.map_elements(_json_text, return_dtype=pl.String)
        elif dtype in (pl.String, pl.Categorical):
            text = column.cast(pl.String)
            column = pl.when(text.str.contains(_FORMULA)).then("'" + text).otherwise(text)
        columns.append(column.alias(name))
    return table.select(columns)


def _json_text(value: pl.Series | dict[str, object]) -> str:
    return json.dumps(value.to_list() if isinstance(value, pl.Series) else value, ensure_ascii=False)


def as_csv(table: pl.DataFrame) -> bytes:
    """CSV with a header; times in ISO form with zone, missing values empty."""
    return _safe(table).write_csv(datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ").encode()


def as_json(table: pl.DataFrame) -> bytes:
    """A list of objects, strict JSON."""
    return dumps(table).encode()


def as_parquet(table: pl.DataFrame) -> bytes:
    """Parquet with the table's own types."""
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


def as_excel(table: pl.DataFrame, *, sheet: str = "fillbook") -> bytes:
    """A workbook of one sheet with native numbers and times (UTC).

    Raises
    ------
    MissingExtraError
        XlsxWriter is not installed.
    """
    if find_spec("xlsxwriter") is None:
        raise MissingExtraError("excel", "writing Excel files")
    buffer = io.BytesIO()
    naive = pl.selectors.datetime(time_zone="UTC").dt.replace_time_zone(None)
    _safe(table).with_columns(naive).write_excel(buffer, worksheet=sheet, autofit=True)
    return buffer.getvalue()


WRITERS: dict[str, Callable[[pl.DataFrame], bytes]] = {
    "csv": as_csv, "json": as_json, "parquet": as_parquet, "xlsx": as_excel,
}  # fmt: skip


def write_table(table: pl.DataFrame, path: Path, form: str, *, force: bool = False) -> None:
    """Write a table as ``csv``, ``json``, ``parquet`` or ``xlsx``.

    Raises
    ------
    BadRequestError
        An unknown format, a file that is there already, or a folder that is not.
    """
    if form not in WRITERS:
        message = f"format is one of {', '.join(WRITERS)}, not {form!r}"
        raise BadRequestError(message)
    if path.exists() and not force:
        message = f"{path} is there already; say --force to replace it"
        raise BadRequestError(message)
    content = WRITERS[form](table)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        message = f"{path} cannot be written: {error.strerror}"
        raise BadRequestError(message) from error
