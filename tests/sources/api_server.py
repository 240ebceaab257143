"""A server that speaks the Hummingbot API over real HTTP, from real databases and rows, and misbehaves if told."""

from __future__ import annotations

import base64
import json
import math
import socket
import sqlite3
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pandas as pd

USER, PASSWORD = "me", "hUsh-7712"
Answer = tuple[int, Any]
Fault = Callable[["Handler"], bool]  # whether the request was dealt with


class ApiServer(ThreadingHTTPServer):
    """Archived databases below a folder, rows of accounts, candles; `faults` are taken one a request."""

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.root = root
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.faults: list[Fault] = []
        self.always: Fault | None = None
        self.accounts: dict[str, dict[str, list[dict[str, Any]]]] = {}
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.candles: list[dict[str, float]] = []
        self.edit: Callable[[str, dict[str, Any]], dict[str, Any]] = lambda _path, answer: answer

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def uri(self, path: str = "", options: str = "retries=2") -> str:
        return f"hummingbot-api://{USER}:{PASSWORD}@127.0.0.1:{self.port}{path}" + (
            f"?{options}" if options else ""
        )

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is none of ours."""


@contextmanager
def serving(root: Path) -> Iterator[ApiServer]:
    server = ApiServer(root)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Handler(BaseHTTPRequestHandler):
    server: ApiServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_words: Any) -> None:
        """Nothing is logged."""

    def do_DELETE(self) -> None:
        raise AssertionError(f"DELETE {self.path}")

    def do_GET(self) -> None:
        self.dealt_with({k: v[-1] for k, v in parse_qs(urlsplit(self.path).query).items()})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.dealt_with(json.loads(body))

    def dealt_with(self, asked: dict[str, Any]) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append((self.command, path, asked))
        wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.server.always and self.server.always(self):
            return
        if self.server.faults and self.server.faults.pop(0)(self):
            return
        if self.headers.get("authorization") != wanted:
            self.send(401, {"detail": f"Not authenticated: {self.headers.get('authorization')}"})
            return
        status, answer = routed(self.server, path, asked)
        self.send(status, self.server.edit(path, answer) if isinstance(answer, dict) else answer)

    def send(self, status: int, answer: Any, kind: str = "application/json", **headers: str) -> None:
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)


def routed(server: ApiServer, path: str, asked: dict[str, Any]) -> Answer:
    """Answer as the API's routers give it."""
    if path == "/archived-bots/":
        return 200, sorted(str(p.relative_to(server.root)) for p in server.root.rglob("*.sqlite"))
    if path.startswith("/archived-bots/"):
        held, _, table = path.removeprefix("/archived-bots/").rpartition("/")
        return archived(server.root / held, held, table, asked)
    if path == "/accounts/":
        return 200, list(server.accounts)
    if path == "/market-data/historical-candles":
        return candles(server, asked)
    if path == "/bot-orchestration/bot-runs":
        rows = server.lists.get(path, [])
        page = rows[int(asked["offset"]):][: int(asked["limit"])]  # fmt: skip
        return 200, {"status": "success", "data": page, "total": len(page)}
    if path == "/portfolio/history":
        return 200, history(server.lists.get(path, []), asked)
    if path in (
        "/trading/trades",
        "/trading/orders/search",
        "/executors/search",
        "/trading/funding-payments",
    ):
        return 200, searched(server, path, asked)
    return 404, {"detail": "Not Found"}


