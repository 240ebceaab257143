"""A database as a whole: what it is, what it holds, what it lacks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fillbook.errors import UnreadableSourceError
from fillbook.findings import Finding, Severity
from fillbook.sources.base import open_source
from fillbook.sources.sqlite import HummingbotDatabase
from fillbook.testing.databases import write_database
from sources.rows import execute, fill, order


def one(findings: tuple[Finding, ...], rule: str) -> Finding:
    (found,) = (finding for finding in findings if finding.rule == rule)
    return found


def test_the_source_says_what_it_read(tmp_path: Path) -> None:
    path = write_database(
        tmp_path / "bots" / "instances" / "maker-1" / "data" / "conf.sqlite",
        {"TradeFill": [fill(1), fill(2)], "Order": [order()]},
    )
    raw = open_source(str(path)).read()
    assert raw.info.kind == "hummingbot_sqlite"
    assert raw.info.bot == "maker-1"
    assert raw.info.rows == {"fills": 2, "orders": 1}
    assert raw.info.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert raw.info.size_bytes == path.stat().st_size
    assert raw.tables["fills"]["bot"].to_list() == ["maker-1"] * 2
    assert raw.tables["fills"]["source"].to_list() == [0, 0]
    assert raw.findings == ()
    assert raw.unreadable.is_empty()


def test_empty_tables_are_no_tables(tmp_path: Path) -> None:
    raw = HummingbotDatabase(str(write_database(tmp_path / "bot.sqlite", {}))).read()
    assert raw.tables == {}
    assert raw.info.rows == {}


def test_newer_columns_and_tables_are_named_and_left(tmp_path: Path) -> None:
    path = write_database(tmp_path / "bot.sqlite", {"TradeFill": [fill()]})
    execute(
        path, "ALTER TABLE TradeFill ADD COLUMN maker TEXT", "CREATE TABLE Vaults (id TEXT)",
        "INSERT INTO Vaults VALUES ('v')", "UPDATE Metadata SET value = '20990101'",
    )  # fmt: skip
    raw = HummingbotDatabase(str(path)).read()
    assert raw.tables["fills"].height == 1
    column, table = one(raw.findings, "unknown_column"), one(raw.findings, "unknown_table")
    assert (column.table, column.severity, "maker" in column.message) == ("TradeFill", Severity.INFO, True)
    assert (table.table, table.n_rows, "Vaults" in table.message) == ("Vaults", 1, True)
    assert "20990101" in one(raw.findings, "unknown_version").message
    assert all(finding.source == str(path) for finding in raw.findings)


@pytest.mark.parametrize(("lost", "effect"), [("Order", "no order metrics"), ("TradeFill", "no PnL")])
def test_half_a_database_is_read_with_an_error(tmp_path: Path, lost: str, effect: str) -> None:
    path = write_database(tmp_path / "bot.sqlite", {"TradeFill": [fill()], "Order": [order()]})
    execute(path, f'DROP TABLE "{lost}"')
    raw = HummingbotDatabase(str(path)).read()
    assert len(raw.tables) == 1
    missing = one(raw.findings, "missing_table")
    assert (missing.table, missing.severity, missing.effect) == (lost, Severity.ERROR, effect)


def test_a_database_of_something_else_says_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "notes.sqlite"
    execute(path, "CREATE TABLE notes (id TEXT)", "CREATE TABLE tags (id TEXT)")
    with pytest.raises(UnreadableSourceError, match="holds notes, tags") as failed:
        open_source(str(path)).read()
    assert "TradeFill and Order" in failed.value.remedy


def test_without_metadata_the_columns_still_tell(tmp_path: Path) -> None:
    path = write_database(tmp_path / "bot.sqlite", {"TradeFill": [fill()]})
    execute(path, "DROP TABLE Metadata")
    raw = HummingbotDatabase(str(path)).read()
    assert raw.info.schema_version is None
    assert raw.tables["fills"]["price_quote"].to_list() == [100.0]
    assert one(raw.findings, "unknown_version").severity is Severity.WARNING


@pytest.mark.parametrize(
    ("version", "layout"),
    [
        ("20190614", "float, 2019 or 2020"), ("20210119", "float, 2021 or 2022"),
        ("20220130", "scaled by 1e6, 2021 or 2022"), ("20230516", "scaled by 1e6, 2026"),
    ],
)  # fmt: skip
def test_the_layout_is_told_by_columns(tmp_path: Path, version: str, layout: str) -> None:
    path = write_database(tmp_path / "bot.sqlite", {"TradeFill": [fill()]}, version=version)
    assert HummingbotDatabase(str(path)).read().info.layout == layout
