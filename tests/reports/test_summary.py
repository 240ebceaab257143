import json
from dataclasses import replace

import pytest

from fillbook.analysis.overview import Overview
from fillbook.findings import Finding, Severity
from fillbook.ledger.invariants import Check, Verdict
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.reports.json import to_json
from fillbook.reports.summary import check_object, is_trusted, summary_object


def test_the_answer_is_one_strict_object(answer: Overview, data: PerformanceDataSource) -> None:
    said = json.loads(to_json(summary_object(answer, data)))
    assert list(said) == [
        "schema", "sources", "filter", "conventions", "currency", "period", "trust", "metrics",
        "books", "findings", "checks",
    ]  # fmt: skip
    assert said["schema"] == "fillbook.summary/1"
    assert said["filter"] == {"pairs": ["A-USDT"]}
    assert said["period"] == {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T12:00:00Z"}
    assert said["metrics"]["net_pnl"]["value"] == 1.25
    assert said["metrics"]["roi"]["value"] is None
    assert said["metrics"]["roi"]["reasons"] == ["no_capital"]
    assert said["books"][0]["first_at"] == "2026-01-01T00:00:00Z"
    assert said["findings"][0]["rows"] == [1, 2, 3]
    assert said["checks"][0]["verdict"] == "pass"


def test_an_empty_view_has_no_period(answer: Overview, data: PerformanceDataSource) -> None:
    assert summary_object(replace(answer, period=None), data)["period"] is None


def test_the_check_has_findings_and_lineage(answer: Overview, data: PerformanceDataSource) -> None:
    said = json.loads(to_json(check_object(answer, data)))
    assert list(said) == ["schema", "sources", "lineage", "filter", "trust", "findings", "checks"]


@pytest.mark.parametrize(
    ("severity", "verdict", "is_own", "trusted"),
    [
        (Severity.WARNING, Verdict.PASS, True, True),
        (Severity.ERROR, Verdict.PASS, True, False),  # a number is not to be trusted
        (Severity.INFO, Verdict.FAIL, True, False),  # our own arithmetic does not hold
        (Severity.INFO, Verdict.FAIL, False, True),  # Hummingbot's record differs: often its fault
        (Severity.INFO, Verdict.NOT_CHECKABLE, True, True),
    ],
)
def test_trust(severity: Severity, verdict: Verdict, is_own: bool, trusted: bool) -> None:
    finding = Finding("fills", "x", severity, "")
    assert is_trusted([finding], [Check("k", "l", verdict, "", is_own=is_own)]) is trusted
