"""The sidebar: where the data is, which rows count, how they are booked. The same on every page."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import streamlit as st

from fillbook.conventions import Conventions, CostMethod, MidProxy, read_marks
from fillbook.errors import FillbookError
from fillbook.filters import UNLINKED, Filter
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.sources.credentials import linkable
from fillbook.units import counted
from fillbook.web import narrowing, st_utils, state

_ZONES = (
    "UTC", "America/New_York", "America/Sao_Paulo", "Europe/London", "Europe/Berlin", "Asia/Dubai",
    "Asia/Kolkata", "Asia/Singapore", "Asia/Shanghai", "Asia/Tokyo", "Australia/Sydney",
)  # fmt: skip
_AGES_S = (1.0, 2.0, 5.0, 15.0, 60.0)
_PROXIES: dict[MidProxy, str] = {"none": "Leave it open", "candle": "Take the candle's close"}
_DATES = "dates_box"
_QUICK = {"1D": 1, "7D": 7, "30D": 30, "All": 0}
_METHODS: dict[CostMethod, str] = {
    "wac": "Weighted average", "fifo": "First in, first out", "lifo": "Last in, first out",
    "hifo": "Highest in, first out",
}  # fmt: skip


def show() -> FillbookError | None:
    """Take the choices; they are in the session afterwards. What cannot be taken is handed back."""
    with st.sidebar:
        held = state.data()
        st.subheader("Data", anchor=False)
        if held is None:
            st.caption("Nothing is open. Choose a source on the page *Bot performance*.")
            return None
        st.text(source_name(held))
        if not held.height("fills"):
            return None
        try:
            chosen, conventions = _filter(held), _conventions()
        except FillbookError as error:
            return error
        st.session_state[state.CHOICE] = state.Choice(chosen, conventions)
        st.caption(in_force(conventions))
        _unused(held, conventions)
        narrowing.remember()
    return None


def _unused(held: PerformanceDataSource, conventions: Conventions) -> None:
    """Say which given prices are of nothing in the data."""
    assets = {name for column in ("base", "quote", "fee_token") for name in held.names("fills", column)}
    strange = [pair for pair in conventions.marks if not assets & {pair.rpartition("-")[0]}]
    if strange:
        st.warning(
            f"{st_utils.plain(', '.join(strange))}: the data holds nothing of it, so its price is not used.",
            icon=":material/warning:",
        )


def source_name(held: PerformanceDataSource) -> str:
    """What is open, in one line."""
    uris: tuple[str, ...] = st.session_state[state.SOURCE]
    name = ", ".join(Path(linkable(uri)).name for uri in uris) or "tables"
    return f"{name} · {counted(held.height('fills'), 'fill')}"


def _filter(held: PerformanceDataSource) -> Filter:
    """Which rows count."""
    start, end = _period(held)
    bots = _several("Bots", narrowing.BOTS, held, "bot")
    connectors = _several("Exchanges", narrowing.CONNECTORS, held, "connector")
    pairs = _several("Pairs", narrowing.PAIRS, held, "pair")
    with st.expander("Controller, side, close type"):
        controllers = _several("Controllers", narrowing.CONTROLLERS, held, "controller_id")
        sides = tuple(st.multiselect(
            "Side", ["BUY", "SELL"], placeholder="Both", key=narrowing.SIDES, bind="query-params"
        ))  # fmt: skip
        close_types = _several("Close types", narrowing.CLOSE_TYPES, held, "close_type")
    return Filter(
        bots=bots, controllers=controllers, connectors=connectors, pairs=pairs, sides=sides,
        close_types=close_types, start=start, end=end,
    )  # fmt: skip


def _several(label: str, key: str, held: PerformanceDataSource, column: str) -> tuple[str, ...]:
    """A choice among the names a column of the fills holds; nothing chosen means all."""
    names = sorted(name or UNLINKED for name in held.names("fills", column))
    return tuple(st.multiselect(label, names, placeholder=f"All {len(names)}", key=key, bind="query-params"))


def _period(held: PerformanceDataSource) -> tuple[datetime | None, datetime | None]:
    """Period of days, UTC: the last so many, or two dates."""
    span = held.span("fills")
    if span is None:
        return None, None
    first, last = span
    quick = st.segmented_control(
        "Period", [*_QUICK, narrowing.BETWEEN], default="All", required=True, key=narrowing.PERIOD,
        bind="query-params",
    )  # fmt: skip
    with st.container(key=_DATES):  # drawn always, so that the address always knows the dates
        days = st.date_input(
            "From and to, UTC", (first.date(), last.date()), min_value=first.date(),
            max_value=last.date(), key=narrowing.DAYS, bind="query-params",
        )  # fmt: skip
    if quick == narrowing.BETWEEN:
        return _between(days)
    st.html(f"<style>.st-key-{_DATES} {{display: none}}</style>")
    days_back = _QUICK[str(quick)]
    return (last - timedelta(days=days_back), None) if days_back else (None, None)


def _between(days: object) -> tuple[datetime | None, datetime | None]:
    """Start of the first day to the end of the last; a day alone is that day."""
    found = [day for day in days if isinstance(day, date)] if isinstance(days, tuple | list) else []
    if not found:
        return None, None
    first, last = (datetime.combine(day, time(), UTC) for day in (found[0], found[-1]))
    return first, last + timedelta(days=1)


def _conventions() -> Conventions:
    """How fills are booked and shown."""
    usual = Conventions()
    with st.expander("Cost method, capital, currency"):
        method: CostMethod = st.selectbox(
            "Cost method", list(_METHODS), format_func=_METHODS.__getitem__, key="method",
            bind="query-params",
            help="Moves PnL between realised and unrealised; the total stays.",
        )  # fmt: skip
        capital = st.number_input(
            "Capital", value=None, min_value=0.01, placeholder="not declared", key="capital",
            bind="query-params",
            help="In the reporting currency. ROI, Calmar and every percentage need it; ratios do not.",
        )  # fmt: skip
        currency = st.text_input(
            "Reporting currency", placeholder="that of the pairs", key="currency", bind="query-params",
            help="Totals are converted to it; needs a rate from candles or a price given.",
        )  # fmt: skip
        marks = st.text_input(
            "Prices given", placeholder="SEI-USDT=0.12425, …", key="marks", bind="query-params",
            help="Marks open positions and fee tokens at the end, before any price in the data.",
        )  # fmt: skip
        strict = st.toggle(
            "Mark at real prices only", key="strict", bind="query-params",
            help="An open position whose newest price is its own last fill then has no mark, and no total.",
        )  # fmt: skip
        age_s = st.selectbox(
            "Age of a quote", _AGES_S, index=_AGES_S.index(usual.max_quote_age_s),
            format_func=_seconds, key="quote_age", bind="query-params",
            help="Older than this, a quote no longer tells the mid that a fill or an order met.",
        )  # fmt: skip
        proxy: MidProxy = st.selectbox(
            "Where no mid was recorded", list(_PROXIES), format_func=_PROXIES.__getitem__, key="mid_proxy",
            bind="query-params",
            help="The close of a candle then stands in for the mid while it is no older than a quote may be: "
            "with 60 s, always on candles of a minute.",
        )  # fmt: skip
        settings: state.ChartSettings = st.session_state[state.CHARTS]
        settings["zone"] = st.selectbox(
            "Times are shown in", _ZONES, key="zone", bind="query-params",
            help="Days and periods stay UTC days, so that numbers do not move with the zone.",
        )  # fmt: skip
    return Conventions(
        method=method, capital=capital, currency=(currency or "").strip().upper() or None,
        marks=read_marks(part.upper() for part in (marks or "").split(",") if part.strip()),
        strict_marks=strict, max_quote_age_s=age_s, mid_proxy=proxy,
    )  # fmt: skip


def _seconds(age: float) -> str:
    return f"{age:g} s"


def in_force(conventions: Conventions) -> str:
    """One line: the conventions in force."""
    capital = "no capital" if conventions.capital is None else f"capital {conventions.capital:,.10g}"
    given = f" · {len(conventions.marks)} price given" if conventions.marks else ""
    method = _METHODS[conventions.method].lower()
    usual = Conventions()
    age = conventions.max_quote_age_s
    aged = "" if age == usual.max_quote_age_s else f" · quotes up to {age:g} s old"
    proxy = " · candle closes stand in for mids" if conventions.mid_proxy == "candle" else ""
    return f"Net of fees · {method} cost · {capital}{given}{aged}{proxy} · days in UTC"
