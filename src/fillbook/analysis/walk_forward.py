"""How rules would have done on days they had not seen, against equal weights (DEFINITIONS E11)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fillbook.analysis.allocation_rules import CURRENT, EQUAL, RULES, weights_of
from fillbook.arrays import Floats
from fillbook.metrics.bootstrap import ENOUGH, SEED, block_length, resampled_rows
from fillbook.metrics.differences import Difference, paired
from fillbook.metrics.returns import deviation
from fillbook.results import Undefined

LEAST_TRAINED = 30  # days before the first suggestion
LEVEL = 0.95  # of all rules together: each has an interval of 1 − 0.05 / number of rules
RESAMPLES = 50
_REFITS = 6
RANGE = (0.05, 0.95)


@dataclass(frozen=True, slots=True)
class Trial:
    """One rule on the days it had not seen.

    Parameters
    ----------
    rule
        Key of `RULES`, ``equal`` or ``current``.
    returns
        Daily returns of the portfolio on those days, shape (n_days,).
    n_refits, n_without
        How often weights were found anew, and how often there was no answer and equal weights stood in.
    difference
        Of the Sharpe ratio to that of equal weights; None for equal weights themselves.
    """

    rule: str
    returns: Floats
    n_refits: int
    n_without: int
    difference: Difference | None

    @property
    def beats(self) -> bool:
        """Whether its Sharpe ratio is above that of equal weights by more than chance."""
        d = self.difference
        return d is not None and d.low is not None and d.low > 0.0


def edges_of(n_days: int) -> list[int]:
    """Days on which weights are found anew, and the end: half of the days, at least thirty, come before.

    >>> edges_of(60)
    [30, 35, 40, 45, 50, 55, 60]
    """
    first = max(n_days // 2, LEAST_TRAINED)
    step = -(-(n_days - first) // _REFITS)
    return [*range(first, n_days, max(step, 1)), n_days]


def walk_forward(
    returns: Floats, current: Floats, cap: float, *, periods_per_year: float = 365.0,
    rules: Sequence[str] = tuple(RULES),
) -> tuple[Trial, ...]:  # fmt: skip
    """Every rule, refitted on all days before each stretch and held through it.

    Parameters
    ----------
    returns
        Daily returns, shape (n_days, n_bots).
    current
        Weights held today, shape (n_bots,).
    cap, rules
        Largest weight, and which rules.
    periods_per_year
        Days a year.

    Returns
    -------
    Equal weights, current weights, and the rules. The interval of each rule's difference holds with
    ``1 − 0.05 / n_rules``, so that one false winner among all rules is no more likely than 5 %.
    """
    edges, n_bots = edges_of(returns.shape[0]), returns.shape[1]
    equal = np.full(n_bots, 1.0 / n_bots)
    unseen = returns[edges[0] :]
    base = unseen @ equal
    level = 1.0 - (1.0 - LEVEL) / max(len(rules), 1)

    def against(values: Floats) -> Difference:
        return paired(values, base, "sharpe", periods_per_year=periods_per_year, level=level)

    held = unseen @ current
    trials = [Trial(EQUAL, base, 0, 0, None), Trial(CURRENT, held, 0, 0, against(held))]
    for rule in rules:
        values, n_without = _played(rule, returns, edges, cap, equal)
        trials.append(Trial(rule, values, len(edges) - 1, n_without, against(values)))
    return tuple(trials)


def _played(
    rule: str, returns: Floats, edges: Sequence[int], cap: float, equal: Floats
) -> tuple[Floats, int]:
    """Daily returns of one rule on the unseen days, and how often it had no answer."""
    pieces, n_without = [], 0
    for begin, end in pairwise(edges):
        weights = weights_of(rule, returns[:begin], cap)
        if isinstance(weights, Undefined):
            weights, n_without = equal, n_without + 1
        pieces.append(returns[begin:end] @ weights)
    return np.concatenate(pieces), n_without


def varies_early(returns: Floats) -> Floats:
    """Whether each bot's returns vary in the days before the first suggestion, shape (n_bots,)."""
    first = edges_of(returns.shape[0])[0]
    return np.array([deviation(column) > 0.0 for column in returns[:first].T])


def weight_ranges(
    returns: Floats, cap: float, *, rules: Sequence[str] = tuple(RULES), replicates: int = RESAMPLES,
    seed: int = SEED,
) -> Mapping[str, Floats]:  # fmt: skip
    """Low and high end of each weight over resamples of the days, shape (2, n_bots); by rule.

    Nine in ten resamples (blocks of days, all bots together) give weights between the two. NaN with fewer
    than 20 days or where fewer than nine in ten resamples have an answer.
    """
    n, n_bots = returns.shape
    nothing = np.full((2, n_bots), math.nan)
    if n < ENOUGH:
        return dict.fromkeys(rules, nothing)
    block = max(block_length(column) for column in returns.T)
    drawn = resampled_rows(n, block, replicates=replicates, seed=seed)
    samples = [returns[rows] for rows in drawn]
    samples = [s for s in samples if all(deviation(column) > 0.0 for column in s.T)]
    found = {}
    for rule in rules:
        held = [w for s in samples if not isinstance(w := weights_of(rule, s, cap), Undefined)]
        is_enough = len(held) >= 0.9 * replicates
        found[rule] = np.quantile(np.array(held), RANGE, axis=0) if is_enough else nothing
    return found
