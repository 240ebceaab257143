"""Which executor placed a fill, by client order id and nothing else.

A fill that no executor names stays unlinked: guessing by time would give one bot's money to
another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

TAGS = ("controller_id", "executor_id", "close_type")
_NO_TAGS = pl.DataFrame(
    schema={"bot": pl.Categorical, "order_id": pl.String} | dict.fromkeys(TAGS, pl.Categorical)
)


def executor_tags(tables: Mapping[str, pl.DataFrame], bots: Mapping[int, str]) -> pl.DataFrame:
    """Executor, controller and close type by bot and order id, an order a row.

    Parameters
    ----------
    tables
        Canonical tables; reads ``executors`` and ``executor_orders``.
    bots
        Bot of each file.
    """
    if tables["executor_orders"].is_empty():
        return _NO_TAGS.clone()
    named = pl.DataFrame(
        {"source": list(bots), "bot": list(bots.values())},
        schema={"source": pl.Int64, "bot": pl.Categorical},
    )
    known = (
        tables["executors"]
        .select("executor_id", "controller_id", "close_type")
        .unique(subset="executor_id", keep="first", maintain_order=True)
    )
    tags = (
        tables["executor_orders"]
        .join(named, on="source", maintain_order="left")
        .select("bot", "order_id", "executor_id")
        .unique(subset=["bot", "order_id"], keep="first", maintain_order=True)
        .join(known, on="executor_id", maintain_order="left")
    )
    return tags.select("bot", "order_id", *(pl.col(name).cast(pl.Categorical) for name in TAGS))


def linked(rows: pl.DataFrame, tags: pl.DataFrame) -> pl.DataFrame:
    """`rows` (fills or orders) with the tags of the executor that placed their order."""
    if tags.is_empty() or rows.is_empty():
        return rows
    bots = set(tags["bot"].unique()) | set(rows["bot"].unique())
    on = ["order_id"] if len(bots) == 1 else ["bot", "order_id"]
    found = rows.select(on).join(tags, on=on, how="left", maintain_order="left")
    return rows.with_columns(found.select(TAGS))


def ambiguous_orders(tables: Mapping[str, pl.DataFrame]) -> int:
    """Orders that more than one executor claims."""
    claimed = tables["executor_orders"].select("order_id", "executor_id").unique()
    return claimed.height - claimed["order_id"].n_unique()
