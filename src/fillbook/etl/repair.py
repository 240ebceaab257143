"""Truncated values of a database restored from a more exact file of the same bot.

Hummingbot stores ``int(value * 1e6)``: the true value lies in ``[v, v + 1e-6)``. A value of a more
exact file that lies there is the true one; any other contradicts the database and stays out.
"""

from __future__ import annotations

import polars as pl

_NOISE = 1e-12  # relative: exports carry 2321.8499999999999 for 2321.85

# What a restored row takes over, beside its quantum.
RESTORED = (
    "price_quote",
    "amount_base",
    "fee_quote_recorded",
    "fee_percent",
    "fee_token",
    "fee_amount",
)


def agrees() -> pl.Expr:
    """Whether a row says what the first row of its key says (columns ``…_first``).

    Side and time must be equal, price and amount the same once the coarser of the two is
    truncated; fees the same where both rows carry them. What one row lacks cannot contradict.
    """
    parts = [
        (pl.col("side") == pl.col("side_first")).fill_null(value=True),
        (pl.col("at") == pl.col("at_first")).fill_null(value=True),
        _within("price_quote"),
        _within("amount_base"),
        (pl.col("fee_token") == pl.col("fee_token_first")).fill_null(value=True),
        _same("fee_percent"),
        _same("fee_amount"),
    ]
    return pl.all_horizontal(parts)


def _known(column: str, suffix: str) -> pl.Expr:
    """The value, null where it says nothing: not finite, or zero though it was not truncated."""
    value = pl.col(f"{column}{suffix}")
    is_truncated = pl.col(f"quantum{suffix}") > 0.0
    says = value.is_finite() & ((value > 0.0) | ((value == 0.0) & is_truncated))
    return pl.when(says).then(value)


def _within(column: str) -> pl.Expr:
    """Whether both values can come from one true value, each truncated to its own quantum."""
    value, first = _known(column, ""), _known(column, "_first")
    quantum, quantum_first = pl.col("quantum"), pl.col("quantum_first")
    noise = _NOISE * first.abs()
    difference = value - first
    equal = difference.abs() <= noise
    above = (difference >= -noise) & (difference < quantum_first + noise)
    below = (difference <= noise) & (-difference < quantum + noise)
    fits = (
        pl.when(quantum < quantum_first)
        .then(above)
        .when(quantum > quantum_first)
        .then(below)
        .otherwise(equal)
    )
    return fits.fill_null(value=True)


def _same(column: str) -> pl.Expr:
    value, first = pl.col(column), pl.col(f"{column}_first")
    return ((value - first).abs() <= 1e-9 * first.abs()).fill_null(value=True)


def restorations(later: pl.DataFrame) -> pl.DataFrame:
    """New values for first rows that a later, agreeing row of another file knows better.

    Parameters
    ----------
    later
        Repeating rows beside their first row (columns ``…_first``).

    Returns
    -------
    pl.DataFrame
        ``position``, ``source`` of the first row, ``donor_source`` and ``donor_position``, the new
        values (`RESTORED` and ``quantum``), and ``is_changed``: whether price, amount or a fee
        became another number.
    """
    is_finer = pl.col("quantum") < pl.col("quantum_first")
    fills_gap = pl.any_horizontal(
        _known(name, "_first").is_null() & _known(name, "").is_not_null()
        for name in ("price_quote", "amount_base")
    )
    brings_fee = pl.any_horizontal(
        pl.col(f"{name}_first").is_null() & pl.col(name).is_not_null()
        for name in ("fee_percent", "fee_amount", "fee_quote_recorded")
    )
    donors = (
        later.filter((pl.col("source") != pl.col("source_first")) & (is_finer | fills_gap | brings_fee))
        .sort("quantum", maintain_order=True)
        .unique(subset="position_first", keep="first", maintain_order=True)
    )
    new = {name: _better(name, is_finer) for name in ("price_quote", "amount_base")}
    recorded = pl.col("fee_quote_recorded")
    fits = is_finer & (recorded - pl.col("fee_quote_recorded_first")).is_between(
        -1e-6 * (1 + 1e-9), 1e-6 * (1 + 1e-9)
    )
    new["fee_quote_recorded"] = (
        pl.when(fits).then(recorded).otherwise(pl.coalesce("fee_quote_recorded_first", recorded))
    )
    has_fee = pl.col("fee_percent_first").is_not_null() | pl.col("fee_amount_first").is_not_null()
    for name in ("fee_percent", "fee_token", "fee_amount"):
        new[name] = pl.when(has_fee).then(f"{name}_first").otherwise(name)
    changed = pl.any_horizontal(cell.ne_missing(pl.col(f"{name}_first")) for name, cell in new.items())
    return donors.select(
        pl.col("position_first").alias("position"),
        pl.col("source_first").alias("source"),
        pl.col("source").alias("donor_source"),
        pl.col("position").alias("donor_position"),
        *(cell.alias(name) for name, cell in new.items()),
        pl.when(is_finer)
        .then("quantum")
        .otherwise(pl.max_horizontal("quantum", "quantum_first"))
        .alias("quantum"),
        changed.alias("is_changed"),
        (~has_fee).alias("takes_flat_fees"),
    )


def _better(column: str, is_finer: pl.Expr) -> pl.Expr:
    """Value of the finer row, or of the one that has any."""
    value, first = _known(column, ""), _known(column, "_first")
    return (
        pl.when(is_finer & value.is_not_null())
        .then(value)
        .otherwise(pl.coalesce(first, value, pl.col(f"{column}_first")))
    )


def repaired(fills: pl.DataFrame, restored: pl.DataFrame) -> pl.DataFrame:
    """`fills` with the values of `restored` at their positions."""
    if restored.is_empty():
        return fills
    index = restored["position"]
    columns = []
    for name in (*RESTORED, "quantum"):
        if fills[name].dtype == pl.Categorical:
            new = restored.select("position", pl.col(name))
            columns.append(_scattered(fills, name, new))
        else:
            columns.append(fills[name].clone().scatter(index, restored[name]))
    return fills.with_columns(columns)


def _scattered(fills: pl.DataFrame, name: str, new: pl.DataFrame) -> pl.Series:
    positions = fills.select(name).with_row_index("position")
    joined = positions.join(new, on="position", how="left", suffix="_new", maintain_order="left")
    is_new = pl.col("position").is_in(new["position"].implode())
    return joined.select(pl.when(is_new).then(f"{name}_new").otherwise(name).alias(name)).to_series()
