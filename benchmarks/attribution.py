"""Attribution of n fills in all dimensions: seconds booked or not, and peak memory, as JSON.

``python benchmarks/attribution.py ours|floor|pandas N``; each way in a process of its own. The tables are
made in memory, as opening a database would leave them: four pairs, n / 20 executors, 4 n quotes, candles.
"""

import json
import sys
import time
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
from execution import PAIRS, START_US, at, frame, now_held
from measure import peak, timed

from fillbook.analysis.attribution import attribution
from fillbook.analysis.view import view_of
from fillbook.growing import Told
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.schema.tables import TABLES, empty
from fillbook.testing.tables import table

FILL_US, HOUR_US = 3_000_000, 3_600_000_000
FILLS_OF_AN_EXECUTOR = 20
CLOSE_TYPES = ("TAKE_PROFIT", "STOP_LOSS", "TIME_LIMIT", "EARLY_STOP")


def names(kind: str, n: int) -> pl.Series:
    """Labels numbered from 0."""
    return pl.select(pl.format(kind + "{}", pl.int_range(n))).to_series().cast(pl.Categorical)


def made(n: int) -> PerformanceDataSource:
    """A maker that quotes four pairs in turn, both sides, for five controllers."""
    rng = np.random.default_rng(0)
    number = np.arange(n)
    when = START_US + number * FILL_US + 500_000
    quoted = START_US + np.arange(n) * FILL_US
    mid = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 3e-5, n)))
    side = np.where(rng.random(n) < 0.5, 1, -1).astype(np.int8)
    price = mid * (1.0 - side * 2e-4)
    executor = pl.Series(number // FILLS_OF_AN_EXECUTOR)
    n_executors = int(executor[-1]) + 1
    ids = names("e", n_executors)
    pairs = pl.Series(PAIRS).cast(pl.Categorical)
    controllers, closes = names("controller_", 5), pl.Series(CLOSE_TYPES).cast(pl.Categorical)
    fills = frame("fills", n, {
        "pair": pairs.gather(pl.Series(number % 4)), "side": side, "at": at(when), "price_quote": price,
        "amount_base": rng.uniform(0.1, 2.0, n), "row": pl.int_range(n, eager=True),
        "executor_id": ids.gather(executor), "controller_id": controllers.gather(executor % 5),
        "close_type": closes.gather(executor % 4),
        "order_id": pl.select(pl.format("o{}", pl.int_range(n))).to_series(),
        "fee_token": pl.Series(["USDT"]).cast(pl.Categorical).new_from_index(0, n),
        "fee_amount": price * 1e-4,
    }, {"order_type": "LIMIT_MAKER"})  # fmt: skip
    executors = frame("executors", n_executors, {
        "executor_id": ids.cast(pl.String),
        "level_id": pl.select(pl.format("buy_{}", pl.int_range(n_executors) % 3)).to_series(),
    })  # fmt: skip
    quotes = pl.concat([
        frame("quotes", n, {
            "pair": pl.Series([pair]).cast(pl.Categorical).new_from_index(0, n), "at": at(quoted),
            "mid_quote": mid,
        }, {"kind": "quote_file"})
        for pair in PAIRS
    ])  # fmt: skip
    tables = {"fills": fills, "executors": executors, "quotes": quotes, "candles": candles(n)}
    whole = {name: tables.get(name, empty(name)) for name in TABLES}
    return PerformanceDataSource(whole, Told(), "", datetime.now(UTC))


def candles(n: int) -> pl.DataFrame:
    """Hourly candles of every pair from a month before the fills."""
    hours = 24 * 35 + n * FILL_US // HOUR_US + 1
    rng = np.random.default_rng(1)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 3e-3, hours)))
    opened = np.concatenate([[100.0], close[:-1]])
    one: dict[str, Any] = {
        "interval_s": [3_600.0] * hours, "open_quote": opened.tolist(), "close_quote": close.tolist(),
        "at": [(i - 24 * 35) * 3_600.0 for i in range(hours)],
        "high_quote": (np.maximum(opened, close) * 1.001).tolist(),
        "low_quote": (np.minimum(opened, close) / 1.001).tolist(),
        "volume_base": rng.uniform(1.0, 9.0, hours).tolist(),
    }  # fmt: skip
    return pl.concat([table("candles", connector="binance", pair=pair, **one) for pair in PAIRS])


def floor(data: PerformanceDataSource) -> object:
    """The look-ups and one sum: every fill in its market's quotes, at once and a minute later."""
    found = []
    for name in PAIRS:
        quotes, fills = (rows.filter(pl.col("pair") == name) for rows in (data.quotes, data.fills))
        when, mids = (quotes[c].to_numpy() for c in ("at", "mid_quote"))
        for seconds in (0, 60):
            asked = fills["at"].to_numpy() + np.timedelta64(seconds, "s")
            found.append(mids[np.maximum(np.searchsorted(when, asked) - 1, 0)].sum())
    return found


def pandas_way(data: PerformanceDataSource) -> object:
    """What a script does: `merge_asof` for the mid, and a `groupby` a dimension."""
    import pandas as pd

    wanted = [
        "at",
        "pair",
        "side",
        "price_quote",
        "amount_base",
        "controller_id",
        "executor_id",
        "close_type",
    ]
    fills = data.fills.select(wanted).to_pandas().sort_values("at")
    quotes = data.quotes.select("at", "pair", "mid_quote").to_pandas().sort_values("at")
    fills["pair"], quotes["pair"] = fills["pair"].astype(str), quotes["pair"].astype(str)
    seen = pd.merge_asof(fills, quotes, on="at", by="pair", allow_exact_matches=False)
    signed, last = seen["side"] * seen["amount_base"], seen.groupby("pair")["price_quote"].transform("last")
    seen["spread"] = signed * (seen["mid_quote"] - seen["price_quote"])
    seen["inventory"] = signed * (last - seen["mid_quote"])
    seen["hour"], seen["weekday"] = seen["at"].dt.hour, seen["at"].dt.day_of_week
    by = ("controller_id", "executor_id", "close_type", "pair", "side", "hour", "weekday")
    return [seen.groupby(name, observed=True)[["spread", "inventory"]].sum() for name in by]


def main() -> None:
    """Measure one way."""
    way, n = sys.argv[1], int(sys.argv[2])
    ways = {"ours": attribution, "floor": floor, "pandas": pandas_way}
    attribution(made(2_000))  # load what a first answer loads
    data = made(n)
    held = now_held()
    said: dict[str, Any] = {"held_bytes": held}
    if way == "ours":
        begun = time.perf_counter()
        view_of(data)
        said["booking_seconds"] = time.perf_counter() - begun
    seconds, answer = timed(lambda: ways[way](data))
    said |= {"seconds": seconds, "peak_bytes": peak()}
    if way == "ours":
        again, _ = timed(lambda: attribution(data))
        said |= {"again_seconds": again, "coverage": answer.coverage, "net": answer.net}  # type: ignore[attr-defined]
    print(json.dumps(said))


if __name__ == "__main__":
    main()
