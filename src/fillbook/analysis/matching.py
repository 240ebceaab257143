"""Which row of one table a row of another names, by id.

Ids are compared by 128 bits of hash: two of a billion ids fall together once in 10²⁰ such tables.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from fillbook.analysis.kernels import fill_table, find_rows
from fillbook.arrays import Ints

_SEEDS = (0x5EED, 0xB00C)


class Index:
    """Rows of a column of ids, the first of each."""

    def __init__(self, ids: pl.Series) -> None:
        """Hash every id once."""
        self._keys = _hashed(ids)
        size = 1 << max(int(2 * ids.len()).bit_length(), 4)
        self._table, self._is_unique = fill_table(np.full(size, -1, np.int32), *self._keys)

    def rows(self, ids: pl.Series) -> Ints:
        """Row of each id, −1 where it is not there."""
        return np.asarray(find_rows(self._table, *self._keys, *_hashed(ids), self._is_unique))


def _hashed(ids: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    one, other = (ids.hash(seed).to_numpy() for seed in _SEEDS)
    return one, other
