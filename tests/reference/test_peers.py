"""The ten ledgers that other tools get wrong, from a bot's own file to the answer."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from fillbook.analysis.overview import Overview, overview
from fillbook.conventions import Conventions
from fillbook.metrics.returns import sharpe_ratio
from fillbook.performance_data_source import open_data
from fillbook.results import Status, Undefined
from fillbook.testing.databases import write_database

AT_MS = 1_700_000_000_000
Deal = tuple[str, float, float]  # side, amount, price


def row(number: int, deal: Deal, pair: str, market: str, fee: float, action: str) -> dict[str, object]:
    side, amount, price = deal
    base, quote = pair.split("-")
    flat = [{"token": quote, "amount": str(fee)}] if fee else []
    return {
        "market": market, "symbol": pair, "base_asset": base, "quote_asset": quote,
        "timestamp": AT_MS + 60_000 * number, "order_id": f"o{number}", "exchange_trade_id": f"t{number}",
        "trade_type": side, "amount": amount, "price": price, "position": action,
        "trade_fee": {"percent": "0", "percent_token": None, "flat_fees": flat},
        "trade_fee_in_quote": fee,
    }  # fmt: skip


def rows(
    deals: Sequence[Deal], pair: str = "BTC-USDT", *, start: int = 0, fee: float = 0.0,
    market: str = "binance", actions: Sequence[str] = (),
) -> list[dict[str, object]]:  # fmt: skip
    """Fills a minute apart, each its own order."""
    named = actions or ["NIL"] * len(deals)
    return [
        row(start + i, deal, pair, market, fee, action)
        for i, (deal, action) in enumerate(zip(deals, named, strict=True))
    ]


def booked(folder: Path, fills: Sequence[dict[str, object]], *beside: Path, **marks: float) -> Overview:
    path = write_database(folder / "bot.sqlite", {"TradeFill": fills})
    chosen = Conventions(marks={name.replace("_", "-"): mark for name, mark in marks.items()})
    return overview(open_data(path, *beside), conventions=chosen)


def value(view: Overview, key: str) -> float | None:
    return view.metrics[key].value


def test_every_fill_pays_its_own_fee(tmp_path: Path) -> None:
    view = booked(tmp_path, rows([("BUY", 1.0, 100.0), ("SELL", 1.0, 101.0)] * 10, fee=0.1))
    assert value(view, "net_pnl") == pytest.approx(8.0)
    assert (value(view, "fees"), value(view, "n_round_trips")) == (pytest.approx(2.0), 10)


def test_every_pair_counts(tmp_path: Path) -> None:
    gain = rows([("BUY", 1.0, 100.0), ("SELL", 1.0, 110.0)])
    loss = rows([("BUY", 1.0, 230.0), ("SELL", 1.0, 180.0)], "ETH-USDT", start=10)
    view = booked(tmp_path, [*gain, *loss])
    assert (value(view, "net_pnl"), value(view, "volume")) == (pytest.approx(-40.0), pytest.approx(620.0))


def test_a_short_may_come_first(tmp_path: Path) -> None:
    view = booked(tmp_path, rows([("SELL", 1.0, 100.0), ("BUY", 1.0, 90.0)]))
    assert value(view, "net_pnl") == pytest.approx(10.0)
    assert view.trips["side"].to_list() == [-1]
    assert view.trips.null_count().select("entry_quote", "net_quote").row(0) == (0, 0)


def test_a_flip_is_two_round_trips(tmp_path: Path) -> None:
    view = booked(tmp_path, rows([("BUY", 1.0, 100.0), ("SELL", 2.0, 110.0), ("BUY", 1.0, 105.0)]))
    assert value(view, "net_pnl") == pytest.approx(15.0)
    assert view.trips.sort("entry_at")["net_quote"].to_list() == pytest.approx([10.0, 5.0])


def test_a_perpetual_pays_fees_on_both_sides(tmp_path: Path) -> None:
    deals = [("BUY", 1.0, 100.0), ("SELL", 1.0, 101.0)]
    view = booked(tmp_path, rows(deals, fee=1.0, market="binance_perpetual", actions=["OPEN", "CLOSE"]))
    assert value(view, "net_pnl") == pytest.approx(-1.0)


def test_buying_again_does_not_unmake_what_was_realised(tmp_path: Path) -> None:
    deals = [("BUY", 1.0, 100.0), ("SELL", 1.0, 110.0), ("BUY", 1.0, 200.0)]
    view = booked(tmp_path, rows(deals), BTC_USDT=200.0)
    assert value(view, "realized_pnl") == pytest.approx(10.0)
    assert value(view, "unrealized_pnl") == pytest.approx(0.0)


def test_a_price_below_the_stored_digits_is_said_and_the_csv_restores_it(tmp_path: Path) -> None:
    fills = rows([("BUY", 1e9, 1.2e-6), ("SELL", 1e9, 1.5e-6)], "PEPE-USDT")
    alone = booked(tmp_path / "alone", fills)
    assert "quantised_prices" in {finding.rule for finding in alone.findings}
    assert value(alone, "net_pnl") == pytest.approx(0.0)  # both prices are stored as 0.000001

    export = tmp_path / "trades_bot.csv"
    with export.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*fills[0], "config_file_path", "strategy", "order_type", "leverage"])
        writer.writeheader()
        for fill in fills:
            more = {"config_file_path": "bot.yml", "strategy": "pmm", "order_type": "LIMIT", "leverage": 1}
            writer.writerow({**fill, "price": f"{fill['price']:.10f}", **more})
    repaired = booked(tmp_path / "beside", fills, export)
    assert value(repaired, "net_pnl") == pytest.approx(300.0)
    assert repaired.trips["entry_quote"].to_list() == pytest.approx([1.2e-6])
    assert "repaired_from_csv" in {finding.rule for finding in repaired.findings}


@pytest.mark.parametrize("is_wins_first", [True, False])
def test_sharpe_does_not_depend_on_which_came_first(is_wins_first: bool) -> None:
    wins, losses = np.ones(310), -np.ones(300)
    trades = np.concatenate([wins, losses] if is_wins_first else [losses, wins])
    assert sharpe_ratio(trades, periods_per_year=1) == pytest.approx(0.0164, abs=5e-5)


def test_a_straight_line_has_no_sharpe() -> None:
    answer = sharpe_ratio(np.full(50, 3.0), periods_per_year=365)
    assert isinstance(answer, Undefined)
    assert (answer.status, answer.reason) == (Status.UNDEFINED, "zero_variance")


def test_an_order_filled_in_parts_has_their_weighted_price(tmp_path: Path) -> None:
    parts = rows([("BUY", 0.001, 100.0), ("BUY", 0.999, 200.0)])
    parts[1]["order_id"] = parts[0]["order_id"]
    view = booked(tmp_path, parts, BTC_USDT=200.0)
    assert view.trips["entry_quote"].to_list() == pytest.approx([199.9])
