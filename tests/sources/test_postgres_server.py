"""The tables of Hummingbot's API server in a real PostgreSQL: orders, trades, executors, funding, holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import fillbook
from fillbook.errors import UnreadableSourceError
from fillbook.sources.base import expand, open_source
from fillbook.testing.databases import write_database
from fillbook.testing.sources import Specimen, conforms
from sources.postgres_server import Server, literal, load
from sources.rows import fill

N = "numeric(30,18)"
TABLES = {
    "orders": f"""id serial primary key, client_order_id varchar not null unique, exchange_order_id varchar,
created_at timestamptz not null, updated_at timestamptz not null, account_name varchar not null,
connector_name varchar not null, trading_pair varchar not null, trade_type varchar not null,
order_type varchar not null, amount {N} not null, price {N}, status varchar not null,
filled_amount {N} not null default 0, average_fill_price {N}, fee_paid {N} default 0, fee_currency varchar,
error_message text""",
    "trades": f"""id serial primary key, order_id integer not null references orders(id),
trade_id varchar not null unique, "timestamp" timestamptz not null, trading_pair varchar not null,
trade_type varchar not null, amount {N} not null, price {N} not null, fee_paid {N} not null default 0,
fee_currency varchar""",
    "funding_payments": f"""id serial primary key, funding_payment_id varchar not null unique,
"timestamp" timestamptz not null, account_name varchar not null, connector_name varchar not null,
trading_pair varchar not null, funding_rate numeric(20,18) not null, funding_payment {N} not null,
fee_currency varchar not null, position_size {N}, position_side varchar, exchange_funding_id varchar""",
    "executors": f"""id serial primary key, executor_id varchar not null unique, executor_type varchar not null,
account_name varchar not null, connector_name varchar not null, trading_pair varchar not null,
controller_id varchar, created_at timestamptz not null, closed_at timestamptz, status varchar not null,
close_type varchar, net_pnl_quote {N} not null default 0, net_pnl_pct numeric(10,6) not null default 0,
cum_fees_quote {N} not null default 0, filled_amount_quote {N} not null default 0, error_log text, config text,
final_state text""",
    "executor_orders": f"""id serial primary key, executor_id varchar not null references executors(executor_id),
client_order_id varchar not null, exchange_order_id varchar, order_type varchar not null,
trade_type varchar not null, amount {N} not null, price {N}, status varchar not null,
filled_amount {N} not null default 0, average_fill_price {N}, created_at timestamptz not null default now(),
updated_at timestamptz not null default now()""",
    "position_holds": f"""id serial primary key, account_name varchar not null, connector_name varchar not null,
trading_pair varchar not null, controller_id varchar, buy_amount_base {N} not null default 0,
buy_amount_quote {N} not null default 0, sell_amount_base {N} not null default 0,
sell_amount_quote {N} not null default 0, realized_pnl_quote {N} not null default 0,
cum_fees_quote {N} not null default 0, executor_ids text, status varchar not null default 'ACTIVE',
created_at timestamptz not null default now(), last_updated timestamptz not null, cleared_at timestamptz""",
    "bot_runs": "id serial primary key, bot_name varchar not null",
}
MS = 1_700_000_000_000
TRADES = [  # order, ms, side, amount, price, fee in quote (None: the server could not convert it)
    ("x-1", MS, "BUY", 2.0, 100.5, 0.201), ("x-1", MS + 250, "BUY", 1.0, 100.5, 0.1005),
    ("x-2", MS + 60_000, "SELL", 1.5, 101.25, 0.0), ("x-3", MS + 120_000, "SELL", 0.5, 0.00000012345, 0.1),
]  # fmt: skip
ORDERS = [
    ("x-1", "BUY", "LIMIT", 3.0, 100.5, "FILLED"), ("x-2", "SELL", "MARKET", 1.5, None, "FILLED"),
    ("x-3", "SELL", "LIMIT_MAKER", 9.0, 0.5, "CANCELLED"), ("x-4", "BUY", "LIMIT", 1.0, 9.5, "OPEN"),
    ("x-5", "SELL", "LIMIT", 1.0, 9.5, "FAILED"),
]  # fmt: skip


def _row(server: Server, database: str, table: str, **values: object) -> None:
    names = ", ".join(f'"{name}"' for name in values)
    cells = ", ".join(literal(value) for value in values.values())
    server.execute(database, f'INSERT INTO "{table}" ({names}) VALUES ({cells})')


def _at(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


def fill_server(server: Server, database: str, account: str = "master", prefix: str = "") -> str:
    """The server's tables with a few rows of an account."""
    server.execute(
        database, *(f'CREATE TABLE IF NOT EXISTS "{name}" ({columns})' for name, columns in TABLES.items())
    )
    market = {"account_name": account, "connector_name": "binance"}
    pair = {"trading_pair": "ABC-USDT"}
    ids = {}
    for name, side, kind, amount, price, status in ORDERS:
        _row(server, database, "orders", client_order_id=prefix + name, created_at=_at(MS - 5_000), updated_at=_at(MS),
             **market, **pair, trade_type=side, order_type=kind, amount=amount, price=price, status=status)  # fmt: skip
        found = server.query(database, f"SELECT id FROM orders WHERE client_order_id = '{prefix + name}'")
        ids[name] = found.item()
    for i, (name, ms, side, amount, price, fee) in enumerate(TRADES):
        paid = {"fee_paid": fee, "fee_currency": "USDT"} if fee is not None else {}
        _row(server, database, "trades", order_id=ids[name], trade_id=f"{prefix}{name}_t{i}", timestamp=_at(ms), **pair,
             trade_type=side, amount=amount, price=price, **paid)  # fmt: skip
    return server.at(database)


