"""Parts of a view side by side: what each controller, bot, pair or kind of close added to the whole.

A part's net PnL is what its fills brought, its position at the marks of the whole book, its fees and its
share of the funding. That adds up to the view's net to the last digit, without matching lots (DEFINITIONS
B4); realised and unrealised PnL of a part would not, and are not given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from fillbook.analysis.overview import Overview
from fillbook.analysis.view import View, view_of
from fillbook.arrays import Floats, Ints
from fillbook.filters import UNLINKED
from fillbook.ledger.book_sums import INVERSE
from fillbook.ledger.codes import label_codes
from fillbook.ledger.equity import day_edges, prices_at
from fillbook.metrics.drawdown import falls
from fillbook.metrics.returns import deviation, sharpe_ratio, winning_days
from fillbook.performance_data_source import PerformanceDataSource

Tag = Literal["bot", "controller_id", "connector", "pair", "close_type", "side"]
_FLAT = 1e-9  # of the largest position: less is rounding
_DAY_US = 86_400_000_000
_LEAST_DAYS = 3  # below it a correlation says nothing


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts of one view, by some of their tags.

    Parameters
    ----------
    table
        A row a part, the best first: ``part``, its name for people; the tags; ``net, fees, funding,
        volume, n_fills`` in `currency`, or in the quote of its pair where there is none; ``sharpe,
        deviation, max_drawdown, winning_days`` of its daily PnL, null where undefined; ``daily``, its
        PnL of each UTC day of the view, null where an open position had no mark.
    currency
        Of every money column; None where the quotes have no common one, and money then is null but for
        parts of one pair.
    """

    table: pl.DataFrame
    currency: str | None

    def correlation(self) -> Floats:
        """Pearson correlation of daily PnL, parts in the order of the table, shape (n, n).

        NaN where a part did not vary, has a day without a mark, or there are too few days.
        """
        n = self.table.height
        rows = np.array([[np.nan if x is None else x for x in days] for days in self.table["daily"]])
        if n == 0 or rows.shape[1] < _LEAST_DAYS:
            return np.full((n, n), np.nan)
        rows[[deviation(days) == 0.0 for days in rows]] = np.nan  # what differs by rounding did not vary
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.corrcoef(rows)).reshape(n, n)


def parts(data: PerformanceDataSource, answer: Overview, by: Sequence[Tag]) -> Parts:
    """Parts of the view an answer was given for.

    Parameters
    ----------
    data
        The source the answer came from.
    answer
        What is shown.
    by
        Tags that tell parts from one another; a fill without one has null there. Money needs "pair" among
        them, or a reporting currency.
    """
    view = view_of(data, answer.chosen, answer.conventions)
    code, first = _grouped(view, by)
    labels = pl.DataFrame([
        view.ledger.column(tag)[first].cast(pl.Int8 if tag == "side" else pl.String).alias(tag) for tag in by
    ])  # fmt: skip
    group, part_of, book_of = _by_book(code, view.ledger.flow.book)
    labels, part_of, book_of = _with_paid_only(view, labels, part_of, book_of)
    edges = day_edges(view.start_us, view.ledger.end_us)
    cash, position, volume, fees = _moves(view, group, part_of.size, edges)
    paid = np.cumsum(_funding(view, group, book_of, edges), axis=1)
    net = _net(view, book_of, cash, position, edges) + paid
    rates, at_end = _rates(view, book_of, edges, is_own="pair" in by)
    columns = {
        "net": _in_currency(net, rates), "funding": _in_currency(paid, rates),
        "fees": (fees * at_end * _to_quote(view, book_of))[:, None], "volume": (volume * at_end)[:, None],
    }  # fmt: skip
    summed = {name: _summed(values, part_of, labels.height) for name, values in columns.items()}
    pnl = np.diff(summed["net"], axis=1, prepend=0.0)
    is_long = view.ledger.end_us - view.start_us >= _DAY_US
    table = pl.concat([
        _names(labels), labels,
        pl.DataFrame({name: values[:, -1] for name, values in summed.items()}),
        pl.DataFrame({"n_fills": np.bincount(code, minlength=labels.height)}),
        _statistics(pnl, view.conventions.periods_per_year, is_long=is_long),
    ], how="horizontal").with_columns(pl.selectors.float().fill_nan(None))  # fmt: skip
    return Parts(table.sort("net", descending=True, nulls_last=True), view.reporting.currency)


