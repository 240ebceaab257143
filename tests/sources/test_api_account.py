"""What was traded through the API itself: whole, whatever the server looks at, and with what it knows of fees."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.analysis.overview import overview
from fillbook.errors import FillbookError, UnreadableSourceError
from fillbook.performance_data_source import open_data
from fillbook.sources import api_account, api_client, api_paging
from fillbook.sources.base import expand, open_source
from sources.api_server import PASSWORD, ApiServer, serving, status

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRADES, ORDERS = "/trading/trades", "/trading/orders/search"
EXECUTORS, FUNDING = "/executors/search", "/trading/funding-payments"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(api_client, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setenv("FILLBOOK_SECRETS", str(tmp_path / "none.toml"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ApiServer]:
    (tmp_path / "served").mkdir()
    with serving(tmp_path / "served") as found:
        yield found


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of five rows, so that the server looks at ten of a window."""
    monkeypatch.setattr(api_paging, "CURSOR_ROWS", 5)
    monkeypatch.setattr(api_account, "CONSIDERED", 10)


def trade(i: int, **more: Any) -> dict[str, Any]:
    return {
        "trade_id": f"o{i}_x{i}", "order_id": f"o{i}", "account_name": "master_account",
        "connector_name": "binance_perpetual", "trading_pair": "ETH-USDT",
        "trade_type": "SELL" if i % 2 else "BUY", "amount": 0.5, "price": 3000.0 + i, "fee_paid": 0.75,
        "fee_currency": "USDT", "timestamp": (START + timedelta(seconds=10 * i)).isoformat(), **more,
    }  # fmt: skip


def order(i: int, **more: Any) -> dict[str, Any]:
    at = (START + timedelta(seconds=10 * i - 5)).isoformat()
    return {
        "order_id": f"o{i}", "account_name": "master_account", "connector_name": "binance_perpetual",
        "trading_pair": "ETH-USDT", "trade_type": "SELL" if i % 2 else "BUY", "order_type": "LIMIT",
        "amount": 0.5, "price": 3000.0 + i, "status": "FILLED", "filled_amount": 0.5,
        "average_fill_price": 3000.0 + i, "fee_paid": 0.75, "fee_currency": "USDT", "created_at": at,
        "updated_at": at, "exchange_order_id": str(i), "error_message": None, **more,
    }  # fmt: skip


def executor(i: int) -> dict[str, Any]:
    return {
        "executor_id": f"e{i}", "executor_type": "position_executor", "account_name": "master_account",
        "connector_name": "binance_perpetual", "trading_pair": "ETH-USDT", "side": "BUY",
        "status": "TERMINATED", "close_type": "TAKE_PROFIT", "is_active": False, "is_trading": False,
        "timestamp": START.timestamp(), "created_at": START.isoformat(), "close_timestamp": None,
        "closed_at": (START + timedelta(minutes=5)).isoformat(), "controller_id": "c1", "net_pnl_quote": 1.5,
        "net_pnl_pct": 0.001, "cum_fees_quote": 0.1, "filled_amount_quote": 3000.0,
        "config": {"level_id": "buy_0"}, "custom_info": {"order_ids": [f"o{i}"]}, "error_count": 0,
    }  # fmt: skip


def payment(i: int) -> dict[str, Any]:
    return {
        "id": i, "funding_payment_id": f"f{i}", "account_name": "master_account",
        "connector_name": "binance_perpetual", "trading_pair": "ETH-USDT", "funding_rate": 0.0001,
        "funding_payment": -0.2, "fee_currency": "USDT", "timestamp": (START + timedelta(hours=i)).isoformat(),
    }  # fmt: skip


def account(server: ApiServer, n: int, **more: list[dict[str, Any]]) -> str:
    server.accounts["master_account"] = {
        TRADES: [trade(i) for i in range(n)], ORDERS: [order(i) for i in range(n)],
        EXECUTORS: [executor(i) for i in range(3)], FUNDING: [payment(i) for i in range(2)],
        **{f"/{k}": v for k, v in more.items()},
    }  # fmt: skip
    return server.uri("/accounts/master_account")


def test_fills_orders_executors_and_funding_of_an_account(server: ApiServer) -> None:
    uri = account(server, 4)
    server.accounts["master_account"][ORDERS][2] |= {
        "status": "CANCELLED",
        "price": None,
        "order_type": "MARKET",
    }
    server.accounts["nobody"] = {}
    assert expand(server.uri()) == [uri]
    tables = (raw := open_source(uri).read()).tables
    assert (raw.info.kind, raw.info.bot) == ("hummingbot_api_account", "master_account")
    fill = tables["fills"].row(3, named=True)
    assert (fill["order_id"], fill["trade_id"], fill["side"], fill["price_quote"]) == ("o3", "x3", -1, 3003.0)
    assert (fill["at"], fill["quantum"], fill["order_type"]) == (START + timedelta(seconds=30), 0.0, "LIMIT")
    assert (fill["fee_quote_recorded"], fill["fee_percent"]) == (0.75, None)
    assert tables["orders"]["side"].to_list() == [1, -1, 1, -1]
    assert tables["orders"]["last_status"].to_list()[1:3] == ["SellOrderCompleted", "OrderCancelled"]
    assert tables["orders"]["price_quote"].to_list() == [3000.0, 3001.0, None, 3003.0]
    run = tables["executors"].row(0, named=True)
    assert (run["close_type"], run["status"], run["level_id"]) == ("TAKE_PROFIT", "TERMINATED", "buy_0")
    assert run["closed_at"] == START + timedelta(minutes=5)
    assert tables["executor_orders"]["order_id"].to_list() == ["o0", "o1", "o2"]
    assert tables["funding"]["amount_quote"].to_list() == [-0.2, -0.2]
    answer = overview(open_data(uri))
    # 0.5 × (3001 − 3000) + 0.5 × (3003 − 3002) = 1, less 4 × 0.75, less 2 × 0.2
    assert answer.metrics["net_pnl"].value == pytest.approx(1.0 - 3.0 - 0.4, abs=1e-12)


