"""Events of bots as canonical tables: rows in, frames out, the same conversion as a database's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import polars as pl

from fillbook.schema.raw import UNREADABLE_SCHEMA
from fillbook.sources.hummingbot import SIDES, limit_price, ms_to_utc
from fillbook.sources.mqtt_messages import JsonObject, moments, number, words
from fillbook.sources.sqlite_trades import canonical, is_fee, tag

Row = tuple[object, ...]
_TEXT, _NUMBER, _WHOLE = pl.String, pl.Float64, pl.Int64
_NAMES = {"bot": _TEXT, "row": _WHOLE, "connector": _TEXT, "pair": _TEXT}
_FEE = {"percent": _TEXT, "fee_type": _TEXT, "fee_token": _TEXT, "fee_amount": _NUMBER, "n_flat": _NUMBER}
COLUMNS: Mapping[str, Mapping[str, pl.DataType | type[pl.DataType]]] = {
    "fills": {
        **_NAMES, "at": _NUMBER, "order_id": _TEXT, "trade_id": _TEXT, "side": pl.Int8, "order_type": _TEXT,
        "price": _NUMBER, "amount": _NUMBER, "leverage": _NUMBER, "position": _TEXT, **_FEE,
    },
    "flat_fees": {"bot": _TEXT, "row": _WHOLE, "token": _TEXT, "amount": _NUMBER},
    "orders": {
        **_NAMES, "at": _NUMBER, "order_id": _TEXT, "exchange_order_id": _TEXT, "side": pl.Int8,
        "order_type": _TEXT, "price": _NUMBER, "amount": _NUMBER, "leverage": _NUMBER, "position": _TEXT,
        "last_status": _TEXT, "updated_at": _NUMBER,
    },
    "order_events": {"bot": _TEXT, "row": _WHOLE, "order_id": _TEXT, "at": _NUMBER, "status": _TEXT},
    "funding": {**_NAMES, "at": _NUMBER, "rate": _NUMBER, "amount": _NUMBER},
    "lp_updates": {
        **_NAMES, "at": _NUMBER, "order_id": _TEXT, "action": _TEXT, "base_amount": _NUMBER,
        "quote_amount": _NUMBER, "base_fee": _NUMBER, "quote_fee": _NUMBER,
    },
}  # fmt: skip
UNREADABLE = {"bot": _TEXT, **UNREADABLE_SCHEMA}


def side_of(value: object) -> int | None:
    """+1 or −1 of ``TradeType.BUY``; None for anything else (RANGE)."""
    return SIDES.get(words(value).upper())


def fee_cells(fee: object) -> Row:
    """Percent, type, token and amount of the first flat fee, and how many flat fees (`sqlite_trades`)."""
    if isinstance(fee, str):
        try:
            fee = json.loads(fee)
        except (ValueError, RecursionError):
            fee = None
    if not isinstance(fee, dict):
        return (None, None, None, None, None)
    flat = fee.get("flat_fees")
    if not isinstance(flat, list):
        n_flat = -1.0 if flat is not None else (0.0 if "flat_fees" in fee else None)
        return (_text(fee.get("percent")), _text(fee.get("fee_type")), None, None, n_flat)
    first = flat[0] if flat and isinstance(flat[0], dict) else {}
    return (
        _text(fee.get("percent")), _text(fee.get("fee_type")), _text(first.get("token", first.get("asset"))),
        number(first.get("amount")), float(len(flat)),
    )  # fmt: skip


def more_fees(fee: object) -> list[tuple[str, float]] | None:
    """Token and amount of the flat fees after the first; None where one is not understood."""
    flat = fee.get("flat_fees") if isinstance(fee, dict) else None
    found: list[tuple[str, float]] = []
    for part in flat[1:] if isinstance(flat, list) else []:
        token = part.get("token", part.get("asset")) if isinstance(part, dict) else None
        amount = number(part.get("amount")) if isinstance(part, dict) else None
        if not token or amount is None:
            return None
        found.append((str(token), amount))
    return found


def _text(value: object) -> str | None:
    return None if value is None or isinstance(value, dict | list) else str(value)


def odd_cells(table: str, row: int, read: Mapping[str, tuple[object, object]]) -> list[Row]:
    """Cells that say something that could not be read: ``(table, row, column, text)``.

    `read` holds, by column, what stood there and what was made of it.
    """
    return [
        (table, row, column, str(said)[:200])
        for column, (said, made) in read.items()
        if made is None and said is not None
    ]


def frame_of(table: str, rows: Sequence[Row]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Canonical rows of a table, bot by bot, and the first row and number of rows of each bot.

    Parameters
    ----------
    table
        Name in `COLUMNS`.
    rows
        Cells in the order of `COLUMNS`.

    Returns
    -------
    tuple
        The table, and ``bot, first, n``.
    """
    plain = pl.DataFrame(list(rows), schema=dict(COLUMNS[table]), orient="row").sort(
        "bot", maintain_order=True
    )
    spans = (
        plain.with_row_index("first")
        .group_by("bot", maintain_order=True)
        .agg(pl.col("first").first(), pl.len().alias("n"))
    )
    return canonical(table, plain, **_cells(table)), spans


def _cells(table: str) -> dict[str, pl.Expr]:
    own: dict[str, pl.Expr] = {name: pl.col(name) for name in COLUMNS[table] if name != "row"}
    if "at" in own:
        own["at"] = moments("at")
    if "pair" in own:
        parts = pl.col("pair").str.splitn("-", 2).struct
        own |= {"base": parts.field("field_0"), "quote": parts.field("field_1")}
    return own | _SPECIAL.get(table, dict)()


def _fill_cells() -> dict[str, pl.Expr]:
    percent, flat = pl.col("percent").cast(pl.Float64, strict=False), pl.col("fee_amount")
    is_known = is_fee(percent, flat)
    return {
        "price_quote": pl.col("price"), "amount_base": pl.col("amount"), "quantum": pl.lit(0.0),
        "leverage": pl.col("leverage"), "position_action": tag("position"),
        "fee_percent": pl.when(is_known).then(percent.fill_null(0.0)), "fee_type": pl.col("fee_type"),
        "fee_token": pl.when(is_known).then("fee_token"), "fee_amount": pl.when(is_known).then(flat),
    }  # fmt: skip


def _order_cells() -> dict[str, pl.Expr]:
    asked = pl.when(pl.col("price").is_finite()).then("price").otherwise(0.0)  # a market order's may be NaN
    limit, reason = limit_price(asked, pl.col("order_type"))
    return {
        "amount_base": pl.col("amount"), "price_quote": limit, "price_reason": reason,
        "position_action": tag("position"), "updated_at": moments("updated_at"),
    }  # fmt: skip


def _funding_cells() -> dict[str, pl.Expr]:
    return {"amount_quote": pl.col("amount")}


def _lp_cells() -> dict[str, pl.Expr]:
    return {"at": ms_to_utc((pl.col("at") * 1_000.0).floor())}  # the database keeps milliseconds


_SPECIAL = {"fills": _fill_cells, "orders": _order_cells, "funding": _funding_cells, "lp_updates": _lp_cells}


def data_of(event: JsonObject) -> JsonObject:
    """What an event says of its order; empty where it says nothing."""
    data = event.get("data")
    return data if isinstance(data, dict) else {}
