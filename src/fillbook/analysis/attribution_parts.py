"""Net PnL of every fill of a view in its parts, exactly (DEFINITIONS B1–B4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fillbook.analysis.attribution_facts import MarketFacts
from fillbook.analysis.funding_shares import funding_of_fills
from fillbook.analysis.markets import by_market
from fillbook.analysis.mids import US
from fillbook.analysis.view import View
from fillbook.arrays import Bools, Floats
from fillbook.ledger.book_sums import INVERSE
from fillbook.metrics.attribution import split


@dataclass(frozen=True, slots=True)
class FillParts:
    """Parts of each fill's net PnL in the order of the flow, shape (n,), and what goes with them.

    ``net = spread + inventory + unattributed − fees + funding``. Money is in the reporting currency, or in
    the quote of each fill's pair where there is no common one; NaN where its book is inverse without a mark.

    Parameters
    ----------
    spread, inventory, unattributed
        As `metrics.attribution.Split` has them.
    fees
        Paid +, rebates −; base that paid a fee counts at the mid.
    funding
        Share of the payments of its book, by position.
    worth, has_mid
        Value at its price; whether the mid just before it is known.
    has_later
        Whether that and the mid a horizon later are.
    adverse, positioning, no_later
        The inventory part within the horizon and after it; of fills without a mid at one of its ends.
    is_unmarked
        Base left in a book without a mark, whose last price stands in: where these do not sum to 0, no
        inventory and no net is known. None where every book has a mark.
    funding_left
        Funding that no position got, by book, shape (n_books,).
    """

    spread: Floats
    inventory: Floats
    unattributed: Floats
    fees: Floats
    funding: Floats
    worth: Floats
    has_mid: Bools
    has_later: Bools
    adverse: Floats
    positioning: Floats
    no_later: Floats
    unmarked: Floats | None
    funding_left: Floats

    @property
    def gross(self) -> Floats:
        """PnL of each fill before fees and funding."""
        return self.spread + self.inventory + self.unattributed

    @property
    def net(self) -> Floats:
        """Net PnL of each fill."""
        return self.gross - self.fees + self.funding


def fill_parts(view: View, facts: MarketFacts) -> FillParts:
    """Parts of each fill of a view.

    Parameters
    ----------
    view
        The booked view.
    facts
        What the market was at every fill of the data.
    """
    ledger, flow, book = view.ledger, view.ledger.flow, view.ledger.flow.book
    inverse = (ledger.books["market_type"] == INVERSE).to_numpy()
    rate = view.reporting.at_end if view.reporting.currency is not None else np.ones(inverse.size)
    mark = ledger.books["mark_quote"].fill_null(np.nan).to_numpy()
    to_money = rate * np.where(inverse, mark, 1.0)
    is_inverse, factor = _of_fills(inverse, book, bool), _of_fills(to_money, book, float)
    mid, later = (_in_unit(prices, is_inverse) for prices in _seen(view, facts))
    marks, unmarked = _marks(view)
    found = split(flow.qty, flow.fee_base, flow.unit, mid, _next_mids(view, facts, marks, is_inverse), marks)
    held = flow.qty - flow.fee_base
    both = ~np.isnan(mid) & ~np.isnan(later)
    adverse = np.where(both, held * (later - mid), 0.0)
    funding, left = funding_of_fills(ledger)
    inventory = found.inventory * factor
    adverse, positioning = adverse * factor, np.where(both, held * (marks - later), 0.0) * factor
    quote_rate = _of_fills(rate, book, float)
    return FillParts(
        found.spread * factor, inventory, found.unattributed * factor, (flow.fee - found.fee_gain) * factor,
        funding * quote_rate, flow.notional * quote_rate, ~np.isnan(mid), both, adverse, positioning,
        np.where(both, 0.0, inventory), unmarked, left * rate,
    )  # fmt: skip


def _of_fills(values: np.ndarray, book: np.ndarray, dtype: type) -> np.ndarray:
    """A value of each fill's book."""
    return values[book] if book.size else np.zeros(0, dtype)


def _in_unit(price: Floats, is_inverse: Bools) -> Floats:
    """Prices as the folds see them."""
    return np.where(is_inverse, -1.0 / price, price) if is_inverse.any() else price


def _marks(view: View) -> tuple[Floats, Floats | None]:
    """Unit mark of each fill's book, its last price where it has none, and the base left in such books."""
    flow, marks = view.ledger.flow, view.ledger.unit_marks.copy()
    lost = np.isnan(marks)
    for book, rows in enumerate(flow.slices()):
        if lost[book] and rows.stop > rows.start:
            marks[book] = flow.unit[rows.stop - 1]
    is_lost = _of_fills(lost, flow.book, bool)
    return _of_fills(marks, flow.book, float), (flow.qty - flow.fee_base) * is_lost if is_lost.any() else None


def _seen(view: View, facts: MarketFacts) -> tuple[Floats, Floats]:
    """Mid before each fill, and mid a horizon after it, or at the end of the period where that is sooner."""
    ledger = view.ledger
    rows, end = ledger.rows, ledger.end_us
    later = facts.later[rows]
    beyond = np.flatnonzero(ledger.flow.at + round(facts.horizon_s * US) >= end)
    if beyond.size:
        max_age_s = max(1.0, 0.1 * facts.horizon_s, view.conventions.max_quote_age_s)
        for connector, pair, mine in by_market(ledger.fills[rows[beyond]].select("connector", "pair")):
            at_end = facts.mids.of(connector, pair).at(np.array([end]), max_age_s)
            later[beyond[mine]] = at_end.mid[0]
    return facts.mid[rows], later


def _next_mids(view: View, facts: MarketFacts, marks: Floats, is_inverse: Bools) -> Floats:
    """Known mid of the next fill of the same book, whoever made it, until the end; else the mark."""
    ledger, prepared = view.ledger, view.prepared
    unknown = np.isnan(facts.mid[ledger.rows])
    if not unknown.any():
        return marks
    whole, n = prepared.whole, prepared.whole.book.size
    mid = prepared.assigned.sorted(facts.mid)
    place = np.where(np.isnan(mid), n, np.arange(n))
    place = np.minimum.accumulate(place[::-1])[::-1]
    held = np.minimum(place, n - 1)
    follows = (place < n) & (whole.book[held] == whole.book) & (whole.at[held] <= ledger.end_us)
    found = np.where(follows, mid[held], np.nan)
    by_row = found
    if prepared.assigned.order is not None:
        by_row = np.empty(n)
        by_row[prepared.assigned.order] = found
    following = _in_unit(by_row[ledger.rows], is_inverse)
    return np.where(np.isnan(following), marks, following)
