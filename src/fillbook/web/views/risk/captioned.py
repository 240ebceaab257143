"""A chart with its one sentence below it, so that it explains itself."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from fillbook.figures.registry import FIGURES
from fillbook.web import st_utils


def captioned(key: str, figure: go.Figure, *, name: str = "") -> None:
    """A registered figure and its caption.

    Parameters
    ----------
    key, figure, name
        As of `st_utils.chart`.
    """
    st_utils.chart(key, figure, name=name)
    st.caption(FIGURES[key].caption)
