"""Exact p-values of the tests of exceptions: a nominal 5 % is 5 %, however few they are.

Likelihood ratios of a few whole exceptions are far from χ² and take few values. What they are where forecasts
are true is counted here, not simulated: given how many exceptions there are, every order of them is equally
likely, and how many orders have so many runs is known (Mood 1940). Of the worlds whose ratio is the observed
one, the share that a lot says counts as worse (Dufour 2006; Christoffersen & Pelletier 2004, whose p-values
these are with as many simulated worlds as one likes). The lot is drawn from the days themselves, so that the
same days have the same p-value.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from fillbook.arrays import Floats
from fillbook.metrics.bootstrap import SEED

_SAME = 1e-9  # ratios no further apart are equal but for rounding
_NEVER = -100.0  # log of a probability that is none
_DIGITS = 9  # of a day that its rank looks at: sums in another order are the same days


@dataclass(frozen=True, slots=True)
class Tested:
    """A statistic, and how likely true forecasts look at least as bad.

    Parameters
    ----------
    ratio
        The statistic.
    p
        Its p-value with ties decided by lot: below 5 % in exactly 5 of 100 worlds of true forecasts.
    most
        With every tie counted as worse: below 5 % in at most 5 of 100, whatever the lot.
    """

    ratio: float
    p: float
    most: float


@dataclass(frozen=True, slots=True)
class Chances:
    """What a statistic is where forecasts are true.

    Parameters
    ----------
    values
        Ascending, shape (k,).
    tail
        Probability of at least each, and 0 after the last, shape (k + 1,).
    """

    values: Floats
    tail: Floats

    @classmethod
    def of(cls, values: Floats, weights: Floats) -> Chances:
        """From values in any order and what each weighs."""
        order = np.argsort(values, kind="stable")
        tail = np.cumsum(weights[order][::-1])[::-1]
        return cls(values[order], np.append(tail / tail[0], 0.0))

    def tested(self, ratio: float, lot: float) -> Tested:
        """How likely so much or more is."""
        near = _SAME * (1.0 + abs(ratio))
        first, after = np.searchsorted(self.values, [ratio - near, ratio + near])
        most, more = float(self.tail[first]), float(self.tail[after])
        return Tested(ratio, more + lot * (most - more), most)


def lots(values: Floats, n: int, *, seed: int = SEED) -> Floats:
    """Numbers between 0 and 1 drawn by the order of the days from worst to best, shape (n,).

    The order stays where every day is multiplied, or summed in another way, so the lot does.
    """
    scale = float(np.abs(values).max(initial=0.0))
    ranks = np.argsort(np.round(values / (scale or 1.0), _DIGITS), kind="stable").astype("<i8")
    drawn = hashlib.blake2b(ranks.tobytes(), digest_size=16).digest()
    return np.random.default_rng([seed, int.from_bytes(drawn, "little")]).random(n)


@lru_cache(maxsize=64)
def kupiec_chances(n: int, p: float) -> Chances:
    """Of `backtest.kupiec_lr` over n days: exceptions are binomial."""
    x = np.arange(n + 1.0)
    return Chances.of(_count_ratio(n, x, p), np.exp(_log_binomial(n, x, p)))


@lru_cache(maxsize=256)
def independence_chances(n: int, exceptions: int) -> Chances:
    """Of `backtest.christoffersen_lr` over n days with so many exceptions, where it is defined."""
    return Chances.of(*_orders(n, exceptions))


@lru_cache(maxsize=64)
def coverage_chances(n: int, p: float) -> Chances:
    """Of `backtest.conditional_coverage_lr` over n days, where it is defined."""
    x = np.arange(1.0, n)
    log_chance = _log_binomial(n, x, p)
    values, weights = [], []
    for exceptions, count, log_one in zip(x, _count_ratio(n, x, p), log_chance.tolist(), strict=True):
        if log_one > _NEVER:
            ratio, weight = _orders(n, int(exceptions))
            values.append(count + ratio)
            weights.append(weight * math.exp(log_one))
    return Chances.of(np.concatenate(values), np.concatenate(weights))


def _log_choose(n: float, k: Floats) -> Floats:
    """Logarithm of the number of ways to choose k of n."""
    from scipy.special import gammaln  # noqa: PLC0415  (brings SciPy)

    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))


def _log_binomial(n: int, x: Floats, p: float) -> Floats:
    return _log_choose(n, x) + x * math.log(p) + (n - x) * math.log1p(-p)


def _count_ratio(n: int, x: Floats, p: float) -> Floats:
    """Kupiec's ratio of each number of exceptions."""
    from scipy.special import xlogy  # noqa: PLC0415  (brings SciPy)

    seen = xlogy(x, x / n) + xlogy(n - x, 1.0 - x / n)
    return np.asarray(2.0 * (seen - x * math.log(p) - (n - x) * math.log1p(-p)))


def _orders(n: int, exceptions: int) -> tuple[Floats, Floats]:
    """Christoffersen's ratio of orders of so many exceptions, and the share of all orders that have it.

    Orders differ to it by how many runs of exceptions there are, and by the first and the last day.
    """
    from scipy.special import xlogy  # noqa: PLC0415  (brings SciPy)

    rest = n - exceptions
    begins, ends, runs = (
        part.ravel()
        for part in np.meshgrid([0, 1], [0, 1], np.arange(1, min(exceptions, rest + 1) + 1), indexing="ij")
    )
    gaps = runs + 1 - begins - ends
    n01, n11, n10, n00 = runs - begins, exceptions - runs, gaps - 1 + begins, rest - gaps
    from_0, from_1 = n00 + n01, n10 + n11
    is_told = (gaps >= 1) & (gaps <= rest) & (from_0 > 0) & (from_1 > 0)
    n01, n11, n10, n00, from_0, from_1, some, none = (
        part[is_told].astype(float) for part in (n01, n11, n10, n00, from_0, from_1, runs, gaps)
    )
    log_share = (
        _log_choose(exceptions - 1.0, some - 1.0) + _log_choose(rest - 1.0, none - 1.0)
        - float(_log_choose(float(n), np.array(float(exceptions))))
    )  # fmt: skip
    hit, free = n01 + n11, n00 + n10
    apart = (
        xlogy(n00, n00 / from_0)
        + xlogy(n01, n01 / from_0)
        + xlogy(n10, n10 / from_1)
        + xlogy(n11, n11 / from_1)
    )
    together = xlogy(hit, hit / (n - 1.0)) + xlogy(free, free / (n - 1.0))
    return 2.0 * (apart - together), np.exp(log_share)
