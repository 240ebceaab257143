"""Tables of Hummingbot's API server: what was traded through it, account by account.

Bots that the server deploys keep their own databases; what the server notes about them is said, not booked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.findings import Finding, Severity
from fillbook.sources.bot_database import ORDER_LINKS
from fillbook.sources.hummingbot import limit_price
from fillbook.sources.postgres_bots import Found, text
from fillbook.sources.postgres_errors import no_right
from fillbook.sources.postgres_reading import PostgresTables, Snapshot, Table
from fillbook.sources.sqlite_trades import canonical, side_of
from fillbook.units import counted

_ESSENTIAL = ("orders", "trades")
_WITH_ACCOUNT = ("orders", "executors", "funding_payments", "position_holds")
# what the server notes beside the trades: table → what it is, and where the numbers are
_NOTED: Mapping[str, tuple[str, str]] = {
    "bot_runs": ("deployments of bots", "open the bots' own databases"),
    "controller_performance_snapshots": (
        "what deployed bots said of themselves",
        "open the bots' own databases",
    ),
    "gateway_swaps": ("swaps on decentralised exchanges", "they are in no number of fillbook yet"),
    "gateway_clmm_events": ("events of liquidity pools", "they are in no number of fillbook yet"),
    "position_snapshots": ("positions as the exchange saw them", ""),
    "account_states": ("balances of accounts", ""),
}
_EVENTS: Mapping[str, str] = {"CANCELLED": "OrderCancelled", "FAILED": "OrderFailure"}

_TRADES = """
SELECT t."id"::int8 AS "row", o."account_name", o."connector_name", o."client_order_id", o."order_type",
  t."trading_pair", t."timestamp"::timestamptz AS "at", t."trade_type", t."price"::float8 AS "price",
  t."amount"::float8 AS "amount", t."fee_paid"::float8 AS "fee_paid", t."fee_currency",
  CASE WHEN starts_with(t."trade_id", o."client_order_id" || '_')
    THEN substr(t."trade_id", length(o."client_order_id") + 2) ELSE t."trade_id" END AS "trade_id"
FROM "trades" t JOIN "orders" o ON o."id" = t."order_id" WHERE {} ORDER BY t."id\""""
_ORDERS = """
SELECT "id"::int8 AS "row", "account_name", "connector_name", "client_order_id", "exchange_order_id",
  "order_type", "trading_pair", "trade_type", "created_at"::timestamptz AS "at",
  "updated_at"::timestamptz AS "updated_at", "price"::float8 AS "price", "amount"::float8 AS "amount",
  "status"
FROM "orders" WHERE {} ORDER BY "id\""""
_FUNDING = """
SELECT "id"::int8 AS "row", "account_name", "connector_name", "trading_pair",
  "timestamp"::timestamptz AS "at", "funding_rate"::float8 AS "rate",
  "funding_payment"::float8 AS "payment", "fee_currency"
FROM "funding_payments" WHERE {} ORDER BY "id\""""
_EXECUTORS = """
SELECT "id"::int8 AS "row", "account_name", "executor_id", "executor_type", "connector_name", "trading_pair",
  "controller_id", "created_at"::timestamptz AS "at", "closed_at"::timestamptz AS "closed_at", "status",
  "close_type", "net_pnl_quote"::float8 AS "net_pnl_quote", "net_pnl_pct"::float8 AS "net_pnl_pct",
  "cum_fees_quote"::float8 AS "fees", "filled_amount_quote"::float8 AS "volume", "config", "final_state"
FROM "executors" WHERE {} ORDER BY "id\""""
_HOLDS = """
SELECT "id"::int8 AS "row", "account_name", "connector_name", "trading_pair", "controller_id",
  "last_updated"::timestamptz AS "at", "buy_amount_base"::float8 AS "bought",
  "buy_amount_quote"::float8 AS "paid", "sell_amount_base"::float8 AS "sold",
  "sell_amount_quote"::float8 AS "received", "realized_pnl_quote"::float8 AS "realized",
  "cum_fees_quote"::float8 AS "fees"
FROM "position_holds" WHERE {} ORDER BY "id\""""


