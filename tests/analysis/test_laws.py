"""Laws of opening files: however the fills lie in them, the answer is one (at least 200 examples)."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.analysis.overview import Overview, overview
from fillbook.conventions import Conventions
from fillbook.performance_data_source import open_data
from fillbook.testing.databases import write_database

AT_MS = 1_700_000_000_000
CLOCK = datetime(2024, 1, 1, tzinfo=UTC)
LAWS = settings(max_examples=200, deadline=None)
SUMS = ("net_pnl", "realized_pnl", "unrealized_pnl", "fees", "volume", "n_fills", "n_round_trips")
MARKED = Conventions(marks={"ABC-USDT": 101.0, "XYZ-USDT": 101.0})

Deal = tuple[str, str, float, float, float]
deals = st.lists(
    st.tuples(
        st.sampled_from(["ABC-USDT", "XYZ-USDT"]),
        st.sampled_from(["BUY", "SELL"]),
        st.integers(1, 5_000).map(lambda n: n / 1000),
        st.integers(9_000, 11_000).map(lambda n: n / 100),
        st.integers(-50, 100).map(lambda n: n / 1000),
    ),
    min_size=2,
    max_size=12,
)


def fill(number: int, deal: Deal) -> dict[str, object]:
    """Fill as the bot stores it, a minute after the one before."""
    pair, side, amount, price, fee = deal
    flat = [{"token": "USDT", "amount": str(fee)}]
    return {
        "market": "binance", "symbol": pair, "base_asset": pair[:3], "quote_asset": "USDT",
        "timestamp": AT_MS + 60_000 * number, "order_id": f"o{number}", "exchange_trade_id": f"t{number}",
        "trade_type": side, "amount": amount, "price": price,
        "trade_fee": {"percent": "0", "percent_token": None, "flat_fees": flat},
    }  # fmt: skip


def answered(folder: Path, *files: Sequence[dict[str, object]], is_reversed: bool = False) -> Overview:
    """Answer of databases with these fills, opened in order or the other way round."""
    paths = [
        write_database(folder / f"bot{number}.sqlite", {"TradeFill": fills})
        for number, fills in enumerate(files)
    ]
    data = open_data(*(reversed(paths) if is_reversed else paths), clock=CLOCK)
    return overview(data, conventions=MARKED, metrics=SUMS)


def sums(view: Overview) -> list[float | None]:
    return [view.metrics[key].value for key in SUMS]


@LAWS
@given(deals, st.data())
def test_two_databases_that_share_fills_are_one(given_deals: list[Deal], data: st.DataObject) -> None:
    """Cut anywhere, overlapping anyhow, opened in any order: each fill is booked once."""
    fills = [fill(number, deal) for number, deal in enumerate(given_deals)]
    until = data.draw(st.integers(1, len(fills)), label="first file ends")
    since = data.draw(st.integers(0, until), label="second file starts")
    is_reversed = data.draw(st.booleans(), label="opened in reverse")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = answered(folder / "one", fills)
        merged = answered(folder / "two", fills[:until], fills[since:], is_reversed=is_reversed)
    if until == len(fills) or since < until:  # they share a fill: one bot
        assert sums(merged) == pytest.approx(sums(whole), rel=1e-9, abs=1e-9)
        assert merged.trips["net_quote"].to_list() == pytest.approx(whole.trips["net_quote"].to_list())
    # apart, they are two bots with a position each: the fills still add up to the same net
    same = ("net_pnl", "fees", "volume", "n_fills")
    for key in same:
        assert merged.metrics[key].value == pytest.approx(whole.metrics[key].value, rel=1e-9, abs=1e-9)


@LAWS
@given(deals, st.booleans())
def test_rows_may_lie_in_any_order(given_deals: list[Deal], is_reversed: bool) -> None:
    fills = [fill(number, deal) for number, deal in enumerate(given_deals)]
    by_price = sorted(fills, key=lambda row: (str(row["price"]), row["timestamp"]), reverse=is_reversed)
    with tempfile.TemporaryDirectory() as name:
        whole = answered(Path(name) / "sorted", fills)
        mixed = answered(Path(name) / "mixed", by_price)
    assert sums(mixed) == sums(whole)
    assert mixed.trips.equals(whole.trips)
