"""Messages of a bot become the rows its database has, whatever happens to them on their way."""

from __future__ import annotations

import json
import math
import random
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.etl import performance_etl
from fillbook.schema.raw import RawTables
from fillbook.sources.mqtt_events import MAX_SEEN, Events
from fillbook.sources.mqtt_markets import Known, known_of
from fillbook.sources.mqtt_messages import MAX_BYTES, Message
from fillbook.sources.sqlite import HummingbotDatabase
from fillbook.testing.databases import write_database
from sources.mqtt_capture import (
    AT_S,
    BOT,
    DATABASE,
    FEE,
    PAIR,
    captured,
    completed,
    created,
    event,
    events_of,
    filled,
)

CLOCK = datetime(2026, 12, 1, tzinfo=UTC)
KNOWN = Known(markets=[("binance", PAIR)])


def rows(*messages: Message, known: Known = KNOWN) -> RawTables:
    (raw,) = Events("mqtt://broker:1883", known).take(messages)
    return raw


def one(raw: RawTables, table: str) -> dict:
    (row,) = raw.tables[table].to_dicts()
    return row


def test_a_fill_is_as_the_database_has_it() -> None:
    fill = one(rows(filled()), "fills")
    assert fill["at"] == datetime.fromtimestamp(AT_S, UTC)
    expected = {
        "bot": "bot", "connector": "binance", "pair": PAIR, "base": "ABC", "quote": "USDT", "order_id": "o1",
        "trade_id": "t1", "side": 1, "order_type": "LIMIT", "price_quote": 50.0, "amount_base": 2.0,
        "quantum": 0.0, "leverage": 1, "position_action": "NIL", "fee_percent": 0.0,
        "fee_type": "DeductedFromReturns", "fee_token": "USDT", "fee_amount": 0.1, "fee_quote_recorded": None,
    }  # fmt: skip
    assert {name: fill[name] for name in expected} == expected


def test_an_order_is_given_with_its_last_state_and_again_when_that_changes() -> None:
    events = Events("mqtt://broker:1883", KNOWN)
    (first,) = events.take([created()])
    (second,) = events.take([filled(), completed()])
    assert one(first, "orders")["last_status"] == "BuyOrderCreated"
    order = one(second, "orders")
    assert (order["last_status"], order["side"], order["amount_base"]) == ("BuyOrderCompleted", 1, 2.0)
    assert second.tables["order_events"]["status"].to_list() == ["OrderFilled", "BuyOrderCompleted"]
    assert second.tables["order_events"]["row"].to_list() == [2, 3]
    assert first.info.uri == second.info.uri == "mqtt://broker:1883/bot"
    assert first.info.sha256 != second.info.sha256


def test_fees_in_every_form_the_bridge_writes() -> None:
    bare = {"percent": 0.001, "percent_token": None, "flat_fees": []}
    old = {"percent": 0, "flat_fees": [{"asset": "BNB", "amount": 0.5}]}
    two = {**FEE, "flat_fees": [{"token": "BNB", "amount": "0.5"}, {"token": "SOL", "amount": "1e-5"}]}
    odd = {**FEE, "flat_fees": "none"}
    raw = rows(
        *(filled(n, trade_fee=fee) for n, fee in enumerate([bare, old, two, odd, None, json.dumps(old)]))
    )
    fees = raw.tables["fills"].select("fee_percent", "fee_token", "fee_amount").rows()
    assert fees == [
        (0.001, None, None), (0.0, "BNB", 0.5), (0.0, "BNB", 0.5), (None, None, None), (None, None, None),
        (0.0, "BNB", 0.5),
    ]  # fmt: skip
    assert raw.tables["flat_fees"].select("row", "token", "amount").rows() == [(3, "SOL", 1e-5)]


def test_market_orders_have_no_price_and_bare_nan_is_none() -> None:
    message = created(type="OrderType.MARKET", price=math.nan)
    assert b"NaN" in message.payload
    order = one(rows(message), "orders")
    assert (order["price_quote"], order["price_reason"]) == (None, "market_order_no_price")


def test_funding_comes_in_seconds_or_milliseconds() -> None:
    paid = {"market": "binance_perpetual", "trading_pair": PAIR, "amount": -0.5, "funding_rate": 1e-4}
    raw = rows(
        event("FundingPaymentCompleted", AT_S * 1000 + 697, **paid),
        event("FundingPaymentCompleted", AT_S, **paid),
    )
    at = raw.tables["funding"]["at"].to_list()
    assert [moment.timestamp() for moment in at] == [AT_S + 0.697, AT_S]
    assert raw.tables["funding"]["amount_quote"].to_list() == [-0.5, -0.5]


