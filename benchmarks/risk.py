"""The risk answer of k bots over n days: seconds and peak memory, as JSON.

``python benchmarks/risk.py ours|floor|pandas BOTS DAYS``; each way in a process of its own; processor seconds
of all threads are what a busy machine does not change much. The tables are
made in memory, as opening a database would leave them: every bot buys in the morning, sells at noon, holds
a little at the end; candles of a day each tell betas.
"""

import json
import sys
import time
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
from execution import at, frame
from measure import peak, timed

from fillbook.analysis.risk import Risk, risk
from fillbook.conventions import Conventions, RiskConventions
from fillbook.growing import Told
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.schema.tables import TABLES, empty

START_US = int(datetime(2023, 1, 1, tzinfo=UTC).timestamp() * 1e6)
DAY_US = 86_400_000_000
PAIRS = ("BTC-USDT", "ETH-USDT", "SOL-USDT", "DOGE-USDT")


def made(bots: int, days: int) -> PerformanceDataSource:
    """Bots with two fills a day, each on one of four pairs, and daily candles of those."""
    rng = np.random.default_rng(0)
    price = 100.0 * np.exp(np.cumsum(rng.standard_t(4, (len(PAIRS), days)) * 0.02, axis=1))
    bot = np.repeat(np.arange(bots), 2 * days)
    day = np.tile(np.repeat(np.arange(days), 2), bots)
    side = np.tile(np.array([1, -1], np.int8), bots * days)
    gain = rng.standard_t(4, (bots, days)) * 0.5 + 0.05
    cost = price[bot % len(PAIRS), day] + np.where(side < 0, gain[bot, day], 0.0)
    amount = np.where((day == days - 1) & (side < 0), 0.5, 1.0)
    when = START_US + day * DAY_US + np.where(side > 0, 6, 12) * 3_600_000_000
    order = np.argsort(when, kind="stable")
    names = pl.Series([f"bot{i:03d}" for i in range(bots)]).cast(pl.Categorical)
    pairs = pl.Series(PAIRS).cast(pl.Categorical)
    bases = pl.Series([pair.split("-")[0] for pair in PAIRS]).cast(pl.Categorical)
    fills = frame("fills", order.size, {
        "bot": names.gather(bot[order]), "pair": pairs.gather(bot[order] % len(PAIRS)),
        "base": bases.gather(bot[order] % len(PAIRS)), "side": side[order], "at": at(when[order]),
        "price_quote": cost[order], "amount_base": amount[order], "row": np.arange(order.size),
        "order_id": pl.int_range(order.size, eager=True).cast(pl.String),
        "trade_id": pl.int_range(order.size, eager=True).cast(pl.String),
    })  # fmt: skip
    candles = frame("candles", days * len(PAIRS), {
        "pair": pairs.gather(np.repeat(np.arange(len(PAIRS)), days)),
        "at": at(START_US + np.tile(np.arange(days), len(PAIRS)) * DAY_US), "close_quote": price.ravel(),
        "interval_s": np.full(days * len(PAIRS), 86_400.0),
    })  # fmt: skip
    tables = {"fills": fills, "candles": candles}
    whole = {name: tables.get(name, empty(name)) for name in TABLES}
    return PerformanceDataSource(whole, Told(), "", datetime.now(UTC))


def ours(data: PerformanceDataSource) -> Risk:
    """The whole answer."""
    return risk(data, None, Conventions(capital=100_000.0), RiskConventions(trials=1_000))


def daily(data: PerformanceDataSource) -> np.ndarray[Any, Any]:
    """Daily cash of every bot, shape (bots, days)."""
    moves = data.fills.select(
        "bot", day=pl.col("at").dt.date(),
        cash=-pl.col("side").cast(pl.Float64) * pl.col("price_quote") * pl.col("amount_base"),
    )  # fmt: skip
    sums = moves.group_by("day", "bot").agg(pl.col("cash").sum())
    table = sums.pivot("bot", index="day", values="cash").sort("day").drop("day")
    return table.fill_null(0.0).to_numpy().T


def floor(data: PerformanceDataSource) -> object:
    """The sums alone: days of every bot, their correlation, one VaR."""
    held = daily(data)
    whole = held.sum(axis=0)
    return np.corrcoef(held), np.quantile(whole, 0.05)


def pandas_way(data: PerformanceDataSource) -> object:
    """What a script does: a Sharpe ratio with a simple bootstrap in a loop, a rolling VaR, a correlation."""
    import pandas as pd

    held = pd.DataFrame(daily(data).T)
    whole = held.sum(axis=1)
    rng = np.random.default_rng(0)
    worlds = [whole.sample(frac=1.0, replace=True, random_state=rng) for _ in range(2_000)]
    ratios = [world.mean() / world.std() for world in worlds]
    return np.percentile(ratios, [2.5, 97.5]), whole.rolling(100).quantile(0.05), held.corr()


def main() -> None:
    """Measure one way."""
    way, bots, days = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    ways = {"ours": ours, "floor": floor, "pandas": pandas_way}
    ours(made(3, 150))  # load what a first answer loads
    data = made(bots, days)
    begun = time.process_time()
    seconds, answer = timed(lambda: ways[way](data))
    said: dict[str, object] = {
        "seconds": seconds, "processor_seconds": time.process_time() - begun, "fills": data.fills.height,
        "peak_bytes": peak(),
    }  # fmt: skip
    if isinstance(answer, Risk):
        said |= {"days": answer.daily.height, "again_seconds": timed(lambda: ways[way](data))[0]}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
