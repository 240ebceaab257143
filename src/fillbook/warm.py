"""Compile and cache every kernel once, at set-up, so that nobody waits for a compiler."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from fillbook.analysis.execution import execution
from fillbook.ledger import kernels
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.testing.tables import START, table


def warm() -> None:
    """Fold a handful of fills with each kernel; numba keeps the machine code on disk."""
    book = np.zeros(4, np.int64)
    qty, price = np.array([1.0, 1.0, -1.5, -1.0]), np.array([10.0, 11.0, 12.0, 11.0])
    none, gap = np.zeros(4), np.full(4, np.nan)
    kernels.sum_by_book(book, qty, 1)
    kernels.sum_gains_and_losses(book, qty, 1)
    kernels.held_by_book(book, np.arange(book.size), qty, 1, 1)
    folded = kernels.fold_average(book, qty, price, none)
    kernels.fold_on(book, qty, price, none, np.array([2]), *folded)
    for values in (book, qty):
        kernels.splice(values, np.array([0]), np.array([2]), values[2:], book[2:])
    for newest_first in (False, True):
        kernels.fold_queue(book, qty, price, none, newest_first)
    kernels.fold_dearest(book, qty, price, none)
    kernels.fold_trips(book, qty, price, none, none, gap, gap, 0.0)
    execution(_traded())


def _traded() -> PerformanceDataSource:
    """Two quotes of a maker, one of them filled, in a market with quotes: as its answer meets the kernels."""
    moments = [START + timedelta(seconds=second) for second in range(4)]
    return PerformanceDataSource.from_tables({
        "orders": table("orders", order_id=["a", "b"], side=[1, -1], at=moments[1], updated_at=moments[3]),
        "order_events": table(
            "order_events", order_id=["a", "b"], at=moments[3], status=["BuyOrderCompleted", "OrderCancelled"]
        ),
        "fills": table("fills", order_id=["a"], at=moments[2]),
        "quotes": table("quotes", at=moments, bid_quote=99.0, ask_quote=101.0),
    })  # fmt: skip


if __name__ == "__main__":
    warm()
