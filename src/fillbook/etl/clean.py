"""Rows that cannot be true are put aside with their reason, never dropped and never booked.

The rules come from the data model (`fillbook.schema.tables`): what may not be null, what must be
positive, that numbers are finite and times possible. Each is first asked of the whole column, so
that a clean table costs one pass and no copy.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from fillbook.etl.vocabulary import LP_TRADE_TYPE
from fillbook.schema.tables import TABLES, columns_of, dtypes_of, empty

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fillbook.schema.facts import TableFacts

FIRST_TIME = datetime(2009, 1, 1, tzinfo=UTC)  # no coin traded before
TOLERATED_FUTURE = timedelta(days=2)
CONFLICT = "conflicting_duplicate"
BAD_TIME = "bad_time"

_NAMED = {("fills", "price_quote"): "zero_price", ("fills", "amount_base"): "bad_amount"}

Rule = tuple[str, pl.Expr]  # reason, rows it refuses


def split(
    table: str, rows: pl.DataFrame, *, unreadable: pl.DataFrame, clock: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of `table` that can be true, and the others with their ``reason``.

    Parameters
    ----------
    table
        Name of the table.
    rows
        Its rows, of any files.
    unreadable
        Cells of these files that no source could read (`merge.unreadable_cells`).
    clock
        Now, UTC: what lies more than two days after it cannot have happened.
    """
    if rows.is_empty():
        return rows, rows.with_columns(pl.lit("").alias("reason"))
    cells = unreadable.filter(pl.col("table") == table)
    rules = [*_side_rules(table, rows, cells), *_rules(table, rows, cells, clock)]
    rows = _without_nan(table, rows)
    if not rules:
        return rows, rows.clear().with_columns(pl.lit("").alias("reason"))
    reasons = rows.select(
        pl.coalesce(pl.when(refused).then(pl.lit(reason)) for reason, refused in rules)
    ).to_series()
    is_good = reasons.is_null()
    return rows.filter(is_good), rows.with_columns(reasons.alias("reason")).filter(~is_good)


def _side_rules(table: str, rows: pl.DataFrame, cells: pl.DataFrame) -> Iterator[Rule]:
    """A fill needs a side; liquidity-pool trades have none and are listed apart."""
    if table != "fills" or not rows["side"].null_count():
        return
    named = cells.filter(pl.col("column").is_in(["side", "trade_type"]))
    other = named.filter(pl.col("value") != LP_TRADE_TYPE)
    yield "unknown_side", pl.col("side").is_null() & _listed(rows, other)
    yield "lp_trade", pl.col("side").is_null()


def _rules(table: str, rows: pl.DataFrame, cells: pl.DataFrame, clock: datetime) -> Iterator[Rule]:
    """Rules of the data model that some row breaks, strongest reason first."""
    columns = columns_of(table)
    required = [name for name, column in columns.items() if not column.nullable]
    absent = [name for name in required if rows[name].null_count()]
    if absent:
        is_absent = pl.any_horizontal(pl.col(name).is_null() for name in absent)
        yield "unreadable_cell", is_absent & _listed(rows, cells)
        yield "missing_value", is_absent
    for name in required:
        if rows[name].dtype == pl.Float64 and not rows[name].is_finite().all():
            yield "non_finite", pl.col(name).is_finite().not_()
    for name in required:
        least = rows[name].min() if columns[name].dtype == pl.Float64 else None
        if getattr(columns[name], "min_exclusive", None) == 0.0 and _at_most_zero(least):
            yield _NAMED.get((table, name), "not_positive"), pl.col(name) <= 0.0
    if "at" in columns:
        bounds = rows.select(pl.col("at").min().alias("min"), pl.col("at").max().alias("max"))
        earliest, latest = bounds.row(0)
        limit = clock + TOLERATED_FUTURE
        if earliest is not None and (earliest < FIRST_TIME or latest > limit):
            yield BAD_TIME, ~pl.col("at").is_between(FIRST_TIME, limit)


