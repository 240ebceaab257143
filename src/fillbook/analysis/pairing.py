"""One side against another or a benchmark: the metrics of group "benchmark", and differences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from fillbook.analysis.alignment import Aligned, dates
from fillbook.analysis.benchmarks import Benchmark
from fillbook.analysis.sides import Side
from fillbook.arrays import Floats, Ints
from fillbook.conventions import Conventions
from fillbook.metrics.benchmark_inputs import BenchmarkInputs
from fillbook.metrics.differences import Difference, What, apart, paired
from fillbook.metrics.evaluate import evaluate
from fillbook.results import Result, Undefined

RELATIVE = {
    "day": pl.Date, "side": pl.String, "other": pl.String, "is_benchmark": pl.Boolean, "ahead": pl.Float64,
    "is_return": pl.Boolean,
}  # fmt: skip
_DAY_S = 86_400.0
Other = Side | Benchmark
Series = Floats | Undefined


@dataclass(frozen=True, slots=True)
class Measured:
    """One side against another.

    Parameters
    ----------
    side, other
        Their names.
    is_benchmark
        Whether the other is a benchmark.
    is_paired
        Whether both have the same days; two periods have not.
    n_days, n_other
        Days of each that were used.
    metrics
        By key, each a number or its reason; empty for two periods.
    differences
        Of mean and of Sharpe ratio, with intervals; `mean_is_return` says in what the means are.
    basis
        In words: what returns are over, or that there are none.
    lack
        Why nothing could be compared; empty where it could.
    """

    side: str
    other: str
    is_benchmark: bool
    is_paired: bool
    n_days: int
    n_other: int
    metrics: Mapping[str, Result]
    differences: tuple[Difference, ...]
    mean_is_return: bool
    basis: str
    lack: str = ""


def measured(
    sides: Sequence[Side], against: Sequence[Benchmark], aligned: Aligned, place: int | None,
    conventions: Conventions, *, is_apart: bool,
) -> tuple[Measured, ...]:  # fmt: skip
    """Each side against the reference, and each side against each benchmark.

    Parameters
    ----------
    sides, against
        What is measured, and against what.
    aligned
        Their common days.
    place
        Position of the reference; None where there is no side.
    conventions
        Days a year.
    is_apart
        Whether sides have days of their own: then only their differences are given.
    """
    if place is None:
        return ()
    others = [side for i, side in enumerate(sides) if i != place]
    if is_apart:
        return tuple(_apart(side, sides[place], conventions) for side in others)
    pairs: list[tuple[Side, Other]] = [(side, sides[place]) for side in others]
    pairs += [(side, other) for other in against for side in sides]
    return tuple(_measured(side, other, aligned, conventions) for side, other in pairs)


def _measured(side: Side, other: Other, aligned: Aligned, conventions: Conventions) -> Measured:
    lack = other.lack if isinstance(other, Benchmark) else None
    inputs = inputs_of(side, other, aligned, conventions, lack or aligned.lack)
    year = conventions.periods_per_year
    asked: tuple[tuple[What, Series, Series], ...] = (
        ("mean", inputs.own_daily, inputs.other_daily), ("sharpe", inputs.own_basis, inputs.other_basis),
    )  # fmt: skip
    differences = [
        paired(one, two, what, periods_per_year=year)
        for what, one, two in asked
        if isinstance(one, np.ndarray) and isinstance(two, np.ndarray)
    ]
    why = lack or aligned.lack
    n = 0 if why is not None else aligned.days.size
    return Measured(
        side=side.name, other=other.name, is_benchmark=isinstance(other, Benchmark), is_paired=True,
        n_days=n, n_other=n, metrics=evaluate(inputs), differences=tuple(differences),
        mean_is_return=isinstance(inputs.own_daily, np.ndarray) and inputs.own_daily is inputs.own_return,
        basis=_basis(side, other),
        lack="" if why is None else why.reason,
    )  # fmt: skip


def _basis(side: Side, other: Other) -> str:
    """What the returns of a side are over, in words."""
    if isinstance(other, Benchmark) and other.is_held_beside and other.capital is not None:
        return f"returns of the inventory's value at the start, {other.capital:,.10g} {other.currency or ''}"
    if isinstance(side.capital, Undefined):
        return f"no capital: money a day, in {side.currency or 'no common currency'}"
    return f"returns of a capital of {side.capital:,.10g} {side.currency or ''}".strip()


def inputs_of(
    side: Side, other: Other, aligned: Aligned, conventions: Conventions, lack: Undefined | None
) -> BenchmarkInputs:
    """Arrays of two series on the common days, each in every unit it has."""
    days = aligned.days
    own_pnl: Series = on(days, side.days, side.pnl)
    own_return = _on(days, side.days, side.returns)
    other_return = _on(days, other.days, other.returns)
    other_pnl = _on(days, other.days, other.pnl)
    if isinstance(other, Benchmark) and other.is_held_beside and isinstance(other_pnl, np.ndarray):
        own_pnl = own_pnl + other_pnl if isinstance(own_pnl, np.ndarray) else own_pnl
        if isinstance(own_pnl, np.ndarray):
            own_return = own_pnl / (other.capital or np.nan)
    other_basis = _or(other_return, other_pnl)  # what has no scale may be in another currency
    if side.currency != other.currency and isinstance(other_pnl, np.ndarray) and other_pnl.any():
        other_pnl = Undefined.unavailable("currencies_differ")
    if lack is not None:
        own_pnl = own_return = other_return = other_pnl = other_basis = lack
    both = isinstance(own_return, np.ndarray) and isinstance(other_return, np.ndarray)
    own_daily, other_daily = (own_return, other_return) if both else _money(own_pnl, other_pnl, own_return)
    names = ("own_return", "own_pnl", "own_daily", "own_basis")
    why = _reasons(side, other, aligned)
    return BenchmarkInputs(
        own_return=own_return, other_return=other_return, own_pnl=own_pnl, other_pnl=other_pnl,
        own_daily=own_daily, other_daily=other_daily, own_basis=_or(own_return, own_pnl),
        other_basis=other_basis, window_s=_DAY_S * days.size,
        periods_per_year=conventions.periods_per_year, currency=side.currency,
        reasons=dict.fromkeys(names, why) if why else {},
        coverage=dict.fromkeys(names, days.size / (days.size + aligned.gaps)) if aligned.gaps else {},
        method=dict.fromkeys(("own_return", "own_daily"), _basis(side, other)),
    )  # fmt: skip


def _money(own: Series, other: Series, own_return: Series) -> tuple[Series, Series]:
    """Both in money; where the other is a return, what is missing is the capital."""
    if isinstance(own, np.ndarray) and isinstance(other, np.ndarray):
        return own, other
    why = own_return if isinstance(own_return, Undefined) and isinstance(own, np.ndarray) else own
    if isinstance(other, Undefined) and other.reason == "currencies_differ":
        why = other
    lack = why if isinstance(why, Undefined) else other
    return lack, lack


def _or(first: Series, second: Series) -> Series:
    return first if isinstance(first, np.ndarray) else second


def on(days: Ints, own: Ints, values: Floats) -> Floats:
    """Values of a series on some of its own days."""
    return np.asarray(values[np.searchsorted(own, days)]) if days.size else np.zeros(0)


def _on(days: Ints, own: Ints, values: Series) -> Series:
    return values if isinstance(values, Undefined) else on(days, own, values)


def _reasons(side: Side, other: Other, aligned: Aligned) -> tuple[str, ...]:
    """Why figures of two sides are partial."""
    found = [*side.reasons, *other.reasons]
    if aligned.gaps and not {"benchmark_gaps", "other_calendar"} & set(found):
        found.append("days_left_out")
    if None not in (side.currency, other.currency) and side.currency != other.currency:
        found.append("currencies_differ")
    return tuple(dict.fromkeys(found))


def _apart(side: Side, other: Side, conventions: Conventions) -> Measured:
    """Two periods: only how far their means and Sharpe ratios lie apart."""
    lack = ""
    if not side.days.size or not other.days.size:
        lack = "no_days"
    elif np.isin(side.days, other.days).any():
        lack = "periods_overlap"
    elif np.isnan(side.pnl).any() or np.isnan(other.pnl).any():
        lack = "no_mid"
    is_return = not isinstance(side.returns, Undefined) and not isinstance(other.returns, Undefined)
    differences: tuple[Difference, ...] = ()
    if not lack:
        year = conventions.periods_per_year
        values = (side.basis, other.basis) if is_return else (side.pnl, other.pnl)
        differences = (
            apart(*values, "mean", periods_per_year=year),
            apart(side.basis, other.basis, "sharpe", periods_per_year=year),
        )
    return Measured(
        side=side.name, other=other.name, is_benchmark=False, is_paired=False, n_days=side.days.size,
        n_other=other.days.size, metrics={}, differences=differences, mean_is_return=is_return,
        basis=_basis(side, other), lack=lack,
    )  # fmt: skip


def relative(
    sides: Sequence[Side], against: Sequence[Benchmark], aligned: Aligned, place: int | None,
    conventions: Conventions,
) -> pl.DataFrame:  # fmt: skip
    """``day, side, other, is_benchmark, ahead, is_return``: running sum of daily differences.

    Each side against the reference and each benchmark, in returns where both have them, else in money;
    nothing where they have no unit in common.
    """
    rows = [pl.DataFrame(schema=RELATIVE)]
    others: list[Other] = [*against, *([] if place is None else [sides[place]])]
    for other in others:
        for i, side in enumerate(sides):
            if (i == place and isinstance(other, Side)) or not aligned.days.size:
                continue
            inputs = inputs_of(side, other, aligned, conventions, None)
            own, theirs = inputs.own_daily, inputs.other_daily
            if isinstance(own, Undefined) or isinstance(theirs, Undefined):
                continue
            is_return = own is inputs.own_return
            rows.append(pl.DataFrame({
                "day": dates(aligned.days), "side": side.name, "other": other.name,
                "is_benchmark": isinstance(other, Benchmark), "ahead": np.cumsum(own - theirs),
                "is_return": is_return,
            }, schema=RELATIVE))  # fmt: skip
    return pl.concat(rows)


def mean_of(sides: Sequence[Side], currency: str | None) -> Benchmark:
    """All sides in equal parts: the mean of their returns, else of their PnL in one currency."""
    name = "mean of all sides"
    if not sides or any(not side.days.size for side in sides):
        lack = Undefined.unavailable("no_common_days")
        return Benchmark(name, np.zeros(0, np.int64), lack, lack, currency)
    first, last = max(s.days[0] for s in sides), min(s.days[-1] for s in sides)
    days = np.arange(first, last + 1, dtype=np.int64)
    lost = [s.returns for s in sides if isinstance(s.returns, Undefined)]
    returns: Series = lost[0] if lost else _mean([
        on(days, s.days, s.returns) for s in sides if not isinstance(s.returns, Undefined)
    ])  # fmt: skip
    pnl: Series = Undefined.unavailable("currencies_differ")
    if currency is not None:
        pnl = _mean([on(days, s.days, s.pnl) for s in sides])
    if not days.size:
        returns = pnl = Undefined.unavailable("no_common_days")
    return Benchmark(name, days, returns, pnl, currency)


def _mean(rows: list[Floats]) -> Floats:
    return np.asarray(np.array(rows).sum(axis=0) / len(rows))


def known(value: float) -> float | None:
    """A number, or nothing."""
    return None if math.isnan(value) else value
