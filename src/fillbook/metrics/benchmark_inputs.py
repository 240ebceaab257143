"""What the metrics against a benchmark eat: two daily series on the same days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fillbook.arrays import Floats
from fillbook.results import Status, Undefined


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkInputs:
    """One series and the one it is measured against, day by day, oldest first, without NaN.

    What is missing is an `Undefined` with its reason; all arrays have the same shape (n_days,).

    Parameters
    ----------
    own_return, other_return
        Daily returns as fractions of each side's capital; a benchmark of returns needs none.
    own_pnl, other_pnl
        Daily PnL in `currency`.
    own_daily, other_daily
        Both as returns where both are known, else both in `currency`: one unit, so that they may be
        taken from one another.
    own_basis, other_basis
        Each as a return where known, else in money: for what has no scale.
    window_s
        Seconds in the common days.
    periods_per_year
        Days a year.
    currency
        Currency of all money.
    coverage, reasons, method, doubts
        By input, as in `fillbook.metrics.inputs.ExecutionInputs`.
    """

    own_return: Floats | Undefined
    other_return: Floats | Undefined
    own_pnl: Floats | Undefined
    other_pnl: Floats | Undefined
    own_daily: Floats | Undefined
    other_daily: Floats | Undefined
    own_basis: Floats | Undefined
    other_basis: Floats | Undefined
    window_s: float
    periods_per_year: float = 365.0
    currency: str | None = None
    coverage: Mapping[str, float] = field(default_factory=dict)
    reasons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    method: Mapping[str, str] = field(default_factory=dict)
    doubts: Mapping[str, tuple[Status, str]] = field(default_factory=dict)
