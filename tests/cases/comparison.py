"""Strict comparison of an answer with a case's ``expected`` (rules: open/README.md)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import Any

from cases.registry import no_value
from fillbook.results import Result

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?\d+/\d+")
_ZERO = 1e-9  # what a float may be off where 0 is expected
_EXACT_DIGITS = 12  # a longer decimal was rounded when it was written down
_ROUNDED = Fraction(1, 10**14)


def tolerance_of(text: str) -> float:
    """Relative tolerance: the first word of a case's ``tolerance``."""
    return float(text.split(maxsplit=1)[0])


def differences(got: object, expected: object, tolerance: float, at: str = "") -> list[str]:
    """Where the answer is not what was expected, a line each; empty where it is.

    Parameters
    ----------
    got
        An adapter's answer.
    expected
        The same place of ``expected``.
    tolerance
        Relative tolerance of floats.
    at
        Path of the place, for the message.
    """
    if expected is None:
        return [] if got is None else [f"{at}: {got!r}, not null"]
    if isinstance(expected, Mapping):
        return _of_object(got, expected, tolerance, at)
    if isinstance(expected, list):
        return _of_list(got, expected, tolerance, at)
    found = got.value if isinstance(got, Result) else got
    return [] if _same(found, expected, tolerance) else [f"{at}: {got!r}, not {expected!r}"]


def _of_object(got: object, expected: Mapping[str, Any], tolerance: float, at: str) -> list[str]:
    if "value" in expected and expected["value"] is None:
        return _of_no_value(got, expected, at)
    if not isinstance(got, Mapping):
        return [f"{at}: {got!r}, not an object"]
    found: list[str] = []
    for key, value in expected.items():
        if key.startswith("wrong_"):
            continue
        if key not in got:
            found.append(f"{at}.{key}: missing")
        else:
            found += differences(got[key], value, tolerance, f"{at}.{key}")
    return found


def _of_no_value(got: object, expected: Mapping[str, Any], at: str) -> list[str]:
    answer = no_value(got)
    if answer is None:
        return [f"{at}: {got!r}, not {expected['status']}({expected['reason']})"]
    if answer.status != expected["status"] or expected["reason"] not in answer.reasons:
        said = f"{answer.status}{answer.reasons}"
        return [f"{at}: {said}, not {expected['status']}({expected['reason']})"]
    return []


def _of_list(got: object, expected: list[Any], tolerance: float, at: str) -> list[str]:
    if isinstance(got, (str, bytes)) or not isinstance(got, Sequence):
        return [f"{at}: {got!r}, not a list"]
    if len(got) != len(expected):
        return [f"{at}: {len(got)} items, not {len(expected)}"]
    return [
        line
        for i, (one, other) in enumerate(zip(got, expected, strict=True))
        for line in differences(one, other, tolerance, f"{at}[{i}]")
    ]


def _same(got: object, expected: object, tolerance: float) -> bool:
    if isinstance(expected, bool) or isinstance(got, bool):
        return isinstance(got, bool) and isinstance(expected, bool) and got is expected
    if isinstance(expected, int):
        return isinstance(got, Integral) and int(got) == expected
    if isinstance(got, str) or not isinstance(expected, str):
        return isinstance(got, str) and got == expected
    if not _NUMBER.fullmatch(expected):
        return False
    return _same_number(got, expected, tolerance)


def _same_number(got: object, text: str, tolerance: float) -> bool:
    expected = Fraction(text)
    if isinstance(got, (Rational, Decimal)):
        gap = abs(Fraction(got) - expected)
        return gap == 0 if _is_exact(text) else gap <= _ROUNDED * abs(expected)
    if not isinstance(got, Real) or not math.isfinite(got):
        return False
    if expected == 0:
        return abs(float(got)) <= _ZERO
    return abs(float(got) - float(expected)) <= tolerance * abs(float(expected))


def _is_exact(text: str) -> bool:
    digits = re.sub(r"[eE].*|\D", "", text).lstrip("0")
    return "/" in text or len(digits) <= _EXACT_DIGITS
