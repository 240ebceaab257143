"""Round trips: from flat to flat, with fees, funding, and the best and worst of their path."""

from __future__ import annotations

import numpy as np
import polars as pl

from fillbook.arrays import Floats
from fillbook.ledger.flow import Flow
from fillbook.ledger.kernels import TRIP_FIELDS, fold_trips
from fillbook.ledger.rates import Series

_US = 1e6


def _extremes(flow: Flow, paths: list[Series | None]) -> tuple[Floats, Floats]:
    """Lowest and highest unit mark from each fill to the next of its book, NaN where none; or empty."""
    if all(path is None for path in paths):
        return np.zeros(0), np.zeros(0)
    low, high = np.full(flow.at.size, np.nan), np.full(flow.at.size, np.nan)
    for rows, path in zip(flow.slices(), paths, strict=True):
        if path is None or path.at.size == 0 or rows.stop - rows.start < 2:
            continue
        edges = np.searchsorted(path.at, flow.at[rows], side="right")
        start, stop = edges[:-1], np.searchsorted(path.at, flow.at[rows][1:], side="left")
        has = np.flatnonzero(stop > start)
        if has.size == 0:
            continue
        cuts = np.column_stack([start[has], stop[has]]).ravel()
        padded = np.append(path.price, path.price[-1])
        low[rows.start + has] = np.minimum.reduceat(padded, cuts)[::2]
        high[rows.start + has] = np.maximum.reduceat(padded, cuts)[::2]
    return low, high


def fold_round_trips(flow: Flow, *, dust: float, paths: list[Series | None]) -> pl.DataFrame:
    """Round trips of all books, a row each, columns `kernels.TRIP_FIELDS`, values in settlement units.

    Parameters
    ----------
    flow
        Fills of all books.
    dust
        Residual position in base that ends a trip and is carried at its own cost.
    paths
        Per book: unit prices between the fills for MAE and MFE; None uses the fills alone.
    """
    low, high = _extremes(flow, paths)
    rows = fold_trips(flow.book, flow.qty, flow.unit, flow.fee_base, flow.fee, low, high, dust)
    return pl.DataFrame(rows, schema=[(name, pl.Float64) for name in TRIP_FIELDS]).with_columns(
        pl.col("book", "entry_fill", "exit_fill", "n_fills").cast(pl.Int64),
        pl.col("side").cast(pl.Int8),
        pl.col("is_open").cast(pl.Boolean),
    )


def funding_of_trips(trips: pl.DataFrame, flow: Flow, funding: pl.DataFrame) -> tuple[Floats, float]:
    """Funding paid while each trip was open (start ≤ t < end), and what fell outside all of them."""
    total = np.zeros(trips.height)
    left_over = 0.0
    when = funding["at"].dt.timestamp("us").to_numpy()
    amount = funding["amount_quote"].to_numpy()
    code = funding["book"].to_numpy()
    trip_book = trips["book"].to_numpy()
    entry = flow.at[trips["entry_fill"].to_numpy()] if trips.height else np.zeros(0)
    exit_fill = trips["exit_fill"].to_numpy()
    leaves = (
        np.where(exit_fill >= 0, flow.at[np.maximum(exit_fill, 0)], np.iinfo(np.int64).max)
        if trips.height
        else entry
    )
    for i in range(when.size):
        mine = np.flatnonzero((trip_book == code[i]) & (entry <= when[i]) & (when[i] < leaves))
        if mine.size:
            total[mine[-1]] += amount[i]
        else:
            left_over += amount[i]
    return total, left_over


def average_price(value: pl.Expr, base: pl.Expr, *, is_inverse: pl.Expr) -> pl.Expr:
    """Quote price of a sum of unit prices over a sum of base: harmonic for inverse contracts."""
    unit = value / base
    return pl.when(base > 0.0).then(pl.when(is_inverse).then(-1.0 / unit).otherwise(unit))
