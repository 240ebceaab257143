"""What became of every order, found once for all filters (DEFINITIONS C8)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from fillbook.metrics.execution import classify_orders
from fillbook.metrics.inputs import ORDER_CLASSES

INCOMPLETE = ORDER_CLASSES.index("FILLED_INCOMPLETE_DATA")
_ENDS = {
    "completed": ("BuyOrderCompleted", "SellOrderCompleted"), "cancelled": ("OrderCancelled",),
    "expired": ("OrderExpired",), "failed": ("OrderFailure",),
}  # fmt: skip
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
        and the columns of the orders that filters ask for. ``order_row`` is its
        row in the canonical table, ``order_average`` the average price of its fills,
        ``order_n_fills`` their number, ``first_fill_us`` and ``last_fill_us`` their ticks, and
        ``ended_us`` its terminal event (the last fill of a filled order without one); null where
        there is none.
    """
    price, amount = pl.col("price_quote"), pl.col("amount_base")
    at = pl.col("at").dt.timestamp("us")
    filled = (
        tables["fills"].lazy().group_by("order_id")
        .agg(
            filled=amount.sum(), value=(amount * price).sum(), order_n_fills=pl.len(),
            first_fill_us=at.min(), last_fill_us=at.max(),
        )
    )  # fmt: skip
    joined = (
        tables["orders"].lazy()
        .join(filled, on="order_id", how="left", maintain_order="left")
        .join(_ends(tables["order_events"]), on="order_id", how="left", maintain_order="left")
        .with_columns(pl.col("filled", "order_n_fills").fill_null(0))
        .with_columns(
            (pl.col(f"{name}_us").is_not_null() | pl.col("last_status").is_in(words)).alias(name)
            for name, words in _ENDS.items()
        )
        .collect()
    )  # fmt: skip
    codes = classify_orders(*(joined[name].to_numpy() for name in ("filled", "amount_base", *_ENDS)))
    classed = joined.with_columns(pl.Series("order_class", codes))
    average = pl.col("value") / pl.when(pl.col("filled") > 0.0).then(pl.col("filled"))
    return classed.select(
        *(name for name in _FILTERED if name in classed.columns),
        "order_class",
        order_amount="amount_base",
        order_filled="filled",
        order_price=price.fill_null(average).mean().over("pair").fill_null(np.nan),
        order_is_market=pl.col("order_type") == "MARKET",
        order_row=pl.int_range(pl.len(), dtype=pl.UInt32),
        order_average=average,
        order_n_fills="order_n_fills",
        first_fill_us="first_fill_us",
        last_fill_us="last_fill_us",
        ended_us=_ended(),
    )


def _ended() -> pl.Expr:
    """Time of the event that ended an order: of its class, else the last the bot wrote; null while open."""
    last = pl.col("updated_at").dt.timestamp("us")
    of_class = {
        "FILLED": pl.coalesce("completed_us", "last_fill_us"),
        "FILLED_INCOMPLETE_DATA": pl.coalesce("completed_us", last),
        "CANCELLED": pl.coalesce("cancelled_us", last),
        "EXPIRED": pl.coalesce("expired_us", last),
        "FAILED": pl.coalesce("failed_us", last),
    }
    ended = pl.lit(None, dtype=pl.Int64)
    for name, when in of_class.items():
        ended = pl.when(pl.col("order_class") == ORDER_CLASSES.index(name)).then(when).otherwise(ended)
    return ended


def _ends(events: pl.DataFrame) -> pl.LazyFrame:
    """When each order had its first event of each terminal kind."""
    status, at = pl.col("status"), pl.col("at").dt.timestamp("us")
    every = [word for words in _ENDS.values() for word in words]
    return (
        events.lazy().filter(status.is_in(every)).group_by("order_id")
        .agg(at.filter(status.is_in(words)).min().alias(f"{name}_us") for name, words in _ENDS.items())
    )  # fmt: skip
