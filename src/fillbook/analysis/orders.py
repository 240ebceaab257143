"""What became of every order, found once for all filters (DEFINITIONS C8)."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from fillbook.metrics.execution import classify_orders

_ENDS = {
    "completed": ("BuyOrderCompleted", "SellOrderCompleted"), "cancelled": ("OrderCancelled",),
    "expired": ("OrderExpired",), "failed": ("OrderFailure",),
}  # fmt: skip
_FILTERED = ("bot", "connector", "pair", "side", "at", "controller_id", "close_type")


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
        ``order_filled`` in base, ``order_price`` (limit price, else average fill price, else NaN),
        ``order_is_market``, and the columns of the orders that filters ask for.
    """
    orders = tables["orders"]
    value = pl.col("amount_base") * pl.col("price_quote")
    filled = (
        tables["fills"].lazy().group_by("order_id")
        .agg(filled=pl.col("amount_base").sum(), value=value.sum())
    )  # fmt: skip
    joined = (
        orders.lazy()
        .join(filled, on="order_id", how="left", maintain_order="left")
        .join(_ends(tables["order_events"]), on="order_id", how="left", maintain_order="left")
        .with_columns(pl.col("filled").fill_null(0.0))
        .with_columns(
            (pl.col(name).fill_null(value=False) | pl.col("last_status").is_in(words)).alias(name)
            for name, words in _ENDS.items()
        )
        .collect()
    )
    codes = classify_orders(*(joined[name].to_numpy() for name in ("filled", "amount_base", *_ENDS)))
    return joined.select(
        *(name for name in _FILTERED if name in joined.columns),
        pl.Series("order_class", codes),
        order_amount="amount_base",
        order_filled="filled",
        order_price=pl.col("price_quote")
        .fill_null(pl.col("value") / pl.col("filled"))
        .fill_null(float("nan")),
        order_is_market=pl.col("order_type") == "MARKET",
    )


def _ends(events: pl.DataFrame) -> pl.LazyFrame:
    """Which terminal events each order had."""
    status = pl.col("status")
    every = [word for words in _ENDS.values() for word in words]
    return (
        events.lazy().filter(status.is_in(every)).group_by("order_id")
        .agg(status.is_in(words).any().alias(name) for name, words in _ENDS.items())
    )  # fmt: skip
