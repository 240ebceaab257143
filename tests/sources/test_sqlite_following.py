"""A database that grows while it is followed."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.performance_data_source import PerformanceDataSource
from fillbook.schema.raw import RawTables
from fillbook.sources.sqlite import HummingbotDatabase
from fillbook.testing.databases import insert, write_database

CLOCK = datetime(2024, 1, 1, tzinfo=UTC)
AT = 1_700_000_000_000
_MARKET = {"market": "binance", "symbol": "ABC-USDT", "base_asset": "ABC", "quote_asset": "USDT"}


def order(number: int, status: str, at: int) -> dict[str, object]:
    return _MARKET | {
        "id": f"o{number}", "creation_timestamp": AT + 1_000 * number, "amount": 2.0, "price": 100.0,
        "last_status": status, "last_update_timestamp": AT + 1_000 * at, "exchange_order_id": f"x{number}",
    }  # fmt: skip


def event(number: int, at: int, status: str) -> dict[str, object]:
    return {"order_id": f"o{number}", "timestamp": AT + 1_000 * at, "status": status}


def fill(number: int, at: int) -> dict[str, object]:
    fee = {
        "percent": "0",
        "percent_token": None,
        "flat_fees": [{"token": "BNB", "amount": "0.1"}, {"token": "USDT", "amount": "0.2"}],
    }
    return _MARKET | {
        "timestamp": AT + 1_000 * at, "order_id": f"o{number}", "exchange_trade_id": f"t{at}",
        "trade_type": "SELL", "amount": 1.0, "price": 100.5, "trade_fee": fee,
    }  # fmt: skip


def write(path: Path, *steps: tuple[str, int, int]) -> None:
    """Let the bot write: what happened to which order when."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for what, number, at in steps:
            if what == "created":
                insert(connection, "Order", [order(number, "SellOrderCreated", at)])
                insert(connection, "OrderStatus", [event(number, at, "SellOrderCreated")])
                continue
            status = {"filled": "OrderFilled", "cancelled": "OrderCancelled"}[what]
            if what == "filled":
                insert(connection, "TradeFill", [fill(number, at)])
            insert(connection, "OrderStatus", [event(number, at, status)])
            connection.execute(
                'UPDATE "Order" SET last_status = ?, last_update_timestamp = ? WHERE id = ?',
                (status, AT + 1_000 * at, f"o{number}"),
            )


def data_of(*raws: RawTables) -> PerformanceDataSource:
    return PerformanceDataSource.from_raws(raws, clock=CLOCK)


def same(one: PerformanceDataSource, other: PerformanceDataSource) -> list[str]:
    """Tables that differ."""
    return [name for name in one.tables if not one.tables[name].equals(other.tables[name])]


def test_what_a_bot_writes_is_seen_once(tmp_path: Path) -> None:
    path = write_database(tmp_path / "bot.sqlite", {})
    write(path, ("created", 1, 1), ("filled", 1, 2), ("created", 2, 3))
    source = HummingbotDatabase(str(path))
    first = source.read()
    feed = source.follow(first)
    assert feed.poll() == ()
    data = data_of(first)
    for steps in (
        [("filled", 1, 4), ("cancelled", 2, 5)],
        [("created", 3, 6)],
        [("cancelled", 3, 7), ("filled", 2, 8)],  # a late fill after its cancel
    ):
        write(path, *steps)
        (raw,) = feed.poll()
        assert raw.continues
        assert raw.info.uri == str(path)
        data = data.append(raw)
        assert same(data, data_of(source.read())) == []
        assert feed.poll() == ()
    assert data.orders["side"].to_list() == [-1, -1, -1]
    assert data.flat_fees.height == 3
    assert feed.health().state == "live"
    assert feed.health().counts["received"] == 12
    assert list(feed.bots()) == ["bot"]
    feed.close()


steps = st.lists(
    st.tuples(st.sampled_from(["created", "filled", "cancelled"]), st.integers(1, 4)), max_size=14
)


@settings(max_examples=40, deadline=None)
@given(steps, st.lists(st.integers(0, 14), max_size=3), st.integers(0, 14))
def test_any_life_of_orders_is_followed(
    tmp_path_factory: pytest.TempPathFactory, life: list[tuple[str, int]], cuts: list[int], opened_at: int
) -> None:
    path = write_database(tmp_path_factory.mktemp("db") / "bot.sqlite", {})
    source, known = HummingbotDatabase(str(path)), set[int]()
    write(path, ("created", 9, 0))
    feed, data, raws = None, None, []
    for at, (what, number) in enumerate(life, start=1):
        if at - 1 == opened_at:
            raws = [source.read()]
            feed, data = source.follow(raws[0]), data_of(*raws)
        if (what == "created") == (number in known):
            continue
        known.add(number)
        write(path, (what, number, at))
        if feed is not None and data is not None and at in cuts:
            data = data.append(*feed.poll())
    if feed is not None and data is not None:
        data = data.append(*feed.poll())
        feed.close()
        assert same(data, data_of(source.read())) == []


