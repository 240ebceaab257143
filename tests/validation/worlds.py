"""Worlds whose truth is known: how often intervals hold it, tests reject it, and luck passes for skill.

Each experiment makes so many worlds from seeds 0, 1, 2, … and hands back rates. The suite runs a few worlds of
each; ``make validate`` runs them all (``FILLBOOK_WORLDS``) and prints the rates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy import stats

from fillbook.arrays import Floats
from fillbook.metrics.backtest import (
    acerbi_szekely,
    chi2_tail,
    christoffersen_lr,
    conditional_coverage_lr,
    kupiec_lr,
    simulated_z2,
)
from fillbook.metrics.forecasts import Forecasts
from fillbook.metrics.intervals import intervals
from fillbook.metrics.returns import moments
from fillbook.metrics.selection import daily_sharpe, deflated_sharpe

YEAR = 365.0
MEAN = 0.1  # of days of deviation 1


def truths(distribution: stats.rv_continuous) -> dict[str, float]:
    """What ratios of days of a distribution of mean 0.1 and deviation 1 are, without end."""

    def mean_of(part: object) -> float:
        return float(distribution.expect(part, epsabs=1e-10))

    down = math.sqrt(mean_of(lambda x: min(x, 0.0) ** 2))
    ratio = mean_of(lambda x: max(x, 0.0)) / mean_of(lambda x: max(-x, 0.0))
    low, high = (float(distribution.ppf(share)) for share in (0.05, 0.95))
    return {
        "sharpe_ratio": MEAN * math.sqrt(YEAR), "sortino_ratio": MEAN / down * math.sqrt(YEAR),
        "omega_ratio": ratio, "period_profit_factor": ratio, "tail_ratio": high / -low,
        "winning_days": float(distribution.sf(0.0)), "average_daily_pnl": MEAN,
        "volatility": math.sqrt(YEAR), "kelly_continuous": MEAN, "value_at_risk": -low,
    }  # fmt: skip


NORMAL = stats.norm(loc=MEAN)
HEAVY = stats.t(df=6, loc=MEAN, scale=math.sqrt(4.0 / 6.0))  # deviation 1


def coverage(worlds: int, *, days: int, heavy: bool = False, replicates: int = 2_000) -> Mapping[str, float]:
    """Share of worlds whose 95 % interval holds the truth, by ratio."""
    distribution = HEAVY if heavy else NORMAL
    truth = truths(distribution)
    held = dict.fromkeys(truth, 0)
    for world in range(worlds):
        pnl = distribution.rvs(days, random_state=world)
        found = intervals(
            pnl, returns=pnl, capital=1.0, periods_per_year=YEAR, keys=list(truth), replicates=replicates,
            seed=world,
        )  # fmt: skip
        for key, value in truth.items():
            low, high = found[key].low, found[key].high
            held[key] += low is not None and high is not None and low <= value <= high
    return {key: n / worlds for key, n in held.items()}


def rejections(worlds: int, *, days: int, alpha: float) -> Mapping[str, float]:
    """Share of worlds in which true forecasts are rejected at 5 %, by test; and of tests without an answer."""
    chance = 1.0 - alpha
    normal = stats.norm()
    var, es = -float(normal.ppf(chance)), float(normal.pdf(normal.ppf(chance))) / chance
    steps = -normal.ppf(chance * (np.arange(200) + 0.5) / 200.0)
    known = Forecasts(
        np.full(days, var), np.full(days, es), np.tile(steps, (days, 1)), np.full(200, 1.0 / 200.0)
    )
    critical = float(np.quantile(simulated_z2(known, alpha, replicates=10_000), 0.05))
    bad = dict.fromkeys(("kupiec", "independence", "coverage", "z2"), 0)
    silent = 0
    for world in range(worlds):
        values = np.random.default_rng(world).normal(size=days)
        hits = (values < -var).astype(np.int64)
        apart = chi2_tail(christoffersen_lr(hits), 1)
        bad["kupiec"] += chi2_tail(kupiec_lr(days, int(hits.sum()), chance), 1) < 0.05
        bad["independence"] += apart < 0.05
        bad["coverage"] += chi2_tail(conditional_coverage_lr(hits, chance), 2) < 0.05
        bad["z2"] += acerbi_szekely(values, known.var, known.es, alpha) < critical
        silent += math.isnan(apart)
    return {**{key: n / worlds for key, n in bad.items()}, "silent": silent / worlds}


def exact_size(days: int, alpha: float) -> float:
    """Probability that Kupiec's test at 5 % rejects a true forecast: exceptions come in whole numbers."""
    counts = stats.binom(days, 1.0 - alpha)
    rejected = [
        n for n in range(days + 1) if chi2_tail(kupiec_lr(days, n, 1.0 - alpha), 1) < 0.05
    ]  # fmt: skip
    return float(sum(counts.pmf(n) for n in rejected))


def lucky(worlds: int, *, trials: int, days: int) -> Mapping[str, float]:
    """Share of worlds in which the best of pure noise passes 95 %: deflated, and as if it were the only one."""
    passed = {"deflated": 0, "probabilistic": 0}
    for world in range(worlds):
        noise: Floats = np.random.default_rng(world).normal(size=(trials, days))
        ratios = np.array([daily_sharpe(days_) for days_ in noise])
        best = noise[int(ratios.argmax())]
        spread = float(ratios.var(ddof=1))
        shape = moments(best)
        ratio = float(ratios.max())
        passed["deflated"] += deflated_sharpe(ratio, days, *shape, trials=trials, variance=spread) > 0.95
        passed["probabilistic"] += deflated_sharpe(ratio, days, *shape, trials=1, variance=spread) > 0.95
    return {key: n / worlds for key, n in passed.items()}
