"""What became of every order, found once for all filters (DEFINITIONS C8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fillbook.analysis.kernels import NEVER, end_times, fold_fills, mean_prices, seen_kinds
from fillbook.analysis.matching import Index
from fillbook.arrays import Floats, Ints
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
_UTC = pl.Datetime("us", "UTC")
_FILTERED = ("bot", "connector", "pair", "side", "at", "controller_id", "close_type", "quote")


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What became of every order of the data.

    Parameters
    ----------
    table
        A row an order: ``order_class`` (index into `metrics.inputs.ORDER_CLASSES`), ``order_amount`` and
        ``order_filled`` in base, ``order_price`` (mean over the pair's orders of limit price, else average
        fill price: orders of one pair weigh by quantity; NaN where a pair has neither), ``order_is_market``,
        and the columns of the orders that filters ask for. ``order_row`` is its row in the canonical table,
        and ``ended_us`` its terminal event (the last fill of a filled order without one); null where there
        is none.
    filled
        A row an order with fills, by ``order_row``: ``contracts`` (the amount filled, as recorded),
        ``average_quote`` their average price, ``n_fills`` their number, ``coins`` their base where amounts
        are inverse contracts (Σ amount / price), ``first_fill_at`` and ``last_fill_at`` their ticks, and
        ``stopped_at`` the first event that cancelled, expired or failed it; null where there is none.
    of_fill
        Per fill, in the order of the canonical table: row of its order, −1 where the data has none.
    """

    table: pl.DataFrame
    filled: pl.DataFrame
    of_fill: Ints


def order_facts(tables: Mapping[str, pl.DataFrame]) -> OrderFacts:
    """Match fills and events with their orders.

    An order counts with all its fills, also those outside a period that holds its creation.

    Parameters
    ----------
    tables
        Canonical tables: orders, order_events, fills.
    """
    orders, fills, n = tables["orders"], tables["fills"], tables["orders"].height
    index = Index(orders["order_id"])
    row = index.rows(fills["order_id"])
    filled, average, coins, n_fills, first, last = fold_fills(
        row, fills["amount_base"].to_numpy(), fills["price_quote"].to_numpy(), _us(fills["at"]), n
    )
    classes, ended, stopped = _lives(tables, index, filled, last)
    table = orders.select(
        *(name for name in _FILTERED if name in orders.columns),
        order_class=pl.Series(classes), order_amount="amount_base", order_filled=pl.Series(filled),
        order_price=pl.Series(_pair_prices(orders, average)),
        order_is_market=pl.col("order_type") == "MARKET",
        order_row=pl.int_range(pl.len(), dtype=pl.UInt32), ended_us=_known(ended),
    )  # fmt: skip
    rows = np.flatnonzero(n_fills)
    told = pl.DataFrame({
        "order_row": rows.astype(np.uint32), "contracts": filled[rows],
        "average_quote": pl.Series(average[rows], nan_to_null=True), "n_fills": n_fills[rows],
        "coins": coins[rows], "first_fill_at": _known(first[rows]).cast(_UTC),
        "last_fill_at": _known(last[rows]).cast(_UTC), "stopped_at": _known(stopped[rows]).cast(_UTC),
    })  # fmt: skip
    return OrderFacts(table, told, row)


def _pair_prices(orders: pl.DataFrame, average: Floats) -> Floats:
    """Mean of the limit prices, else average fill prices, of each order's pair; NaN where it has none."""
    code, first = label_codes([orders["pair"]])
    limit = orders["price_quote"].fill_null(np.nan).to_numpy()
    return np.asarray(mean_prices(code, limit, average, first.size)[code])


def _us(times: pl.Series) -> Ints:
    return times.dt.timestamp("us").to_numpy()


def _known(times: Ints) -> pl.Series:
    """The times; null where there is none."""
    return pl.select(pl.when(pl.Series(times) != NEVER).then(pl.Series(times))).to_series()


def _kinds(status: pl.Series) -> NDArray[np.int8]:
    """Place in `_ENDS` of each status, −1 for what ends no order."""
    kind_of = {word: i for i, words in enumerate(_ENDS.values()) for word in words}
    names = status.unique().drop_nulls()
    physical = status.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    kinds = np.full(int(physical.max(initial=-1)) + 2, -1, np.int8)  # the last place is that of a null
    for name, code in zip(names.cast(pl.String), names.to_physical(), strict=True):
        kinds[code] = kind_of.get(name, -1)
    return np.asarray(kinds[physical])


def _lives(
    tables: Mapping[str, pl.DataFrame], index: Index, filled: Floats, last_fill: Ints
) -> tuple[NDArray[np.int8], Ints, Ints]:
    """Class of each order; the event that ended it (see `order_facts`); the first that stopped it."""
    orders, events = tables["orders"], tables["order_events"]
    kind = _kinds(events["status"])
    ended = events.select("order_id", "at", kind=pl.Series(kind)).filter(pl.col("kind") >= 0)
    row, kind, at = index.rows(ended["order_id"]), ended["kind"].to_numpy(), _us(ended["at"])
    said = _kinds(orders["last_status"])
    seen = seen_kinds(row, kind, orders.height)
    flags = [(seen & (1 << i) != 0) | (said == i) for i in range(len(_ENDS))]
    classes = classify_orders(filled, orders["amount_base"].to_numpy(), *flags)
    written = orders["updated_at"].dt.timestamp("us").fill_null(NEVER).to_numpy()
    otherwise = np.where(classes == ORDER_CLASSES.index("FILLED"), last_fill, written)
    wanted = np.array([*_END_OF_CLASS, -1], np.int8)[classes]
    return classes, *end_times(row, kind, at, wanted, otherwise)
