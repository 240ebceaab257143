"""Whether a value at risk was kept (DEFINITIONS E5): likelihood-ratio tests of its exceptions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fillbook.arrays import Ints
from fillbook.results import Undefined


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
    """Likelihood ratio that exceptions came with probability `p` (Kupiec 1995), ~ χ²(1)."""
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
    """Likelihood ratio that exceptions are independent (Christoffersen 1998), ~ χ²(1).

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
