"""Numbers for combinations of labels, by look-up in small tables: labels are few, rows are many."""

from __future__ import annotations

import numpy as np
import polars as pl

from fillbook.arrays import Ints
from fillbook.ledger.kernels import number_labels, number_pairs

_INT16 = 32_768


def label_codes(columns: list[pl.Series]) -> tuple[Ints, Ints]:
    """Code of each row's combination of labels, in order of first appearance, and where that is.

    Parameters
    ----------
    columns
        Categoricals, enums or integers of one length n; a null is a label too.

    Returns
    -------
    codes, first
        Shapes (n,) and (n_combinations,). Codes are int16 where they fit: numpy sorts those by radix.
    """
    codes, first = number_labels(*_labels(columns[0]))
    for column in columns[1:]:
        other, places = number_labels(*_labels(column))
        if places.size > 1:  # one label in all rows tells nothing apart
            codes, first = number_pairs(codes, first.size, other, places.size)
    return codes.astype(np.int16 if first.size < _INT16 else np.int64), first


def _labels(column: pl.Series) -> tuple[np.ndarray, int, int]:
    """Number of each label, a null's the highest; the lowest, and how many there may be."""
    number = column.to_physical()
    if number.is_empty():
        return np.zeros(0, np.uint32), 0, 0
    low, high = int(number.min() or 0), int(number.max() or 0)  # type: ignore[arg-type]
    if number.dtype != pl.UInt32:
        number = number.cast(pl.Int64)
    told = number.fill_null(high + 1) if number.null_count() else number
    return told.to_numpy(), low, high - low + 2
