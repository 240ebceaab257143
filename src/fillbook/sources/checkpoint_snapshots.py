"""When a file is an older snapshot of another: the bot went on writing after it was copied.

Its rows then all stand in the newer file, as they were or as the bot itself changed them: an order that has
ended since, a state that was saved anew. Such a snapshot adds nothing, so a checkpoint keeps its hash alone.
Files are compared row by row with their place in the file; a copy that was edited, packed or written by
another bot is not a snapshot, and the ETL sorts it out as it does of files opened together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from fillbook.schema.raw import RawTables

_HEADED = ("fills", "orders")


@dataclass(frozen=True, slots=True)
class _Rewritten:
    """A table whose rows a bot writes over: the columns that may differ, and the time that must not fall."""

    free: tuple[str, ...]
    newest: str


_REWRITTEN: Mapping[str, _Rewritten] = {
    "orders": _Rewritten(("last_status", "exchange_order_id"), "updated_at"),
    "positions": _Rewritten(
        (
            "side", "volume_quote", "amount_base", "breakeven_quote", "unrealized_pnl_quote",
            "realized_pnl_quote", "fees_quote",
        ),
        "at",
    ),
    "market_states": _Rewritten(("saved_state",), "at"),
}  # fmt: skip


def heads_of(raw: RawTables) -> tuple[str, ...]:
    """Hashes of the first fill and the first order of a source, of what never changes in them."""
    found = []
    for name in _HEADED:
        rows = raw.tables.get(name)
        if rows is None or rows.is_empty():
            continue
        first = rows.sort("row").head(1).select(_kept(name, rows.columns))
        text = f"{raw.info.kind} {name} {first.cast(pl.String).row(0)}"
        found.append(hashlib.sha256(text.encode()).hexdigest()[:32])
    return tuple(found)


def _kept(name: str, columns: Iterable[str]) -> list[str]:
    """Columns of a table that the bot does not write over; the bot's name is the file's, not its content."""
    rewritten = _REWRITTEN.get(name)
    free = (*rewritten.free, rewritten.newest) if rewritten else ()
    return [column for column in columns if column not in (*free, "bot", "source")]


def is_snapshot(older: RawTables, newer: RawTables) -> bool:
    """Whether every row of `older` stands in `newer`, so that nothing is lost with it."""
    if older.info.kind != newer.info.kind or not set(heads_of(older)) & set(heads_of(newer)):
        return False
    if not _is_within("", older.unreadable, newer.unreadable):
        return False
    return all(
        rows.is_empty() or (name in newer.tables and _is_within(name, rows, newer.tables[name]))
        for name, rows in older.tables.items()
    )


def _is_within(name: str, older: pl.DataFrame, newer: pl.DataFrame) -> bool:
    """Whether each row of `older` is one of `newer`, or an earlier state of one."""
    if older.height > newer.height or set(older.columns) != set(newer.columns):
        return False
    key, rewritten = _kept(name, older.columns), _REWRITTEN.get(name)
    older, newer = _numbered(older, key), _numbered(newer, key)
    if rewritten is None:
        return older.join(newer, on=[*key, "nth"], how="anti", nulls_equal=True).is_empty()
    newest = rewritten.newest
    met = older.select(*key, "nth", newest).join(
        newer.select(*key, "nth", newest), on=[*key, "nth"], how="inner", nulls_equal=True, suffix="_newer"
    )
    falls = (pl.col(f"{newest}_newer") < pl.col(newest)).fill_null(value=False)
    return met.height == older.height and met.filter(falls).is_empty()


def _numbered(rows: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """`rows` with how often the same row came before it: two equal rows need two in the newer file."""
    return rows.with_columns(nth=pl.int_range(pl.len()).over(key))
