"""What the fills earned against the mid: spreads, markouts, adverse selection (DEFINITIONS B3, C5–C7).

All are ratios of sums, never means of ratios. Quantities are signed (+ bought); a fill whose mid is
not known (NaN) is in no sum.
"""

from __future__ import annotations

import numpy as np

from fillbook.arrays import Bools, Floats
from fillbook.ledger.sums import total
from fillbook.metrics.registry import metric
from fillbook.results import Undefined
from fillbook.units import Unit

_UNKNOWN = "no_mid or stale_mid where no mid is near enough; empty without fills"
_FEW = "; few_mids where less than half of the value has one"
_BPS = 1e4


def edge(qty: Floats, price: Floats, mid: Floats) -> Floats:
    """Gain of each fill against a mid, ``qty × (mid − price)``; NaN where the mid is."""
    return qty * (mid - price)


def is_crossed(bid: Floats, ask: Floats) -> Bools:
    """Quotes that cannot be: the bid above the ask. A locked one (equal) is kept."""
    return np.asarray(bid > ask)


def ratio_of_sums(gain: Floats, worth: Floats, known: Bools) -> float:
    """``Σ gain / Σ worth`` over what is known, in bps; unavailable where nothing is."""
    if known.size == 0:
        return Undefined("empty")
    whole = total(worth[known])
    if whole <= 0.0:
        return Undefined.unavailable("no_mid")
    return _BPS * total(gain[known]) / whole


def markout(fill_qty: Floats, fill_price: Floats, fill_mid: Floats, later: Floats) -> float:
    """Gain of the fills at a later mid, in bps of their value at the mid before them."""
    known = ~(np.isnan(fill_mid) | np.isnan(later))
    return ratio_of_sums(edge(fill_qty, fill_price, later), np.abs(fill_qty) * fill_mid, known)


@metric(
    label="Spread earned", group="execution", unit=Unit.MONEY, better="higher",
    formula=r"\sum x_i(m_i-p_i)", source="DEFINITIONS B1, B2, C5; Menkveld 2013",
    undefined=_UNKNOWN + _FEW,
)  # fmt: skip
def spread_earned(fill_qty: Floats, fill_price: Floats, fill_mid: Floats) -> float:
    """Gain of the fills against the mid just before each; crossing the spread is negative."""
    return _sum_of_most(edge(fill_qty, fill_price, fill_mid), np.abs(fill_qty) * fill_price)


def _sum_of_most(gain: Floats, worth: Floats) -> float:
    """Sum of what is known; a sum over less than half of the value is no sum (DEFINITIONS B2)."""
    known = ~np.isnan(gain)
    if not known.any():
        return Undefined.unavailable("no_mid") if known.size else Undefined("empty")
    if 2.0 * total(worth[known]) < total(worth):
        return Undefined.unavailable("few_mids")
    return total(gain[known])


@metric(
    label="Spread capture", group="execution", unit=Unit.FRACTION, better="higher",
    formula=r"\sum x(m-p)\,/\,\sum q\,\tfrac{a-b}{2}", source="DEFINITIONS C6, maker fills",
    undefined="no_quote where bid and ask are not known; no_maker_fills; zero_spread",
)  # fmt: skip
def spread_capture(
    fill_qty: Floats, fill_price: Floats, maker_bid: Floats, maker_ask: Floats, fill_is_maker: Bools
) -> float:
    """Share of the half spread that maker fills earned; 1 at the own touch, below 0 crossing."""
    if fill_is_maker.size and not fill_is_maker.any():
        return Undefined("no_maker_fills")
    return capture(fill_qty, fill_price, maker_bid, maker_ask, fill_is_maker)


def capture(qty: Floats, price: Floats, bid: Floats, ask: Floats, chosen: Bools) -> float:
    """Edge of the chosen fills over the half spread before them; crossed quotes are left out."""
    known = chosen & ~np.isnan(bid) & ~np.isnan(ask) & ~is_crossed(bid, ask)
    if not known.any():
        return Undefined.unavailable("no_quote") if chosen.size else Undefined("empty")
    room = total((np.abs(qty) * (ask - bid) / 2.0)[known])
    gain = total(edge(qty, price, (bid + ask) / 2.0)[known])
    return gain / room if room > 0.0 else Undefined("zero_spread")


@metric(
    label="Quoted spread", group="execution", unit=Unit.BPS, better="neither",
    formula=r"\sum q(a-b)\,/\,\sum q\,m", source="DEFINITIONS C5", undefined="no_quote; empty",
)  # fmt: skip
def quoted_spread(fill_qty: Floats, fill_mid: Floats, fill_bid: Floats, fill_ask: Floats) -> float:
    """Spread of the market before the fills, weighted by their value."""
    known = ~np.isnan(fill_mid) & ~np.isnan(fill_bid) & ~np.isnan(fill_ask) & ~is_crossed(fill_bid, fill_ask)
    if not known.any():
        return Undefined.unavailable("no_quote") if known.size else Undefined("empty")
    size = np.abs(fill_qty)
    return ratio_of_sums(size * (fill_ask - fill_bid), size * fill_mid, known)


