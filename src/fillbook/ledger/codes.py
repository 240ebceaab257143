"""Numbers for combinations of labels, by look-up in small tables: labels are few, rows are many."""

from __future__ import annotations

import numpy as np
import polars as pl

from fillbook.arrays import Ints

_INT16 = 32_768


def label_codes(columns: list[pl.Series]) -> tuple[Ints, Ints]:
    """Code of each row's combination of labels, in order of first appearance, and where that is.

    Parameters
    ----------
    columns
        Categoricals or enums of one length n; a null is a label too.

    Returns
    -------
    codes, first
        Shapes (n,) and (n_combinations,). Codes are int16 where they fit: numpy sorts those by radix.
    """
    n = columns[0].len()
    codes, kinds = np.zeros(n, np.int64), 1
    for column in columns:
        if n and column.n_unique() == 1:
            continue  # one label in all rows tells nothing apart
        label = _physical(column)
        present = np.flatnonzero(np.bincount(label)) if n else label
        dense = np.zeros(int(present[-1]) + 1 if n else 1, np.int64)
        dense[present] = np.arange(present.size)
        codes, kinds = _dense(codes * present.size + dense[label]) if n else (codes, kinds)
    first = np.zeros(kinds if n else 0, np.int64)
    first[codes[::-1]] = np.arange(n - 1, -1, -1)
    appearance = np.argsort(first, kind="stable")
    rank = np.zeros(first.size, np.int16 if first.size < _INT16 else np.int64)
    rank[appearance] = np.arange(first.size)
    return np.asarray(rank[codes]), first[appearance]


def _physical(column: pl.Series) -> Ints:
    """Number of each label, from 1; 0 for a null."""
    number = column.to_physical()
    if number.null_count():
        return number.cast(pl.Int64).fill_null(-1).to_numpy() + 1
    return number.to_numpy().astype(np.int64) + 1


def _dense(codes: Ints) -> tuple[Ints, int]:
    """Codes without gaps, and how many there are."""
    present = np.flatnonzero(np.bincount(codes))
    table = np.zeros(int(present[-1]) + 1, np.int64)
    table[present] = np.arange(present.size)
    return table[codes], present.size
