"""Narrowing the filter from a chart or a table, and one step back.

The filter lives in the sidebar's widgets, which the address knows by their keys (`KEYS`). A click sets
those, so that it is seen in the sidebar, in the link, and undone like a choice made by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import polars as pl
import streamlit as st

from fillbook.web import state

PERIOD, DAYS = "period", "days"
BOTS, CONTROLLERS, CONNECTORS, PAIRS = "bot", "controller", "exchange", "pair"
SIDES, CLOSE_TYPES = "side", "close"
KEYS = (PERIOD, DAYS, BOTS, CONTROLLERS, CONNECTORS, PAIRS, SIDES, CLOSE_TYPES)
BETWEEN = "Dates"  # the choice of `PERIOD` that reads `DAYS`
_MOST_STEPS = 20


def narrow(**values: object) -> None:
    """Set widgets of the filter by key, after remembering how they stood; for callbacks."""
    steps = _steps()
    steps.append({key: st.session_state[key] for key in KEYS if key in st.session_state})
    del steps[:-_MOST_STEPS]
    _set(values)


def _set(values: Mapping[str, object]) -> None:
    settings: state.ChartSettings = st.session_state[state.CHARTS]
    settings["is_moved"] = True  # a step that is already remembered
    for key, value in values.items():
        st.session_state[key] = value


def undo() -> None:
    """Take the last step back; for callbacks."""
    _set(_steps().pop())


def remember() -> None:
    """Note how the filter stands; a change by hand since the last time is a step that can be taken back."""
    settings: state.ChartSettings = st.session_state[state.CHARTS]
    stands = {key: st.session_state[key] for key in KEYS if key in st.session_state}
    before, settings["stands"] = settings["stands"], stands
    if before is not None and before != stands and not settings["is_moved"]:
        settings["steps"].append(before)
        del settings["steps"][:-_MOST_STEPS]
    settings["is_moved"] = False


def clear() -> None:
    """Let everything pass, as a step that can be taken back; for callbacks."""
    names = (BOTS, CONTROLLERS, CONNECTORS, PAIRS, SIDES, CLOSE_TYPES)
    narrow(**{PERIOD: "All"}, **{name: [] for name in names})


def forget() -> None:
    """Let everything pass and forget the steps, as other data is opened; for callbacks."""
    clear()
    _steps().clear()


def to_days(first: date, last: date) -> None:
    """Narrow to days, both included, as far as there is data; for callbacks."""
    held = state.data()
    span = None if held is None else held.span("fills")
    if span is not None:
        first, last = max(first, span[0].date()), min(last, span[1].date())
    if first <= last:
        narrow(**{PERIOD: BETWEEN, DAYS: (first, last)})


def key_of(name: str) -> str:
    """Key of a chart or table that narrows: a new one after each step, so that nothing stays marked."""
    return f"{name}_{len(_steps())}"


def on_pick(key: str, act: Callable[[list[dict[str, Any]]], None]) -> Callable[[], None]:
    """Callback of a chart: `act` gets the chosen points, if there are any."""

    def picked() -> None:
        points = st.session_state[key]["selection"]["points"]
        if points:
            act(points)

    return picked


def on_row(key: str, rows: pl.DataFrame, act: Callable[[list[dict[str, Any]]], None]) -> Callable[[], None]:
    """Callback of a table: `act` gets the chosen rows, if there are any."""

    def picked() -> None:
        chosen = st.session_state[key]["selection"]["rows"]
        if chosen:
            act(rows[chosen].to_dicts())

    return picked


def taken() -> int:
    """How many steps have been taken."""
    return len(_steps())


def follow(before: int) -> None:
    """Run the whole page anew where a step was taken since `before`: a fragment alone would not."""
    if taken() != before:
        st.rerun()


def way_back() -> None:
    """Buttons that take back the last step, or every choice; nothing where there is none."""
    steps = _steps()
    chosen = state.choice().chosen
    if not steps and chosen.is_empty:
        return
    with st.container(horizontal=True, gap="small"):
        if steps:
            st.button("Back one step", on_click=undo, icon=":material/undo:", type="tertiary")
        if not chosen.is_empty:
            st.button("Show everything", on_click=clear, icon=":material/filter_alt_off:", type="tertiary")


def _steps() -> list[dict[str, Any]]:
    settings: state.ChartSettings = st.session_state[state.CHARTS]
    return settings["steps"]
