"""The answer and the check of the data as objects for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fillbook.findings import Finding, Severity
from fillbook.ledger.invariants import Check, Verdict, trust_line
from fillbook.reports.head import head_object
from fillbook.reports.json import plain
from fillbook.reports.table import chosen_object

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fillbook.analysis.overview import Overview
    from fillbook.performance_data_source import PerformanceDataSource


SUMMARY_SCHEMA = "fillbook.summary/1"
CHECK_SCHEMA = "fillbook.check/1"


def summary_object(answer: Overview, data: PerformanceDataSource) -> dict[str, object]:
    """Object of the whole answer.

    Parameters
    ----------
    answer
        What was answered.
    data
        What it was answered from.

    Returns
    -------
    dict
        ``schema, sources, filter, conventions, currency, period, trust, metrics, books, findings,
        checks``; numbers in full precision, None where there is none, with the reason beside it.
    """
    return {
        **head_object(SUMMARY_SCHEMA, answer, data),
        "trust": trust_line(answer.checks),
        "metrics": plain(answer.metrics),
        "books": plain(answer.books),
        "findings": plain(answer.findings),
        "checks": plain(answer.checks),
    }


def check_object(answer: Overview, data: PerformanceDataSource) -> dict[str, object]:
    """Object of findings, lineage and checks."""
    return {
        "schema": CHECK_SCHEMA,
        "sources": plain(data.lineage.files),
        "lineage": plain(data.lineage.tables),
        "filter": chosen_object(answer.chosen),
        "trust": trust_line(answer.checks),
        "findings": plain(answer.findings),
        "checks": plain(answer.checks),
    }


def is_trusted(findings: Iterable[Finding], checks: Iterable[Check]) -> bool:
    """Whether no finding is an error and the book's own arithmetic holds."""
    broken = any(check.is_own and check.verdict is Verdict.FAIL for check in checks)
    return not broken and all(finding.severity is not Severity.ERROR for finding in findings)
