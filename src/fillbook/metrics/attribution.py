"""Where gross PnL came from: the spread, the market's move, and what nobody can tell (DEFINITIONS B1–B3).

``Σ x(P − p)`` of the fills is ``Σ x(m − p)``, what was earned against the mid just before each, and
``Σ x(P − m)``, what the market moved afterwards: the telescoped ``Σ X_k(m_{k+1} − m_k)``. It is linear, so
that the parts of any fills add up to those of all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fillbook.arrays import Floats
from fillbook.ledger.sums import total
from fillbook.metrics.registry import metric
from fillbook.results import Undefined
from fillbook.units import Unit

ENOUGH = 0.5  # share of the value with a mid below which spread and inventory are not told apart
_BPS = 1e4
_FEW = "no_mid or few_mids where less than half of the value has a mid near enough in time; empty"


@dataclass(frozen=True, slots=True)
class Split:
    """Gross PnL of each fill in its parts, shape (n,).

    Parameters
    ----------
    spread
        Gain of the trade against the mid before it; 0 where that is not known.
    inventory
        Gain of what it left in the position, from the mid it entered at to the mark.
    unattributed
        From its price to the next known mid, of a fill without one.
    fee_gain
        Gain against the mid of the deemed sale of base that paid a fee: it belongs to the fee, which so costs
        what the base was worth at the mid.
    """

    spread: Floats
    inventory: Floats
    unattributed: Floats
    fee_gain: Floats


def split(qty: Floats, fee_base: Floats, price: Floats, mid: Floats, next_mid: Floats, mark: Floats) -> Split:
    """Parts of ``(qty − fee_base)(mark − price)`` of each fill, which sum to it exactly.

    Parameters
    ----------
    qty, fee_base, price
        Signed base, base that left as fee, price; −1/price for inverse contracts, as all others.
    mid
        Mid just before each fill; NaN where none is near enough.
    next_mid
        Where a fill without a mid enters the inventory: the next known mid of its book, else the mark.
    mark
        Price at the end.
    """
    known = ~np.isnan(mid)
    entered, held = np.where(known, mid, next_mid), qty - fee_base
    met = np.where(known, mid, price)  # a gain against it is 0 where it is not known
    return Split(
        qty * (met - price), held * (mark - entered), np.where(known, 0.0, held * (entered - price)),
        -fee_base * (met - price),
    )  # fmt: skip


def _known(values: Floats, worth: Floats, has_mid: Floats) -> float:
    """Sum of a part; none where less than half of the value has a mid."""
    if values.size == 0:
        return Undefined("empty")
    if not has_mid.any():
        return Undefined.unavailable("no_mid")
    if float(worth @ has_mid) < ENOUGH * float(worth.sum()):
        return Undefined.unavailable("few_mids")
    return total(values)


def _over_worth(value: float, worth: Floats) -> float:
    """A sum in bps of all that was traded; what is no number keeps its reason."""
    if isinstance(value, Undefined):
        return value
    whole = total(worth)
    return _BPS * value / whole if whole > 0.0 else Undefined("empty")


@metric(
    label="Spread PnL", group="attribution", unit=Unit.MONEY, better="higher",
    formula=r"\sum x_i(m_i-p_i)", source="DEFINITIONS B1, B2; Menkveld 2013; trades only",
    undefined=_FEW,
)  # fmt: skip
def spread_pnl(part_spread: Floats, part_worth: Floats, part_has_mid: Floats) -> float:
    """Net PnL's share of the spread: gain of the fills against the mid just before each."""
    return _known(part_spread, part_worth, part_has_mid)


@metric(
    label="Inventory PnL", group="attribution", unit=Unit.MONEY, better="higher",
    formula=r"\sum_k X_k(m_{k+1}-m_k),\ m_{N+1}=P",
    source="DEFINITIONS B1; Menkveld 2013; Hasbrouck & Sofianos 1993", undefined=_FEW,
)  # fmt: skip
def inventory_pnl(part_inventory: Floats, part_worth: Floats, part_has_mid: Floats) -> float:
    """What price moves brought while positions were held, from mid to mid and to the mark at the end."""
    return _known(part_inventory, part_worth, part_has_mid)


