"""Metric reference: what every number means, from the registry."""

from __future__ import annotations

import streamlit as st

from fillbook.metrics.registry import Metric
from fillbook.reports.glossary import metrics_by_group


def show() -> None:
    """Every metric by group, narrowed by a word."""
    st.title("Metric reference", anchor=False)
    word = st.text_input("Search", placeholder="drawdown, fee, Sharpe …", label_visibility="collapsed")
    found = 0
    for group, metrics in metrics_by_group().items():
        mine = [metric for metric in metrics if matches(metric, word)]
        if not mine:
            continue
        st.header(group.capitalize(), anchor=False, divider="gray")
        for metric in mine:
            _entry(metric, is_open=bool(word))
        found += len(mine)
    if not found:
        st.info(f"No metric mentions {word!r}.", icon=":material/info:")


def matches(metric: Metric, word: str) -> bool:
    """Whether a metric's name or meaning holds the word."""
    texts = (metric.key, metric.label, metric.summary, metric.source)
    return word.strip().lower() in " ".join(texts).lower()


def _entry(metric: Metric, *, is_open: bool) -> None:
    with st.expander(f"**{metric.label}** · {metric.summary}", expanded=is_open):
        st.latex(metric.formula)
        st.markdown(f"Key `{metric.key}` · unit {metric.unit.value.replace('_', ' ')}")
        st.markdown(f"**No number:** {metric.undefined}")
        st.markdown(f"**Source:** {metric.source}")
