"""Rows of a feed are known as those of the bot's database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fillbook.etl import performance_etl
from fillbook.etl.feeds import in_the_databases_words
from fillbook.schema.tables import TABLES, empty
from fillbook.testing.tables import CLOCK, START, fills, orders, raw_tables, table


def feed(uri: str = "mqtt://broker/bot", bot: str = "bot", **tables: object):
    return replace(raw_tables(uri=uri, kind="mqtt", bot=bot, **tables), continues=True)


def etl(*raws: object):
    return performance_etl(raws, clock=CLOCK)


def test_without_a_feed_or_without_another_source_nothing_is_touched() -> None:
    tables = {name: empty(name) for name in TABLES} | {"fills": fills()}
    database, heard = raw_tables(fills=fills()).info, feed(fills=fills()).info
    assert in_the_databases_words(tables, [database]) is tables
    assert in_the_databases_words(tables, [heard]) is tables


def test_a_fill_of_unknown_venue_is_the_databases() -> None:
    """The database has 0.5 s; the feed tells the second."""
    at = START + timedelta(seconds=10.5)
    stored = fills(order_id="o", trade_id="t", at=[at], connector="kucoin", fee_quote_recorded=0.2)
    told = fills(order_id="o", trade_id="t", at=10, connector="unknown", config="", strategy="")
    result = etl(raw_tables(fills=stored), feed(fills=told))
    (fill,) = result.tables["fills"].to_dicts()
    assert (fill["connector"], fill["at"], fill["config"]) == ("kucoin", at, "conf.yml")
    assert result.tables["quarantine"].is_empty()
    assert result.lineage.files[0].bot == result.lineage.files[1].bot == "bot"


def test_another_second_contradicts() -> None:
    stored = fills(order_id="o", trade_id="t", at=10)
    result = etl(raw_tables(fills=stored), feed(fills=fills(order_id="o", trade_id="t", at=12)))
    assert result.tables["quarantine"]["reason"].to_list() == ["conflicting_duplicate"]


def test_an_order_that_two_venues_have_stays_unknown() -> None:
    stored = fills(order_id="o", trade_id=["t", "u"], connector=["a", "b"], at=0)
    result = etl(raw_tables(fills=stored), feed(fills=fills(order_id="o", trade_id="v", connector="unknown")))
    assert sorted(result.tables["fills"]["connector"]) == ["a", "b", "unknown"]


def test_an_order_takes_the_databases_words_and_the_newer_state() -> None:
    stored = orders(order_id="o", at=0, amount_base=1.234567, price_quote=2.0, connector="kucoin",
                    last_status="BuyOrderCreated", updated_at=0)  # fmt: skip
    told = orders(order_id="o", at=0, amount_base=1.23456789, price_quote=2.00000001, connector="unknown",
                  config="", strategy="", last_status="OrderCancelled", updated_at=5)  # fmt: skip
    (order,) = etl(raw_tables(orders=stored), feed(orders=told)).tables["orders"].to_dicts()
    assert (order["connector"], order["amount_base"], order["price_quote"]) == ("kucoin", 1.234567, 2.0)
    assert (order["last_status"], order["strategy"]) == ("OrderCancelled", "pure_market_making")


def test_events_meet_one_by_one() -> None:
    """Two fills in the database at 10.2 s and 12 s; the feed heard the second and one more at 20 s."""
    events = [START + timedelta(seconds=s) for s in (10.2, 12.0)]
    stored = table("order_events", order_id="o", at=events)
    told = table("order_events", order_id="o", at=[12, 20])
    result = etl(raw_tables(order_events=stored), feed(order_events=told))
    assert result.tables["order_events"]["at"].to_list() == events
    more = etl(
        raw_tables(order_events=stored),
        feed(order_events=table("order_events", order_id="o", at=[10, 12, 20])),
    )
    assert more.tables["order_events"]["at"].to_list() == [*events, START + timedelta(seconds=20)]


def test_a_feed_without_shared_rows_is_of_the_bot_of_its_name() -> None:
    """The bot's database of before, and what it says now, share no row yet; another bot's feed stays apart."""
    stored = raw_tables(
        uri="bots/instances/maker/data/maker.sqlite", bot="maker", fills=fills(order_id="a", at=0)
    )
    result = etl(
        stored,
        feed("mqtt://broker/maker", "maker", fills=fills(order_id="b", at=5)),
        feed("mqtt://broker/maker", "maker", fills=fills(order_id="c", at=6, row=2)),
        feed("mqtt://broker/other", "other", fills=fills(order_id="d", at=5)),
    )
    bots = result.tables["fills"].sort("order_id")["bot"].to_list()
    assert bots == ["maker", "maker", "maker", "other"]


def test_two_databases_of_one_name_are_not_chosen_between() -> None:
    raws = [
        raw_tables(uri=f"{n}/maker.sqlite", bot="maker", fills=fills(order_id=f"o{n}", at=0))
        for n in range(2)
    ]
    result = etl(*raws, feed("mqtt://broker/maker", "maker", fills=fills(order_id="x", at=1)))
    assert result.tables["fills"]["bot"].n_unique() == 3
