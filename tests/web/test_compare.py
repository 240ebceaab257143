"""The page Compare: every number that of the library, and a way on where there is nothing to compare."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from cli.test_compare import START_MS
from cli.test_compare import bot as daily_bot
from fillbook.analysis.compare import compare
from fillbook.performance_data_source import open_data

PAGE = """
from fillbook.performance_data_source import open_data
from fillbook.web import sidebar, state
from fillbook.web.views import compare
import streamlit as st
state.start({uris!r})
st.session_state[state.DATA] = open_data(*{uris!r}) if {uris!r} else None
sidebar.show()
compare.show()
"""
TABS = ("Side by side", "Peers", "Months and runs", "Configurations", "Portfolio")


def page(*uris: Path) -> AppTest:
    return AppTest.from_string(PAGE.format(uris=[str(uri) for uri in uris]), default_timeout=120.0).run()


def said(app: AppTest) -> str:
    return "\n".join(
        str(element.value).replace("\\", "")
        for kind in (app.markdown, app.info, app.error, app.caption, app.subheader)
        for element in kind
    )


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    return daily_bot(tmp_path, "calm", [3.0, -1.0] * 15), daily_bot(tmp_path, "wild", [1.0, -1.0] * 15)


def test_nothing_open() -> None:
    app = page()
    assert not app.exception
    assert app.title[0].value == "Compare"
    assert "No data is open" in said(app)


def test_one_bot_and_nothing_to_compare_it_with_is_told_where_to_go(two: tuple[Path, Path]) -> None:
    app = page(two[0])
    assert not app.exception
    text = said(app)
    assert "There is one side" in text
    assert "Choose a benchmark" in text
    app.selectbox(key="compare_other_bot").select("Nothing (zero)").run()
    assert not app.exception
    assert "Against zero, calm earned more a day" in said(app) or "did not earn clearly" in said(app)
    app.selectbox(key="compare_other_bot").select("Hold ABC-USDT").run()
    assert not app.exception
    assert "no price of the pair at the days' ends" in said(app)
    assert "Add candles or quotes" in said(app)


def test_two_bots_and_their_numbers(two: tuple[Path, Path]) -> None:
    app = page(*two)
    assert not app.exception
    answer = compare(open_data(*two), by="bot")
    assert "2 sides on 30 common days" in said(app)
    table = next(f.value for f in app.dataframe if "net" in f.value.columns)
    assert table["net"].tolist() == answer.sides["net"].to_list() == [30.0, 0.0]
    measured = next(f.value for f in app.dataframe if "correlation" in f.value.columns)
    assert measured["beta"].tolist() == [answer.measured[0].metrics["beta"].value]
    app.number_input(key="compare_capital").set_value(100.0).run()
    assert not app.exception
    with_capital = compare(open_data(*two), by="bot", capital=100.0)
    measured = next(f.value for f in app.dataframe if "alpha" in f.value.columns)
    assert measured["alpha"].tolist() == [
        pytest.approx(100.0 * with_capital.measured[0].metrics["alpha"].value)
    ]


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_runs(two: tuple[Path, Path], tab: str) -> None:
    app = page(*two)
    app.session_state["compare_tab"] = tab
    app.run()
    assert not app.exception
    words = {
        "Side by side": "Each side over its own days", "Peers": "Each side among the other sides",
        "Months and runs": "By month", "Configurations": "No change of configuration is recorded",
        "Portfolio": "none is declared",
    }  # fmt: skip
    assert words[tab] in said(app)


@pytest.mark.parametrize("by", ["controller", "pair", "config", "periods", "whole"])
def test_every_kind_of_side_runs(two: tuple[Path, Path], by: str) -> None:
    app = page(*two)
    app.session_state["compare_by"] = by
    app.run()
    assert not app.exception


def test_two_periods_of_the_same_selection(two: tuple[Path, Path]) -> None:
    app = page(*two)
    app.session_state["compare_by"] = "periods"
    app.run()
    assert not app.exception
    first, second = (widget.value for widget in app.date_input if widget.label.endswith("period, UTC"))
    answer = compare(open_data(*two), periods=[first, second])
    assert answer.sides["n_days"].to_list() == [15, 15]
    table = next(f.value for f in app.dataframe if "net" in f.value.columns)
    assert table["side"].tolist() == list(answer.names)
    assert table["net"].tolist() == answer.sides["net"].to_list()
    assert "Against " + answer.names[0] in said(app)
    widget = next(w for w in app.date_input if w.label.startswith("Second"))
    widget.set_value(first).run()
    assert not app.exception
    assert "Let the second period begin after the first has ended" in said(app)


def test_the_opening_inventory_is_held(tmp_path: Path) -> None:
    path = daily_bot(tmp_path, "calm", [3.0, -1.0] * 15)
    starts = [START_MS // 1_000 + (i - 5) * 86_400 for i in range(45)]
    price = [100.0 + i % 5 for i in range(45)]
    candles = tmp_path / "candles_binance_ABC-USDT_1d.csv"
    rows = dict.fromkeys(("open", "high", "low", "close"), price)
    pl.DataFrame({"timestamp": starts, **rows, "volume": 1.0}).write_csv(candles)
    app = page(path, candles)
    app.session_state["compare_by"] = "whole"
    app.run()
    app.selectbox(key="compare_other_whole").select("Hold the opening inventory").run()
    assert not app.exception
    assert "the opening inventory is not given" in said(app)
    assert "Say above what was held at the start" in said(app)
    app.text_input(key="compare_inventory").set_value("abc=2").run()
    assert not app.exception
    answer = compare(open_data(path, candles), benchmarks=["inventory:abc=2"])
    assert "Against hold the opening inventory" in said(app)
    table = next(f.value for f in app.dataframe if "excess_return" in f.value.columns)
    assert table["excess_return"].tolist() == [
        pytest.approx(100.0 * (answer.measured[0].metrics["excess_return"].value or 0.0))
    ]
    app.text_input(key="compare_inventory").set_value("abc=lots").run()
    assert not app.exception
    assert "an opening inventory is BASE=AMOUNT" in said(app)


def test_the_portfolio_says_what_it_needs(tmp_path: Path) -> None:
    pytest.importorskip("skfolio")
    rng = np.random.default_rng(3)
    bots = [daily_bot(tmp_path, f"b{i}", rng.normal(0.2, 1 + i, 60).round(2).tolist()) for i in range(3)]
    app = page(*bots)
    app.session_state["compare_tab"] = "Portfolio"
    app.number_input(key="compare_capital").set_value(1_000.0).run()
    assert not app.exception
    text = said(app)
    assert "Nothing beats equal weights" in text
    assert "never an order" in text


def test_without_skfolio_the_page_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "skfolio", None)
    rng = np.random.default_rng(5)
    bots = [daily_bot(tmp_path, f"c{i}", rng.normal(0.2, 1 + i, 60).round(2).tolist()) for i in range(2)]
    app = page(*bots)
    app.session_state["compare_tab"] = "Portfolio"
    app.number_input(key="compare_capital").set_value(1_000.0).run()
    assert not app.exception
    assert 'pip install "fillbook[portfolio]"' in said(app)
