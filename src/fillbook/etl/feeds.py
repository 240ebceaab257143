"""What a bot's feed says, in the words of its database, so that both are known to be the same.

An event names no venue, tells its time in whole seconds, and has values that the database cut to 1e-6.
Rows of a feed that a database (or a checkpoint, or an export) holds too take its venue and its time; the
rules about repeated rows then find them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from fillbook.etl.merge import FEED, MARKET_FILES
from fillbook.sources.hummingbot import UNKNOWN_CONNECTOR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fillbook.schema.raw import SourceInfo

_ORDER = ("pair", "order_id")
_FILL = (*_ORDER, "trade_id")
_ORDER_WORDS = ("config", "strategy", "at", "amount_base", "price_quote", "price_reason")
_SECOND = "1s"


def in_the_databases_words(
    tables: Mapping[str, pl.DataFrame], infos: Sequence[SourceInfo]
) -> Mapping[str, pl.DataFrame]:
    """`tables` with the rows of feeds as the other sources have them; the same object where there is no feed.

    Parameters
    ----------
    tables
        Canonical tables, stacked in the order of `infos`.
    infos
        The sources by number.
    """
    feeds = [number for number, info in enumerate(infos) if info.kind == FEED]
    others = [
        number for number, info in enumerate(infos) if info.kind != FEED and info.kind not in MARKET_FILES
    ]
    if not feeds or not others:
        return tables
    parts = {name: _parts(tables[name], feeds, others) for name in ("fills", "orders", "order_events")}
    if all(heard.is_empty() for heard, _ in parts.values()):
        return tables
    (fills, own_fills), (orders, own_orders) = parts["fills"], parts["orders"]
    venues = _venues(own_orders, own_fills)
    changed = {
        "fills": _timed(_placed(fills, venues), own_fills),
        "orders": _told(_placed(orders, venues), own_orders),
        "order_events": _dated(*parts["order_events"]),
    }
    # the rows of feeds stand where they stood: sources are stacked by number
    return {**tables, **{name: _joined(tables[name], rows) for name, rows in changed.items()}}


def _parts(
    rows: pl.DataFrame, feeds: Sequence[int], others: Sequence[int]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of feeds with their ``position``, and those of the others that could be the same."""
    heard = rows.with_row_index("position").filter(pl.col("source").is_in(feeds))
    same = heard.select("order_id").unique()
    own = rows.filter(pl.col("source").is_in(others)).join(
        same, on="order_id", how="semi", maintain_order="left"
    )
    return heard, own


def _joined(rows: pl.DataFrame, heard: pl.DataFrame) -> pl.DataFrame:
    """`rows` with those of feeds replaced."""
    if heard.is_empty():
        return rows
    kept = rows.with_row_index("position").join(heard, on="position", how="anti")
    both = pl.concat([kept, heard.select(kept.columns)])
    return both.sort("position").drop("position")


def _venues(orders: pl.DataFrame, fills: pl.DataFrame) -> pl.DataFrame:
    """``pair, order_id, named``: the venue of orders that stand at one alone."""
    both = pl.concat([rows.select(*_ORDER, "connector") for rows in (orders, fills)])
    return (
        both.filter(pl.col("connector") != UNKNOWN_CONNECTOR)
        .group_by(_ORDER)
        .agg(pl.col("connector").unique().alias("named"))
        .filter(pl.col("named").list.len() == 1)
        .with_columns(pl.col("named").list.first())
    )


def _placed(heard: pl.DataFrame, venues: pl.DataFrame) -> pl.DataFrame:
    """Rows of feeds at the venue the database names for their order."""
    found = heard.join(venues, on=list(_ORDER), how="left", maintain_order="left")
    return found.with_columns(pl.coalesce("named", "connector").alias("connector")).drop("named")


def _timed(heard: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """Fills of feeds at the time the database has, where that lies in the second they tell."""
    known = own.select("connector", *_FILL, pl.col("at").alias("known_at"), "config", "strategy")
    known = known.unique(subset=["connector", *_FILL], keep="first", maintain_order=True)
    found = heard.join(known, on=["connector", *_FILL], how="left", maintain_order="left", suffix="_known")
    is_same = pl.col("known_at").dt.truncate(_SECOND) == pl.col("at").dt.truncate(_SECOND)
    return found.with_columns(
        pl.when(is_same).then("known_at").otherwise("at").alias("at"),
        *(pl.coalesce(f"{name}_known", name).alias(name) for name in ("config", "strategy")),
    ).select(heard.columns)


def _told(heard: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """Orders of feeds as the database has them; only what became of them may be newer."""
    key = ["connector", *_ORDER]
    known = own.select(*key, *_ORDER_WORDS).unique(subset=key, keep="first", maintain_order=True)
    found = heard.join(known, on=key, how="left", maintain_order="left", suffix="_known")
    is_known = pl.col("at_known").is_not_null()
    return found.with_columns(
        pl.when(is_known).then(f"{name}_known").otherwise(name).alias(name) for name in _ORDER_WORDS
    ).select(heard.columns)


def _dated(heard: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """Events of feeds at the time of the database's: the n-th of an order and kind at its n-th."""
    key = ["order_id", "status", "nth"]
    nth = pl.int_range(pl.len()).over("source", "order_id", "status").alias("nth")
    known = own.sort("at", maintain_order=True).with_columns(nth).select(*key, pl.col("at").alias("known_at"))
    known = known.unique(subset=key, keep="first", maintain_order=True)
    found = heard.sort("at", maintain_order=True).with_columns(nth)
    found = found.join(known, on=key, how="left", maintain_order="left")
    return found.with_columns(pl.coalesce("known_at", "at").alias("at")).select(heard.columns)
