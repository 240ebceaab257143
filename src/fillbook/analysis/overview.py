"""How did the bot do: metrics, books, equity, trips and checks of one filtered view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import polars as pl

from fillbook.analysis.inputs import Days, book_daily_frame, daily_frame, equity_frame, metric_inputs
from fillbook.analysis.kept import kept_overview
from fillbook.analysis.view import lean_view_of
from fillbook.conventions import Conventions
from fillbook.filters import Filter
from fillbook.findings import Finding
from fillbook.ledger.book import Ledger
from fillbook.ledger.equity import curve
from fillbook.ledger.invariants import Check, run_checks
from fillbook.metrics.drawdown import drawdown_table
from fillbook.metrics.evaluate import evaluate
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Result


@dataclass(frozen=True, slots=True)
class Overview:
    """One filtered view, answered.

    Parameters
    ----------
    currency
        Reporting currency; None when several quote currencies have no known rate to one another,
        and then every money metric is unavailable and `books` shows the parts.
    period
        First and last moment of the view (UTC), None where it is empty.
    metrics
        By key, in registry order.
    books
        A row a book (see `fillbook.ledger.book.BOOK_COLUMNS`), in its own quote currency.
    daily
        A row a UTC day: ``day, pnl, equity, drawdown, is_partial, volume, n_fills, fees`` in `currency`.
    book_daily
        A row a book and UTC day: ``book, day, pnl, value`` in `currency`; the signed value of the
        position at the end of the day.
    equity
        ``at, equity, drawdown, is_gap`` in `currency`, thin enough to draw.
    trips
        Closed and open round trips: ``bot, connector, pair, leg, quote, controller_id, side,
        entry_at, exit_at, qty_base, entry_quote, exit_quote, gross_quote, fees_quote,
        funding_quote, net_quote, hold_s, n_fills, mae_quote, mfe_quote, has_path, is_open, book,
        entry_fill, exit_fill``; the last three lead to its fills (`analysis.trades.fills_of_trip`).
    drawdowns
        The drawdown table, deepest first: ``depth, depth_fraction, peak_at, valley_at,
        recovery_at, length_s, to_valley_s``.
    checks
        The book's own checks.
    findings
        Those of the data and those of the ledger.
    """

    currency: str | None
    period: tuple[datetime, datetime] | None
    metrics: Mapping[str, Result]
    books: pl.DataFrame
    daily: pl.DataFrame
    book_daily: pl.DataFrame
    equity: pl.DataFrame
    trips: pl.DataFrame
    drawdowns: pl.DataFrame
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]
    chosen: Filter
    conventions: Conventions


def overview(
    data: PerformanceDataSource,
    chosen: Filter | None = None,
    conventions: Conventions | None = None,
    *,
    metrics: Iterable[str] | None = None,
    check: bool = True,
) -> Overview:
    """Answer of `data` seen through `chosen`, booked by `conventions`.

    Parameters
    ----------
    data
        An opened source.
    chosen
        Which rows count; None takes all. The period selects fills, and books start flat.
    conventions
        Cost method, marks, capital, currency; None takes the defaults.
    metrics
        Keys to answer; None answers all.
    check
        Whether the book checks itself as well.

    Raises
    ------
    BadRequestError
        A filter value that the data does not hold, a currency without rates, an unknown metric.
    MissingMarkError
        Marks are strict and an open position has none.
    """
    kept = kept_overview(data, chosen or Filter(), conventions or Conventions(), metrics)
    if kept is not None:
        return kept if check else replace(kept, checks=())
    seen = lean_view_of(data, chosen, conventions)
    ledger, reporting, start_us = seen.ledger, seen.reporting, seen.start_us
    days = Days.of(ledger, reporting, start_us)
    daily = daily_frame(ledger, reporting, days)
    equity = equity_frame(curve(ledger, start_us), reporting, seen.conventions)
    trips = trips_frame(ledger)
    inputs = metric_inputs(ledger, seen.orders, reporting, daily, equity, trips, start_us)
    return Overview(
        reporting.currency, seen.period, evaluate(inputs, metrics), ledger.books, daily,
        book_daily_frame(days), equity, trips,
        drawdown_frame(equity, seen.conventions.capital),
        run_checks(ledger, data.filtered(seen.chosen)) if check else (),
        seen.findings, seen.chosen, seen.conventions,
    )  # fmt: skip


def trips_frame(ledger: Ledger) -> pl.DataFrame:
    """Round trips in quote, closed ones by exit, then the open ones."""
    mark = pl.lit(ledger.books["mark_quote"])
    inverse = pl.col("market_type") == "inverse_perp"
    to_quote = pl.when(inverse).then(mark.gather(pl.col("book"))).otherwise(1.0)
    money = [(pl.col(name) * to_quote).alias(f"{name}_quote") for name in ("gross", "fees", "mae", "mfe")]
    return (
        ledger.trips.with_columns(
            *money,
            funding_quote=pl.col("funding"),
            qty_base=pl.max_horizontal("closed_base", "entry_base"),
        )
        .with_columns(net_quote=pl.col("gross_quote") - pl.col("fees_quote") + pl.col("funding_quote"))
        .sort("exit_at", nulls_last=True, maintain_order=True)
        .select(
            "bot",
            "connector",
            "pair",
            "leg",
            "quote",
            "controller_id",
            "side",
            "entry_at",
            "exit_at",
            "qty_base",
            "entry_quote",
            "exit_quote",
            "gross_quote",
            "fees_quote",
            "funding_quote",
            "net_quote",
            "hold_s",
            "n_fills",
            "mae_quote",
            "mfe_quote",
            "has_path",
            "is_open",
            "book",
            "entry_fill",
            "exit_fill",
        )
    )


def drawdown_frame(equity: pl.DataFrame, capital: float | None) -> pl.DataFrame:
    """Drawdown table of the points of an equity curve that are known, deepest first.

    The peak includes the start: capital, 0 where none is declared, at the time of the first point. Fractions
    are null without capital.
    """
    points = equity.filter(~pl.col("is_gap"))
    start = np.full(min(points.height, 1), capital or 0.0)
    rows = drawdown_table(np.concatenate([start, points["equity"].to_numpy()]), by_money=True)
    at, has_capital = pl.concat([points["at"].head(1), points["at"]]), capital is not None
    table = pl.DataFrame(
        {
            "depth": [row.depth for row in rows],
            "depth_fraction": [row.depth_fraction if has_capital else None for row in rows],
            "peak_at": [at[row.peak_index] for row in rows],
            "valley_at": [at[row.valley_index] for row in rows],
            "recovery_at": [None if row.recovery_index is None else at[row.recovery_index] for row in rows],
        },
        schema={
            "depth": pl.Float64, "depth_fraction": pl.Float64, "peak_at": at.dtype,
            "valley_at": at.dtype, "recovery_at": at.dtype,
        },
    )  # fmt: skip
    last = pl.lit(at.max(), dtype=at.dtype)
    ends = pl.col("recovery_at").fill_null(last)
    seconds = {
        "length_s": ends - pl.col("peak_at"),
        "to_valley_s": pl.col("valley_at") - pl.col("peak_at"),
    }
    return table.with_columns(**{k: v.dt.total_microseconds() / 1e6 for k, v in seconds.items()}).fill_nan(
        None
    )
