"""What a reader of the execution must know: each with a number, an effect and a way on."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from fillbook.findings import Finding, Severity
from fillbook.units import counted

_ENTIRE = 1e-9
_OLD_S = 1.0


def execution_findings(
    fills: pl.DataFrame, traded: pl.DataFrame, markets: pl.DataFrame, *, links_omit_cancelled: bool
) -> list[Finding]:
    """Findings of the fills, the orders with a fill and the markets of an execution answer."""
    found = [*_of_fills(fills), *_of_orders(traded), *_of_markets(markets)]
    if links_omit_cancelled:
        found.append(Finding(
            "orders", "links_omit_cancelled", Severity.INFO,
            "executors name only those of their orders that filled",
            effect="fill rates stand by rank of the quote, not by level or controller: of those only the "
            "orders that filled are known",
        ))  # fmt: skip
    return found


def _of_fills(fills: pl.DataFrame) -> list[Finding]:
    found = list(_of_mids(fills))
    n = int(fills["is_crossed"].sum())
    found += [] if not n else [Finding(
        "quotes", "crossed_before_fill", Severity.WARNING,
        f"the quote just before {counted(n, 'fill')} has its bid above its ask", n_rows=n,
        effect="these fills have no mid from it", remedy="look at the quote source",
    )]  # fmt: skip
    return found


def _of_mids(fills: pl.DataFrame) -> Iterator[Finding]:
    """How far the mids before the fills can be trusted."""
    has_mid = pl.col("mid_quote").is_not_nan()
    known = fills.lazy().filter(has_mid).select("mid_from", "liquidity", "mid_age_s").collect()
    own = int((known["mid_from"] == "own_quotes").sum())
    if own:
        yield Finding(
            "quotes", "own_quote_mids", Severity.INFO,
            f"the mid before {counted(own, 'fill')} is that of the bot's own quotes, a bid and an ask of one "
            "tick, taken as symmetric unless the configuration states the spreads",
            n_rows=own,
            effect="it is the mid the bot saw when it quoted: the edge of a fill is what it asked for",
            remedy="open a quote file of the market beside the bot's database",
        )  # fmt: skip
    age = known.filter(pl.col("liquidity") != "taker")["mid_age_s"]
    if age.len() and float(age.quantile(0.5) or 0.0) >= _OLD_S:
        yield Finding(
            "quotes", "mids_of_before", Severity.INFO,
            f"half of the mids before resting fills are {age.quantile(0.5):.2g} s old or older",
            n_rows=age.len(),
            effect="the market has moved towards a resting order by the time it fills: an older mid flatters "
            "the edge and makes the impact look worse; realised spreads and later markouts do not have it",
            remedy="record quotes more often, or lower the age a quote may have",
        )  # fmt: skip


def _of_orders(traded: pl.DataFrame) -> list[Finding]:
    """Orders whose life does not add up."""
    beyond = pl.col("overfill_base") > _ENTIRE * pl.col("amount_base")
    worse = pl.col("slippage_limit_bps") > _ENTIRE * 1e4
    rules = (
        ("late_fill", Severity.INFO, pl.col("is_late_fill"), "filled after their terminal event",
         "the fills count; the order's end stays where the bot saw it"),
        ("overfilled", Severity.INFO, beyond, "filled beyond their amount",
         "rates by quantity count no more than the order; the excess stands in the table"),
        ("fill_before_order", Severity.INFO, pl.col("is_fill_before_order"),
         "stamped filled before they were made",
         "their times are kept as they are, and negative"),
        ("filled_worse_than_limit", Severity.WARNING, worse & ~pl.col("order_is_market"),
         "filled at a price worse than their limit",
         "the data contradicts itself; slippage is shown as it is"),
    )  # fmt: skip
    found = []
    for rule, severity, which, what, effect in rules:
        n = int(traded.select(which.fill_null(value=False).sum()).item())
        if n:
            verb = "order was" if n == 1 else "orders were"
            text = (
                f"{n:,} {verb} {what}"
                if not what.startswith("completed")
                else f"{counted(n, 'order')} {what}"
            )
            found.append(Finding("orders", rule, severity, text, n_rows=n, effect=effect))
    return found


def _of_markets(markets: pl.DataFrame) -> list[Finding]:
    return [
        Finding(
            "candles", "own_exceeds_market", Severity.WARNING,
            f"in {counted(n, 'candle')} of {pair} on {connector} the bot traded more than the market",
            n_rows=n, effect="participation is inconsistent",
            remedy="the candles are of another exchange or pair, or the trades are simulated",
        )
        for connector, pair, n in markets.filter(pl.col("n_exceeded") > 0)
        .select("connector", "pair", "n_exceeded").rows()
    ]  # fmt: skip
