import json
from pathlib import Path

import pytest

from cli.command_line import Run
from fillbook.testing.databases import write_database


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """Bought at 100 and sold at 110 on a paper exchange that charges 0.1 %, the sale's fee deducted."""

    def row(number: int, side: str, price: float, kind: str) -> dict[str, object]:
        return {
            "market": "kucoin_PaperTrade", "symbol": "ABC-USDT", "base_asset": "ABC", "quote_asset": "USDT",
            "timestamp": 1_700_000_000_000 + 1_000 * number, "order_id": f"o{number}", "trade_type": side,
            "price": price, "amount": 1.0, "exchange_trade_id": f"t{number}", "trade_fee_in_quote": price / 1e3,
            "trade_fee": {"fee_type": kind, "percent": "0.001", "percent_token": None, "flat_fees": []},
        }  # fmt: skip

    rows = [row(0, "BUY", 100.0, "AddedToCost"), row(1, "SELL", 110.0, "DeductedFromReturns")]
    return write_database(tmp_path / "paper.sqlite", {"TradeFill": rows})


def test_each_cause_stands_between_ours_and_theirs(run: Run, paper: Path) -> None:
    said = run("reconcile", paper)
    assert said.code == 0
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    # ours 10 − 0.1 − 0.11 = 9.79; history takes the sale's 0.11 off twice
    assert "ours +9.79" in lines
    assert any(line.startswith("Percent fee counted twice −0.11 1 ") for line in lines)
    assert "theirs +9.68" in lines
    # the API's last row takes off the last fee alone: 10 − 0.11
    assert any(line.startswith("API, archived bots +9.89 +9.79 +0.10 USDT") for line in lines)
    assert "Executors — — — the data has no executors" in lines


def test_the_object_holds_every_peer_and_adds_up(run: Run, paper: Path) -> None:
    said = run("reconcile", paper, "--json", "--balance", "kucoin_PaperTrade:USDT=1000")
    answer = json.loads(said.out)
    assert answer["schema"] == "fillbook.reconcile/1"
    keys = ["history", "executors", "controllers", "dashboard", "api"]
    assert [peer["key"] for peer in answer["peers"]] == keys
    history = answer["peers"][0]
    assert history["theirs"] == pytest.approx(9.68)
    assert history["difference"] == pytest.approx(
        sum(c["amount"] for c in history["causes"]) + history["rest"]
    )
    (hold,) = [f["value"] for f in history["figures"] if f["figure"] == "hold_value"]
    assert hold == pytest.approx(1000.0 - 9.89)  # what is there less what the trades brought
    executors = answer["peers"][1]
    assert (executors["status"], executors["reason"]) == ("unavailable", "no_executors")
    assert executors["theirs"] is None
    assert executors["causes"] == []


@pytest.mark.parametrize("text", ["USDT=1", "binance:USDT", "binance:=1", "binance:USDT=much", ":USDT=1"])
def test_a_balance_says_where_what_and_how_much(run: Run, paper: Path, text: str) -> None:
    said = run("reconcile", paper, "--balance", text)
    assert said.code == 2
    assert "binance:USDT=1000" in said.err


def test_a_balance_of_a_connector_that_traded_nothing_is_refused(run: Run, paper: Path) -> None:
    said = run("reconcile", paper, "--balance", "kukoin:USDT=1000")
    assert said.code == 2
    assert "balance of kukoin: the data holds no such exchange; it holds kucoin_PaperTrade" in said.err
