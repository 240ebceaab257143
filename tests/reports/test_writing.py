import json
from pathlib import Path

import polars as pl
import pytest

from fillbook.errors import BadRequestError
from fillbook.reports.table import ReportTable
from fillbook.reports.writing import WRITERS, Format, table_bytes, write_table

TABLE = ReportTable("t", pl.DataFrame({"x": [1, 2]}))


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_a_file_is_what_a_download_is(tmp_path: Path, kind: Format) -> None:
    write_table(TABLE, kind, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == table_bytes(TABLE, kind)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]  # nothing is left beside it


def test_every_format_has_a_writer(tmp_path: Path) -> None:
    for kind in WRITERS:
        write_table(TABLE, kind, tmp_path / f"t.{kind}")
        assert (tmp_path / f"t.{kind}").stat().st_size > 0


def test_a_file_is_replaced_only_when_told(tmp_path: Path) -> None:
    target = tmp_path / "t.json"
    target.write_text("mine")
    with pytest.raises(BadRequestError, match="--force replaces it"):
        write_table(TABLE, "json", target)
    assert target.read_text() == "mine"
    write_table(TABLE, "json", target, is_forced=True)
    assert json.loads(target.read_text())["table"] == "t"


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_table: object, to: object) -> None:
        to.write(b"half")  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(WRITERS, "csv", fail)
    target = tmp_path / "t.csv"
    target.write_text("old")
    with pytest.raises(BadRequestError, match="cannot be written: No space left on device"):
        write_table(TABLE, "csv", target, is_forced=True)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_a_folder_is_no_target(tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match="is a folder; name a file"):
        write_table(TABLE, "csv", tmp_path)
    with pytest.raises(BadRequestError, match="is no folder; make it first"):
        write_table(TABLE, "csv", tmp_path / "none" / "t.csv")
