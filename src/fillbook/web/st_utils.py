"""Pieces that several pages show: the trust line, tables, charts, an empty answer, a way to a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import plotly.graph_objects as go
import polars as pl
import streamlit as st
from streamlit.column_config import DatetimeColumn, NumberColumn
from streamlit.elements.lib.column_types import ColumnConfig as Column
from streamlit.navigation.page import StreamlitPage

from fillbook.analysis.overview import Overview
from fillbook.figures.registry import FIGURES
from fillbook.findings import Finding, Severity
from fillbook.ledger.invariants import Check, Verdict, trust_line
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.units import counted, money_decimals
from fillbook.web import narrowing, state

PAGES: dict[str, StreamlitPage] = {}  # by address, filled by app.py
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|<>$~:^-])")
_COIN_DECIMALS = 8
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "orange", Severity.INFO: "gray"}


def plain(text: object) -> str:
    """A text from the data for a place that reads Markdown: shown as it is, never as markup."""
    return _MARKUP.sub(r"\\\1", str(text))


def way_to(address: str, label: str, icon: str) -> None:
    """Link to another page of the app, where there is one."""
    if address in PAGES:
        st.page_link(PAGES[address], label=label, icon=icon)


def trust(checks: tuple[Check, ...], findings: Iterable[Finding]) -> None:
    """Whether the book balances, and how many findings there are, on one line; leads to Data health."""
    said = trust_line(checks)
    broken = [check for check in checks if check.verdict is Verdict.FAIL]
    own = any(check.is_own for check in broken)
    colour = "red" if own else "orange" if broken else "green"
    icon = ":material/error:" if own else ":material/verified:"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(plain(said[0].upper() + said[1:]), icon=icon, color=colour)  # type: ignore[arg-type]
        found = list(findings)
        for severity in reversed(Severity):
            n = sum(finding.severity is severity for finding in found)
            if n:
                word = "note" if severity is Severity.INFO else severity.value
                st.badge(counted(n, word), color=_COLOURS[severity])  # type: ignore[arg-type]
        way_to("data_health", "Data health", ":material/arrow_forward:")


def scope(answer: Overview) -> str:
    """Period, bots, fills and currency of an answer, on one line."""
    if answer.period is None:
        return "nothing in this view"
    zone = state.zone()
    start, end = (moment.astimezone(zone) for moment in answer.period)
    n, bots = int(answer.books["n_fills"].sum()), answer.books["bot"].n_unique()
    return (
        f"{start:%d %b %Y %H:%M} – {end:%d %b %Y %H:%M} {zone.key} · {counted(bots, 'bot')} · "
        f"{counted(n, 'fill')} · {answer.currency or 'no common currency'}"
    )


def local(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with their moments on the clock of the chosen zone, for drawing."""
    moments = pl.selectors.datetime(time_zone="*")
    return rows.with_columns(moments.dt.convert_time_zone(state.zone().key).dt.replace_time_zone(None))


def chart(
    key: str,
    figure: go.Figure,
    *,
    name: str = "",
    pick: Callable[[list[dict[str, Any]]], None] | None = None,
    is_boxed: bool = False,
) -> None:
    """A registered figure over the whole width; picking in it calls `pick` with the points.

    Parameters
    ----------
    key
        Of the figure in `FIGURES`, whose caption is the text for those who cannot see it.
    figure
        What is drawn.
    name
        Tells two charts of one figure apart.
    pick
        Callback of a choice in the chart.
    is_boxed
        Whether a box may be drawn around points.
    """
    config = {"displaylogo": False, "displayModeBar": False, "scrollZoom": False}
    title = str(figure.layout.title.text or "")
    alt = f"{re.sub('<[^>]*>', '', title)}. {FIGURES[key].caption}"
    if pick is None:
        st.plotly_chart(figure, theme=None, config=config, alt=alt, key=f"{key}{name}_chart")
        return
    figure.update_layout(dragmode="select" if is_boxed else False, clickmode="event+select")
    widget = narrowing.key_of(f"{key}{name}")
    st.plotly_chart(
        figure, theme=None, config=config, alt=alt, key=widget, on_select=narrowing.on_pick(widget, pick),
        selection_mode=("points", "box") if is_boxed else "points",
    )  # fmt: skip


def explained(key: str, figure: go.Figure, *, name: str = "") -> None:
    """A registered figure with the sentence that says what to read in it below."""
    chart(key, figure, name=name)
    st.caption(FIGURES[key].caption)


