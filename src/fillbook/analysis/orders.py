"""What became of every order, found once for all filters (DEFINITIONS C8)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from fillbook.analysis.matching import NEVER, Index, firsts, spans
from fillbook.arrays import Bools, Floats, Ints
from fillbook.ledger.codes import label_codes
from fillbook.metrics.execution import classify_orders
from fillbook.metrics.inputs import ORDER_CLASSES

INCOMPLETE = ORDER_CLASSES.index("FILLED_INCOMPLETE_DATA")
_ENDS = {
    "completed": ("BuyOrderCompleted", "SellOrderCompleted"), "cancelled": ("OrderCancelled",),
    "expired": ("OrderExpired",), "failed": ("OrderFailure",),
}  # fmt: skip
_COMPLETED = 0  # place in `_ENDS`
_END_OF_CLASS = (_COMPLETED, _COMPLETED, 1, 2, 3)  # which event ends each class but the open one
_FILTERED = ("bot", "connector", "pair", "side", "at", "controller_id", "close_type", "quote")


def order_facts(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """A row an order: what a filter asks of it, and what the metrics of orders eat.

    An order counts with all its fills, also those outside a period that holds its creation.

    Parameters
    ----------
    tables
        Canonical tables: orders, order_events, fills.

    Returns
    -------
    pl.DataFrame
        ``order_class`` (index into `metrics.inputs.ORDER_CLASSES`), ``order_amount`` and
        ``order_filled`` in base, ``order_price`` (mean over the pair's orders of limit price, else average
        fill price: orders of one pair weigh by quantity; NaN where a pair has neither), ``order_is_market``,
        and the columns of the orders that filters ask for. ``order_row`` is its row in the canonical table,
        ``order_average`` the average price of its fills, ``order_n_fills`` their number, ``order_coins``
        their base where amounts are inverse contracts (Σ amount / price), ``first_fill_us`` and
        ``last_fill_us`` their ticks, ``stopped_us`` the first event that cancelled, expired or failed it, and
        ``ended_us`` its terminal event (the last fill of a filled order without one); null where there is
        none.
    """
    orders, fills, n = tables["orders"], tables["fills"], tables["orders"].height
    index = Index(orders["order_id"])
    row = index.rows(fills["order_id"])
    mine = row >= 0
    amount, price = fills["amount_base"].to_numpy(), fills["price_quote"].to_numpy()
    filled, value, coins, n_fills = (
        np.bincount(row[mine], weights=weights, minlength=n).astype(np.float64)
        for weights in (amount[mine], (amount * price)[mine], (amount / price)[mine], None)
    )
    first, last = spans(row, _us(fills["at"]), n)
    ends = _ends(tables["order_events"], index, n)
    has_ended = [times != NEVER for times in ends]
    flags = [a | b for a, b in zip(has_ended, _said_last(orders), strict=True)]
    classes = classify_orders(filled, orders["amount_base"].to_numpy(), *flags)
    average = np.where(filled > 0.0, value / np.where(filled > 0.0, filled, 1.0), np.nan)
    return orders.select(
        *(name for name in _FILTERED if name in orders.columns),
        order_class=pl.Series(classes.astype(np.int8)), order_amount="amount_base",
        order_filled=pl.Series(filled),
        order_price=pl.Series(_pair_prices(orders, average)),
        order_is_market=pl.col("order_type") == "MARKET",
        order_row=pl.int_range(pl.len(), dtype=pl.UInt32),
        order_average=pl.Series(average).fill_nan(None), order_n_fills=pl.Series(n_fills.astype(np.int32)),
        order_coins=pl.Series(coins), stopped_us=_known(stopped := ends[1:].min(axis=0), stopped != NEVER),
        first_fill_us=_known(first, n_fills > 0), last_fill_us=_known(last, n_fills > 0),
        ended_us=_ended(classes, ends, has_ended, np.where(n_fills > 0, last, NEVER), orders["updated_at"]),
    )  # fmt: skip


def _pair_prices(orders: pl.DataFrame, average: Floats) -> Floats:
    """Mean of the limit prices, else average fill prices, of each order's pair; NaN where it has none."""
    limit = orders["price_quote"].fill_null(np.nan).to_numpy()
    price = np.where(np.isnan(limit), average, limit)
    known = ~np.isnan(price)
    code, first = label_codes([orders["pair"]]) if price.size else (np.zeros(0, np.int64), np.zeros(0))
    sums, n = (np.bincount(code[known], weights=w, minlength=first.size) for w in (price[known], None))
    return np.where(n > 0, sums / np.maximum(n, 1), np.nan)[code]


def _us(times: pl.Series) -> Ints:
    return times.dt.timestamp("us").to_numpy()


def _known(values: Ints, chosen: Bools) -> pl.Series:
    """The values; null where not chosen."""
    return pl.select(pl.when(pl.Series(chosen)).then(pl.Series(values))).to_series()


def _ends(events: pl.DataFrame, index: Index, n: int) -> Ints:
    """When each order had its first event of each terminal kind, shape (4, n)."""
    kind_of = {word: i for i, words in enumerate(_ENDS.values()) for word in words}
    kinds = pl.col("status").cast(pl.String).replace_strict(kind_of, default=None, return_dtype=pl.Int8)
    known = events.select(pl.col("status").unique()).with_columns(kind=kinds).drop_nulls()
    ended = events.select("order_id", "at", "status").join(known, on="status", how="inner")
    return firsts(index.rows(ended["order_id"]), ended["kind"].to_numpy(), _us(ended["at"]), n, len(_ENDS))


def _said_last(orders: pl.DataFrame) -> list[Bools]:
    """Whether the last status the bot wrote is one of each terminal kind."""
    said = orders["last_status"]
    return [said.is_in(pl.Series(words, dtype=said.dtype).implode()).to_numpy() for words in _ENDS.values()]


def _ended(
    classes: Ints, ends: Ints, has_ended: list[Bools], last_fill: Ints, updated: pl.Series
) -> pl.Series:
    """Time of the event that ended each order: of its class, else the last the bot wrote; null while open."""
    written = updated.dt.timestamp("us").fill_null(NEVER).to_numpy()
    found = np.full(classes.size, NEVER, np.int64)
    for kind, event in enumerate(_END_OF_CLASS):
        otherwise = last_fill if ORDER_CLASSES[kind] == "FILLED" else written
        mine = classes == kind
        found[mine] = np.where(has_ended[event], ends[event], otherwise)[mine]
    return _known(found, found != NEVER)
