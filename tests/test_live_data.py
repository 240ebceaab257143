"""Sources that are followed: what comes is in the data, and a source that fails keeps its last rows."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import fillbook
from fillbook.errors import UnreadableSourceError
from fillbook.live_data import LiveData
from fillbook.testing.databases import insert, write_database

AT = 1_700_000_000_000
_MARKET = {"market": "binance", "symbol": "ABC-USDT", "base_asset": "ABC", "quote_asset": "USDT"}


def fill(number: int) -> dict[str, object]:
    return _MARKET | {
        "timestamp": AT + 1_000 * number, "order_id": f"o{number}", "exchange_trade_id": f"t{number}",
        "trade_type": "BUY" if number % 2 else "SELL", "amount": 1.0, "price": 100.0 + number,
        "trade_fee": {"percent": "0", "percent_token": None, "flat_fees": [{"token": "USDT", "amount": "0.1"}]},
    }  # fmt: skip


def bot(folder: Path, name: str, numbers: range) -> Path:
    path = folder / "bots" / "instances" / name / "data" / "conf.sqlite"
    return write_database(path, {"TradeFill": [fill(number) for number in numbers]})


def write(path: Path, *numbers: int) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        insert(connection, "TradeFill", [fill(number) for number in numbers])


def same(live: LiveData, *paths: Path) -> bool:
    """Whether the followed data is what opening it anew gives."""
    assert live.data is not None
    fresh = fillbook.open_data(*paths, clock=live.data.clock)
    return all(live.data.tables[name].equals(fresh.tables[name]) for name in fresh.tables)


def test_what_bots_write_is_in_the_data(tmp_path: Path) -> None:
    first, second = bot(tmp_path, "one", range(1, 5)), bot(tmp_path, "two", range(11, 14))
    live = fillbook.follow(tmp_path)
    before = live.refresh()
    assert before is not None
    assert before.fills.height == 7
    write(first, 21, 22)
    assert live.refresh().fills.height == 9  # type: ignore[union-attr]
    write(second, 23)
    write(first, 24)
    grown = live.refresh()
    assert grown is not None
    assert grown.fills.height == 11
    assert live.refresh() is grown
    assert same(live, tmp_path)
    assert grown.findings == fillbook.open_data(tmp_path, clock=grown.clock).findings
    assert [feed.health.state for feed in live.feeds()] == ["live", "live"]
    assert sorted(live.bots()) == ["one", "two"]
    live.close()


def test_a_batch_is_booked_on(tmp_path: Path) -> None:
    path = bot(tmp_path, "one", range(1, 5))
    live = fillbook.follow(path)
    fillbook.live(live.refresh(), live.data.clock)  # type: ignore[arg-type, union-attr]
    write(path, 21)
    grown = live.refresh()
    assert grown is not None
    assert grown.grown is not None
    assert grown.grown.n_same == 4
    assert fillbook.live(grown, grown.clock).bots["net"].to_list() == pytest.approx(
        fillbook.live(fillbook.open_data(path, clock=grown.clock), grown.clock).bots["net"].to_list()
    )
    live.close()


def test_a_file_that_is_another_is_opened_anew(tmp_path: Path) -> None:
    path = bot(tmp_path, "one", range(1, 5))
    other = bot(tmp_path / "elsewhere", "one", range(31, 33))
    live = fillbook.follow(path)
    live.refresh()
    os.replace(other, path)  # noqa: PTH105  (what restoring a copy does)
    data = live.refresh()
    assert data is not None
    assert data.fills["order_id"].to_list() == ["o31", "o32"]
    live.close()


def test_a_file_that_goes_away_keeps_its_rows(tmp_path: Path) -> None:
    path = bot(tmp_path, "one", range(1, 5))
    live = fillbook.follow(path)
    live.refresh()
    shutil.rmtree(path.parent)
    data = live.refresh()
    assert data is not None
    assert data.fills.height == 4
    (feed,) = live.feeds()
    assert feed.health.state == "reconnecting"
    live.close()


def test_nothing_to_follow_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSourceError):
        fillbook.follow(tmp_path / "gone.sqlite")


def test_files_that_do_not_grow_are_read_once(tmp_path: Path) -> None:
    csv = tmp_path / "trades_a.csv"
    csv.write_text(
        "market,symbol,timestamp,order_id,trade_type,price,amount\nbinance,A-B,1700000000000,o,BUY,1,1\n"
    )
    live = fillbook.follow(csv)
    assert live.feeds() == ()
    assert live.refresh().fills.height == 1  # type: ignore[union-attr]
    live.close()
