"""The app as ``streamlit run`` starts it; sources to open come after ``--``."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

from fillbook.errors import FillbookError, UnreadableSourceError
from fillbook.web import opening, sidebar, st_utils, state
from fillbook.web.views import attribution, compare, data_health, limits, live, metric_reference, reconcile
from fillbook.web.views.bot_performance import data_source
from fillbook.web.views.bot_performance import page as bot_performance
from fillbook.web.views.risk import page as risk

_STYLE = """<style>
[data-testid=stMetricValue], .stMarkdown, .stText {font-variant-numeric: tabular-nums}
[data-testid=stMetricLabel] p {white-space: normal; overflow-wrap: anywhere}
@media (min-width: 768px) {.stMainBlockContainer {padding-left: 2.5rem; padding-right: 2.5rem}}
@media (max-width: 767px) {[data-testid=stElementToolbar], .st-key-fill_rates .heatmap-label {display: none}}
</style>"""

st.set_page_config(
    page_title="fillbook", page_icon=str(Path(__file__).parent / "static" / "icon.png"), layout="wide",
    initial_sidebar_state=330,
    menu_items={"About": "What a trading bot earned, every fill booked once."},
)  # fmt: skip
st_utils.PAGES |= {
    "bot_performance": st.Page(
        bot_performance.show,
        title="Bot performance",
        url_path="bot_performance",
        icon=":material/monitoring:",
    ),
    "live": st.Page(live.show, title="Live", url_path="live", icon=":material/sensors:"),
    "attribution": st.Page(
        attribution.show, title="Attribution", url_path="attribution", icon=":material/account_tree:"
    ),
    "risk": st.Page(risk.show, title="Risk", url_path="risk", icon=":material/crisis_alert:"),
    "compare": st.Page(compare.show, title="Compare", url_path="compare", icon=":material/compare_arrows:"),
    "limits": st.Page(limits.show, title="Limits", url_path="limits", icon=":material/notifications_active:"),
    "reconcile": st.Page(
        reconcile.show, title="Others' figures", url_path="reconcile", icon=":material/difference:"
    ),
    "data_health": st.Page(
        data_health.show, title="Data health", url_path="data_health", icon=":material/health_and_safety:"
    ),
    "metrics": st.Page(
        metric_reference.show, title="Metrics", url_path="metrics", icon=":material/menu_book:"
    ),
}


def _root() -> None:
    """The bare address leads to the first page, which has an address of its own."""
    st.switch_page(st_utils.PAGES["bot_performance"])


home = st.Page(_root, title="fillbook", default=True, visibility="hidden")
pages = st.navigation([home, *st_utils.PAGES.values()], position="top")
st.html(_STYLE)
if pages == home:
    pages.run()
state.start(sys.argv[1:])
try:
    job = data_source.opened()
except FillbookError as error:
    st_utils.failed(error)
    job = None
if job is not None:
    st.title("Opening", anchor=False)
    opening.show(job)
else:
    why = sidebar.show()
    if why is None:
        try:
            pages.run()
        except UnreadableSourceError as error:  # a checkpoint is read while it is looked at
            st_utils.failed(error)
    else:
        st.title("Not as asked", anchor=False)
        st_utils.failed(why)
        st.caption(
            "Mend it in the sidebar, under *Cost method, capital, currency*; the page then comes back."
        )
