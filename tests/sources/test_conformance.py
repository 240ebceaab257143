"""Every source keeps to what the kit asks, and the kit sees what does not."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from fillbook.reports.merging import merge
from fillbook.sources.base import OWN, REMOTE, source_class
from fillbook.testing.databases import VERSIONS, write_database
from fillbook.testing.sources import Specimen, conforms
from sources.postgres_server import Server, load
from sources.rows import AT_MS, fill, order

QUANTUM = 1e-6  # prices and amounts of the trades below are whole multiples of it


def trades(n: int = 60) -> list[dict[str, object]]:
    """Fills of a maker on two pairs, with fees in quote, in BNB, and both."""
    rng, rows = random.Random(7), []
    for i in range(n):
        base = rng.choice(["ABC", "XYZ"])
        flat = [{"token": "BNB", "amount": "0.0001"}, {"token": "USDT", "amount": "0.02"}][: rng.randrange(3)]
        fee = {
            "fee_type": "AddedToCost",
            "percent": "0.001" if not flat else "0",
            "percent_token": None,
            "flat_fees": flat,
        }
        rows.append(fill(
            i, config_file_path="conf_maker.yml", symbol=f"{base}-USDT", base_asset=base,
            timestamp=AT_MS + 60_000 * i, trade_type=rng.choice(["BUY", "SELL"]), order_type="LIMIT_MAKER",
            price=round(100.0 + rng.gauss(0.0, 1.0), 2), amount=float(rng.randint(1, 9)), trade_fee=fee,
        ))  # fmt: skip
    return rows


def orders(fills: list[dict[str, object]]) -> list[dict[str, object]]:
    return [
        order(i, config_file_path="conf_maker.yml", symbol=f["symbol"], base_asset=f["base_asset"],
              price=f["price"], amount=f["amount"], order_type="LIMIT_MAKER", creation_timestamp=f["timestamp"] - 5_000,
              last_update_timestamp=f["timestamp"], last_status=f"{str(f['trade_type']).capitalize()}OrderCompleted")
        for i, f in enumerate(fills)
    ]  # fmt: skip


def bot(path: Path, version: str = VERSIONS[-1]) -> Path:
    fills = trades()
    events = [
        {"id": 2 * i + k, "order_id": f["order_id"], "timestamp": f["timestamp"], "status": status}
        for i, f in enumerate(fills)
        for k, status in enumerate((f"{str(f['trade_type']).capitalize()}OrderCreated", "OrderFilled"))
    ]
    return write_database(
        path, {"TradeFill": fills, "Order": orders(fills), "OrderStatus": events}, version=version
    )


def cells(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return [{k: json.dumps(v) if isinstance(v, dict) else v for k, v in row.items()} for row in rows]


def checkpoint_tables() -> Mapping[str, list[dict[str, object]]]:
    fills = cells(trades())
    renamed = [
        {("client_order_id" if k == "id" else k): v for k, v in row.items()} for row in orders(trades())
    ]
    whole = [
        {"strategy": "pmm", "trade_fee_in_quote": 0.02, "leverage": 1, "position": "NIL", **f} for f in fills
    ]
    more = {"strategy": "pmm", "leverage": 1, "position": "NIL", "exchange_order_id": "x"}
    return {"trades": whole, "orders": [{**more, **o} for o in renamed]}


def sqlite_checkpoint(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        for name, rows in checkpoint_tables().items():
            connection.execute(f"CREATE TABLE {name} ({', '.join(rows[0])})")
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(
                f"INSERT INTO {name} VALUES ({marks})", [list(row.values()) for row in rows]
            )
    return path


def json_checkpoint(path: Path) -> Path:
    names = {"trades": "trade_fill", "orders": "orders"}
    path.write_text(json.dumps({
        names[name]: json.dumps({column: {str(i): row[column] for i, row in enumerate(rows)} for column in rows[0]})
        for name, rows in checkpoint_tables().items()
    }))  # fmt: skip
    return path


def trades_csv(path: Path) -> Path:
    rows = [
        {"config_file_path": "conf_maker.yml", "strategy": "pure_market_making", "leverage": 1, "position": "NIL", **f,
         "trade_fee": str(f["trade_fee"]), "age": "n/a"}
        for f in trades()
    ]  # fmt: skip
    pl.DataFrame(rows).write_csv(path)
    return path


def candles(path: Path) -> Path:
    at = range(1_700_000_000, 1_700_003_600, 60)
    pl.DataFrame(
        {"timestamp": at, "open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 10.0}
    ).write_csv(path)
    return path


def quotes(path: Path) -> Path:
    at = range(1_700_000_000_000, 1_700_000_060_000, 1_000)
    pl.DataFrame({
        "timestamp": at, "connector": "binance", "pair": "ABC-USDT", "best_bid": 99.0, "best_ask": 101.0,
    }).write_csv(path)  # fmt: skip
    return path


def market_trades(path: Path) -> Path:
    at = range(1_700_000_000_000, 1_700_000_060_000, 1_000)
    pl.DataFrame({
        "timestamp": at, "connector": "binance", "pair": "ABC-USDT", "price": 100.0, "amount": 1.0, "side": "buy",
    }).write_csv(path)  # fmt: skip
    return path


# tried here, in test_postgres_server.py, test_api.py and test_candle_feeds.py
SERVERS = {"postgresql", "postgres", "hummingbot-api", "hummingbot-api+https", "ccxt"}
FILES: Mapping[str, tuple[str, Callable[[Path], Path]]] = {
    **{f"hummingbot {version}": ("conf_maker.sqlite", lambda path, v=version: bot(path, v)) for version in VERSIONS},
    "checkpoint sqlite": ("checkpoint.sqlite", sqlite_checkpoint),
    "checkpoint json": ("checkpoint.json", json_checkpoint),
    "trades_csv": ("trades_conf_maker.csv", trades_csv),
    "candles": ("candles_binance_ABC-USDT_1m.csv", candles),
    "quotes": ("quotes.csv", quotes),
    "market_trades": ("trades_of_everybody.csv", market_trades),
}  # fmt: skip


def test_every_source_of_ours_is_tried() -> None:
    assert {name.split()[0] for name in FILES} | {"checkpoint_folder"} >= set(OWN)
    heard = {
        name for name in REMOTE if getattr(source_class(name), "only_speaks", False)
    }  # nothing to read twice
    assert set(REMOTE) - heard == SERVERS


@pytest.mark.parametrize("name", FILES)
def test_our_sources_of_files_conform(tmp_path: Path, name: str) -> None:
    file, write = FILES[name]
    conforms(Specimen(str(write(tmp_path / file))))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_bot_is_the_same_in_postgresql_whatever_its_age(
    postgres: Server, tmp_path: Path, version: str
) -> None:
    path = bot(tmp_path / "conf_maker.sqlite", version)
    with postgres.database() as name:
        uri = load(postgres, name, path)
        gone = postgres.at("no_such_database")
        conforms(Specimen(uri, reference=path, bad=(gone, f"{uri}&bot=nobody.yml", f"{uri}&from=yesterday")))


def test_a_checkpoint_has_the_numbers_of_what_was_merged_into_it(tmp_path: Path) -> None:
    path = bot(tmp_path / "bots" / "conf_maker.sqlite")
    merge([path], tmp_path / "kept")
    conforms(Specimen(str(tmp_path / "kept"), reference=path))


def test_a_trades_csv_has_the_numbers_of_its_database(tmp_path: Path) -> None:
    fills = write_database(tmp_path / "conf_maker.sqlite", {"TradeFill": trades()})
    conforms(Specimen(str(trades_csv(tmp_path / "trades_conf_maker.csv")), reference=fills))
