"""One filter for page, command line and library."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from fillbook.errors import BadRequestError

UNLINKED = "unlinked"  # tag of fills that belong to no known executor
_COLUMNS = {
    "bots": "bot",
    "controllers": "controller_id",
    "connectors": "connector",
    "pairs": "pair",
    "close_types": "close_type",
}
_SIDES = {"BUY": 1, "SELL": -1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which rows count. Empty means all; the period is half-open ``[start, end)`` in UTC.

    The period selects fills, and the books start flat at `start`: what was held before is not
    part of the answer.
    """

    bots: tuple[str, ...] = ()
    controllers: tuple[str, ...] = ()
    connectors: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    sides: tuple[str, ...] = ()
    close_types: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot mean anything, here at the edge."""
        unknown = set(self.sides) - set(_SIDES)
        if unknown:
            raise BadRequestError(f"side is BUY or SELL, not {', '.join(sorted(unknown))}")
        for name, moment in (("start", self.start), ("end", self.end)):
            if moment is not None and moment.tzinfo is None:
                raise BadRequestError(f"{name} needs a time zone: {moment.isoformat()}+00:00 ?")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise BadRequestError(f"the period is empty: {self.start} is not before {self.end}")

    @property
    def is_empty(self) -> bool:
        """True when every row passes."""
        return self == Filter()

    def conditions(self, columns: Iterable[str], *, time: str = "at") -> list[pl.Expr]:
        """Conditions a row must meet, on those of `columns` that the filter looks at.

        A condition on a column the table lacks does not apply to it. `time` is the column of UTC
        times that the period looks at.
        """
        held = set(columns)
        found = [
            _named(column, getattr(self, name))
            for name, column in _COLUMNS.items()
            if getattr(self, name) and column in held
        ]
        if self.sides and "side" in held:
            found.append(pl.col("side").is_in([_SIDES[side] for side in self.sides]))
        if time in held and self.start is not None:
            found.append(pl.col(time) >= self.start)
        if time in held and self.end is not None:
            found.append(pl.col(time) < self.end)
        return found

    def apply(self, table: pl.DataFrame, *, time: str = "at") -> pl.DataFrame:
        """Rows of `table` that pass; see `conditions`."""
        found = self.conditions(table.columns, time=time)
        return table.filter(*found) if found else table


def _named(column: str, names: tuple[str, ...]) -> pl.Expr:
    """Rows with one of the names; labels are compared as labels, which is quicker than as text."""
    wanted = pl.Series(names, dtype=pl.String).cast(pl.Categorical)
    found = pl.col(column).cast(pl.Categorical).is_in(wanted.implode()).fill_null(value=False)
    return found | pl.col(column).is_null() if UNLINKED in names else found
