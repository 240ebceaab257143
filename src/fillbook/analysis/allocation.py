"""How capital might be spread over bots, and whether that would have helped (DEFINITIONS E11).

A suggestion, never an order: weights are found on past days, and what matters is how the rule did on days
it had not seen. Where no rule beat equal weights there, that is the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import polars as pl

from fillbook.analysis.alignment import Aligned, DaySeries, align
from fillbook.analysis.allocation_rules import CURRENT, EQUAL, RULES, require_skfolio, weights_of
from fillbook.analysis.overview import overview
from fillbook.analysis.sides import By, Capital, Side, part_sides, refuse_unknown
from fillbook.analysis.walk_forward import (
    RESAMPLES,
    Trial,
    edges_of,
    varies_early,
    walk_forward,
    weight_ranges,
)
from fillbook.arrays import Floats
from fillbook.conventions import Conventions
from fillbook.errors import BadRequestError
from fillbook.filters import Filter
from fillbook.findings import Finding
from fillbook.metrics.drawdown import falls
from fillbook.metrics.returns import deviation, mean, sharpe_ratio
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Status, Undefined

CAP, LEAST_DAYS, LEAST_BOTS = 0.4, 60, 2
BOTS = {
    "bot": pl.String, "capital": pl.Float64, "weight": pl.Float64, "n_days": pl.Int64, "mean": pl.Float64,
    "deviation": pl.Float64, "sharpe": pl.Float64, "turnover": pl.Float64, "reason": pl.String,
}  # fmt: skip
WEIGHTS = {
    "rule": pl.String, "bot": pl.String, "weight": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "capital": pl.Float64, "scale": pl.Float64, "reason": pl.String,
}  # fmt: skip
OUT_OF_SAMPLE = {
    "rule": pl.String, "n_days": pl.Int64, "n_refits": pl.Int64, "n_without": pl.Int64, "mean": pl.Float64,
    "deviation": pl.Float64, "sharpe": pl.Float64, "max_drawdown": pl.Float64, "difference": pl.Float64,
    "low": pl.Float64, "high": pl.Float64, "p_value": pl.Float64, "beats_equal": pl.Boolean,
    "status": pl.String, "reason": pl.String,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Allocation:
    """Weights by several rules, and how each did on unseen days.

    Parameters
    ----------
    status, reason
        ``unavailable`` with its reason where there can be no suggestion; the tables are then empty but for
        `bots`.
    currency, period
        Of the money; first and last moment of the view.
    capital
        Sum over the bots; None where one has none.
    cap, is_cap_lifted
        Largest weight, and whether two bots made it 1.
    n_days, n_unseen
        Common days, and those of them on which the rules were tried.
    bots
        A row a bot: ``bot, capital``, its share ``weight``, ``n_days`` of its own, and over the common days
        ``mean, deviation, sharpe`` of returns and ``turnover``, volume a day over capital; ``reason`` where
        it takes no part.
    weights
        A row a rule and bot, equal and current weights among them: ``low, high``, where nine in ten resamples
        put the weight; ``capital`` it would have, and ``scale``, that over what it has.
    out_of_sample
        A row a rule: returns on the unseen days, and the difference of its Sharpe ratio to that of equal
        weights with an interval that holds for all rules together; ``n_without``, refits without an answer.
    winners
        Rules whose interval lies above 0.
    alignment
        What was cut off.
    """

    status: Status
    reason: str
    currency: str | None
    period: tuple[datetime, datetime] | None
    capital: float | None
    cap: float
    is_cap_lifted: bool
    n_days: int
    n_unseen: int
    bots: pl.DataFrame
    weights: pl.DataFrame
    out_of_sample: pl.DataFrame
    winners: tuple[str, ...]
    alignment: Aligned
    findings: tuple[Finding, ...]
    chosen: Filter
    conventions: Conventions


def allocate(
    data: PerformanceDataSource,
    chosen: Filter | None = None,
    conventions: Conventions | None = None,
    *,
    capital: Capital,
    by: By = "bot",
    cap: float = CAP,
    resamples: int = RESAMPLES,
) -> Allocation:
    """Suggest how to spread capital over the bots of an opened source.

    Parameters
    ----------
    data
        An opened source.
    chosen, conventions
        Which rows count, and how they are booked. Returns are over fixed capital.
    capital
        Of each bot by name, or one amount that each has.
    by
        What counts as a bot.
    cap
        Largest weight; with fewer bots than 1/cap it is 1.
    resamples
        Of the days, for the range of each weight.

    Raises
    ------
    MissingExtraError
        skfolio is not installed.
    BadRequestError
        A capital of a bot there is none of, or a cap outside (0, 1].
    """
    if not 0.0 < cap <= 1.0:
        raise BadRequestError(f"the largest weight is above 0 and at most 1, not {cap:g}")
    chosen = chosen or Filter()
    conventions = replace(conventions or Conventions(), return_basis="fixed_capital")
    answer = overview(data, chosen, conventions, metrics=("net_pnl",), check=False)
    sides = part_sides(data, answer, by, capital)
    refuse_unknown(capital, [side.name for side in sides])
    aligned, lack, idle = _usable(sides)
    used = [side for side in sides if side.name not in idle]
    is_lifted = len(used) * cap < 1.0
    base = _Base(tuple(used), aligned, 1.0 if is_lifted else cap, conventions.periods_per_year)
    bots = _bots(sides, idle, aligned, conventions)
    total = sum(float(side.capital) for side in used)
    if lack:
        trials: tuple[Trial, ...] = ()
        weights = pl.DataFrame(schema=WEIGHTS)
    else:
        require_skfolio()
        trials = walk_forward(
            base.returns, base.current, base.cap, periods_per_year=conventions.periods_per_year
        )
        weights = _weights(base, resamples)
    return Allocation(
        Status.UNAVAILABLE if lack else Status.OK, lack, answer.currency, answer.period,
        None if np.isnan(total) or not used else total, base.cap, is_lifted, aligned.days.size,
        aligned.days.size - edges_of(aligned.days.size)[0] if trials else 0, bots, weights,
        _out_of_sample(trials, conventions.periods_per_year),
        tuple(trial.rule for trial in trials if trial.beats and trial.rule in RULES), aligned,
        answer.findings, answer.chosen, answer.conventions,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Base:
    """The bots that take part, on their common days."""

    sides: tuple[Side, ...]
    aligned: Aligned
    cap: float
    periods_per_year: float

    @property
    def returns(self) -> Floats:
        """Daily returns, shape (n_days, n_bots)."""
        return np.asarray(self.aligned.values.T)

    @property
    def capital(self) -> Floats:
        """Capital of each, shape (n_bots,)."""
        return np.array([float(side.capital) for side in self.sides])

    @property
    def current(self) -> Floats:
        """Share of each in the capital."""
        return np.asarray(self.capital / self.capital.sum())


def _usable(sides: Sequence[Side]) -> tuple[Aligned, str, dict[str, str]]:
    """Common days of the bots that can take part, why there is no suggestion, and who is out and why."""
    lacks = [side.returns.reason for side in sides if isinstance(side.returns, Undefined)]
    idle: dict[str, str] = {}
    if lacks:
        return align([]), lacks[0], idle
    if len({side.currency for side in sides}) > 1:
        return align([]), "currencies_differ", idle
    aligned = align(_series(sides))
    if aligned.days.size >= LEAST_DAYS:
        moves = varies_early(aligned.values.T)
        idle = {s.name: "zero_variance" for s, is_moving in zip(sides, moves, strict=True) if not is_moving}
        if idle:
            aligned = align(_series([side for side in sides if side.name not in idle]))
    if len(sides) - len(idle) < LEAST_BOTS:
        return aligned, "few_bots", idle
    if aligned.lack is not None:
        return aligned, aligned.lack.reason, idle
    return aligned, "" if aligned.days.size >= LEAST_DAYS else "few_days_for_weights", idle


def _series(sides: Sequence[Side]) -> list[DaySeries]:
    return [DaySeries(side.name, side.days, side.basis) for side in sides]


def _bots(
    sides: Sequence[Side], idle: dict[str, str], aligned: Aligned, conventions: Conventions
) -> pl.DataFrame:
    """A row a bot, whether it takes part or not."""
    used = [side for side in sides if side.name not in idle and not isinstance(side.capital, Undefined)]
    total = sum(float(side.capital) for side in used)
    rows = []
    for side in sides:
        row: dict[str, object] = {
            "bot": side.name,
            "n_days": side.days.size,
            "reason": idle.get(side.name, ""),
        }
        if isinstance(side.capital, Undefined):
            rows.append(row | {"reason": side.capital.reason})
            continue
        row["capital"] = side.capital
        if side in used and total > 0.0:
            row["weight"] = side.capital / total
        seen = side.on(aligned.days)
        if not isinstance(seen.returns, Undefined) and seen.days.size and not np.isnan(seen.returns).any():
            found = {
                "mean": mean(seen.returns), "deviation": deviation(seen.returns),
                "sharpe": sharpe_ratio(seen.returns, periods_per_year=conventions.periods_per_year),
                "turnover": float(seen.volume.mean()) / side.capital,
            }  # fmt: skip
            row |= {name: None if np.isnan(value) else value for name, value in found.items()}
        rows.append(row)
    return pl.DataFrame(rows, schema=BOTS)


def _weights(base: _Base, resamples: int) -> pl.DataFrame:
    """Equal, current and suggested weights with their ranges."""
    n = len(base.sides)
    ranges = weight_ranges(base.returns, base.cap, replicates=resamples)
    nothing = np.full((2, n), np.nan)
    held: list[tuple[str, Floats | Undefined, Floats]] = [
        (EQUAL, np.full(n, 1.0 / n), nothing), (CURRENT, base.current, nothing),
    ]  # fmt: skip
    held += [(rule, weights_of(rule, base.returns, base.cap), ranges[rule]) for rule in RULES]
    rows = []
    for rule, weights, (low, high) in held:
        for i, side in enumerate(base.sides):
            row: dict[str, object] = {"rule": rule, "bot": side.name, "reason": ""}
            if isinstance(weights, Undefined):
                rows.append(row | {"reason": weights.reason})
                continue
            capital = float(weights[i] * base.capital.sum())
            row |= {"weight": float(weights[i]), "capital": capital, "scale": capital / float(side.capital)}
            row |= {
                name: None if np.isnan(end[i]) else float(end[i])
                for name, end in (("low", low), ("high", high))
            }
            rows.append(row)
    return pl.DataFrame(rows, schema=WEIGHTS)


def _out_of_sample(trials: Sequence[Trial], periods_per_year: float) -> pl.DataFrame:
    """A row a rule: how it did on the unseen days."""
    rows = []
    for trial in trials:
        d, values = trial.difference, trial.returns
        level = np.concatenate([[0.0], np.cumsum(values)])
        found = {
            "mean": mean(values), "deviation": deviation(values),
            "sharpe": sharpe_ratio(values, periods_per_year=periods_per_year),
            "max_drawdown": float(falls(level).max()),
        }  # fmt: skip
        numbers = {name: None if np.isnan(value) else value for name, value in found.items()}
        rows.append({
            "rule": trial.rule, "n_days": values.size, "n_refits": trial.n_refits,
            "n_without": trial.n_without, **numbers,
            "difference": None if d is None else d.value, "low": None if d is None else d.low,
            "high": None if d is None else d.high, "p_value": None if d is None else d.p_value,
            "beats_equal": trial.beats, "status": Status.OK if d is None else d.status,
            "reason": "" if d is None else next(iter(d.reasons), ""),
        })  # fmt: skip
    return pl.DataFrame(rows, schema=OUT_OF_SAMPLE)
