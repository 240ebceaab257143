"""Sharpe ratios against luck: more trials ask for more, a longer record for less."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.metrics.risk import probabilistic_sharpe
from fillbook.metrics.selection import (
    daily_sharpe,
    deflated_sharpe,
    deflated_sharpe_ratio,
    expected_maximum,
    minimum_track_record,
    minimum_track_record_days,
)
from fillbook.results import Status, Undefined

LAWS = settings(max_examples=200, deadline=None)
RATIOS, SKEWS = st.floats(0.01, 0.5), st.floats(-1.0, 1.0)


def test_the_best_of_luck_is_that_of_a_simulation() -> None:
    best = np.random.default_rng(0).normal(0.0, 0.05, (20_000, 100)).max(axis=1).mean()
    assert expected_maximum(100, 0.0025) == pytest.approx(best, rel=0.02)
    assert expected_maximum(1, 0.0025) == 0.0


def test_trials_nobody_declared_are_not_one() -> None:
    found = deflated_sharpe(0.1, 100, 0.0, 3.0, trials=None, variance=0.01)
    assert isinstance(found, Undefined)
    assert (found.status, found.reason) == (Status.UNAVAILABLE, "trials_not_declared")
    assert isinstance(expected_maximum(0, 0.01), Undefined)


@LAWS
@given(RATIOS, SKEWS, st.integers(30, 2_000), st.integers(2, 10_000))
def test_more_trials_never_help(ratio: float, skew: float, n: int, trials: int) -> None:
    few, many = (
        deflated_sharpe(ratio, n, skew, 5.0, trials=count, variance=0.003) for count in (trials, trials + 1)
    )
    assert many <= few
    assert few <= deflated_sharpe(ratio, n, skew, 5.0, trials=1, variance=0.003)


@LAWS
@given(RATIOS, SKEWS, st.floats(0.6, 0.999))
def test_a_record_of_the_least_length_is_just_enough(ratio: float, skew: float, confidence: float) -> None:
    days = minimum_track_record(ratio, skew, 5.0, confidence=confidence)
    inner = 1.0 - skew * ratio + ratio**2
    z = ratio * math.sqrt(days - 1.0) / math.sqrt(inner)
    assert 0.5 * math.erfc(-z / math.sqrt(2.0)) == pytest.approx(confidence, rel=1e-9)
    if days >= 4:
        assert probabilistic_sharpe(ratio, math.ceil(days), skew, 5.0) >= confidence - 1e-9


def test_what_has_no_record() -> None:
    days = np.array([-1.0, -2.0, 0.5, -0.3])
    assert minimum_track_record_days(days).reason == "not_above_benchmark"  # type: ignore[attr-defined]
    for short, reason in ((days[:0], "empty"), (days[:1], "n_lt_2"), (np.ones(9), "zero_variance")):
        for found in (
            daily_sharpe(short), minimum_track_record_days(short),
            deflated_sharpe_ratio(short, trials=3, trial_variance=0.1),
        ):  # fmt: skip
            assert isinstance(found, Undefined)
            assert found.reason == reason
