"""The mid a market maker saw, from the bid and the ask it placed at one tick.

With the same spread on both sides the mid is their mean; where the controller's configuration states
two different ones, they are taken out first. Ticks with more orders on one side than on the other say
nothing: a missing level would shift the mean.
"""

from __future__ import annotations

import json

import numpy as np
import polars as pl

from fillbook.analysis.ticks import Ticks, limits, sides
from fillbook.schema.tables import dtypes_of

_AGREES = 0.1  # of the quoted spread: two mids of one tick further apart come from other spreads
_LIMITS = pl.Series(["LIMIT", "LIMIT_MAKER"], dtype=pl.Categorical)
SCHEMA: dict[str, pl.DataType] = {
    "connector": dtypes_of("orders")["connector"], "pair": dtypes_of("orders")["pair"],
    "at": dtypes_of("orders")["at"], "mid_quote": pl.Float64(), "spread_fraction": pl.Float64(),
    "is_known": pl.Boolean(),
}  # fmt: skip


def own_quotes(orders: pl.DataFrame, controllers: pl.DataFrame, ticks: Ticks | None = None) -> pl.DataFrame:
    """Mids behind the bot's own two-sided quotes, a row a tick and market, by time.

    Parameters
    ----------
    orders
        Canonical orders.
    controllers
        Canonical controllers: ``buy_spreads`` and ``sell_spreads`` of their configuration are used where
        they explain both prices.
    ticks
        The orders by tick, where they are sorted already.

    Returns
    -------
    pl.DataFrame
        ``connector, pair, at, mid_quote, spread_fraction`` (quoted, of the mid) and ``is_known``: whether
        the spreads are configured; else they are assumed to be symmetric.
    """
    found, side, price = ticks or Ticks.of(orders), sides(orders), limits(orders)
    is_limit = orders["order_type"].is_in(_LIMITS.implode()).to_numpy()
    side = np.where(is_limit & (price > 0.0), side, 0).astype(np.int8)  # of what is no quote: none
    bid, ask, balance = found.quotes(side, price)
    good = np.flatnonzero((balance == 0) & np.isfinite(bid) & np.isfinite(ask) & (bid < ask))
    if good.size == 0:
        return pl.DataFrame(schema=SCHEMA)
    first = found.order[found.start[good]]
    quoted = orders.select("bot", "connector", "pair", "controller_id", "at")[first].with_columns(
        bid=pl.Series(bid[good]), ask=pl.Series(ask[good])
    )  # fmt: skip
    spreads = _configured(controllers)
    known = quoted.join(spreads, on=["bot", "controller_id"], how="left", maintain_order="left")
    low = pl.col("bid") / (1.0 - pl.col("buy_spread"))
    high = pl.col("ask") / (1.0 + pl.col("sell_spread"))
    agrees = (low - high).abs() <= _AGREES * (pl.col("ask") - pl.col("bid"))
    is_known = agrees.fill_null(value=False)
    mean = (pl.col("bid") + pl.col("ask")) / 2.0
    mids = known.with_columns(
        is_known=is_known, mid_quote=pl.when(is_known).then((low + high) / 2.0).otherwise(mean)
    ).with_columns(spread_fraction=(pl.col("ask") - pl.col("bid")) / pl.col("mid_quote"))
    is_alone = quoted["bot"].n_unique() == 1 and quoted["controller_id"].n_unique() == 1
    one = mids if is_alone else mids.group_by("connector", "pair", "at").agg(
        pl.col("mid_quote").median(), pl.col("spread_fraction").min(), pl.col("is_known").all()
    )  # fmt: skip
    return one.sort("at", "connector", "pair").select(*SCHEMA)


def _configured(controllers: pl.DataFrame) -> pl.DataFrame:
    """First spread on each side of every controller that states them, the last configuration of each."""
    rows = []
    for bot, controller_id, config in controllers.sort("at").select("bot", "controller_id", "config").rows():
        buy, sell = _spreads(config)
        if buy is not None and sell is not None:
            rows.append((bot, controller_id, buy, sell))
    dtypes = dtypes_of("orders")
    schema: dict[str, pl.DataType] = {
        "bot": dtypes["bot"], "controller_id": dtypes["controller_id"], "buy_spread": pl.Float64(),
        "sell_spread": pl.Float64(),
    }  # fmt: skip
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.unique(["bot", "controller_id"], keep="last", maintain_order=True)


def _spreads(config: str | None) -> tuple[float | None, float | None]:
    """Innermost buy and sell spread of a configuration, null where it states none."""
    try:
        held = json.loads(config or "")
        first = [held[name] for name in ("buy_spreads", "sell_spreads")]
        buy, sell = (min(map(float, v.split(",") if isinstance(v, str) else v)) for v in first)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None, None
    return buy, sell
