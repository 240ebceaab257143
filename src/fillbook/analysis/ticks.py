"""Orders a bot placed on one market at one tick of its clock: what its quotes say together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fillbook.analysis.kernels import tick_quotes, tick_ranks
from fillbook.arrays import Bools, Codes, Floats, Ints
from fillbook.ledger.codes import label_codes

_NAMES = ("bot", "connector", "pair", "controller_id")


@dataclass(frozen=True, slots=True)
class Ticks:
    """Orders grouped by bot, market, controller and tick.

    Parameters
    ----------
    order
        Rows of the orders, group by group, shape (n,).
    start
        Place in `order` at which each group begins, shape (n_groups,).
    """

    order: NDArray[np.int32]
    start: NDArray[np.int32]

    @classmethod
    def of(cls, orders: pl.DataFrame) -> Ticks:
        """Group canonical orders."""
        if orders.is_empty():
            none = np.zeros(0, np.int32)
            return cls(none, none)
        code, _ = label_codes([orders[name] for name in _NAMES])
        at = orders["at"].dt.timestamp("us").to_numpy()
        order = np.argsort(code, kind="stable")
        code, at = code[order], at[order]
        if ((np.diff(at) < 0) & (np.diff(code) == 0)).any():
            again = np.lexsort((at, code))
            order, code, at = order[again], code[again], at[again]
        fresh = np.concatenate([[True], (np.diff(code) != 0) | (np.diff(at) != 0)])
        return cls(order.astype(np.int32), np.flatnonzero(fresh).astype(np.int32))

    def quotes(self, side: Codes, price: Floats) -> tuple[Floats, Floats, Ints]:
        """Best bid and ask of each group (∓∞ where it has none), and how many more buys than sells."""
        return tick_quotes(self.order, self.start, side, price)  # type: ignore[no-any-return]

    def ranks(self, side: Codes, price: Floats) -> tuple[NDArray[np.int32], Bools]:
        """Rank of each order's price among those of its group and side, and whether that quoted both sides.

        In the order of the table. Equal prices share a rank, 1 the innermost; 0 where an order has no price
        or no side.
        """
        return tick_ranks(self.order, self.start, side, price)  # type: ignore[no-any-return]


def sides(orders: pl.DataFrame) -> Codes:
    """±1 of each order; 0 where nothing says."""
    return orders["side"].fill_null(0).to_numpy()


def limits(orders: pl.DataFrame) -> Floats:
    """Limit price of each order; NaN where it has none."""
    return orders["price_quote"].fill_null(np.nan).to_numpy()
