"""Orders that were placed through a Hummingbot API, an account a source."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Hashable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.findings import Finding, Severity
from fillbook.schema.raw import RawTables
from fillbook.sources.api_client import ApiClient, RefusedError
from fillbook.sources.api_paging import CURSOR_ROWS, Key, Row, by_cursor, listed, moment_of, told_apart_by
from fillbook.sources.api_rows import digest, named, read_plain, storable
from fillbook.sources.base import say_share
from fillbook.units import counted

CONSIDERED = 2 * CURSOR_ROWS  # per account the server looks at no more trades than twice the limit
_TRADES, _ORDERS, _EXECUTORS, _FUNDING = (
    "/trading/trades", "/trading/orders/search", "/executors/search", "/trading/funding-payments",
)  # fmt: skip
_LAST_STATUS: Mapping[str, tuple[str, str]] = {  # the event that Hummingbot would have written last
    "FILLED": ("BuyOrderCompleted", "SellOrderCompleted"), "CANCELLED": ("OrderCancelled",) * 2,
    "FAILED": ("OrderFailure",) * 2, "PARTIALLY_FILLED": ("OrderFilled",) * 2,
}  # fmt: skip
_CREATED = ("BuyOrderCreated", "SellOrderCreated")
_NEEDED = {
    _TRADES: ("trade_id", "connector_name", "trading_pair", "trade_type", "amount", "price", "timestamp"),
    _ORDERS: ("order_id", "connector_name", "trading_pair", "trade_type", "amount", "created_at"),
    _EXECUTORS: ("executor_id",),
    _FUNDING: ("timestamp", "connector_name", "trading_pair", "funding_payment"),
}  # fmt: skip


def read_account(client: ApiClient, account: str) -> RawTables:
    """Fills, orders, executors and funding of an account.

    Raises
    ------
    UnreadableSourceError
        Not reachable, refused, of another form, or not to be read whole.
    """
    uri, who = client.address.uri, {"account_names": [account]}
    tables = {_TRADES: _windows(client, _TRADES, account, told_apart_by("trade_id"), "timestamp")}
    say_share(0.4)
    tables[_ORDERS] = _windows(client, _ORDERS, account, told_apart_by("order_id"), "created_at")
    say_share(0.7)
    findings: list[Finding] = []
    for path, key in ((_EXECUTORS, "executor_id"), (_FUNDING, "funding_payment_id")):
        try:
            tables[path] = by_cursor(client, path, who, told_apart_by(key))
        except RefusedError as error:
            findings.append(_not_read(uri, path, error))
    _check(uri, tables)
    raw = _rebuilt(uri, tables)
    findings += [*_findings(uri, tables), *_unfinished(uri, tables)]
    found = named(
        raw, uri, account, kind="hummingbot_api_account", layout="Hummingbot API, plain units",
        size_bytes=client.n_bytes, sha256=digest(tables), findings=findings,
    )  # fmt: skip
    return _with_sides(found, tables[_ORDERS])


def _rebuilt(uri: str, tables: Mapping[str, list[Row]]) -> RawTables:
    """Canonical tables of the rows, through a database laid out as Hummingbot's."""
    with tempfile.TemporaryDirectory(prefix="fillbook-") as scratch:
        path = Path(scratch) / "plain.sqlite"
        try:
            with closing(sqlite3.connect(path)) as connection, connection:
                _write(connection, tables)
        except UnreadableSourceError as error:
            raise UnreadableSourceError(uri, error.why, error.remedy) from error
        return read_plain(uri, path)


def _windows(client: ApiClient, path: str, account: str, key: Key, column: str) -> list[Row]:
    """Every trade or order of an account, the oldest first, window by window back from the newest.

    The server looks at the newest rows of a window only, so each window ends at the oldest row of the one
    before, and must hold that one again: else something between them was not looked at.
    """
    found: dict[Hashable, Row] = {}
    body: dict[str, object] = {"account_names": [account]}
    newest = listed(client, client.search(path, {**body, "limit": 1}), "data")
    end = max((moment_of(client.address.uri, row, column) for row in newest), default=None)
    while end is not None:
        body["end_time"] = (
            int(end.timestamp() * 1000) + 1
        )  # what is written meanwhile is left for the next time
        rows = by_cursor(client, path, body, key)
        new = [row for row in rows if key(row) not in found]
        if found and len(new) == len(rows):
            raise _gap(client, path, account, "two windows of time do not meet")
        if found and not new and len(rows) >= CONSIDERED:
            raise _gap(client, path, account, f"more than {CONSIDERED} rows of one instant")
        found |= {key(row): row for row in new}
        oldest = min((moment_of(client.address.uri, row, column) for row in rows), default=None)
        end = oldest if len(rows) >= CONSIDERED and new else None
    return sorted(found.values(), key=lambda row: (moment_of(client.address.uri, row, column), str(key(row))))


