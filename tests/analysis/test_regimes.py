"""Regimes: the formulas by hand, and that nothing comes from the future."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.analysis.regimes import CLASSES, regimes_of, relative_volume, trend, volatility
from fillbook.testing.tables import START, table

HOUR_US = 3_600_000_000
START_US = int(START.timestamp() * 1e6)


def candles(
    close: list[float], *, step_s: float = 3_600.0, wide: float = 0.0, volume: list[float] | None = None
) -> pl.DataFrame:
    """Candles one after the other, each open at the close before."""
    opened = [close[0], *close[:-1]]
    return table(
        "candles", connector="binance", pair="ABC-USDT", interval_s=step_s, at=[step_s * i for i in range(len(close))],
        open_quote=opened, close_quote=close,
        high_quote=[max(pair) * (1.0 + wide) for pair in zip(opened, close, strict=True)],
        low_quote=[min(pair) / (1.0 + wide) for pair in zip(opened, close, strict=True)],
        volume_base=volume or [1.0] * len(close),
    )  # fmt: skip


def wandering(n: int, seed: int = 0) -> list[float]:
    rng = np.random.default_rng(seed)
    return (100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, n)))).tolist()


def test_volatility_is_garman_and_klass() -> None:
    close = [100.0, 102.0] * 15
    found = volatility(candles(close, wide=0.01), HOUR_US)
    # ln(H/L) = ln(1.02) + 2 ln(1.01) but of the first candle; ln(C/O) = ±ln(1.02)
    one = 0.5 * (math.log(1.02) + 2 * math.log(1.01)) ** 2 - (2 * math.log(2) - 1) * math.log(1.02) ** 2
    assert np.isnan(found[:23]).all()
    assert found[24:] == pytest.approx(math.sqrt(one))


def test_trend_is_the_efficiency_ratio_with_its_sign() -> None:
    up, down = [100.0 + i for i in range(26)], [100.0 - i for i in range(26)]
    to_and_fro = [100.0 + i % 2 for i in range(26)]
    assert trend(candles(up), HOUR_US)[24:].tolist() == [2, 2]
    assert trend(candles(down), HOUR_US)[24:].tolist() == [0, 0]
    assert trend(candles(to_and_fro), HOUR_US)[24:].tolist() == [1, 1]
    assert trend(candles([100.0] * 26), HOUR_US).tolist() == [-1] * 24 + [1, 1]  # it stood still: range


def test_volume_is_over_the_same_hour_of_four_weeks() -> None:
    week = 168
    volume = [1.0] * (5 * week)
    for weeks_ago, value in ((1, 2.0), (2, 4.0), (3, 6.0), (4, 8.0)):
        volume[-1 - weeks_ago * week] = value
    volume[-1] = 20.0
    found = relative_volume(candles([100.0] * (5 * week), volume=volume))
    assert found[-1] == pytest.approx(20.0 / 5.0)  # median of 2, 4, 6, 8
    assert found[-2] == pytest.approx(1.0)
    assert np.isnan(found[: 3 * week]).all()  # fewer than three weeks before


def test_too_little_history_is_unknown() -> None:
    held = regimes_of(candles(wandering(110)), START_US, START_US + 200 * HOUR_US)
    assert held is not None
    assert (held.code["volatility"] == -1).all()  # 110 − 23 values: never 100 before one
    held = regimes_of(candles(wandering(200)), START_US, START_US + 200 * HOUR_US)
    assert held is not None
    assert (held.code["volatility"][:123] == -1).all()
    assert (held.code["volatility"][123:] >= 0).all()
    assert (held.code["market_volume"] == -1).all()


def test_a_gap_among_the_candles_leaves_no_class() -> None:
    rows = candles(wandering(300)).with_row_index("i").filter(~pl.col("i").is_between(200, 240)).drop("i")
    held = regimes_of(rows, START_US, START_US + 400 * HOUR_US)
    assert held is not None
    after = (held.known_us - START_US) // HOUR_US
    assert (held.code["trend"][(after > 241) & (after <= 250)] == -1).all()
    assert (held.at(np.array([START_US + 230 * HOUR_US]))["trend"] == -1).all()  # no candle for long


def test_a_candle_is_known_when_it_closes() -> None:
    up = [100.0] * 24 + [100.0 + i for i in range(1, 40)]
    held = regimes_of(candles(up), START_US, START_US + 100 * HOUR_US)
    assert held is not None
    first = int(np.flatnonzero(held.code["trend"] == 2)[0])
    closes = START_US + (first + 1) * HOUR_US
    assert held.at(np.array([closes - 1]))["trend"].tolist() != [2]
    assert held.at(np.array([closes]))["trend"].tolist() == [2]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1_000), st.integers(150, 400))
def test_the_future_changes_no_class(seed: int, cut: int) -> None:
    whole = candles(wandering(450, seed))
    until = whole.filter(pl.col("at") < START + timedelta(hours=cut))
    when = START_US + np.arange(0, cut + 1) * HOUR_US
    one, other = (regimes_of(rows, START_US, int(when[-1])) for rows in (whole, until))
    assert one is not None
    assert other is not None
    for kind in CLASSES:
        assert (one.at(when)[kind] == other.at(when)[kind]).all()