@pytest.fixture
def database(postgres: Server) -> Iterator[str]:
    with postgres.database() as name:
        yield name


def same_in_sqlite(path: Path) -> Path:
    """The same trades and orders as a bot would have kept them."""

    def fee(paid: float) -> dict[str, object]:
        return {"percent": "0", "percent_token": None, "flat_fees": [{"token": "USDT", "amount": str(paid)}]}

    kinds = {name: (kind, status) for name, _, kind, _, _, status in ORDERS}
    events = {"FILLED": "OrderCompleted", "OPEN": "OrderCreated"}
    whole = {"CANCELLED": "OrderCancelled", "FAILED": "OrderFailure"}
    return write_database(
        path,
        {
            "TradeFill": [
                fill(
                    i,
                    order_id=name,
                    exchange_trade_id=f"t{i}",
                    timestamp=ms,
                    trade_type=side,
                    amount=amount,
                    price=price,
                    order_type=kinds[name][0],
                    trade_fee=fee(paid),
                )
                for i, (name, ms, side, amount, price, paid) in enumerate(TRADES)
            ],
            "Order": [
                {
                    **{
                        k: v
                        for k, v in fill().items()
                        if k in ("market", "symbol", "base_asset", "quote_asset")
                    },
                    "id": name,
                    "creation_timestamp": MS - 5_000,
                    "last_update_timestamp": MS,
                    "amount": amount,
                    "price": price or 0.0,
                    "order_type": kind,
                    "last_status": whole.get(status) or side.capitalize() + events[status],
                }
                for name, side, kind, amount, price, status in ORDERS
            ],
            "OrderStatus": [
                {
                    "id": i,
                    "order_id": name,
                    "timestamp": MS - 5_000,
                    "status": f"{side.capitalize()}OrderCreated",
                }
                for i, (name, side, *_) in enumerate(ORDERS)
            ],
        },
        version="20210119",
    )  # fmt: skip  (prices as floats: the server keeps eighteen digits)


def test_what_was_traded_through_the_server(postgres: Server, database: str, tmp_path: Path) -> None:
    uri = fill_server(postgres, database)
    raw = open_source(uri).read()
    assert (raw.info.kind, raw.info.bot) == ("postgresql_api", "master")
    same = open_source(str(same_in_sqlite(tmp_path / "master.sqlite"))).read()
    shared = ["order_id", "trade_id", "at", "side", "order_type", "price_quote", "amount_base", "fee_percent",
              "fee_token", "fee_amount"]  # fmt: skip
    assert raw.tables["fills"].select(shared).rows() == same.tables["fills"].select(shared).rows()
    orders = [
        "order_id",
        "side",
        "at",
        "order_type",
        "amount_base",
        "price_quote",
        "price_reason",
        "last_status",
    ]
    assert raw.tables["orders"].select(orders).rows() == same.tables["orders"].select(orders).rows()
    conforms(Specimen(uri, bad=(f"{uri}&bot=nobody",)))


def test_its_metrics_are_those_of_a_bots_database(postgres: Server, database: str, tmp_path: Path) -> None:
    path = same_in_sqlite(tmp_path / "master.sqlite")
    uri = fill_server(postgres, database)
    postgres.execute(
        database, "DELETE FROM trades WHERE price < 0.01", "DELETE FROM orders WHERE client_order_id = 'x-3'"
    )
    import sqlite3

    with sqlite3.connect(path) as connection:  # a database has the life of orders, the server its last state
        connection.execute("DELETE FROM TradeFill WHERE price < 0.01")
        connection.execute("""DELETE FROM "Order" WHERE id = 'x-3'""")
        connection.execute("DELETE FROM OrderStatus")
    connection.close()
    conforms(Specimen(uri, reference=path))


def test_a_fee_the_server_could_not_convert_is_unknown(postgres: Server, database: str) -> None:
    uri = fill_server(postgres, database)
    postgres.execute(
        database, "UPDATE trades SET fee_paid = 0, fee_currency = NULL WHERE trade_id = 'x-1_t0'"
    )
    fills = open_source(uri).read().tables["fills"]
    assert fills["fee_percent"].to_list() == [None, 0.0, 0.0, 0.0]
    assert fills["fee_amount"].to_list() == [None, 0.1005, 0.0, 0.1]


