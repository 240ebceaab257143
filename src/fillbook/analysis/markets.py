"""Rows of a table by market."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from fillbook.arrays import Ints
from fillbook.ledger.codes import label_codes


def by_market(table: pl.DataFrame) -> Iterator[tuple[str, str, Ints]]:
    """Connector, pair (blank where missing) and row numbers, ascending, of each market of a table."""
    if table.is_empty():
        return
    codes, first = label_codes([table["connector"], table["pair"]])
    order = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[order], np.arange(first.size + 1))
    for i, row in enumerate(first):
        names = (table[name][int(row)] or "" for name in ("connector", "pair"))
        yield (*map(str, names), order[edges[i] : edges[i + 1]])  # type: ignore[misc]
