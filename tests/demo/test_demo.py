"""The demo is what it says: six bots, every close type, books that balance, the same every time."""

from pathlib import Path

import polars as pl
import pytest

import fillbook
from fillbook.arrays import Floats, Ints
from fillbook.demo import demo_folder, write_demo
from fillbook.demo.markets import START_S, Market
from fillbook.findings import Severity
from fillbook.ledger.invariants import Verdict, trust_line


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


def test_no_fill_precedes_its_order(data: fillbook.PerformanceDataSource) -> None:
    placed = data.orders.select("bot", "order_id", pl.col("at").alias("placed_at"))
    fills = data.fills.join(placed, on=["bot", "order_id"], how="left")
    assert fills["placed_at"].null_count() == 0
    assert fills.filter(pl.col("at") < pl.col("placed_at")).is_empty()


def test_a_fill_happens_when_the_market_is_there(
    data: fillbook.PerformanceDataSource, markets: dict[str, Market]
) -> None:
    fills = data.fills.filter(pl.col("bot") == "maker_sol").sort("at", "row")
    market, whole = markets["SOL-USDT"], fills.filter(pl.col("order_id").is_unique())
    for rows, least in ((fills, 0.999), (whole, 1.0)):
        second, side = rows["at"].dt.epoch("s").to_numpy() - START_S, rows["side"].to_numpy()
        # what is left to the price: of the best bid of a buy from above, of the best ask of a sell from below
        left = [side * (_best(market, second - ago, side) - rows["price_quote"].to_numpy()) for ago in (0, 1)]
        assert (left[0] <= market.tick).mean() >= least  # the rest: second parts, a second later
        if rows is whole:
            assert left[0].max() <= 1e-9
            assert (left[1] > 0.0).mean() > 0.99, "a second before it was not there yet"


def _best(market: Market, second: Ints, side: Ints) -> Floats:
    """True best bid of buys and best ask of sells, not rounded."""
    mid = market.mid_at(second)
    return mid - side * market.half_spread(mid)


def test_a_taker_pays_at_least_the_half_spread(
    data: fillbook.PerformanceDataSource, markets: dict[str, Market]
) -> None:
    taken = data.fills.filter(pl.col("order_type").cast(pl.String) == "MARKET")
    for (pair,), rows in taken.group_by("pair"):
        market = markets[str(pair)]
        mid = market.mid_at(rows["at"].dt.epoch("s").to_numpy() - START_S)
        paid = rows["side"].to_numpy() * (rows["price_quote"].to_numpy() - mid)
        assert (paid - market.half_spread(mid)).min() > -1e-6 * market.tick


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
