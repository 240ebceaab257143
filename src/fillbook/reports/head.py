"""What every answer says of itself before its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from fillbook.reports.json import plain
from fillbook.reports.table import chosen_object, conventions_object

if TYPE_CHECKING:
    from datetime import datetime

    from fillbook.conventions import Conventions
    from fillbook.filters import Filter
    from fillbook.performance_data_source import PerformanceDataSource


class Answer(Protocol):
    """What every answer knows of itself."""

    @property
    def currency(self) -> str | None: ...  # noqa: D102
    @property
    def period(self) -> tuple[datetime, datetime] | None: ...  # noqa: D102
    @property
    def chosen(self) -> Filter: ...  # noqa: D102
    @property
    def conventions(self) -> Conventions: ...  # noqa: D102


def head_object(schema: str, answer: Answer, *sources: PerformanceDataSource) -> dict[str, object]:
    """Object of what every answer says first.

    Parameters
    ----------
    schema
        Name and version of the answer's form.
    answer, sources
        What was answered, from what.

    Returns
    -------
    dict
        ``schema, sources, filter, conventions, currency, period``.
    """
    period = answer.period
    return {
        "schema": schema, "sources": plain([file for data in sources for file in data.lineage.files]),
        "filter": chosen_object(answer.chosen), "conventions": conventions_object(answer.conventions),
        "currency": answer.currency,
        "period": None if period is None else {"start": plain(period[0]), "end": plain(period[1])},
    }  # fmt: skip
