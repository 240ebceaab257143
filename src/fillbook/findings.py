"""Odd data is a finding with its rows, never a silent default."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MAX_LISTED_ROWS = 20


class Severity(StrEnum):
    """How much a finding changes what can be trusted."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something the data does that a reader of the numbers must know.

    Parameters
    ----------
    table
        Canonical table (``fills``, ``orders``, …) or ``ledger`` where the ledger noticed it.
    rule
        Stable name in lower_snake (``zero_price``).
    severity
        ``error`` means a number is missing or not to be trusted because of it.
    message
        One sentence with the figures.
    n_rows
        Rows concerned, all of them.
    rows
        The first of them, as row numbers of the source, at most `MAX_LISTED_ROWS`.
    source
        The file the rows came from; empty when it concerns all.
    effect
        What it does to which metric.
    remedy
        What the user can do; empty when nothing.
    """

    table: str
    rule: str
    severity: Severity
    message: str
    n_rows: int = 0
    rows: tuple[int, ...] = ()
    source: str = ""
    effect: str = ""
    remedy: str = ""
