"""What deciding, waiting, crossing, missing and paying fees cost, all decisions of a view together."""

from __future__ import annotations

import polars as pl

from fillbook.analysis.execution import Execution
from fillbook.analysis.parents import PARTS

TOTAL = "total"
_SCHEMA = {
    "currency": pl.String, "part": pl.String, "value": pl.Float64, "n": pl.UInt32, "n_all": pl.UInt32,
}  # fmt: skip


def shortfall_sums(answer: Execution) -> pl.DataFrame:
    """Implementation shortfall by part, of the decisions of which every part is known.

    Returns
    -------
    pl.DataFrame
        ``currency, part, value, n, n_all``: the parts of `parents.PARTS` and their total, positive is a cost,
        of `n` decisions out of `n_all`. In the reporting currency; without one, a block for each quote.
    """
    parents = answer.parents
    if answer.currency is None:
        rated = parents.with_columns(currency=pl.col("quote").cast(pl.String), rate=pl.lit(1.0))
    else:
        rates = answer.fills.group_by(pl.col("quote").cast(pl.String)).agg(pl.col("rate").first())
        rated = parents.with_columns(pl.col("quote").cast(pl.String)).join(rates, on="quote", how="left")
        rated = rated.with_columns(currency=pl.lit(answer.currency))
    money = {part: f"{part}_quote" for part in (*PARTS, TOTAL)}
    known = pl.col("total_quote").is_not_null() & pl.col("rate").is_not_null()
    sums = rated.group_by("currency", maintain_order=True).agg(
        n=known.sum(), n_all=pl.len(),
        **{part: (pl.col(name) * pl.col("rate")).filter(known).sum() for part, name in money.items()},
    )  # fmt: skip
    long = sums.filter(pl.col("n") > 0).unpivot(
        [*PARTS, TOTAL], index=["currency", "n", "n_all"], variable_name="part"
    )
    return long.sort("currency", maintain_order=True).select(*_SCHEMA).cast(_SCHEMA)  # type: ignore[arg-type]
