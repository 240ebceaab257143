"""Why it earned or lost, as an object for machines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fillbook.analysis.attribution_words import sentences
from fillbook.reports.head import head_object
from fillbook.reports.json import plain
from fillbook.results import reason_text
from fillbook.units import Unit, format_value

if TYPE_CHECKING:
    from fillbook.analysis.attribution import Attribution
    from fillbook.analysis.contributions import Contributions
    from fillbook.performance_data_source import PerformanceDataSource

ATTRIBUTION_SCHEMA = "fillbook.attribution/1"


def attribution_object(
    answer: Attribution, data: PerformanceDataSource, bots: Contributions | None = None
) -> dict[str, object]:
    """Object of the whole answer.

    Parameters
    ----------
    answer
        What was answered.
    data
        What it was answered from.
    bots
        What each bot contributed; None leaves that out.

    Returns
    -------
    dict
        ``schema, sources, filter, conventions, currency, period, words, net, parts, coverage, horizon,
        metrics, by, time, hour_by_weekday, drivers, contributions, findings``; numbers in full precision,
        None where there is none. Of ``parts`` and of each row of ``by``,
        ``net = spread + inventory + funding + rebates − fees + unattributed``.
    """
    after = answer.horizon
    return {
        **head_object(ATTRIBUTION_SCHEMA, answer, data), "words": list(sentences(answer)), "net": answer.net,
        "parts": dict(answer.parts), "coverage": answer.coverage,
        "horizon": {
            "seconds": after.seconds, "adverse_selection": after.adverse_selection,
            "positioning": after.positioning, "unattributed": after.unattributed,
        },
        "metrics": plain(answer.metrics), "by": plain(dict(answer.by)), "time": plain(dict(answer.time)),
        "hour_by_weekday": plain(answer.hours), "drivers": plain(answer.drivers),
        "contributions": None if bots is None else _contributions(bots), "findings": plain(answer.findings),
    }  # fmt: skip


def bots_headline(bots: Contributions) -> str:
    """Returns of the bots and of their benchmark, in a sentence; why there are none, where there are none."""
    if math.isnan(bots.portfolio):
        why = reason_text(getattr(bots.portfolio, "reason", "no_capital"))
        return f"The bots have no return against {bots.against}: {why}."
    own, theirs, more = (
        format_value(value, Unit.FRACTION, signed=True)
        for value in (bots.portfolio, bots.benchmark, bots.portfolio - bots.benchmark)
    )
    months = f", {bots.n_periods} months linked" if bots.n_periods > 1 else ""
    return f"The bots together returned {own}; {bots.against}: {theirs}. The difference is {more}{months}."


def _contributions(bots: Contributions) -> dict[str, object]:
    """Bots with the returns of portfolio and benchmark; None with a reason where there are none."""
    reason = getattr(bots.portfolio, "reason", None)
    return {
        "against": bots.against, "headline": bots_headline(bots),
        "portfolio": None if math.isnan(bots.portfolio) else bots.portfolio,
        "benchmark": None if math.isnan(bots.benchmark) else bots.benchmark,
        "reason": reason, "n_periods": bots.n_periods, "bots": plain(bots.table),
    }  # fmt: skip
