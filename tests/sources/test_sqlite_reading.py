"""Opening a database so that no byte of it, or of what lies beside it, changes."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fillbook.sources.bot_database import number, words
from fillbook.sources.sqlite_reading import damaged, is_sqlite, opened
from fillbook.testing.databases import write_database
from sources.rows import execute, fill, hashes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_database(tmp_path / "bot #1%?.sqlite", {"TradeFill": [fill()]})


def n_fills(path: Path) -> int:
    with opened(str(path), path) as database:
        return database.counts["TradeFill"]


def test_numbers_and_texts_of_any_stored_type(tmp_path: Path) -> None:
    path = tmp_path / "odd.sqlite"
    execute(
        path, "CREATE TABLE odd (x, t)",
        "INSERT INTO odd VALUES (1, 'a'), (2.5, ''), ('3', NULL), (x'34', 7), (NULL, 1.5), (9e999, x'ff'), (-4, 'é')",
    )  # fmt: skip
    with opened(str(path), path) as database:
        rows = database.read("odd", [number("x"), words("t")])
    assert rows["row"].to_list() == [1, 2, 3, 4, 5, 6, 7]
    assert rows["x"].to_list() == [1.0, 2.5, None, None, None, None, -4.0]
    assert rows["t"].to_list() == ["a", None, None, "7", "1.5", None, "é"]


def test_an_empty_selection_keeps_its_columns(path: Path) -> None:
    with opened(str(path), path) as database:
        rows = database.read("TradeFill", [number("price"), words("symbol")], where="1 = 0")
    assert (rows.height, rows.columns) == (0, ["row", "price", "symbol"])


def test_declared_types_and_counts(path: Path) -> None:
    with opened(str(path), path) as database:
        assert database.columns["TradeFill"]["price"] == "BIGINT"
        assert database.counts["TradeFill"] == 1
        assert database.counts["Order"] == 0


def test_a_rollback_database_is_read_where_it_lies(path: Path) -> None:
    before = hashes(path)
    with opened(str(path), path) as database:
        assert "mode=ro" in database.address
        assert database.counts["TradeFill"] == 1
        assert hashes(path) == before
    assert hashes(path) == before


def test_a_clean_wal_database_grows_no_files(path: Path) -> None:
    execute(path, "PRAGMA journal_mode = WAL")
    before = hashes(path)
    assert n_fills(path) == 1
    assert hashes(path) == before == {path.name: before[path.name]}


def test_what_a_dead_bot_left_in_its_wal_is_read_from_a_copy(path: Path, tmp_path: Path) -> None:
    """A -wal without its -shm, as in a copy of a running bot: the fills in it count."""
    execute(path, "PRAGMA journal_mode = WAL")
    copy = tmp_path / "copied" / path.name
    copy.parent.mkdir()
    with closing(sqlite3.connect(path)) as bot:
        bot.execute("INSERT INTO TradeFill SELECT * FROM TradeFill WHERE 0")
        bot.execute("CREATE TABLE later (x)")
        bot.commit()
        for name in (path.name, f"{path.name}-wal"):
            shutil.copyfile(path.parent / name, copy.parent / name)
    before = hashes(copy)
    assert set(before) == {copy.name, f"{copy.name}-wal"}
    with opened(str(copy), copy) as database:
        assert "later" in database.columns
    assert hashes(copy) == before


def test_a_hot_journal_is_rolled_back_in_a_copy(path: Path, tmp_path: Path) -> None:
    """A bot killed inside a transaction: its half-written pages do not count."""
    dead = tmp_path / "dead" / path.name
    dead.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as bot:
        bot.execute("PRAGMA cache_size = 1")
        bot.execute("PRAGMA cache_spill = 1")
        bot.execute("BEGIN IMMEDIATE")
        bot.execute("CREATE TABLE half (x)")
        bot.executemany("INSERT INTO half VALUES (?)", ((b"x" * 900,) for _ in range(200)))
        for name in (path.name, f"{path.name}-journal"):
            shutil.copyfile(path.parent / name, dead.parent / name)
        bot.execute("ROLLBACK")
    before = hashes(dead)
    assert set(before) == {dead.name, f"{dead.name}-journal"}
    with opened(str(dead), dead) as database:
        assert "half" not in database.columns
        assert database.counts["TradeFill"] == 1
    assert hashes(dead) == before


@pytest.mark.parametrize(
    ("text", "why", "remedy"),
    [
        ("database is locked", "is locked", "try again"),
        ("database disk image is malformed", "is damaged in table TradeFill", ".recover"),
        ("disk I/O error", "is damaged in table TradeFill", ".recover"),
        ("something new\nsecond line", "cannot be read at table TradeFill: something new", ""),
    ],
)
def test_what_failed_is_said_in_words(text: str, why: str, remedy: str) -> None:
    said = damaged("bot.sqlite", "TradeFill", sqlite3.DatabaseError(text))
    assert why in said.why
    assert "second line" not in said.why
    assert remedy in said.remedy


def test_the_head_decides_what_is_sqlite(path: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.sqlite"
    text.write_text("SQLite format 4")
    assert is_sqlite(path)
    assert not is_sqlite(text)
