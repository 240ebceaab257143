import json
from pathlib import Path

from cli.command_line import Run
from fillbook.testing.databases import write_database


def bot(folder: Path) -> Path:
    """Buys 2 at 100, sells 1 at 90 two minutes later."""
    rows = [
        {
            "market": "binance", "symbol": "ABC-USDT", "base_asset": "ABC", "quote_asset": "USDT",
            "timestamp": 1_700_000_000_000 + 120_000 * i, "order_id": f"o{i}", "trade_type": side, "price": price,
            "amount": amount, "exchange_trade_id": f"t{i}", "trade_fee_in_quote": 0.0,
            "trade_fee": {"percent": "0", "percent_token": None, "flat_fees": []},
        }
        for i, (side, price, amount) in enumerate([("BUY", 100.0, 2.0), ("SELL", 90.0, 1.0)])
    ]  # fmt: skip
    return write_database(folder / "bot.sqlite", {"TradeFill": rows})


def test_one_look_shows_bots_positions_and_feeds(run: Run, tmp_path: Path) -> None:
    ran = run("watch", bot(tmp_path), "--once")
    assert ran.code == 0
    for text in ("bot.sqlite", "open positions", "ABC-USDT", "last fill", "−20.00"):
        assert text in ran.out


def test_the_object_of_one_look(run: Run, tmp_path: Path) -> None:
    ran = run("watch", bot(tmp_path), "--once", "--json")
    answer = json.loads(ran.out)
    assert answer["schema"] == "fillbook.live/1"
    assert answer["total"]["net"] == -20.0
    assert answer["feeds"][0]["state"] == "live"
    assert answer["positions"][0]["position_base"] == 1.0


def test_a_limit_exceeded_is_the_exit_code(run: Run, tmp_path: Path) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text('[[limit]]\nwhat = "drawdown"\nmax = 5\nclear_after = 1\n', "utf-8")
    ran = run("watch", bot(tmp_path), "--once", "--limits", limits)
    assert ran.code == 1
    assert "drawdown" in ran.out


def test_a_scheme_nobody_reads_is_said(run: Run) -> None:
    ran = run("watch", "gopher://me:hush@host/x", "--once")
    assert ran.code == 2
    assert "gopher://" in ran.err
    assert "hush" not in ran.err
