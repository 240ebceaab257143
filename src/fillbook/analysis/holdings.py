"""What is held at the end of a view, how concentrated it is, and whether it can be liquidated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from fillbook.analysis.inputs import position_values
from fillbook.analysis.view import View
from fillbook.arrays import Floats
from fillbook.conventions import RiskConventions
from fillbook.ledger.book_sums import INVERSE
from fillbook.ledger.sums import total
from fillbook.results import Undefined
from fillbook.sources.hummingbot import canonical_token

_TEXT = pl.String


def holdings_of(view: View) -> pl.DataFrame:
    """Open positions at the end of a view, the largest first.

    Returns
    -------
    A row a book that holds something: ``book, bot, connector, pair, leg, asset, quote_asset, market_type,
    is_perp, position_base, mark_quote, value`` (signed, in the reporting currency; null without a mark or a
    rate), ``entry_value`` (at the average price), ``unrealized``. `asset` and `quote_asset` go by their plain
    name (WETH is ETH); an inverse position is in quote, and is worth that at any price.
    """
    books, rate = view.ledger.books, view.reporting.at_end
    held = view.ledger.flow.last_position
    average = books["average_quote"].fill_null(np.nan).to_numpy()
    inverse = (books["market_type"] == INVERSE).to_numpy()
    entry = np.where(inverse, held, held * average) * rate
    named = books.select(
        "book", "bot", "connector", "pair", "leg", "market_type", "position_base", "mark_quote",
        asset=pl.col("base").cast(_TEXT).map_elements(canonical_token, return_dtype=_TEXT),
        quote_asset=pl.col("quote").cast(_TEXT).map_elements(canonical_token, return_dtype=_TEXT),
        is_perp=pl.col("market_type") != "spot",
        value=pl.Series(position_values(view.ledger) * rate, dtype=pl.Float64),
        entry_value=pl.Series(entry, dtype=pl.Float64),
        unrealized=books["unrealized_quote"] * pl.Series(rate, dtype=pl.Float64),
    )  # fmt: skip
    open_ones = named.with_columns(pl.selectors.float().fill_nan(None)).filter(pl.col("position_base") != 0.0)
    return open_ones.sort(pl.col("value").abs(), descending=True, nulls_last=True)


def by_asset(holdings: pl.DataFrame) -> pl.DataFrame:
    """``asset, long, short, gross, net, share, n_books, n_venues``: exposure of each asset over all venues.

    Parameters
    ----------
    holdings
        Answer of `holdings_of`.

    Returns
    -------
    The largest gross first; money null where a position has no mark, and `share` (of the gross) then too.
    """
    value = pl.col("value")
    known = value.null_count() == 0
    rows = holdings.group_by("asset", maintain_order=True).agg(
        long=pl.when(known).then(value.clip(lower_bound=0.0).sum()),
        short=pl.when(known).then(value.clip(upper_bound=0.0).sum()),
        gross=pl.when(known).then(value.abs().sum()),
        net=pl.when(known).then(value.sum()),
        n_books=pl.len(),
        n_venues=pl.col("connector").n_unique(),
    )
    gross = pl.col("gross")
    whole = pl.when((gross.null_count() == 0) & (gross.sum() > 0.0)).then(gross / gross.sum())
    return rows.with_columns(share=whole).sort("gross", descending=True, nulls_last=True)


@dataclass(frozen=True, slots=True)
class Concentration:
    """Exposure at the end in few numbers; an absent one is an `Undefined`.

    `gross` and `net` in the reporting currency; the Herfindahl–Hirschman indices are Σ share² of the gross, 1
    where all stands in one book, one asset; `gross_over_capital` is the leverage of the whole.
    """

    gross: float
    net: float
    hhi_books: float
    hhi_assets: float
    gross_over_capital: float


def concentration_of(holdings: pl.DataFrame, capital: float | None) -> Concentration:
    """How much is held and how much of it stands in one place.

    Parameters
    ----------
    holdings
        Answer of `holdings_of`.
    capital
        Capital base, None where none is declared.
    """
    if holdings["value"].null_count():
        lack = Undefined.unavailable("no_mid")
        return Concentration(lack, lack, lack, lack, lack)
    values = holdings["value"].to_numpy()
    gross = total(np.abs(values))
    per_asset = by_asset(holdings)["gross"].to_numpy()
    over = (
        Undefined.unavailable("no_capital") if capital is None
        else gross / capital if capital > 0.0 else Undefined("non_positive_capital")
    )  # fmt: skip
    return Concentration(gross, total(values), hhi(np.abs(values)), hhi(per_asset), over)


def hhi(sizes: Floats) -> float:
    """Herfindahl–Hirschman index Σ(size/Σ)²; undefined (``no_positions``) where there is no size.

    >>> hhi(np.array([1.0, 1.0, 2.0]))
    0.375
    """
    whole = total(sizes)
    return total((sizes / whole) ** 2) if whole > 0.0 else Undefined("no_positions")


@dataclass(frozen=True, slots=True)
class Margin:
    """What stands behind the positions, in the reporting currency.

    Parameters
    ----------
    equity
        Capital and net PnL; without declared capital the margin of the perpetuals at the declared leverage
        and their unrealised PnL. An `Undefined` where neither is declared.
    kind
        ``capital`` or ``leverage``: which of the two.
    maintenance
        Share of the position value below which equity is liquidated.
    """

    equity: float
    kind: str
    maintenance: float

    def is_liquidated(self, change: float, perp_value: float) -> bool | None:
        """Whether equity after a change is below the maintenance margin; None where that is not known.

        Parameters
        ----------
        change
            Of equity, in the reporting currency.
        perp_value
            Gross value of the perpetuals after it; nothing is liquidated without one.
        """
        if perp_value == 0.0:
            return False
        after = self.equity + change - self.maintenance * perp_value
        return None if math.isnan(after) else after < 0.0


def margin_of(
    holdings: pl.DataFrame, net: float | None, capital: float | None, asked: RiskConventions
) -> Margin:
    """Equity behind the positions and the share of them it must not fall below.

    Parameters
    ----------
    holdings
        Answer of `holdings_of`.
    net
        Net PnL of the view; None where unknown.
    capital
        Capital base; None where none is declared.
    asked
        Leverage and maintenance margin.
    """
    if capital is not None:
        equity = Undefined.unavailable("no_mid") if net is None else capital + net
        return Margin(equity, "capital", asked.maintenance_margin)
    perps = holdings.filter("is_perp")
    if asked.leverage is None or perps.is_empty():
        return Margin(Undefined.unavailable("no_leverage"), "leverage", asked.maintenance_margin)
    if perps["entry_value"].null_count() or perps["unrealized"].null_count():
        return Margin(Undefined.unavailable("no_mid"), "leverage", asked.maintenance_margin)
    posted = total(np.abs(perps["entry_value"].to_numpy())) / asked.leverage
    return Margin(posted + total(perps["unrealized"].to_numpy()), "leverage", asked.maintenance_margin)


def moved_value(holdings: pl.DataFrame, moves: Mapping[str, float], currency: str | None) -> Floats:
    """Gross value of each position after its asset and its quote moved, in the reporting currency."""
    base = holdings["asset"].replace_strict(moves, default=0.0, return_dtype=pl.Float64).to_numpy()
    quote = holdings["quote_asset"].replace_strict(moves, default=0.0, return_dtype=pl.Float64).to_numpy()
    inverse = (holdings["market_type"] == INVERSE).to_numpy()
    stays = 1.0 + np.where(inverse, quote, base)
    value = np.abs(holdings["value"].fill_null(np.nan).to_numpy())
    return np.asarray(value * stays / (1.0 + moves.get(currency or "", 0.0)))
