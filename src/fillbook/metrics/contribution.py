"""What each bot added to a portfolio, against a benchmark and over periods (DEFINITIONS B7, B8)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fillbook.arrays import Floats
from fillbook.errors import BadRequestError
from fillbook.results import Undefined

_EXACT = 1e-9  # by which weights may miss one


@dataclass(frozen=True, slots=True)
class Brinson:
    """One period: returns of portfolio and benchmark, and effects a bot, shape (n_bots,).

    The effects of all bots sum to ``portfolio − benchmark``; `contribution` sums to `portfolio`.
    """

    portfolio: float
    benchmark: float
    contribution: Floats
    allocation: Floats
    selection: Floats
    interaction: Floats

    @property
    def active(self) -> float:
        """Return over the benchmark."""
        return self.portfolio - self.benchmark


@dataclass(frozen=True, slots=True)
class Linked:
    """Several periods as one: compounded returns, and effects a bot that sum to their difference."""

    portfolio: float
    benchmark: float
    allocation: Floats
    selection: Floats
    interaction: Floats

    @property
    def active(self) -> float:
        """Return over the benchmark."""
        return self.portfolio - self.benchmark


def brinson_fachler(
    weights: Floats, benchmark_weights: Floats, returns: Floats, benchmark: Floats
) -> Brinson:
    """Effects of one period: ``(w−W)(R_b−R_B)``, ``W(r_b−R_b)`` and ``(w−W)(r_b−R_b)``.

    Brinson & Fachler 1985; Brinson, Hood & Beebower 1986.

    Parameters
    ----------
    weights, benchmark_weights
        Share of the capital in each bot at the start of the period, own and the benchmark's, shape (n,).
    returns, benchmark
        Return of each bot, and of its benchmark; NaN for a bot that is not in the benchmark, whose return
        is then taken as the whole benchmark's.

    Raises
    ------
    BadRequestError
        Weights do not sum to one, or one is not a number; a bot without a benchmark has a benchmark weight.
    """
    for name, held in (("weights", weights), ("benchmark weights", benchmark_weights)):
        whole = math.fsum(held)
        if not abs(whole - 1.0) <= _EXACT:
            raise BadRequestError(f"{name} of the bots must sum to 1, not {whole:.10g}")
    absent = np.isnan(benchmark)
    if np.isnan(returns).any() or (absent & (benchmark_weights != 0.0)).any():
        raise BadRequestError("each bot needs a return, and each bot of the benchmark a benchmark return")
    whole = math.fsum((benchmark_weights * np.where(absent, 0.0, benchmark)).tolist())
    theirs = np.where(absent, whole, benchmark)
    more, better = weights - benchmark_weights, returns - theirs
    contribution = weights * returns
    return Brinson(
        math.fsum(contribution.tolist()), whole, contribution, more * (theirs - whole),
        benchmark_weights * better, more * better,
    )  # fmt: skip


def carino(portfolio: float, benchmark: float) -> float:
    """Carino's factor ``(ln(1+r) − ln(1+b)) / (r − b)``; ``1/(1+r)`` where both returns are equal.

    >>> carino(0.0, 0.0)
    1.0
    """
    if min(portfolio, benchmark) <= -1.0:
        return Undefined("equity_non_positive")
    gap = (portfolio - benchmark) / (1.0 + benchmark)
    return (math.log1p(gap) / gap if gap else 1.0) / (1.0 + benchmark)


def linked(periods: Sequence[Brinson]) -> Linked | Undefined:
    """Effects over all periods that sum to the compounded active return (Carino 1999).

    Undefined (``equity_non_positive``) where a return of −100 % or less stands in the way, ``empty``
    without periods: contributions in money are then all there is.
    """
    if not periods:
        return Undefined("empty")
    factors = [carino(period.portfolio, period.benchmark) for period in periods]
    if any(math.isnan(factor) for factor in factors):
        return Undefined("equity_non_positive")
    whole, theirs = (
        math.expm1(math.fsum(math.log1p(getattr(period, name)) for period in periods))
        for name in ("portfolio", "benchmark")
    )
    share = np.array(factors) / carino(whole, theirs)
    effects = (
        np.sum([k * getattr(period, name) for k, period in zip(share, periods, strict=True)], axis=0)
        for name in ("allocation", "selection", "interaction")
    )
    return Linked(whole, theirs, *effects)
