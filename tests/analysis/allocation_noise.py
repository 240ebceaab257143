"""How often noise is called an edge: bots of one mean and one deviation, over which equal weights are best.

`false_suggestions` is the whole of it; a short form runs with the tests, a long one where somebody asks for
it (``python -m analysis.allocation_noise 400`` from the folder of the tests, an hour on one core).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from fillbook.analysis.walk_forward import walk_forward


@dataclass(frozen=True, slots=True)
class Noise:
    """Draws of simulated bots, and those in which a rule was said to beat equal weights."""

    draws: int
    false: int

    @property
    def share(self) -> float:
        return self.false / self.draws


def false_suggestions(draws: int, *, n_days: int = 120, n_bots: int = 5, seed: int = 20_261_124) -> Noise:
    """Share of draws in which some rule "beats" equal weights although nothing can.

    Daily returns are independent with heavy tails (Student's t, 4 degrees), a mean of 0.05 % and a deviation
    of 1 %, alike for every bot: no weights have a better Sharpe ratio than equal ones.
    """
    rng = np.random.default_rng(seed)
    equal, false = np.full(n_bots, 1.0 / n_bots), 0
    for _ in range(draws):
        noise = rng.standard_t(4, size=(n_days, n_bots)) / np.sqrt(2.0)
        trials = walk_forward(0.0005 + 0.01 * noise, equal, 0.4)
        false += any(trial.beats for trial in trials)
    return Noise(draws, false)


if __name__ == "__main__":
    found = false_suggestions(int(sys.argv[1]))
    sys.stdout.write(f"{found.false} of {found.draws} draws of noise named a winner ({found.share:.1%})\n")