@metric(
    label="Effective spread", group="execution", unit=Unit.BPS, better="higher",
    formula=r"2\sum x(m-p)\,/\,\sum q\,m",
    source="DEFINITIONS C5; Huang & Stoll 1996; same fills as the realised spread", undefined=_UNKNOWN,
)  # fmt: skip
def effective_spread(fill_qty: Floats, fill_price: Floats, fill_mid: Floats, fill_mid_60s: Floats) -> float:
    """Twice the edge over the mid: earned where positive, paid where negative."""
    now = np.where(np.isnan(fill_mid_60s), np.nan, fill_mid)
    return _times(2.0, markout(fill_qty, fill_price, fill_mid, now))


@metric(
    label="Realized spread", group="execution", unit=Unit.BPS, better="higher",
    formula=r"2\sum x(m_{60}-p)\,/\,\sum q\,m", source="DEFINITIONS C5; Huang & Stoll 1996",
    undefined=_UNKNOWN,
)  # fmt: skip
def realized_spread(fill_qty: Floats, fill_price: Floats, fill_mid: Floats, fill_mid_60s: Floats) -> float:
    """What is left of the effective spread a minute later; effective = realised + impact."""
    return _times(2.0, markout(fill_qty, fill_price, fill_mid, fill_mid_60s))


@metric(
    label="Price impact", group="execution", unit=Unit.BPS, better="lower",
    formula=r"-2\sum x(m_{60}-m)\,/\,\sum q\,m", source="DEFINITIONS C5; Hendershott et al. 2011",
    undefined=_UNKNOWN,
)  # fmt: skip
def price_impact(fill_qty: Floats, fill_mid: Floats, fill_mid_60s: Floats) -> float:
    """What the market moved against the fills within a minute, twice, as a spread is counted."""
    return _times(-2.0, markout(fill_qty, fill_mid, fill_mid, fill_mid_60s))


def _times(factor: float, value: float) -> float:
    """A multiple of a number; what is none keeps its reason."""
    return value if isinstance(value, Undefined) else factor * value


@metric(
    label="Matched spread", group="execution", unit=Unit.BPS, better="higher",
    formula=r"(\bar S-\bar B)\,/\,\tfrac{\bar S+\bar B}{2}", source="DEFINITIONS C6; contains drift",
    undefined="one_sided where no pair was both bought and sold; empty",
)  # fmt: skip
def matched_spread(fill_qty: Floats, fill_price: Floats, fill_pair: Floats) -> float:
    """Average sale over average purchase of each pair, on what was both bought and sold."""
    if fill_qty.size == 0:
        return Undefined("empty")
    gain = worth = 0.0
    for pair in np.unique(fill_pair):
        mine = fill_pair == pair
        qty, price = fill_qty[mine], fill_price[mine]
        bought, sold = total(qty[qty > 0.0]), -total(qty[qty < 0.0])
        if bought <= 0.0 or sold <= 0.0:
            continue
        paid = total((qty * price)[qty > 0.0]) / bought
        got = -total((qty * price)[qty < 0.0]) / sold
        both = min(bought, sold)
        gain += both * (got - paid)
        worth += both * (got + paid) / 2.0
    return _BPS * gain / worth if worth > 0.0 else Undefined("one_sided")


@metric(
    label="Markout 5 s", group="execution", unit=Unit.BPS, better="higher",
    formula=r"\sum x(m_{t+5}-p)\,/\,\sum q\,m", source="DEFINITIONS C7",
    undefined=_UNKNOWN + "; resolution_too_coarse",
)  # fmt: skip
def markout_5s(fill_qty: Floats, fill_price: Floats, fill_mid: Floats, fill_mid_5s: Floats) -> float:
    """What the fills were worth 5 seconds later, over what they cost."""
    return markout(fill_qty, fill_price, fill_mid, fill_mid_5s)


@metric(
    label="Markout 60 s", group="execution", unit=Unit.BPS, better="higher",
    formula=r"\sum x(m_{t+60}-p)\,/\,\sum q\,m", source="DEFINITIONS C7", undefined=_UNKNOWN,
)  # fmt: skip
def markout_60s(fill_qty: Floats, fill_price: Floats, fill_mid: Floats, fill_mid_60s: Floats) -> float:
    """What the fills were worth a minute later, over what they cost."""
    return markout(fill_qty, fill_price, fill_mid, fill_mid_60s)


@metric(
    label="Markout 5 min", group="execution", unit=Unit.BPS, better="higher",
    formula=r"\sum x(m_{t+300}-p)\,/\,\sum q\,m", source="DEFINITIONS C7", undefined=_UNKNOWN,
)  # fmt: skip
def markout_300s(fill_qty: Floats, fill_price: Floats, fill_mid: Floats, fill_mid_300s: Floats) -> float:
    """What the fills were worth five minutes later, over what they cost."""
    return markout(fill_qty, fill_price, fill_mid, fill_mid_300s)


@metric(
    label="Adverse selection", group="execution", unit=Unit.MONEY, better="higher",
    formula=r"\sum x(m_{t+60}-m)", source="DEFINITIONS B2, B3", undefined=_UNKNOWN + _FEW,
)  # fmt: skip
def adverse_selection(fill_qty: Floats, fill_price: Floats, fill_mid: Floats, fill_mid_60s: Floats) -> float:
    """What the market's move in the minute after the fills brought; negative is toxic flow."""
    return _sum_of_most(edge(fill_qty, fill_mid, fill_mid_60s), np.abs(fill_qty) * fill_price)
