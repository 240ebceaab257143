"""How did the bot do: metrics, books, equity, trips and checks of one filtered view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from weakref import WeakKeyDictionary

import polars as pl

from fillbook.analysis.inputs import Days, book_daily_frame, daily_frame, equity_frame, metric_inputs
from fillbook.analysis.orders import order_facts
from fillbook.analysis.reporting import reporting_of
from fillbook.conventions import Conventions
from fillbook.errors import BadRequestError
from fillbook.filters import Filter
from fillbook.findings import Finding, Severity
from fillbook.ledger.book import Ledger, Prepared, keep_ledger, prepare
from fillbook.ledger.equity import curve
from fillbook.ledger.invariants import Check, run_checks
from fillbook.metrics.drawdown import drawdown_table
from fillbook.metrics.evaluate import evaluate
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Result

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_STARTS = ("fills", "orders", "funding")
_EVENTS = ("fills", "orders", "order_events", "funding", "executors", "positions", "quotes")


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
        A row a UTC day: ``day, pnl, equity, drawdown, volume, n_fills, is_partial`` in `currency`.
    book_daily
        A row a book and UTC day: ``book, day, pnl, value`` in `currency`; the signed value of the
        position at the end of the day.
    equity
        ``at, equity, drawdown, is_gap`` in `currency`, thin enough to draw.
    trips
        Closed and open round trips: ``bot, connector, pair, leg, quote, controller_id, side,
        entry_at, exit_at, qty_base, entry_quote, exit_quote, gross_quote, fees_quote,
        funding_quote, net_quote, hold_s, n_fills, mae_quote, mfe_quote, has_path, is_open``.
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
    chosen, conventions = chosen or Filter(), conventions or Conventions()
    _refuse_unknown(data, chosen)
    parted = bool(chosen.controllers or chosen.sides or chosen.close_types)
    run = _run(data, conventions) or (_NEVER, _NEVER)
    end = min(run[1], chosen.end) if chosen.end else run[1]
    held = _held(data, conventions)
    ledger = keep_ledger(held.prepared, end=end, chosen=chosen, with_funding=not parted)
    orders = None if held.orders is None else chosen.apply(held.orders)
    period = _period(_starts(ledger, orders), chosen, run, is_declared=conventions.run is not None)
    start_us = int(period[0].timestamp() * 1e6) if period else ledger.end_us
    reporting = reporting_of(ledger)
    path = curve(ledger, start_us)
    days = Days.of(ledger, reporting, start_us)
    daily = daily_frame(ledger, reporting, days)
    equity = equity_frame(path, reporting, conventions)
    trips = _trips_frame(ledger)
    inputs = metric_inputs(ledger, orders, reporting, daily, equity, trips, start_us)
    findings = (*data.findings, *ledger.findings, *reporting.findings)
    return Overview(
        reporting.currency, period, evaluate(inputs, metrics), ledger.books, daily,
        book_daily_frame(days), equity, trips,
        drawdown_frame(equity, has_capital=conventions.capital is not None),
        run_checks(ledger, data.filtered(chosen)) if check else (),
        (*findings, *_funding_left_out(data)) if parted else findings, chosen, conventions,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Held:
    """What is found once for every filter."""

    prepared: Prepared
    orders: pl.DataFrame | None


_HELD: WeakKeyDictionary[PerformanceDataSource, dict[str, _Held]] = WeakKeyDictionary()


def _held(data: PerformanceDataSource, conventions: Conventions) -> _Held:
    """Books, fees and orders of all fills, found once for each set of conventions."""
    held = _HELD.setdefault(data, {})
    key = repr(conventions)
    if key not in held:
        before = next(iter(held.values()), None)
        held.clear()  # one set of conventions at a time: memory before speed
        orders = before.orders if before else order_facts(data.tables) if data.orders.height else None
        held[key] = _Held(prepare(data.tables, conventions), orders)
    return held[key]


def _refuse_unknown(data: PerformanceDataSource, chosen: Filter) -> None:
    """A name the data does not hold is a typo, not an empty answer."""
    for name, table, column in (
        ("bots", "fills", "bot"), ("connectors", "fills", "connector"), ("pairs", "fills", "pair"),
    ):  # fmt: skip
        wanted = set(getattr(chosen, name))
        if not wanted:
            continue
        known: set[str] = set()
        for source in (table, "orders", "executors", "funding"):
            known |= set(data.tables[source][column].unique().cast(pl.String).drop_nulls())
        unknown = sorted(wanted - known)
        if unknown:
            message = f"the data holds no {column} {', '.join(unknown)}; it holds {', '.join(sorted(known))}"
            raise BadRequestError(message)


def _funding_left_out(data: PerformanceDataSource) -> list[Finding]:
    """Funding belongs to positions, not to a side, a controller or a close type."""
    rows = data.tables["funding"].height
    if not rows:
        return []
    return [Finding(
        "funding", "funding_not_attributed", Severity.WARNING,
        f"{rows} funding payments belong to whole positions and are left out of this filtered view",
        n_rows=rows, effect="net PnL of a side, controller or close type is without funding",
    )]  # fmt: skip


def _run(data: PerformanceDataSource, conventions: Conventions) -> tuple[datetime, datetime] | None:
    """The run that was declared, else the first order or fill of the data and its last event."""
    if conventions.run is not None:
        return conventions.run
    starts = [data.tables[name]["at"].min() for name in _STARTS]
    ends = [data.tables[name]["at"].max() for name in _EVENTS]
    times = [at for at in (*starts, *ends) if isinstance(at, datetime)]
    first = [at for at in starts if isinstance(at, datetime)]
    return (min(first or times), max(times)) if times else None


def _starts(ledger: Ledger, orders: pl.DataFrame | None) -> list[datetime]:
    """First fill, payment and order of the view."""
    columns = [ledger.flow.at, ledger.funding["at"].dt.timestamp("us").to_numpy()]
    if orders is not None:
        columns.append(orders["at"].dt.timestamp("us").to_numpy())
    return [
        datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(at.min())) for at in columns if at.size
    ]


def _period(
    starts: list[datetime], chosen: Filter, run: tuple[datetime, datetime], *, is_declared: bool
) -> tuple[datetime, datetime] | None:
    """From the chosen start, else the first event of the view, to the chosen end; within the run."""
    if not starts:
        return None
    end = min(run[1], chosen.end) if chosen.end else run[1]
    first = chosen.start or (run[0] if is_declared else min(starts))
    return min(max(first, run[0]), end), end


def _trips_frame(ledger: Ledger) -> pl.DataFrame:
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
        )
    )


def drawdown_frame(equity: pl.DataFrame, *, has_capital: bool) -> pl.DataFrame:
    """Drawdown table of an equity curve, deepest first; fractions null without capital."""
    points = equity.filter(~pl.col("is_gap"))
    rows = drawdown_table(points["equity"].to_numpy())
    at = points["at"]
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
