"""What the registry says of the metrics, in reading order."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from fillbook.metrics.evaluate import ROOMS, load_metrics
from fillbook.results import Undefined

if TYPE_CHECKING:
    from fillbook.metrics.registry import Metric

_GROUPS = ("profitability", "risk", "activity", "execution", "attribution", "benchmark")


def metrics_by_group() -> dict[str, list[Metric]]:
    """Every metric under its group: the money first, then as they stand in the code.

    The registry's own order is that of the imports, which differs from program to program.
    """
    metrics = sorted(load_metrics().values(), key=_place)
    groups = dict.fromkeys((*_GROUPS, *(metric.group for metric in metrics)))
    found = {group: [metric for metric in metrics if metric.group == group] for group in groups}
    return {group: held for group, held in found.items() if held}


def _place(metric: Metric) -> tuple[int, int]:
    room = metric.function.__module__.rpartition(".")[2]
    code = inspect.unwrap(metric.function).__code__
    return ROOMS.index(room) if room in ROOMS else len(ROOMS), code.co_firstlineno


def parameters(metric: Metric) -> dict[str, object]:
    """Parameters with their defaults; None for one that the view must supply."""
    return {
        name: None if default is inspect.Parameter.empty or isinstance(default, Undefined) else default
        for name, default in metric.parameters.items()
    }


def metric_object(metric: Metric) -> dict[str, object]:
    """Object of what the registry says of a metric."""
    return {
        "key": metric.key,
        "label": metric.label,
        "group": metric.group,
        "unit": metric.unit.value,
        "better": metric.better,
        "meaning": metric.summary,
        "formula": metric.formula,
        "undefined": metric.undefined,
        "source": metric.source,
        "parameters": parameters(metric),
    }
