import json
from pathlib import Path

import pytest

from cli.command_line import Run
from fillbook.analysis.execution import execution
from fillbook.performance_data_source import open_data
from fillbook.testing.databases import write_database

SECOND, START_MS = 1_000, 1_700_000_000_000
ID = "x-bot{}BTUT{:013x}aaaa"


@pytest.fixture
def quoted(tmp_path: Path) -> Path:
    """A maker that quotes 99 and 101 at one tick, and 100 and 102 ten seconds later; the first bid fills."""
    orders, statuses, fills = [], [], []
    for number, (side, at_s, price) in enumerate(
        [("B", 0, 99.0), ("S", 0, 101.0), ("B", 10, 100.0), ("S", 10, 102.0)]
    ):
        at = START_MS + at_s * SECOND
        name = ID.format(side, at * 1_000 - 40_000 + number)
        word = "Buy" if side == "B" else "Sell"
        ended = f"{word}OrderCompleted" if number == 0 else "OrderCancelled"
        orders.append({
            "id": name, "config_file_path": "conf.yml", "strategy": "pure_market_making", "market": "binance",
            "symbol": "ABC-USDT", "base_asset": "ABC", "quote_asset": "USDT", "creation_timestamp": at,
            "order_type": "LIMIT_MAKER", "amount": 2.0, "leverage": 1, "price": price, "last_status": ended,
            "last_update_timestamp": at + 4_500, "exchange_order_id": str(number), "position": "NIL",
        })  # fmt: skip
        events = [(f"{word}OrderCreated", at), (ended, at + 4_500)]
        if number == 0:
            events.insert(1, ("OrderFilled", at + 4_000))
            fills.append({
                "config_file_path": "conf.yml", "strategy": "pure_market_making", "market": "binance",
                "symbol": "ABC-USDT", "base_asset": "ABC", "quote_asset": "USDT", "timestamp": at + 4_000,
                "order_id": name, "trade_type": "BUY", "order_type": "LIMIT_MAKER", "price": price, "amount": 2.0,
                "leverage": 1, "trade_fee": {"percent": 0, "percent_token": None, "flat_fees": []},
                "trade_fee_in_quote": 0.0, "exchange_trade_id": "t1", "position": "NIL",
            })  # fmt: skip
        statuses += [{"order_id": name, "status": status, "timestamp": when} for status, when in events]
    tables = {"Order": orders, "OrderStatus": statuses, "TradeFill": fills}
    return write_database(tmp_path / "maker.sqlite", tables)


def test_the_tables_say_what_is_known_and_why_the_rest_is_not(run: Run, quoted: Path) -> None:
    said = run("execution", quoted)
    assert said.code == 0
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert lines[0].endswith("· 4 orders · 1 fill · USDT · quotes at most 5 s old")
    assert any("Fill rate 25.00 %" in line for line in lines)
    # bought 2 at 99 where the bot saw 100: 2 USDT
    assert any(line.startswith("Spread earned 2.00 USDT") for line in lines)
    assert "the bot's own two-sided quotes 1 100.00 % 4 s 4 s 4 s" in lines
    assert any(line.startswith("1 s 0 0.00 % the fills' clock is too coarse") for line in lines)


def test_json_is_strict_and_equals_the_library(run: Run, quoted: Path) -> None:
    def refuse(word: str) -> None:
        pytest.fail(f"{word} in the JSON")

    said = json.loads(run("execution", quoted, "--json").out, parse_constant=refuse)
    assert said["schema"] == "fillbook.execution/1"
    answer = execution(open_data(quoted))
    assert {key: result["value"] for key, result in said["metrics"].items()} == {
        key: result.value for key, result in answer.metrics.items()
    }
    assert said["rows"] == {"orders": 4, "fills": 1, "parents": 1}
    assert said["by_order"]["side"][0]["tag"] == "BUY"
    assert said["by_order"]["side"][0]["fill_rate"] == 0.5


def test_a_quote_may_be_as_old_as_one_says(run: Run, quoted: Path) -> None:
    said = json.loads(run("execution", quoted, "--quote-age", "3", "--json").out)
    earned = said["metrics"]["spread_earned"]
    assert (earned["value"], earned["status"]) == (None, "unavailable")
    assert said["conventions"]["max_quote_age_s"] == 3.0
    bad = run("execution", quoted, "--quote-age", "0")
    assert bad.code == 2
    assert "--quote-age is a number of seconds above 0" in bad.err


def test_its_tables_are_exported(run: Run, quoted: Path, tmp_path: Path) -> None:
    for name, rows in (
        ("order_execution", 4),
        ("fill_execution", 1),
        ("trade_execution", 1),
        ("shortfalls", 1),
        ("markouts", 10),
    ):
        for kind in ("csv", "json", "parquet", "xlsx"):
            said = run("export", quoted, "--table", name, "-o", tmp_path / f"{name}.{kind}")
            assert said.code == 0, said.err
            assert f"{rows} rows of {name}" in said.err


def test_a_summary_points_to_it(run: Run, quoted: Path) -> None:
    said = run("summary", quoted, "--metric", "spread_capture")
    assert said.code == 2
    assert "fillbook execution" in said.err