def test_a_pool_event_has_no_fee_type() -> None:
    data = {"order_id": "range-1", "trading_pair": "SOL-USDC", "creation_timestamp": AT_S + 0.70675,
            "trade_fee": {"percent": 0.0, "flat_fees": []}, "base_amount": 1.0, "quote_amount": 150.0}  # fmt: skip
    update = one(rows(event("RangePositionLiquidityAdded", **data)), "lp_updates")
    assert (update["action"], update["at"].microsecond, update["quote_amount"]) == ("ADD", 706_000, 150.0)


def test_what_cannot_be_read_is_said_and_never_booked() -> None:
    raw = rows(filled(1, price="ten"), filled(2, at_s="yesterday"), filled(3, price="-1", trade_type="BOTH"))
    cells = raw.unreadable.select("row", "column", "value").rows()
    assert cells == [(1, "price_quote", "ten"), (2, "at", "yesterday"), (3, "side", "BOTH")]
    result = performance_etl([raw], clock=CLOCK)
    assert result.tables["fills"].is_empty()
    assert result.tables["quarantine"].filter(pl.col("table") == "fills").height == 3


@pytest.mark.parametrize(
    "payload",
    [b'{"type": "OrderFilled", "data": {"price": ' + b"[" * 900 + b"]" * 900 + b"}}", b"", b"{", b"[]", b"\xff\xfe", b'{"type": 1}', b'{"type": "OrderFilled", "data": []}', b"[" * 100_000,
     b'{"type": "OrderFilled", "data": {"price": 1}}', b'{"timestamp": ' + b"9" * 5_000 + b"}"],
)  # fmt: skip
def test_nonsense_is_counted_and_said(payload: bytes) -> None:
    events = Events("mqtt://broker:1883", KNOWN)
    (raw,) = events.take([Message("bot", "events", payload, 0.0)])
    assert events.counts["malformed"] == 1
    assert [(finding.rule, finding.n_rows) for finding in raw.findings] == [("malformed_messages", 1)]
    assert not raw.tables


def test_repeats_are_dropped_but_not_fills_without_an_id() -> None:
    events = Events("mqtt://broker:1883", KNOWN)
    nameless = filled(2, exchange_trade_id="")
    (raw,) = events.take([filled(), filled(), nameless, nameless])
    assert (raw.tables["fills"].height, events.counts["repeated"]) == (3, 1)
    assert MAX_SEEN * 200 < 1e8  # bytes of what is remembered


def test_missing_fills_of_a_completed_order_show_until_they_come() -> None:
    events = Events("mqtt://broker:1883", KNOWN)
    events.take([created(), completed()])
    assert events.counts["incomplete_orders"] == 1
    events.take([filled(amount=1.5)])
    assert events.counts["incomplete_orders"] == 1
    events.take([filled(2, order_id="o1", amount=0.5)])
    assert events.counts["incomplete_orders"] == 0


def test_late_events_and_jumping_clocks_are_counted() -> None:
    events = Events("mqtt://broker:1883", KNOWN)
    events.take([filled(1, AT_S), filled(2, AT_S + 10), filled(3, AT_S + 1), filled(4, AT_S - 3_600)])
    assert (events.counts["late"], events.counts["clock_jumps"]) == (2, 1)


@pytest.mark.parametrize(
    ("order_id", "action", "markets", "connector"),
    [
        ("x-MG43PCSN1", "NIL", [], "unknown"),  # binance or binance_us
        ("x-MG43PCSN1", "NIL", [("binance", "")], "binance"),
        ("x-MG43PCSN1", "NIL", [("binance", PAIR), ("binance_perpetual", PAIR)], "binance"),
        ("x-MG43PCSN1", "NIL", [("binance_perpetual", PAIR)], "unknown"),
        ("x-nbQe1H391", "OPEN", [("binance", PAIR), ("binance_perpetual", PAIR)], "binance_perpetual"),
        ("t-HBOT1", "NIL", [("gate_io", "X-Y"), ("gate_io_perpetual", "X-Y")], "unknown"),
        ("93027a12dac34fBC1", "OPEN", [], "okx_perpetual"),  # only perpetuals open and close
        ("buy://ABC-USDT/1", "NIL", [("kucoin", PAIR), ("kucoin_PaperTrade", PAIR)], "kucoin_PaperTrade"),
        ("plain", "NIL", [("kucoin", PAIR)], "kucoin"),
        ("plain", "NIL", [("kucoin", PAIR), ("mexc", PAIR)], "unknown"),
        ("latoken-hbot-1", "NIL", [], "latoken"),
    ],
)
def test_a_venue_is_known_or_unknown_and_never_guessed(
    order_id: str, action: str, markets: list[tuple[str, str]], connector: str
) -> None:
    raw = rows(filled(order_id=order_id, position=action), known=Known(markets=markets))
    assert one(raw, "fills")["connector"] == connector
    assert ("unknown_venue" in [f.rule for f in raw.findings]) == (connector == "unknown")


