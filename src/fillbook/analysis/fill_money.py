"""What each fill earned to the end of the period and what it cost, so that any grouping adds up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from fillbook.analysis.view import View
from fillbook.arrays import Bools, Floats, Ints
from fillbook.ledger.book_sums import INVERSE
from fillbook.ledger.fees import flat_fees_of
from fillbook.ledger.rates import given_rate
from fillbook.sources.hummingbot import canonical_token


@dataclass(frozen=True, slots=True)
class FillMoney:
    """Money of every fill in the quote of its book, arrays of shape (n,) in the order of the ledger.

    Parameters
    ----------
    signed, price
        Quantity as recorded, + bought, and price.
    mark
        Price of the fill's book at the end of the period.
    gross
        What the fill earned from its price to the mark, before fees, as its book counts it.
    cost
        What its fee took from the wallet in the end: the fee, and for a fee in base also what that base
        gained until the end. Σ (gross − cost) + funding = net PnL.
    since
        The part of `cost` that a fee in base gained until the end.
    realized
        Realised PnL of the fill by the cost method in force.
    """

    signed: Floats
    price: Floats
    mark: Floats
    gross: Floats
    cost: Floats
    since: Floats
    realized: Floats

    @property
    def net(self) -> Floats:
        """Gross less cost."""
        return self.gross - self.cost

    @property
    def linear(self) -> Floats:
        """What the fill earned if each unit of its amount gains what the price gains."""
        return self.signed * (self.mark - self.price)


@dataclass(frozen=True, slots=True)
class FeesToday:
    """Fees of every fill as tokens valued at the end of the period, shape (n,), quote.

    Parameters
    ----------
    cost
        Value of the tokens that have a rate at the end; percent fees as they stand.
    skipped
        Whether the fill paid a token without such a rate, which counts nothing in `cost`.
    percent
        The part of `cost` that is a share of the fill's value.
    tokens
        Amount paid by token, percent fees as quote, of each fill's account: ``account, token, amount``.
    """

    cost: Floats
    skipped: Bools
    percent: Floats
    tokens: pl.DataFrame


def marks_of(view: View) -> Floats:
    """Price of each book at the end; its last fill's where it is flat and unmarked, shape (n_books,)."""
    ledger = view.ledger
    mark = ledger.books["mark_quote"].fill_null(np.nan).to_numpy().copy()
    flat = (ledger.books["position_base"] == 0.0).to_numpy() & np.isnan(mark)
    last = np.array([ledger.flow.price[r][-1] if r.stop > r.start else 1.0 for r in ledger.flow.slices()])
    return np.asarray(np.where(flat, last, mark))


def fill_money(view: View) -> FillMoney:
    """Money of every fill of a view; NaN where an open book has no mark."""
    ledger, flow = view.ledger, view.ledger.flow
    mark = marks_of(view)
    inverse = (ledger.books["market_type"] == INVERSE).to_numpy()
    with np.errstate(divide="ignore"):
        unit_mark = np.where(inverse, -1.0 / mark, mark)[flow.book]
    to_quote = np.where(inverse, mark, 1.0)[flow.book]
    gross = flow.qty * (unit_mark - flow.unit) * to_quote
    since = flow.fee_base * (unit_mark - flow.unit) * to_quote
    realized, _ = flow.realized(ledger.conventions.method)
    signed = ledger.column("side").cast(pl.Float64).to_numpy() * ledger.column("amount_base").to_numpy()
    return FillMoney(
        signed, flow.price, mark[flow.book], gross, flow.fee * to_quote + since, since, realized * to_quote
    )


def fees_today(view: View, extra: pl.DataFrame, account: Ints, mark: Floats) -> FeesToday:
    """Fees of the view's fills with every token at its rate at the end of the period.

    Parameters
    ----------
    view
        The booked view.
    extra
        Flat fees after the first of a fill (canonical table).
    account
        Account of each fill.
    mark
        Price at the end of each fill's pair, for fees paid in its base.
    """
    ledger = view.ledger
    fills = ledger.fills[ledger.rows]
    n = fills.height
    value = fills["price_quote"].to_numpy() * fills["amount_base"].to_numpy()
    percent = fills["fee_percent"].fill_null(0.0).to_numpy() * value
    cost, skipped = percent.copy(), np.zeros(n, bool)
    paid = [_paid(account, fills["quote"].cast(pl.String), percent)]
    for rows, token, amount in flat_fees_of(fills, extra):
        names = token.cast(pl.String)
        rate = _rates(view, fills, rows, names, mark[rows])
        np.add.at(cost, rows, np.nan_to_num(amount * rate))
        skipped[rows] |= np.isnan(rate)
        paid.append(_paid(account[rows], names, amount))
    tokens = pl.concat(paid).group_by("account", "token", maintain_order=True).agg(pl.col("amount").sum())
    return FeesToday(cost, skipped, percent, tokens)


def _paid(account: Ints, token: pl.Series, amount: Floats) -> pl.DataFrame:
    return pl.DataFrame({
        "account": np.asarray(account, np.int64), "token": token.cast(pl.String), "amount": amount,
    })  # fmt: skip


def _rates(view: View, fills: pl.DataFrame, rows: Ints, token: pl.Series, mark: Floats) -> Floats:
    """Value at the end of one unit of each fee token in the quote of its fill; NaN where none is known."""
    ledger, how = view.ledger, view.conventions
    names = pl.DataFrame({
        "token": token, "base": fills["base"][rows].cast(pl.String),
        "quote": fills["quote"][rows].cast(pl.String), "mark": mark,
    })  # fmt: skip
    rate = np.full(rows.size, np.nan)
    kinds = names.with_row_index("place").group_by("token", "base", "quote", maintain_order=True)
    for (name, base, quote), mine in kinds:
        place = mine["place"].to_numpy()
        if name == quote:
            rate[place] = 1.0
        elif canonical_token(str(name)) == canonical_token(str(base)):
            rate[place] = mine["mark"].to_numpy()
        else:
            given = given_rate(how.marks, str(name), str(quote))
            rate[place] = ledger.prices.rate(
                str(name), str(quote), np.array([ledger.end_us]), max_age_s=how.max_rate_age_s,
                via=how.cross_via,
            )[0] if np.isnan(given) else given  # fmt: skip
    return rate
