"""A filtered view, booked: what every answer about it starts from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from weakref import WeakKeyDictionary

import polars as pl

from fillbook.analysis.kept import can_be_read_alone, part_of
from fillbook.analysis.orders import OrderFacts, order_facts
from fillbook.analysis.reporting import Reporting, reporting_of
from fillbook.analysis.together import both
from fillbook.arrays import Ints
from fillbook.conventions import Conventions
from fillbook.errors import BadRequestError
from fillbook.filters import UNLINKED, Filter
from fillbook.findings import Finding, Severity
from fillbook.ledger.book import Ledger, Prepared, keep_ledger, prepare
from fillbook.ledger.growth import extended
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.schema.tables import columns_of

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_STARTS = ("fills", "orders", "funding")
_EVENTS = ("fills", "orders", "order_events", "funding", "executors", "positions")
_WORDS = {"connector": "exchange", "controller_id": "controller", "close_type": "close type"}
_OWN_KIND = "market_data"  # of quotes; a file of quotes may cover years before and after the bot


@dataclass(frozen=True, slots=True)
class View:
    """The chosen fills, booked from flat.

    Parameters
    ----------
    ledger, reporting
        Every chosen fill booked once, and how its books add up in one currency.
    orders
        Facts of the chosen orders; None where the data has none.
    filled
        What the fills of orders were, chosen or not (`orders.OrderFacts`).
    period
        First and last moment (UTC); None where the view is empty.
    start_us
        Start of the period, µs UTC; the ledger's end where the view is empty.
    findings
        Those of the data, of the ledger, and of the view itself.
    chosen, conventions
        What was asked.
    prepared
        Books and fees of all fills, filtered or not.
    of_fill
        Row in the canonical table of the order of each fill there; −1 where the data has none.
    """

    ledger: Ledger
    reporting: Reporting
    orders: pl.DataFrame | None
    filled: pl.DataFrame
    period: tuple[datetime, datetime] | None
    start_us: int
    findings: tuple[Finding, ...]
    chosen: Filter
    conventions: Conventions
    prepared: Prepared
    of_fill: Ints


@dataclass(slots=True)
class _Held:
    """What is found once for every filter, and the views asked for last."""

    prepared: Prepared
    orders: OrderFacts | None = None
    last: dict[Filter, View] = field(default_factory=dict)


_NOTHING = _Held(None, None)  # type: ignore[arg-type]
_LEAN: WeakKeyDictionary[PerformanceDataSource, dict[Filter, View]] = WeakKeyDictionary()
_HELD: WeakKeyDictionary[PerformanceDataSource, dict[str, _Held]] = WeakKeyDictionary()


def prepared_of(data: PerformanceDataSource, conventions: Conventions) -> Prepared:
    """Books and fees of all fills, found once; of data that grew, those of the new fills alone."""
    return _held(data, conventions).prepared


def view_of(
    data: PerformanceDataSource, chosen: Filter | None = None, conventions: Conventions | None = None
) -> View:
    """Book the fills of `data` that pass `chosen`; the views asked for last are kept.

    Parameters
    ----------
    data
        An opened source.
    chosen
        Which rows count; None takes all.
    conventions
        How to book; None takes the defaults.

    Raises
    ------
    BadRequestError
        A filter value that the data does not hold, or a currency without rates.
    MissingMarkError
        Marks are strict and an open position has none.
    """
    chosen, conventions = chosen or Filter(), conventions or Conventions()
    _refuse_unknown(data, chosen)
    held = _held(data, conventions, orders=True)
    found = held.last.get(chosen)
    if found is None:
        found = _booked(data, held, chosen, conventions)
        newest = list(held.last.items())[-1:]
        held.last = {**dict(newest), chosen: found}  # two views at a time: memory before speed
    return found


def lean_view_of(
    data: PerformanceDataSource, chosen: Filter | None = None, conventions: Conventions | None = None
) -> View:
    """As `view_of`, for answers that ask no more than the ledger: of a checkpoint it reads the period alone.

    `prepared` and the rows of the ledger are then of the fills of the period, `of_fill` and `filled` empty.
    """
    chosen, conventions = chosen or Filter(), conventions or Conventions()
    is_known = chosen in _HELD.get(data, {}).get(repr(conventions), _NOTHING).last
    if is_known or not (chosen.start or chosen.end) or not can_be_read_alone(data, conventions):
        return view_of(data, chosen, conventions)
    _refuse_unknown(data, chosen)
    held = _LEAN.setdefault(data, {})
    if chosen not in held:
        part = _Held(*part_of(data, chosen, conventions))
        newest = list(held.items())[-1:]
        _LEAN[data] = held = {**dict(newest), chosen: _booked(data, part, chosen, conventions)}
    return held[chosen]


def _booked(data: PerformanceDataSource, held: _Held, chosen: Filter, conventions: Conventions) -> View:
    whole = replace(chosen, controllers=(), sides=(), close_types=())
    is_part = whole != chosen
    run = _run(data, conventions) or (_NEVER, _NEVER)
    end = min(run[1], chosen.end) if chosen.end else run[1]
    ledger = keep_ledger(held.prepared, end=end, chosen=chosen, part_of=whole if is_part else None)
    facts = held.orders or order_facts(data.tables)
    held.orders = facts
    orders = chosen.apply(facts.table) if data.height("orders") else None
    period = _period(_starts(ledger, orders), chosen, run, is_declared=conventions.run is not None)
    start_us = int(period[0].timestamp() * 1e6) if period else ledger.end_us
    reporting = reporting_of(ledger)
    findings = (*data.findings, *ledger.findings, *reporting.findings)
    findings = (*findings, *_funding_shared(ledger.funding)) if is_part else findings
    return View(
        ledger, reporting, orders, facts.filled, period, start_us, findings, chosen, conventions,
        held.prepared, facts.of_fill,
    )  # fmt: skip


def _held(data: PerformanceDataSource, conventions: Conventions, *, orders: bool = False) -> _Held:
    """Books and fees of all fills, and facts of the orders, found once for each set of conventions."""
    held = _HELD.setdefault(data, {})
    key = repr(conventions)
    if key not in held:
        before = next(iter(held.values()), None)
        held.clear()  # one set of conventions at a time: memory before speed
        known = before.orders if before else None
        if orders and known is None:
            held[key] = _Held(
                *both(lambda: _prepared(data, conventions, key), lambda: order_facts(data.tables))
            )
        else:
            held[key] = _Held(_prepared(data, conventions, key), known)
    return held[key]


def _prepared(data: PerformanceDataSource, conventions: Conventions, key: str) -> Prepared:
    """Books and fees of all fills; where the data grew, from those of before."""
    before = data.grown.before() if data.grown else None
    known = _HELD.get(before, {}).get(key) if before else None
    if data.grown and before and known:
        same = all(data.tables[name] is before.tables[name] for name in ("quotes", "candles"))
        found = extended(known.prepared, data.tables, data.grown.n_same, same_prices=same)
        if found:
            return found
    return prepare(data.tables, conventions)


def _refuse_unknown(data: PerformanceDataSource, chosen: Filter) -> None:
    """A name the data does not hold is a typo, not an empty answer."""
    for name, column in (
        ("bots", "bot"), ("connectors", "connector"), ("pairs", "pair"), ("controllers", "controller_id"),
        ("close_types", "close_type"),
    ):  # fmt: skip
        wanted = set(getattr(chosen, name)) - {UNLINKED}
        if not wanted:
            continue
        known: set[str] = set()
        for source in ("fills", "orders", "executors", "funding", "controllers"):
            if column in columns_of(source):
                known |= {name for name in data.names(source, column) if name is not None}
        unknown = sorted(wanted - known)
        if unknown:
            word = _WORDS.get(column, column)
            message = f"the data holds no {word} {', '.join(unknown)}; it holds {', '.join(sorted(known))}"
            raise BadRequestError(message)


def _funding_shared(payments: pl.DataFrame) -> list[Finding]:
    """Funding belongs to positions, not to a side, a controller or a close type."""
    if payments.is_empty():
        return []
    return [Finding(
        "funding", "funding_shared", Severity.INFO,
        f"{payments.height} funding payments belong to whole positions; this filtered view has its share of "
        "them, by position",
        n_rows=payments.height, effect="shares of all sides, controllers or close types add up to the whole",
    )]  # fmt: skip


def _run(data: PerformanceDataSource, conventions: Conventions) -> tuple[datetime, datetime] | None:
    """The run that was declared, else the first order or fill of the data and its last event."""
    if conventions.run is not None:
        return conventions.run
    starts = [span[0] for name in _STARTS if (span := data.span(name))]
    ends = [span[1] for name in _EVENTS if (span := data.span(name))]
    if _OWN_KIND in data.names("quotes", "kind"):
        ends.append(data.quotes.filter(pl.col("kind") == _OWN_KIND)["at"].max())  # type: ignore[arg-type]
    return (min(starts or ends), max(starts + ends)) if starts or ends else None


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
