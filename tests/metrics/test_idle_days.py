"""Months without a gain or a loss: the volatility of the days after them is none to scale by."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fillbook.metrics.forecasts import forecasts
from fillbook.metrics.risk import (
    IDLE_DAYS,
    ewma_variances,
    historic_var,
    is_long_idle,
    value_at_risk_filtered,
)
from fillbook.metrics.tails import expected_shortfall_filtered
from fillbook.results import Undefined

TRADED = np.array([3.0, -2.0, 1.0, -4.0, 2.0] * 6)


def after(idle: int) -> np.ndarray:
    return np.concatenate([TRADED, np.zeros(idle), [-5.0], TRADED])


def test_the_limit_is_where_the_average_has_forgotten_99_percent() -> None:
    assert 0.94**IDLE_DAYS < 0.01 < 0.94 ** (IDLE_DAYS - 1)
    assert ewma_variances(after(IDLE_DAYS))[30 + IDLE_DAYS] < 0.01 * ewma_variances(TRADED)[-1]


@pytest.mark.parametrize("metric", [value_at_risk_filtered, expected_shortfall_filtered])
def test_after_long_idleness_nothing_is_scaled(metric: object) -> None:
    assert callable(metric)
    assert not math.isnan(metric(after(IDLE_DAYS - 1)))
    found = metric(after(IDLE_DAYS))
    assert isinstance(found, Undefined)
    assert found.reason == "long_idle"


def test_windows_are_told_apart_each_for_itself() -> None:
    held = np.stack([after(IDLE_DAYS), np.concatenate([after(0), TRADED, TRADED, TRADED[:15]])])
    assert is_long_idle(held).tolist() == [True, False]
    made = forecasts(np.concatenate([TRADED[:10], np.zeros(IDLE_DAYS), *[TRADED] * 5]), "filtered", 0.95)
    assert np.isnan(made.var[0])  # its window holds all the idle days
    assert not np.isnan(made.var[-1])  # and the last one none


def test_a_var_of_nothing_is_0_and_has_no_sign() -> None:
    assert math.copysign(1.0, historic_var(np.zeros(40), 0.95)) == 1.0
