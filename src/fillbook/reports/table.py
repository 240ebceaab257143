"""Tables a person can take away: the canonical ones, and those of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import polars as pl

import fillbook
from fillbook.conventions import Conventions
from fillbook.errors import BadRequestError
from fillbook.filters import Filter
from fillbook.metrics.registry import Metric
from fillbook.reports.json import iso, plain, to_json
from fillbook.schema.tables import TABLES

if TYPE_CHECKING:
    from fillbook.analysis.execution import Execution
    from fillbook.analysis.overview import Overview
    from fillbook.performance_data_source import PerformanceDataSource

DATA_TABLES = (*TABLES, "lineage")
ANSWER_TABLES = (
    "metrics", "books", "daily", "equity", "trips", "drawdowns", "findings", "checks",
)  # fmt: skip
EXECUTION_TABLES: Mapping[str, str] = {  # attribute of `analysis.execution.Execution`
    "order_execution": "orders", "fill_execution": "fills", "trade_execution": "trades",
    "shortfalls": "parents", "markouts": "markouts", "spreads": "spreads", "toxic_fills": "toxic",
    "mid_sources": "mids", "participation": "markets", "uptime": "uptime", "latency": "latency",
    "time_to_fill": "waits",
}  # fmt: skip
_SUFFIXES = {"_bps": "bps",
    "_quote": "quote", "_base": "base", "_s": "s", "_at": "UTC", "_fraction": "fraction",
    "_bytes": "bytes",
}  # fmt: skip
_PRICES = frozenset({"average_quote", "mark_quote", "entry_quote", "exit_quote"})
_MONEY = {
    "daily": ("pnl", "equity", "drawdown", "volume", "fees"),
    "equity": ("equity", "drawdown"),
    "drawdowns": ("depth",),
}
_EVIDENCE = {
    "trip_": "trips", "daily_": "daily", "curve": "equity", "equity": "daily", "order_": "orders",
    "fill_": "fills",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReportTable:
    """Rows with what a stranger needs to read them.

    Parameters
    ----------
    name
        Table name, also the name of the sheet.
    rows
        The rows; text instead of categories, null instead of NaN.
    units, meanings
        By column, where known.
    about
        Where the rows come from: program, sources, filter, conventions.
    """

    name: str
    rows: pl.DataFrame
    units: Mapping[str, str] = field(default_factory=dict)
    meanings: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)

    def header(self, column: str, *, is_zone_shown: bool = False) -> str:
        """Name of a column, with its unit in brackets where the name does not say it."""
        unit = self.units.get(column, "")
        is_said = _unit_in_name(column) == unit and not (unit == "UTC" and is_zone_shown)
        return column if not unit or is_said or unit == "±1" else f"{column} [{unit}]"

    def flat(self) -> pl.DataFrame:
        """Rows without lists, which no cell holds: their parts stand behind one another."""
        lists = [name for name, dtype in self.rows.schema.items() if dtype == pl.List]
        return self.rows.with_columns(pl.col(lists).cast(pl.List(pl.String)).list.join("; "))


def row_count(name: str, data: PerformanceDataSource, view: Overview) -> int:
    """Rows that `report_table` has for an answer, without making them."""
    if name == "fills":
        return int(view.books["n_fills"].sum())
    if name == "lineage" or name not in DATA_TABLES:
        return report_table(name, data, view).rows.height
    rows = data.tables[name]
    found = view.chosen.conditions(rows.columns)
    return int(rows.lazy().filter(*found).select(pl.len()).collect().item()) if found else rows.height


def report_table(
    name: str, data: PerformanceDataSource, view: Overview | Filter | None = None
) -> ReportTable:
    """Table `name` of opened data, or of the answer to it.

    Parameters
    ----------
    name
        One of `DATA_TABLES` or `ANSWER_TABLES`.
    data
        Where it comes from.
    view
        The answer; a filter is enough for one of `DATA_TABLES`.

    Raises
    ------
    BadRequestError
        There is no such table, or it needs the answer.
    """
    if name in DATA_TABLES:
        chosen = view if isinstance(view, Filter) else view.chosen if view else Filter()
        rows = data.lineage.as_frame() if name == "lineage" else chosen.apply(data.tables[name])
        return _named(name, rows, None, about(data, view or chosen))
    if name not in ANSWER_TABLES:
        known = ", ".join((*ANSWER_TABLES, *DATA_TABLES))
        raise BadRequestError(f"there is no table {name!r}; there are {known}")
    if view is None or isinstance(view, Filter):
        raise BadRequestError(f"table {name!r} belongs to an answer: ask for an overview first")
    rows = _ANSWERS[name](view) if name in _ANSWERS else getattr(view, name)
    return _named(name, rows, view.currency, about(data, view))


def execution_table(name: str, data: PerformanceDataSource, answer: Execution) -> ReportTable:
    """Table `name` (one of `EXECUTION_TABLES`) of an answer to how orders were executed."""
    rows = getattr(answer, EXECUTION_TABLES[name])
    return _named(name, rows, answer.currency, about(data, answer))


def evidence_of(metric: Metric) -> str:
    """Table of an answer whose rows a metric is made of."""
    first = (*metric.inputs, *metric.parameters, "book")[0]
    return next((table for start, table in _EVIDENCE.items() if first.startswith(start)), "books")


def about(data: PerformanceDataSource, view: Overview | Execution | Filter) -> dict[str, str]:
    """Lines that say what a table is about."""
    lines = {
        "program": f"fillbook {fillbook.__version__}",
        "sources": ", ".join(file.uri for file in data.lineage.files),
        "fingerprint": data.fingerprint,
    }
    chosen = view if isinstance(view, Filter) else view.chosen
    lines["filter"] = to_json(chosen_object(chosen))
    if not isinstance(view, Filter):
        lines["conventions"] = to_json(conventions_object(view.conventions))
        lines["currency"] = view.currency or ""
        if view.period:
            lines["period"] = " to ".join(iso(moment) for moment in view.period)
    return lines


def chosen_object(chosen: Filter) -> dict[str, object]:
    """Object of a filter, only what it restricts; empty where every row counts."""
    return {name: plain(value) for name, value in asdict(chosen).items() if value not in ((), None)}


def conventions_object(conventions: Conventions) -> dict[str, object]:
    """Every convention in force, those left alone too."""
    return {name: plain(value) for name, value in asdict(conventions).items()}


def _named(name: str, rows: pl.DataFrame, currency: str | None, lines: Mapping[str, str]) -> ReportTable:
    """Rows with units and meanings of their columns."""
    columns = TABLES[name].columns() if name in TABLES else {}
    known = {column: kind.metadata or {} for column, kind in columns.items()}
    units = {c: str(known.get(c, {}).get("unit", "")) or _unit_in_name(c) for c in rows.columns}
    units |= {c: "quote/base" for c in rows.columns if c in _PRICES}
    units |= {c: currency or "" for c in _MONEY.get(name, ()) if c in units}
    meanings = {c: str(about.get("meaning", "")) for c, about in known.items()}
    plain_rows = rows.with_columns(
        pl.selectors.categorical().cast(pl.String), pl.selectors.float().fill_nan(None)
    )
    return ReportTable(name, plain_rows, units, meanings, lines)


def _unit_in_name(column: str) -> str:
    """Measure that a column's name states, or nothing."""
    if column in ("at", "day"):
        return "UTC"
    return next((unit for end, unit in _SUFFIXES.items() if column.endswith(end)), "")


