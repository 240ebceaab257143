"""Statistics against worlds whose truth is known; few worlds here, all of them behind ``make validate``.

Bounds widen with chance: a rate of n worlds is allowed four standard errors beyond what the definition asks.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping

import pytest

from validation.worlds import coverage, exact_size, lucky, rejections

SCALE = int(os.environ.get("FILLBOOK_WORLDS", "1"))  # 1 in the suite, 10 in `make validate`
_WORSE = {  # of a quantile, of variance with heavy tails: what percentile intervals are known to miss
    "volatility", "value_at_risk", "kelly_continuous",
}  # fmt: skip


def slack(rate: float, worlds: int) -> float:
    return 4.0 * math.sqrt(rate * (1.0 - rate) / worlds)


def told(name: str, worlds: int, rates: Mapping[str, float]) -> None:
    said = ", ".join(f"{key} {rate:.1%}" for key, rate in rates.items())
    sys.stdout.write(f"\n{name}, {worlds:,} worlds: {said}\n")


@pytest.mark.parametrize("heavy", [False, True], ids=["normal", "heavy tails"])
def test_intervals_hold_the_truth_in_93_to_97_percent_of_worlds(heavy: bool) -> None:
    worlds = 100 * SCALE
    found = coverage(worlds, days=500, heavy=heavy, replicates=2_000 if SCALE > 1 else 400)
    told(f"95 % intervals of 500 days, {'t with 6 degrees' if heavy else 'normal'}", worlds, found)
    for key, rate in found.items():
        low = 0.91 if heavy and key in _WORSE else 0.93
        assert low - slack(low, worlds) <= rate <= 0.97 + slack(0.97, worlds), key


@pytest.mark.parametrize(("days", "alpha"), [(1_000, 0.95), (250, 0.99), (250, 0.975)])
def test_true_forecasts_are_rejected_as_often_as_the_level_says(days: int, alpha: float) -> None:
    worlds = 400 * SCALE
    found = rejections(worlds, days=days, alpha=alpha)
    size = exact_size(days, alpha)
    told(f"true forecasts of {days:,} days at {alpha:.1%} (exact size of Kupiec {size:.1%})", worlds, found)
    assert abs(found["kupiec"] - size) <= slack(size, worlds)
    assert abs(found["z2"] - 0.05) <= 0.005 + slack(0.05, worlds)
    for key in ("independence", "coverage"):  # asymptotic: exceptions of so few days are whole numbers
        assert found[key] <= 0.10 + slack(0.10, worlds)
    if days == 1_000:
        assert abs(found["coverage"] - 0.05) <= 0.025 + slack(0.05, worlds)


def test_the_best_of_a_hundred_lucky_ones_does_not_pass() -> None:
    worlds = 40 * SCALE
    found = lucky(worlds, trials=100, days=250)
    told("the best of 100 trials of noise over 250 days passes 95 %", worlds, found)
    assert found["deflated"] <= 0.05
    assert found["probabilistic"] >= 0.9, "undeflated, luck passes for skill"
