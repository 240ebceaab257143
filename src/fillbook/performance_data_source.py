"""The canonical tables of one or many bots: what every number is computed from.

>>> import fillbook
>>> data = fillbook.open_data("bots/instances")  # doctest: +SKIP
>>> data.fills, data.findings, data.lineage.as_frame()  # doctest: +SKIP
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import polars as pl

from fillbook.errors import BadRequestError, MissingExtraError, UnreadableSourceError
from fillbook.etl import merge, performance_etl
from fillbook.etl.clean import are_timely
from fillbook.etl.lineage import Lineage
from fillbook.findings import Finding, Severity
from fillbook.growing import GrownFrom, GrownTables, Later, Told, grow
from fillbook.schema.facts import distinct_names, tables_hash
from fillbook.schema.tables import TABLES, empty

if TYPE_CHECKING:
    import pandas as pd

    from fillbook.filters import Filter
    from fillbook.schema.raw import RawTables
    from fillbook.sources.checkpoint_reading import StoredTables

Progress = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class PerformanceDataSource:
    """Cleaned tables with what a reader must know of them; never changed once made.

    Parameters
    ----------
    tables
        Every table of `fillbook.schema.tables.TABLES` by name, empty where no file has it; each
        is an attribute too (``data.fills``).
    told
        Findings and lineage; of grown data, found when asked for.
    fingerprint
        SHA-256 over the contents of the files, whatever their order and names, and over what came after.
    clock
        "Now" when the data was opened or last grew, UTC.
    raws
        What the sources read; `append` reads on from it.
    grown
        What this data grew from, if it did.
    stored
        The tables of the checkpoint it was opened from, which are read when they are asked for; None where
        all of it is in memory.
    """

    tables: Mapping[str, pl.DataFrame]
    told: Told | Later
    fingerprint: str
    clock: datetime
    raws: Sequence[RawTables] = ()
    grown: GrownFrom | None = None
    stored: StoredTables | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the data does that a reader of the numbers must know, gravest first."""
        return self.told.findings

    @property
    def lineage(self) -> Lineage:
        """Which files, and what became of their rows."""
        return self.told.lineage

    @property
    def fills(self) -> pl.DataFrame:
        """One execution a row, each booked once, by time."""
        return self.tables["fills"]

    @property
    def flat_fees(self) -> pl.DataFrame:
        """Flat fees after the first of a fill."""
        return self.tables["flat_fees"]

    @property
    def orders(self) -> pl.DataFrame:
        """One acknowledged order a row."""
        return self.tables["orders"]

    @property
    def order_events(self) -> pl.DataFrame:
        """Life of the orders, an event a row."""
        return self.tables["order_events"]

    @property
    def executors(self) -> pl.DataFrame:
        """Executors as the bot stored them."""
        return self.tables["executors"]

    @property
    def executor_orders(self) -> pl.DataFrame:
        """Which executor placed which order."""
        return self.tables["executor_orders"]

    @property
    def controllers(self) -> pl.DataFrame:
        """Configurations, a row a start of the bot."""
        return self.tables["controllers"]

    @property
    def positions(self) -> pl.DataFrame:
        """Positions the bot said it held when it stopped."""
        return self.tables["positions"]

    @property
    def funding(self) -> pl.DataFrame:
        """Funding payments of perpetuals, by time."""
        return self.tables["funding"]

    @property
    def quotes(self) -> pl.DataFrame:
        """Mid, bid and ask the bot saw or a file has, by time."""
        return self.tables["quotes"]

    @property
    def market_trades(self) -> pl.DataFrame:
        """Trades of everybody on an exchange, by time."""
        return self.tables["market_trades"]

    @property
    def candles(self) -> pl.DataFrame:
        """Candles, by open time."""
        return self.tables["candles"]

    @property
    def market_states(self) -> pl.DataFrame:
        """In-flight orders as saved at a stop."""
        return self.tables["market_states"]

    @property
    def lp_updates(self) -> pl.DataFrame:
        """Liquidity-pool events, listed only."""
        return self.tables["lp_updates"]

    @property
    def quarantine(self) -> pl.DataFrame:
        """Rows kept out of the books, each with its reason."""
        return self.tables["quarantine"]

    @property
    def executors_df(self) -> pd.DataFrame:
        """Executors as a pandas frame."""
        return _pandas(self.executors, "executors_df")

    @property
    def orders_df(self) -> pd.DataFrame:
        """Orders as a pandas frame."""
        return _pandas(self.orders, "orders_df")

    @property
    def trades_df(self) -> pd.DataFrame:
        """Fills as a pandas frame."""
        return _pandas(self.fills, "trades_df")

    @property
    def candles_df(self) -> pd.DataFrame:
        """Candles as a pandas frame."""
        return _pandas(self.candles, "candles_df")

    def height(self, table: str) -> int:
        """Rows of a table; a checkpoint knows them, as the two below, without reading it."""
        return self.tables[table].height if self.stored is None else self.stored.facts(table).rows

    def span(self, table: str) -> tuple[datetime, datetime] | None:
        """Least and greatest time of a table, UTC; None where it has none."""
        if self.stored is not None:
            held = self.stored.facts(table)
            return None if held.first is None or held.last is None else (held.first, held.last)
        at = self.tables[table]["at"]
        first, last = at.min(), at.max()
        return (first, last) if isinstance(first, datetime) and isinstance(last, datetime) else None

    def names(self, table: str, column: str) -> tuple[str | None, ...]:
        """Distinct names of a column of labels, in order; null last where a row has none."""
        if self.stored is not None and (held := self.stored.facts(table).names.get(column)) is not None:
            return held
        return distinct_names(self.tables[table][column])

    def filtered(self, chosen: Filter) -> Mapping[str, pl.DataFrame]:
        """Every table, with the rows that pass `chosen`."""
        if self.stored is not None:
            return self.stored.filtered(chosen)
        return MappingProxyType({name: chosen.apply(rows) for name, rows in self.tables.items()})

    def append(self, *raws: RawTables, clock: datetime | None = None) -> PerformanceDataSource:
        """The same data with more rows, as if all had been opened together.

        Rows that continue a known source (`RawTables.continues`) and are plainly new cost what they are;
        anything else is cleaned anew with everything before it.

        Parameters
        ----------
        raws
            Further sources, or what a feed of one brought.
        clock
            "Now", UTC; that of the data if left out.

        Raises
        ------
        BadRequestError
            The data was made from tables.
        """
        if not self.raws:
            message = "data made from tables cannot be appended to: open its files"
            raise BadRequestError(message)
        now = clock or self.clock
        whole = merge.condensed((*self.raws, *raws))
        failures = _failures(self)
        grown = grow(self, raws, now) if all(raw.continues for raw in raws) else None
        if grown is None:
            return _data_of(whole, now, failures=failures)
        later = Later(failures, whole, now)
        fingerprint = hashlib.sha256("".join([self.fingerprint, *map(merge.content_hash, raws)]).encode())
        return PerformanceDataSource(
            GrownTables(grown.tables, later), later, fingerprint.hexdigest(), now, whole, grown.origin
        )

    @classmethod
    def from_raws(cls, raws: Iterable[RawTables], *, clock: datetime) -> PerformanceDataSource:
        """Data of what sources or feeds read, cleaned and merged; `clock` is "now", UTC."""
        return _data_of(raws, clock)

    @classmethod
    def from_tables(cls, tables: Mapping[str, pl.DataFrame], *, clock: datetime | None = None) -> Self:
        """Data from canonical tables as they are, without any check; for tests and notebooks.

        Parameters
        ----------
        tables
            Tables by name; those left out are empty.
        clock
            "Now", UTC; the last time in the fills if left out.
        """
        whole = {name: tables.get(name, empty(name)) for name in TABLES}
        last = clock or whole["fills"].select(pl.col("at").max()).item() or datetime.now(UTC)
        return cls(MappingProxyType(whole), Told(), tables_hash(whole), last)


