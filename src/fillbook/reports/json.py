"""Strict JSON: no NaN, no infinity, times in ISO form with their zone."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

import polars as pl

from fillbook.ledger.invariants import trust_line

if TYPE_CHECKING:
    from fillbook.analysis.overview import Overview
    from fillbook.etl.lineage import Lineage
    from fillbook.findings import Finding
    from fillbook.results import Result

SCHEMA = "fillbook.summary/1"


def plain(value: object) -> Any:
    """Value as JSON knows it; a number that is none becomes null."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, pl.DataFrame):
        return [plain(row) for row in value.iter_rows(named=True)]
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset | pl.Series):
        return [plain(item) for item in value]
    return value


def dumps(value: object) -> str:
    """Strict JSON text; raises ValueError rather than write NaN."""
    return json.dumps(plain(value), allow_nan=False, ensure_ascii=False, indent=2)


def result_fields(result: Result) -> dict[str, Any]:
    """A metric as JSON: value or null, with status, reasons, n, coverage, method and parameters."""
    return {
        "value": plain(result.value), "unit": result.unit.value, "currency": result.currency,
        "status": result.status.value, "reason": list(result.reasons), "n": result.n,
        "n_used": result.n_used, "coverage": plain(result.coverage), "method": result.method,
        "params": plain(result.params),
    }  # fmt: skip


def finding_fields(finding: Finding) -> dict[str, Any]:
    """A finding as JSON."""
    return dict(plain(finding))


def summary_json(answer: Overview, lineage: Lineage) -> str:
    """The whole answer: ``schema, sources, filter, currency, period, metrics, books, findings, checks``.

    Parameters
    ----------
    answer
        An overview.
    lineage
        Files it was read from.
    """
    period = None
    if answer.period is not None:
        period = {"start": answer.period[0], "end": answer.period[1]}
    return dumps({
        "schema": SCHEMA,
        "sources": [plain(file) for file in lineage.files],
        "filter": plain(answer.chosen),
        "conventions": plain(answer.conventions),
        "currency": answer.currency,
        "period": period,
        "trust": trust_line(answer.checks),
        "metrics": {key: result_fields(result) for key, result in answer.metrics.items()},
        "books": answer.books,
        "checks": [plain(check) for check in answer.checks],
        "findings": [finding_fields(finding) for finding in answer.findings],
    })  # fmt: skip
