"""Do parts lose together: correlation, clusters, worst days in common; and how concentrated exposure is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from fillbook.analysis.correlation import DECAY, Correlation
from fillbook.analysis.exposure import exposure
from fillbook.analysis.overview import Overview
from fillbook.analysis.risk import Risk
from fillbook.arrays import Floats
from fillbook.figures.parts import correlation_figure, exposure_figure
from fillbook.figures.risk import rolling_correlation_figure
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Undefined, reason_text
from fillbook.units import Unit, counted, format_value
from fillbook.web import st_utils, state

_BY = {"bot": "Bots", "controller": "Controllers", "pair": "Pairs"}
_MEASURES = {
    "pearson": "Pearson", "spearman": "Ranks (Spearman)", "ewma": "Lately (EWMA)",
    "pairwise": "Each pair's own days",
    "shrunk": "Shrunk (Ledoit–Wolf)", "tail": "Worst days in common",
}  # fmt: skip
_TITLES = {
    "pearson": "Correlation of daily PnL", "spearman": "Correlation of ranks of daily PnL",
    "ewma": "Correlation of daily PnL, lately",
    "pairwise": "Correlation over each pair's own days", "shrunk": "Correlation, shrunk",
    "tail": "Worst days in common",
}  # fmt: skip
_SAID = {
    "pearson": "Days all parts have in common.",
    "spearman": "Of ranks, so that single wild days count less; days all have in common.",
    "ewma": f"Days all parts have in common, each weighing {DECAY} of the day after it: half after "
    f"{math.log(0.5) / math.log(DECAY):.0f} days.",
    "pairwise": "Each pair over the days both ran, so cells rest on different days.",
    "shrunk": "Drawn towards no correlation as far as few days advise; what an optimiser should eat.",
    "tail": "Share of one part's worst 5 % of days that are among the other's: by chance alone it is 5 %.",
}  # fmt: skip
_MOST = 40  # parts in a heatmap that can still be read


def show(found: Risk, answer: Overview, held: PerformanceDataSource, currency: str) -> None:
    """Correlation of parts, then exposure and concentration."""
    del held
    _correlation(found)
    _exposure(found, answer, currency)


@st.fragment
def _correlation(found: Risk) -> None:
    """One kind of part by one measure, alike beside alike."""
    kinds = [by for by, one in found.correlations.items() if len(one.names) > 1]
    if not kinds:
        st_utils.empty("There is only one part in this view.", "Open several bots or pairs to compare them.")
        return
    with st.container(horizontal=True):
        by = st.segmented_control(
            "Of", kinds, default=kinds[0], required=True, format_func=_BY.__getitem__, key="correlated"
        )
        measure = st.segmented_control(
            "Measure", list(_MEASURES), default="pearson", required=True,
            format_func=_MEASURES.__getitem__, key="correlation_measure",
        )  # fmt: skip
    one = found.correlations[by]
    st.markdown(headline(one, _BY[by].lower()))
    left, right = st.columns([5, 4], gap="medium")
    with left:
        _heatmap(one, measure)
    with right:
        drawn = rolling_correlation_figure(found.rolling, state.look(), window=found.asked.rolling_days)
        st_utils.explained("rolling_correlation_figure", drawn)


def _heatmap(one: Correlation, measure: str) -> None:
    """A matrix in the order of the clusters."""
    matrix: Floats | None = getattr(one, measure)
    if matrix is None:
        why = reason_text(one.shrunk_reason or "")
        st_utils.empty(f"Not given: {why}.", "The other measures need nothing more.")
        return
    if np.isnan(matrix).all():
        st_utils.empty(
            f"Not given: {counted(one.n, 'day')} in common.",
            "Ten are the least; choose each pair's own days, or a longer period.",
        )
        return
    order = list(one.order[:_MOST])
    names = [one.names[i] for i in order]
    drawn = correlation_figure(
        names, matrix[np.ix_(order, order)], state.look(), days=one.n,
        height=max(360, 130 + 24 * len(names)), title=_TITLES[measure],
    )  # fmt: skip
    st_utils.chart("correlation_figure", drawn, name=measure)
    repaired = " It was no correlation matrix; the nearest one is shown (Higham)." if one.is_repaired else ""
    worst = f" Worst days: {one.worst_days}." if measure == "tail" else ""
    drawn_in = f" Drawn in by {one.shrinkage:.0%}." if measure == "shrunk" and one.shrinkage else ""
    more = f" The first {_MOST} of {len(one.names)} are shown." if len(one.names) > _MOST else ""
    st.caption(
        _SAID[measure] + worst + drawn_in + (repaired if measure == "pairwise" else "") + more
        + " Parts that move alike stand together; a blank row did not vary."
    )  # fmt: skip


def headline(one: Correlation, kind: str) -> str:
    """Which two move together most, and how sure that is."""
    days = counted(one.n, "day")
    if one.status == "unavailable":
        return (
            f"{counted(len(one.names), kind[:-1])} have {days} in common: too few to say whether they lose "
            "together."
        )
    upper = np.triu_indices(len(one.names), 1)
    values = one.pearson[upper]
    if np.isnan(values).all():
        return "No two of them varied on the same days."
    top, low = int(np.nanargmax(values)), int(np.nanargmin(values))
    first, second = one.names[upper[0][top]], one.names[upper[1][top]]
    mean = _signed(float(np.nanmean(values)))
    text = (
        f"On average {kind} correlate by **{mean}** over {days}; most alike are "
        f"{st_utils.plain(first)} and {st_utils.plain(second)} with **{_signed(values[top])}**"
    )
    if top != low:
        one_, other = one.names[upper[0][low]], one.names[upper[1][low]]
        text += f", least {st_utils.plain(one_)} and {st_utils.plain(other)} with **{_signed(values[low])}**"
    return text + ("; so few days leave each uncertain." if one.status == "low_n" else ".")


def _signed(value: float) -> str:
    return format_value(float(value), Unit.RATIO, signed=True)


def _exposure(found: Risk, answer: Overview, currency: str) -> None:
    """What is held, by asset over all exchanges, and in one place."""
    st.subheader("Exposure and concentration", anchor=False)
    held = found.concentration
    st.markdown(_held(found, currency))
    left, right = st.columns([4, 5], gap="medium")
    with left:
        number = st.column_config.NumberColumn
        columns: Mapping[str, Any] = {
            "asset": "Asset", "gross": st_utils.money("Gross", currency, signed=False),
            "net": st_utils.money("Net", currency), "share": number("Of the gross", format="percent"),
            "n_books": number("Books", format="localized"),
            "n_venues": number("Exchanges", format="localized"),
        }  # fmt: skip
        if found.assets.is_empty():
            st_utils.empty("Nothing is held at the end.", "The chart shows what was held before.")
        else:
            st_utils.rows(found.assets, dict(columns), alt="Exposure by asset over all exchanges")
        if not math.isnan(held.hhi_books):
            st.caption(
                f"Concentration (Herfindahl–Hirschman, 1 is all in one place): {held.hhi_books:.2f} over "
                f"books, {held.hhi_assets:.2f} over assets."
            )
    with right:
        drawn = exposure_figure(exposure(answer), state.look(), currency=currency)
        st_utils.explained("exposure_figure", drawn, name="risk")


def _held(found: Risk, currency: str) -> str:
    """Gross, net, and leverage of the whole, in words."""
    held = found.concentration
    if found.holdings.is_empty():
        return "At the end nothing is held."
    if math.isnan(held.gross):
        return "What is held is not known: a position has no price."
    gross, net = (
        format_value(x, Unit.MONEY, currency=currency, signed=s)
        for x, s in ((held.gross, False), (held.net, True))
    )
    text = (
        f"At the end **{gross} {st_utils.plain(currency)}** are held, longs and shorts added up; longs less "
        f"shorts, {net}"
    )
    over = held.gross_over_capital
    if isinstance(over, Undefined):
        return text + "."
    return text + f". That is **{over:.1f} times** the capital."
