"""Global results: where it came from, over time, by kind and by direction."""

from __future__ import annotations

import polars as pl
import streamlit as st

from fillbook.analysis.overview import Overview
from fillbook.figures.bars import cumulative_figure, kind_bars, win_loss_figure
from fillbook.web import st_utils, state


def show(answer: Overview) -> None:
    """Volume, wins and losses, long against short, kinds of close, drawdowns."""
    st.header("Global results", anchor=False, divider="gray")
    if answer.currency is None:
        st_utils.empty(
            "There is no total over several currencies.", "Choose the pairs of one quote currency."
        )
        return
    look, currency = state.look(), answer.currency
    closed = answer.trips.filter(~pl.col("is_open"))
    left, right = st.columns(2, gap="medium")
    with left:
        st_utils.chart(cumulative_figure(answer.daily, look, currency=currency), "Cumulative volume by day")
    with right:
        if closed.height:
            st_utils.chart(win_loss_figure(closed, look), "Round trips won and lost by day")
        else:
            st_utils.empty(
                "No round trip was closed.",
                "The position was never flat again: see the books above.",
            )
    left, right = st.columns(2, gap="medium")
    with left:
        _by_direction(closed, currency)
    with right:
        _by_book(answer, currency)
    _drawdowns(answer, currency)


def _by_direction(closed: pl.DataFrame, currency: str) -> None:
    """Long against short, by their closed round trips."""
    if closed.is_empty() or closed["quote"].n_unique() > 1:
        return
    side = pl.when(pl.col("side") > 0).then(pl.lit("long")).otherwise(pl.lit("short"))
    sums = closed.group_by(direction=side).agg(pl.col("net_quote").sum(), n=pl.len())
    named = sums.with_columns(direction=pl.format("{} ({})", "direction", "n"))
    st_utils.chart(
        kind_bars(
            named, state.look(), label="direction", value="net_quote",
            title="Round trips, long and short", currency=currency, height=200,
        ),
        "Net PnL of long and of short round trips",
    )  # fmt: skip


def _by_book(answer: Overview, currency: str) -> None:
    """Net PnL of each pair."""
    known = answer.books.filter(pl.col("net_quote").is_not_null())
    if known["quote"].n_unique() > 1:
        return
    pairs = known.group_by(pl.format("{}", "pair").alias("pair")).agg(pl.col("net_quote").sum())
    st_utils.chart(
        kind_bars(
            pairs, state.look(), label="pair", value="net_quote", title="Net PnL by pair",
            currency=currency, height=200,
        ),
        "Net PnL by pair",
    )  # fmt: skip


def _drawdowns(answer: Overview, currency: str) -> None:
    """The deepest drawdowns."""
    if answer.drawdowns.is_empty():
        return
    with st.expander(f"Drawdowns: {answer.drawdowns.height:,}, the deepest first"):
        number, moment = st.column_config.NumberColumn, st.column_config.DatetimeColumn
        hours = answer.drawdowns.head(20).with_columns(
            length_h=pl.col("length_s") / 3600, to_valley_h=pl.col("to_valley_s") / 3600
        )
        st_utils.rows(hours, {
            "depth": number(f"Depth, {currency}", format="%,.2f"),
            "depth_fraction": number("Of the peak", format="percent", help="Needs declared capital."),
            "peak_at": moment("Peak", format="YYYY-MM-DD HH:mm", timezone="UTC"),
            "valley_at": moment("Valley", format="YYYY-MM-DD HH:mm", timezone="UTC"),
            "recovery_at": moment("Recovered", format="YYYY-MM-DD HH:mm", timezone="UTC"),
            "to_valley_h": number("To the valley, h", format="%.1f"),
            "length_h": number("Whole length, h", format="%.1f"),
        })  # fmt: skip
