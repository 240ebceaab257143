"""What orders cost against the price at decision and arrival; costs are positive (DEFINITIONS C2–C4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fillbook.arrays import Bools, Floats, Ints
from fillbook.metrics.registry import metric
from fillbook.metrics.spreads import ratio_of_sums
from fillbook.results import Undefined
from fillbook.units import Unit

_ROUNDING = 1e-12  # of a price: an average of equal prices
_FULL = 1e-9  # filled within this share of what was asked: the rest is rounding


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Implementation shortfall of parents in quote, shape (n,); NaN where a mid is missing.

    ``total = delay + timing + spread + opportunity + fees``, equal to the PnL of the whole order at its
    decision price (paper) less the PnL of what was filled (real), both marked at the end.
    """

    delay: Floats
    timing: Floats
    spread: Floats
    opportunity: Floats
    fees: Floats
    paper: Floats
    real: Floats

    @property
    def trading(self) -> Floats:
        """Timing and spread."""
        return self.timing + self.spread

    @property
    def total(self) -> Floats:
        """All five parts."""
        return self.delay + self.timing + self.spread + self.opportunity + self.fees


@dataclass(frozen=True, slots=True)
class Intents:
    """What parents wanted, shape (n,): ±1, base, and mids at decision, creation and end."""

    side: Floats
    asked: Floats
    decision: Floats
    arrival: Floats
    end: Floats


@dataclass(frozen=True, slots=True)
class Pieces:
    """What they got, a fill each: index of the parent, base (> 0), price, mid just before, fee in quote."""

    parent: Ints
    qty: Floats
    price: Floats
    mid: Floats
    fee: Floats


def shortfall(wants: Intents, got: Pieces, is_directional: Bools | None = None) -> Shortfall:
    """Split the shortfall of every parent (Perold 1988; DEFINITIONS C4).

    Parameters
    ----------
    wants, got
        The parents, and their fills.
    is_directional
        Per parent: whether what was not filled was wanted. A quote of a market maker is an option, not a
        decision: it has no opportunity cost, and its paper is what was filled. None: all of them.
    """
    side = wants.side

    def per_parent(values: Floats) -> Floats:
        return np.bincount(got.parent, weights=values, minlength=side.size).astype(np.float64)

    filled, value = per_parent(got.qty), per_parent(got.qty * got.price)
    is_full = np.abs(wants.asked - filled) <= _FULL * filled
    is_option = np.zeros(side.size, bool) if is_directional is None else ~is_directional
    wanted = np.where(is_full | is_option, filled, wants.asked)
    fees = per_parent(got.fee)
    left = wanted - filled
    moved = side * (wants.end - wants.decision)
    timing = side * (per_parent(got.qty * got.mid) - filled * wants.arrival)
    return Shortfall(
        delay=np.where(filled > 0.0, side * filled * (wants.arrival - wants.decision), 0.0),
        timing=np.where(filled > 0.0, timing, 0.0),
        spread=side * per_parent(got.qty * (got.price - got.mid)),
        opportunity=np.where(left == 0.0, 0.0, left * moved),
        fees=fees, paper=wanted * moved, real=side * (filled * wants.end - value) - fees,
    )  # fmt: skip


def slippage(side: Floats, filled: Floats, average: Floats, benchmark: Floats) -> Floats:
    """Cost of the filled part against a benchmark price, in quote; NaN where either is missing."""
    return side * (average - benchmark) * filled


@metric(
    label="Slippage vs arrival", group="execution", unit=Unit.BPS, better="lower",
    formula=r"\sum s(\bar p-m_a)Q_f\,/\,\sum m_aQ_f", source="DEFINITIONS C3",
    undefined="no_mid at the creation of any filled order; no_orders with a fill; no_order_row",
)  # fmt: skip
def average_slippage_arrival(
    traded_side: Floats, traded_worth: Floats, traded_average: Floats, traded_arrival: Floats
) -> float:
    """Average price over the mid at creation, as a cost, weighted by value; a maker's is negative."""
    return _slip(traded_side, traded_worth, traded_average, traded_arrival)