def _with_paid_only(
    view: View, labels: pl.DataFrame, part_of: Ints, book_of: Ints
) -> tuple[pl.DataFrame, Ints, Ints]:
    """The groups with those of books that were paid funding but traded nothing in this view."""
    paid = set(view.ledger.funding["book"].to_list()) - set(book_of.tolist())
    if not paid:
        return labels, part_of, book_of
    books = view.ledger.books[sorted(paid)]
    nothing = pl.lit(None, dtype=pl.String)
    tags = books.select([
        (pl.col(tag) if tag in books.columns else nothing).cast(dtype).alias(tag)
        for tag, dtype in labels.schema.items()
    ])  # fmt: skip
    every = pl.concat([labels, tags]).with_row_index("place")
    kinds = (
        every.unique(labels.columns, keep="first", maintain_order=True).drop("place").with_row_index("part")
    )
    joined = every.join(kinds, on=labels.columns, how="left", nulls_equal=True, maintain_order="left")
    added = joined["part"][labels.height :].to_numpy().astype(np.int64)
    return kinds.drop("part"), np.append(part_of, added), np.append(book_of, sorted(paid))


def _rates(view: View, book_of: Ints, edges: Ints, *, is_own: bool) -> tuple[Floats, Floats]:
    """Value of each group's quote at each day's end, and at the end.

    Without a reporting currency a part of one pair stands in its own quote.
    """
    if view.reporting.currency is None and is_own:
        return np.ones((book_of.size, edges.size)), np.ones(book_of.size)
    return view.reporting.rates(edges)[book_of], view.reporting.at_end[book_of]


def _names(labels: pl.DataFrame) -> pl.DataFrame:
    """``part``: the controller, else the bot; without those, the first tag in words."""
    tag = labels.columns[0]
    if "controller_id" not in labels.columns:
        words = {"1": "bought", "-1": "sold"} if tag == "side" else {}
        return labels.select(part=pl.col(tag).cast(pl.String).replace(words).fill_null(UNLINKED))
    controller, bot = pl.col("controller_id"), pl.col("bot") if "bot" in labels.columns else pl.lit(UNLINKED)
    is_shared = bot.n_unique().over(controller) > 1
    named = pl.when(is_shared).then(pl.format("{} ({})", controller, bot)).otherwise(controller)
    return labels.select(part=pl.coalesce(named, bot))


def _grouped(view: View, by: Sequence[Tag]) -> tuple[Ints, Ints]:
    """Part of each fill in the order of the flow, and a fill of each part."""
    columns = [view.ledger.column(tag) for tag in by]
    return label_codes([c.cast(pl.Int64) if c.dtype.is_integer() else c for c in columns])


def _by_book(code: Ints, book: Ints) -> tuple[Ints, Ints, Ints]:
    """Groups of one part and one book: that of each fill, and the part and book of each."""
    if not code.size:
        nothing = np.zeros(0, np.int64)
        return nothing, nothing, nothing
    n_books = int(book.max()) + 1
    both = code.astype(np.int64) * n_books + book
    present = np.flatnonzero(np.bincount(both))
    return np.searchsorted(present, both), present // n_books, present % n_books


def _day_of(edges: Ints, at: Ints) -> Ints:
    """Day that each time is in: a day ends where the next begins, the last one with the period."""
    return np.asarray(np.minimum(np.searchsorted(edges, at, side="right"), edges.size - 1))


def _moves(view: View, group: Ints, n: int, edges: Ints) -> tuple[Floats, Floats, Floats, Floats]:
    """Of each group: cash and position at the end of each day; volume and fees in all."""
    flow, n_days = view.ledger.flow, edges.size
    place = group * n_days + _day_of(edges, flow.at)

    def through(values: Floats) -> Floats:
        return np.cumsum(np.bincount(place, values, n * n_days).reshape(n, n_days), axis=1)

    cash, position = through(flow.cash_moves - flow.fee), through(flow.qty - flow.fee_base)
    largest = np.abs(position).max(axis=1, keepdims=True, initial=0.0)
    position[np.abs(position) <= _FLAT * largest] = 0.0
    volume, fees = (np.asarray(np.bincount(group, v, n), float) for v in (flow.notional, flow.fee))
    return cash, position, volume, fees


