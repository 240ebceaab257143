"""The comparison fails on what is wrong: a runner that passes everything proves nothing."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest

from cases.comparison import differences, tolerance_of
from cases.registry import null
from fillbook.results import Result, Status, Undefined
from fillbook.units import Unit

R = 1e-9
NO_LOSSES = {"value": None, "status": "undefined", "reason": "no_losses"}


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (21.53846153846154, "280/13"),
        (0.5 + 4e-10, "0.5"),  # 4e-10 <= 1e-9 * 0.5
        (-9.9e-10, "0"),
        (Fraction(280, 13), "280/13"),
        (Decimal("0.1"), "0.1"),
        (Fraction(1, 3), "0.33333333333333333"),  # rounded when written down
        (3, 3),
        ("LONG", "LONG"),
        ("0012", "0012"),
        (True, True),
        (None, None),
        ([], []),
        ([1.0, None], ["1", None]),
        ({"a": 1.0, "more": "fine"}, {"a": "1"}),
        ({"a": 1.0}, {"a": "1", "wrong_way": "2"}),
        (null("undefined", "no_trades", "no_losses"), NO_LOSSES),
        (Undefined("no_losses"), NO_LOSSES),
        (Result("profit_factor", None, Unit.RATIO, Status.UNDEFINED, ("no_losses",)), NO_LOSSES),
        (Result("profit_factor", 2.0, Unit.RATIO), "2"),
    ],
)
def test_what_is_right_passes(got: object, expected: object) -> None:
    assert differences(got, expected, R) == []


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (0.5 + 6e-10, "0.5"),
        (1.1e-9, "0"),
        (math.nan, "0"),
        (math.inf, "1"),
        (Undefined("empty"), "0"),
        (None, "0"),
        (Fraction(1, 10**15), "0"),  # exact arithmetic must be exact
        (Decimal("0.1000000000001"), "0.1"),
        (3.0, 3),  # a count is an integer
        (True, 1),
        (1, True),
        (True, "1"),
        (4, 3),
        ("long", "LONG"),
        ("12", "0012"),
        (12.0, "LONG"),
        (0.0, None),
        (1.0, ["1"]),
        ("1", ["1"]),
        ([1.0, 2.0], ["1"]),
        ([2.0, 2.0], ["1", "2"]),
        ({}, {"a": "1"}),
        ({"a": 2.0}, {"a": "1"}),
        ({"a": {"b": [1.0, 3.0]}}, {"a": {"b": ["1", "2"]}}),
        (1.0, {"a": "1"}),
        (math.nan, NO_LOSSES),  # a NaN without a reason explains nothing
        (0.0, NO_LOSSES),
        (None, NO_LOSSES),
        (math.inf, NO_LOSSES),
        (null("unavailable", "no_losses"), NO_LOSSES),
        (null("undefined", "no_trades"), NO_LOSSES),
        ({"value": 1.0}, NO_LOSSES),
    ],
)
def test_what_is_wrong_fails(got: object, expected: object) -> None:
    assert len(differences(got, expected, R)) == 1  # one line for the one thing that is wrong


def test_the_message_names_the_place() -> None:
    expected = {"rows": [{"depth": "1"}, {"depth": "2"}]}
    (line,) = differences({"rows": [{"depth": 1.0}, {"depth": 3.0}]}, expected, R)
    assert line == ".rows[1].depth: 3.0, not '2'"


def test_the_tolerance_is_the_first_word() -> None:
    assert tolerance_of("1e-6 relative (exact where the value terminates)") == 1e-6
