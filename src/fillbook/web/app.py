"""The app as ``streamlit run`` starts it; sources to open come after ``--``."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

from fillbook.web import sidebar
from fillbook.web.views import data_health, metric_reference
from fillbook.web.views.bot_performance import page as bot_performance

st.set_page_config(
    page_title="fillbook", page_icon=str(Path(__file__).parent / "static" / "icon.png"), layout="wide",
    menu_items={"About": "What a trading bot earned, every fill booked once."},
)  # fmt: skip
first = st.Page(bot_performance.show, title="Bot performance", url_path="bot_performance")


def _root() -> None:
    """The bare address leads to the first page, which has an address of its own."""
    st.switch_page(first)


pages = st.navigation(
    [
        st.Page(_root, title="fillbook", default=True, visibility="hidden"),
        first,
        st.Page(data_health.show, title="Data health", url_path="data_health"),
        st.Page(metric_reference.show, title="Metric reference", url_path="metrics"),
    ],
    position="top",
)
sidebar.show(sys.argv[1:])
pages.run()