@pytest.mark.parametrize("n", [1, 9, 10, 11, 19, 57])
def test_every_trade_is_read_though_the_server_looks_at_few(server: ApiServer, small: None, n: int) -> None:
    uri = account(server, n)
    raw = open_source(uri).read()
    assert raw.tables["fills"]["order_id"].to_list() == [f"o{i}" for i in range(n)]
    assert raw.tables["orders"]["order_id"].to_list() == [f"o{i}" for i in range(n)]


def test_trades_of_one_instant_that_are_too_many_are_an_error(server: ApiServer, small: None) -> None:
    uri = account(server, 30)
    for row in server.accounts["master_account"][TRADES][5:25]:
        row["timestamp"] = START.isoformat()
    with pytest.raises(UnreadableSourceError, match="more than 10 rows of one instant") as failed:
        open_source(uri).read()
    assert PASSWORD not in str(failed.value)


def test_a_server_whose_windows_are_in_another_zone_is_an_error(server: ApiServer, small: None) -> None:
    uri = account(server, 30)

    def earlier(path: str, answer: dict[str, Any]) -> dict[str, Any]:
        if path == TRADES and server.asked[-1][2].get("limit") == 5 and "cursor" not in server.asked[-1][2]:
            n = sum(1 for _, p, a in server.asked if p == TRADES and "cursor" not in a)
            if n > 2:  # the second window leaves out what lies next to the first
                answer["data"] = [trade(i) for i in range(3)]
                answer["pagination"] = {"has_more": False, "total_count": 3}
        return answer

    server.edit = earlier
    with pytest.raises(UnreadableSourceError, match="two windows of time do not meet"):
        open_source(uri).read()


def test_funding_that_may_be_cut_off_is_a_finding(server: ApiServer, small: None) -> None:
    uri = account(server, 2)
    server.accounts["master_account"][FUNDING] = [payment(i) for i in range(12)]
    found = next(f for f in open_source(uri).read().findings if f.rule == "api_truncated")
    assert "the newest 10 funding payments" in found.message


def test_a_fee_that_could_not_be_converted_is_unknown_and_one_of_nothing_is_known(server: ApiServer) -> None:
    uri = account(server, 3)
    trades = server.accounts["master_account"][TRADES]
    trades[0] |= {"fee_paid": 0.0, "fee_currency": None}
    trades[1] |= {"fee_paid": 0.0}
    raw = open_source(uri).read()
    fills = raw.tables["fills"]
    assert fills["fee_quote_recorded"].to_list() == [None, 0.0, 0.75]
    assert fills["fee_percent"].to_list() == [None, 0.0, None]
    assert next(f for f in raw.findings if f.rule == "api_fees").n_rows == 1


def test_executors_that_cannot_be_read_leave_the_fills(server: ApiServer) -> None:
    uri = account(server, 3)
    server.always = lambda handler: handler.path == EXECUTORS and status(500, "boom")(handler)
    raw = open_source(uri).read()
    assert raw.tables["fills"].height == 3
    assert [f.rule for f in raw.findings if f.table == "executors"] == ["damaged_table"]


def test_an_account_without_trades(server: ApiServer) -> None:
    uri = account(server, 0)
    assert open_source(uri).read().info.rows.get("fills", 0) == 0


def test_a_time_that_is_none_is_an_error(server: ApiServer) -> None:
    uri = account(server, 2)
    server.accounts["master_account"][EXECUTORS] = []
    server.accounts["master_account"][FUNDING][0]["timestamp"] = "yesterday"
    with pytest.raises(UnreadableSourceError, match="a timestamp that is no time: 'yesterday'"):
        open_source(uri).read()


def test_configurations_may_be_written_as_text(server: ApiServer) -> None:
    uri = account(server, 3)
    for row in server.accounts["master_account"][EXECUTORS]:
        row |= {"config": json.dumps(row["config"]), "custom_info": json.dumps(row["custom_info"])}
    tables = open_source(uri).read().tables
    assert tables["executors"]["level_id"].to_list() == ["buy_0"] * 3
    assert tables["executor_orders"]["order_id"].to_list() == ["o0", "o1", "o2"]


_ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=3,
)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_rows_however_odd_end_in_more_than_an_error_of_ours(data: st.DataObject) -> None:
    plain = {TRADES: trade(1), ORDERS: order(1), EXECUTORS: executor(1), FUNDING: payment(1)}
    tables = {}
    for path, row in plain.items():
        names = data.draw(st.lists(st.sampled_from(sorted(row)), max_size=4, unique=True))
        tables[path] = [row | {name: data.draw(_ODD) for name in names}]
    with contextlib.suppress(FillbookError):
        api_account._check("hummingbot-api://host/a", tables)
        api_account._rebuilt("hummingbot-api://host/a", tables)
