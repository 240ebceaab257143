"""Canonical tables from a few columns, so that a test shows its input.

A column given as one value fills every row, a column left out takes a plain default, and times
may be seconds after `START`:

>>> fills(side=[1, -1], price_quote=[10.0, 12.0], amount_base=2.0)["price_quote"].to_list()
[10.0, 12.0]
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from fillbook.schema.raw import RawTables, SourceInfo, no_unreadable
from fillbook.schema.tables import columns_of, dtypes_of

if TYPE_CHECKING:
    from fillbook.findings import Finding

START = datetime(2026, 1, 1, tzinfo=UTC)
CLOCK = datetime(2026, 6, 1, tzinfo=UTC)  # a "now" well after `START`

_DEFAULTS: Mapping[str, Mapping[str, object]] = {
    "": {
        "source": 0,
        "bot": "bot",
        "config": "conf.yml",
        "strategy": "pure_market_making",
        "connector": "binance",
        "pair": "ABC-USDT",
        "base": "ABC",
        "quote": "USDT",
        "order_type": "LIMIT",
        "side": 1,
        "amount_base": 1.0,
        "price_quote": 100.0,
    },
    "fills": {"quantum": 0.0, "leverage": 1, "position_action": "NIL", "fee_percent": 0.0},
    "orders": {"leverage": 1, "position_action": "NIL", "last_status": "BuyOrderCompleted"},
    "order_events": {"status": "OrderFilled"},
    "executors": {
        "type": "position_executor",
        "controller_id": "main",
        "status": "TERMINATED",
        "close_type": "TAKE_PROFIT",
        "is_active": False,
    },
    "controllers": {"controller_id": "main", "type": "generic"},
    "positions": {"controller_id": "main"},
    "funding": {"rate": 1e-4, "amount_quote": 0.0},
    "quotes": {"kind": "market_data", "connector": "binance", "pair": "ABC-USDT", "mid_quote": 100.0},
    "market_trades": {"connector": "binance", "pair": "ABC-USDT", "amount_base": 1.0, "side": 1},
    "candles": {
        "interval_s": 60.0,
        "open_quote": 100.0,
        "high_quote": 100.0,
        "low_quote": 100.0,
        "close_quote": 100.0,
    },
    "flat_fees": {"token": "BNB", "amount": 0.0},
    "quarantine": {"table": "fills", "reason": "zero_price", "content": "{}"},
}
_NUMBERED = {"order_id": "o{}", "trade_id": "t{}", "executor_id": "e{}", "row": "{}"}


def fills(**columns: object) -> pl.DataFrame:
    """Fills, one a second from `START` unless `at` says otherwise; see the module."""
    return table("fills", **columns)


def orders(**columns: object) -> pl.DataFrame:
    """Orders, one a second from `START` unless `at` says otherwise; see the module."""
    return table("orders", **columns)


def table(name: str, /, **columns: object) -> pl.DataFrame:
    """Canonical table `name`; as long as the longest list given, one row if none is.

    Parameters
    ----------
    name
        Name in `fillbook.schema.tables.TABLES`.
    columns
        Values by column: a list, or one value for all rows. Times are datetimes or seconds after
        `START`. Nullable columns default to null, ids are numbered from 1.
    """
    schema = dtypes_of(name)
    unknown = set(columns) - set(schema)
    if unknown:
        message = f"{name} has no column {', '.join(sorted(unknown))}"
        raise KeyError(message)
    lengths = {len(values) for value in columns.values() if (values := _list(value)) is not None}
    lengths = lengths or {1}
    if len(lengths) > 1:
        message = f"columns of different lengths: {sorted(lengths)}"
        raise ValueError(message)
    height = lengths.pop()
    data = {key: _values(name, key, columns, height) for key in schema}
    return pl.DataFrame(
        [pl.Series(key, data[key], dtype=dtype, strict=False) for key, dtype in schema.items()]
    )


def raw_tables(
    *,
    uri: str = "bot.sqlite",
    kind: str = "hummingbot_sqlite",
    bot: str = "bot",
    layout: str = "scaled 2023",
    unreadable: Sequence[tuple[str, int, str, str]] = (),
    findings: tuple[Finding, ...] = (),
    **tables: pl.DataFrame,
) -> RawTables:
    """One source as `fillbook.sources` would hand it over; its hash is that of its rows.

    Parameters
    ----------
    uri, kind, bot, layout
        Identity of the file.
    unreadable
        Cells that could not be read: table, row, column, value.
    findings
        What the source itself noticed.
    tables
        Canonical tables by name.
    """
    contents = ",".join(
        f"{name}:{frame.height}:{frame.hash_rows().sum() if frame.height else 0}"
        for name, frame in sorted(tables.items())
    )
    info = SourceInfo(
        uri=uri,
        kind=kind,
        bot=bot,
        schema_version="20230516",
        layout=layout,
        size_bytes=1,
        sha256=hashlib.sha256(contents.encode()).hexdigest(),
        rows={name: frame.height for name, frame in tables.items()},
    )
    named = {
        name: frame.with_columns(pl.lit(bot).cast(pl.Categorical).alias("bot"))
        if "bot" in frame.columns
        else frame
        for name, frame in tables.items()
    }
    cells = pl.DataFrame(unreadable, schema=no_unreadable().schema, orient="row")
    return RawTables(info=info, tables=named, unreadable=cells, findings=findings)


def _list(value: object) -> list[object] | None:
    """The values of a column given as a list; None where one value fills all rows."""
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else None


def _values(name: str, key: str, columns: Mapping[str, object], height: int) -> list[object]:
    """Values of one column, broadcast, numbered or defaulted."""
    if key in columns:
        given = _list(columns[key])
        values = [columns[key]] * height if given is None else given
    elif key == "at":
        values = list(range(height))
    elif key in _NUMBERED and not columns_of(name)[key].nullable:
        ids = [_NUMBERED[key].format(i + 1) for i in range(height)]
        values = [int(i) for i in ids] if key == "row" else list(ids)
    elif columns_of(name)[key].nullable and key not in _DEFAULTS.get(name, {}):
        values = [None] * height
    else:
        values = [_DEFAULTS.get(name, {}).get(key, _DEFAULTS[""].get(key))] * height
    if key == "at" or key.endswith("_at"):
        return [_moment(value) for value in values]
    return values


def _moment(value: object) -> object:
    return START + timedelta(seconds=value) if isinstance(value, int | float) else value
