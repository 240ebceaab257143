"""The demo is what it says: six bots, every close type, books that balance, the same every time."""

from pathlib import Path

import polars as pl
import pytest

import fillbook
from fillbook.demo import demo_folder, write_demo
from fillbook.findings import Severity
from fillbook.ledger.invariants import Verdict, trust_line


@pytest.fixture(scope="session")
def data(demo: Path) -> fillbook.PerformanceDataSource:
    return fillbook.open_data(demo)


def test_six_bots_and_about_fifty_thousand_fills(data: fillbook.PerformanceDataSource) -> None:
    assert data.fills["bot"].n_unique() == 6
    assert 40_000 < data.fills.height < 60_000
    assert data.quarantine.is_empty()
    days = data.fills["at"].dt.date().n_unique()
    assert days == 60


def test_every_part_of_the_program_has_something_to_show(
    data: fillbook.PerformanceDataSource,
) -> None:
    for name in (
        "orders",
        "order_events",
        "executors",
        "controllers",
        "funding",
        "quotes",
        "candles",
    ):
        assert data.tables[name].height > 0, name
    assert set(data.executors["close_type"].cast(pl.String)) == {
        "TIME_LIMIT", "STOP_LOSS", "TAKE_PROFIT", "EXPIRED", "EARLY_STOP", "TRAILING_STOP",
        "INSUFFICIENT_BALANCE", "FAILED", "COMPLETED", "POSITION_HOLD",
    }  # fmt: skip
    assert {"BNB", "USDT", "DOGE"} <= set(data.fills["fee_token"].cast(pl.String))


def test_the_book_balances(data: fillbook.PerformanceDataSource) -> None:
    answer = fillbook.overview(data)
    assert trust_line(answer.checks) == "the book balances"
    assert not [check for check in answer.checks if check.verdict is Verdict.FAIL]
    assert not [finding for finding in answer.findings if finding.severity is Severity.ERROR]
    by_bot = dict(answer.books.group_by("bot").agg(pl.col("net_quote").sum()).iter_rows())
    assert by_bot["thin_doge"] < 0.0
    assert answer.metrics["net_pnl"].value == pytest.approx(sum(by_bot.values()))


def test_it_is_written_once(demo: Path, data: fillbook.PerformanceDataSource) -> None:
    path = next(demo.rglob("*.sqlite"))
    before = path.stat().st_mtime_ns
    write_demo(demo)
    assert path.stat().st_mtime_ns == before
    assert not list(demo.parent.glob(".*"))


def test_the_same_seed_gives_the_same_rows(data: fillbook.PerformanceDataSource, tmp_path: Path) -> None:
    write_demo(tmp_path / "again")
    again = fillbook.open_data(tmp_path / "again")
    assert again.fills.equals(data.fills)


def test_the_folder_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FILLBOOK_DEMO", str(tmp_path / "mine"))
    assert demo_folder() == tmp_path / "mine"
    monkeypatch.delenv("FILLBOOK_DEMO")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert demo_folder().name.startswith("demo-")