def is_here(seen: Mapping[str, Table]) -> bool:
    """Whether the database holds the server's tables."""
    return all(name in seen for name in _ESSENTIAL) and "account_name" in seen["orders"].columns


def accounts(taken: Snapshot, seen: Mapping[str, Table]) -> list[str]:
    """Accounts that traded through the server, in the order of their names."""
    held = [name for name in _WITH_ACCOUNT if name in seen and seen[name].may_read]
    return taken.names("account_name", held)


def read_server(taken: Snapshot, seen: Mapping[str, Table]) -> Found:
    """Tables of one account, or of all as one.

    Raises
    ------
    UnreadableSourceError
        There is no such account, or its orders or trades cannot be read.
    """
    address, names = taken.address, accounts(taken, seen)
    if address.bot and address.bot not in names:
        why = f"has no account {address.bot}; it holds {', '.join(names) or 'none'}"
        raise UnreadableSourceError(address.uri, why, "name one of them in bot=…")
    for name in _ESSENTIAL:
        if not seen[name].may_read:
            raise no_right(address, name)
    account = address.bot or (names[0] if len(names) == 1 else "")
    bot = account or address.database or "hummingbot_api"
    tables: dict[str, pl.DataFrame] = {}
    findings = []
    for name, (reader, time) in _READERS.items():
        needs = {"trades": _ESSENTIAL}.get(name, (name,))
        if not all(n in seen and seen[n].may_read for n in needs):
            findings += [_missing(address.uri, name, is_there=name in seen)]
            continue
        tables |= reader(_Asked(taken, seen, bot, _condition(taken, name, time)))
    filled = {name: rows for name, rows in tables.items() if rows.height}
    return Found(bot, filled, "API server, plain units", findings=(*findings, *_noted(taken, seen)))


class _Asked:
    """Tables of an account in the period asked for."""

    def __init__(self, taken: Snapshot, seen: Mapping[str, Table], bot: str, where: str) -> None:
        self.taken, self.seen, self.bot, self.where = taken, seen, bot, where
        self.tables = PostgresTables(taken, {}, {}, {}, {})

    def rows(self, query: str, table: str) -> pl.DataFrame:
        """All rows of a query with its condition."""
        return pl.concat(list(self.tables.rows(table, query.format(self.where))))


def _condition(taken: Snapshot, name: str, time: str) -> str:
    """SQL of the rows asked for."""
    address = taken.address
    owner = 'o."account_name"' if name == "trades" else '"account_name"'
    parts = [f"{owner} = {text(address.bot)}"] if address.bot else []
    for sign, at in ((">=", address.start), ("<", address.end)):
        if at is not None and time:
            parts.append(f"{time} {sign} {text(at.astimezone(UTC).isoformat())}::timestamptz")
    return " AND ".join(parts) or "true"


def _market(asked: _Asked) -> dict[str, pl.Expr]:
    """Columns that tell whose and where."""
    return {"bot": pl.lit(asked.bot), "connector": pl.col("connector_name"), "pair": pl.col("trading_pair")}


def _assets() -> dict[str, pl.Expr]:
    parts = pl.col("trading_pair").str.split("-")
    return {"base": parts.list.first(), "quote": parts.list.last()}


