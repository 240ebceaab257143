"""Orders a bot placed on one market at one tick of its clock: what its quotes say together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from fillbook.arrays import Bools, Floats, Ints
from fillbook.ledger.codes import label_codes

_NAMES = ("bot", "connector", "pair", "controller_id")


@dataclass(frozen=True, slots=True)
class Ticks:
    """Orders grouped by bot, market, controller and tick.

    Parameters
    ----------
    order
        Rows of the orders, group by group, shape (n,).
    tick
        Group of each of them, ascending, shape (n,).
    start
        Place in `order` at which each group begins, shape (n_groups,).
    """

    order: Ints
    tick: Ints
    start: Ints

    @classmethod
    def of(cls, orders: pl.DataFrame) -> Ticks:
        """Group canonical orders."""
        if orders.is_empty():
            none = np.zeros(0, np.int64)
            return cls(none, none, none)
        code, _ = label_codes([orders[name] for name in _NAMES])
        at = orders["at"].dt.timestamp("us").to_numpy()
        order = np.argsort(code, kind="stable")
        code, at = code[order], at[order]
        if ((np.diff(at) < 0) & (np.diff(code) == 0)).any():
            again = np.lexsort((at, code))
            order, code, at = order[again], code[again], at[again]
        fresh = np.concatenate([[True], (np.diff(code) != 0) | (np.diff(at) != 0)])
        return cls(order, np.cumsum(fresh) - 1, np.flatnonzero(fresh))

    def sums(self, values: Floats) -> Floats:
        """Sum of the values (in the order of the table) of each group."""
        return np.bincount(self.tick, weights=values[self.order], minlength=self.start.size).astype(
            np.float64
        )

    def greatest(self, values: Floats) -> Floats:
        """Greatest of the values of each group; −∞ counts as none."""
        return np.maximum.reduceat(values[self.order], self.start) if self.start.size else np.zeros(0)

    def of_each(self, values: Floats) -> Floats:
        """Value of its group for every order, in the order of the table."""
        found = np.empty(self.order.size)
        found[self.order] = values[self.tick]
        return found

    def is_two_sided(self, side: Floats) -> Bools:
        """Whether both sides were quoted at the tick of each order, in the order of the table."""
        both = (self.sums((side > 0.0).astype(float)) > 0.0) & (self.sums((side < 0.0).astype(float)) > 0.0)
        return self.of_each(both.astype(float)) > 0.0

    def ranks(self, side: Floats, price: Floats) -> Ints:
        """Rank of each order's price among those of its tick and side, 1 the innermost.

        Equal prices share a rank; 0 where an order has no price or no side.
        """
        rank = np.where(np.isnan(price) | np.isnan(side), 0, 1)
        for sign in (1.0, -1.0):
            mine = (side == sign) & ~np.isnan(price)
            count = self.of_each(self.sums(mine.astype(float)))
            rows = np.flatnonzero(mine & (count > 1.0))
            if rows.size == 0:
                continue
            tick = np.empty(self.order.size, np.int64)
            tick[self.order] = self.tick
            ordered = rows[np.lexsort((-sign * price[rows], tick[rows]))]
            fresh = np.concatenate([[True], np.diff(tick[ordered]) != 0])
            deeper = np.cumsum(fresh | np.concatenate([[True], np.diff(price[ordered]) != 0.0]))
            rank[ordered] = deeper - np.maximum.accumulate(np.where(fresh, deeper, 0)) + 1
        return rank


def sides(orders: pl.DataFrame) -> Floats:
    """±1 of each order; NaN where nothing says."""
    return orders["side"].cast(pl.Float64).fill_null(np.nan).to_numpy()


def limits(orders: pl.DataFrame) -> Floats:
    """Limit price of each order; NaN where it has none."""
    return orders["price_quote"].fill_null(np.nan).to_numpy()