def _gap(client: ApiClient, path: str, account: str, what: str) -> UnreadableSourceError:
    why = f"gives not all rows of {path} of {account}: {what}"
    return UnreadableSourceError(client.address.uri, why, "open the API's database: postgresql://…")


def _check(uri: str, tables: Mapping[str, list[Row]]) -> None:
    for path, rows in tables.items():
        held = set().union(*(row.keys() for row in rows))
        if rows and (missing := [name for name in _NEEDED[path] if name not in held]):
            raise UnreadableSourceError(
                uri, f"answers with other fields than the API's: no {', '.join(missing)} in {path}",
                "has it another version? fillbook reads that of 2026",
            )  # fmt: skip
        for row in rows:
            for column in ("timestamp", "created_at"):
                if column in _NEEDED[path]:
                    moment_of(uri, row, column)


def _write(connection: sqlite3.Connection, tables: Mapping[str, list[Row]]) -> None:
    """The rows as a database in plain units, as Hummingbot would lay it out."""
    types = {str(row.get("order_id")): row.get("order_type") for row in tables[_ORDERS]}
    fills = [_fill(row, types.get(str(row.get("order_id")))) for row in tables[_TRADES]]
    _insert(connection, "TradeFill", fills, floats=("price", "amount", "trade_fee_in_quote"))
    _insert(connection, "Order", [_order(row) for row in tables[_ORDERS]], floats=("price", "amount"))
    if tables.get(_EXECUTORS):
        _insert(connection, "Executors", [_executor(row) for row in tables[_EXECUTORS]])
    if tables.get(_FUNDING):
        _insert(connection, "FundingPayment", [_payment(row) for row in tables[_FUNDING]])


def _insert(
    connection: sqlite3.Connection, table: str, rows: Sequence[Row], floats: Iterable[str] = ()
) -> None:
    names = list(rows[0]) if rows else list(_FILL if table == "TradeFill" else _ORDER)
    declared = ", ".join(f'"{name}"' + (" FLOAT" if name in floats else "") for name in names)
    connection.execute(f'CREATE TABLE "{table}" ({declared})')
    marks = ", ".join("?" * len(names))
    connection.executemany(
        f'INSERT INTO "{table}" VALUES ({marks})',
        ([storable(value) for value in row.values()] for row in rows),
    )


def _ms(row: Row, column: str) -> float | None:
    return moment_of("", row, column).timestamp() * 1000 if row.get(column) else None


def _shared(row: Row) -> Row:
    base, _, quote = str(row.get("trading_pair")).partition("-")
    return {
        "config_file_path": "", "strategy": "", "market": row.get("connector_name"),
        "symbol": row.get("trading_pair"), "base_asset": base, "quote_asset": quote,
    }  # fmt: skip


def _fill(row: Row, order_type: object) -> Row:
    """A trade; its fee is in quote as the server converted it, and without a currency it could not."""
    order, trade, paid = row.get("order_id"), str(row.get("trade_id")), row.get("fee_paid")
    is_known = row.get("fee_currency") is not None and paid is not None
    free = json.dumps({"percent": "0", "flat_fees": []}) if is_known and paid == 0 else None
    return {
        **_shared(row), "timestamp": _ms(row, "timestamp"), "order_id": order,
        "trade_type": row.get("trade_type"), "order_type": order_type, "price": row.get("price"),
        "amount": row.get("amount"), "leverage": 1, "trade_fee": free,
        "trade_fee_in_quote": paid if is_known else None,
        "exchange_trade_id": trade.removeprefix(f"{order}_"), "position": None,
    }  # fmt: skip


