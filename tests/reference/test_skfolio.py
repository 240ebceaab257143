"""The same thousand random histories against skfolio, which suggests our portfolios: one definition, or a reason."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fillbook.metrics.drawdown import falls, max_drawdown_fraction, ulcer_index
from fillbook.metrics.returns import deviation, mean, moments
from fillbook.metrics.risk import historic_es, historic_var, probabilistic_sharpe
from fillbook.metrics.selection import expected_maximum
from fillbook.results import Undefined
from reference.test_random_days import curve, histories, varies

measures = pytest.importorskip("skfolio.measures", reason="needs the extra portfolio")
DIFFERENCES = {
    "whole": "where n · 5 % is a whole number k, the loss at risk is the k-th worst here (`inverted_cdf`: it was "
    "reached on 5 % of the days) and the one after it there",
    "short": "below 20 days no 5 % tail is a whole day: undefined here (n_too_small_for_alpha), the worst day there",
    "constant": "a history that varies by rounding alone has no Sharpe ratio here; there rounding is divided by",
    "vanishing": "equity below a millionth: a sum of money has no digit left there, a product of returns has",
}


def test_tails_are_skfolios_from_twenty_days_on() -> None:
    n = 0
    for seed, _, days in histories():
        if days.size < 20:
            assert isinstance(historic_var(days, 0.95), Undefined), "short"
            continue
        worst, k = np.sort(days), math.ceil(days.size / 20)
        assert historic_var(days, 0.95) == -worst[k - 1]
        theirs = -worst[k] if days.size % 20 == 0 else -worst[k - 1]
        assert measures.value_at_risk(days, beta=0.95) == theirs, seed
        assert historic_es(days, 0.95) == pytest.approx(measures.cvar(days, beta=0.95), rel=1e-9), seed
        n += 1
    assert n > 600


def test_drawdowns_are_skfolios() -> None:
    for seed, _, days in histories():
        summed = np.concatenate([[0.0], np.cumsum(days)])
        theirs = measures.get_drawdowns(days)
        assert falls(summed).max() == pytest.approx(-theirs.min(), rel=1e-9, abs=1e-12), seed
        equity = curve(days)
        if not 1e-6 < equity.min() < equity.max() < 1e100:
            continue  # vanishing
        theirs = measures.get_drawdowns(days, compounded=True)
        ours = max_drawdown_fraction(equity, capital=1.0)
        assert ours == pytest.approx(measures.max_drawdown(theirs), rel=1e-9, abs=1e-12), seed
        assert ulcer_index(equity, capital=1.0) == pytest.approx(
            measures.ulcer_index(theirs), rel=1e-7, abs=1e-12
        )


def test_moments_and_probabilistic_sharpe_are_skfolios() -> None:
    n = 0
    for seed, _, days in histories():
        if not varies(days) or days.size < 3:
            continue
        skew, kurtosis = moments(days)
        assert mean(days) == pytest.approx(measures.mean(days), rel=1e-9, abs=1e-15)
        assert deviation(days) == pytest.approx(measures.standard_deviation(days), rel=1e-9)
        assert skew == pytest.approx(measures.skew(days), rel=1e-6, abs=1e-7), seed
        assert kurtosis == pytest.approx(measures.kurtosis(days), rel=1e-6), seed
        ours = probabilistic_sharpe(mean(days) / deviation(days), days.size, skew, kurtosis, 0.02)
        theirs = measures.probabilistic_sharpe_ratio(days, benchmark_sharpe_ratio=0.02)
        if isinstance(ours, Undefined):
            assert math.isnan(theirs), seed
        else:
            assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-9), seed
        n += 1
    assert n > 800


@pytest.mark.parametrize("trials", [1, 2, 10, 1_000])
@pytest.mark.parametrize("variance", [0.0, 1e-4, 0.3])
def test_the_best_sharpe_by_luck_is_skfolios(trials: int, variance: float) -> None:
    theirs = measures.expected_max_sharpe_ratio(trials, math.sqrt(variance))
    assert expected_maximum(trials, variance) == pytest.approx(theirs, rel=1e-9, abs=1e-12)


def test_every_difference_has_a_reason() -> None:
    assert all(len(reason) > 40 for reason in DIFFERENCES.values())
