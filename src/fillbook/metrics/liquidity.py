"""Who made the market and how much of it: maker share, participation, VWAP and TWAP (DEFINITIONS C10–C14)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fillbook.arrays import Bools, Floats
from fillbook.ledger.sums import total
from fillbook.metrics.kernels import cumulate, flow_between, time_weighted
from fillbook.metrics.registry import metric
from fillbook.results import Undefined
from fillbook.units import Unit

LIQUIDITY = ("maker", "taker", "unknown")
_UNKNOWN = float(LIQUIDITY.index("unknown"))


@dataclass(frozen=True, slots=True)
class Cumulative:
    """A quantity that flows over pieces of time ``[start, end)``, evenly within each; pieces ascending.

    >>> flow = Cumulative.of(np.array([0.0, 60.0]), np.array([60.0, 120.0]), np.array([8.0, 12.0]))
    >>> float(flow.between(np.array([45.0]), np.array([90.0]))[0])
    8.0
    """

    start: Floats
    end: Floats
    amount: Floats
    sums: Floats

    @classmethod
    def of(cls, start: Floats, end: Floats, amount: Floats) -> Cumulative:
        """Pieces with what flowed in each."""
        return cls(start, end, amount, cumulate(amount))

    def between(self, start: Floats, end: Floats) -> Floats:
        """What flowed in each window ``[start, end)``, pieces at its ends pro rata.

        Sums keep the digits they lose, so that the difference of two large ones is exact.
        """
        return np.asarray(flow_between(self.start, self.end, self.amount, self.sums, start, end))


def vwap(volume: Cumulative, value: Cumulative, start: Floats, end: Floats) -> Floats:
    """Volume-weighted price of each window; NaN where nothing traded."""
    traded = volume.between(start, end)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(traded > 0.0, value.between(start, end) / traded, np.nan)


def twap(at: Floats, mid: Floats, start: Floats, end: Floats, max_age_s: float) -> tuple[Floats, Floats]:
    """Time-weighted mid of each window, and the share of the window it covers.

    Each sample counts for the time it lasted, until the next one or `max_age_s`; NaN where none does.

    Parameters
    ----------
    at, mid
        Samples, seconds ascending; NaN is none.
    start, end
        Windows, seconds.
    """
    held, value = time_weighted(at, mid, max_age_s, float(np.max(end, initial=-np.inf)), start, end)
    length = end - start
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(held > 0.0, value / held, np.nan), np.where(length > 0.0, held / length, np.nan)


def _share(fill_worth: Floats, chosen: Bools) -> float:
    whole = total(fill_worth)
    return total(fill_worth[chosen]) / whole if whole > 0.0 else Undefined("empty")


def _share_of_known(fill_worth: Floats, fill_liquidity: Floats, kind: float) -> float:
    """Share of all volume of one kind; unavailable where nothing is known of any fill."""
    if fill_liquidity.size and (fill_liquidity == _UNKNOWN).all():
        return Undefined.unavailable("liquidity_unknown")
    return _share(fill_worth, fill_liquidity == kind)


@metric(
    label="Maker share", group="execution", unit=Unit.FRACTION, better="neither",
    formula=r"\sum_{maker}pq\,/\,\sum pq", source="DEFINITIONS C10", undefined="empty without fills",
)  # fmt: skip
def maker_share(fill_worth: Floats, fill_liquidity: Floats) -> float:
    """Share of the volume that rested in the book for certain; a plain LIMIT is unknown, not maker."""
    return _share_of_known(fill_worth, fill_liquidity, 0.0)


@metric(
    label="Taker share", group="execution", unit=Unit.FRACTION, better="neither",
    formula=r"\sum_{taker}pq\,/\,\sum pq", source="DEFINITIONS C10", undefined="empty without fills",
)  # fmt: skip
def taker_share(fill_worth: Floats, fill_liquidity: Floats) -> float:
    """Share of the volume that took from the book for certain."""
    return _share_of_known(fill_worth, fill_liquidity, 1.0)


@metric(
    label="Maker or taker unknown", group="execution", unit=Unit.FRACTION, better="neither",
    formula=r"\sum_{unknown}pq\,/\,\sum pq", source="DEFINITIONS C10", undefined="empty without fills",
)  # fmt: skip
def unknown_share(fill_worth: Floats, fill_is_unknown: Bools) -> float:
    """Share of the volume of which nothing says whether it made or took."""
    return _share(fill_worth, fill_is_unknown)


@metric(
    label="Market participation", group="execution", unit=Unit.FRACTION, better="neither",
    formula=r"\sum q\,/\,\sum V", source="DEFINITIONS C12; same exchange and pair, over the run",
    undefined="no_candles with volume of the same exchange and pair; no_volume where nothing traded",
)  # fmt: skip
def market_participation(own_volume: Floats, market_volume: Floats) -> float:
    """Own volume over the market's, pair by pair at its price, while the bots ran."""
    return _of_market(own_volume, market_volume)


@metric(
    label="Liquidity provision", group="execution", unit=Unit.FRACTION, better="higher",
    formula=r"\sum_{maker}q\,/\,\sum V", source="DEFINITIONS C14; same exchange and pair, over the run",
    undefined="no_candles with volume of the same exchange and pair; no_volume where nothing traded",
)  # fmt: skip
def liquidity_provision(maker_volume: Floats, market_volume: Floats) -> float:
    """Maker volume over the market's, while the bots ran."""
    return _of_market(maker_volume, market_volume)


def _of_market(volume: Floats, market_volume: Floats) -> float:
    whole = total(market_volume)
    return total(volume) / whole if whole > 0.0 else Undefined("no_volume")