@metric(
    label="Slippage vs limit", group="execution", unit=Unit.BPS, better="lower",
    formula=r"\sum s(\bar p-p_{lim})Q_f\,/\,\sum p_{lim}Q_f",
    source="DEFINITIONS C3; above 0 is an error in the data",
    undefined="no_limit_price; no_orders with a fill; no_order_row",
)  # fmt: skip
def average_slippage_limit(
    traded_side: Floats, traded_worth: Floats, traded_average: Floats, traded_limit: Floats
) -> float:
    """Average price over the limit, as a cost: 0 at the limit, negative where filled better."""
    if not np.isfinite(traded_limit).any() and traded_limit.size:
        return Undefined.unavailable("no_limit_price")
    at_limit = np.abs(traded_average - traded_limit) <= _ROUNDING * traded_limit
    return _slip(traded_side, traded_worth, np.where(at_limit, traded_limit, traded_average), traded_limit)


@metric(
    label="Slippage vs touch", group="execution", unit=Unit.BPS, better="lower",
    formula=r"\sum s(\bar p-\text{touch})Q_f\,/\,\sum m_aQ_f", source="DEFINITIONS C3, market orders",
    undefined="no_quote at the creation of any filled market order; no_order_row",
)  # fmt: skip
def average_slippage_touch(
    traded_side: Floats, traded_worth: Floats, traded_average: Floats, traded_touch: Floats,
    traded_touch_mid: Floats, traded_is_market: Bools,
) -> float:  # fmt: skip
    """Average price of market orders over the ask (buys) or bid (sells) at creation, as a cost."""
    if not (traded_is_market & (traded_worth > 0.0)).any():
        return Undefined("no_taker_orders")
    cost = slippage(traded_side, traded_worth, traded_average, traded_touch)
    known = traded_is_market & (traded_worth > 0.0) & ~np.isnan(cost)
    if not known.any():
        return Undefined.unavailable("no_quote")
    return ratio_of_sums(cost, traded_worth * traded_touch_mid, known)


def _slip(side: Floats, worth: Floats, average: Floats, benchmark: Floats) -> float:
    """Ratio of sums of slippage to the value at the benchmark, in bps."""
    has_fill = worth > 0.0
    if not has_fill.any():
        return Undefined("no_orders")
    cost = slippage(side, worth, average, benchmark)
    return ratio_of_sums(cost, worth * benchmark, has_fill & ~np.isnan(cost))


@metric(
    label="Implementation shortfall", group="execution", unit=Unit.BPS, better="lower",
    formula=r"\frac{\text{delay}+\text{timing}+\text{spread}+\text{opportunity}+\text{fees}}{\sum Q_om_d}",
    source="DEFINITIONS C4; Perold 1988", undefined="no_mid at the decision; no_order_row; empty",
)  # fmt: skip
def implementation_shortfall(parent_shortfall: Floats, parent_worth: Floats) -> float:
    """What deciding, waiting, crossing, missing and paying fees cost, of the value that was decided on."""
    return ratio_of_sums(parent_shortfall, parent_worth, ~np.isnan(parent_shortfall + parent_worth))


@metric(
    label="Slippage vs VWAP", group="execution", unit=Unit.BPS, better="lower",
    formula=r"\sum s(\bar p-\text{VWAP})Q_f\,/\,\sum \text{VWAP}\,Q_f", source="DEFINITIONS C11",
    undefined="no_candles over the orders' lives; no_order_row",
)  # fmt: skip
def slippage_vwap(
    parent_side: Floats, parent_filled: Floats, parent_average: Floats, parent_vwap: Floats
) -> float:
    """Average price over the market's volume-weighted price while the order lived, as a cost."""
    return _slip(parent_side, parent_filled, parent_average, parent_vwap)


@metric(
    label="Slippage vs TWAP", group="execution", unit=Unit.BPS, better="lower",
    formula=r"\sum s(\bar p-\text{TWAP})Q_f\,/\,\sum \text{TWAP}\,Q_f", source="DEFINITIONS C11",
    undefined="no_mid over the orders' lives; no_order_row",
)  # fmt: skip
def slippage_twap(
    parent_side: Floats, parent_filled: Floats, parent_average: Floats, parent_twap: Floats
) -> float:
    """Average price over the time-weighted mid while the order lived, as a cost."""
    return _slip(parent_side, parent_filled, parent_average, parent_twap)
