"""Limits and their episodes, as an object for machines."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from fillbook.reports.head import head_object
from fillbook.reports.json import plain

if TYPE_CHECKING:
    from fillbook.analysis.limits import Limits, Watch
    from fillbook.performance_data_source import PerformanceDataSource

LIMITS_SCHEMA = "fillbook.limits/1"


def limits_object(answer: Limits, data: PerformanceDataSource) -> dict[str, object]:
    """Object of the whole answer but the samples.

    Parameters
    ----------
    answer
        What was answered.
    data
        What it was answered from.

    Returns
    -------
    dict
        ``schema, sources, filter, conventions, currency, period, headline, is_breached, every_s, limits,
        episodes, findings``; a limit is ``name, what, max, clear_at, warn_at, raise_after, clear_after,
        window_s, stale_after_s, asset, alpha, scope, unit, currency, state, is_open, value, value_at, n,
        n_over, n_missing, reason``. A peak without a number is beyond measure: no equity was left.
    """
    return {
        **head_object(LIMITS_SCHEMA, answer, data), "headline": answer.headline,
        "is_breached": answer.is_breached, "every_s": answer.every_s,
        "limits": [watch_object(watch) for watch in answer.watches],
        "episodes": plain(answer.episodes), "findings": plain(answer.findings),
    }  # fmt: skip


def watch_object(watch: Watch) -> dict[str, object]:
    """Object of one limit."""
    limit = watch.limit
    levels = asdict(limit.threshold)
    scope = {name: list(getattr(limit, name)) for name in ("bots", "pairs", "connectors", "controllers")}
    own = ("state", "is_open", "value", "value_at", "n", "n_over", "n_missing", "reason")
    return {
        "name": limit.name, "what": limit.what, "max": levels.pop("limit"), **levels,
        "window_s": limit.window_s, "stale_after_s": limit.stale_after_s, "asset": limit.asset,
        "alpha": limit.alpha if limit.what == "var" else None,
        "scope": {name: names for name, names in scope.items() if names},
        "unit": limit.kind.unit.value, "currency": watch.currency,
        **{name: plain(getattr(watch, name)) for name in own},
    }  # fmt: skip
