"""How orders were executed, as an object for machines."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING

from fillbook.analysis.costs import shortfall_sums
from fillbook.reports.head import head_object
from fillbook.reports.json import plain

if TYPE_CHECKING:
    from fillbook.analysis.execution import Execution
    from fillbook.performance_data_source import PerformanceDataSource

EXECUTION_SCHEMA = "fillbook.execution/1"
_LISTED = (
    "mids", "spreads", "markouts", "markets", "uptime", "latency", "waits",
    "hour_by_level", "toxic",
)  # fmt: skip


def execution_object(answer: Execution, data: PerformanceDataSource) -> dict[str, object]:
    """Object of the whole answer but its longest tables, which `fillbook export` writes.

    Parameters
    ----------
    answer
        What was answered.
    data
        What it was answered from.

    Returns
    -------
    dict
        ``schema, sources, filter, conventions, currency, period, metrics, mids, spreads, markouts,
        shortfall, by_fill, by_order, hour_by_level, waits, latency, impact, markets, uptime, toxic, rows,
        findings``; numbers in full precision, None where there is none. ``rows`` counts the orders, fills
        and decisions behind it.
    """
    impact = {name: _number(value) for name, value in asdict(answer.impact).items()}
    return {
        **head_object(EXECUTION_SCHEMA, answer, data), "metrics": plain(answer.metrics),
        **{name: plain(getattr(answer, name)) for name in _LISTED},
        "shortfall": plain(shortfall_sums(answer)),
        "by_fill": {by: plain(rows) for by, rows in answer.by_fill.items()},
        "by_order": {by: plain(rows) for by, rows in answer.by_order.items()},
        "impact": impact,
        "rows": {
            "orders": answer.lives.height, "fills": answer.fills.height, "parents": answer.parents.height,
        },
        "findings": plain(answer.findings),
    }  # fmt: skip


def _number(value: object) -> object:
    """A NaN is no number."""
    return None if isinstance(value, float) and math.isnan(value) else plain(value)