def empty(sentence: str, way_on: str) -> None:
    """Nothing to show: what is missing, and what to do."""
    st.info(f"{sentence} {way_on}", icon=":material/info:")


def opened(title: str, *, without_fills: str = "") -> PerformanceDataSource | None:
    """Title of a page, and the opened data; where there is none, or no fill in it, the page says so.

    Parameters
    ----------
    title
        Heading.
    without_fills
        What then cannot be, as the end of a sentence; blank for a page that needs no fill.
    """
    st.title(title, anchor=False)
    held = state.data()
    if held is None:
        empty("No data is open.", "Choose it on the page Bot performance.")
        return None
    if without_fills and not held.height("fills"):
        empty(f"This data holds no fill, so {without_fills}.", "Open another source.")
        return None
    return held


def nothing_passes() -> None:
    """The filter lets nothing through."""
    empty("No fill passes the filter.", "Widen the period or clear a choice in the sidebar.")


def failed(error: Exception) -> None:
    """A request that cannot be served, in words of the page."""
    words = re.sub(r"--mark (\S+)", r"in “Prices given”: \1", str(error))
    st.error(plain(words), icon=":material/error:")


def rows(
    table: pl.DataFrame,
    columns: dict[str, Any],
    *,
    alt: str,
    height: int | str = "auto",
    key: str = "",
    pick: Callable[[list[dict[str, Any]]], None] | None = None,
    is_many: bool = False,
) -> None:
    """A table with named, formatted columns, in their order; picking rows calls `pick` with them."""
    shown = _unsigned_nothing(table.select(*columns), columns)
    look: dict[str, Any] = {
        "column_config": columns, "hide_index": True, "height": height, "placeholder": "—", "alt": alt,
    }  # fmt: skip
    if pick is None:
        st.dataframe(shown, **look)
        return
    widget = narrowing.key_of(key)
    st.dataframe(
        shown, **look, key=widget, on_select=narrowing.on_row(widget, table, pick),
        selection_mode="multi-row" if is_many else "single-row",
    )  # fmt: skip


def _unsigned_nothing(shown: pl.DataFrame, columns: dict[str, Any]) -> pl.DataFrame:
    """A table in which what a column's decimals round to nothing is 0, and never −0.00."""
    found = {
        name: re.match(r"%\+?,?\.(\d+)f", str((column.get("type_config") or {}).get("format", "")))
        for name, column in columns.items()
        if isinstance(column, dict) and shown[name].dtype.is_float()
    }
    return shown.with_columns(
        pl.when(pl.col(name).abs() < 0.5 * 10.0 ** -int(said[1]))
        .then(0.0)
        .otherwise(pl.col(name))
        .alias(name)
        for name, said in found.items()
        if said
    )


def money(
    label: str, currency: str | None, *, signed: bool = True, help: str | None = None,  # noqa: A002
    width: int | None = None,
) -> Column:  # fmt: skip
    """Column of money with the decimals a trader expects, wide enough for them unless pixels are given."""
    decimals = money_decimals(currency)
    return NumberColumn(
        label, format=f"%{'+' if signed else ''},.{decimals}f", help=help,
        width=width or ("small" if decimals < _COIN_DECIMALS else "medium"),
    )  # fmt: skip


def bps(label: str, *, help: str | None = None) -> Column:  # noqa: A002
    """Column of basis points."""
    return NumberColumn(f"{label}, bps", format="%+,.2f", help=help)


def price(label: str) -> Column:
    """Column of prices, with as many digits as they have."""
    return NumberColumn(label, format="%.8g")


def spoken(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with their side in words."""
    side = pl.when(pl.col("side") > 0).then(pl.lit("BUY")).when(pl.col("side") < 0).then(pl.lit("SELL"))
    return rows.with_columns(side=side)


def daily_drawdown(currency: str | None) -> Column:
    """Column of drawdowns of daily PnL, which are not as deep as that of the finer curve."""
    says = "Largest fall of net PnL at the ends of days; the card's is of the finer curve, so no smaller."
    return money("Drawdown, daily", currency, signed=False, help=says, width=120)


def moment(label: str) -> Column:
    """Column of times in the chosen zone."""
    return DatetimeColumn(label, format="YYYY-MM-DD HH:mm:ss", timezone=state.zone().key)


def spelled(at: datetime) -> str:
    """A moment in words, in the chosen zone."""
    return f"{at.astimezone(state.zone()):%d %b %Y %H:%M}"