def are_timely(facts_of: Callable[[str], TableFacts], clock: datetime) -> bool:
    """Whether cleaned tables hold and refused the same by this clock: no time lies in its future."""
    if BAD_TIME in facts_of("quarantine").names.get("reason", ()):
        return False
    last = [facts_of(name).last for name in TABLES if name != "quarantine"]
    return all(at is None or at <= clock + TOLERATED_FUTURE for at in last)


def _at_most_zero(value: object) -> bool:
    return isinstance(value, float) and value <= 0.0


def _listed(rows: pl.DataFrame, cells: pl.DataFrame) -> pl.Expr:
    """Rows with a cell in `cells`; a table without row numbers has none."""
    if cells.is_empty() or "row" not in rows.columns:
        return pl.lit(value=False)
    where = cells.select("source", "row").unique().with_columns(pl.lit(value=True).alias("listed"))
    joined = rows.select("source", "row").join(where, on=["source", "row"], how="left", maintain_order="left")
    return pl.lit(joined["listed"].fill_null(value=False))


def _without_nan(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with null where a nullable number is not finite."""
    nullable = [
        name
        for name, column in columns_of(table).items()
        if column.nullable and rows[name].dtype == pl.Float64
    ]
    odd = [name for name in nullable if rows[name].is_finite().all() is False]
    if not odd:
        return rows
    return rows.with_columns(pl.when(pl.col(name).is_finite()).then(name).alias(name) for name in odd)


def quarantined(
    table: str, refused: pl.DataFrame, *, unreadable: pl.DataFrame, prices: pl.DataFrame
) -> pl.DataFrame:
    """`refused` rows in the shape of the table ``quarantine``.

    Parameters
    ----------
    table
        Table they belong to.
    refused
        Rows with their ``reason``.
    unreadable
        Cells no source could read; their text joins the content of the row.
    prices
        ``order_id, order_price_quote``: what one base was worth to the order of a refused fill.
    """
    if refused.is_empty():
        return empty("quarantine")
    texts = (
        unreadable.filter(pl.col("table") == table)
        .group_by("source", "row", maintain_order=True)
        .agg(pl.format("{} = {}", "column", "value").str.join("; ").alias("unreadable"))
    )
    if "row" not in refused.columns:
        refused = refused.with_columns(pl.lit(0, dtype=pl.Int64).alias("row"))
    rows = refused.join(texts, on=["source", "row"], how="left", maintain_order="left")
    content = pl.struct(pl.exclude("reason")).struct.json_encode().alias("content")
    rows = rows.with_columns(content, pl.lit(table).alias("table"), _worth(refused, prices))
    return rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in dtypes_of("quarantine").items()
    )


def _worth(refused: pl.DataFrame, prices: pl.DataFrame) -> pl.Series:
    """Value of the refused rows in quote: their own price where it is one, else their order's."""
    if not {"order_id", "price_quote", "amount_base"} <= set(refused.columns):
        return pl.Series("notional_quote", [None] * refused.height, dtype=pl.Float64)
    own = pl.col("price_quote")
    price = pl.when(own.is_finite() & (own > 0.0)).then(own).otherwise("order_price_quote")
    worth = price * pl.col("amount_base")
    joined = refused.join(prices, on="order_id", how="left", maintain_order="left")
    return joined.select(
        pl.when(worth.is_finite() & (worth > 0.0)).then(worth).alias("notional_quote")
    ).to_series()


def order_prices(fills: pl.DataFrame, orders: pl.DataFrame, refused: pl.DataFrame) -> pl.DataFrame:
    """Average fill price, or else limit price, of the orders of `refused` fills.

    Columns ``order_id, order_price_quote``, an order a row; orders without any price are absent.
    """
    wanted = refused.select("order_id").unique()
    price, amount = pl.col("price_quote"), pl.col("amount_base")
    average = (
        fills.join(wanted, on="order_id", how="semi")
        .group_by("order_id")
        .agg(((price * amount).sum() / amount.sum()).alias("order_price_quote"))
    )
    limit = orders.join(wanted, on="order_id", how="semi").select(
        "order_id", price.alias("order_price_quote")
    )
    priced = pl.concat([average, limit]).filter(pl.col("order_price_quote") > 0.0)
    return priced.unique(subset="order_id", keep="first", maintain_order=True)
