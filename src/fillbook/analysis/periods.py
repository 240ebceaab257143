"""A view against the one before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from fillbook.analysis.overview import Overview, overview
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Result


def before(data: PerformanceDataSource, answer: Overview, keys: Iterable[str]) -> Mapping[str, Result] | None:
    """Metrics of the equal period that ended where the view begins; None where the data does not reach.

    Parameters
    ----------
    data
        The source the answer came from.
    answer
        What is shown; only a view with a chosen start has a period before it.
    keys
        Metrics to answer.
    """
    if answer.period is None or answer.chosen.start is None:
        return None
    start, end = answer.period
    earlier = start - (end - start)
    first = data.fills["at"].min()
    if first is None or earlier < first:  # type: ignore[operator]
        return None
    chosen = replace(answer.chosen, start=earlier, end=start)
    return overview(data, chosen, answer.conventions, metrics=keys, check=False).metrics
