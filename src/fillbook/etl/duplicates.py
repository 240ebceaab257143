"""The same fill written twice is booked once (DEFINITIONS A1).

The key of a fill is its market, order id and trade id. Only rows whose market and trade id occur
more than once are compared at all, and those are found by one hash.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from fillbook.etl.repair import agrees, restorations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fillbook.schema.raw import SourceInfo

_KEY = ("connector", "pair", "order_id", "trade_id")
_WEAK = ("weak_at", "weak_side", "weak_price", "weak_amount", "nth")  # stand in for a trade id
_VALUES = ("at", "side", "price_quote", "amount_base", "quantum")
_FEES = ("fee_percent", "fee_token", "fee_amount", "fee_quote_recorded")
_EXPORT = "export_csv"  # no order ids, and times in the bot's own zone
_SHARED_STEP = 1e6  # what the coarser of two files keeps of a number

_NO_POSITIONS = pl.DataFrame(schema={"position": pl.UInt32, "source": pl.Int64})


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Which rows of stacked fills repeat another.

    Parameters
    ----------
    dropped
        ``position, source, first_source`` of rows that say what another row says.
    conflicts
        The same of rows with another row's key and another content.
    restored
        New values by ``position`` for rows that a more exact file confirms (`repair`).
    shared
        Pairs of files that hold a fill with the same key.
    n_self_trades
        Pairs of fills on both sides of one trade of the exchange.
    """

    dropped: pl.DataFrame = field(default_factory=_NO_POSITIONS.clone)
    conflicts: pl.DataFrame = field(default_factory=_NO_POSITIONS.clone)
    restored: pl.DataFrame = field(default_factory=_NO_POSITIONS.clone)
    shared: frozenset[tuple[int, int]] = frozenset()
    n_self_trades: int = 0


def fill_duplicates(fills: pl.DataFrame, infos: Sequence[SourceInfo]) -> Duplicates:
    """Rows of `fills`, stacked in the order of `infos`, that another row repeats or contradicts."""
    candidates = _candidates(fills, is_several=len(infos) > 1)
    if candidates.is_empty():
        return Duplicates()
    if len(infos) > 1:
        candidates = _adopted(_unsuffixed(candidates), infos)
    keyed = _keyed(candidates)
    key = [*_KEY, *_WEAK]
    firsts = keyed.unique(subset=key, keep="first", maintain_order=True)
    later = keyed.join(firsts.select("position"), on="position", how="anti").join(
        firsts, on=key, how="left", nulls_equal=True, suffix="_first", maintain_order="left"
    )
    later = later.with_columns(agrees().alias("agrees"))
    place = [pl.col("position"), pl.col("source"), pl.col("source_first").alias("first_source")]
    pairs = later.filter(pl.col("source") != pl.col("source_first"))
    pairs = pairs.select("source_first", "source").unique()
    return Duplicates(
        dropped=later.filter(pl.col("agrees")).select(place),
        conflicts=later.filter(~pl.col("agrees")).select(place),
        restored=restorations(later.filter(pl.col("agrees"))),
        shared=frozenset((int(a), int(b)) for a, b in pairs.iter_rows()),
        n_self_trades=_self_trades(firsts),
    )


def _candidates(fills: pl.DataFrame, *, is_several: bool) -> pl.DataFrame:
    """Fills whose market and trade id occur more than once, with their `position`."""
    trade_id = pl.col("trade_id")
    if is_several and fills["trade_id"].str.contains(r"_\d+$").any():
        trade_id = trade_id.str.replace(r"_\d+$", "")
    hashed = fills.select(pl.struct("connector", "pair", trade_id).hash()).to_series()
    columns = ["source", *_KEY, *_VALUES, *_FEES]
    if hashed.n_unique() == fills.height:
        return fills.clear().with_row_index("position").select("position", *columns)
    repeated = hashed.is_duplicated()
    if not is_several:  # rows without a trade id are never removed within one file
        repeated &= fills["trade_id"] != ""
    return fills.lazy().select(columns).with_row_index("position").filter(pl.lit(repeated)).collect()


def _unsuffixed(fills: pl.DataFrame) -> pl.DataFrame:
    """Trade ids without the number Hummingbot's migration of 2022 put behind them.

    Only where another file holds the same order with the bare trade id.
    """
    bare = pl.col("trade_id").str.replace(r"_\d+$", "")
    known = fills.select(*_KEY, pl.col("source").alias("other")).unique()
    met = (
        fills.filter(pl.col("trade_id") != bare)
        .select("position", "source", *_KEY[:3], bare)
        .join(known, on=list(_KEY))
        .filter(pl.col("source") != pl.col("other"))
        .select("position")
        .unique()
    )
    is_met = pl.col("position").is_in(met["position"].implode())
    return fills.with_columns(pl.when(is_met).then(bare).otherwise("trade_id").alias("trade_id"))


def _adopted(fills: pl.DataFrame, infos: Sequence[SourceInfo]) -> pl.DataFrame:
    """Rows of an export without order ids take id and time of the fill with their trade id."""
    exports = [number for number, info in enumerate(infos) if info.kind == _EXPORT]
    is_export = pl.col("source").is_in(exports) & (pl.col("trade_id") != "")
    trade = ["connector", "pair", "trade_id", "side"]
    named = (
        fills.filter((pl.col("order_id") != "") & (pl.col("trade_id") != ""))
        .group_by(trade)
        .agg(pl.col("order_id").unique(), pl.col("at").first().alias("known_at"))
        .filter(pl.col("order_id").list.len() == 1)
        .with_columns(pl.col("order_id").list.first().alias("known_id"))
        .select(*trade, "known_id", "known_at")
    )
    is_adopted = is_export & (pl.col("order_id") == "") & pl.col("known_id").is_not_null()
    return (
        fills.join(named, on=trade, how="left", maintain_order="left")
        .with_columns(
            pl.when(is_adopted).then("known_id").otherwise("order_id").alias("order_id"),
            pl.when(is_adopted).then("known_at").otherwise("at").alias("at"),
        )
        .drop("known_id", "known_at")
    )


def _keyed(fills: pl.DataFrame) -> pl.DataFrame:
    """`fills` with what stands in for an empty trade id: content, and how often within its file."""
    is_weak = pl.col("trade_id") == ""
    price, amount = pl.col("price_quote"), pl.col("amount_base")
    weak = {
        "weak_at": pl.col("at"),
        "weak_side": pl.col("side"),
        "weak_price": (price * _SHARED_STEP * (1.0 + 1e-12)).floor(),
        "weak_amount": (amount * _SHARED_STEP * (1.0 + 1e-12)).floor(),
    }
    keyed = fills.with_columns(pl.when(is_weak).then(cell).alias(n) for n, cell in weak.items())
    nth = pl.int_range(pl.len()).over("source", *_KEY, *weak)
    return keyed.with_columns(pl.when(is_weak).then(nth).alias("nth"))


def _self_trades(fills: pl.DataFrame) -> int:
    """Pairs of fills with one trade id and opposite sides in one market, on different orders."""
    sides = (
        fills.filter(pl.col("trade_id") != "")
        .group_by("connector", "pair", "trade_id")
        .agg((pl.col("side") > 0).sum().alias("buys"), (pl.col("side") < 0).sum().alias("sells"))
    )
    return int(sides.select(pl.min_horizontal("buys", "sells").sum()).item())
