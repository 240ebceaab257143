"""The page Risk: its numbers are those of the answer, what is missing is said, every tab opens."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from scipy import signal
from streamlit.testing.v1 import AppTest

import fillbook
from fillbook.analysis.correlation import correlation_of
from fillbook.analysis.risk import Risk, risk
from fillbook.conventions import Conventions, RiskConventions
from fillbook.testing.databases import write_database
from fillbook.web import cards
from fillbook.web.views.risk.page import CARDS, headline
from fillbook.web.views.risk.together import headline as words_of
from web.conftest import FEE

PAGE = """
from fillbook.performance_data_source import open_data
from fillbook.web import sidebar, state
from fillbook.web.views.risk import page
import streamlit as st
state.start({uris!r})
if st.session_state[state.DATA] is None and {uris!r}:
    st.session_state[state.DATA] = open_data(*{uris!r})
if sidebar.show() is None:
    page.show()
"""
TABS = ("Can the ratios be trusted?", "A day's loss", "Drawdowns", "Stress", "Lost together?")
START_MS, DAY_MS = 1_700_006_400_000, 86_400_000


def daily_bot(
    path: Path, days: int, *, seed: int = 0, held: float = 0.0, pair: str = "ABC-USDT", alike: float = 0.0
) -> Path:
    """A trade a day of one unit, won or lost by chance (and `alike` of the day before), and what is held."""
    base, quote = pair.split("-")
    won, rows = signal.lfilter([1.0], [1.0, -alike], np.random.default_rng(seed).normal(size=days)), []
    for day in range(days):
        for side, price in (("BUY", 100.0), ("SELL", 100.3 + round(won[day], 3))):
            rows.append(row(len(rows), day, side, price, base, quote))
    if held:
        rows.append(row(len(rows), days, "BUY", 100.0, base, quote, held))
    return write_database(path, {"TradeFill": rows})


def row(
    n: int, day: int, side: str, price: float, base: str, quote: str, amount: float = 1.0
) -> dict[str, object]:
    return {
        "market": "binance_perpetual", "symbol": f"{base}-{quote}", "base_asset": base, "quote_asset": quote,
        "timestamp": START_MS + DAY_MS * day + 3_600_000 * (n % 2), "order_id": f"o{n}", "trade_type": side,
        "price": price, "amount": amount, "trade_fee": FEE, "trade_fee_in_quote": 0.1,
        "exchange_trade_id": f"t{n}", "position": "NIL",
    }  # fmt: skip


def page(*uris: Path, tab: str = TABS[0], **session: object) -> AppTest:
    app = AppTest.from_string(PAGE.format(uris=[str(uri) for uri in uris]), default_timeout=60.0)
    for key, value in {"risk_tab": tab, "stress_more": True, **session}.items():
        app.session_state[key] = value
    return app.run()


def said(app: AppTest) -> str:
    texts = (*app.markdown, *app.caption, *app.info)
    return " ".join(text.value for text in texts).replace("\\", "")


def answer_of(*uris: Path, capital: float | None = None, asked: RiskConventions | None = None) -> Risk:
    return risk(fillbook.open_data(*uris), None, Conventions(capital=capital), asked)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("bots")
    return [
        daily_bot(folder / "first.sqlite", 130, seed=1, held=2.0, pair="BTC-USDT"),
        daily_bot(folder / "second.sqlite", 130, seed=2),
    ]


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_opens_with_the_answers_words(two: list[Path], tab: str) -> None:
    app = page(*two, tab=tab)
    assert not app.exception
    assert app.title[0].value == "Risk"
    assert headline(answer_of(*two), ZoneInfo("UTC")).replace("\\", "") in said(app)


def test_cards_show_the_answers_numbers_with_their_intervals(two: list[Path]) -> None:
    app, answer = page(*two, capital=500.0), answer_of(*two, capital=500.0)
    assert not app.exception
    assert len(app.metric) == len(CARDS)
    for card, key in zip(app.metric, CARDS, strict=True):
        assert card.value == cards.shown(answer.metrics[key]), key
    low = cards.format_value(answer.intervals["sharpe_ratio"].low, answer.metrics["sharpe_ratio"].unit)
    assert f"95 %: {low} … " in said(app)


def test_tables_hold_the_answers_rows(two: list[Path]) -> None:
    answer = answer_of(*two)
    tables = {tuple(table.value.columns): table.value for table in page(*two, tab="A day's loss").dataframe}
    tails = next(value for columns, value in tables.items() if "value_at_risk" in columns)
    assert tails["value_at_risk"].dropna().tolist() == answer.tails["value_at_risk"].drop_nulls().to_list()
    tested = next(value for columns, value in tables.items() if "kupiec_p" in columns)
    assert (
        tested["exceptions"].tolist()
        == answer.backtests.filter(answer.backtests["n"] > 0)["exceptions"].to_list()
    )
    stress = page(*two, tab="Stress")
    chances = next(t.value for t in stress.dataframe if "p_loss" in t.value.columns)
    assert chances["p_drawdown"].tolist() == answer.stress.futures.losses["p_drawdown"].to_list()
    shocks = next(t.value for t in stress.dataframe if "n_beta" in t.value.columns)
    assert shocks["change"].tolist() == answer.stress.crashes.by_asset["change"].to_list()
    assert "Whether positions would be liquidated is **not known**" in said(stress)
    luck = next(t.value for t in page(*two).dataframe if "psr" in t.value.columns)
    assert luck["deflated"].tolist() == answer.sharpes["deflated"].to_list()


def test_days_that_depend_have_their_own_sharpe_ratio(tmp_path: Path) -> None:
    path = daily_bot(tmp_path / "alike.sqlite", 150, alike=0.5)
    answer, app = answer_of(path), page(path)
    corrected = answer.metrics["sharpe_ratio_lo"]
    assert corrected.value is not None
    ratios = next(t.value for t in app.dataframe if "reading" in t.value.columns)
    row = ratios[ratios["ratio"] == "Sharpe ratio, after Lo"].iloc[0]
    assert row["value"] == cards.format_value(corrected.value, corrected.unit)
    assert "autocorrelation +0." in row["reading"]
    assert "After Lo (2002)" in said(app)
    luck = next(t.value for t in app.dataframe if "psr" in t.value.columns)
    assert luck["sharpe_lo"].tolist() == answer.sharpes["sharpe_lo"].to_list()


def test_correlation_lately_is_shown(two: list[Path]) -> None:
    app = page(*two, tab="Lost together?", correlation_measure="ewma")
    assert not app.exception
    assert "half after 23 days" in said(app)


def test_what_no_data_says_can_be_said(two: list[Path]) -> None:
    asked = RiskConventions(trials=40, leverage=5.0, maintenance_margin=0.01, horizon_days=10)
    session = {"trials": 40, "leverage": 5.0, "maintenance": 1.0, "horizon": 10}
    app, answer = page(*two, tab="Stress", **session), answer_of(*two, asked=asked)
    assert not app.exception
    assert "in 40 trials it holds with" in said(app)
    assert headline(answer, ZoneInfo("UTC")).replace("\\", "") in said(app)
    assert "How likely is a loss within 10 days?" in said(app)
    assert "margin at the declared leverage" in said(app)
    # 2 BTC of 100 at five times: 40 of margin against a loss of 200 · 39.5 %
    assert "would end in liquidation" in said(app)
    assert "40 trials without skill" in said(page(*two, **session))


def test_too_few_days_are_said(tmp_path: Path) -> None:
    path = daily_bot(tmp_path / "short.sqlite", 4)
    for tab in TABS:
        app = page(path, tab=tab)
        assert not app.exception
        text = said(app)
        assert "What a bad day loses is not known: too few days for this level" in text
        assert "how sure that is cannot be said: needs at least twenty days" in text
    assert "needs more than a hundred days" in said(page(path, tab="A day's loss"))
    assert "There is only one part" not in said(page(path, tab="Stress"))
    assert "Not known: needs at least twenty days" in said(page(path, tab="Stress"))


def test_parts_without_days_in_common_are_said_in_a_whole_sentence() -> None:
    one = correlation_of(["a", "b"], np.array([[1.0, np.nan], [1.0, 2.0]]))
    assert words_of(one, "bots") == "2 bots have 1 day in common: too few to say whether they lose together."


def test_over_two_quotes_there_is_no_total(tmp_path: Path) -> None:
    paths = [
        daily_bot(tmp_path / "one.sqlite", 25), daily_bot(tmp_path / "two.sqlite", 25, pair="XYZ-BTC"),
    ]  # fmt: skip
    app = page(*paths)
    assert not app.exception
    assert "no total over several currencies" in said(app)


def test_nothing_is_open_or_nothing_passes(two: list[Path]) -> None:
    app = page()
    assert not app.exception
    assert "No data is open" in said(app)
    app = page(two[0], side=["SELL"], bot=["first"])
    assert not app.exception


def test_the_demo_opens_at_every_tab(demo: Path) -> None:
    for tab in TABS:
        app = page(demo, tab=tab)
        assert not app.exception, tab
        assert len(app.get("plotly_chart")) >= 1
