"""Rows of the tables beside the fills that several files, or a careless merge, hold twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from fillbook.etl.merge import all_but
from fillbook.schema.tables import columns_of

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Repeat:
    """When two rows of a table are the same thing.

    Parameters
    ----------
    key
        Columns that name the thing.
    newest
        Column whose greatest value says which of them to keep; the first row where it is empty.
    is_key_unique
        False where one file may hold the same key more than once: then its n-th row is the same
        thing as another file's n-th row.
    content
        Columns that should agree; a row that differs contradicts and is quarantined.
    """

    key: tuple[str, ...]
    newest: str = ""
    is_key_unique: bool = True
    content: tuple[str, ...] = ()


REPEATS: Mapping[str, Repeat] = {
    "orders": Repeat(key=("bot", "connector", "pair", "order_id"), newest="updated_at"),
    "order_events": Repeat(key=("order_id", "at", "status"), is_key_unique=False),
    "executors": Repeat(key=("bot", "executor_id"), newest="closed_at"),
    "executor_orders": Repeat(key=("executor_id", "order_id")),
    "controllers": Repeat(key=("bot", "controller_id", "at", "config"), is_key_unique=False),
    "positions": Repeat(
        key=("bot", "controller_id", "connector", "pair", "side"), newest="at", is_key_unique=False
    ),
    "funding": Repeat(key=("bot", "connector", "pair", "at"), content=("amount_quote",)),
    "quotes": Repeat(key=("connector", "pair", "at", "kind")),
    "candles": Repeat(key=("connector", "pair", "interval_s", "at")),
    "market_states": Repeat(key=("config", "connector", "at"), is_key_unique=False),
    "lp_updates": Repeat(key=("order_id", "at", "action"), is_key_unique=False),
}


def without_repeats(table: str, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Rows of `table` once each, the rows that repeat them, and those that contradict them.

    `rows` stand in the order of the files; a table without a rule comes back as it is, and so do market
    trades, which have no id: two of the same time, price and quantity may both have happened.
    """
    repeat = REPEATS.get(table)
    if repeat is None or rows.is_empty() or not _may_repeat(repeat, rows):
        return rows, rows.clear(), rows.clear()
    hashed = rows.select(pl.struct(repeat.key).hash()).to_series()
    if hashed.n_unique() == rows.height:
        return rows, rows.clear(), rows.clear()
    candidates = (
        rows.lazy()
        .select("source", *dict.fromkeys((*repeat.key, *repeat.content, *_named(repeat.newest))))
        .with_row_index("position")
        .filter(pl.lit(hashed.is_duplicated()), *_whole(table, repeat))
        .collect()
    )
    later = _later(repeat, candidates)
    differs = pl.any_horizontal(
        pl.lit(value=False), *(pl.col(c).ne_missing(pl.col(f"{c}_kept")) for c in repeat.content)
    )
    conflicts = later.filter(differs)["position"]
    repeated = later.filter(~differs)["position"]
    keep = all_but(later["position"], rows.height)
    return rows.filter(keep), rows[repeated.sort()], rows[conflicts.sort()]


def _whole(table: str, repeat: Repeat) -> list[pl.Expr]:
    """Rows whose key is known: one without, say, a time is refused later and repeats nothing."""
    columns = columns_of(table)
    return [pl.col(name).is_not_null() for name in repeat.key if not columns[name].nullable]


def _may_repeat(repeat: Repeat, rows: pl.DataFrame) -> bool:
    return repeat.is_key_unique or rows["source"].min() != rows["source"].max()


def _named(column: str) -> tuple[str, ...]:
    return (column,) if column else ()


def _later(repeat: Repeat, candidates: pl.DataFrame) -> pl.DataFrame:
    """Rows whose thing another row stands for, with that row's content as ``…_kept``."""
    key = list(repeat.key)
    if not repeat.is_key_unique:
        key = [*key, "nth"]
        nth = pl.int_range(pl.len()).over("source", *repeat.key).alias("nth")
        candidates = candidates.with_columns(nth)
    if repeat.newest:
        candidates = candidates.sort(repeat.newest, descending=True, nulls_last=True, maintain_order=True)
    kept = candidates.unique(subset=key, keep="first", maintain_order=True)
    later = candidates.join(kept.select("position"), on="position", how="anti")
    if not repeat.content:
        return later
    return later.join(
        kept.select(*key, *repeat.content), on=key, how="left", nulls_equal=True, suffix="_kept"
    )


def shared_orders(orders: pl.DataFrame) -> pl.DataFrame:
    """Pairs of files that hold the same order: ``source``, ``other`` and how many, ``n_orders``.

    The same id, market, creation and quantity; an id alone may be chance.
    """
    nothing = pl.DataFrame(schema={"source": pl.Int64, "other": pl.Int64, "n_orders": pl.UInt32})
    if orders.is_empty() or orders["source"].min() == orders["source"].max():
        return nothing
    key = ["connector", "pair", "order_id", "at", "amount_base"]
    named = orders.select("source", pl.struct(key).hash().alias("order"))
    if named["order"].n_unique() == named.height:
        return nothing
    firsts = named.unique(subset="order", keep="first", maintain_order=True)
    return (
        named.join(firsts, on="order", suffix="_first")
        .filter(pl.col("source") != pl.col("source_first"))
        .group_by(pl.col("source_first").alias("source"), pl.col("source").alias("other"))
        .agg(pl.len().alias("n_orders"))
        .sort("source", "other")
    )
