"""Level of each order: as its executor names it, else its rank among the quotes of one tick and side."""

from __future__ import annotations

import numpy as np
import polars as pl

from fillbook.arrays import Ints
from fillbook.ledger.codes import label_codes

AT_MARKET = "market"
_DEEPEST = 10  # ranks from here on share a name


def order_levels(orders: pl.DataFrame, executors: pl.DataFrame) -> tuple[Ints, tuple[str, ...]]:
    """Level of each order.

    Parameters
    ----------
    orders, executors
        Canonical tables.

    Returns
    -------
    Index of each order's level, shape (n,), and the names: ranks counted from 1 at the innermost quote,
    then the names executors give, then ``market``.
    """
    named = _named(orders, executors)
    rank = _ranks(orders)
    text = pl.when(orders["order_type"] == "MARKET").then(pl.lit(AT_MARKET)).otherwise(
        pl.coalesce(named, rank)
    )  # fmt: skip
    labels = pl.select(text.cast(pl.Categorical).alias("level")).to_series()
    known = labels.unique(maintain_order=True)
    names = known.cast(pl.String).to_list()
    order = sorted(range(len(names)), key=lambda i: _place(names[i]))
    place = np.empty(len(names), np.int64)
    place[order] = np.arange(len(names))
    return place[label_codes([labels])[0]], tuple(names[i] for i in order)


def _place(name: str) -> tuple[int, int, str]:
    """Ranks by number, then names, the market last; numbers inside a name count as numbers."""
    if name == AT_MARKET:
        return (2, 0, name)
    digits = "".join(c for c in name if c.isdigit())
    is_rank = name.rstrip("+").isdigit()
    return (0 if is_rank else 1, int(digits or 0) if is_rank else 0, name)


def _named(orders: pl.DataFrame, executors: pl.DataFrame) -> pl.Series:
    """Level id of each order's executor, null where it has none."""
    levels = executors.filter(pl.col("level_id").is_not_null())
    if levels.is_empty():
        return pl.Series("level", [None], dtype=pl.String).new_from_index(0, orders.height)
    known = levels.select("executor_id", level=pl.col("level_id").cast(pl.String)).unique("executor_id")
    mine = orders.select(pl.col("executor_id").cast(pl.String))
    return mine.join(known, on="executor_id", how="left", maintain_order="left")["level"]


def _ranks(orders: pl.DataFrame) -> pl.Series:
    """Rank of each order among those of its bot, market, tick and side, innermost first."""
    keys = ["bot", "connector", "pair", "at", "side"]
    depth = -pl.col("side").cast(pl.Float64) * pl.col("price_quote")
    ordered = orders.select(*keys, depth=depth).with_row_index("row").sort(*keys, "depth", nulls_last=True)
    fresh = pl.any_horizontal(pl.col(key).ne_missing(pl.col(key).shift(1)) for key in keys)
    place = pl.int_range(pl.len())
    start = pl.when(fresh.fill_null(value=True) | (place == 0)).then(place).forward_fill()
    ranked = ordered.select("row", rank=place - start + 1).sort("row")
    shown = pl.when(pl.col("rank") < _DEEPEST).then(pl.col("rank").cast(pl.String))
    return ranked.select(rank=shown.otherwise(pl.lit(f"{_DEEPEST}+")))["rank"]