@metric(
    label="Unattributed PnL", group="attribution", unit=Unit.MONEY, better="neither",
    formula=r"\sum_{m_i\,\text{unknown}} x_i(m^*-p_i)", source="DEFINITIONS B2",
    undefined="empty; the whole gross PnL where less than half of the value has a mid",
)  # fmt: skip
def unattributed_pnl(
    part_unattributed: Floats, part_gross: Floats, part_worth: Floats, part_has_mid: Floats
) -> float:
    """Gross PnL that no mid can split: of fills without one, up to the next known mid."""
    if part_worth.size == 0:
        return Undefined("empty")
    is_split = not isinstance(_known(part_unattributed, part_worth, part_has_mid), Undefined)
    return total(part_unattributed if is_split else part_gross)


@metric(
    label="Adverse selection PnL 60 s", group="attribution", unit=Unit.MONEY, better="higher",
    formula=r"\sum x_i\,(m_{\min(t_i+60,T)}-m_i)", source="DEFINITIONS B3", undefined=_FEW +
    "; resolution_too_coarse",
)  # fmt: skip
def adverse_selection_pnl_60s(part_adverse: Floats, part_worth: Floats, part_has_later: Floats) -> float:
    """The first minute of the inventory PnL, cut at the end of the data; negative is toxic flow."""
    return _known(part_adverse, part_worth, part_has_later)


@metric(
    label="Positioning PnL beyond 60 s", group="attribution", unit=Unit.MONEY, better="higher",
    formula=r"\sum x_i\,(P-m_{\min(t_i+60,T)})", source="DEFINITIONS B3", undefined=_FEW +
    "; resolution_too_coarse",
)  # fmt: skip
def positioning_pnl_60s(part_positioning: Floats, part_worth: Floats, part_has_later: Floats) -> float:
    """The inventory PnL after the first minute: what holding on brought."""
    return _known(part_positioning, part_worth, part_has_later)


@metric(
    label="Inventory PnL without a later mid", group="attribution", unit=Unit.MONEY, better="neither",
    formula=r"I-AS_{60}-Pos_{60}", source="DEFINITIONS B3", undefined=_FEW + "; resolution_too_coarse",
)  # fmt: skip
def unattributed_horizon_pnl_60s(part_no_later: Floats, part_worth: Floats, part_has_mid: Floats) -> float:
    """Inventory PnL of fills whose mid, or the one a minute later, is not known."""
    return _known(part_no_later, part_worth, part_has_mid)


@metric(
    label="Spread PnL in bps", group="attribution", unit=Unit.BPS, better="higher",
    formula=r"S\,/\,\sum |x_i| p_i", source="DEFINITIONS B1", undefined=_FEW,
)  # fmt: skip
def spread_pnl_bps(part_spread: Floats, part_worth: Floats, part_has_mid: Floats) -> float:
    """Spread PnL over all that was traded."""
    return _over_worth(_known(part_spread, part_worth, part_has_mid), part_worth)


@metric(
    label="Inventory PnL in bps", group="attribution", unit=Unit.BPS, better="higher",
    formula=r"I\,/\,\sum |x_i| p_i", source="DEFINITIONS B1", undefined=_FEW,
)  # fmt: skip
def inventory_pnl_bps(part_inventory: Floats, part_worth: Floats, part_has_mid: Floats) -> float:
    """Inventory PnL over all that was traded."""
    return _over_worth(_known(part_inventory, part_worth, part_has_mid), part_worth)


@metric(
    label="Value with a mid", group="attribution", unit=Unit.FRACTION, better="higher",
    formula=r"\sum_{m_i\,\text{known}} |x_i| p_i\,/\,\sum |x_i| p_i", source="DEFINITIONS B2",
    undefined="empty",
)  # fmt: skip
def mid_coverage(part_worth: Floats, part_has_mid: Floats) -> float:
    """Share of the traded value whose mid just before the fill is known."""
    whole = total(part_worth)
    return total(part_worth * part_has_mid) / whole if whole > 0.0 else Undefined("empty")
