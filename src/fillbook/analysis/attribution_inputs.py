"""Parts of the fills as the arrays their metrics eat, with coverage and reasons."""

from __future__ import annotations

import numpy as np

from fillbook.analysis.attribution_facts import MarketFacts
from fillbook.analysis.attribution_parts import FillParts
from fillbook.analysis.mids import KIND_TEXT, KINDS
from fillbook.analysis.view import View
from fillbook.arrays import Bools, Floats, Ints
from fillbook.ledger.book_sums import KEPT_OUT
from fillbook.metrics.inputs import AttributionInputs
from fillbook.results import Undefined

_STAND_INS = (("own_quotes", "own_quote_mid"), ("candles", "candle_mid"))
_WITH_MID = ("part_spread", "part_inventory", "part_adverse", "part_positioning", "part_no_later")
_WITH_LATER = ("part_adverse", "part_positioning")
_WITH_MARK = ("part_inventory", "part_positioning", "part_no_later", "part_unattributed")


def is_known(view: View) -> bool:
    """Whether every book has a net PnL in the reporting currency, as the overview asks for."""
    net = view.ledger.books["net_quote"].fill_null(np.nan).to_numpy() * view.reporting.at_end
    return view.reporting.currency is not None and not bool(np.isnan(net).any())


def attribution_inputs(
    view: View, facts: MarketFacts, parts: FillParts, *, too_coarse: Undefined | None
) -> AttributionInputs:
    """Every array a metric of attribution may ask for.

    Parameters
    ----------
    view, facts, parts
        The booked view, the market at every fill, and the parts of each fill.
    too_coarse
        Why no horizon is known, if so.
    """
    arrays: dict[str, Floats | Undefined] = {
        "part_spread": parts.spread, "part_inventory": parts.inventory, "part_gross": parts.gross,
        "part_unattributed": parts.unattributed, "part_adverse": parts.adverse,
        "part_positioning": parts.positioning, "part_no_later": parts.no_later, "part_worth": parts.worth,
    }  # fmt: skip
    unmarked = Undefined.unavailable("no_mid")
    if not is_known(view):
        arrays |= dict.fromkeys((*_WITH_MARK, "part_gross"), unmarked)
    if too_coarse is not None:
        arrays |= dict.fromkeys(("part_adverse", "part_positioning", "part_no_later"), too_coarse)
    if view.reporting.currency is None:
        arrays = dict.fromkeys(arrays, view.reporting.lack)
    worth = parts.worth if view.reporting.currency is not None else np.zeros(parts.worth.size)
    share, later = _share(worth, parts.has_mid), _share(worth, parts.has_later)
    how = _how(facts, view)
    return AttributionInputs(
        **arrays, part_has_mid=parts.has_mid.astype(np.float64),
        part_has_later=parts.has_later.astype(np.float64),
        window_s=max(view.ledger.end_us - view.start_us, 0) / 1e6, currency=view.reporting.currency,
        coverage=dict.fromkeys(_WITH_MID, share) | dict.fromkeys(_WITH_LATER, later),
        reasons=_reasons(view, facts, parts),
        method=dict.fromkeys(_WITH_MID, how) if how else {},
    )  # fmt: skip


def _share(worth: Floats, known: Bools) -> float:
    """Share of the value that is known; 1 where there is none."""
    whole = float(worth.sum())
    return 1.0 if known.all() or whole <= 0.0 else float(worth[known].sum()) / whole


def _reasons(view: View, facts: MarketFacts, parts: FillParts) -> dict[str, tuple[str, ...]]:
    """By input: why it is partial."""
    of_mids: tuple[str, ...] = ()
    if parts.has_mid.size and not parts.has_mid.all():
        of_mids = ("stale_mid",) if parts.has_mid.any() else ("no_mid",)
    kinds = {KINDS[i] for i in np.flatnonzero(_used(facts, view))}
    of_later = of_mids or (("stale_mid",) if not parts.has_later.all() else ())
    stand_ins = tuple(why for kind, why in _STAND_INS if kind in kinds)
    booked = {reason for reasons in view.ledger.books["reasons"] for reason in reasons}
    kept_out = (KEPT_OUT,) if view.ledger.kept_out.height else ()
    marked = tuple(why for why in ("marked_at_last_fill",) if why in booked)
    reasons = dict.fromkeys(_WITH_MID, (*of_mids, *stand_ins, *kept_out))
    reasons |= dict.fromkeys(_WITH_LATER, (*of_later, *stand_ins, *kept_out))
    reasons["part_unattributed"] = kept_out
    for name in _WITH_MARK:
        reasons[name] = (*reasons[name], *marked)
    return reasons


def _how(facts: MarketFacts, view: View) -> str:
    """Which mids were used, in words."""
    used = _used(facts, view)
    n = int(used.sum())
    parts = [f"{KIND_TEXT[KINDS[i]]} {used[i] / n:.0%}" for i in np.argsort(-used, kind="stable") if used[i]]
    return f"mids: {', '.join(parts)}" if parts else ""


def _used(facts: MarketFacts, view: View) -> Ints:
    """Fills whose mid is of each kind, in the order of `KINDS`."""
    kinds = facts.mid_kind[view.ledger.rows]
    return np.asarray(np.bincount(kinds[kinds >= 0], minlength=len(KINDS)))
