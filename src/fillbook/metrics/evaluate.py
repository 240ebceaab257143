"""Ask the registry: every metric of a view as a `Result` with its reasons."""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Iterable

import numpy as np

from fillbook.errors import BadRequestError
from fillbook.metrics.benchmark_inputs import BenchmarkInputs
from fillbook.metrics.inputs import AttributionInputs, ExecutionInputs, Inputs
from fillbook.metrics.registry import METRICS, Metric, find_metric
from fillbook.results import Result, Status, Undefined
from fillbook.units import Unit

ROOMS = (
    "profitability", "returns", "risk", "drawdown", "activity", "execution", "spreads", "shortfall",
    "timing", "liquidity", "impact", "attribution", "tails", "selection", "autocorrelation", "benchmark",
)  # fmt: skip
EXECUTION, BENCHMARK = "execution", "benchmark"  # groups that `ExecutionInputs`, `BenchmarkInputs` answer
Eaten = Inputs | ExecutionInputs | AttributionInputs | BenchmarkInputs
_ANSWERS = {
    EXECUTION: ("execution", "execution"), BENCHMARK: ("compare", "compare"),
    "attribution": ("attribution", "attribution"),
}  # fmt: skip
_DAILY = frozenset({
    "daily_pnl", "daily_return", "daily_basis", "equity", "own_return", "own_pnl", "own_daily", "own_basis",
})  # fmt: skip
_DAYS_ENOUGH, _DAYS_ENOUGH_FOR_TAILS = 30, 100
_DAY_S = 86_400.0


def load_metrics() -> dict[str, Metric]:
    """Every metric by key, room by room: whichever was imported first, the order is one."""
    rooms = {f"fillbook.metrics.{room}": place for place, room in enumerate(ROOMS)}
    for name in rooms:
        importlib.import_module(name)
    places = ((rooms.get(held.function.__module__, len(rooms)), key) for key, held in METRICS.items())
    return {key: METRICS[key] for _, key in sorted(places, key=lambda place: place[0])}


def evaluate(inputs: Eaten, keys: Iterable[str] | None = None) -> dict[str, Result]:
    """Results by key, in registry order.

    Parameters
    ----------
    inputs
        Arrays of one view.
    keys
        Which metrics; None asks all that these inputs can answer.

    Raises
    ------
    BadRequestError
        There is no metric of that key, or it is answered from other inputs.
    """
    load_metrics()
    if keys is None:
        keys = answered_keys(inputs)
    chosen = [find_metric(key) for key in keys]
    for metric in chosen:
        if not _is_answered(metric, inputs):
            here, there = _answered_by(metric)
            message = f"{metric.key} belongs to another answer: ask `analysis.{here}` or `fillbook {there}`"
            raise BadRequestError(message)
    return {metric.key: _result(metric, inputs) for metric in chosen}


def answered_keys(inputs: Eaten) -> list[str]:
    """Keys of the metrics that these inputs answer, in registry order."""
    return [metric.key for metric in load_metrics().values() if _is_answered(metric, inputs)]


def _answered_by(metric: Metric) -> tuple[str, str]:
    """Function and command that answer a metric."""
    if "trials" in metric.parameters:
        return "risk", "risk"
    return _ANSWERS.get(metric.group, ("overview", "summary"))


def _is_answered(metric: Metric, inputs: Eaten) -> bool:
    if isinstance(inputs, ExecutionInputs) and metric.group != EXECUTION:
        return False
    needed = (name for name, default in metric.parameters.items() if default is inspect.Parameter.empty)
    return all(hasattr(inputs, name) for name in (*metric.inputs, *needed))


def _result(metric: Metric, inputs: Eaten) -> Result:
    """One metric's value, or why there is none."""
    values = [getattr(inputs, name) for name in metric.inputs]
    params = {
        name: getattr(inputs, name) if hasattr(inputs, name) else default
        for name, default in metric.parameters.items()
    }
    n = next((int(value.size) for value in values if isinstance(value, np.ndarray)), 0)
    currency = inputs.currency if metric.unit is Unit.MONEY else None
    shown = {name: value for name, value in params.items() if not isinstance(value, Undefined)}
    needed = [*values, *params.values()]
    lost = [value for value in needed if isinstance(value, Undefined)]
    answer = lost[0] if lost else _answer(metric, inputs, values, params)
    if math.isnan(answer):
        status = answer.status if isinstance(answer, Undefined) else Status.UNDEFINED
        reason = answer.reason if isinstance(answer, Undefined) else "undefined"
        return Result(metric.key, None, metric.unit, status, (reason,), n, 0, None, "", shown, currency)
    status, reasons = _trust(metric, inputs, n)
    coverage = min((inputs.coverage.get(name, 1.0) for name in metric.inputs), default=1.0)
    how = dict.fromkeys(inputs.method[name] for name in metric.inputs if name in inputs.method)
    used = getattr(inputs, "used", {})
    n_used = min((used[name] for name in metric.inputs if name in used), default=n)
    return Result(
        metric.key,
        float(answer),
        metric.unit,
        status,
        reasons,
        n,
        n_used,
        coverage,
        "; ".join(how),
        shown,
        currency,
    )


def _answer(metric: Metric, inputs: Eaten, values: list[object], params: dict[str, object]) -> float:
    """The function's own answer; nothing is annualised from less than a day."""
    if "periods_per_year" in params and inputs.window_s < _DAY_S:
        return Undefined("window_too_short")
    return metric.function(*values, **params)


def _trust(metric: Metric, inputs: Eaten, n: int) -> tuple[Status, tuple[str, ...]]:
    """Partial where an input is, low_n where days are few for a statistic."""
    reasons = tuple(dict.fromkeys(why for name in metric.inputs for why in inputs.reasons.get(name, ())))
    doubts = getattr(inputs, "doubts", {})
    doubted = [doubts[name] for name in metric.inputs if name in doubts]
    worse = [why for status, why in doubted if status is Status.INCONSISTENT]
    if worse:
        return Status.INCONSISTENT, (*dict.fromkeys(worse), *reasons)
    if reasons:
        return Status.PARTIAL, reasons
    if doubted:
        return doubted[0][0], (doubted[0][1],)
    is_statistic = (
        metric.unit is not Unit.MONEY or metric.group == BENCHMARK
        or metric.key.startswith(("value_at", "expected_sh"))
    )  # fmt: skip
    if is_statistic and _DAILY & set(metric.inputs):
        tails = metric.key.startswith(("value_at", "expected_sh"))
        if n < (_DAYS_ENOUGH_FOR_TAILS if tails else _DAYS_ENOUGH):
            return Status.LOW_N, ("few_days",)
    return Status.OK, ()
