"""Which row of one table a row of another names, by id; and what the events of many orders say.

Ids are compared by 128 bits of hash: two of a billion ids fall together once in 10²⁰ such tables.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from fillbook.analysis.kernels import fill_table, find_rows, first_times, span_times
from fillbook.arrays import Codes, Ints

_SEEDS = (0x5EED, 0xB00C)
NEVER = np.iinfo(np.int64).max


class Index:
    """Rows of a column of ids, the first of each."""

    def __init__(self, ids: pl.Series) -> None:
        """Hash every id once."""
        self._keys = _hashed(ids)
        size = 1 << max(int(2 * ids.len()).bit_length(), 4)
        self._table = fill_table(np.full(size, -1, np.int64), *self._keys)

    def rows(self, ids: pl.Series) -> Ints:
        """Row of each id, −1 where it is not there."""
        return np.asarray(find_rows(self._table, *self._keys, *_hashed(ids)))


def _hashed(ids: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    one, other = (ids.hash(seed).to_numpy() for seed in _SEEDS)
    return one, other


def firsts(row: Ints, kind: Codes, at: Ints, n_rows: int, n_kinds: int) -> Ints:
    """Earliest time of each kind of event of each row, shape (n_kinds, n_rows); `NEVER` where none.

    Parameters
    ----------
    row, kind, at
        Per event: row it belongs to (−1: none), kind, time.
    """
    return np.asarray(first_times(row, kind, at, np.full((n_kinds, n_rows), NEVER, np.int64)))


def spans(row: Ints, at: Ints, n_rows: int) -> tuple[Ints, Ints]:
    """First and last time of each row's events; `NEVER` and −`NEVER` where it has none."""
    first, last = np.full(n_rows, NEVER, np.int64), np.full(n_rows, -NEVER, np.int64)
    span_times(row, at, first, last)
    return first, last
