"""Own volume beside the market's, and how long quotes stood (DEFINITIONS C12, C14)."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fillbook.analysis.kernels import NEVER
from fillbook.analysis.market_volume import market_volumes, volume_of
from fillbook.analysis.markets import by_market
from fillbook.analysis.view import View
from fillbook.arrays import Codes, Ints
from fillbook.ledger.codes import label_codes
from fillbook.metrics.timing import uptime
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.sources.hummingbot import is_paper

US = 1e6


def market_shares(data: PerformanceDataSource, seen: View, fills: pl.DataFrame) -> pl.DataFrame:
    """A row a market with fills.

    Returns
    -------
    pl.DataFrame
        ``connector, pair, quote, n, own_base, maker_base`` (while candles cover), ``market_base`` over
        the same time, ``participation``, ``active_participation`` (of the candles that hold own fills),
        ``n_exceeded`` (candles in which own volume exceeds the market's), ``coverage`` of the own volume by
        candles, ``price_quote`` (own average), ``worth_quote`` (all own volume), ``rate``, and
        ``status``: ``ok``, ``inconsistent``, ``hypothetical`` (paper trade) or ``no_candles``.
    """
    volumes = market_volumes(data.candles)
    at = fills["at"].dt.timestamp("us").to_numpy() / US
    base, price = fills["amount_base"].to_numpy(), fills["price_quote"].to_numpy()
    maker = (fills["liquidity"] == "maker").to_numpy()
    start, end = seen.start_us / US, seen.ledger.end_us / US
    rows = []
    for connector, pair, mine in by_market(fills):
        market = volume_of(volumes, connector, pair)
        row = {
            "connector": connector, "pair": pair, "quote": str(fills["quote"][int(mine[0])]), "n": mine.size,
            "price_quote": float((base[mine] * price[mine]).sum() / base[mine].sum()),
            "worth_quote": float((base[mine] * price[mine]).sum()),
            "rate": float(fills["rate"][int(mine[0])]), "status": "no_candles",
        }  # fmt: skip
        if market is not None:
            exceeded, candle = market.exceeded(at[mine], base[mine])
            inside = candle >= 0
            own = float(base[mine][inside].sum())
            traded = float(market.volume.between(np.array([start]), np.array([end]))[0])
            active = float(market.volume.amount[np.unique(candle[inside])].sum())
            status = "hypothetical" if is_paper(connector) else "ok"
            row |= {
                "own_base": own, "maker_base": float(base[mine][inside & maker[mine]].sum()),
                "market_base": traded, "n_exceeded": exceeded, "coverage": own / float(base[mine].sum()),
                "participation": own / traded if traded > 0.0 else None,
                "active_participation": own / active if active > 0.0 else None,
                "status": "inconsistent" if exceeded else status if inside.any() else "no_candles",
            }  # fmt: skip
        rows.append(row)
    numbers = (
        "own_base", "maker_base", "market_base", "participation", "active_participation", "coverage",
        "price_quote", "worth_quote", "rate",
    )  # fmt: skip
    schema = {
        "connector": pl.String, "pair": pl.String, "quote": pl.String, "n": pl.Int64, "n_exceeded": pl.Int64,
        **dict.fromkeys(numbers, pl.Float64), "status": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def uptimes(seen: View, orders: pl.DataFrame, traded: pl.DataFrame, fills: pl.DataFrame) -> pl.DataFrame:
    """A row a bot and market with limit orders: seconds with a live bid, ask, and both.

    The window of a bot begins with its first order and ends with the last that is known of its orders and
    fills; an order nobody closed counts until then.

    Returns
    -------
    pl.DataFrame
        ``bot, connector, pair, bid_s, ask_s, both_s, window_s``, shares ``bid, ask, both`` of the window, and
        ``n`` orders.
    """
    names = ("bot", "connector", "pair")
    is_limit = ~pl.col("order_is_market") & pl.col("side").is_not_null() & pl.col("live_s").is_not_null()
    is_quote = orders.select(is_limit).to_series().to_numpy()
    code, first = label_codes([orders[name] for name in names])
    markets = orders.select(names)[first].select(pl.col(names).cast(pl.String)).rows()
    place = {
        market: np.flatnonzero((code == i) & is_quote).astype(np.uint32) for i, market in enumerate(markets)
    }
    lives = {market: _lives(orders, mine) for market, mine in place.items() if mine.size}
    known = _last_known(orders, traded, fills)
    end_us, window = seen.ledger.end_us, dict[str, tuple[int, int]]()
    for (bot, _, _), (_, start, end) in lives.items():
        np.minimum(np.where(end == NEVER, known[bot], end), end_us, out=end)
        low, high = window.get(bot, (NEVER, 0))
        window[bot] = min(low, int(start.min())), max(high, int(end.max()))
    rows = []
    for market, (side, start, end) in lives.items():
        low, high = window[market[0]]
        up = uptime(side, (start - low) / US, (end - low) / US, (0.0, (high - low) / US))
        rows.append((*market, up.bid_s, up.ask_s, up.both_s, up.window_s, side.size))
    columns = (*names, "bid_s", "ask_s", "both_s", "window_s", "n")
    types = (*[pl.String] * 3, *[pl.Float64] * 4, pl.Int64)
    frame = pl.DataFrame(rows, schema=dict(zip(columns, types, strict=True)), orient="row")
    positive = pl.when(pl.col("window_s") > 0.0).then(pl.col("window_s"))
    return frame.with_columns((pl.col(f"{s}_s") / positive).alias(s) for s in ("bid", "ask", "both"))


def _lives(orders: pl.DataFrame, rows: NDArray[np.uint32]) -> tuple[Codes, Ints, Ints]:
    """Side, creation and end of some orders, µs UTC; `NEVER` where nobody closed it."""
    asked = orders.select("side", "created_at", "ended_at")[rows]
    start, end = (asked[name].dt.timestamp("us").fill_null(NEVER) for name in ("created_at", "ended_at"))
    return asked["side"].to_numpy(), start.to_numpy(), end.to_numpy(writable=True)


def _last_known(orders: pl.DataFrame, traded: pl.DataFrame, fills: pl.DataFrame) -> dict[str, int]:
    """Last moment that is known of each bot's orders and fills, µs UTC."""
    moments = [
        rows.group_by("bot").agg(pl.col(name).max().dt.timestamp("us").alias("at"))
        for rows, name in (
            (orders, "created_at"), (traded, "last_fill_at"), (orders, "ended_at"), (fills, "at"),
        )
    ]  # fmt: skip
    latest = pl.concat(moments).group_by(pl.col("bot").cast(pl.String)).agg(pl.col("at").max())
    return dict(latest.rows())
