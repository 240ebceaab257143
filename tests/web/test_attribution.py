"""Attribution: every number is the answer's, words come first, and what is missing is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import fillbook
from fillbook.analysis.attribution import attribution
from fillbook.analysis.attribution_tags import DIMENSIONS
from fillbook.analysis.attribution_words import sentences
from fillbook.analysis.contributions import contributions
from fillbook.reports.attribution import bots_headline
from fillbook.testing.databases import write_database
from fillbook.web import st_utils
from web.conftest import FEE

START_MS, DAY_MS = 1_700_000_000_000, 86_400_000
PAGE = """
from fillbook.performance_data_source import open_data
from fillbook.web import sidebar, state
from fillbook.web.views import attribution
import streamlit as st
state.start({uris!r})
st.session_state[state.DATA] = open_data(*{uris!r}) if {uris!r} else None
sidebar.show()
attribution.show()
"""


def traded(
    folder: Path, *, n: int = 30, has_mids: bool = True, pairs: tuple[str, ...] = ("ABC-USDT",)
) -> Path:
    """Bought at 99 and sold at 102 each day, around mids of 100 and 101."""
    fills, mids = [], []
    for i in range(2 * n):
        at = START_MS + (i // 2) * DAY_MS + (i % 2) * 60_000
        side, price, mid = (("BUY", 99.0, 100.0), ("SELL", 102.0, 101.0))[i % 2]
        pair = pairs[(i // 2) % len(pairs)]
        base, quote = pair.split("-")
        fills.append({
            "market": "binance", "config_file_path": "c.yml", "strategy": "pmm", "symbol": pair, "base_asset": base,
            "quote_asset": quote, "timestamp": at, "order_id": f"o{i}", "trade_type": side, "amount": 1.0,
            "price": price, "order_type": "LIMIT_MAKER", "trade_fee": FEE, "trade_fee_in_quote": 0.1,
            "exchange_trade_id": f"t{i}",
        })  # fmt: skip
        mids.append({
            "timestamp": (at - 1_000) * 1_000_000, "exchange": "binance", "trading_pair": pair, "mid_price": mid,
            "best_bid": mid - 0.5, "best_ask": mid + 0.5, "order_book": None,
        })  # fmt: skip
    tables: dict[str, Any] = {"TradeFill": fills} | ({"MarketData": mids} if has_mids else {})
    return write_database(folder / "daily.sqlite", tables)


def page(*uris: Path) -> AppTest:
    app = AppTest.from_string(PAGE.format(uris=[str(uri) for uri in uris]), default_timeout=90.0).run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return "\n".join(str(item.value) for item in (*app.markdown, *app.caption, *app.info))


def test_words_come_first_and_are_the_librarys(tmp_path: Path) -> None:
    path = traded(tmp_path)
    app = page(path)
    answer = attribution(fillbook.open_data(path))
    assert answer.parts["spread"] == pytest.approx(60.0)  # 1 each of 60 fills
    assert answer.parts["inventory"] == pytest.approx(30.0)  # 100 → 101 each day
    for sentence in sentences(answer):
        assert st_utils.plain(sentence) in texts(app)
    assert (
        "Net PnL is +84.00 USDT: spread +60.00, price moves while holding +30.00, fees −6.00."
        in sentences(answer)[0]
    )


def test_every_dimension_is_shown_with_the_answers_rows(tmp_path: Path) -> None:
    path = traded(tmp_path)
    app = page(path)
    answer = attribution(fillbook.open_data(path))
    control = app.segmented_control[0] if hasattr(app, "segmented_control") else app.button_group[0]
    for by in DIMENSIONS:
        control.set_value(by).run()
        assert not app.exception, by
        tables = [frame.value for frame in app.dataframe]
        mine = next(t for t in tables if "tag" in t.columns and "n_fills" in t.columns)
        assert mine["tag"].tolist() == answer.by[by]["tag"].to_list()
        assert mine["net"].tolist() == pytest.approx(answer.by[by]["net"].to_list())


def test_without_mids_nothing_is_split_and_the_way_on_is_shown(tmp_path: Path) -> None:
    app = page(traded(tmp_path, has_mids=False))
    said = texts(app)
    assert "cannot be told from the spread" in said
    assert "Open a file of the market's quotes" in said


def test_several_currencies_stand_each_in_its_own(tmp_path: Path) -> None:
    app = page(traded(tmp_path, pairs=("ABC-USDT", "ABC-EUR")))
    assert "does not add up over several quote currencies" in texts(app)
    assert "Bars of several currencies do not compare" in texts(app)


def test_a_few_days_are_not_judged(tmp_path: Path) -> None:
    said = texts(page(traded(tmp_path, n=3)))
    assert "It takes 20 days to tell this from noise; the view has 3 days" in said.replace("\\", "")


def test_bots_and_what_they_added(tmp_path: Path) -> None:
    paths = [
        traded(tmp_path / name, n=n, pairs=(pair,)).rename(tmp_path / f"{name}.sqlite")
        for name, n, pair in (("one", 30, "ABC-USDT"), ("two", 10, "XYZ-USDT"))
    ]
    app = page(*paths)
    bots = contributions(fillbook.open_data(*paths)).table
    assert bots.height == 2

    def shown() -> Any:
        return next(frame.value for frame in app.dataframe if "share" in frame.value.columns
                    and "bot" in frame.value.columns)  # fmt: skip

    assert shown()["net"].tolist() == pytest.approx(bots["net"].to_list())
    assert "Money only: give the capital of each bot" in texts(app)
    app.number_input(key="bots_capital").set_value(1_000.0).run()
    app.selectbox(key="bots_benchmark").select("opening_weights").run()
    assert not app.exception
    names = bots["bot"].to_list()
    asked = dict.fromkeys(names, 1_000.0)
    found = contributions(fillbook.open_data(*paths), capitals=asked, benchmark="opening_weights")
    assert st_utils.plain(bots_headline(found)) in texts(app)
    assert "only later months can differ" in texts(app)
    assert shown()["contribution"].tolist() == pytest.approx((100 * found.table["contribution"]).to_list())
    app.number_input(key=f"bots_capital_{names[0]}").set_value(500.0).run()
    assert 500.0 in shown()["capital"].tolist()
    app.number_input(key="bots_capital").set_value(None).run()
    assert not app.exception
    assert f"{names[1]} has none" in "\n".join(e.value for e in app.error).replace("\\", "")


def test_one_bot_is_not_set_beside_itself(tmp_path: Path) -> None:
    assert "What each bot added" not in [item.value for item in page(traded(tmp_path)).subheader]


def test_nothing_open_is_a_sentence() -> None:
    assert "nothing to explain" in texts(page())
