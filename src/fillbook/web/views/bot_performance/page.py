"""Bot performance: how much, at what risk, since when, and can I trust it."""

from __future__ import annotations

import streamlit as st

from fillbook.errors import FillbookError
from fillbook.web import narrowing, st_utils, state
from fillbook.web.views.bot_performance import (
    data_source,
    execution,
    export,
    global_results,
    overview,
)


def show() -> None:
    """The five sections, the answer first."""
    st.title("Bot performance", anchor=False)
    held = state.data()
    if held is None or held.fills.is_empty():
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
    data_source.show(held)
    narrowing.way_back()
    if answer.period is None or not int(answer.books["n_fills"].sum()):
        st_utils.empty("No fill passes the filter.", "Widen the period or clear a choice in the sidebar.")
        return
    overview.show(answer, held)
    global_results.show(answer, held)
    execution.show(answer, held)
    export.show(answer, held)
