"""Hummingbot's words: connectors, ids, times and units."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.sources.hummingbot import (
    canonical_token,
    decision_us,
    epoch_us,
    is_paper,
    limit_price,
    market_type,
    ms_to_utc,
    seconds_to_utc,
    truncation_bound,
    unscaled,
)


@pytest.mark.parametrize(
    ("connector", "kind", "is_known"),
    [
        ("binance", "spot", True),
        ("binance_perpetual", "linear_perp", True),
        ("binance_perpetual_testnet", "linear_perp", True),
        ("new_venue_perpetual", "linear_perp", True),
        ("bybit_inverse_perpetual", "inverse_perp", True),
        ("kucoin_PaperTrade", "spot", True),
        ("binance_paper_trade", "spot", True),
        ("ascend_ex", "spot", True),
        ("pancakeswap/router", "spot", True),
        ("unheard_of/clmm", "spot", True),
        ("my_exchange", "spot", False),
        ("perpetual_of_sorts", "spot", False),
    ],
)
def test_market_type_of_a_connector(connector: str, kind: str, is_known: bool) -> None:
    assert market_type(connector) == (kind, is_known)


@pytest.mark.parametrize(
    ("connector", "expected"),
    [("kucoin_PaperTrade", True), ("binance_paper_trade", True), ("binance", False)],
)
def test_paper_trade_is_told_by_its_ending(connector: str, expected: bool) -> None:
    assert is_paper(connector) is expected


def test_wrapped_coins_are_the_coin_and_stablecoins_stay_apart() -> None:
    assert [canonical_token(t) for t in ("WETH", "ETH", "USDC", "WIF")] == ["ETH", "ETH", "USDC", "WIF"]


SECONDS = st.integers(1_262_304_000, 4_102_444_799)  # 2010 … 2099


@settings(max_examples=200, deadline=None)
@given(SECONDS, st.sampled_from([1, 10**3, 10**6, 10**9]))
def test_any_unit_of_epoch_time_is_the_same_moment(seconds: int, factor: int) -> None:
    found = pl.select(epoch_us(pl.lit(seconds * factor))).item()
    assert abs(found - seconds * 10**6) <= 1_000  # a float64 of nanoseconds holds 256 of them


def test_milliseconds_and_seconds_keep_their_fractions() -> None:
    at = datetime(2023, 11, 14, 22, 13, 20, 250_000, tzinfo=UTC)
    assert pl.select(ms_to_utc(pl.lit(1_700_000_000_250))).item() == at
    assert pl.select(seconds_to_utc(pl.lit(1_700_000_000.25))).item() == at


def test_a_limit_price_of_zero_is_none_with_its_reason() -> None:
    rows = pl.DataFrame({"price": [1.5, 0.0, 0.0], "kind": ["LIMIT", "MARKET", "LIMIT"]})
    price, reason = limit_price(pl.col("price"), pl.col("kind"))
    assert rows.select(price.alias("p"), reason.alias("r")).rows() == [
        (1.5, None), (None, "market_order_no_price"), (None, "truncated_below_1e-6"),
    ]  # fmt: skip


def test_truncation_may_have_taken_this_much() -> None:
    # (2 + 3) × 1e-6: (p + δ)(q + δ) − pq < (p + q)δ + δ²
    bound = pl.select(truncation_bound(pl.lit(-2.0), pl.lit(3.0), pl.lit(1e-6))).item()
    assert bound == pytest.approx(5e-6, rel=1e-12)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1_546_300_800_000_000, 4_102_444_799_999_999),
    st.sampled_from(["x-MG43PCSN", "x-nbQe1H39", "t-HBOT", "HBOT", "93027a12dac34fBC"]),
    st.sampled_from(["B", "S"]),
)
def test_the_bots_decision_is_in_the_order_id(moment: int, prefix: str, side: str) -> None:
    assert decision_us(f"{prefix}{side}WDUT{moment:013x}d032") == moment


@pytest.mark.parametrize(
    "order_id",
    ["", "B", "12345", "buy://WLD-USDT/0187a2b4c6d8e0f1a2b3c4d5e6", "x-MG43PCSNBWDUTffffffffffffff"],
)
def test_ids_without_a_time_have_none(order_id: str) -> None:
    assert decision_us(order_id) is None


def test_integers_become_the_nearest_float() -> None:
    """Polars multiplies by the reciprocal: 39072.3 would read 39072.299999999996."""
    stored = pl.DataFrame({"price": [39_072_300_000, 2_728_338_000, None, 0, 1]})
    assert stored.select(unscaled(pl.col("price"))).to_series().to_list() == [
        39072.3,
        2728.338,
        None,
        0.0,
        1e-6,
    ]
