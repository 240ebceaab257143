"""The sidebar: where the data is, which rows count, how they are booked. The same on every page."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import polars as pl
import streamlit as st

from fillbook.conventions import Conventions, CostMethod
from fillbook.errors import FillbookError
from fillbook.filters import UNLINKED, Filter
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.web import state

_QUICK = {"1D": 1, "7D": 7, "30D": 30, "All": 0}
_METHODS: dict[CostMethod, str] = {
    "wac": "Weighted average", "fifo": "First in, first out", "lifo": "Last in, first out",
    "hifo": "Highest in, first out",
}  # fmt: skip


def show(uris: list[str]) -> None:
    """Open the chosen sources and take the choices; both are in the session afterwards."""
    state.start(uris)
    with st.sidebar:
        _open()
        held = state.data()
        if held is not None and held.fills.height:
            chosen = _filter(held)
            conventions = _conventions()
            st.session_state[state.CHOICE] = state.Choice(chosen, conventions)
            st.caption(in_force(conventions))


def _open() -> None:
    """Read the selected sources, or say why not."""
    chosen: tuple[str, ...] = st.session_state[state.SOURCE]
    st.session_state[state.DATA] = None
    if not chosen:
        st.caption("No data is open. Choose it under *Data source*.")
        return
    try:
        st.session_state[state.DATA] = state.open_sources(chosen)
    except FillbookError as error:
        st.error(str(error), icon=":material/error:")


def _filter(held: PerformanceDataSource) -> Filter:
    """Which rows count."""
    start, end = _period(held)
    fills = held.fills
    bots = _several("Bots", fills["bot"])
    connectors = _several("Exchanges", fills["connector"])
    pairs = _several("Pairs", fills["pair"])
    with st.expander("Controller, side, close type"):
        controllers = _several("Controllers", fills["controller_id"])
        sides = tuple(st.multiselect("Side", ["BUY", "SELL"], placeholder="Both"))
        close_types = _several("Close types", fills["close_type"])
    return Filter(
        bots=bots, controllers=controllers, connectors=connectors, pairs=pairs, sides=sides,
        close_types=close_types, start=start, end=end,
    )  # fmt: skip


def _several(label: str, column: pl.Series) -> tuple[str, ...]:
    """A choice among the names a column holds; nothing chosen means all."""
    names = sorted(column.cast(pl.String).fill_null(UNLINKED).unique())
    return tuple(st.multiselect(label, names, placeholder=f"All {len(names)}"))


def _period(held: PerformanceDataSource) -> tuple[datetime | None, datetime | None]:
    """Period of days, UTC: the last so many, or two dates."""
    first, last = held.fills["at"].min(), held.fills["at"].max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        return None, None
    quick = st.segmented_control("Period", [*_QUICK, "Dates"], default="All", required=True)
    if quick == "Dates":
        days = st.date_input(
            "From and to, UTC",
            (first.date(), last.date()),
            min_value=first.date(),
            max_value=last.date(),
        )
        return _between(days)
    days_back = _QUICK[str(quick)]
    return (last - timedelta(days=days_back), None) if days_back else (None, None)


def _between(days: object) -> tuple[datetime | None, datetime | None]:
    """Start of the first day to the end of the last; open where no second day is chosen yet."""
    found = [day for day in days if isinstance(day, date)] if isinstance(days, tuple) else []
    start = datetime.combine(found[0], time(), UTC) if found else None
    end = datetime.combine(found[1], time(), UTC) + timedelta(days=1) if len(found) > 1 else None
    return start, end


def _conventions() -> Conventions:
    """How fills are booked."""
    with st.expander("Cost method, capital, currency"):
        method: CostMethod = st.selectbox(
            "Cost method", list(_METHODS), format_func=_METHODS.__getitem__,
            help="Moves PnL between realised and unrealised; the total stays.",
        )  # fmt: skip
        capital = st.number_input(
            "Capital", value=None, min_value=0.01, placeholder="not declared",
            help="In the reporting currency. ROI, Calmar and every percentage need it; ratios do not.",
        )  # fmt: skip
        currency = st.text_input(
            "Reporting currency", placeholder="that of the pairs",
            help="Totals are converted to it; needs a rate from candles or a price given.",
        )  # fmt: skip
    return Conventions(method=method, capital=capital, currency=currency.strip().upper() or None)


def in_force(conventions: Conventions) -> str:
    """One line: the conventions in force."""
    capital = "no capital" if conventions.capital is None else f"capital {conventions.capital:,.10g}"
    return f"Net of fees · {_METHODS[conventions.method].lower()} cost · {capital} · UTC"
