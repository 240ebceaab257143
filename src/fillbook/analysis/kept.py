"""What a checkpoint keeps of its answers: worked out once, at the merge, and not at each opening.

Kept are the answer to the usual question (everything, booked by the usual conventions), what only all fills
tell of the books, and what became of every order. They belong to the code that made them
(`checkpoint_form.code_version`); any other question, and any other code, works from the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from fillbook.analysis.orders import OrderFacts
from fillbook.conventions import Conventions
from fillbook.filters import Filter
from fillbook.ledger.book import Prepared, Whole, prepare_part
from fillbook.ledger.invariants import Check, Verdict
from fillbook.ledger.rates import Prices
from fillbook.results import Result, Status
from fillbook.sources.checkpoint_form import findings_from, plain_form
from fillbook.units import Unit

if TYPE_CHECKING:
    from fillbook.analysis.overview import Overview
    from fillbook.analysis.view import View
    from fillbook.performance_data_source import PerformanceDataSource

_OVERVIEW = ("books", "daily", "book_daily", "equity", "trips", "drawdowns")
_BOOKS, _FUNDING, _ORDERS = "whole_books", "whole_funding", "order_facts"
_USUAL = repr(Conventions())


def kept_answers(
    data: PerformanceDataSource, answer: Overview, view: View
) -> tuple[dict[str, pl.DataFrame], dict[str, Any]]:
    """Frames by name, and plain values, from which the functions below answer.

    Parameters
    ----------
    data
        What the checkpoint holds.
    answer, view
        The usual question answered, and its view.
    """
    prepared = view.prepared
    frames = {f"overview_{name}": getattr(answer, name) for name in _OVERVIEW}
    frames |= {_BOOKS: prepared.assigned.books, _FUNDING: prepared.funding}
    if view.orders is not None:
        frames[_ORDERS] = view.orders
    return frames, {
        "conventions": _USUAL,
        "is_divisible": data.flat_fees.is_empty(),
        "whole_findings": plain_form(prepared.findings),
        "currency": answer.currency,
        "period": answer.period and [moment.isoformat() for moment in answer.period],
        "metrics": {key: _plain(result) for key, result in answer.metrics.items()},
        "checks": [_plain(check) for check in answer.checks],
        "findings": plain_form(answer.findings),
    }


def _plain(value: Result | Check) -> dict[str, Any]:
    """Fields as JSON holds them, none of them changed."""
    row = {f.name: getattr(value, f.name) for f in fields(value)}
    return {name: item.value if isinstance(item, Enum) else _number(item) for name, item in row.items()}


def _number(value: object) -> Any:  # noqa: ANN401  (JSON)
    """Numbers of numpy as Python's own."""
    if isinstance(value, Mapping):
        return {name: _number(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_number(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def kept_overview(
    data: PerformanceDataSource, chosen: Filter, conventions: Conventions, metrics: Iterable[str] | None
) -> Overview | None:
    """The overview as it was kept; None where this was not asked then.

    Parameters
    ----------
    data
        Perhaps of a checkpoint.
    chosen, conventions, metrics
        What is asked.
    """
    from fillbook.analysis.overview import Overview  # noqa: PLC0415  (it asks this module)

    stored = data.stored
    if stored is None or not chosen.is_empty or stored.answers.get("conventions") != repr(conventions):
        return None
    held = stored.answers
    keys = list(held["metrics"]) if metrics is None else list(metrics)
    if not set(keys) <= set(held["metrics"]):
        return None
    period = held["period"] and tuple(map(datetime.fromisoformat, held["period"]))
    return Overview(
        currency=held["currency"], period=period,
        metrics={key: _result(held["metrics"][key]) for key in keys},
        **{name: stored.frame(f"overview_{name}") for name in _OVERVIEW},
        checks=tuple(Check(**{**row, "verdict": Verdict(row["verdict"])}) for row in held["checks"]),
        findings=findings_from(held["findings"]), chosen=chosen, conventions=conventions,
    )  # fmt: skip


def _result(row: Mapping[str, Any]) -> Result:
    return Result(**{
        **row, "unit": Unit(row["unit"]), "status": Status(row["status"]), "reasons": tuple(row["reasons"]),
    })  # fmt: skip


def kept_frame(
    data: PerformanceDataSource, chosen: Filter, conventions: Conventions, name: str
) -> pl.DataFrame | None:
    """A frame that was kept with the usual answer; None where something else is asked."""
    stored = data.stored
    is_usual = (
        chosen.is_empty and stored is not None and stored.answers.get("conventions") == repr(conventions)
    )
    if stored is None or not is_usual or name not in stored.cleaned.frames:
        return None
    return stored.frame(name)


def can_be_read_alone(data: PerformanceDataSource, conventions: Conventions) -> bool:
    """Whether a period of the data can be booked without the fills before and after it.

    So it is where a checkpoint kept what only all fills tell, by these conventions; not where a fill paid
    several fees, whose sum may end in another digit.
    """
    kept = {} if data.stored is None else data.stored.answers
    return kept.get("conventions") == repr(conventions) and bool(kept["is_divisible"])


def part_of(
    data: PerformanceDataSource, chosen: Filter, conventions: Conventions
) -> tuple[Prepared, OrderFacts]:
    """Books of the fills of a chosen period, and all orders with what became of them.

    Only for data of which a part `can_be_read_alone`.
    """
    stored = data.stored
    assert stored is not None  # noqa: S101  (that is what it means)
    fills = stored.within("fills", chosen.start, chosen.end)
    whole = Whole(
        stored.frame(_BOOKS), stored.frame(_FUNDING), data.quarantine.filter(pl.col("table") == "fills"),
        findings_from(stored.answers["whole_findings"]),
    )  # fmt: skip

    def own(pair: str) -> pl.DataFrame:
        return stored.columns("fills", ("pair", "at", "price_quote")).filter(pl.col("pair") == pair)

    pairs = frozenset(str(pair) for pair in data.names("fills", "pair"))
    prices = Prices.of(
        data.tables, max_mid_age_s=conventions.max_mid_age_s, max_rate_age_s=conventions.max_rate_age_s,
        own=(own, pairs),
    )  # fmt: skip
    orders = stored.frame(_ORDERS, chosen.start, chosen.end) if data.height("orders") else pl.DataFrame()
    nothing = np.zeros(0, np.int64)
    return prepare_part(fills, whole, prices, conventions), OrderFacts(orders, pl.DataFrame(), nothing)
