"""Bot performance: how much, at what risk, since when, and can I trust it."""

from __future__ import annotations

import streamlit as st

from fillbook.analysis.overview import Overview
from fillbook.errors import FillbookError
from fillbook.performance_data_source import UNREADABLE, PerformanceDataSource
from fillbook.units import Unit, format_value
from fillbook.web import narrowing, st_utils, state
from fillbook.web.views.bot_performance import (
    data_source,
    execution,
    export,
    global_results,
    overview,
)

_SAME = 1e-9


def show() -> None:
    """The five sections, the answer first."""
    st.title("Bot performance", anchor=False)
    held = state.data()
    if held is None or not held.height("fills"):
        if held is not None:
            st_utils.empty("This data holds no fill, so there is nothing to book.", "Open another source.")
        data_source.show(held, is_open=True)
        return
    try:
        answer = state.answer(held, state.choice())
    except FillbookError as error:
        st_utils.failed(error)
        narrowing.way_back()
        data_source.show(held)
        return
    st.caption(st_utils.plain(st_utils.scope(answer)))
    st_utils.trust(state.checks(held), answer.findings)
    for finding in held.findings:
        if finding.rule == UNREADABLE:
            words = f"{finding.source} could not be read and is in no number: {finding.message}"
            st.warning(st_utils.plain(words), icon=":material/warning:")
    data_source.show(held)
    narrowing.way_back()
    if answer.period is None or not int(answer.books["n_fills"].sum()):
        st_utils.nothing_passes()
        return
    _said_of_the_view(answer, held)
    overview.show(answer, held)
    global_results.show(answer, held)
    execution.show(answer, held)
    export.show(answer, held)


def _said_of_the_view(answer: Overview, held: PerformanceDataSource) -> None:
    """What a reader of a narrowed view must know before the first number."""
    chosen, net = answer.chosen, answer.metrics["net_pnl"].value
    if chosen.sides:
        st.caption(
            "One side alone is no result: its positions stay open and are valued at the mark. "
            "Both sides add up to the whole."
        )
    if chosen.start is None or answer.currency is None or net is None:
        return
    whole = state.carried(held)
    if whole is None or abs(whole - net) <= _SAME * max(abs(whole), abs(net), 1.0):
        return
    money = format_value(whole, Unit.MONEY, currency=answer.currency, signed=True)
    st.info(
        f"Books start flat on {st_utils.spelled(chosen.start)}: below are the fills of this period alone. "
        f"With what was held before it, the period made **{money} {st_utils.plain(answer.currency)}**.",
        icon=":material/info:",
    )