def test_a_bots_batches_do_not_mix_with_anothers() -> None:
    first, second = Events("mqtt://broker:1883", KNOWN).take(
        [filled(bot="b"), filled(bot="a"), filled(2, bot="b")]
    )
    assert (first.info.bot, first.tables["fills"]["row"].to_list()) == ("b", [1, 2])
    assert (second.info.bot, second.tables["fills"]["row"].to_list()) == ("a", [1])


@pytest.fixture(scope="module")
def real(shared_data: Path) -> tuple[list[Message], RawTables]:
    return events_of(captured(shared_data)), HummingbotDatabase(str(shared_data / DATABASE)).read()


SAME = ("connector", "pair", "order_id", "trade_id", "at", "side", "price_quote", "amount_base", "fee_token",
        "fee_amount", "fee_percent", "fee_type", "order_type", "leverage", "position_action")  # fmt: skip


def test_the_capture_gives_every_fill_of_the_database(real: tuple[list[Message], RawTables]) -> None:
    messages, database = real
    events = Events("mqtt://broker", known_of(database.tables))
    (raw,) = events.take(messages)
    assert raw.info.bot == BOT
    heard, stored = (performance_etl([one], clock=CLOCK).tables for one in (raw, database))
    assert heard["fills"].height == 375
    assert heard["fills"].select(SAME).sort(SAME).equals(stored["fills"].select(SAME).sort(SAME))
    for table, key in (("orders", ["order_id", "at", "side", "amount_base", "last_status"]),
                       ("order_events", ["order_id", "status"]), ("funding", ["connector", "pair", "at"]),
                       ("lp_updates", ["order_id", "at", "action"])):  # fmt: skip
        assert heard[table].select(key).sort(key).equals(stored[table].select(key).sort(key)), table
    asked = heard["orders"].join(stored["orders"], on="order_id")  # the database cuts to 1e-6
    assert (asked["price_quote"] - asked["price_quote_right"]).is_between(0.0, 1e-6).all()
    assert events.counts["incomplete_orders"] == 0


