"""What data that grew by a batch knows of itself: the ledger's tables at once, the rest when asked."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from fillbook.etl import EtlResult, merge, performance_etl
from fillbook.etl.growth import Growth
from fillbook.etl.lineage import Lineage
from fillbook.schema.tables import TABLES

if TYPE_CHECKING:
    from datetime import datetime

    from fillbook.findings import Finding
    from fillbook.performance_data_source import PerformanceDataSource
    from fillbook.schema.raw import RawTables


@dataclass(frozen=True, slots=True)
class Told:
    """What a reader must know beside the tables."""

    findings: tuple[Finding, ...] = ()
    lineage: Lineage = field(default_factory=Lineage)


class Later:
    """The whole ETL over data that grew, run when something is asked that does not grow by itself."""

    def __init__(self, failures: tuple[Finding, ...], raws: tuple[RawTables, ...], clock: datetime) -> None:
        self.failures, self._raws, self._clock = failures, raws, clock

    @functools.cached_property
    def result(self) -> EtlResult:
        """Tables, findings and lineage of everything."""
        return performance_etl(self._raws, clock=self._clock)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of everything, with the files that could not be read."""
        return (*self.failures, *self.result.findings)

    @property
    def lineage(self) -> Lineage:
        """Of everything."""
        return self.result.lineage


class GrownTables(Mapping[str, pl.DataFrame]):
    """Tables of data that grew: those of the ledger are there, the others are made when asked for."""

    def __init__(self, grown: Mapping[str, pl.DataFrame], later: Later) -> None:
        self._grown, self._later = grown, later

    def __getitem__(self, name: str) -> pl.DataFrame:
        return self._grown[name] if name in self._grown else self._later.result.tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(TABLES)

    def __len__(self) -> int:
        return len(TABLES)


@dataclass(frozen=True, slots=True)
class GrownFrom:
    """How data grew.

    Parameters
    ----------
    before
        The data before the batch, while somebody holds it.
    growth, version
        What the chain of batches remembers, and how many it had taken after this one.
    n_same
        Fills, from the first, that are as they were before but for their tags.
    """

    before: weakref.ref[PerformanceDataSource]
    growth: Growth
    version: int
    n_same: int


@dataclass(frozen=True, slots=True)
class GrownData:
    """Tables after a batch, and what they grew from."""

    tables: Mapping[str, pl.DataFrame]
    origin: GrownFrom


def grow(before: PerformanceDataSource, raws: tuple[RawTables, ...], clock: datetime) -> GrownData | None:
    """`before` with a batch put behind it; None where that needs more than the batch."""
    growth = before.grown.growth if before.grown else None
    if growth is None:
        growth = Growth.of(before.tables, before.lineage, merge.joined(before.raws))
    elif before.grown and before.grown.version != growth.version:  # another batch was put behind it since
        return None
    taken = growth.take(raws, clock)
    if taken is None:
        return None
    return GrownData(taken.tables, GrownFrom(weakref.ref(before), growth, growth.version, taken.n_same))
