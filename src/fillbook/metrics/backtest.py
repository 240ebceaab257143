"""Whether a value at risk was kept (DEFINITIONS E5): tests of its exceptions and of what they cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fillbook.arrays import Floats, Ints
from fillbook.metrics.bootstrap import SEED
from fillbook.metrics.exact_tests import (
    Tested,
    coverage_chances,
    independence_chances,
    kupiec_chances,
    lots,
)
from fillbook.metrics.forecasts import LEAST_WINDOW, Forecasts, forecasts
from fillbook.results import Undefined

SIMULATED = 2_000
_BASEL_DAYS, _BASEL_LEVEL = 250, 0.99
_GREEN, _YELLOW = 4, 9  # exceptions up to which the light shows it (Basel Committee 1996)
Light = Literal["green", "yellow", "red"]


@dataclass(frozen=True, slots=True)
class Transitions:
    """How often a day with (1) or without (0) an exception followed one with or without."""

    n00: int
    n01: int
    n10: int
    n11: int


def _log_likelihood(misses: int, hits: int, p: float) -> float:
    """Log-likelihood of hits of probability p; 0 · ln 0 = 0."""
    return (misses * math.log(1.0 - p) if misses else 0.0) + (hits * math.log(p) if hits else 0.0)


def kupiec_lr(n: int, exceptions: int, p: float) -> float:
    """Likelihood ratio that exceptions came with probability `p` (Kupiec 1995), ~ χ²(1) for many days."""
    if n == 0:
        return Undefined("empty")
    observed = _log_likelihood(n - exceptions, exceptions, exceptions / n)
    return 2.0 * (observed - _log_likelihood(n - exceptions, exceptions, p))


def transitions(hits: Ints) -> Transitions:
    """Counts of successive pairs of a 0/1 series."""
    codes = 2 * hits[:-1] + hits[1:]
    counts = np.bincount(codes, minlength=4) if hits.size > 1 else np.zeros(4, np.int64)
    return Transitions(*(int(count) for count in counts))


def christoffersen_lr(hits: Ints) -> float:
    """Likelihood ratio that exceptions are independent (Christoffersen 1998), ~ χ²(1) for many of them.

    Undefined without an exception, or where a state is never left.
    """
    found = transitions(hits)
    from_0, from_1 = found.n00 + found.n01, found.n10 + found.n11
    if not hits.any() or from_0 == 0 or from_1 == 0:
        return Undefined("no_exceptions")
    p = (found.n01 + found.n11) / (from_0 + from_1)
    apart = _log_likelihood(found.n00, found.n01, found.n01 / from_0) + _log_likelihood(
        found.n10, found.n11, found.n11 / from_1
    )
    return 2.0 * (apart - _log_likelihood(from_0 + from_1 - found.n01 - found.n11, found.n01 + found.n11, p))


def conditional_coverage_lr(hits: Ints, p: float) -> float:
    """Likelihood ratio that exceptions are independent and of probability `p`, ~ χ²(2) for many of them."""
    independence = christoffersen_lr(hits)
    if math.isnan(independence):
        return independence
    return kupiec_lr(hits.size, int(hits.sum()), p) + independence


def acerbi_szekely(values: Floats, var: Floats, es: Floats, alpha: float) -> float:
    """Z₂ = 1 + Σ r·I / (n(1−α)·ES): 0 where losses beyond the VaR are as forecast, below 0 where larger.

    Undefined (``es_not_positive``) where a forecast sees no loss even in its tail.
    """
    if values.size == 0:
        return Undefined("empty")
    if (es <= 0.0).any():
        return Undefined("es_not_positive")
    lost = np.where(values < -var, values / es, 0.0)
    return 1.0 + math.fsum(lost) / (values.size * (1.0 - alpha))


def simulated_z2(known: Forecasts, alpha: float, *, replicates: int = SIMULATED, seed: int = SEED) -> Floats:
    """Z₂ in worlds where every forecast is true, shape (replicates,): what chance alone does.

    Each day exceeds its VaR with probability 1 − α, by a loss of its own forecast's tail
    (Acerbi & Szekely 2014, section 3).
    """
    rng = np.random.default_rng(seed)
    days = known.var.size
    chance = 1.0 - alpha
    world, day = np.nonzero(rng.random((replicates, days)) < chance)
    edges = np.cumsum(known.weight)
    place = np.minimum(np.searchsorted(edges, rng.random(day.size), side="right"), edges.size - 1)
    beyond = known.tail[day, place] / known.es[day]
    return 1.0 - np.bincount(world, beyond, replicates) / (days * chance)


def traffic_light(hits: Ints) -> Light | Undefined:
    """Colour of the number of exceptions of a 99 % VaR in the last 250 days (Basel Committee 1996).

    Unavailable (``needs_250_days``) with fewer days: the colours hold for 250 alone.
    """
    if hits.size < _BASEL_DAYS:
        return Undefined.unavailable("needs_250_days")
    n = int(hits[-_BASEL_DAYS:].sum())
    return "green" if n <= _GREEN else "yellow" if n <= _YELLOW else "red"


@dataclass(frozen=True, slots=True)
class Backtest:
    """How forecasts of one method stood against the days that came; a test that has no answer is `Undefined`.

    Parameters
    ----------
    method, alpha, window
        What was forecast, from how many days.
    n, exceptions
        Days with a forecast, and those whose loss was larger; a day without a forecast is in neither.
    kupiec, independence, coverage
        Likelihood ratios: unconditional, independence, and both (conditional coverage).
    kupiec_p, independence_p, coverage_p
        Their exact p-values, ties decided by lot (`exact_tests`): below 5 % for 5 of 100 true forecasts.
    kupiec_p_most, independence_p_most, coverage_p_most
        The same with every tie counted as worse: what no lot can exceed.
    z2, z2_critical, z2_p
        Acerbi–Szekely statistic, its 5 % point and p-value by simulation of the forecasts themselves.
    verdict_p
        P-value of all of it: twice the smaller of `coverage_p` (`kupiec_p` where that is absent) and `z2_p`
        (Bonferroni), at most 1; that of the one there is where the other is absent.
    light
        Traffic light, of 99 % and 250 days only.
    """

    method: str
    alpha: float
    window: int
    n: int
    exceptions: int
    kupiec: float
    kupiec_p: float
    kupiec_p_most: float
    independence: float
    independence_p: float
    independence_p_most: float
    coverage: float
    coverage_p: float
    coverage_p_most: float
    z2: float
    z2_critical: float
    z2_p: float
    verdict_p: float
    light: Light | Undefined


def backtest(
    values: Floats, method: str, alpha: float, *, window: int = LEAST_WINDOW, seed: int = SEED
) -> tuple[Backtest, Forecasts]:
    """Forecast every day from the window before it, and test the forecasts.

    Parameters
    ----------
    values
        Daily PnL or returns without a gap, oldest first.
    method
        Key of `tails.METHODS`.
    alpha, window
        Level, and days each forecast knows (≥ 100 says something).
    seed
        Of the simulation behind the Acerbi–Szekely test, and of the lots that decide ties.
    """
    made = forecasts(values, method, alpha, window=window)
    days = values[window:] if values.size > window else values[:0]
    has_one = ~(np.isnan(made.var) | np.isnan(made.es))
    known = Forecasts(made.var[has_one], made.es[has_one], made.tail[has_one], made.weight)
    hits = (days[has_one] < -known.var).astype(np.int64)
    n = hits.size
    gap = Undefined.unavailable("too_few_for_backtest") if not has_one.size else Undefined("no_forecast")
    count, order, both = (
        exception_tests(hits, alpha, lots(days[has_one], 3, seed=seed)) if n else (Tested(gap, gap, gap),) * 3
    )
    z2 = acerbi_szekely(days[has_one], known.var, known.es, alpha) if n else gap
    critical, z2_p = (z2, z2) if math.isnan(z2) else _placed(z2, simulated_z2(known, alpha, seed=seed))
    is_basel = alpha == _BASEL_LEVEL
    light = traffic_light(hits) if is_basel else Undefined.unavailable("only_at_99_percent")
    found = Backtest(
        method, alpha, window, n, int(hits.sum()), count.ratio, count.p, count.most, order.ratio, order.p,
        order.most, both.ratio, both.p, both.most, z2, critical, z2_p,
        verdict(count.p if math.isnan(both.p) else both.p, z2_p), light,
    )  # fmt: skip
    return found, made


def exception_tests(hits: Ints, alpha: float, drawn: Floats) -> tuple[Tested, Tested, Tested]:
    """Whether exceptions are as many as they should be, whether they are independent, and both at once.

    Parameters
    ----------
    hits
        1 for a day that lost more than forecast, else 0, oldest first, at least one.
    alpha
        Level of the forecasts.
    drawn
        A lot for each test (`exact_tests.lots`), shape (3,).
    """
    n, exceptions, p = hits.size, int(hits.sum()), 1.0 - alpha
    count, order = kupiec_lr(n, exceptions, p), christoffersen_lr(hits)
    first, second, third = drawn.tolist()
    of_count = kupiec_chances(n, p).tested(count, first)
    if math.isnan(order):
        return of_count, Tested(order, order, order), Tested(order, order, order)
    return (
        of_count, independence_chances(n, exceptions).tested(order, second),
        coverage_chances(n, p).tested(count + order, third),
    )  # fmt: skip


def verdict(exceptions_p: float, size_p: float) -> float:
    """P-value of two tests together (Bonferroni): true forecasts fail one of them in 5 of 100 worlds at most.

    >>> verdict(0.02, 0.4), verdict(0.7, 0.9)
    (0.04, 1.0)
    """
    known = [p for p in (exceptions_p, size_p) if not math.isnan(p)]
    return min(len(known) * min(known), 1.0) if known else exceptions_p


def _placed(z2: float, chance: Floats) -> tuple[float, float]:
    """The 5 % point of chance, and the share of its worlds at least as bad."""
    as_bad = int((chance <= z2).sum())
    return float(np.quantile(chance, 0.05)), (1.0 + as_bad) / (1.0 + chance.size)
