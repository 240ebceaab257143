"""What attribution asks of the market at every fill, found once for all filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import polars as pl

from fillbook.analysis.markets import by_market
from fillbook.analysis.mids import US, MarketMids, Mids, mids_of
from fillbook.analysis.regimes import CLASSES, UNKNOWN, Kind, Regimes, regimes_of
from fillbook.analysis.view import View
from fillbook.arrays import Codes, Floats, Ints
from fillbook.filters import UNLINKED
from fillbook.ledger.codes import label_codes
from fillbook.performance_data_source import PerformanceDataSource

LABELS = ("controller_id", "bot", "executor_id", "close_type", "pair", "connector", "order_type")


@dataclass(frozen=True, slots=True)
class MarketFacts:
    """Per fill, in the order of the canonical table, shape (n,): the market around it, and its labels.

    Parameters
    ----------
    mids
        Where mids come from.
    mid, mid_kind
        Mid just before each; NaN, and kind −1, where none is near enough.
    later
        Mid `horizon_s` after each; NaN where none is.
    horizon_s
        How much later.
    regimes
        By kind: class of the market when it was made, −1 where unknown.
    labels
        By column: its names, a fill without one being unlinked, and the code of each fill.
    """

    mids: Mids
    mid: Floats
    mid_kind: Codes
    later: Floats
    horizon_s: float
    regimes: Mapping[Kind, Codes]
    labels: Mapping[str, tuple[tuple[str, ...], Ints]]


_KNOWN: WeakKeyDictionary[PerformanceDataSource, tuple[str, MarketFacts]] = WeakKeyDictionary()


def market_facts(data: PerformanceDataSource, seen: View, horizon_s: float) -> MarketFacts:
    """Facts of all fills; the last ones asked for are kept."""
    key = repr((seen.conventions.max_quote_age_s, seen.conventions.mid_proxy, horizon_s))
    if data not in _KNOWN or _KNOWN[data][0] != key:
        _KNOWN[data] = (key, _found(data, seen, horizon_s))
    return _KNOWN[data][1]


def _found(data: PerformanceDataSource, seen: View, horizon_s: float) -> MarketFacts:
    fills, conventions = data.fills, seen.conventions
    mids = mids_of(data, conventions, seen.prepared.prices)
    at = fills["at"].dt.timestamp("us").to_numpy()
    mid, later = np.full((2, fills.height), np.nan)
    kind = np.full(fills.height, UNKNOWN, np.int8)
    regimes = {name: np.full(fills.height, UNKNOWN, np.int8) for name in CLASSES}
    candles = _Candles.of(data.candles)
    for connector, pair, rows in by_market(fills):
        market, when = mids.of(connector, pair), at[rows]
        before = market.before(when, conventions.max_quote_age_s)
        mid[rows], kind[rows] = before.mid, before.kind
        later[rows] = mid_after(market, when, horizon_s, conventions.max_quote_age_s)
        known = candles.regimes(connector, pair, when)
        if known is not None:
            for name, code in known.at(when).items():
                regimes[name][rows] = code
    labels = {name: _labelled(fills[name]) for name in LABELS}
    return MarketFacts(mids, mid, kind, later, horizon_s, regimes, labels)


def _labelled(column: pl.Series) -> tuple[tuple[str, ...], Ints]:
    """Names of a column of labels and their codes; what has none is unlinked."""
    if column.is_empty():
        return (), np.zeros(0, np.int64)
    code, first = label_codes([column])
    return tuple(column.gather(first).cast(pl.String).fill_null(UNLINKED).to_list()), code


def mid_after(market: MarketMids, when: Ints, horizon_s: float, max_age_s: float) -> Floats:
    """Mid a horizon after each time; NaN past the end of the data and where none is near enough.

    Where quotes of a greater age than a tenth of the horizon are allowed for fills, so they are here.
    """
    found = market.after(when, horizon_s)
    todo = np.flatnonzero(np.isnan(found))
    if max_age_s <= max(1.0, 0.1 * horizon_s) or not todo.size:
        return found
    asked = when[todo] + round(horizon_s * US)
    ends = max((int(samples.at[-1]) for samples in market), default=0)
    found[todo] = np.where(asked <= ends, market.at(asked, max_age_s).mid, np.nan)
    return found


@dataclass(frozen=True, slots=True)
class _Candles:
    """Candles, and the rows of each market."""

    table: pl.DataFrame
    rows: Mapping[tuple[str, str], Ints]

    @classmethod
    def of(cls, candles: pl.DataFrame) -> _Candles:
        return cls(candles, {(venue, pair): rows for venue, pair, rows in by_market(candles)})

    def regimes(self, connector: str, pair: str, when: Ints) -> Regimes | None:
        """Regimes of a market: its venue's candles, those of no venue, else another venue's."""
        others = sorted(venue for venue, name in self.rows if name == pair)
        for venue in (connector, "", *others):
            if (venue, pair) in self.rows:
                candles = self.table[self.rows[venue, pair]]
                return regimes_of(candles, int(when.min()), int(when.max()))
        return None