UNREADABLE = "unreadable_source"  # rule of the finding about a file that is in no number
_PANDAS = "pandas"


def open_data(
    *uris: str | Path, clock: datetime | None = None, progress: Progress | None = None
) -> PerformanceDataSource:
    """Read, clean and merge files and folders; the order they are given in does not matter.

    Parameters
    ----------
    uris
        Databases, checkpoints, exports, files of candles, quotes and market trades, or folders of them.
    clock
        "Now", UTC, by which times in the future are told; left out, the newest of the computer's
        clock and the files' own times.
    progress
        Called with what is being done and how much of the whole is done, from 0 to 1; an error it raises
        ends the opening.

    Raises
    ------
    UnreadableSourceError
        When not one file could be read; some unreadable files among others are findings.
    """
    from fillbook.sources.base import expand, open_source, watched  # noqa: PLC0415  (drivers load when used)
    from fillbook.sources.checkpoint_reading import stored_tables  # noqa: PLC0415
    from fillbook.sources.credentials import without_secrets  # noqa: PLC0415

    said = progress or _silent
    stored = stored_tables(str(uris[0])) if len(uris) == 1 else None
    if stored is not None and are_timely(stored.facts, clock or datetime.now(UTC)):
        return _from_stored(stored)
    raws: list[RawTables] = []
    failures: list[UnreadableSourceError] = []
    paths: list[str] = []
    for uri in uris:
        try:
            paths += (path for path in expand(str(uri)) if path not in paths)
        except UnreadableSourceError as error:
            failures.append(error)
    for number, path in enumerate(paths):
        stage, share = f"reading {without_secrets(path)}", 0.8 / len(paths)

        def heard(
            done: float, stage: str = stage, before: float = share * number, size: float = share
        ) -> None:
            said(stage, before + size * done)

        heard(0.0)
        try:
            with watched(heard):
                raws.append(open_source(path).read())
        except UnreadableSourceError as error:
            failures.append(error)
    if not raws:
        raise failures[0] if len(failures) == 1 else _nothing_readable(uris, failures)
    said("cleaning", 0.8)
    now = clock or max([datetime.now(UTC), *_written(paths)])
    data = _data_of(raws, now, failures=tuple(_failure(error) for error in failures))
    said("ready", 1.0)
    return data


