import json
from pathlib import Path

import pytest

from cli.command_line import Run


def test_the_table_says_trust_scope_and_numbers(run: Run, trades: Path) -> None:
    said = run("summary", trades, "--mark", "ABC-USDT=120")
    assert said.code == 0
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert lines[0] == "the book balances"
    assert lines[1] == "2023-11-14 22:13:20 – 2023-11-14 22:14:20 UTC · 1 bot · 2 fills · USDT"
    assert lines[2].startswith("WAC · open positions marked at given · given ABC-USDT = 120 · no capital")
    # 4 × (110 − 100) = 40 realised, 6 × (120 − 100) = 120 unrealised
    assert "profitability Net PnL 160.00 USDT" in lines
    assert "Realised PnL 40.00 USDT" in lines
    assert "ROI — unavailable: no capital declared" in lines
    assert any(line.startswith("bot binance ABC-USDT 2 ") for line in lines)
    assert lines[-1].startswith("findings:")


def test_json_is_one_strict_object(run: Run, trades: Path) -> None:
    said = run("summary", trades, "--mark", "ABC-USDT=120", "--capital", "1000", "--json")

    def refuse(word: str) -> None:
        pytest.fail(f"{word} in the JSON")

    answer = json.loads(said.out, parse_constant=refuse)
    assert {
        "schema",
        "sources",
        "filter",
        "currency",
        "period",
        "metrics",
        "books",
        "findings",
    } <= set(answer)
    assert answer["schema"] == "fillbook.summary/1"
    assert answer["metrics"]["net_pnl"]["value"] == pytest.approx(160.0, abs=1e-12)
    assert answer["metrics"]["roi"]["value"] == pytest.approx(0.16, abs=1e-15)  # 160 / 1000
    assert answer["conventions"]["marks"] == {"ABC-USDT": 120.0}
    assert answer["sources"][0]["uri"] == str(trades)
    for result in answer["metrics"].values():
        has_none = result["status"] in ("undefined", "unavailable")
        assert (result["value"] is None) == has_none
        assert bool(result["reasons"]) or result["status"] == "ok"


def test_to_is_exclusive_and_from_inclusive(run: Run, trades: Path) -> None:
    first, second = "2023-11-14T22:13:20", "2023-11-14T22:14:20"
    for words, n in ((("--to", second), 1), (("--from", second), 1), (("--from", first), 2)):
        answer = json.loads(run("summary", trades, *words, "--json").out)
        assert answer["metrics"]["n_fills"]["value"] == n


def test_only_the_metrics_asked_for(run: Run, trades: Path) -> None:
    said = run("summary", trades, "--metric", "net_pnl", "--metric", "n_fills", "--json")
    assert list(json.loads(said.out)["metrics"]) == ["net_pnl", "n_fills"]
    assert "Sharpe" not in run("summary", trades, "--metric", "net_pnl").out


def test_a_finding_that_is_an_error_is_code_1(run: Run, bad_trades: Path) -> None:
    said = run("summary", bad_trades)
    assert said.code == 1
    assert "1 error" in said.out
    assert run("summary", bad_trades, "--json").code == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--metric", "net_pln"), "did you mean net_pnl"),
        (("--pair", "XYZ-USDT"), "the data holds no pair XYZ-USDT; it holds ABC-USDT"),
        (("--from", "2024-01-01", "--to", "2023-01-01"), "the period is empty"),
        (("--side", "up"), "side is BUY or SELL, not UP"),
        (("--mark", "strict"), ""),
        (("--currency", "EUR"), "no rate from USDT to EUR is known"),
    ],
)
def test_what_cannot_be_answered_is_code_2(
    run: Run, trades: Path, words: tuple[str, ...], message: str
) -> None:
    said = run("summary", trades, *words)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("fillbook: ")
    assert message in said.err


def test_names_cannot_act_upon_the_terminal(run: Run, trades: Path) -> None:
    evil = trades.with_name("trades_\x1b[31mred.csv")
    evil.write_bytes(trades.read_bytes())
    assert "\x1b" not in run("summary", evil).out


@pytest.mark.parametrize("mark", ["0.12425"])
def test_the_bot_battle_of_september(run: Run, shared_data: Path, mark: str) -> None:
    # Hummingbot's own history says -4.84 for all of it, -0.0097 and -2.20 for the two windows
    file = shared_data / "exports" / "hummingbot__bot_battle_sep23__trades_bot_ba.csv"
    windows = (
        (mark, (), 392, -4.8418),
        ("0.12365", ("--from", "2023-09-18T10:12:37", "--to", "2023-09-18T10:23:01"), 3, -0.0097),
        ("0.12515", ("--from", "2023-09-18T14:51:12", "--to", "2023-09-19T06:45:30"), 225, -2.2050),
    )
    for price, period, n, net in windows:
        said = run("summary", file, "--mark", f"SEI-USDT={price}", *period, "--json")
        answer = json.loads(said.out)
        assert answer["metrics"]["n_fills"]["value"] == n
        at_end = answer["metrics"]["net_pnl"]["value"]
        assert at_end == pytest.approx(net, abs=5e-5)
