"""The page Live: what a bot writes is on it at the next look."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import streamlit as st
from streamlit.testing.v1 import AppTest

from fillbook.testing.databases import insert
from fillbook.web.following import FRESH_S
from web.conftest import fill

PAGE = """
from fillbook.performance_data_source import open_data
from fillbook.web import sidebar, state
from fillbook.web.views import live
import streamlit as st
state.start({uris!r})
if st.session_state[state.DATA] is None and {uris!r}:
    st.session_state[state.DATA] = open_data(*{uris!r})
sidebar.show()
live.show()
"""


def shown(*uris: Path) -> AppTest:
    st.cache_resource.clear()
    app = AppTest.from_string(PAGE.format(uris=[str(uri) for uri in uris]), default_timeout=60.0).run()
    assert not app.exception
    return app


def metric(app: AppTest, label: str) -> str:
    return str(next(item.value for item in app.metric if item.label.startswith(label)))


def test_without_data_the_page_says_what_to_do() -> None:
    app = shown()
    assert app.title[0].value == "Live"
    assert "Nothing is open." in app.info[0].value


def test_what_is_written_is_on_the_page_at_the_next_look(bot: Path) -> None:
    app = shown(bot)
    assert metric(app, "Net PnL") == "+4.60"
    assert metric(app, "Exposure") == "0.00"
    assert "Every book is flat." in [caption.value for caption in app.caption]
    with closing(sqlite3.connect(bot)) as connection, connection:
        insert(connection, "TradeFill", [fill(61, "BUY", 100.0)])
    time.sleep(FRESH_S)
    app.run()
    assert metric(app, "Exposure") == "100.00"
    assert metric(app, "Net PnL") == "+4.50"
    assert app.dataframe[1].value["pair"].to_list() == ["ABC-USDT"]


def test_a_file_that_cannot_grow_says_so(tmp_path: Path) -> None:
    csv = tmp_path / "trades_a.csv"
    csv.write_text(
        "market,symbol,timestamp,order_id,trade_type,price,amount\nbinance,A-B,1700000000000,o,BUY,1,1\n"
    )
    app = shown(csv)
    assert "None of these files grows." in app.info[0].value
    assert float(metric(app, "Exposure")) == 1.0