def _fills(asked: _Asked) -> dict[str, pl.DataFrame]:
    """Trades with their orders; a fee without a currency is one the server could not convert."""
    rows = asked.rows(_TRADES, "trades")
    is_known = pl.col("fee_currency").is_not_null()
    fee = pl.when(is_known).then("fee_paid")
    in_quote = pl.col("fee_currency") == pl.col("trading_pair").str.split("-").list.last()
    return {"fills": canonical(
        "fills", rows, **_market(asked), **_assets(), config=pl.lit(""), strategy=pl.lit(""), at=pl.col("at"),
        order_id=pl.col("client_order_id"), trade_id=pl.col("trade_id"), side=side_of("trade_type"),
        order_type=pl.col("order_type"), price_quote=pl.col("price"), amount_base=pl.col("amount"),
        quantum=pl.lit(0.0), fee_percent=pl.when(is_known).then(0.0), fee_amount=fee,
        fee_token=pl.col("fee_currency"), fee_quote_recorded=pl.when(in_quote).then(fee),
    )}  # fmt: skip


def _orders(asked: _Asked) -> dict[str, pl.DataFrame]:
    """Orders; the server's states under the names of the events that lead to them."""
    rows = asked.rows(_ORDERS, "orders")
    word = pl.col("trade_type").str.to_lowercase().str.to_titlecase()
    last = (
        pl.when(pl.col("status") == "FILLED").then(word + "OrderCompleted")
        .when(pl.col("status") == "PARTIALLY_FILLED").then(pl.lit("OrderFilled"))
        .when(pl.col("status").is_in(list(_EVENTS))).then(pl.col("status").replace(dict(_EVENTS)))
        .otherwise(word + "OrderCreated")
    )  # fmt: skip
    price, reason = limit_price(pl.col("price").fill_null(0.0), pl.col("order_type"))
    return {"orders": canonical(
        "orders", rows, **_market(asked), **_assets(), config=pl.lit(""), strategy=pl.lit(""),
        at=pl.col("at"), order_id=pl.col("client_order_id"),
        exchange_order_id=pl.col("exchange_order_id"),
        side=side_of("trade_type"), order_type=pl.col("order_type"), amount_base=pl.col("amount"),
        price_quote=price, price_reason=reason, last_status=last, updated_at=pl.col("updated_at"),
    )}  # fmt: skip


def _funding(asked: _Asked) -> dict[str, pl.DataFrame]:
    """Funding payments."""
    return {"funding": canonical(
        "funding", asked.rows(_FUNDING, "funding_payments"), **_market(asked), config=pl.lit(""),
        at=pl.col("at"), rate=pl.col("rate"), amount_quote=pl.col("payment"),
    )}  # fmt: skip


def _executors(asked: _Asked) -> dict[str, pl.DataFrame]:
    """Executors that the server ran, and the orders they name."""
    rows = asked.rows(_EXECUTORS, "executors")
    said = [_said(row) for row in rows.select("config", "final_state").iter_rows()]
    more = pl.DataFrame(said, schema={"side": pl.String, "level_id": pl.String}, orient="row")
    executors = canonical(
        "executors", rows.hstack(more), **_market(asked), executor_id=pl.col("executor_id"),
        type=pl.col("executor_type"), controller_id=pl.col("controller_id"), side=side_of("side"),
        at=pl.col("at"), closed_at=pl.col("closed_at"), status=pl.col("status"),
        close_type=pl.col("close_type"), net_pnl_quote=pl.col("net_pnl_quote"),
        net_pnl_fraction=pl.col("net_pnl_pct"),
        fees_quote=pl.col("fees"), volume_quote=pl.col("volume"), is_active=pl.col("closed_at").is_null(),
        level_id=pl.col("level_id"), config=pl.col("config"), custom_info=pl.col("final_state"),
    )  # fmt: skip
    return {"executors": executors, "executor_orders": _executor_orders(asked, rows)}


