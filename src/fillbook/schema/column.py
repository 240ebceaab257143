"""Column kinds of the data model: a dtype, a unit and a meaning in one line each."""

from __future__ import annotations

from typing import Any

import dataframely as dy


def _about(meaning: str, unit: str) -> dict[str, Any]:
    return {"meaning": meaning, "unit": unit}


def text(meaning: str, *, nullable: bool = False) -> dy.String:
    """Free text, mostly distinct: ids, JSON."""
    return dy.String(nullable=nullable, metadata=_about(meaning, ""))


def label(meaning: str, *, nullable: bool = False) -> dy.Categorical:
    """Text of few distinct values: names of bots, pairs, states."""
    return dy.Categorical(nullable=nullable, metadata=_about(meaning, ""))


def integer(meaning: str, *, unit: str = "", nullable: bool = False) -> dy.Int64:
    """Whole number."""
    return dy.Int64(nullable=nullable, metadata=_about(meaning, unit))


def side(meaning: str = "+1 BUY, −1 SELL", *, nullable: bool = False) -> dy.Int8:
    """Direction of a trade: +1 buys base, −1 sells it."""
    return dy.Int8(nullable=nullable, metadata=_about(meaning, "±1"))


def number(meaning: str, *, unit: str, nullable: bool = False, positive: bool = False) -> dy.Float64:
    """Real number; `positive` refuses zero and below."""
    return dy.Float64(
        nullable=nullable, min_exclusive=0.0 if positive else None, metadata=_about(meaning, unit)
    )


def moment(meaning: str, *, nullable: bool = False) -> dy.Datetime:
    """UTC time in microseconds."""
    return dy.Datetime(nullable=nullable, time_zone="UTC", time_unit="us", metadata=_about(meaning, "UTC"))


def flag(meaning: str, *, nullable: bool = False) -> dy.Bool:
    """True or false."""
    return dy.Bool(nullable=nullable, metadata=_about(meaning, ""))