def _order(row: Row) -> Row:
    by_side = _LAST_STATUS.get(str(row.get("status")), _CREATED)
    return {
        **_shared(row), "id": row.get("order_id"), "creation_timestamp": _ms(row, "created_at"),
        "order_type": row.get("order_type"), "amount": row.get("amount"), "leverage": 1,
        "price": row.get("price") or 0.0, "last_status": by_side[row.get("trade_type") == "SELL"],
        "last_update_timestamp": _ms(row, "updated_at"), "exchange_order_id": row.get("exchange_order_id"),
        "position": None,
    }  # fmt: skip


_FILL, _ORDER = (
    _fill({"timestamp": None}, None), _order({"created_at": None}),
)  # fmt: skip


def _executor(row: Row) -> Row:
    """An executor under the names of Hummingbot's table."""
    created, closed = row.get("timestamp"), row.get("close_timestamp")
    if not isinstance(created, int | float):
        created = (_ms(row, "created_at") or 0.0) / 1000 or None
    if closed is None and row.get("closed_at"):
        closed = (_ms(row, "closed_at") or 0.0) / 1000 or None
    config = {
        "connector_name": row.get("connector_name"), "trading_pair": row.get("trading_pair"),
        "side": row.get("side"), **_object(row.get("config")),
    }  # fmt: skip
    same = ("net_pnl_pct", "net_pnl_quote", "cum_fees_quote", "filled_amount_quote", "is_active")
    return {
        "id": row.get("executor_id"), "timestamp": created, "type": row.get("executor_type"),
        "close_type": row.get("close_type"), "close_timestamp": closed, "status": row.get("status"),
        "config": json.dumps(config), "custom_info": json.dumps(_object(row.get("custom_info"))),
        "controller_id": row.get("controller_id"), **{name: row.get(name) for name in same},
    }  # fmt: skip


def _object(value: object) -> Row:
    """An object of JSON, also where it is written as text; empty where it is none."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _payment(row: Row) -> Row:
    return {
        "timestamp": _ms(row, "timestamp"), "config_file_path": "", "market": row.get("connector_name"),
        "symbol": row.get("trading_pair"), "rate": row.get("funding_rate"),
        "amount": row.get("funding_payment"),
    }  # fmt: skip


def _with_sides(raw: RawTables, orders: list[Row]) -> RawTables:
    """Orders with the side the API states, which their last event does not always name."""
    if not orders:
        return raw
    sides = pl.Series(
        [{"BUY": 1, "SELL": -1}.get(str(row.get("trade_type"))) for row in orders], dtype=pl.Int8
    )
    held = raw.tables["orders"].with_columns(side=sides)
    return RawTables(raw.info, {**raw.tables, "orders": held}, raw.unreadable, raw.findings)


def _not_read(uri: str, path: str, error: RefusedError) -> Finding:
    table = "executors" if path == _EXECUTORS else "funding"
    return Finding(
        table, "damaged_table", Severity.ERROR, f"{path} could not be read: {error.why}", source=uri,
        effect="everything that needs it is missing", remedy=error.remedy,
    )  # fmt: skip


def _findings(uri: str, tables: Mapping[str, list[Row]]) -> list[Finding]:
    """What the API's own tables do not say of a trade."""
    trades = tables[_TRADES]
    if not trades:
        return []
    unknown = sum(row.get("fee_currency") is None or row.get("fee_paid") is None for row in trades)
    said = f"; of {counted(unknown, 'fill')} it could not convert it" if unknown else ""
    return [
        Finding(
            "fills", "api_fees", Severity.WARNING,
            f"the API keeps fees in quote, as it converted them; the tokens are lost{said}",
            n_rows=unknown or len(trades), source=uri,
            effect="a spot fee paid in base does not reduce the position",
        ),
        Finding(
            "fills", "api_clock", Severity.INFO,
            "the API stores times by its server's clock and zone; they are taken as it states them",
            source=uri, effect="days and hours are shifted where its zone was not UTC",
        ),
    ]  # fmt: skip


def _unfinished(uri: str, tables: Mapping[str, list[Row]]) -> list[Finding]:
    """Funding payments that may be missing: the server looks at the newest of each venue only."""
    n = len(tables.get(_FUNDING, []))
    if n < CONSIDERED:
        return []
    return [
        Finding(
            "funding", "api_truncated", Severity.ERROR,
            f"the API gives the newest {n} funding payments and no older ones", source=uri,
            effect="funding before them is in no number", remedy="open the API's database: postgresql://…",
        ),
    ]  # fmt: skip