def _executor_orders(asked: _Asked, executors: pl.DataFrame) -> pl.DataFrame:
    """Orders of executors: those of their own table, then those their final state names."""
    pairs: list[tuple[str, str]] = []
    if "executor_orders" in asked.seen and asked.seen["executor_orders"].may_read:
        query = (
            'SELECT "executor_id", "client_order_id" FROM "executor_orders" '
            'WHERE "client_order_id" IS NOT NULL ORDER BY "id"'
        )
        listed = asked.taken.query(query, "executor_orders")
        pairs += listed.filter(pl.col("executor_id").is_in(executors["executor_id"].implode())).rows()
    for executor, state in executors.select("executor_id", "final_state").iter_rows():
        pairs += [(executor, order) for order in _named_orders(_object(state))]
    schema = {"executor_id": pl.String, "order_id": pl.String}
    frame = pl.DataFrame(pairs, schema=schema, orient="row").unique(maintain_order=True)
    return frame.select(pl.lit(0).cast(pl.Int64).alias("source"), "executor_id", "order_id")


def _named_orders(state: Mapping[str, Any]) -> Iterator[str]:
    for key, within in ORDER_LINKS:
        named = state.get(key) or []
        for one in named if isinstance(named, list) else [named]:
            found = one.get(within) if within and isinstance(one, dict) else one
            if isinstance(found, str):
                yield found


def _said(row: Sequence[str | None]) -> tuple[str | None, str | None]:
    """Side and level that configuration or state names."""
    parts = [_object(text) for text in row]
    sides = [str(part["side"]).removeprefix("TradeType.") for part in parts if part.get("side") is not None]
    levels = [str(part["level_id"]) for part in parts if part.get("level_id")]
    return next(iter(sides), None), next(iter(levels), None)


def _object(text_of_json: str | None) -> Mapping[str, Any]:
    """Object of a JSON text; empty where it is none."""
    try:
        found = json.loads(text_of_json or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _positions(asked: _Asked) -> dict[str, pl.DataFrame]:
    """Positions held by controllers; what was bought and sold against each other is settled already."""
    net = pl.col("bought") - pl.col("sold")
    entry = (
        pl.when(net > 0.0)
        .then(pl.col("paid") / pl.col("bought"))
        .when(net < 0.0)
        .then(pl.col("received") / pl.col("sold"))
    )
    rows = asked.rows(_HOLDS, "position_holds")
    return {"positions": canonical(
        "positions", rows, **_market(asked), controller_id=pl.col("controller_id"),
        at=pl.col("at"), side=pl.when(net > 0.0).then(1).when(net < 0.0).then(-1), amount_base=net.abs(),
        breakeven_quote=entry, realized_pnl_quote=pl.col("realized"), fees_quote=pl.col("fees"),
    )}  # fmt: skip


_READERS = {
    "trades": (_fills, 't."timestamp"'),
    "orders": (_orders, '"created_at"'),
    "funding_payments": (_funding, '"timestamp"'),
    "executors": (_executors, '"created_at"'),
    "position_holds": (_positions, ""),
}


def _missing(uri: str, table: str, *, is_there: bool) -> Finding:
    """That a table is absent (older servers lack some) or may not be read."""
    if is_there:
        return Finding(
            table, "damaged_table", Severity.ERROR, f"table {table} may not be read", source=uri,
            effect="everything that needs it is missing", remedy=f'GRANT SELECT ON "{table}" TO your user',
        )  # fmt: skip
    return Finding(
        table, "missing_table", Severity.INFO, f"the server's database has no table {table}", source=uri,
        effect="nothing of its kind is known",
    )  # fmt: skip


def _noted(taken: Snapshot, seen: Mapping[str, Table]) -> list[Finding]:
    """What the server noted and no number holds."""
    findings = []
    for name, (meaning, remedy) in _NOTED.items():
        if name not in seen or not seen[name].may_read:
            continue
        n = int(taken.query(f'SELECT count(*) AS "n" FROM "{name}"', name).item())
        if n:
            findings.append(Finding(
                name, "not_booked", Severity.INFO, f"{counted(n, 'row')} of {name}: {meaning}", n_rows=n,
                source=taken.address.uri, effect="in no number", remedy=remedy,
            ))  # fmt: skip
    return findings
