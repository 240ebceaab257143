"""A simulated market has one true mid at every second, and says when it comes to a price."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbook.demo.markets import (
    DAYS_BEFORE,
    LISTINGS,
    MINUTES,
    START_S,
    STEP_S,
    Bars,
    Market,
    elsewhere,
    histories,
)

SOL = LISTINGS[0]


def _rising() -> Market:
    """SOL at 100, by 0.1 % every 15 s for two minutes, then still."""
    steps = np.minimum(np.arange(MINUTES * 4), 8)
    return Market.of(SOL, 100.0 * 1.001**steps, np.ones(MINUTES))


def test_the_true_mid_at_whole_minutes_is_the_mid(markets: dict[str, Market]) -> None:
    for market in markets.values():
        assert np.array_equal(market.mid_at(60 * np.arange(MINUTES)), market.mid)


def test_between_two_steps_the_logarithm_is_straight() -> None:
    market = _rising()
    assert market.mid_at(15) == pytest.approx(100.1)
    assert market.mid_at(5) == pytest.approx(100.0 * 1.001 ** (1 / 3))
    assert market.mid_at([-1, 1e9]) == pytest.approx([100.0, 100.0 * 1.001**8]), "it stands still outside"


def test_the_book_is_around_the_mid(markets: dict[str, Market]) -> None:
    for market in markets.values():
        mid = market.mid_at(5 * np.arange(100_000))
        bid, ask = market.best_around(mid)
        half = np.maximum(0.5 * market.tick, 0.00006 * mid)
        for outside in (mid - half - bid, ask - mid - half):
            assert outside.min() > -1e-6 * market.tick
            assert outside.max() < market.tick


def test_a_maker_never_takes_and_a_taker_pays_the_spread() -> None:
    market = _rising()  # at 0 s the mid is 100.00, the half spread max(0.005, 0.006): 99.99 / 100.01
    assert market.maker_price(0, 1, 99.97) == 99.97
    assert market.maker_price(0, 1, 100.04) == 99.99
    assert market.maker_price(0, -1, 99.96) == 100.01
    assert market.taker_price(0, 1, 0.0) == 100.01
    assert market.taker_price(0, -1, 0.0005) == 99.95


def test_a_level_is_the_mid_at_which_the_best_is_there() -> None:
    market = _rising()
    assert market.level(1, 99.99) == pytest.approx(
        99.99 / 0.99994
    )  # the half spread is 0.6 bp of 100 > 0.005
    assert market.level(-1, 100.01) == pytest.approx(100.01 / 1.00006)


def test_a_level_is_reached_in_its_first_whole_second() -> None:
    market = _rising()
    assert market.reached(0, -1, 100.05) == 8  # 15 ln(1.0005) / ln(1.001) = 7.5
    assert market.reached(0, -1, float(market.mid_at(30))) == 30
    assert market.reached(0, -1, float(market.mid_at(60))) == 60, "a minute's last instant is its own"
    assert market.reached(1, -1, float(market.mid_at(60))) == 61
    assert market.reached(0, -1, 100.05, after=20) == 21
    assert market.reached(0, -1, 100.5) is None
    assert market.reached(0, 1, 99.9) is None


@given(st.integers(0, MINUTES - 1), st.sampled_from((1, -1)), st.floats(-0.002, 0.002), st.integers(-60, 59))
def test_it_is_the_first_second_of_all(
    markets: dict[str, Market], minute: int, side: int, away: float, after: int
) -> None:
    market = markets["SOL-USDT"]
    level = float(market.mid[minute]) * (1.0 + away)
    seconds = np.arange(60 * minute + max(after, 0) + 1, 60 * minute + 61)
    there = seconds[side * (level - market.mid_at(seconds)) >= -1e-9]
    expected = int(there[0]) if there.size else None
    assert market.reached(minute, side, level, after=60 * minute + after) == expected


def test_elsewhere_strays_and_comes_back(markets: dict[str, Market]) -> None:
    here = markets["AVAX-USDT"]
    away = np.log(elsewhere(here, np.random.default_rng(1), kept=0.96, jolt=0.00045).path / here.path)
    assert abs(away.mean()) < 0.0001
    assert away[::4].std() == pytest.approx(0.00045 / np.sqrt(1 - 0.96**2), rel=0.02)
    assert np.abs(np.diff(away)).max() < 0.0025 / 60 * STEP_S * 4, (
        "no leaps: a minute's move is spread over it"
    )


def test_candles_before_the_start_lead_to_it(markets: dict[str, Market]) -> None:
    for pair, bars in histories(markets, np.random.default_rng(1)).items():
        assert bars.start_s[0] == START_S - 86_400 * DAYS_BEFORE
        assert bars.close[-1] == pytest.approx(markets[pair].mid[0])
        whole = bars.followed_by(Bars.of(markets[pair]))
        assert np.array_equal(np.diff(whole.start_s), np.full(whole.start_s.size - 1, 300))
        assert whole.open[1:] == pytest.approx(whole.close[:-1])
        assert (whole.high >= np.maximum(whole.open, whole.close)).all()
        assert (whole.low <= np.minimum(whole.open, whole.close)).all()
        deviation = np.diff(np.log(bars.close[287::288])).std()
        assert deviation == pytest.approx(markets[pair].listing.volatility, rel=0.4), "as lively as after it"
