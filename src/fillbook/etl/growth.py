"""Rows that come after the others: the books' tables grow by a batch at the cost of the batch.

Only what a ledger is kept from grows here (`GROWING`); the other tables are made whole again when somebody
asks for them. Whatever is not plainly new (a row that contradicts or is refused, two files found to be one
bot, a file not known before) is left to `performance_etl` over everything: `Growth.take` then returns None.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from fillbook.etl import merge
from fillbook.etl.clean import split
from fillbook.etl.duplicates import fill_duplicates
from fillbook.etl.feeds import in_the_databases_words
from fillbook.etl.keys import Keys, hashed
from fillbook.etl.link import TAGS, executor_tags
from fillbook.etl.repair import repaired
from fillbook.etl.repeats import without_repeats
from fillbook.schema.tables import empty
from fillbook.sources.hummingbot import UNKNOWN_CONNECTOR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from fillbook.arrays import Ints
    from fillbook.etl.lineage import Lineage
    from fillbook.schema.raw import RawTables, SourceInfo

GROWING = ("fills", "flat_fees", "funding", "quotes", "candles", "quarantine")
_TABLES_OF_TIME = ("funding", "quotes", "candles")
_ORDER = ["at", "source", "row"]
_TRADE = ("connector", "pair", pl.col("trade_id").str.replace(r"_\d+$", ""))
_SAME_ORDER = ("connector", "pair", "order_id", "at", "amount_base")  # as `repeats.shared_orders` has it
_RECENT = 50_000  # rows in which a fill that comes twice is looked for first
_TAIL = 65_536  # rows that are copied with each batch, at most an eighth of all


@dataclass(frozen=True, slots=True)
class Grown:
    """Tables after a batch.

    Parameters
    ----------
    tables
        Those of `GROWING`.
    n_same
        Rows of the fills, from the first, that are as they were but for their tags.
    """

    tables: Mapping[str, pl.DataFrame]
    n_same: int


class _Whole(Exception):  # noqa: N818  (no error: a way out)
    """The batch is not plainly new."""


@dataclass(slots=True)
class Growth:
    """What a chain of batches must remember; belongs to the newest of them alone."""

    base: pl.DataFrame
    tail: pl.DataFrame
    tables: dict[str, pl.DataFrame]
    numbers: Mapping[str, int]
    infos: tuple[SourceInfo, ...]
    bots: tuple[str, ...]
    fills: Keys = field(default_factory=Keys)
    orders: Keys = field(default_factory=Keys)
    filled: Keys = field(default_factory=Keys)
    tags: pl.DataFrame = field(default_factory=pl.DataFrame)
    version: int = 0
    has_unknown: bool = False

    @classmethod
    def of(cls, tables: Mapping[str, pl.DataFrame], lineage: Lineage, raws: Sequence[RawTables]) -> Growth:
        """Start from the tables and the lineage that `performance_etl` made of `raws`."""
        files = lineage.files
        bots = tuple(file.bot for file in files)
        infos = {raw.info.uri: raw.info for raw in raws}
        growth = cls(
            base=tables["fills"], tail=empty("fills"),
            tables={name: tables[name] for name in GROWING},
            numbers={file.uri: file.source for file in files},
            infos=tuple(infos[file.uri] for file in files), bots=bots,
            tags=executor_tags(tables, dict(enumerate(bots))),
            has_unknown=bool((tables["fills"]["connector"] == UNKNOWN_CONNECTOR).any()),
        )  # fmt: skip
        growth._remember(tables["fills"])
        growth.orders.add(hashed(tables["orders"], *_SAME_ORDER), growth._groups(tables["orders"]))
        return growth

    @property
    def n_fills(self) -> int:
        """Fills held."""
        return self.base.height + self.tail.height

    def take(self, raws: Sequence[RawTables], clock: datetime) -> Grown | None:
        """The tables with the rows of `raws`; None where all must be made anew (then this is spent)."""
        self.version += 1
        try:
            return self._taken(raws, clock)
        except _Whole:
            return None

    def _taken(self, raws: Sequence[RawTables], clock: datetime) -> Grown:
        batch = self._batch(raws)
        self._check_orders(batch["orders"])
        n_same = min([self._grow(name, batch[name], clock) for name in _TABLES_OF_TIME])
        n_same = min(n_same, self._grow_fills(batch["fills"], clock))
        self._tag(batch)
        whole = pl.concat([self.base, self.tail]) if self.tail.height else self.base
        self.tables["fills"] = whole
        if batch["flat_fees"].height:
            self.tables["flat_fees"] = _fees_of(whole, self.tables["flat_fees"], batch["flat_fees"])
        return Grown(dict(self.tables), n_same)

    def _batch(self, raws: Sequence[RawTables]) -> dict[str, pl.DataFrame]:
        """Tables of the batch, numbered and named as the others are."""
        if any(raw.info.uri not in self.numbers or raw.unreadable.height for raw in raws):
            raise _Whole
        numbered = sorted(((self.numbers[raw.info.uri], raw) for raw in raws), key=itemgetter(0))
        named = {n: bot for n, bot in enumerate(self.bots) if bot != self.infos[n].bot}
        batch = {}
        for name in (*GROWING, "orders", "executors", "executor_orders"):
            rows = merge.stacked(name, [raw for _, raw in numbered], [n for n, _ in numbered])
            batch[name] = merge.renamed(rows, named) if named else rows
        return batch

    def _groups(self, rows: pl.DataFrame) -> Ints:
        """Number of the bot of each row: sources that share a bot share it."""
        first = np.array([self.bots.index(bot) for bot in self.bots], np.int64)
        return np.asarray(first[rows["source"].to_numpy()]) if rows.height else np.zeros(0, np.int64)

    def _remember(self, fills: pl.DataFrame) -> None:
        self.fills.add(hashed(fills, *_TRADE), self._groups(fills))
        self.filled.add(hashed(fills, "order_id"), self._groups(fills))

    def _check_orders(self, orders: pl.DataFrame) -> None:
        """An order that another bot's file holds too makes the two one bot."""
        if orders.is_empty():
            return
        keys, groups = hashed(orders, *_SAME_ORDER), self._groups(orders)
        owners = self.orders.owners(keys)
        if ((owners >= 0) & (owners != groups)).any() or _meet(keys, groups):
            raise _Whole
        self.orders.add(keys[owners < 0], groups[owners < 0])

    def _grow(self, name: str, rows: pl.DataFrame, clock: datetime) -> int:
        """Add rows to a table of prices or payments; how many fills stand before the first of them."""
        if rows.is_empty():
            return self.n_fills
        stacked = pl.concat([self.tables[name], rows]).sort("source", "row", maintain_order=True)
        kept, _, conflicts = without_repeats(name, stacked)
        good, bad = split(name, kept, unreadable=_no_cells(), clock=clock)
        if conflicts.height or bad.height:
            raise _Whole
        self.tables[name] = good.sort("at", maintain_order=True)
        return self._place(_first(rows)) if name != "funding" else self.n_fills

    def _place(self, at: datetime | None) -> int:
        """Fills before a time."""
        place: int = self.base["at"].search_sorted(at, side="left")
        if place < self.base.height or self.tail.is_empty():
            return place
        in_tail: int = self.tail["at"].search_sorted(at, side="left")
        return place + in_tail

    def _grow_fills(self, rows: pl.DataFrame, clock: datetime) -> int:
        """Put new fills in their place; how many stand before the first that changed."""
        if rows.is_empty():
            return self.n_fills
        if (rows["trade_id"] == "").any() or self._may_be_strangers(rows):
            raise _Whole
        keys, groups = hashed(rows, *_TRADE), self._groups(rows)
        owners = self.fills.owners(keys)
        if ((owners >= 0) & (owners != groups)).any() or _meet(keys, groups):
            raise _Whole
        is_met = (owners >= 0) | pl.Series(keys).is_duplicated().to_numpy()
        fresh, gone = rows, np.zeros(0, np.int64)
        if is_met.any():
            settled, gone = self._settled(rows.filter(pl.Series(is_met)), keys[is_met])
            fresh = pl.concat([rows.filter(pl.Series(~is_met)), settled])
        good, bad = split("fills", fresh, unreadable=_no_cells(), clock=clock)
        if bad.height:
            raise _Whole
        self.fills.add(keys[owners < 0], groups[owners < 0])
        self.filled.add(hashed(rows, "order_id"), groups)
        return self._placed(_tagged(good, self.tags), gone) if good.height or gone.size else self.n_fills

    def _may_be_strangers(self, rows: pl.DataFrame) -> bool:
        """Whether a feed's fills of unknown venue may be those of another source (`etl.feeds`)."""
        kinds = {info.kind for info in self.infos} - merge.MARKET_FILES
        if merge.FEED not in kinds or len(kinds) == 1:
            return False
        return self.has_unknown or bool((rows["connector"] == UNKNOWN_CONNECTOR).any())

    def _settled(self, rows: pl.DataFrame, keys: np.ndarray) -> tuple[pl.DataFrame, Ints]:
        """Of fills that come twice: those to add, and places of those that they replace."""
        places = self._met(keys)
        mine = pl.concat([self._at(places), rows]).with_columns(
            place=pl.Series(np.concatenate([places, np.full(rows.height, -1)]))
        )
        mine = mine.sort("source", "row", maintain_order=True)
        place = mine["place"].to_numpy()
        told = {"fills": mine.drop("place"), "orders": empty("orders"), "order_events": empty("order_events")}
        mine = in_the_databases_words(told, self.infos)["fills"].with_columns(place=pl.Series(place))
        twice = fill_duplicates(mine.drop("place"), self.infos)
        restored = twice.restored
        if twice.conflicts.height or (restored.height and restored["takes_flat_fees"].any()):
            raise _Whole
        changed = np.zeros(mine.height, bool)
        dropped = np.zeros(mine.height, bool)
        dropped[twice.dropped["position"].to_numpy()] = True
        if restored.height:
            changed[restored["position"].to_numpy()] = True
        mine = repaired(mine, restored) if restored.height else mine
        is_new = (place < 0) | changed
        gone = place[(place >= 0) & (dropped | changed)]
        return mine.filter(pl.Series(is_new & ~dropped)).drop("place"), np.sort(gone)

    def _met(self, keys: np.ndarray) -> Ints:
        """Places of the fills that have one of these keys: among the newest, else among all."""
        wanted = np.unique(keys)
        wanted = wanted[self.fills.owners(wanted) >= 0]
        n = self.n_fills
        for first in (max(n - _RECENT, 0), 0):
            rows = self._from(first)
            found = np.flatnonzero(np.isin(hashed(rows, *_TRADE), wanted)) + first
            if first == 0 or np.unique(hashed(self._at(found), *_TRADE)).size == wanted.size:
                return found
        return np.zeros(0, np.int64)

    def _at(self, places: Ints) -> pl.DataFrame:
        n = self.base.height
        return pl.concat([self.base[places[places < n]], self.tail[places[places >= n] - n]])

    def _from(self, first: int) -> pl.DataFrame:
        """The fills from a place on."""
        n = self.base.height
        return self.tail[first - n :] if first >= n else pl.concat([self.base[first:], self.tail])

    def _placed(self, rows: pl.DataFrame, gone: Ints) -> int:
        """Sort rows into the fills, without those that are gone; the first place that changed."""
        first = int(gone[0]) if gone.size else self.n_fills
        if rows.height:
            first = min(first, self._place(_first(rows)))
        rest = self._from(first)
        if gone.size:
            rest = rest.filter(merge.all_but(pl.Series(gone - first), rest.height))
        n = self.base.height
        before = self.tail[: first - n] if first > n else self.tail.clear()
        self.base = self.base[:first]
        self.tail = pl.concat([before, pl.concat([rest, rows]).sort(_ORDER, maintain_order=True)]).rechunk()
        if self.tail.height > max(_TAIL, self.base.height // 8):
            self.base, self.tail = pl.concat([self.base, self.tail]).rechunk(), self.tail.clear()
        return first

    def _tag(self, batch: Mapping[str, pl.DataFrame]) -> None:
        """Name the executors of fills that came before their executor was stored."""
        if batch["executor_orders"].is_empty():
            return
        tags = executor_tags(batch, dict(enumerate(self.bots)))
        on = ["bot", "order_id"]
        both = tags.join(self.tags, on=on, suffix="_before")
        if (both["executor_id"] != both["executor_id_before"]).any():
            raise _Whole
        self.tags = pl.concat([self.tags.join(tags, on=on, how="anti"), tags])
        self.tail = _tagged(self.tail, tags)
        keys = hashed(tags, "order_id")
        older = tags.filter(pl.Series(self.filled.owners(keys) >= 0)).join(self.tail, on=on, how="anti")
        if older.height:
            self.base = _tagged(self.base, older)


def _first(rows: pl.DataFrame) -> datetime | None:
    earliest: datetime | None = rows.select(pl.col("at").min()).item()
    return earliest


def _meet(keys: np.ndarray, groups: Ints) -> bool:
    """Whether one key belongs to several bots."""
    order = np.argsort(keys, kind="stable")
    keys, groups = keys[order], groups[order]
    return bool(((keys[1:] == keys[:-1]) & (groups[1:] != groups[:-1])).any())


def _tagged(rows: pl.DataFrame, tags: pl.DataFrame) -> pl.DataFrame:
    """`rows` with the tags of their executors where `tags` has their order."""
    if rows.is_empty() or tags.is_empty():
        return rows
    on = ["bot", "order_id"]
    found = rows.select(on).join(tags.with_columns(met=True), on=on, how="left", maintain_order="left")
    if not found["met"].any():
        return rows
    return rows.with_columns(
        pl.when(found["met"].fill_null(value=False)).then(found[name]).otherwise(pl.col(name)).alias(name)
        for name in TAGS
    )


def _fees_of(fills: pl.DataFrame, known: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Flat fees, known and new, of fills that are booked."""
    at = ["source", "row"]
    fees = pl.concat([known, new.join(known, on=at, how="anti")]).join(fills, on=at, how="semi")
    return fees.sort(at, maintain_order=True)


def _no_cells() -> pl.DataFrame:
    return merge.unreadable_cells([])
