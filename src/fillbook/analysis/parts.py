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

from fillbook.analysis.kept import kept_frame
from fillbook.analysis.overview import Overview
from fillbook.analysis.tagged_days import (
    Moves,
    by_book,
    funding_by_day,
    in_currency,
    net_without_funding,
    rates_of,
    sums_of_parts,
    to_quote,
)
from fillbook.analysis.view import View, lean_view_of
from fillbook.arrays import Floats, Ints
from fillbook.filters import UNLINKED
from fillbook.ledger.codes import label_codes
from fillbook.ledger.equity import day_edges
from fillbook.metrics.drawdown import falls
from fillbook.metrics.returns import deviation, sharpe_ratio, winning_days
from fillbook.performance_data_source import PerformanceDataSource

Tag = Literal["bot", "controller_id", "connector", "pair", "close_type", "side"]
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


def kept_name(by: Sequence[Tag]) -> str:
    """What the parts by these tags are called in a checkpoint."""
    return "parts_" + "_".join(by)


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
    kept = kept_frame(data, answer.chosen, answer.conventions, kept_name(by))
    if kept is not None:
        return Parts(kept, answer.currency)
    view = lean_view_of(data, answer.chosen, answer.conventions)
    code, first = _grouped(view, by)
    labels = pl.DataFrame([
        view.ledger.column(tag)[first].cast(pl.Int8 if tag == "side" else pl.String).alias(tag) for tag in by
    ])  # fmt: skip
    group, part_of, book_of = by_book(code, view.ledger.flow.book)
    labels, part_of, book_of = _with_paid_only(view, labels, part_of, book_of)
    edges = day_edges(view.start_us, view.ledger.end_us)
    cash, position = Moves.of(view, edges).through(group, part_of.size)
    flow = view.ledger.flow
    volume, fees = (np.asarray(np.bincount(group, v, part_of.size), float) for v in (flow.notional, flow.fee))
    paid = np.cumsum(funding_by_day(view, group, book_of, edges), axis=1)
    net = net_without_funding(view, book_of, cash, position, edges) + paid
    rates, at_end = rates_of(view, book_of, edges, is_own="pair" in by)
    columns = {
        "net": in_currency(net, rates), "funding": in_currency(paid, rates),
        "fees": (fees * at_end * to_quote(view, book_of))[:, None], "volume": (volume * at_end)[:, None],
    }  # fmt: skip
    summed = {name: sums_of_parts(values, part_of, labels.height) for name, values in columns.items()}
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


def _names(labels: pl.DataFrame) -> pl.DataFrame:
    """``part``: the controller, else the bot; without those, the first tag in words.

    What no controller traded in a bot that has some is not the bot: it is called unlinked.
    """
    tag = labels.columns[0]
    if "controller_id" not in labels.columns:
        words = {"1": "bought", "-1": "sold"} if tag == "side" else {}
        return labels.select(part=pl.col(tag).cast(pl.String).replace(words).fill_null(UNLINKED))
    controller, bot = pl.col("controller_id"), pl.col("bot") if "bot" in labels.columns else pl.lit(UNLINKED)
    is_shared = bot.n_unique().over(controller) > 1
    name = controller.cast(pl.String).fill_null(UNLINKED)
    named = pl.when(is_shared).then(pl.format("{} ({})", name, bot)).otherwise(name)
    is_bot = controller.is_null() & ~controller.is_not_null().any().over(bot)
    return labels.select(part=pl.when(is_bot).then(bot).otherwise(named))


def _grouped(view: View, by: Sequence[Tag]) -> tuple[Ints, Ints]:
    """Part of each fill in the order of the flow, and a fill of each part."""
    columns = [view.ledger.column(tag) for tag in by]
    return label_codes([c.cast(pl.Int64) if c.dtype.is_integer() else c for c in columns])


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
    flat = pl.Series("daily", pnl.ravel(), dtype=pl.Float64, nan_to_null=True)
    nothing = pl.Series("daily", [[]] * len(pnl), dtype=pl.List(pl.Float64))
    return figures.with_columns(flat.reshape(pnl.shape).arr.to_list() if pnl.size else nothing)