def test_executors_name_their_orders_twice(postgres: Server, database: str) -> None:
    uri = fill_server(postgres, database)
    where = {"account_name": "master", "connector_name": "binance", "trading_pair": "ABC-USDT"}
    common = {**where, "executor_type": "position_executor", "controller_id": "main", "created_at": _at(MS)}
    _row(postgres, database, "executors", executor_id="e1", **common, closed_at=_at(MS + 1_000), status="TERMINATED",
         close_type="TAKE_PROFIT", net_pnl_quote=1.25, net_pnl_pct=0.01, cum_fees_quote=0.3, filled_amount_quote=301.5,
         config=json.dumps({"side": 1, "level_id": "buy_0"}),
         final_state=json.dumps({"order_ids": ["x-1", "x-2"], "held_position_orders": [{"client_order_id": "x-3"}]}))  # fmt: skip
    _row(
        postgres,
        database,
        "executors",
        executor_id="e2",
        **common,
        status="RUNNING",
        config="not JSON",
        final_state="[1]",
    )
    _row(postgres, database, "executor_orders", executor_id="e1", client_order_id="x-1", order_type="open",
         trade_type="BUY", amount=3, status="FILLED")  # fmt: skip
    raw = open_source(uri).read()
    first, second = raw.tables["executors"].rows(named=True)
    assert (first["side"], first["level_id"], first["close_type"], first["is_active"]) == (
        1,
        "buy_0",
        "TAKE_PROFIT",
        False,
    )
    assert (first["net_pnl_quote"], first["net_pnl_fraction"], first["volume_quote"]) == (1.25, 0.01, 301.5)
    assert (second["side"], second["is_active"], second["config"]) == (None, True, "not JSON")
    assert raw.tables["executor_orders"].select("executor_id", "order_id").rows() == [
        ("e1", "x-1"), ("e1", "x-2"), ("e1", "x-3"),
    ]  # fmt: skip
    assert fillbook.open_data(uri).fills["executor_id"].to_list() == ["e1"] * 4


def test_funding_and_held_positions(postgres: Server, database: str) -> None:
    uri = fill_server(postgres, database)
    where = {"account_name": "master", "connector_name": "binance_perpetual", "trading_pair": "ABC-USDT"}
    _row(postgres, database, "funding_payments", funding_payment_id="f", timestamp=_at(MS), **where,
         funding_rate=0.0001, funding_payment=-0.75, fee_currency="USDT")  # fmt: skip
    _row(postgres, database, "position_holds", **where, controller_id="main", sell_amount_base=2, sell_amount_quote=201,
         realized_pnl_quote=3.5, cum_fees_quote=0.25, last_updated=_at(MS))  # fmt: skip
    raw = open_source(uri).read()
    payment, held = raw.tables["funding"].row(0, named=True), raw.tables["positions"].row(0, named=True)
    assert (payment["amount_quote"], payment["rate"], payment["connector"]) == (
        -0.75,
        0.0001,
        "binance_perpetual",
    )
    assert (held["side"], held["amount_base"], held["breakeven_quote"], held["realized_pnl_quote"]) == (
        -1,
        2.0,
        100.5,
        3.5,
    )


def test_accounts_are_apart_and_what_is_not_booked_is_said(postgres: Server, database: str) -> None:
    uri = fill_server(postgres, database)
    fill_server(postgres, database, account="second", prefix="y")
    postgres.execute(
        database, "INSERT INTO bot_runs (bot_name) VALUES ('maker')", "DROP TABLE position_holds"
    )
    assert expand(uri) == [f"{uri}&bot=master", f"{uri}&bot=second"]
    data = fillbook.open_data(uri)
    assert sorted(map(str, data.fills["bot"].unique())) == ["master", "second"]
    assert data.fills.height == 2 * len(TRADES)
    raw = open_source(f"{uri}&bot=second&from=2023-11-14T22:14:00Z").read()
    assert raw.tables["fills"]["order_id"].to_list() == ["yx-2", "yx-3"]
    said = {(f.table, f.rule) for f in raw.findings}
    assert {
        ("bot_runs", "not_booked"),
        ("position_holds", "missing_table"),
        ("fills", "period_asked_for"),
    } <= said


def test_a_server_whose_bots_write_to_the_same_database(
    postgres: Server, database: str, tmp_path: Path
) -> None:
    uri = fill_server(postgres, database)
    load(postgres, database, write_database(tmp_path / "b.sqlite", {"TradeFill": [fill(1)]}))
    assert expand(uri) == [f"{uri}&tables=hummingbot&bot=conf_bot.yml", f"{uri}&tables=api&bot=master"]
    assert fillbook.open_data(uri).fills.height == 1 + len(TRADES)
    assert expand(f"{uri}&tables=api") == [f"{uri}&tables=api"]
    with pytest.raises(UnreadableSourceError, match="add tables=hummingbot or tables=api"):
        open_source(uri).read()