def read_table(path: Path, table: str) -> pd.DataFrame:
    """A table as the API's reader hands it out: scaled, renamed, the fee's JSON replaced."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        rows = pd.read_sql_query(f"SELECT * FROM '{table}'", connection)
    if table in ("Order", "TradeFill"):
        rows = rows.rename(columns={"market": "connector_name", "symbol": "trading_pair"})
    scaled = {
        "Order": ["amount", "price"], "TradeFill": ["amount", "price", "trade_fee_in_quote"],
        "Position": ["volume_traded_quote", "amount", "breakeven_price", "unrealized_pnl_quote", "cum_fees_quote"],
    }.get(table, [])  # fmt: skip
    if scaled:
        rows[scaled] = rows[scaled].astype(float) / 1e6
    if table == "TradeFill":
        market = ["config_file_path", "connector_name", "trading_pair"]
        rows["cum_fees_in_quote"] = rows.groupby(market)["trade_fee_in_quote"].cumsum()
        rows["trade_fee"] = rows.groupby(market)["cum_fees_in_quote"].diff()
    texts = [name for name in rows if not pd.api.types.is_numeric_dtype(rows[name])]
    return rows.astype(dict.fromkeys(texts, object))


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return rows.fillna(0).to_dict("records")


TABLES = {"trades": "TradeFill", "orders": "Order", "positions": "Position", "executors": "Executors",
          "controllers": "Controllers"}  # fmt: skip


def archived(path: Path, held: str, name: str, asked: dict[str, Any]) -> Answer:
    if not path.is_file():
        return 500, {"detail": f"Error fetching {name}: Database file '{held}' not found"}
    try:
        rows = read_table(path, TABLES[name])
    except (pd.errors.DatabaseError, KeyError) as error:
        return 500, {"detail": f"Error fetching {name}: {error}"}
    total = len(rows)
    if name in ("executors", "controllers"):
        return 200, {"db_path": held, name: records(rows), "total": total}
    limit, offset = int(asked.get("limit", 100)), int(asked.get("offset", 0))
    page = records(rows.iloc[offset : offset + limit])
    paging = {"total": total, "limit": limit, "offset": offset, "has_more": offset + limit < total}
    return 200, {"db_path": held, name: page, "pagination": paging}


def searched(server: ApiServer, path: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Newest first; trades and payments of an account are cut at twice the limit before they are paged."""
    found = []
    for account in asked.get("account_names") or server.accounts:
        rows = list(server.accounts.get(account, {}).get(path, []))
        time_of = "created_at" if path.startswith(("/trading/orders", "/executors")) else "timestamp"
        if "end_time" in asked:
            rows = [row for row in rows if at_ms(row[time_of]) <= asked["end_time"]]
        rows.sort(key=lambda row, by=time_of: str(row[by]), reverse=True)
        found += (
            rows[: 2 * asked["limit"]] if path in ("/trading/trades", "/trading/funding-payments") else rows
        )
    name = {"/trading/trades": "trade_id", "/executors/search": "executor_id",
            "/trading/funding-payments": "funding_payment_id"}.get(path, "order_id")  # fmt: skip
    start = next((i + 1 for i, row in enumerate(found) if row[name] == asked.get("cursor")), 0)
    page = found[start : start + asked["limit"]]
    more = start + asked["limit"] < len(found)
    cursor = page[-1][name] if page and more else None
    paging = {"limit": asked["limit"], "has_more": more, "next_cursor": cursor, "total_count": len(found)}
    return {"data": page, "pagination": paging}


def history(rows: list[dict[str, Any]], asked: dict[str, Any]) -> dict[str, Any]:
    """Minutes, newest first; as the real server does, it counts states of venues where it should minutes."""
    states = [(row["timestamp"], account, venue, tokens) for row in rows
              for account, venues in row["state"].items() for venue, tokens in venues.items()]  # fmt: skip
    states.sort(key=lambda state: state[0], reverse=True)
    if "end_time" in asked:
        states = [state for state in states if at_ms(state[0]) <= asked["end_time"]]
    found: dict[str, dict[str, Any]] = {}
    for at, account, venue, tokens in states[: asked["limit"] + 1]:
        minute = found.setdefault(at[:16] + ":00+00:00", {"timestamp": at[:16] + ":00+00:00", "state": {}})
        minute["state"].setdefault(account, {})[venue] = tokens
    page, more = list(found.values())[: asked["limit"]], len(found) > asked["limit"]
    paging = {
        "limit": asked["limit"],
        "has_more": more,
        "next_cursor": page[-1]["timestamp"] if more else None,
    }
    return {"data": page, "pagination": paging}


def at_ms(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() * 1000


def candles(server: ApiServer, asked: dict[str, Any]) -> Answer:
    held = [row for row in server.candles if asked["start_time"] <= row["timestamp"] <= asked["end_time"]]
    return (200, held) if held else (404, {"detail": "No historical data available"})


# ways to misbehave


def status(code: int, detail: str = "broken", **headers: str) -> Fault:
    def fault(handler: Handler) -> bool:
        handler.send(code, {"detail": detail}, **headers)
        return True

    return fault


def cut(handler: Handler) -> bool:
    """Half an answer, then the connection is reset."""
    handler.wfile.write(
        b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{"tr'
    )
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True
    return True


def slow(seconds: float) -> Fault:
    def fault(handler: Handler) -> bool:
        time.sleep(seconds)
        handler.close_connection = True
        return True

    return fault


def content(text: bytes, kind: str = "application/json") -> Fault:
    def fault(handler: Handler) -> bool:
        handler.send(200, text, kind)
        return True

    return fault


def redirect(location: str, code: int = 307) -> Fault:
    def fault(handler: Handler) -> bool:
        handler.send(code, b"", location=location)
        return True

    return fault


def passing(_handler: Handler) -> bool:
    """No fault at all."""
    return False


def minutes(first: float, n: int, price: float = 100.0) -> list[dict[str, float]]:
    """Candles of a minute each, whose close wanders on a sine."""
    return [
        {
            "timestamp": first + 60.0 * i, "open": price + math.sin(i), "high": price + 2.0,
            "low": price - 2.0, "close": price + math.sin(i + 1), "volume": 10.0 + i % 7,
            "quote_asset_volume": 1000.0, "n_trades": 5.0, "taker_buy_base_volume": 1.0,
            "taker_buy_quote_volume": 100.0,
        }
        for i in range(n)
    ]  # fmt: skip
