"""What the exchange itself ended with: balances of a simulated venue, not of the bot's record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fillbook.analysis.overview import Overview, overview
from fillbook.conventions import Conventions
from fillbook.performance_data_source import open_data


def seen(shared_data: Path, name: str) -> tuple[Overview, dict[str, Any]]:
    """A bot's answer at the venue's last rates, and the venue's own figures."""
    folder = shared_data / "generated"
    venue: dict[str, Any] = json.loads((folder / f"{name}.venue.json").read_text("utf-8"))
    marks = {pair: float(rate) for pair, rate in venue["final_rates"].items()}
    return overview(open_data(folder / f"{name}.sqlite"), conventions=Conventions(marks=marks)), venue


def worth(venue: dict[str, Any], account: str, tokens: tuple[str, ...]) -> float:
    """Change of an account's balances, at the last rates, in USDT."""
    rates = {pair.split("-")[0]: float(rate) for pair, rate in venue["final_rates"].items()} | {"USDT": 1.0}
    start, end = (venue[when][account] for when in ("start_balances", "final_balances"))
    return sum((end.get(token, 0.0) - start.get(token, 0.0)) * rates[token] for token in tokens)


def book(view: Overview, connector: str, pair: str) -> dict[str, Any]:
    (row,) = [r for r in view.books.to_dicts() if (r["connector"], r["pair"]) == (connector, pair)]
    return row


@pytest.mark.parametrize(
    ("account", "pair", "tokens", "figure"),
    [
        ("binance_wld", "WLD-USDT", ("USDT", "WLD", "BNB"), -3.5935),
        ("binance_eth", "ETH-USDT", ("USDT", "ETH", "BNB"), -66.2907),
    ],
)
def test_spot_books_end_as_the_wallet(
    shared_data: Path, account: str, pair: str, tokens: tuple[str, ...], figure: float
) -> None:
    view, venue = seen(shared_data, "classic_pmm")
    row = book(view, "binance", pair)
    assert row["net_fees_at_end_quote"] == pytest.approx(worth(venue, account, tokens), abs=1e-3)
    assert row["net_fees_at_end_quote"] == pytest.approx(figure, abs=1e-3)


def test_fee_tokens_revalued_lead_from_one_net_to_the_other(shared_data: Path) -> None:
    view, _ = seen(shared_data, "classic_pmm")
    row = book(view, "binance", "WLD-USDT")
    assert row["net_fees_at_fill_quote"] == pytest.approx(-3.711, abs=1e-3)
    assert row["fee_tokens_revalued_quote"] == pytest.approx(
        row["net_fees_at_end_quote"] - row["net_fees_at_fill_quote"], abs=1e-9
    )
    revalued = view.metrics["fee_tokens_revalued"].value
    assert revalued == pytest.approx(view.books["fee_tokens_revalued_quote"].sum())


def test_a_simulated_exchange_need_not_charge_what_it_records(shared_data: Path) -> None:
    view, venue = seen(shared_data, "classic_pmm")
    row = book(view, "kucoin_PaperTrade", "WLD-USDT")
    assert row["net_quote"] == pytest.approx(-6.1700, abs=1e-3)
    # this one took its 0.1 % from the sells only
    charged = row["net_quote"] + row["fees_quote"] - row["sold_quote"] * 0.001
    assert charged == pytest.approx(worth(venue, "kucoin_PaperTrade", ("USDT", "WLD")), abs=1e-3)
    assert "paper_trade_fees" in {finding.rule for finding in view.findings}


def test_each_token_of_the_fees_is_right_on_its_own(shared_data: Path) -> None:
    """What the venue took in BNB, WLD, ETH and USDT is what the database says, token by token."""
    fills = open_data(shared_data / "generated/classic_pmm.sqlite").fills
    _, venue = seen(shared_data, "classic_pmm")
    taken: dict[str, float] = {}
    for fill in venue["venue_fills"]:
        taken[fill["fee_asset"]] = taken.get(fill["fee_asset"], 0.0) + fill["fee"]
    real = fills.filter(pl.col("connector") == "binance").drop_nulls("fee_token")
    totals = real.group_by(pl.col("fee_token").cast(pl.String)).agg(pl.col("fee_amount").sum())
    assert dict(totals.iter_rows()) == pytest.approx(taken, rel=1e-6)


def test_a_perpetual_ends_as_its_margin_account(shared_data: Path) -> None:
    view, _ = seen(shared_data, "perp_oneway")
    assert view.metrics["net_pnl"].value == pytest.approx(-225.9525, abs=1e-3)
    assert view.metrics["funding"].value == pytest.approx(0.0593, abs=1e-4)
