"""The pages beside the first run on the open data."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fillbook.metrics.evaluate import load_metrics
from fillbook.web.views.metric_reference import matches

PAGE = """
from fillbook.performance_data_source import open_data
from fillbook.web import sidebar, state
from fillbook.web.views import {page}
import streamlit as st
state.start({uris!r})
st.session_state[state.DATA] = open_data(*{uris!r}) if {uris!r} else None
sidebar.show()
{page}.show()
"""


@pytest.mark.parametrize(
    ("page", "title"), [("data_health", "Data health"), ("metric_reference", "Metric reference")]
)
@pytest.mark.parametrize("has_data", [True, False])
def test_a_page_runs(bot: Path, page: str, title: str, has_data: bool) -> None:
    uris = [str(bot)] if has_data else []
    app = AppTest.from_string(PAGE.format(page=page, uris=uris), default_timeout=60.0).run()
    assert not app.exception
    assert app.title[0].value == title


def test_the_reference_finds_a_metric_by_a_word_of_its_meaning() -> None:
    found = [key for key, metric in load_metrics().items() if matches(metric, "sharpe")]
    assert "sharpe_ratio" in found
    assert "volume" not in found
