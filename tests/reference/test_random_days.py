"""A thousand random histories: ours equals empyrical-reloaded and SciPy wherever the definition is the same.

Every way in which it is not the same stands in `DIFFERENCES`, with its reason, and is checked to be just that.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator

import empyrical
import numpy as np
import pytest
from scipy import stats

from fillbook.arrays import Floats
from fillbook.metrics.drawdown import calmar_ratio, max_drawdown_fraction
from fillbook.metrics.returns import (
    cagr,
    deviation,
    downside_deviation,
    moments,
    omega_ratio,
    sharpe_ratio,
    sortino_ratio,
    tail_ratio,
    volatility,
)
from fillbook.metrics.risk import historic_es, historic_var, parametric_es, parametric_var
from fillbook.metrics.rolling import rolling_ratios
from fillbook.results import Undefined

SERIES = 1_000
SAME = {"rel": 1e-9, "abs": 1e-12}
DIFFERENCES = {
    "constant": "a history without variance has no Sharpe, Sortino, skewness or kurtosis here; there rounding "
    "noise is divided by, or ∞ and NaN come out",
    "no loss": "Sortino, Omega and tail ratio without a loss are undefined here (zero_downside, no_losses); "
    "∞ or NaN there",
    "gaps": "empyrical skips NaN in means and counts them as 0 in growth; ours is never fed one: the view says "
    "which days have no mark (rolling windows with a gap have no ratio)",
    "quantile": "empyrical's value at risk is a linear quantile with its sign, a loss nobody had; ours is the "
    "order statistic of numpy's `inverted_cdf`, positive",
    "shortfall": "empyrical's conditional value at risk is the mean of the int((n − 1)·q) + 1 worst; ours weighs "
    "the last in part (Acerbi & Tasche)",
    "one period": "a single return is undefined here (n_lt_2); not among these histories",
    "vanishing": "equity that fell below a millionth: ours is capital plus the sum of PnL, as money is, and has "
    "no digit left; there it is a product of returns",
    "ruin": "a return below −100 % ends the equity: growth and Calmar are undefined here, a complex root or NaN "
    "there; a drawdown of equity below zero is more than 100 % there as here",
}


def histories() -> Iterator[tuple[int, str, Floats]]:
    """Seeded histories of 2 to 5,000 days: normal, heavy-tailed, skewed, quantised, constant, of gains alone."""
    kinds = ("normal", "heavy", "skewed", "quantised", "constant", "gains", "idle")
    for seed in range(SERIES):
        rng = np.random.default_rng(seed)
        kind = kinds[seed % len(kinds)]
        n = int(np.exp(rng.uniform(np.log(2), np.log(5_001))))
        yield seed, kind, of_kind(rng, kind, n)


def of_kind(rng: np.random.Generator, kind: str, n: int) -> Floats:
    scale = 10.0 ** rng.uniform(-4, -1.5)
    if kind == "normal":
        made = rng.normal(0.05, 1.0, n)
    elif kind == "heavy":
        made = rng.standard_t(2.5, n)
    elif kind == "skewed":
        made = 2.0 - rng.exponential(2.0, n)
    elif kind == "quantised":
        made = rng.integers(-3, 4, n).astype(float)
    elif kind == "constant":
        made = np.full(n, rng.normal())
    elif kind == "gains":
        made = rng.exponential(1.0, n)
    else:
        made = np.where(rng.random(n) < 0.8, 0.0, rng.normal(0.0, 1.0, n))
    return np.maximum(scale * made, -0.95)


def varies(days: Floats) -> bool:
    return deviation(days) > 0.0


def curve(days: Floats) -> Floats:
    return np.cumprod(np.concatenate([[1.0], 1.0 + days]))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_ratios_are_empyricals() -> None:
    compared = dict.fromkeys(
        ("sharpe", "sortino", "omega", "tail", "volatility", "downside", "drawdown", "cagr", "calmar"), 0
    )

    def agree(name: str, seed: int, ours: float, theirs: float, rel: float = 1e-9) -> None:
        assert ours == pytest.approx(theirs, rel=rel, abs=1e-12), (name, seed)
        compared[name] += 1

    for seed, kind, days in histories():
        equity = curve(days)
        agree("drawdown", seed, -max_drawdown_fraction(equity, capital=1.0), empyrical.max_drawdown(days))
        if 1e-6 < equity[-1] < 1e100:
            growth = cagr(np.diff(equity), capital=1.0, periods_per_year=365.0)
            agree("cagr", seed, growth, empyrical.cagr(days, annualization=365), 1e-7)
            if empyrical.max_drawdown(days) < 0.0:
                found = calmar_ratio(
                    days, equity, capital=1.0, periods_per_year=365.0, return_basis="compounded"
                )
                agree("calmar", seed, found, empyrical.calmar_ratio(days, annualization=365), 1e-7)
        low = np.quantile(days, 0.05)
        if low != 0.0:
            agree("tail", seed, tail_ratio(days), empyrical.tail_ratio(days))
        down = downside_deviation(days) * math.sqrt(365.0)
        agree("downside", seed, down, empyrical.downside_risk(days, annualization=365))
        if not varies(days):
            assert kind in {"constant", "quantised", "idle"}
            assert sharpe_ratio(days, periods_per_year=365.0).reason == "zero_variance"  # type: ignore[attr-defined]
            continue
        year = {"periods_per_year": 365.0}
        agree("sharpe", seed, sharpe_ratio(days, **year), empyrical.sharpe_ratio(days, annualization=365))
        vol = empyrical.annual_volatility(days, annualization=365)
        agree("volatility", seed, volatility(days, **year), vol)
        if (days < 0.0).any():
            agree("omega", seed, omega_ratio(days), empyrical.omega_ratio(days))
            agree(
                "sortino", seed, sortino_ratio(days, **year), empyrical.sortino_ratio(days, annualization=365)
            )
        else:
            assert isinstance(omega_ratio(days), Undefined)
            assert isinstance(sortino_ratio(days, **year), Undefined)
    assert min(compared.values()) > 600, compared


def test_moments_are_scipys() -> None:
    n = 0
    for seed, _, days in histories():
        skew, kurtosis = moments(days)
        if not varies(days):
            assert isinstance(skew, Undefined)
            continue
        assert skew == pytest.approx(stats.skew(days), rel=1e-7, abs=1e-7), seed
        assert kurtosis == pytest.approx(stats.kurtosis(days, fisher=False), rel=1e-7), seed
        n += 1
    assert n > 800


def test_tails_differ_from_empyrical_as_said_and_no_more() -> None:
    for seed, _, days in histories():
        ours, es = historic_var(days, 0.95), historic_es(days, 0.95)
        if days.size < 20:
            assert isinstance(ours, Undefined)
            assert isinstance(es, Undefined)
            continue
        assert -ours == np.quantile(days, 0.05, method="inverted_cdf"), seed
        # the linear quantile stands between our order statistic and the next
        worst = np.sort(days)
        k = math.ceil(days.size / 20.0 - 1e-9)
        theirs = empyrical.value_at_risk(days, 0.05)
        assert worst[k - 1] - 1e-15 <= theirs <= worst[min(k, days.size - 1)] + 1e-15, seed
        whole = -worst[: int((days.size - 1) * 0.05) + 1].mean()
        assert -empyrical.conditional_value_at_risk(days, 0.05) == pytest.approx(whole, rel=1e-12)
        assert es >= ours - 1e-12 * abs(ours)
        spread = float(worst[k - 1] - worst[0])
        assert abs(es - whole) <= spread / k + 1e-15, seed


def test_the_normal_tail_is_scipys() -> None:
    for alpha in (0.9, 0.95, 0.99, 0.999):
        z = stats.norm.ppf(1.0 - alpha)
        assert parametric_var(0.2, 3.0, alpha) == pytest.approx(-(0.2 + z * 3.0), **SAME)
        tail = stats.norm.expect(lambda x: x, loc=0.2, scale=3.0, ub=0.2 + 3.0 * z, conditional=True)
        assert parametric_es(0.2, 3.0, alpha) == pytest.approx(-tail, rel=1e-7)


def test_rolling_sharpe_is_empyricals_but_for_gaps() -> None:
    for seed, _, days in histories():
        if days.size < 30 or days.size > 300:
            continue
        ours = rolling_ratios(days, periods_per_year=365.0, window=30)[1][29:]
        theirs = np.asarray(empyrical.roll_sharpe_ratio(days, window=30, annualization=365))
        known = ~np.isnan(ours)
        assert ours[known] == pytest.approx(theirs[known], rel=1e-7), seed
        gap = days.copy()
        gap[days.size // 2] = np.nan
        broken = rolling_ratios(gap, periods_per_year=365.0, window=30)[1]
        around = slice(days.size // 2, days.size // 2 + 30)
        assert np.isnan(broken[around]).all(), "there the gap is skipped, here it has no ratio"


def test_every_difference_has_a_reason() -> None:
    assert all(len(reason) > 40 for reason in DIFFERENCES.values())
