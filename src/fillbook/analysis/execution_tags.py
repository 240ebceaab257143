"""What fills and orders are grouped by: side, level, size, spread, hour …, as codes and names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fillbook.analysis.kernels import distance_bands, hours_of, occurring, renumbered
from fillbook.analysis.levels import AT_MARKET, rank_names
from fillbook.arrays import Floats
from fillbook.ledger.codes import label_codes

UNKNOWN = "unknown"
_SIZES = ("smallest fifth", "second fifth", "middle fifth", "fourth fifth", "largest fifth")
_SPREADS_BPS = (0.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_BANDS = (
    "through the mid", *(f"{low:g}–{high:g} bps" for low, high in pairwise(_SPREADS_BPS)),
    f"over {_SPREADS_BPS[-1]:g} bps",
)  # fmt: skip
_HOURS = tuple(f"{hour:02d}" for hour in range(24))
_SIDES = ("BUY", "SELL")
FILL_BY = ("side", "level", "size", "hour", "liquidity", "pair", "controller")
ORDER_BY = ("order_type", "side", "level", "spread", "hour", "pair", "controller")


@dataclass(frozen=True, slots=True)
class Tags:
    """Group of each row: index into `names`, −1 where it has none. Every name occurs."""

    names: tuple[str, ...]
    code: NDArray[np.int32]

    @classmethod
    def of(cls, names: tuple[str, ...], code: NDArray[np.integer[Any]]) -> Tags:
        """Keep the names that occur, in their order."""
        present = np.flatnonzero(occurring(code, len(names)))
        place = np.full(len(names) + 1, -1, np.int32)
        place[present] = np.arange(present.size)
        return cls(tuple(names[i] for i in present), renumbered(code, place))

    def complete(self) -> Tags:
        """The same with a group for those that have none, so that the groups add up to the whole."""
        if (self.code >= 0).all():
            return self
        named = np.where(self.code < 0, np.int32(len(self.names)), self.code)
        return Tags((*self.names, UNKNOWN), named)

    @classmethod
    def of_labels(cls, labels: pl.Series) -> Tags:
        """Names of a categorical or text column: numbers by size, then the rest by name."""
        if labels.is_empty():
            return cls((), np.zeros(0, np.int32))
        code, first = label_codes([labels.cast(pl.Categorical)])
        found = [labels[int(row)] for row in first]
        order = sorted(
            (i for i, name in enumerate(found) if name is not None), key=lambda i: name_order(found[i])
        )
        place = np.full(len(found), -1, np.int32)
        place[order] = np.arange(len(order))
        return cls(tuple(str(found[i]) for i in order), renumbered(code, place))


def name_order(name: str) -> tuple[int, int, str]:
    """Numbers by size, then the rest by name."""
    digits = name.rstrip("+")
    return (0, int(digits), name) if digits.isdigit() else (1, 0, name)


def fill_tags(fills: pl.DataFrame) -> Iterator[tuple[str, Tags]]:
    """Groups of the fills of `execution_tables.fill_table`, one grouping after the other."""
    yield "side", _side(fills)
    yield "level", Tags.of_labels(fills["level"])
    yield "size", _fifths((fills["amount_base"] * fills["price_quote"] * fills["rate"]).to_numpy())
    yield "hour", _hour(fills["at"])
    yield "liquidity", Tags.of_labels(fills["liquidity"])
    yield "pair", Tags.of_labels(fills["pair"])
    yield "controller", Tags.of_labels(fills["controller_id"])


def order_tags(orders: pl.DataFrame, *, links_omit_cancelled: bool) -> Iterator[tuple[str, Tags]]:
    """Groups of the orders of `execution_tables.order_lives`, one grouping after the other.

    Where executors name only orders that filled, levels are ranks and there are no controllers: a rate of
    such a group would be 1 by its making.
    """
    yield "order_type", Tags.of_labels(orders["order_type"])
    yield "side", _side(orders).complete()
    by_rank = Tags.of(*_ranks(orders))
    yield "level", (by_rank if links_omit_cancelled else Tags.of_labels(orders["level"])).complete()
    yield "spread", _bands(orders).complete()
    yield "hour", _hour(orders["created_at"])
    yield "pair", Tags.of_labels(orders["pair"])
    known = Tags.of((), np.full(orders.height, -1, np.int32))
    yield "controller", known if links_omit_cancelled else Tags.of_labels(orders["controller_id"])


def _ranks(orders: pl.DataFrame) -> tuple[tuple[str, ...], NDArray[np.integer[Any]]]:
    """Ranks of the limit orders, and the market."""
    names, code = rank_names(orders["rank"].to_numpy())
    return (*names, AT_MARKET), np.where(orders["order_is_market"].to_numpy(), len(names), code)


def _side(rows: pl.DataFrame) -> Tags:
    place = np.array([-1, 0, 1], np.int8)  # of no side, buys, and, from the end, sells
    return Tags.of(_SIDES, renumbered(rows["side"].fill_null(0).to_numpy(), place))


def _hour(at: pl.Series) -> Tags:
    """Hour of the day, UTC."""
    return Tags.of(_HOURS, hours_of(at.to_physical().to_numpy()))


def _fifths(worth: Floats) -> Tags:
    """Fifths by value; ties stay together, so a fifth may be empty."""
    known = np.isfinite(worth)
    if not known.any():
        return Tags.of(_SIZES, np.full(worth.size, -1))
    edges = np.quantile(worth[known], [0.2, 0.4, 0.6, 0.8])
    return Tags.of(_SIZES, np.where(known, np.searchsorted(edges, worth, side="left"), -1))


def _bands(orders: pl.DataFrame) -> Tags:
    """Bands of the distance of the limit from the mid at creation."""
    side, limit, mid = (
        orders[name].fill_null(blank).to_numpy()
        for name, blank in (("side", 0), ("limit_quote", np.nan), ("arrival_quote", np.nan))
    )
    return Tags.of(_BANDS, distance_bands(side, limit, mid, np.array(_SPREADS_BPS)))
