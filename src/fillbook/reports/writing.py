"""One way to write a table, whatever its format: beside the target, then renamed."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from fillbook.errors import BadRequestError
from fillbook.reports.csv import write_csv
from fillbook.reports.excel import write_xlsx
from fillbook.reports.json import write_json
from fillbook.reports.parquet import write_parquet

if TYPE_CHECKING:
    from fillbook.reports.table import ReportTable

Format = Literal["csv", "json", "parquet", "xlsx"]
Writer = Callable[["ReportTable", BinaryIO], None]
WRITERS: dict[Format, Writer] = {
    "csv": write_csv, "json": write_json, "parquet": write_parquet, "xlsx": write_xlsx,
}  # fmt: skip


def table_bytes(table: ReportTable, kind: Format) -> bytes:
    """Content of the file that `write_table` would write, for a download."""
    buffer = io.BytesIO()
    WRITERS[kind](table, buffer)
    return buffer.getvalue()


def write_table(table: ReportTable, kind: Format, path: Path, *, is_forced: bool = False) -> None:
    """Write a table to a file; whoever looks sees the old file or the whole new one.

    Parameters
    ----------
    table, kind
        What, and in which format.
    path
        Where to.
    is_forced
        Whether a file that is there may be replaced.

    Raises
    ------
    BadRequestError
        The file is there already, its folder is not, or it may not be written.
    """
    refuse_existing(path, is_forced=is_forced)
    try:
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                WRITERS[kind](table, file)
            Path(beside).chmod(0o666 & ~_umask())
            Path(beside).replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                Path(beside).unlink()
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise BadRequestError(message) from error


def refuse_existing(path: Path, *, is_forced: bool) -> None:
    """Refuse a target that must not be replaced.

    Raises
    ------
    BadRequestError
        It is a folder, it is there already, or its folder is not.
    """
    if path.is_dir():
        message = f"{path} is a folder; name a file"
        raise BadRequestError(message)
    if not path.parent.is_dir():
        message = f"{path.parent} is no folder; make it first"
        raise BadRequestError(message)
    if path.exists() and not is_forced:
        message = f"{path} is there already; --force replaces it"
        raise BadRequestError(message)


def _umask() -> int:
    """Permissions that new files lack, as the user set them."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
