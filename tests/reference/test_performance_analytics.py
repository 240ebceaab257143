"""Bacon's portfolio and the six managers, as PerformanceAnalytics (R) prints them.

R's tests cut some figures to four decimals and round the others: equal means equal after the same cut
or rounding. Where a definition differs, a test of its own says how and reaches R's figure from ours.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fillbook.arrays import Floats
from fillbook.metrics.benchmark import intercept, slope
from fillbook.metrics.drawdown import calmar_ratio, fall_fractions, max_drawdown_fraction, ulcer_index
from fillbook.metrics.returns import (
    cagr,
    downside_deviation,
    kelly_continuous,
    moments,
    omega_ratio,
    sharpe_ratio,
    sortino_ratio,
    winning_days,
)
from fillbook.metrics.risk import probabilistic_sharpe

MAR = 0.005


def curve(returns: Floats) -> Floats:
    """Equity of a capital of 1 that compounds, start included."""
    return np.cumprod(np.concatenate([[1.0], 1.0 + returns]))


def growth(returns: Floats) -> float:
    return cagr(np.diff(curve(returns)), capital=1.0, periods_per_year=12)


def calmar(returns: Floats) -> float:
    return calmar_ratio(returns, curve(returns), capital=1.0, periods_per_year=12, return_basis="compounded")


def skewness_over_kurtosis(returns: Floats) -> float:
    skewness, kurtosis = moments(returns)
    return skewness / kurtosis


BACON: dict[str, Callable[[Floats], float]] = {
    "BernardoLedoitRatio": omega_ratio,
    "DownsideDeviation": lambda r: downside_deviation(r, MAR),
    "DownsideFrequency": lambda r: 1.0 - winning_days(r - MAR),
    "Kappa": lambda r: sortino_ratio(r, periods_per_year=1, target=MAR),
    "MartinRatio": lambda r: growth(r) / ulcer_index(curve(r), capital=1.0),
    "OmegaSharpeRatio": lambda r: omega_ratio(r, threshold=MAR) - 1.0,
    "PainIndex": lambda r: float(fall_fractions(curve(r))[1:].mean()),
    "SkewnessKurtosisRatio": skewness_over_kurtosis,
    "UpsideFrequency": lambda r: winning_days(r - MAR),
}
NOT_MEASURED = {
    "against a benchmark, compared in a test of its own": (
        "AppraisalRatio SFM.jensenAlpha Selectivity SpecificRisk SystematicRisk TotalRisk"
    ),
    "against a benchmark, no figure of ours": (
        "SFM.epsilon FamaBeta M2Sortino MSquared MSquaredExcess NetSelectivity OmegaExcessReturn TreynorRatio"
    ),
    "ratios of the drawdown table or of moments that no trader asked for": (
        "AdjustedSharpeRatio BurkeRatio DRatio PainRatio MeanAbsoluteDeviation ProspectRatio UpsideRisk "
        "VolatilitySkewness DownsidePotential"
    ),
    "not a performance figure": "Frequency",
}


@pytest.fixture(scope="module")
def metrics(shared_data: Path) -> Path:
    return shared_data / "metrics"


def column(path: Path, number: int) -> Floats:
    """A column of a file of returns, without the months that have none."""
    values = pl.read_csv(path, infer_schema=False).to_series(number).cast(pl.Float64, strict=False)
    return values.drop_nulls().to_numpy()


def is_cut(value: float, printed: float) -> bool:
    """Whether a value prints so in R's snapshot: four decimals, cut."""
    return math.trunc(round(value * 1e4, 6)) == round(printed * 1e4)


def is_rounded(value: float, printed: float) -> bool:
    """Whether a value rounds to what R prints as a table: four decimals."""
    return abs(value - printed) <= 0.5e-4


def test_bacons_portfolio(metrics: Path) -> None:
    expected: dict[str, Any] = json.loads((metrics / "bacon_expected.json").read_text("utf-8"))
    returns = column(metrics / "portfolio_bacon.csv", 1)
    named = {name for names in NOT_MEASURED.values() for name in names.split()}
    compared = set()
    for row in expected["snapshot_expected_truncated_4dp"]:
        name = row["call"].removeprefix("print(").split("(")[0]
        if name in named:
            continue
        got = BACON[name](returns)
        assert is_cut(got, row["value"]), f"{name}: {got}, not {row['value']}"
        compared.add(name)
    assert compared == set(BACON)


