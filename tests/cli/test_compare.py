"""``fillbook compare``: the terminal, strict JSON equal to the library, and what it refuses."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from cli.command_line import Run
from fillbook.analysis.compare import compare
from fillbook.performance_data_source import open_data
from fillbook.testing.databases import write_database

START_MS, HOUR_MS, DAY_MS = 1_767_225_600_000, 3_600_000, 86_400_000  # 2026-01-01
FEE = {"percent": "0", "percent_token": "USDT", "flat_fees": []}


def bot(folder: Path, name: str, pnl: list[float], *, first: int = 0) -> Path:
    """Bought at 100 at one o'clock, sold at 100 + PnL at noon, each day."""
    rows = [
        {
            "market": "binance", "symbol": "ABC-USDT", "base_asset": "ABC", "quote_asset": "USDT",
            "timestamp": START_MS + (first + day) * DAY_MS + hour * HOUR_MS, "order_id": f"{name}{day}{side}",
            "trade_type": side, "price": price, "amount": 1.0, "trade_fee": FEE, "trade_fee_in_quote": 0.0,
            "exchange_trade_id": f"{name}{day}{side}",
        }
        for day, won in enumerate(pnl)
        for hour, side, price in ((1, "BUY", 100.0), (12, "SELL", 100.0 + won))
    ]  # fmt: skip
    return write_database(folder / f"{name}.sqlite", {"TradeFill": rows})


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    return bot(tmp_path, "a", [3.0, -1.0] * 15), bot(tmp_path, "b", [1.0, -1.0] * 15)


def refuse(word: str) -> None:
    pytest.fail(f"{word} in the JSON")


def test_the_terminal_says_first_what_matters(run: Run, two: tuple[Path, Path]) -> None:
    said = run("compare", *two, "--capital", "100", "--reference", "b", "--benchmark", "zero")
    assert said.code == 0, said.err
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert lines[0] == "2 sides on 30 common days, 01 Jan 2026 – 30 Jan 2026 UTC."
    assert lines[1].startswith("Against b, a earned more a day, +1.00 %")
    assert "a 2026-01-01 2026-01-30 30 30.00 USDT 9.39 50.00 % 1.00 49.75" in lines
    # a is +3 and −1 where b is +1 and −1: beta 2, alpha 1 % × 365, capture 3 and 1, 30 % ahead
    assert "a 365.00 % 2.00 1.00 19.43 % 18.78 300.00 % 100.00 % 30.00 %" in lines
    assert any(line.startswith("b mean a day 0.00 %") for line in lines)


def test_json_is_strict_and_equals_the_library(run: Run, two: tuple[Path, Path]) -> None:
    said = json.loads(run("compare", *two, "--json").out, parse_constant=refuse)
    assert said["schema"] == "fillbook.compare/1"
    answer = compare({path.stem: open_data(path) for path in two})
    (found,), (listed,) = answer.measured, said["measured"]
    assert {k: r["value"] for k, r in listed["metrics"].items()} == {
        k: r.value for k, r in found.metrics.items()
    }
    assert listed["metrics"]["alpha"]["status"] == "unavailable"
    assert listed["differences"][0]["low"] == found.differences[0].low
    assert said["alignment"]["n_days"] == 30
    assert len(said["sources"]) == 2
    assert [row["net"] for row in said["sides"]] == [30.0, 0.0]
    assert said["correlation"]["matrix"][0][1] == pytest.approx(1.0)


def test_parts_and_periods_of_one_opening(run: Run, two: tuple[Path, Path]) -> None:
    by = json.loads(
        run("compare", *two, "--by", "bot", "--capital", "a=100", "--capital", "b=50", "--json").out
    )
    assert [row["capital"] for row in by["sides"]] == [100.0, 50.0]
    assert by["kind"] == "bot"
    windows = ("--periods", "2026-01-01..2026-01-10", "--periods", "2026-01-11..2026-01-30")
    periods = json.loads(run("compare", two[0], *windows, "--json").out)
    assert [row["net"] for row in periods["sides"]] == [10.0, 20.0]
    assert periods["measured"][0]["is_paired"] is False


def test_a_benchmark_and_peers_of_files(run: Run, two: tuple[Path, Path], tmp_path: Path) -> None:
    from fillbook.testing.tables import START

    days = [f"{(START + timedelta(days=i)).date()},{0.01 * (-1) ** i}" for i in range(30)]
    index, peers = tmp_path / "index.csv", tmp_path / "peers.json"
    index.write_text("\n".join(["date,return", *days]))
    wrote = run("compare", *two, "--by", "bot", "--peer-rows", peers)
    assert wrote.code == 0, wrote.err
    rows = json.loads(peers.read_text(), parse_constant=refuse)
    assert rows["schema"] == "fillbook.peers/1"
    assert "a" not in {str(value) for row in rows["rows"] for value in row.values()}
    said = run("compare", two[0], "--benchmark", index, "--peers", peers, "--json")
    answer = json.loads(said.out, parse_constant=refuse)
    assert answer["measured"][0]["other"] == "index"
    assert answer["measured"][0]["metrics"]["beta_holding"]["value"] == pytest.approx(200.0)
    placed = {row["metric"]: row for row in answer["peers"]}
    assert (placed["sharpe"]["n_peers"], placed["sharpe"]["percentile"]) == (2, 0.75)  # itself, and b below
    again = run("compare", two[0], "--peer-rows", peers)
    assert (again.code, "is there already" in again.err) == (2, True)


def test_one_bot_alone_is_told_where_to_go(run: Run, two: tuple[Path, Path]) -> None:
    said = run("compare", two[0])
    assert said.code == 0
    assert "nothing to compare it with: choose a benchmark" in said.out


def test_many_months_stand_below_one_another(run: Run, tmp_path: Path) -> None:
    said = run("compare", bot(tmp_path, "a", [1.0] * 70), bot(tmp_path, "b", [2.0] * 70))
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    first = lines.index("month a b")
    # the days of January, of February, and eleven of March, each of 1 and of 2
    assert lines[first + 1 : first + 4] == [
        "Jan 2026 31.00 62.00",
        "Feb 2026 28.00 56.00",
        "Mar 2026 11.00 22.00",
    ]


def test_disjoint_sources_say_so(run: Run, tmp_path: Path) -> None:
    early, late = bot(tmp_path, "early", [1.0, 2.0] * 6), bot(tmp_path, "late", [1.0, 2.0] * 6, first=20)
    said = run("compare", early, late)
    assert said.code == 0
    assert "No day is common to all of them" in said.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--capital", "much"], "--capital is an amount or NAME=AMOUNT"),
        (["--capital", "5", "--capital", "a=1"], "either one amount for every side"),
        (["--capital", "nobody=1"], "capital of nobody: no side is called so; there are a, b"),
        (["--by", "bot", "--periods", "2026-01-01..2026-01-02"], "not both at once"),
        (["--periods", "2026-01-01"], "--periods is two UTC days"),
        (["--periods", "2026-01-03..2026-01-02"], "ends before it begins"),
        (["--benchmark", "none.csv"], "none.csv"),
        (["--benchmark", "gold"], "there is no benchmark 'gold'"),
        (["--reference", "c"], "there is no side 'c'"),
        (["--peers", "none.json"], "none.json"),
    ],
)
def test_what_it_refuses(run: Run, two: tuple[Path, Path], words: list[str], says: str) -> None:
    said = run("compare", *two, *words)
    assert said.code == 2
    assert says in said.err
    assert len(said.err.strip().splitlines()) == 1