def _net(view: View, book_of: Ints, cash: Floats, position: Floats, edges: Ints) -> Floats:
    """Net PnL of each group at the end of each day, without funding, in the quote of its book."""
    price = prices_at(view.ledger, edges)[book_of]
    inverse = (view.ledger.books["market_type"] == INVERSE).to_numpy()[book_of][:, None]
    with np.errstate(divide="ignore"):
        unit = np.where(inverse, -1.0 / price, price)
    settled = cash + np.where(position == 0.0, 0.0, position * unit)
    return np.asarray(np.where(settled == 0.0, 0.0, settled * np.where(inverse, price, 1.0)))


def _to_quote(view: View, book_of: Ints) -> Floats:
    """What turns the settlement asset of each group's book into its quote, at the end."""
    books = view.ledger.books
    mark = books["mark_quote"].fill_null(np.nan).to_numpy()
    return np.asarray(np.where((books["market_type"] == INVERSE).to_numpy(), mark, 1.0)[book_of])


def _funding(view: View, group: Ints, book_of: Ints, edges: Ints) -> Floats:
    """Funding of each group on each day, in quote: a payment is shared by position.

    What was paid while the book was flat goes to its first group: nothing tells them apart.
    """
    ledger, flow = view.ledger, view.ledger.flow
    paid = np.zeros((book_of.size, edges.size))
    rows_of = list(flow.slices())
    for (book,), payments in ledger.funding.filter("is_trusted").group_by("book"):
        mine = np.flatnonzero(book_of == book)
        if not mine.size:
            continue  # paid, never traded in this view
        rows = rows_of[int(str(book))]
        ordered = payments.sort("at")
        at = ordered["at"].dt.timestamp("us").to_numpy()
        amount = ordered["amount_quote"].to_numpy()
        place = np.searchsorted(mine, group[rows]) * (at.size + 1) + np.searchsorted(at, flow.at[rows])
        moved = np.bincount(place, flow.qty[rows], mine.size * (at.size + 1))
        held = np.cumsum(moved.reshape(mine.size, -1), axis=1)[:, :-1]
        total = held.sum(axis=0)
        is_open = np.abs(total) > _FLAT * np.abs(held).max(initial=0.0)
        share = np.where(is_open, held / np.where(is_open, total, 1.0), 0.0)
        share[0] += np.where(is_open, 0.0, 1.0)
        day = _day_of(edges, at)
        for place_, part in enumerate(mine):
            paid[part] += np.bincount(day, share[place_] * amount, edges.size)
    return paid


def _in_currency(values: Floats, rates: Floats) -> Floats:
    """Values × rates; before it traded a book needs no rate."""
    has_none = np.isnan(rates).all(axis=1, keepdims=True) if rates.size else np.zeros((0, 1), bool)
    return np.asarray(np.where((values == 0.0) & ~has_none, 0.0, values * rates))


def _summed(values: Floats, part_of: Ints, n: int) -> Floats:
    """Sum over the groups of each part, shape (n, n_columns)."""
    total = np.zeros((n, values.shape[1]))
    np.add.at(total, part_of, values)
    return total


def _statistics(pnl: Floats, periods_per_year: float, *, is_long: bool) -> pl.DataFrame:
    """Figures of each part's daily PnL, shape (n, n_days); nothing is annualised from less than a day."""
    equity = np.cumsum(np.pad(pnl, ((0, 0), (1, 0))), axis=1)
    known = [bool(pnl.shape[1]) and not np.isnan(days).any() for days in pnl]
    rows = [
        {
            "sharpe": sharpe_ratio(days, periods_per_year=periods_per_year) if is_long else np.nan,
            "deviation": deviation(days),
            "max_drawdown": float(falls(level).max()), "winning_days": winning_days(days),
        }
        if is_known
        else {}
        for days, level, is_known in zip(pnl, equity, known, strict=True)
    ]  # fmt: skip
    names = ("sharpe", "deviation", "max_drawdown", "winning_days")
    figures = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Float64)) if rows else pl.DataFrame(
        schema=dict.fromkeys(names, pl.Float64)
    )  # fmt: skip
    daily = [[None if np.isnan(x) else float(x) for x in days] for days in pnl]
    return figures.with_columns(pl.Series("daily", daily, dtype=pl.List(pl.Float64)))
