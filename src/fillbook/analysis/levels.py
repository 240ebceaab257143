"""Level of each order: as its executor names it, else its rank among the quotes of one tick and side."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

AT_MARKET = "market"
_DEEPEST = 10  # ranks from here on share a name


def rank_names(ranks: NDArray[np.integer[Any]]) -> tuple[tuple[str, ...], NDArray[np.integer[Any]]]:
    """Names of ranks, the deepest sharing one, and the place of each order's; −1 where it has no rank."""
    return (*map(str, range(1, _DEEPEST)), f"{_DEEPEST}+"), np.minimum(ranks, _DEEPEST) - 1


def order_levels(
    orders: pl.DataFrame, executors: pl.DataFrame, ranks: NDArray[np.int32]
) -> tuple[NDArray[np.int16], tuple[str, ...]]:
    """Level of each order.

    Parameters
    ----------
    orders, executors
        Canonical tables.
    ranks
        Rank of each order's price among the quotes of its tick and side.

    Returns
    -------
    Index of each order's level, shape (n,), −1 where neither an executor nor a limit price tells it, and the
    names: ranks counted from 1 at the innermost quote, quotes at one price sharing theirs, then the names
    executors give, then ``market``.
    """
    by_rank, rank = rank_names(ranks)
    names = [*by_rank, AT_MARKET]
    code = np.where((orders["order_type"] == "MARKET").to_numpy(), len(names) - 1, rank)
    level = _named(orders, executors)
    if level is not None:
        given = level.unique().drop_nulls().sort().to_list()
        told = level.cast(pl.Enum(given)).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
        code = np.where((told >= 0) & (code != len(names) - 1), told + len(names), code)
        names += given
    counts = np.bincount(code[code >= 0], minlength=len(names))
    present = sorted(np.flatnonzero(counts), key=lambda i: _place(names[i]))
    place = np.full(len(names) + 1, -1, np.int16)
    place[present] = np.arange(len(present))
    return np.asarray(place[code]), tuple(names[i] for i in present)


def _place(name: str) -> tuple[int, int, str]:
    """Ranks by number, then names, the market last; numbers inside a name count as numbers."""
    if name == AT_MARKET:
        return (2, 0, name)
    digits = "".join(c for c in name if c.isdigit())
    is_rank = name.rstrip("+").isdigit()
    return (0 if is_rank else 1, int(digits or 0) if is_rank else 0, name)


def _named(orders: pl.DataFrame, executors: pl.DataFrame) -> pl.Series | None:
    """Level id of each order's executor, null where it has none; None where no executor has one."""
    levels = executors.filter(pl.col("level_id").is_not_null())
    if levels.is_empty():
        return None
    known = levels.select("executor_id", level=pl.col("level_id").cast(pl.String)).unique("executor_id")
    mine = orders.select(pl.col("executor_id").cast(pl.String))
    return mine.join(known, on="executor_id", how="left", maintain_order="left")["level"]
