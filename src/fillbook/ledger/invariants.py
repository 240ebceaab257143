"""The book checks itself before anyone reads it: each figure recomputed a second way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from fillbook.ledger.book import Ledger


class Verdict(StrEnum):
    """Outcome of one check."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    NOT_CHECKABLE = "not_checkable"


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant, recomputed a second way.

    Parameters
    ----------
    key, label
        Stable name, and the sentence it stands for.
    verdict
        Pass, fail, or not checkable.
    detail
        The two figures compared, or what is missing.
    difference
        First figure minus the second, in quote; None where not checkable.
    is_own
        True for the book's own arithmetic, which must hold; False for a comparison with what
        Hummingbot wrote about itself, which is often wrong.
    """

    key: str
    label: str
    verdict: Verdict
    detail: str
    difference: float | None = None
    is_own: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an invariant's function found; the registry adds its name."""

    verdict: Verdict
    detail: str
    difference: float | None = None


Invariant = Callable[["Ledger", Mapping[str, "pl.DataFrame"]], Outcome]
KEPT_OUT = "quarantined_share"  # speaks of rows nobody booked, not of what the bot recorded
INVARIANTS: dict[str, tuple[str, bool, Invariant]] = {}


def invariant(*, label: str, is_own: bool) -> Callable[[Invariant], Invariant]:
    """Register a check under its function's name.

    Parameters
    ----------
    label
        The sentence it stands for.
    is_own
        Whether it is the book's own arithmetic.
    """

    def register(function: Invariant) -> Invariant:
        INVARIANTS[function.__name__] = (label, is_own, function)
        return function

    return register


def missing(what: str) -> Outcome:
    """Not checkable, and what is missing."""
    return Outcome(Verdict.NOT_CHECKABLE, what)


def compared(first: float, second: float, tolerance: float, what: str) -> Outcome:
    """Pass when both figures agree within `tolerance`."""
    gap = first - second
    verdict = Verdict.PASS if abs(gap) <= tolerance else Verdict.FAIL
    return Outcome(verdict, f"{what}: {first:,.8g} against {second:,.8g}", gap)


def run_checks(ledger: Ledger, tables: Mapping[str, pl.DataFrame]) -> tuple[Check, ...]:
    """Every registered check of a kept ledger, in registry order.

    Parameters
    ----------
    ledger
        The kept ledger.
    tables
        The canonical tables it was kept from, filtered the same way.
    """
    from fillbook.ledger import own_invariants, recorded_invariants  # noqa: F401, PLC0415

    checks = []
    for key, (label, is_own, function) in INVARIANTS.items():
        found = missing("no fills") if not ledger.rows.size and is_own else function(ledger, tables)
        checks.append(Check(key, label, found.verdict, found.detail, found.difference, is_own))
    return tuple(checks)


def trust_line(checks: tuple[Check, ...]) -> str:
    """One line: the book balances, or what does not."""
    if not any(check.is_own and check.verdict is not Verdict.NOT_CHECKABLE for check in checks):
        return "nothing to balance"
    failed = [check for check in checks if check.verdict is Verdict.FAIL]
    own = [check.label for check in failed if check.is_own]
    if own:
        return "the book does not balance: " + "; ".join(own)
    kept_out = [check.detail for check in failed if check.key == KEPT_OUT]
    n = len(failed) - len(kept_out)
    differ = ["one of the bot's own records differs" if n == 1 else f"{n} of the bot's own records differ"]
    return "; ".join(["the book balances", *kept_out, *(differ if n else [])])
