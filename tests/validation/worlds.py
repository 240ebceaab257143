"""Worlds whose truth is known: how often intervals hold it, tests reject it, and luck passes for skill.

Each experiment makes so many worlds from seeds 0, 1, 2, … and hands back rates. The suite runs a few worlds of
each; ``make validate`` runs them all (``FILLBOOK_WORLDS``) and prints the rates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

import numpy as np
from scipy import signal, stats

from fillbook.arrays import Floats
from fillbook.metrics.backtest import (
    acerbi_szekely,
    backtest,
    exception_tests,
    simulated_z2,
    verdict,
)
from fillbook.metrics.differences import What, apart, paired
from fillbook.metrics.exact_tests import lots
from fillbook.metrics.forecasts import Forecasts
from fillbook.metrics.intervals import intervals
from fillbook.metrics.returns import moments
from fillbook.metrics.selection import daily_sharpe, deflated_sharpe

YEAR = 365.0
MEAN = 0.1  # of days of deviation 1
_BURNT = 100  # days before the first, forgotten


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
        "expected_shortfall": -float(distribution.expect(lambda x: x, ub=low)) / 0.05,
    }  # fmt: skip


NORMAL = stats.norm(loc=MEAN)
HEAVY = stats.t(df=6, loc=MEAN, scale=math.sqrt(4.0 / 6.0))  # deviation 1


def days_of(rng: np.random.Generator, n: int, kind: str) -> Floats:
    """Days of mean 0 and deviation 1: ``normal``, ``heavy`` (t with 6 degrees), ``alike`` (each 0.3 of the one
    before), ``alike 0.5``, ``spells`` (GARCH: 0.1 of yesterday's square, 0.85 of its variance), ``grid`` (nine
    days in ten win up to 2, the tenth loses 4 on average)."""
    if kind == "heavy":
        return rng.standard_t(6, n) * math.sqrt(4.0 / 6.0)
    if kind == "grid":  # mean 0.9 − 0.4, mean square 0.9 · 4/3 + 0.1 · 32
        days = np.where(rng.random(n) < 0.1, -4.0 * rng.exponential(size=n), 2.0 * rng.random(n))
        return np.asarray((days - 0.5) / math.sqrt(4.4 - 0.25))
    noise = rng.normal(size=n + _BURNT)
    if kind == "spells":
        return _wild(noise)[_BURNT:]
    rho = {"normal": 0.0, "alike": 0.3, "alike 0.5": 0.5}[kind]
    found = signal.lfilter([math.sqrt(1.0 - rho**2)], [1.0, -rho], noise)
    return np.asarray(found[_BURNT:])


def _wild(noise: Floats) -> Floats:
    variance, found = 1.0, np.empty(noise.size)
    for i, value in enumerate(noise):
        found[i] = math.sqrt(variance) * value
        variance = 0.05 + 0.1 * found[i] ** 2 + 0.85 * variance
    return found


def _grid_quantiles() -> Floats:
    """Days of ``grid`` at a million even shares: 0.1 e^(y/4) of them lie below a loss of −y, by inversion."""
    share = (np.arange(1_000_000) + 0.5) / 1_000_000
    lost = 4.0 * np.log(np.minimum(share / 0.1, 1.0))
    return MEAN + (np.where(share < 0.1, lost, 2.0 * (share - 0.1) / 0.9) - 0.5) / math.sqrt(4.15)


def of_quantiles(days: Floats) -> dict[str, float]:
    """`truths` of a distribution given by evenly spaced quantiles, ascending."""
    below, worst = np.minimum(days, 0.0), days[: days.size // 20]
    ratio = float(np.maximum(days, 0.0).mean() / -below.mean())
    mean, deviation = float(days.mean()), float(days.std())
    low, high = float(worst[-1]), float(days[-(days.size // 20)])
    return {
        "sharpe_ratio": mean / deviation * math.sqrt(YEAR),
        "sortino_ratio": mean / math.sqrt(float((below**2).mean())) * math.sqrt(YEAR),
        "omega_ratio": ratio, "period_profit_factor": ratio, "tail_ratio": high / -low,
        "winning_days": float((days > 0.0).mean()), "average_daily_pnl": mean,
        "volatility": deviation * math.sqrt(YEAR), "kelly_continuous": mean / deviation**2,
        "value_at_risk": -low, "expected_shortfall": -float(worst.mean()),
    }  # fmt: skip


@cache
def truths_of(kind: str) -> dict[str, float]:
    """`truths` of the days of `days_of`; of spells what is known of them without end."""
    if kind == "grid":
        return of_quantiles(_grid_quantiles())
    if kind != "spells":
        return truths(HEAVY if kind == "heavy" else NORMAL)
    days = MEAN + np.concatenate([days_of(np.random.default_rng(seed), 200_000, kind) for seed in range(3)])
    quantile = float(np.quantile(days, 0.05))
    return {
        "sharpe_ratio": MEAN * math.sqrt(YEAR), "average_daily_pnl": MEAN, "volatility": math.sqrt(YEAR),
        "value_at_risk": -quantile, "expected_shortfall": -float(days[days <= quantile].mean()),
    }  # fmt: skip


def coverage(worlds: int, *, days: int, kind: str) -> Mapping[str, tuple[float, int]]:
    """Share of worlds whose 95 % interval holds the truth, and worlds that show one, by ratio."""
    truth = truths_of(kind)
    held, shown = dict.fromkeys(truth, 0), dict.fromkeys(truth, 0)
    for world in range(worlds):
        pnl = MEAN + days_of(np.random.default_rng(world), days, kind)
        found = intervals(pnl, returns=pnl, capital=1.0, periods_per_year=YEAR, keys=list(truth))
        for key, value in truth.items():
            low, high = found[key].low, found[key].high
            if low is not None and high is not None:
                shown[key] += 1
                held[key] += low <= value <= high
    return {key: (held[key] / n, n) for key, n in shown.items() if n}


def called_different(
    worlds: int, *, sizes: tuple[int, int], kind: str, shift: float = 0.0
) -> Mapping[str, float]:
    """Share of worlds in which one of two series is called different: two stretches, and the same days."""
    wrong: dict[str, int] = {}
    whats: tuple[What, ...] = ("mean", "sharpe")
    for world in range(worlds):
        rng = np.random.default_rng(world)
        one, other = (MEAN + days_of(rng, n, kind) for n in sizes)
        one = one + shift
        for what in whats:
            found = {f"{what} apart": apart(one, other, what)}
            if one.size == other.size:
                found[f"{what} paired"] = paired(one, other, what)
            for key, difference in found.items():
                wrong[key] = wrong.get(key, 0) + difference.is_clear
    return {key: n / worlds for key, n in wrong.items()}


TESTS = ("kupiec", "independence", "coverage")
NO_LOT = tuple(f"{name} without a lot" for name in TESTS)


def estimated(worlds: int, *, method: str, alpha: float, days: int, window: int) -> Mapping[str, float]:
    """Share of worlds in which a sound method is rejected at 5 % although normal days never change: it knows
    them from its window alone. ``exceptions`` is their share in all days."""
    bad = dict.fromkeys((*TESTS, "z2", "verdict", "exceptions"), 0.0)
    for world in range(worlds):
        values = np.random.default_rng(world).normal(size=days + window)
        found, _ = backtest(values, method, alpha, window=window)
        for name in (*TESTS, "z2", "verdict"):
            bad[name] += getattr(found, f"{name}_p") < 0.05
        bad["exceptions"] += found.exceptions / found.n
    return {key: n / worlds for key, n in bad.items()}


def rejections(worlds: int, *, days: int, alpha: float) -> Mapping[str, float]:
    """Share of worlds in which true forecasts are rejected at 5 %, by test, of those with an answer; with every
    tie counted as worse; and the share of worlds in which independence has none (``silent``)."""
    chance = 1.0 - alpha
    normal = stats.norm()
    var, es = -float(normal.ppf(chance)), float(normal.pdf(normal.ppf(chance))) / chance
    steps = -normal.ppf(chance * (np.arange(200) + 0.5) / 200.0)
    known = Forecasts(
        np.full(days, var), np.full(days, es), np.tile(steps, (days, 1)), np.full(200, 1.0 / 200.0)
    )
    chance_z2 = np.sort(simulated_z2(known, alpha, replicates=10_000))
    bad = dict.fromkeys((*TESTS, *NO_LOT, "z2", "verdict"), 0)
    silent = 0
    for world in range(worlds):
        values = np.random.default_rng(world).normal(size=days)
        tested = exception_tests((values < -var).astype(np.int64), alpha, lots(values, 3))
        for name, no_lot, one in zip(TESTS, NO_LOT, tested, strict=True):
            bad[name] += one.p < 0.05
            bad[no_lot] += one.most < 0.05
        z2 = acerbi_szekely(values, known.var, known.es, alpha)
        z2_p = (1.0 + float(np.searchsorted(chance_z2, z2, side="right"))) / (1.0 + chance_z2.size)
        count, _, both = tested
        bad["z2"] += z2_p < 0.05
        bad["verdict"] += verdict(count.p if math.isnan(both.p) else both.p, z2_p) < 0.05
        silent += math.isnan(tested[1].p)
    answered = {
        name: worlds - silent if name.startswith(("independence", "coverage")) else worlds for name in bad
    }
    return {**{name: n / answered[name] for name, n in bad.items()}, "silent": silent / worlds}


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
