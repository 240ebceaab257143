"""Others' figures and limits on the page: the numbers are those of the answer, a bad file is one message."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fillbook.analysis.limit_file import EXAMPLE, read_limits
from fillbook.analysis.limits import limits
from fillbook.analysis.reconcile import reconcile
from fillbook.performance_data_source import open_data
from fillbook.testing.databases import write_database
from fillbook.units import Unit, format_value
from fillbook.web import state

PAGE = """
from fillbook.performance_data_source import open_data
from fillbook.web import sidebar, state
from fillbook.web.views import {page}
import streamlit as st
state.start({uris!r})
st.session_state[state.DATA] = open_data(*{uris!r}) if {uris!r} else None
text = {text!r}
if text is not None:
    state.keep_limits(text)
sidebar.show()
{page}.show()
"""


def shown(page: str, *uris: Path, text: str | None = None) -> AppTest:
    script = PAGE.format(page=page, uris=[str(uri) for uri in uris], text=text)
    app = AppTest.from_string(script, default_timeout=60.0).run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    """Every text of the page, markup taken out."""
    texts = [*app.markdown, *app.caption, *app.subheader, *app.info, *app.error, *app.warning]
    return "\n".join(item.value.replace("\\", "") for item in texts)


@pytest.mark.parametrize(("page", "title"), [("reconcile", "Others' figures"), ("limits", "Limits")])
def test_without_data_the_page_says_what_to_do(page: str, title: str) -> None:
    app = shown(page)
    assert app.title[0].value == title
    assert "No data is open." in words(app)


def test_theirs_ours_and_why_stand_side_by_side(bot: Path) -> None:
    answer = reconcile(open_data(bot))
    app = shown("reconcile", bot)
    assert answer.headline in words(app)
    table = app.dataframe[0].value
    assert table["peer"].to_list() == [peer.label for peer in answer.peers]
    for row, peer in zip(table.to_dict("records"), answer.peers, strict=True):
        for name in ("theirs", "ours", "difference"):
            assert row[name] == format_value(getattr(peer, name), Unit.MONEY, currency="USDT", signed=True)
    assert table["verdict"].to_list()[1] == "the data has no executors"


def test_each_cause_has_its_amount_and_a_sentence(tmp_path: Path) -> None:
    fee = {"fee_type": "DeductedFromReturns", "percent": "0.001", "percent_token": None, "flat_fees": []}
    rows = [
        {
            "market": "binance", "symbol": "ABC-USDT", "base_asset": "ABC", "quote_asset": "USDT",
            "timestamp": 1_700_000_000_000 + 1_000 * i, "order_id": f"o{i}", "trade_type": side, "price": price,
            "amount": 1.0, "exchange_trade_id": f"t{i}", "trade_fee_in_quote": price / 1e3, "trade_fee": fee,
        }
        for i, (side, price) in enumerate([("BUY", 100.0), ("SELL", 110.0)])
    ]  # fmt: skip
    app = shown("reconcile", write_database(tmp_path / "paper.sqlite", {"TradeFill": rows}))
    causes = app.dataframe[1].value
    assert causes["label"].to_list() == ["Percent fee counted twice", "Not explained"]
    assert causes["amount"].to_list() == pytest.approx([-0.21, 0.0])  # 0.1 and 0.11 once more
    assert "Percent fee counted twice." in words(app)
    assert "0.21 USDT lower than ours" in words(app)


LIMIT = '[sampling]\nevery_s = 3600\n[[limit]]\nwhat = "drawdown"\nmax = 4\n'


def test_states_and_breaches_are_those_of_the_answer(bot: Path) -> None:
    answer = limits(open_data(bot), read_limits(LIMIT))
    app = shown("limits", bot, text=LIMIT)
    assert answer.headline in words(app)
    states, breaches = (app.dataframe[i].value for i in (0, 1))
    assert states["limit"].to_list() == ["drawdown"]
    assert states["n"].to_list() == [answer.episodes.height]
    assert breaches["n"].to_list() == answer.episodes["n"].to_list()
    assert answer.is_breached


def test_the_example_is_called_one(bot: Path) -> None:
    app = shown("limits", bot)
    assert "These limits are an example" in words(app)
    assert app.text_area[0].value == EXAMPLE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LIMIT + "maks = 3\n", "line 6: 'maks' is no key of limit; did you mean 'max'?"),
        ("[[limit", "is not TOML"), (LIMIT + 'pairs = "<b>x</b>"\n', "the data holds no pair <b>x</b>"),
    ],
)  # fmt: skip
def test_a_bad_file_is_one_message_and_the_editor_stays(bot: Path, text: str, said: str) -> None:
    app = shown("limits", bot, text=text)
    assert len(app.error) == 1
    assert said in words(app)
    assert app.text_area[0].value == text
    assert len(app.dataframe) == 0


def test_limits_written_here_are_remembered(bot: Path) -> None:
    app = shown("limits", bot)
    app.text_area[0].set_value(LIMIT).run()
    assert not app.exception
    assert app.session_state[state.CHARTS]["limits"] == LIMIT
    assert app.dataframe[0].value["limit"].to_list() == ["drawdown"]


def test_the_share_of_a_limit_goes_on_beyond_it(bot: Path) -> None:
    text = '[[limit]]\nwhat = "gross_exposure"\nmax = 1e-3\n[[limit]]\nwhat = "drawdown"\nmax = 1e9\n'
    answer = limits(open_data(bot), read_limits(text))
    exposure, fall = answer.watches
    assert exposure.value is not None
    assert fall.value is not None
    used = shown("limits", bot, text=text).dataframe[0].value["used"].to_list()
    assert used == pytest.approx([exposure.value / 1e-3, fall.value / 1e9])


def test_without_a_fill_limits_say_so_and_blame_no_currency(tmp_path: Path) -> None:
    app = shown("limits", write_database(tmp_path / "idle.sqlite", {"TradeFill": []}))
    assert "This data holds no fill" in words(app)
    assert "no rate joins" not in words(app)
