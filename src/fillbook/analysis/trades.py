"""From a round trip down to its fills, orders and fees; executors from their first fill to their last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from fillbook.analysis.overview import Overview
from fillbook.analysis.view import lean_view_of
from fillbook.ledger.fees import METHODS
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.sources.checkpoint_reading import StoredTables

_FLAT = 1e-9  # of what was bought and sold
_NO_SPANS = pl.DataFrame(schema={
    "executor_id": pl.String, "controller_id": pl.Categorical, "close_type": pl.Categorical,
    "entry_at": pl.Datetime("us", "UTC"), "exit_at": pl.Datetime("us", "UTC"),
    "entry_quote": pl.Float64, "exit_quote": pl.Float64, "net_quote": pl.Float64,
})  # fmt: skip
_SHOWN = (
    "at", "side", "amount_base", "price_quote", "order_type", "fee_token", "fee_amount", "order_id",
    "trade_id", "controller_id", "executor_id", "close_type", "source", "row",
)  # fmt: skip


def fills_of_trip(data: PerformanceDataSource, answer: Overview, trip: Mapping[str, Any]) -> pl.DataFrame:
    """Fills of one round trip, first to last, as they were booked.

    Parameters
    ----------
    data
        The source the answer came from.
    answer
        What is shown.
    trip
        A row of its `trips`.

    Returns
    -------
    pl.DataFrame
        Columns of the canonical fills, with ``fee_settled`` (fee in the settlement asset: quote, or base
        of an inverse contract), ``fee_method`` (how it was found), ``position_base`` after the fill, and
        ``realized_settled``, what it realised at weighted average cost.
    """
    ledger = lean_view_of(data, answer.chosen, answer.conventions).ledger
    first = int(trip["entry_fill"])
    in_book = np.searchsorted(ledger.flow.book, int(trip["book"]), side="right")
    last = int(trip["exit_fill"]) if not trip["is_open"] else int(in_book) - 1
    span = slice(first, last + 1)
    flow = ledger.flow
    return ledger.fills[ledger.rows[span]].select(_SHOWN).with_columns(
        fee_settled=pl.Series(flow.fee[span]),
        fee_method=pl.Series([METHODS[code] for code in ledger.fee_method[span]], dtype=pl.String),
        position_base=pl.Series(flow.position[span]), realized_settled=pl.Series(flow.realized_wac[span]),
    )  # fmt: skip


def fills_of_market(data: PerformanceDataSource, answer: Overview, connector: str, pair: str) -> pl.DataFrame:
    """``at, price_quote, side, amount_base`` of every shown fill of a market, by time: what a chart draws."""
    if data.stored is not None and answer.chosen.is_empty:
        return _fills_of_stored(data.stored, connector, pair)
    ledger = lean_view_of(data, answer.chosen, answer.conventions).ledger
    flow = ledger.flow
    names = zip(ledger.books["connector"], ledger.books["pair"], strict=True)
    mine = [rows for rows, name in zip(flow.slices(), names, strict=True) if name == (connector, pair)]
    at, price, qty = (np.concatenate([x[rows] for rows in mine]) for x in (flow.at, flow.price, flow.qty))
    return pl.DataFrame({
        "at": pl.Series(at).cast(pl.Datetime("us", "UTC")), "price_quote": price,
        "side": np.sign(qty).astype(np.int8), "amount_base": np.abs(qty),
    }).sort("at", maintain_order=True)  # fmt: skip


def _fills_of_stored(stored: StoredTables, connector: str, pair: str) -> pl.DataFrame:
    """The same of all fills of a checkpoint, of which no other column is read."""
    drawn = ("at", "price_quote", "side", "amount_base")
    rows = stored.columns("fills", (*drawn, "connector", "pair"))
    return rows.filter(pl.col("connector") == connector, pl.col("pair") == pair).select(drawn)


def orders_of(data: PerformanceDataSource, fills: pl.DataFrame) -> pl.DataFrame:
    """Orders that these fills belong to, with what became of them, by creation.

    Returns
    -------
    pl.DataFrame
        ``at, side, order_type, amount_base, price_quote, filled_base, events, last_status, order_id``;
        empty where the data has no such order. `filled_base` counts all fills of the order, `events` its
        life as the bot wrote it.
    """
    wanted = fills.select(pl.col("order_id").unique())
    filled = data.fills.join(wanted, on="order_id", how="semi").group_by("order_id").agg(
        filled_base=pl.col("amount_base").sum()
    )  # fmt: skip
    lives = data.order_events.join(wanted, on="order_id", how="semi").sort("at").group_by("order_id").agg(
        events=pl.col("status").cast(pl.String).str.join(" → ")
    )  # fmt: skip
    orders = data.orders.join(wanted, on="order_id", how="semi")
    joined = orders.join(filled, on="order_id", how="left").join(lives, on="order_id", how="left")
    return joined.sort("at").select(
        "at", "side", "order_type", "amount_base", "price_quote", "filled_base", "events", "last_status",
        "order_id",
    )  # fmt: skip


def executor_spans(data: PerformanceDataSource, answer: Overview, connector: str, pair: str) -> pl.DataFrame:
    """Executors of a market from their first fill to their last.

    Returns
    -------
    pl.DataFrame
        ``executor_id, controller_id, close_type, entry_at, exit_at, entry_quote, exit_quote, net_quote``,
        a row an executor that traded in this view. Net is after fees, and null where the executor is not
        flat: it then has no PnL of its own.
    """
    if not data.height("executors"):
        return _NO_SPANS
    ledger = lean_view_of(data, answer.chosen, answer.conventions).ledger
    flow = ledger.flow
    rows = pl.DataFrame({
        **{name: ledger.column(name) for name in ("executor_id", "controller_id", "close_type")},
        **{name: ledger.column(name) for name in ("connector", "pair", "price_quote", "at")},
        "net": flow.cash_moves - flow.fee, "qty": flow.qty,
    })  # fmt: skip
    mine = rows.filter(
        pl.col("connector") == connector, pl.col("pair") == pair, pl.col("executor_id").is_not_null()
    ).sort("at", maintain_order=True)
    qty = pl.col("qty")
    return mine.group_by("executor_id", maintain_order=True).agg(
        pl.col("controller_id", "close_type").first(),
        entry_at=pl.col("at").first(), exit_at=pl.col("at").last(),
        entry_quote=pl.col("price_quote").first(), exit_quote=pl.col("price_quote").last(),
        net_quote=pl.when(qty.sum().abs() <= _FLAT * qty.abs().sum()).then(pl.col("net").sum()),
    )  # fmt: skip
