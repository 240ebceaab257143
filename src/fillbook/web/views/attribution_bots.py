"""What each bot of several added: in money, and with capital over a benchmark."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from fillbook.analysis.contributions import BENCHMARKS, CURRENT, EQUAL, OPENING, Contributions
from fillbook.errors import FillbookError
from fillbook.figures.attribution import bots_figure
from fillbook.figures.look import Span
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.reports.attribution import bots_headline
from fillbook.web import st_utils, state

_OWN = "own"
_SEVERAL = 2
_EFFECTS = {
    "allocation": ("By its share", "More in it while it did better than the benchmark, or less while worse."),
    "selection": ("By its return", "It did better than its benchmark, at the benchmark's share of it."),
    "interaction": ("By both", "A larger share and a better return at once."),
}
_SAYS = {
    OPENING: "In the first month the opening weights are the bots' own: only later months can differ.",
    CURRENT: "The weights of the end were not known before: read it as a lesson, not as a rule.",
}


@st.fragment
def show(held: PerformanceDataSource, span: Span | None) -> None:
    """Money of each bot; with the capital of each, the way from a benchmark's return to theirs."""
    bots = sorted(state.contributed(held).table["bot"])
    if len(bots) < _SEVERAL:
        return
    st.subheader("What each bot added", anchor=False)
    capitals, benchmark = _asked(bots)
    try:
        found = state.contributed(held, capitals, benchmark)
    except FillbookError as error:
        st_utils.failed(error)
        found = state.contributed(held)
    _drawn(found, benchmark, span)
    _table(found)


def _asked(bots: list[str]) -> tuple[dict[str, float] | None, str | state.File]:
    """Capital of each bot, None where none is given, and the benchmark."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        every = _capital("Capital of each bot", "bots_capital", "not declared", width=200)
        word = st.selectbox(
            "Benchmark", [*BENCHMARKS, _OWN], key="bots_benchmark", width=320,
            format_func=lambda word: _titled(BENCHMARKS.get(word, "daily returns from a file")),
            help="What the bots are held against, month by month; it takes the capital of every bot.",
        )  # fmt: skip
    file = None
    if word == _OWN:
        file = st.file_uploader("Daily returns, a CSV with date,return", type=["csv"], key="bots_returns")
    box = st.expander("Bots of different capital", icon=":material/account_balance_wallet:")
    with box, st.container(horizontal=True):
        own = [_capital(bot, f"bots_capital_{bot}", "as above", width=180) for bot in bots]
    given = {bot: mine or every for bot, mine in zip(bots, own, strict=True)}
    capitals = {bot: value for bot, value in given.items() if value is not None}
    if file is not None:
        return capitals or None, (file.name, file.getvalue())
    return capitals or None, EQUAL if word == _OWN else word


def _capital(label: str, key: str, placeholder: str, *, width: int) -> float | None:
    return st.number_input(
        st_utils.plain(label), value=None, min_value=0.01, placeholder=placeholder, key=key, width=width,
        help="At the start of what is shown, in the reporting currency.",
    )  # fmt: skip


def _titled(words: str) -> str:
    return words[0].upper() + words[1:]


def _drawn(found: Contributions, benchmark: str | state.File, span: Span | None) -> None:
    """The answer in a sentence, and the figure; without capital, how to get them."""
    if found.table["capital"].null_count():
        st.caption(
            "Money only: give the capital of each bot above to see returns, and how the bots did against "
            "equal weights, earlier weights, nothing, or an index of your own."
        )
        return
    st.markdown(f"**{st_utils.plain(bots_headline(found))}**")
    if math.isnan(found.portfolio):
        return
    figure = bots_figure(
        found.table, state.look(), against=found.against, n_periods=found.n_periods, span=span
    )
    st_utils.explained("bots_figure", figure)
    if isinstance(benchmark, str) and benchmark in _SAYS:
        st.caption(_SAYS[benchmark])


def _table(found: Contributions) -> None:
    """Every bot: money, return, and what it added by its share and by its own return."""
    fractions = ("share", "weight", "bot_return", "contribution", *_EFFECTS)
    added = pl.sum_horizontal(*_EFFECTS, ignore_nulls=False)
    rows = found.table.with_columns(pl.col(fractions) * 100.0).with_columns(added=added)
    columns: dict[str, Any] = {
        "bot": TextColumn("Bot", width=160), "net": st_utils.money("Net PnL", found.currency, width=110),
        "share": NumberColumn("Of net", format="%+.1f %%", width=80),
    }  # fmt: skip
    if rows["capital"].null_count() == 0:
        columns |= {
            "capital": st_utils.money("Capital", found.currency, signed=False, width=110),
            "bot_return": NumberColumn("Return", format="%+.2f %%", width=80),
            "contribution": NumberColumn(
                "Of the return", format="%+.2f %%", width=105,
                help="Its return times its share of the capital: together the return of all bots.",
            ),
        }  # fmt: skip
    if rows["added"].null_count() == 0:
        columns["added"] = NumberColumn(
            "Over the benchmark", format="%+.3f %%", width=140,
            help="What it added to the return over the benchmark: together the whole difference.",
        )  # fmt: skip
        told = [name for name in _EFFECTS if rows[name].abs().max()]
        for name in told if len(told) > 1 else ():
            label, says = _EFFECTS[name]
            columns[name] = NumberColumn(label, format="%+.3f %%", width=105, help=says)
    st_utils.rows(rows, columns, alt="What each bot added")
