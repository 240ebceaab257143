"""What fills are told apart by when net PnL is divided: one tag a fill and dimension."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from fillbook.analysis.attribution_facts import MarketFacts
from fillbook.analysis.execution_tables import LIQUIDITY_OF
from fillbook.analysis.execution_tags import name_order
from fillbook.analysis.regimes import CLASSES, Kind
from fillbook.analysis.view import View
from fillbook.arrays import Codes, Ints
from fillbook.filters import UNLINKED

UNKNOWN, UNALLOCATED = "unknown", "unallocated"
HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
HOURS = tuple(f"{hour:02d}" for hour in range(24))
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_THURSDAY = 3  # 1 January 1970
COLUMN_OF: Mapping[str, str] = {
    "controller": "controller_id", "bot": "bot", "executor": "executor_id", "close_type": "close_type",
    "pair": "pair", "venue": "connector", "order_type": "order_type",
}  # fmt: skip
OF_BOOKS = ("bot", "pair", "venue")  # a payment names them itself
OF_TIME = ("hour", "weekday", *CLASSES)  # of the moment a fill was made
_LIQUIDITY = ("maker", "taker", UNKNOWN)
DIMENSIONS = (
    "controller", "bot", "level", "executor", "side", "close_type", "pair", "venue", "order_type",
    "liquidity", "hour", "weekday", *CLASSES,
)  # fmt: skip

DIMENSION_TEXT: Mapping[str, str] = {
    "controller": "controller", "bot": "bot", "level": "level", "executor": "executor", "side": "side",
    "close_type": "close type", "pair": "pair", "venue": "exchange", "order_type": "order type",
    "liquidity": "maker or taker", "hour": "hour (UTC)", "weekday": "weekday (UTC)",
    "volatility": "volatility of the market", "trend": "trend of the market",
    "market_volume": "volume of the market",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tagged:
    """Tag of each fill in the order of the flow, index into `names`; in their order where `is_ordered`."""

    names: tuple[str, ...]
    code: Ints | Codes
    is_ordered: bool = False


def tag_of(dimension: str, view: View, facts: MarketFacts, executors: pl.DataFrame) -> Tagged:
    """Tags of the fills of a view.

    Parameters
    ----------
    dimension
        One of `DIMENSIONS`.
    view, facts
        The booked view, and what the market was at every fill.
    executors
        Canonical table: it names the level.
    """
    ledger = view.ledger

    def labels(column: str) -> Tagged:
        names, code = facts.labels[column]
        return Tagged(names, code[ledger.rows])

    if dimension in COLUMN_OF:
        return labels(COLUMN_OF[dimension])
    made: Mapping[str, Callable[[], Tagged]] = {
        "level": lambda: _levels(labels("executor_id"), executors),
        "side": lambda: Tagged(("BUY", "SELL"), (ledger.flow.qty < 0.0).astype(np.int8), is_ordered=True),
        "liquidity": lambda: _liquidity(labels("order_type")),
        "hour": lambda: Tagged(HOURS, hour_of(ledger.flow.at), is_ordered=True),
        "weekday": lambda: Tagged(WEEKDAYS, weekday_of(ledger.flow.at), is_ordered=True),
    }  # fmt: skip
    if dimension in made:
        return made[dimension]()
    kind: Kind = dimension  # type: ignore[assignment]
    code, names = facts.regimes[kind][ledger.rows], CLASSES[kind]
    return Tagged((*names, UNKNOWN), np.where(code < 0, len(names), code).astype(np.int8), is_ordered=True)


def hour_of(at: Ints) -> Ints:
    """Hour of the day, UTC, of times in µs."""
    return np.asarray(at // HOUR_US % 24)


def days_in(at: Ints) -> int:
    """Number of distinct UTC days of times in µs."""
    if not at.size:
        return 0
    first, last = int(at.min()) // DAY_US, int(at.max()) // DAY_US
    if last - first <= at.size:
        return int(np.count_nonzero(np.bincount(at // DAY_US - first)))
    return int(np.unique(at // DAY_US).size)


def weekday_of(at: Ints) -> Ints:
    """Day of the week, Monday 0, UTC, of times in µs."""
    return np.asarray((at // DAY_US + _THURSDAY) % 7)


def _liquidity(kinds: Tagged) -> Tagged:
    """Whether each fill rested for certain, traded at once for certain, or nothing says."""
    place = [_LIQUIDITY.index(LIQUIDITY_OF.get(name, UNKNOWN)) for name in kinds.names]
    return Tagged(_LIQUIDITY, np.array(place, np.int8)[kinds.code], is_ordered=True)


def _levels(linked: Tagged, executors: pl.DataFrame) -> Tagged:
    """Level of each fill's executor; unlinked without one, unknown where it names none."""
    known = executors.filter(pl.col("level_id").is_not_null()).unique("executor_id", keep="first")
    level = dict(known.select("executor_id", pl.col("level_id").cast(pl.String)).iter_rows())
    held = [name if name == UNLINKED else level.get(name, UNKNOWN) for name in linked.names]
    names = sorted(set(held), key=lambda name: (name in (UNLINKED, UNKNOWN), name_order(name)))
    place = {name: i for i, name in enumerate(names)}
    return Tagged(tuple(names), np.array([place[name] for name in held], np.int64)[linked.code])
