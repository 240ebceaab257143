"""The registry of checks."""

from __future__ import annotations

import pytest

from fillbook.etl import performance_etl
from fillbook.etl.checks import CHECKS, book_sums, first_rows, share
from fillbook.findings import MAX_LISTED_ROWS
from fillbook.testing.tables import CLOCK, fills, raw_tables
from fillbook.units import counted


def test_every_check_says_what_it_does_to_the_numbers() -> None:
    assert CHECKS
    for rule, one in CHECKS.items():
        assert one.rule == rule
        assert one.effect
        assert one.function.__doc__


def test_findings_stand_gravest_first() -> None:
    result = performance_etl([raw_tables(fills=fills(price_quote=[0.0, 1.0]))], clock=CLOCK)
    severities = [finding.severity.value for finding in result.findings]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)
    assert severities[0] == "error"


def test_only_the_first_rows_are_listed() -> None:
    assert first_rows(fills(side=[1] * 30)) == tuple(range(1, MAX_LISTED_ROWS + 1))


def test_book_sums_bound_the_notional_by_the_stored_step() -> None:
    """Price 2 and amount 3, step 1e-6: 3e-6 + 2e-6 on a notional of 6; the exact row adds 0."""
    rows = fills(price_quote=[2.0, 4.0], amount_base=[3.0, 1.0], quantum=[1e-6, 0.0])
    (row,) = book_sums(rows).iter_rows(named=True)
    assert row["bound"] == pytest.approx(5e-6)
    assert row["notional"] == 10.0


def test_words_of_messages() -> None:
    assert (counted(1, "fill"), counted(1204, "fill")) == ("1 fill", "1,204 fills")
    assert share(1.0, 8.0) == "12.5 %"
