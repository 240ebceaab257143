"""How capital might be spread over bots, and whether that would have helped; found when asked for."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from fillbook.analysis.allocation import Allocation
from fillbook.errors import FillbookError
from fillbook.figures.compare import difference_figure, weights_figure
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.reports.allocation import CAPACITY, FAR, LABELS, NO_ORDER, headline
from fillbook.results import reason_text
from fillbook.web import st_utils, state


def show(held: PerformanceDataSource, asked: state.Sides) -> None:
    """The verdict first, then weights, then how each rule did on days it had not seen."""
    if asked.capital is None:
        st_utils.empty(
            "There is no suggestion: weights are shares of capital, and none is declared.",
            "Give *Capital of each side* above; on the command line each bot may have its own "
            "(fillbook allocate … --capital bot=1000).",
        )
        return
    by = asked.by if asked.by is not None and asked.by != "config" else "bot"
    try:
        answer = state.allocated(held, by, asked.capital)
    except FillbookError as error:
        st_utils.failed(error)
        return
    verdict, *rest = headline(answer)
    st.markdown(f"**{st_utils.plain(verdict)}**")
    for sentence in rest:
        st.markdown(st_utils.plain(sentence))
    if answer.reason:
        st_utils.empty(
            "Nothing to try.", "It needs two sides and sixty days in common, each with its capital."
        )
        return
    st.caption(f"{NO_ORDER} Every side is taken to have the capital given above.")
    bots = list(answer.bots.filter(pl.col("reason") == "")["bot"])
    st_utils.explained(
        "weights_figure", weights_figure(answer.weights, state.look(), labels=LABELS, bots=bots)
    )
    _tried(answer)
    _capacity(answer)


def _tried(answer: Allocation) -> None:
    """Out of sample: the difference to equal weights, and the figures."""
    rows = answer.out_of_sample.with_columns(side=pl.col("rule").replace_strict(dict(LABELS)))
    figure = difference_figure(
        rows.filter(pl.col("difference").is_not_null()).select(
            "side", "low", "high", value="difference"
        ),
        state.look(), title="Above or below equal weights", is_return=False,
        unit=f"Sharpe ratio on {answer.n_unseen} unseen days", says="all bars together hold 95 %",
    )  # fmt: skip
    st_utils.explained("difference_figure", figure, name="rules")
    words = {code: reason_text(code) if code else "" for code in rows["reason"].unique()}
    percents = [(100.0 * pl.col(name)).alias(name) for name in ("mean", "deviation", "max_drawdown")]
    shown = rows.with_columns(
        *percents, reason=pl.col("reason").replace_strict(words, return_dtype=pl.String)
    )
    columns: dict[str, Any] = {
        "side": TextColumn("Rule", width="medium"), "mean": NumberColumn("A day", format="%+.3f %%"),
        "deviation": NumberColumn("Deviation", format="%.3f %%"),
        "sharpe": NumberColumn("Sharpe", format="%+.2f"),
        "max_drawdown": NumberColumn("Drawdown, daily", format="%.2f %%"),
        "difference": NumberColumn("Above equal weights", format="%+.2f"),
        "low": NumberColumn("From", format="%+.2f", help="For all rules together at 95 %."),
        "high": NumberColumn("To", format="%+.2f"), "n_refits": NumberColumn("Refits"),
        "n_without": NumberColumn("Without answer", help="Equal weights stood in."),
        "reason": TextColumn("Doubt"),
    }  # fmt: skip
    if not any(shown["reason"]):
        columns.pop("reason")
    st_utils.rows(shown, columns, alt="Each rule on days it had not seen")


def _capacity(answer: Allocation) -> None:
    """Weights that ask for a size nobody has seen."""
    far = answer.weights.filter(pl.col("scale") >= FAR, ~pl.col("rule").is_in(["equal", "current"]))
    st.info(CAPACITY, icon=":material/straighten:")
    if far.is_empty():
        return
    shown = far.with_columns(
        rule=pl.col("rule").replace_strict(dict(LABELS)), weight=100.0 * pl.col("weight")
    )
    with st.expander(f"Weights of {FAR:g} times today's capital and more: {far.height}"):
        columns: dict[str, Any] = {
            "rule": TextColumn("Rule", width="medium"), "bot": TextColumn("Bot", width="medium"),
            "weight": NumberColumn("Weight", format="%.1f %%"),
            "capital": st_utils.money("Capital", answer.currency, signed=False),
            "scale": NumberColumn("Times today's", format="%.2f"),
        }  # fmt: skip
        st_utils.rows(shown.sort("scale", descending=True), columns, alt="Weights far above today's capital")
