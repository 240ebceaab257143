"""Which rows have been seen before, by 64 bits of hash: asked by the batch, not by the history."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from fillbook.arrays import Ints

_RUNS = 8  # sorted runs kept before they are merged
_NOBODY = -1


@dataclass(slots=True)
class Keys:
    """Hashes and their owners in a few sorted runs; a look-up costs the logarithm of what is held.

    Two rows may share a hash by chance: who asks must compare the rows themselves.
    """

    runs: list[tuple[np.ndarray, Ints]] = field(default_factory=list)

    def add(self, hashes: np.ndarray, owners: Ints) -> None:
        """Remember hashes; of one that is there already, the first owner stays."""
        if not hashes.size:
            return
        self.runs.append(_sorted(hashes, owners))
        while len(self.runs) > 1 and (
            len(self.runs) > _RUNS or self.runs[-1][0].size * 2 >= self.runs[-2][0].size
        ):
            (one, owner), (other, other_owner) = self.runs[-2:]
            self.runs[-2:] = [_sorted(np.concatenate([one, other]), np.concatenate([owner, other_owner]))]

    def owners(self, hashes: np.ndarray) -> Ints:
        """Owner of each hash, −1 where it has not been seen."""
        found = np.full(hashes.size, _NOBODY, np.int64)
        for held, owner in self.runs:
            place = np.minimum(np.searchsorted(held, hashes), held.size - 1)
            found = np.where((found == _NOBODY) & (held[place] == hashes), owner[place], found)
        return found


def _sorted(hashes: np.ndarray, owners: Ints) -> tuple[np.ndarray, Ints]:
    order = np.argsort(hashes, kind="stable")
    return hashes[order], owners[order]


def hashed(rows: pl.DataFrame, *columns: str | pl.Expr) -> np.ndarray:
    """Hash of some columns of each row, the same in every frame: labels are hashed as their text."""
    picked = rows.select(columns)
    labels = [name for name, dtype in picked.schema.items() if dtype == pl.Categorical]
    texts = picked.with_columns(pl.col(labels).cast(pl.String)) if labels else picked
    return texts.hash_rows(seed=7).to_numpy()
