"""Hummingbot's own screenshots of a trading contest against its trade CSV (EXPECTED.md, section 1)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.command_line import Run

FILE = "exports/hummingbot__bot_battle_sep23__trades_bot_ba.csv"
WINDOWS = {
    "all": ((), "0.12425", (196, 196), 15539.0, 15435.0, 1934.8207, 1920.9085, -4.8418),
    "A": (("2023-09-18T10:12:37", "2023-09-18T10:23:01"), "0.12365", (1, 2), 80.0, 160.0, 9.896, 19.808, -0.0097),
    "B": (
        ("2023-09-18T14:51:12", "2023-09-19T06:45:30"), "0.12515", (113, 112), 9040.0, 8800.0,
        1123.664, 1093.648, -2.2050,
    ),
}  # fmt: skip


@pytest.mark.parametrize("window", WINDOWS)
def test_a_window_is_what_the_bot_showed(shared_data: Path, run: Run, tmp_path: Path, window: str) -> None:
    period, mark, (buys, sells), bought, sold, bought_quote, sold_quote, net = WINDOWS[window]
    between = ("--from", period[0], "--to", period[1]) if period else ()
    said = run("summary", shared_data / FILE, "--mark", f"SEI-USDT={mark}", *between, "--json")
    answer = json.loads(said.out)
    (book,) = answer["books"]
    assert answer["metrics"]["net_pnl"]["value"] == pytest.approx(net, abs=5e-5)
    assert book["net_quote"] == pytest.approx(net, abs=5e-5)
    assert (book["n_fills"], book["bought_quote"], book["sold_quote"]) == (
        buys + sells, pytest.approx(bought_quote), pytest.approx(sold_quote)
    )  # fmt: skip
    trades = tmp_path / "fills.json"
    made = run("export", shared_data / FILE, *between, "--table", "fills", "--format", "json", "-o", trades)
    assert made.code == 0, made.err
    fills = json.loads(trades.read_text("utf-8"))["rows"]
    sides = [fill["side"] for fill in fills]
    assert (sides.count(1), sides.count(-1)) == (buys, sells)
    amounts = {s: sum(f["amount_base"] for f in fills if f["side"] == s) for s in (1, -1)}
    assert amounts == {1: pytest.approx(bought), -1: pytest.approx(sold)}


def test_fees_are_those_of_every_fill(shared_data: Path, run: Run) -> None:
    said = run("summary", shared_data / FILE, "--mark", "SEI-USDT=0.12425", "--json")
    (book,) = json.loads(said.out)["books"]
    # 1.9209085 USDT of the sells; the buys paid 15.539 SEI, which left the inventory
    assert book["position_base"] == pytest.approx(104.0 - 15.539)
    assert book["net_quote"] == pytest.approx(
        -13.9122 + 104 * 0.12425 - 1.9209085 - 15.539 * 0.12425, abs=5e-5
    )
