"""What could be lost, as an object for machines."""

from __future__ import annotations

import math
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

import numpy as np

from fillbook.analysis.correlation import DECAY
from fillbook.analysis.crashes import CRASHES, DEFINITION
from fillbook.reports.head import head_object
from fillbook.reports.json import plain
from fillbook.results import Undefined

if TYPE_CHECKING:
    from fillbook.analysis.correlation import Correlation
    from fillbook.analysis.risk import Risk
    from fillbook.analysis.stress import Shocks
    from fillbook.arrays import Floats
    from fillbook.performance_data_source import PerformanceDataSource

RISK_SCHEMA = "fillbook.risk/1"
_TABLES = (
    "tails", "backtests", "sharpes", "drawdowns", "rolling", "forecasts", "holdings", "assets",
)  # fmt: skip


def risk_object(answer: Risk, data: PerformanceDataSource) -> dict[str, object]:
    """Object of the whole answer.

    Parameters
    ----------
    answer
        What was answered.
    data
        What it was answered from.

    Returns
    -------
    dict
        ``schema, sources, filter, conventions, currency, period, asked, metrics, intervals, tails, backtests,
        sharpes, drawdowns, rolling, forecasts, holdings, assets, concentration, stress, correlation,
        findings``; numbers in full precision, None where there is none, with the reason beside it.
    """
    return {
        **head_object(RISK_SCHEMA, answer, data), "asked": plain(answer.asked),
        "metrics": plain(answer.metrics), "intervals": plain(answer.intervals),
        **{name: plain(getattr(answer, name)) for name in _TABLES},
        "concentration": _numbers(answer.concentration),
        "stress": _stress(answer),
        "correlation": {by: _correlation(found) for by, found in answer.correlations.items()},
        "findings": plain(answer.findings),
    }  # fmt: skip


def _stress(answer: Risk) -> dict[str, object]:
    stress = answer.stress
    tables = ("steps", "wilder", "flattening", "funding", "depegs")
    futures = stress.futures
    return {
        "assumption": stress.assumption,
        "crash_table": {"definition": DEFINITION, "crashes": plain(CRASHES)},
        "margin": _numbers(stress.margin),
        "betas": {asset: _numbers(beta) for asset, beta in stress.betas.items()},
        "crashes": _shocks(stress.crashes), "grid": _shocks(stress.grid),
        **{name: plain(getattr(stress, name)) for name in tables},
        "replays": [plain(replay) for replay in stress.replays],
        "paths": {field.name: plain(getattr(futures, field.name)) for field in fields(futures)},
    }  # fmt: skip


def _shocks(found: Shocks) -> dict[str, object]:
    return {"totals": plain(found.totals), "by_asset": plain(found.by_asset)}


def _correlation(found: Correlation) -> dict[str, object]:
    matrices = ("pearson", "spearman", "ewma", "pairwise", "tail")
    return {
        "parts": list(found.names), "order": list(found.order), "status": found.status, "n": found.n,
        "days": found.days, "pairwise_n": found.pairwise_n.tolist(), "is_repaired": found.is_repaired,
        "ewma_decay": DECAY,
        **{name: _matrix(getattr(found, name)) for name in matrices}, "worst_days": found.worst_days,
        "shrunk": None if found.shrunk is None else _matrix(found.shrunk),
        "shrinkage": found.shrinkage, "shrunk_reason": found.shrunk_reason,
    }  # fmt: skip


def _matrix(values: Floats) -> list[list[float | None]]:
    return [[None if np.isnan(cell) else float(cell) for cell in row] for row in values]


def _numbers(held: object) -> dict[str, object]:
    """Fields of an object of numbers; an absent one is None, with its reason beside it."""
    said: dict[str, object] = {}
    for name, value in asdict(held).items():  # type: ignore[call-overload]
        said[name] = None if isinstance(value, float) and math.isnan(value) else plain(value)
        found = getattr(held, name)
        if isinstance(found, Undefined):
            said[f"{name}_reason"] = found.reason
    return said