def test_nothing_is_written_beside_a_followed_file(tmp_path: Path) -> None:
    path = write_database(tmp_path / "bot.sqlite", {})
    write(path, ("created", 1, 1))
    before = path.read_bytes()
    feed = HummingbotDatabase(str(path)).follow()
    assert feed.poll()[0].tables["orders"].height == 1
    assert [p.name for p in tmp_path.iterdir()] == ["bot.sqlite"]
    assert path.read_bytes() == before
    feed.close()


def test_a_locked_file_is_asked_again(tmp_path: Path) -> None:
    path = write_database(tmp_path / "bot.sqlite", {})
    write(path, ("created", 1, 1))
    feed = HummingbotDatabase(str(path)).follow()
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        assert feed.poll() == ()
        assert feed.health().counts["busy"] == 1
        writer.execute("COMMIT")
    assert len(feed.poll()) == 1
    feed.close()


def test_a_file_that_goes_away_and_one_that_is_another(tmp_path: Path) -> None:
    path = write_database(tmp_path / "bot.sqlite", {})
    write(path, ("created", 1, 1))
    feed = HummingbotDatabase(str(path)).follow()
    assert len(feed.poll()) == 1
    moved = tmp_path / "away.sqlite"
    path.rename(moved)
    assert feed.poll() == ()
    assert feed.health().state == "reconnecting"
    assert "no such file" in feed.health().message
    moved.rename(path)
    write(path, ("filled", 1, 2))
    assert feed.poll()[0].tables["fills"].height == 1
    other = write_database(tmp_path / "other.sqlite", {})
    os.replace(other, path)  # noqa: PTH105  (what a bot's restore does)
    assert feed.poll() == ()
    assert feed.health().state == "replaced"
    feed.close()


def test_a_bot_in_wal_mode_is_followed(tmp_path: Path) -> None:
    path = write_database(tmp_path / "bot.sqlite", {})
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        insert(writer, "Order", [order(1, "SellOrderCreated", 1)])
        feed = HummingbotDatabase(str(path)).follow()
        assert feed.poll()[0].tables["orders"].height == 1
        insert(writer, "Order", [order(2, "SellOrderCreated", 1)])
        assert feed.poll()[0].tables["orders"]["order_id"].to_list() == ["o2"]
        feed.close()


def test_times_of_statuses_are_utc(tmp_path: Path) -> None:
    path = write_database(tmp_path / "bot.sqlite", {})
    write(path, ("created", 1, 1))
    feed = HummingbotDatabase(str(path)).follow()
    feed.poll()
    seen = feed.bots()["bot"].seen_at
    assert abs((seen - datetime.now(UTC)).total_seconds()) < 60
    assert pl.Series([seen]).dtype == pl.Datetime("us", "UTC")
    feed.close()


def test_an_order_that_changed_while_it_was_read_is_read_again(tmp_path: Path) -> None:
    """The orders were read before an order ended and another came, their events after it."""
    path = tmp_path / "bot.sqlite"
    market = {"market": "binance", "symbol": "ABC-USDT", "base_asset": "ABC", "quote_asset": "USDT"}
    at = 1_700_000_000_000

    def order(n: int, status: str) -> dict[str, object]:
        return {**market, "id": f"o{n}", "creation_timestamp": at, "amount": 1.0, "price": 10.0,
                "last_status": status, "last_update_timestamp": at + 500}  # fmt: skip

    events = [
        ("o1", "SellOrderCreated"),
        ("o2", "SellOrderCreated"),
        ("o1", "OrderCancelled"),
        ("o2", "OrderCancelled"),
    ]
    statuses = [
        {"id": n, "order_id": name, "timestamp": at + n, "status": status}
        for n, (name, status) in enumerate(events, start=1)
    ]
    write_database(
        path, {"Order": [order(1, "OrderCancelled"), order(2, "OrderCancelled")], "OrderStatus": statuses}
    )
    whole = HummingbotDatabase(str(path)).read()
    early = (
        whole.tables["orders"]
        .head(1)
        .with_columns(last_status=pl.lit("SellOrderCreated").cast(pl.Categorical), side=pl.lit(-1, pl.Int8))
    )
    torn = replace(whole, tables={**whole.tables, "orders": early})
    feed = HummingbotDatabase(str(path)).follow(torn)
    (more,) = feed.poll()
    feed.close()
    rows = more.tables["orders"].select("order_id", "side", "last_status").rows()
    assert rows == [("o1", -1, "OrderCancelled"), ("o2", -1, "OrderCancelled")]