def _silent(_stage: str, _share: float) -> None:
    """Report progress to nobody."""


def _written(paths: Iterable[str]) -> list[datetime]:
    """Times the files were last written, UTC."""
    files = [Path(path) for path in paths]
    return [datetime.fromtimestamp(file.stat().st_mtime, UTC) for file in files if file.is_file()]


def _nothing_readable(
    uris: Iterable[str | Path], failures: list[UnreadableSourceError]
) -> UnreadableSourceError:
    from fillbook.sources.credentials import without_secrets  # noqa: PLC0415

    named = ", ".join(without_secrets(str(uri)) for uri in uris) or "(nothing given)"
    first = f", first {failures[0]}" if failures else ""
    return UnreadableSourceError(
        named,
        f"no file here could be read{first}",
        "Give a Hummingbot database, a trades CSV, or a folder that holds one",
    )


def _failure(error: UnreadableSourceError) -> Finding:
    return Finding(
        table="files",
        rule=UNREADABLE,
        severity=Severity.ERROR,
        message=error.why,
        source=error.uri,
        effect="nothing of this file is in any number",
        remedy=error.remedy,
    )


def _data_of(
    raws: Iterable[RawTables], clock: datetime, *, failures: tuple[Finding, ...] = ()
) -> PerformanceDataSource:
    """Data of what sources read, cleaned and merged, whatever their order.

    Parameters
    ----------
    raws
        What each source read.
    clock
        "Now", UTC.
    failures
        Findings about files that could not be read.
    """
    raws = tuple(raws)
    result = performance_etl(raws, clock=clock)
    hashes = sorted({merge.content_hash(raw) for raw in raws})
    fingerprint = hashlib.sha256("".join(hashes).encode()).hexdigest()
    told = Told((*failures, *result.findings), result.lineage)
    return PerformanceDataSource(result.tables, told, fingerprint, clock, raws)


def _failures(data: PerformanceDataSource) -> tuple[Finding, ...]:
    """Findings about files that could not be read: no ETL makes them again."""
    if isinstance(data.told, Later):
        return data.told.failures
    return tuple(f for f in data.findings if f.rule == UNREADABLE)


def _from_stored(stored: StoredTables) -> PerformanceDataSource:
    """Data of a checkpoint; nothing but its manifest was read yet."""
    return PerformanceDataSource(
        tables=stored, told=Told(stored.cleaned.findings, Lineage.of(stored.cleaned.lineage)),
        fingerprint=stored.fingerprint, clock=datetime.fromisoformat(stored.cleaned.clock),
        raws=stored.raws, stored=stored,
    )  # fmt: skip


def _pandas(rows: pl.DataFrame, purpose: str) -> pd.DataFrame:
    missing = [name for name in (_PANDAS, "pyarrow") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(_PANDAS, purpose)
    return rows.to_pandas()
