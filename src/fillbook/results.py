"""One number with everything a doubting reader asks about it (DEFINITIONS 0.3)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from fillbook.units import Unit


class Status(StrEnum):
    """How far a number can be trusted; `UNDEFINED` and `UNAVAILABLE` have no value."""

    OK = "ok"
    PARTIAL = "partial"
    LOW_N = "low_n"
    UNDEFINED = "undefined"
    UNAVAILABLE = "unavailable"
    INCONSISTENT = "inconsistent"


class Undefined(float):
    """A NaN that knows why there is no number.

    Metric functions return it where the answer does not exist; arithmetic on it is NaN.

    >>> Undefined("zero_variance").reason
    'zero_variance'
    """

    reason: str
    status: Status

    def __new__(cls, reason: str, status: Status = Status.UNDEFINED) -> Self:
        """Make a NaN with a reason code of DEFINITIONS 0.3."""
        self = super().__new__(cls, math.nan)
        self.reason = reason
        self.status = status
        return self

    @classmethod
    def unavailable(cls, reason: str) -> Self:
        """NaN because the data was not supplied, not because mathematics has no answer."""
        return cls(reason, Status.UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Result:
    """A metric's value with unit, status, reasons and how it was computed.

    `value` is None exactly when `status` is ``undefined`` or ``unavailable``.
    `coverage` is the share of the input that could be used (1 = all of it).
    """

    key: str
    value: float | None
    unit: Unit
    status: Status = Status.OK
    reasons: tuple[str, ...] = ()
    n: int = 0
    n_used: int = 0
    coverage: float | None = None
    method: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    currency: str | None = None
