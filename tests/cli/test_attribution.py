import json
from pathlib import Path

import pytest

from cli.command_line import Run
from fillbook.analysis.attribution import attribution
from fillbook.analysis.attribution_tags import DIMENSIONS
from fillbook.filters import Filter
from fillbook.performance_data_source import open_data
from fillbook.testing.databases import write_database

START_MS = 1_700_000_000_000
SIGNS = {"spread": 1, "inventory": 1, "funding": 1, "rebates": 1, "fees": -1, "unattributed": 1}


@pytest.fixture
def traded(tmp_path: Path) -> Path:
    """Bought 2 at 99 where the mid was 100, sold 1 at 103 where it was 102; 0.1 of fees each."""
    fee = {"percent": 0, "percent_token": None, "flat_fees": [{"token": "USDT", "amount": 0.1}]}
    fills = [
        {
            "config_file_path": "conf.yml", "strategy": "pure_market_making", "market": "binance",
            "symbol": "ABC-USDT", "base_asset": "ABC", "quote_asset": "USDT", "timestamp": START_MS + at * 1_000,
            "order_id": f"o{at}", "trade_type": side, "order_type": "LIMIT_MAKER", "price": price, "amount": amount,
            "leverage": 1, "trade_fee": fee, "trade_fee_in_quote": 0.1, "exchange_trade_id": f"t{at}",
            "position": "NIL",
        }
        for at, side, price, amount in ((10, "BUY", 99.0, 2.0), (20, "SELL", 103.0, 1.0))
    ]  # fmt: skip
    mids = [
        {"timestamp": (START_MS + at * 1_000) * 1_000_000, "exchange": "binance", "trading_pair": "ABC-USDT",
         "mid_price": mid, "best_bid": mid - 0.5, "best_ask": mid + 0.5, "order_book": None}
        for at, mid in ((9, 100.0), (19, 102.0))
    ]  # fmt: skip
    return write_database(tmp_path / "maker.sqlite", {"TradeFill": fills, "MarketData": mids})


def test_words_come_first_and_the_tables_add_up(run: Run, traded: Path) -> None:
    said = run("attribution", traded, "--mark", "ABC-USDT=104")
    assert said.code == 0, said.err
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert lines[0].endswith("· 2 fills · USDT · quotes at most 5 s old")
    # spread 2·1 + 1·1; price moves 2·(104 − 100) − (104 − 102)
    assert lines[2] == "Net PnL is +8.80 USDT: spread +3.00, price moves while holding +6.00, fees −0.20."
    assert any("Spread PnL 3.00 USDT" in line for line in lines)
    assert "It takes 20 days to tell this from noise; the view has 1 day." in lines


def test_json_is_strict_and_equals_the_library(run: Run, traded: Path) -> None:
    def refuse(word: str) -> None:
        pytest.fail(f"{word} in the JSON")

    said = json.loads(run("attribution", traded, "--json").out, parse_constant=refuse)
    assert said["schema"] == "fillbook.attribution/1"
    answer = attribution(open_data(traded))
    assert said["net"] == answer.net
    assert said["parts"] == dict(answer.parts)
    assert tuple(said["by"]) == DIMENSIONS
    for rows in (*said["by"].values(), [said["parts"] | {"net": said["net"]}]):
        for row in rows:
            assert sum(sign * (row[name] or 0.0) for name, sign in SIGNS.items()) == pytest.approx(row["net"])
    assert {key: result["value"] for key, result in said["metrics"].items()} == {
        key: result.value for key, result in answer.metrics.items()
    }
    assert said["coverage"] == 1.0
    assert said["contributions"]["bots"][0]["net"] == pytest.approx(answer.net)
    assert said["contributions"]["reason"] == "no_capital"


def test_filters_and_dimensions_are_chosen(run: Run, traded: Path) -> None:
    said = json.loads(run("attribution", traded, "--side", "buy", "--json").out)
    assert said["net"] == attribution(open_data(traded), Filter(sides=("BUY",))).net
    shown = run("attribution", traded, "--by", "side").out
    assert "by side" in shown
    assert "Spread PnL" not in shown
    assert "by exchange" in run("attribution", traded, "--by", "exchange").out
    bad = run("attribution", traded, "--by", "colour")
    assert bad.code == 2
    assert "--by is one of controller, bot" in bad.err


def test_capital_of_bots_gives_returns(run: Run, traded: Path) -> None:
    said = json.loads(run("attribution", traded, "--bot-capital", "maker=1000", "--json").out)[
        "contributions"
    ]
    assert said["portfolio"] == pytest.approx(said["bots"][0]["net"] / 1000.0)
    assert said["bots"][0]["contribution"] == pytest.approx(said["portfolio"])
    shown = " ".join(run("attribution", traded, "--bot-capital", "maker=1000").out.split())
    assert "The bots together returned +0.68" in shown
    assert "equal weights: +0.68" in shown
    for words, why in (
        (("maker",), "BOT=AMOUNT"),
        (("make=5",), "'make' is no bot of this data; did you mean 'maker'?"),
        (("other=5",), "'other' is no bot of this data; it is one of maker"),
        (("maker=-1",), "maker has none"),
    ):
        bad = run("attribution", traded, "--bot-capital", *words)
        assert (bad.code, why in bad.err) == (2, True), bad.err


def test_bots_are_held_against_what_is_asked(run: Run, traded: Path, tmp_path: Path) -> None:
    def bots(*words: object) -> dict[str, object]:
        said = run("attribution", traded, "--bot-capital", "maker=1000", "--json", "--benchmark", *words)
        assert said.code == 0, said.err
        found: dict[str, object] = json.loads(said.out)["contributions"]
        return found

    assert bots("zero")["against"] == "nothing earned"
    index = tmp_path / "index.csv"
    index.write_text("date,return\n2023-11-14,0.01\n")
    found = bots(index)
    assert (found["against"], found["benchmark"]) == ("index", pytest.approx(0.01))
    assert found["headline"].startswith("The bots together returned +0.")  # type: ignore[attr-defined]
    index.write_text("date,return\n2023-11-15,0.01\n")
    for words, why in (
        (("--bot-capital", "maker=1", "--benchmark", index), "no return on 1 of the 1 UTC days"),
        (("--bot-capital", "maker=1", "--benchmark", "hold"), "'hold' is no benchmark of bots"),
        (("--benchmark", "zero"), "--benchmark needs the capital of every bot"),
    ):
        bad = run("attribution", traded, *words)
        assert (bad.code, why in bad.err) == (2, True), bad.err


def test_a_summary_points_to_it(run: Run, traded: Path) -> None:
    said = run("summary", traded, "--metric", "spread_pnl")
    assert said.code == 2
    assert "fillbook attribution" in said.err
