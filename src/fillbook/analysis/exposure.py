"""What was held: exposure through time, and what each asset earned for the money it tied up."""

from __future__ import annotations

import polars as pl

from fillbook.analysis.overview import Overview


def exposure(answer: Overview) -> pl.DataFrame:
    """``day, gross, net`` and one column an asset (signed), at the end of each UTC day.

    Parameters
    ----------
    answer
        What is shown. Values are in its currency; null where an open book had no mark.
    """
    held = _assets(answer)
    total = held.group_by("day", maintain_order=True).agg(
        gross=_sum(pl.col("value").abs()), net=_sum(pl.col("value"))
    )
    by_asset = held.group_by("day", "asset", maintain_order=True).agg(_sum(pl.col("value")))
    assets = by_asset.pivot("asset", index="day", values="value")
    return total.join(assets, on="day", how="left").sort("day")


def allocation(answer: Overview) -> pl.DataFrame:
    """``asset, exposure, share, net, share_net, per_exposure``: money tied up and what it earned.

    `exposure` is the mean over days of |value at the day's end|; `per_exposure` is net PnL over it, null
    where nothing was held at the end of any day. Null where an open position had no mark, and the shares
    then too. Sorted by exposure.
    """
    held = _assets(answer)
    rows = held.group_by("asset", maintain_order=True).agg(
        exposure=_sum(pl.col("value").abs()) / pl.col("day").n_unique(), net=_sum(pl.col("pnl"))
    )
    gross, moved = _sum(pl.col("exposure")), _sum(pl.col("net").abs())
    return rows.with_columns(
        share=pl.when(gross > 0.0).then(pl.col("exposure") / gross),
        share_net=pl.when(moved > 0.0).then(pl.col("net") / moved),
        per_exposure=pl.when(pl.col("exposure") > 0.0).then(pl.col("net") / pl.col("exposure")),
    ).sort("exposure", descending=True)


def _assets(answer: Overview) -> pl.DataFrame:
    base = answer.books.select("book", asset=pl.col("base").cast(pl.String))
    return answer.book_daily.join(base, on="book")


def _sum(values: pl.Expr) -> pl.Expr:
    """A sum that is unknown where a part is."""
    return pl.when(values.null_count() == 0).then(values.sum())
