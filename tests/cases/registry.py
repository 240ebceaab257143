"""Which function answers which kind of case, and what "no value" looks like."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fillbook.results import Result, Undefined

Adapter = Callable[[Mapping[str, Any]], Any]
ADAPTERS: dict[str, Adapter] = {}


@dataclass(frozen=True, slots=True)
class NoValue:
    """An answer that says there is none, with its status and reasons."""

    status: str
    reasons: tuple[str, ...]


def null(status: str, *reasons: str) -> NoValue:
    """An answer without a value: ``null("undefined", "zero_variance")``."""
    return NoValue(status, reasons)


def no_value(got: object) -> NoValue | None:
    """What an answer without a value says of itself; None where it has one."""
    if isinstance(got, NoValue):
        return got
    if isinstance(got, Undefined):
        return NoValue(got.status.value, (got.reason,))
    if isinstance(got, Result) and got.value is None:
        return NoValue(got.status.value, got.reasons)
    if isinstance(got, float) and math.isnan(got):
        return NoValue("nan", ())
    return None


def adapter(kind: str) -> Callable[[Adapter], Adapter]:
    """Let a function of a case's ``input`` answer every case of that kind."""

    def register(function: Adapter) -> Adapter:
        if kind in ADAPTERS:
            message = f"kind {kind} has two adapters"
            raise ValueError(message)
        ADAPTERS[kind] = function
        return function

    return register


def load_adapters() -> Mapping[str, Adapter]:
    """Every adapter beside this file (``adapters_*.py``), by kind."""
    for path in sorted(Path(__file__).parent.glob("adapters_*.py")):
        importlib.import_module(f"cases.{path.stem}")
    return ADAPTERS
