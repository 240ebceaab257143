import json
import math
from pathlib import Path

import pytest

from cli.command_line import Run
from fillbook.analysis.risk import risk
from fillbook.conventions import Conventions, RiskConventions
from fillbook.performance_data_source import open_data
from fillbook.testing.databases import write_database

DAY_MS, START_MS = 86_400_000, 1_700_006_400_000  # midnight UTC
FEE = {"percent": 0, "percent_token": None, "flat_fees": []}


def fill(number: int, day: int, side: str, price: float, amount: float = 1.0) -> dict[str, object]:
    return {
        "config_file_path": "conf.yml", "strategy": "pmm", "market": "binance_perpetual", "symbol": "BTC-USDT",
        "base_asset": "BTC", "quote_asset": "USDT", "timestamp": START_MS + day * DAY_MS + number % 2 * 3_600_000,
        "order_id": f"o{number}", "trade_type": side, "order_type": "LIMIT", "price": price, "amount": amount,
        "leverage": 1, "trade_fee": FEE, "trade_fee_in_quote": 0.0, "exchange_trade_id": f"t{number}",
        "position": "NIL",
    }  # fmt: skip


@pytest.fixture(scope="module")
def trader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 days of one trade each, a few of them lost; 2 BTC are still held."""
    fills = []
    for day in range(40):
        result = round(10.0 * math.sin(day * day), 2)
        fills += [fill(2 * day, day, "BUY", 1_000.0), fill(2 * day + 1, day, "SELL", 1_000.0 + result)]
    fills.append(fill(100, 40, "BUY", 1_000.0, 2.0))
    return write_database(tmp_path_factory.mktemp("risk") / "trader.sqlite", {"TradeFill": fills})


def refuse(word: str) -> None:
    pytest.fail(f"{word} in the JSON")


def test_json_is_strict_and_equals_the_library(run: Run, trader: Path) -> None:
    words = (
        "--json",
        "--trials",
        7,
        "--capital",
        1_500,
        "--maintenance",
        0.01,
        "--loss",
        100,
        "--horizon",
        10,
    )
    said = json.loads(run("risk", trader, *words).out, parse_constant=refuse)
    assert said["schema"] == "fillbook.risk/1"
    asked = RiskConventions(trials=7, maintenance_margin=0.01, losses=(100.0,), horizon_days=10)
    answer = risk(open_data(trader), None, Conventions(capital=1_500.0), asked)
    assert {key: one["value"] for key, one in said["metrics"].items()} == {
        key: one.value for key, one in answer.metrics.items()
    }
    assert {key: (one["low"], one["seed"]) for key, one in said["intervals"].items()} == {
        key: (one.low, one.seed) for key, one in answer.intervals.items()
    }
    assert said["asked"]["trials"] == 7
    assert said["tails"] == answer.tails.to_dicts()
    assert said["stress"]["paths"]["losses"][0]["loss"] == 100.0
    assert said["stress"]["assumption"] == "linear, no re-hedging"
    assert len(said["stress"]["crash_table"]["crashes"]) == 7
    # 2 BTC of 1,000: −39.5 % is 790; 1,500 + net of the days is left, and 1 % of 1,210 maintained
    first = said["stress"]["crashes"]["totals"][0]
    assert first["change"] == pytest.approx(-790.0)
    assert first["maintenance"] == pytest.approx(12.1)
    assert first["liquidated"] is False
    assert said["concentration"]["gross"] == 2_000.0
    assert said["findings"]
    assert said["correlation"]["bot"]["ewma_decay"] == 0.97
    assert {"autocorrelation", "sharpe_lo"} <= said["sharpes"][0].keys()
    assert said["metrics"]["sharpe_ratio_lo"]["value"] == answer.metrics["sharpe_ratio_lo"].value


def test_missing_numbers_have_their_reason(run: Run, trader: Path) -> None:
    said = json.loads(run("risk", trader, "--json").out, parse_constant=refuse)
    lost = said["metrics"]["deflated_sharpe_ratio"]
    assert (lost["value"], lost["status"], lost["reasons"]) == (None, "unavailable", ["trials_not_declared"])
    assert (said["concentration"]["gross_over_capital"], said["concentration"]["gross_over_capital_reason"]) == (
        None, "no_capital",
    )  # fmt: skip
    assert {row["reason"] for row in said["backtests"]} == {"too_few_for_backtest"}
    assert said["intervals"]["calmar_ratio"]["reasons"] == ["no_capital"]
    assert said["stress"]["crashes"]["totals"][0]["liquidated"] is None


def test_the_tables_say_what_is_known_and_why_the_rest_is_not(run: Run, trader: Path) -> None:
    said = run("risk", trader, "--capital", 900, "--trials", 3)
    assert said.code == 0
    text = " ".join(said.out.split())
    assert "40 days · USDT · capital 900 · 3 trials" in text
    assert "Black Thursday worst day −790.00" in text
    assert "too few days for this level" in text
    assert "stress is linear, no re-hedging" in text
    # 900 − 40.35 lost − 1,046.60: below nothing
    assert "Black Thursday to the low −1,046.60 −1,046.60 100.00 % no yes" in text


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--trials", "0"), "trials is a whole number"), (("--leverage", "0"), "leverage is a number above 0"),
        (("--maintenance", "2"), "maintenance margin is a share"), (("--loss", "-5"), "losses are amounts"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_one_clear_error(
    run: Run, trader: Path, words: tuple[str, ...], why: str
) -> None:
    said = run("risk", trader, *words)
    assert said.code == 2
    assert why in said.err
    assert "Traceback" not in said.err


def test_a_summary_points_to_it(run: Run, trader: Path) -> None:
    said = run("summary", trader, "--metric", "deflated_sharpe_ratio")
    assert said.code == 2
    assert "fillbook risk" in said.err
