"""How well it traded: every number is that of the answer, what is missing is said, nothing is computed early."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import fillbook
from fillbook.analysis.costs import TOTAL, shortfall_sums
from fillbook.analysis.execution import Execution, execution
from fillbook.analysis.parents import PARTS
from fillbook.conventions import Conventions
from fillbook.metrics.evaluate import load_metrics
from fillbook.results import Status
from fillbook.testing.databases import write_database
from fillbook.web import cards, state
from fillbook.web.views.bot_performance.quality import CARDS, headline
from fillbook.web.views.bot_performance.quality_costs import impact_words
from web.conftest import FEE, Started

DASH, MINUS, THIN = "\N{EM DASH}", "\N{MINUS SIGN}", "\N{THIN SPACE}"
TABS = ("Markouts", "Orders", "Latency", "Costs", "Market")
START_MS = 1_700_000_000_000
HOUR_MS = 3_600_000
_COMMON = {"market": "binance", "config_file_path": "c.yml", "strategy": "pmm"}


def traded(n: int, pair: str = "ABC-USDT", first: int = 0) -> dict[str, list[dict[str, object]]]:
    """Orders an hour apart, bought at 100 and sold at 101 around a mid of 100.5; every third is cancelled.

    Each fills ten seconds after it was made.
    """
    base, quote = pair.split("-")
    orders, fills, events = [], [], []
    for i in range(first, first + n):
        side, price = (("BUY", 100.0), ("SELL", 101.0))[i % 2]
        at, key, is_filled = START_MS + HOUR_MS * i, f"o{i}", i % 3 < 2
        kind = "Buy" if side == "BUY" else "Sell"
        last = f"{kind}OrderCompleted" if is_filled else "OrderCancelled"
        named = {**_COMMON, "symbol": pair, "base_asset": base, "quote_asset": quote, "price": price}
        orders.append({
            **named, "id": key, "creation_timestamp": at, "order_type": "LIMIT_MAKER", "amount": 1.0,
            "last_status": last, "last_update_timestamp": at + 10_000,
        })  # fmt: skip
        for status, after in ((f"{kind}OrderCreated", 0), (last, 10_001)):
            events.append({"id": 2 * i + bool(after), "order_id": key, "timestamp": at + after,
                           "status": status})  # fmt: skip
        if is_filled:
            fills.append({
                **named, "timestamp": at + 10_000, "order_id": key, "trade_type": side, "amount": 1.0,
                "order_type": "LIMIT_MAKER", "trade_fee": FEE, "trade_fee_in_quote": 0.1,
                "exchange_trade_id": f"t{i}",
            })  # fmt: skip
    return {"Order": orders, "TradeFill": fills, "OrderStatus": events}


def mids(n: int, pair: str = "ABC-USDT") -> list[dict[str, object]]:
    """A quote of 100.4 at 100.6 whenever something of `traded` asks for one."""
    asked = (-2_000, 0, 8_000, 15_000, 20_000, 40_000, 70_000, 309_000, 908_000, 1_800_000)
    return [
        {"timestamp": START_MS + HOUR_MS * i + ms, "exchange": "binance", "trading_pair": pair,
         "mid_price": 100.5, "best_bid": 100.4, "best_ask": 100.6, "order_book": "{}"}
        for i in range(n) for ms in asked
    ]  # fmt: skip


@pytest.fixture
def quoting_bot(tmp_path: Path) -> Path:
    return write_database(tmp_path / "quoting.sqlite", {**traded(60), "MarketData": mids(60)})


def opened(app: AppTest, tab: str = "Markouts") -> AppTest:
    """The page with the question unfolded at one of its tabs."""
    app.session_state["quality"] = True
    app.session_state["quality_tab"] = tab
    app = app.run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    texts = (*app.markdown, *app.caption, *app.info)
    return " ".join(text.value for text in texts).replace("\\", "")


def answer_of(*uris: Path, conventions: Conventions | None = None) -> Execution:
    return execution(fillbook.open_data(*uris), None, conventions)


def check_cards(app: AppTest, answer: Execution) -> int:
    """Compare every card of an execution metric with the answer; how many were compared."""
    keys = {metric.label: key for key, metric in load_metrics().items()}
    compared = 0
    for card in app.metric:
        key = keys[card.label.partition(",")[0]]
        if key in answer.metrics and key != "fill_rate":
            assert card.value == cards.shown(answer.metrics[key]), key
            assert (card.value == DASH) == (answer.metrics[key].value is None), key
            compared += 1
    return compared


def table(app: AppTest, *columns: str) -> Any:
    return next(t.value for t in app.dataframe if set(columns) <= set(t.value.columns))


def test_nothing_is_computed_before_it_is_asked_for(
    started: Started, quoting_bot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def counted(*words: Any) -> Execution:
        asked.append(words)
        return execution(*words)

    monkeypatch.setattr(state, "execution", counted)
    app = started(quoting_bot)
    assert not asked
    app = opened(app)
    assert len(asked) == 1
    for tab in TABS:
        app = opened(app, tab)
    assert len(asked) == 1, "all tabs are one answer"


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_shows_the_answer(started: Started, quoting_bot: Path, tab: str) -> None:
    app = opened(started(quoting_bot), tab)
    answer = answer_of(quoting_bot)
    assert check_cards(app, answer) == 14
    assert headline(answer) in said(app)
    if tab == "Markouts":
        spreads = table(app, "edge_bps", "quoted_bps")
        assert spreads["edge_bps"].tolist() == answer.spreads["edge_bps"].to_list()
    elif tab == "Orders":
        assert table(app, "limit_quote", "wait_s").shape[0] == answer.orders.height
        rates = table(app, "n_terminal", "fill_rate")
        assert rates["fill_rate"].tolist() == answer.by_order["order_type"]["fill_rate"].to_list()
    elif tab == "Latency":
        assert "ticks every 1 s" in said(app)
        spans = answer.latency.filter(by="connector")
        assert table(app, "what", "p50")["p50"].tolist() == spans["p50"].to_list()
    elif tab == "Costs":
        assert impact_words(answer) in said(app)
        known = answer.parents["total_quote"].drop_nulls()
        assert sorted(table(app, "total_quote")["total_quote"]) == pytest.approx(sorted(known))
    else:
        assert table(app, "both", "ask")["both"].tolist() == answer.uptime["both"].to_list()
        assert table(app, "kind", "age_p50_s")["n"].tolist() == answer.mids["n"].to_list()


def test_the_headline_is_worked_out_by_hand(quoting_bot: Path) -> None:
    """60 orders, 40 filled; each earns 0.5 on a mid of 100.5: 49.75 bps; nothing moves, nothing is lost."""
    text = headline(answer_of(quoting_bot))
    assert text.startswith(
        "Fills earned **+49.75 bps** against the mid before them and were worth **+49.75 bps** a minute later"
    )
    assert f"**66.67{THIN}%** of 60 orders that ended were filled, at least in part" in text
    assert "half of the limit orders within 10 s" in text


def test_an_order_shows_its_fills_events_and_costs(started: Started, quoting_bot: Path) -> None:
    app = opened(started(quoting_bot), "Orders")
    listed = answer_of(quoting_bot).orders.sort("created_at", descending=True)
    row = next(i for i, n in enumerate(listed["n_fills"]) if n)
    app.session_state["orders__1"] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    app = app.run()
    assert not app.exception
    text = said(app)
    assert "**1 fill**" in text
    assert "**2 events**" in text
    assert "Shortfall of its decision (1 order), in USDT" in text
    assert table(app, "mid_60s", "bid_quote")["mid_quote"].tolist() == [100.5]


def test_the_sums_of_the_shortfall_are_those_of_the_decisions(quoting_bot: Path) -> None:
    answer = answer_of(quoting_bot)
    sums = shortfall_sums(answer)
    by_part = dict(sums.select("part", "value").rows())
    assert sum(by_part[part] for part in PARTS) == pytest.approx(by_part[TOTAL])
    known = answer.parents.filter(answer.parents["total_quote"].is_not_null())
    assert by_part[TOTAL] == pytest.approx(known["total_quote"].sum())
    assert sums["n"].unique().to_list() == [known.height]
    assert sums["n_all"].unique().to_list() == [answer.parents.height]


@pytest.mark.parametrize("key", CARDS)
def test_how_each_number_was_computed_is_shown(started: Started, quoting_bot: Path, key: str) -> None:
    app = opened(started(quoting_bot))
    app = next(one for one in app.button if one.key == f"how_executed_{key}").click().run()
    assert not app.exception
    table_of = {"spread_earned": "40 rows of the table `fills`", "fill_rate": "60 rows of the table `orders`",
                "quote_uptime": "1 rows of the table `uptime`"}  # fmt: skip
    assert table_of.get(key, "rows of the table") in said(app)


def test_without_orders_it_says_so(started: Started, bot: Path) -> None:
    app = started(bot)
    for tab in TABS:
        text = said(opened(app, tab))
        assert "What became of orders is not known: the data has no orders." in text
        if tab in ("Orders", "Latency", "Costs"):
            assert "The data holds no order in this view." in text
    assert check_cards(app, answer_of(bot)) == 14


def test_without_fills_there_is_nothing_to_judge(started: Started, tmp_path: Path) -> None:
    only = {name: rows for name, rows in traded(6).items() if name != "TradeFill"}
    app = started(write_database(tmp_path / "quiet.sqlite", only))
    assert not app.exception
    assert any("no fill" in info.value for info in app.info)
    assert not any("Fills beside the market" in box.label for box in app.expander)


def test_without_a_mid_it_says_why_and_the_way_on(started: Started, tmp_path: Path) -> None:
    path = write_database(tmp_path / "blind.sqlite", traded(30))
    app = started(path)
    for tab in TABS:
        app = opened(app, tab)
        text = said(app)
        assert "What fills earned against the mid before them is not known: no" in text
        if tab == "Markouts":
            assert "No markout is known: no" in text
            assert "Open quotes of the markets" in text
    assert check_cards(app, answer_of(path)) == 14


def test_over_two_quotes_each_market_stands_in_its_own(started: Started, tmp_path: Path) -> None:
    one, two = traded(30), traded(30, "XYZ-BTC", first=30)
    both = {name: [*one[name], *two[name]] for name in one}
    path = write_database(tmp_path / "mixed.sqlite", {**both, "MarketData": mids(30)})
    app = started(path)
    for tab in TABS:
        app = opened(app, tab)
        assert "does not add up over several quote currencies" in said(app)
        if tab == "Markouts":
            spreads = table(app, "edge_bps", "quote")
            assert dict(zip(spreads["quote"], spreads["edge_bps"], strict=True))["USDT"] > 49.0
        if tab == "Costs":
            assert set(table(app, "total_quote", "quote")["quote"]) == {"USDT"}, "BTC has no mid"
    answer = answer_of(path)
    assert answer.currency is None
    assert check_cards(app, answer) == 14
    assert shortfall_sums(answer)["currency"].unique().to_list() == ["USDT"]


def test_the_demo_opens_at_every_tab(started: Started, demo: Path) -> None:
    app = started(demo)
    answer = answer_of(demo)
    for tab in TABS:
        app = opened(app, tab)
        assert check_cards(app, answer) == 14
        assert headline(answer) in said(app)


def test_the_conventions_of_quotes_are_chosen_said_and_used(started: Started, quoting_bot: Path) -> None:
    app = started(quoting_bot)
    assert "quotes up to" not in said(app)
    box(app.selectbox, "Age of a quote").set_value(1.0)
    box(app.selectbox, "Where no mid was recorded").set_value("candle")
    app = opened(app)
    chosen = app.session_state["filter_params"].conventions
    assert (chosen.max_quote_age_s, chosen.mid_proxy) == (1.0, "candle")
    assert "quotes up to 1 s old · candle closes stand in for mids" in said(app)
    answer = answer_of(quoting_bot, conventions=Conventions(max_quote_age_s=1.0, mid_proxy="candle"))
    assert answer.metrics["spread_earned"].status is Status.UNAVAILABLE, "the quote is 2 s old"
    check_cards(app, answer)


def box(found: Iterable[Any], label: str) -> Any:
    return next(one for one in found if one.label == label)