def metrics_frame(answer: Overview) -> pl.DataFrame:
    """Metrics, one a row: name, value, unit, and how far it can be trusted."""
    from fillbook.reports.glossary import metrics_by_group  # noqa: PLC0415  (brings every metric)

    metrics = [metric for group in metrics_by_group().values() for metric in group]
    answered = [(m, answer.metrics[m.key]) for m in metrics if m.key in answer.metrics]
    return pl.DataFrame(
        [
            {
                "key": metric.key,
                "label": metric.label,
                "group": metric.group,
                "value": result.value,
                "unit": result.unit.value,
                "currency": result.currency,
                "status": result.status.value,
                "reasons": list(result.reasons),
                "n": result.n,
                "coverage": result.coverage,
                "method": result.method,
            }
            for metric, result in answered
        ],
        schema={
            "key": pl.String, "label": pl.String, "group": pl.String, "value": pl.Float64, "unit": pl.String,
            "currency": pl.String, "status": pl.String, "reasons": pl.List(pl.String),
            "n": pl.Int64, "coverage": pl.Float64, "method": pl.String,
        },
    )  # fmt: skip


def findings_frame(answer: Overview) -> pl.DataFrame:
    """Rows of findings, as `Finding` says."""
    return pl.DataFrame(
        [
            {**asdict(f), "severity": f.severity.value, "rows": list(f.rows)}
            for f in answer.findings
        ],
        schema={
            "table": pl.String, "rule": pl.String, "severity": pl.String, "message": pl.String,
            "n_rows": pl.Int64, "rows": pl.List(pl.Int64), "source": pl.String,
            "effect": pl.String, "remedy": pl.String,
        },
    )  # fmt: skip


def checks_frame(answer: Overview) -> pl.DataFrame:
    """Rows of the book's checks, as `Check` says."""
    return pl.DataFrame(
        [{**asdict(c), "verdict": c.verdict.value} for c in answer.checks],
        schema={
            "key": pl.String, "label": pl.String, "verdict": pl.String, "detail": pl.String,
            "difference": pl.Float64, "is_own": pl.Boolean,
        },
    )  # fmt: skip


_ANSWERS = {"metrics": metrics_frame, "findings": findings_frame, "checks": checks_frame}
