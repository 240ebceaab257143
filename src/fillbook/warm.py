"""Compile and cache every kernel once, at set-up, so that nobody waits for a compiler."""

from __future__ import annotations

import numpy as np
import polars as pl

from fillbook.analysis.matching import Index, firsts, spans
from fillbook.ledger import kernels


def warm() -> None:
    """Fold a handful of fills with each kernel; numba keeps the machine code on disk."""
    book = np.zeros(4, np.int64)
    qty, price = np.array([1.0, 1.0, -1.5, -1.0]), np.array([10.0, 11.0, 12.0, 11.0])
    none, gap = np.zeros(4), np.full(4, np.nan)
    kernels.sum_by_book(book, qty, 1)
    kernels.sum_gains_and_losses(book, qty, 1)
    kernels.held_by_book(book, np.arange(book.size), qty, 1, 1)
    kernels.fold_average(book, qty, price, none)
    for newest_first in (False, True):
        kernels.fold_queue(book, qty, price, none, newest_first)
    kernels.fold_dearest(book, qty, price, none)
    kernels.fold_trips(book, qty, price, none, none, gap, gap, 0.0)
    rows = Index(pl.Series(["a", "b"])).rows(pl.Series(["b", "c"]))
    firsts(rows, np.zeros(2, np.int8), np.arange(2), 2, 1)
    spans(rows, np.arange(2), 2)


if __name__ == "__main__":
    warm()
