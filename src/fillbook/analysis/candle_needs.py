"""Which candles would help to answer for some bots: of their markets, and of the tokens they paid fees in."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from fillbook.sources.hummingbot import canonical_token, venue_of

DAY = timedelta(days=1)
_SCHEMA: dict[str, pl.DataType] = {
    "connector": pl.String(), "pair": pl.String(), "start": pl.Datetime("us", "UTC"),
    "end": pl.Datetime("us", "UTC"), "purpose": pl.String(),
}  # fmt: skip


def candle_needs(fills: pl.DataFrame, *, before: timedelta = DAY, after: timedelta = DAY) -> pl.DataFrame:
    """Markets and periods whose candles would help, the busiest first.

    Parameters
    ----------
    fills
        Canonical fills.
    before, after
        How long before the first and after the last fill of a market.

    Returns
    -------
    polars.DataFrame
        ``connector, pair, start, end, purpose``, a row a market: ``traded`` where a bot traded it, or
        ``fee token`` where one paid fees in its base and nothing else prices it. A paper trade sees the
        market of the real venue.
    """
    traded = fills.select("connector", "pair", "base", "quote", "at", "fee_token")
    if traded.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    named = traded.with_columns(pl.col("connector", "pair", "base", "quote", "fee_token").cast(pl.String))
    own = _spans(named.select("connector", "pair", "at"), "traded")
    paid = named.filter(pl.col("fee_token").is_not_null())
    paid = paid.filter(
        ~pl.Series(map(_is_own, paid["fee_token"], paid["base"], paid["quote"]), dtype=pl.Boolean)
    )
    fees = _spans(
        paid.select(
            pl.col("connector").str.strip_suffix("_perpetual"),
            pair=pl.concat_str("fee_token", "quote", separator="-"), at="at",
        ),
        "fee token",
    )  # fmt: skip
    found = pl.concat([own, fees]).unique(["connector", "pair"], keep="first", maintain_order=True)
    return found.select(
        "connector", "pair", start=pl.col("start") - before, end=pl.col("end") + after, purpose="purpose"
    )  # fmt: skip


def _is_own(token: str, base: str, quote: str) -> bool:
    """Whether a fee's token is one of the pair's, so that the fill itself prices it."""
    return canonical_token(token) in (canonical_token(base), canonical_token(quote))


def _spans(rows: pl.DataFrame, purpose: str) -> pl.DataFrame:
    """First and last moment of each market, the busiest first."""
    venues = {name: venue_of(name) for name in rows["connector"].unique()}
    return (
        rows.with_columns(pl.col("connector").replace(venues))
        .group_by("connector", "pair", maintain_order=True)
        .agg(start=pl.col("at").min(), end=pl.col("at").max(), n=pl.len())
        .sort("n", "connector", "pair", descending=[True, False, False])
        .select("connector", "pair", "start", "end", purpose=pl.lit(purpose))
    )