def without_bot(table: pl.DataFrame) -> pl.DataFrame:
    """Rows without what tells a copy from another: the bot's name, and exactness, which a feed adds."""
    return table.drop("bot", "quantum", strict=False)


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_feed_and_then_the_database_equal_the_database(
    real: tuple[list[Message], RawTables], seed: int
) -> None:
    messages, database = real
    chance = random.Random(seed)
    sent = [message for message in messages if chance.random() >= 0.01]
    sent += chance.sample(sent, len(sent) // 10)
    order = sorted(range(len(sent)), key=lambda place: place + chance.uniform(0, 40))
    events = Events("mqtt://broker", Known() if seed % 2 else known_of(database.tables))
    batches = [
        raw
        for start in range(0, len(sent), 150)
        for raw in events.take(sent[i] for i in order[start : start + 150])
    ]
    assert events.counts["repeated"] == len(sent) - len({message.payload for message in sent}) > 80
    both = performance_etl([*batches, database], clock=CLOCK).tables
    alone = performance_etl([database], clock=CLOCK).tables
    for name, table in alone.items():
        assert without_bot(both[name]).equals(without_bot(table)), name


ids = st.integers(1, 12)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_whatever_is_lost_repeated_or_late_the_database_settles(data: st.DataObject) -> None:
    numbers = data.draw(st.lists(ids, min_size=1, max_size=12, unique=True))
    units = {n: data.draw(st.integers(1, 10**9), label="amount") for n in numbers}
    prices = {n: data.draw(st.integers(1, 10**9), label="price") for n in numbers}
    sent = [
        message
        for n in numbers
        for message in (
            created(n, AT_S + n, amount=units[n] / 1e6, price=prices[n] / 1e6),
            filled(n, AT_S + n, amount=units[n] / 1e6, price=prices[n] / 1e6),
            completed(n, AT_S + n, base_asset_amount=units[n] / 1e6),
        )
    ]
    heard = data.draw(st.lists(st.sampled_from(sent), max_size=60))
    cut = data.draw(st.integers(0, len(heard)))
    events = Events("mqtt://broker", data.draw(st.sampled_from([Known(), KNOWN])))
    batches = [*events.take(heard[:cut]), *events.take(heard[cut:])]
    database = stored(numbers, units, prices)
    both = performance_etl([*batches, database], clock=CLOCK).tables
    alone = performance_etl([database], clock=CLOCK).tables
    for name, table in alone.items():
        assert without_bot(both[name]).equals(without_bot(table)), name
    assert events.counts.get("fills", 0) == len({m.payload for m in heard if b"OrderFilled" in m.payload})


def stored(numbers: list[int], units: dict[int, int], prices: dict[int, int]) -> RawTables:
    """What the bot's database holds of these orders."""
    import tempfile

    market = {"market": "binance", "symbol": PAIR, "base_asset": "ABC", "quote_asset": "USDT"}
    fills, orders, statuses = [], [], []
    for n in numbers:
        at = (AT_S + n) * 1000
        money = {"price": prices[n] / 1e6, "amount": units[n] / 1e6}
        fills.append({
            **market, **money, "timestamp": at, "order_id": f"o{n}", "trade_type": "BUY", "trade_fee": FEE,
            "trade_fee_in_quote": 0.1, "exchange_trade_id": f"t{n}",
        })  # fmt: skip
        orders.append({
            **market, **money, "id": f"o{n}", "creation_timestamp": at, "last_update_timestamp": at + 250,
            "exchange_order_id": f"x{n}",
        })  # fmt: skip
        for wait, status in ((0, "BuyOrderCreated"), (0, "OrderFilled"), (250, "BuyOrderCompleted")):
            statuses.append(
                {"id": len(statuses) + 1, "order_id": f"o{n}", "timestamp": at + wait, "status": status}
            )
    with tempfile.TemporaryDirectory() as folder:
        path = write_database(
            Path(folder) / "bot.sqlite", {"TradeFill": fills, "Order": orders, "OrderStatus": statuses}
        )
        return HummingbotDatabase(str(path)).read()


def test_batches_together_are_one_source() -> None:
    events = Events("mqtt://broker", KNOWN)
    batches = [raw for n in range(1, 4) for raw in events.take([filled(n)])]
    assert [batch.tables["fills"]["row"].to_list() for batch in batches] == [[1], [2], [3]]
    assert all(batch.continues for batch in batches)
    result = performance_etl(batches, clock=CLOCK)
    assert len(result.lineage.files) == 1
    assert result.tables["fills"].height == 3


def test_the_limit_of_a_message_is_stated() -> None:
    assert MAX_BYTES == 1_048_576


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**30), 10**30), st.floats(), st.text(max_size=6),
    st.sampled_from(["TradeType.BUY", "NaN", "-3", "1e999", "OPEN", PAIR, "o1"]),
)  # fmt: skip
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
FIELDS = (
    "order_id", "trading_pair", "trade_type", "order_type", "type", "price", "amount", "trade_fee", "leverage",
    "exchange_trade_id", "position", "creation_timestamp", "market", "funding_rate", "base_asset_amount",
    "base_amount", "exchange_order_id",
)  # fmt: skip
KINDS = (
    "OrderFilled", "BuyOrderCreated", "SellOrderCompleted", "OrderCancelled", "FundingPaymentCompleted",
    "RangePositionLiquidityRemoved", "Other",
)  # fmt: skip
fees = st.one_of(
    anything,
    st.fixed_dictionaries({}, optional={
        "percent": scalars, "fee_type": scalars,
        "flat_fees": st.lists(st.fixed_dictionaries({}, optional={"token": scalars, "amount": scalars}), max_size=3),
    }),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_an_event_holds_is_read_or_said(data: st.DataObject) -> None:
    """No content of an event breaks the feed, and a fill is booked, refused or counted as malformed."""
    messages = []
    for number in range(data.draw(st.integers(1, 3))):
        kind = data.draw(st.sampled_from(KINDS))
        base = json.loads(filled(number).payload)["data"]
        odd = data.draw(st.dictionaries(st.sampled_from(FIELDS), anything, max_size=5))
        at_s = data.draw(st.one_of(st.just(AT_S), scalars))
        messages.append(event(kind, at_s, **{**base, **odd, "trade_fee": data.draw(fees)}))
    events = Events("mqtt://broker", KNOWN)
    raws = events.take(messages)
    result = performance_etl(raws, clock=CLOCK) if raws else None
    n_fills = events.counts.get("fills", 0)
    kept = result.tables["fills"].height if result else 0
    refused = result.tables["quarantine"].filter(pl.col("table") == "fills").height if result else 0
    twice = sum(row.duplicates for row in result.lineage.tables if row.table == "fills") if result else 0
    assert kept + refused + twice == n_fills