def test_bacons_portfolio_against_its_benchmark(metrics: Path) -> None:
    """R reaches every one of these through beta: risk explained, risk left, and its geometric alpha.

    Its Jensen's alpha takes compounded yearly returns where ours takes means times the year, so it is
    reached from our beta; its two risks divide by n and by n − 1.
    """
    own, bench = (column(metrics / "portfolio_bacon.csv", i) for i in (1, 2))
    beta, root = slope(own, bench), math.sqrt(12.0)
    left = own - intercept(own, bench) - beta * bench
    explained, specific = beta * bench.std(ddof=1) * root, left.std(ddof=0) * root
    alpha = growth(own) - beta * growth(bench)
    assert is_cut(explained, 0.1328)  # SystematicRisk
    assert is_cut(specific, 0.0329)  # SpecificRisk
    assert is_cut(math.hypot(explained, specific), 0.1368)  # TotalRisk
    assert is_cut(alpha, -0.0141)  # SFM.jensenAlpha, Selectivity, AppraisalRatio modified
    assert is_cut(alpha / specific, -0.4302)  # AppraisalRatio


MANAGERS: dict[str, tuple[Callable[[Floats], float], tuple[float, ...]]] = {
    "annual return, geometric": (growth, (0.1375, 0.1747, 0.1512, 0.1215, 0.0373, 0.1373)),
    "annual return, arithmetic": (
        lambda r: float(r.mean() * 12.0), (0.1335, 0.1697, 0.1494, 0.1322, 0.0491, 0.1327)
    ),
    "maximum drawdown": (
        lambda r: max_drawdown_fraction(curve(r), capital=1.0),
        (0.1518, 0.2399, 0.2894, 0.2874, 0.3405, 0.0788),
    ),
    "Calmar": (calmar, (0.9061, 0.7280, 0.5225, 0.4227, 0.1095, 1.7425)),
    "Sortino, monthly": (
        lambda r: sortino_ratio(r, periods_per_year=1), (0.7649, 1.222, 0.7172, 0.3234, 0.1343, 0.9102)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MANAGERS)
def test_six_managers(metrics: Path, name: str) -> None:
    function, printed = MANAGERS[name]
    got = [function(column(metrics / "managers.csv", 1 + i)) for i in range(6)]
    assert all(map(is_cut if name == "Calmar" else is_rounded, got, printed)), (name, got)


def test_the_annualised_sharpe_ratio_is_rs_arithmetic_one(metrics: Path) -> None:
    printed = (1.1091, 1.0592, 0.9041, 0.5274, 0.0887, 1.1838)
    for number, expected in enumerate(printed, start=1):
        returns = column(metrics / "managers.csv", number)
        ours = sharpe_ratio(returns, periods_per_year=12, risk_free=0.035 / 12)
        assert is_cut(ours, expected), (number, ours)


def test_kelly_differs_from_r_by_the_half_and_by_whose_variance(metrics: Path) -> None:
    table = pl.read_csv(metrics / "managers.csv", infer_schema=False)
    ham1, bills = (table.to_series(i).cast(pl.Float64).to_numpy() for i in (1, 10))
    excess = ham1 - bills
    ours = kelly_continuous(excess)  # mean over variance, both of the excess: Thorp's
    theirs = ours * float(excess.var(ddof=1)) / float(ham1.var(ddof=1)) / 2.0
    assert is_cut(theirs, 6.0108)


def test_the_probabilistic_sharpe_ratio_which_r_computes_without_kurtosis() -> None:
    monthly = 1.0 / math.sqrt(12.0)
    given = {"n": 59, "skew": -0.72, "benchmark": monthly}
    assert is_cut(probabilistic_sharpe(2.0 * monthly, kurtosis=3.0, **given), 0.9597)
    # with the kurtosis of the paper's example the probability is lower: fat tails cost confidence
    assert probabilistic_sharpe(2.0 * monthly, kurtosis=5.78, **given) == pytest.approx(0.9487, abs=5e-5)
