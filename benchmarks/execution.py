"""All execution answers of n fills, 5 n orders and 10 n quotes: seconds and peak memory, as JSON.

``python benchmarks/execution.py ours|floor|pandas N``; each way in a process of its own. The tables are made
in memory, as opening a database would leave them.
"""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fillbook  # noqa: F401  (before NumPy and Polars, whose memory it settles)

# isort: split
import numpy as np
import polars as pl
from measure import peak, timed

from fillbook.analysis.execution import execution
from fillbook.growing import Told
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.schema.tables import TABLES, dtypes_of, empty
from fillbook.testing.tables import table

START_US = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1e6)
PAIRS = ("BTC-USDT", "ETH-USDT", "SOL-USDT", "DOGE-USDT")
HORIZONS_S = (0, 1, 5, 10, 30, 60, 300, 900, 1_800, 3_600)
EVERY_US = 2_000_000  # a tick of quoting


def frame(name: str, n: int, columns: dict[str, Any], same: dict[str, str] | None = None) -> pl.DataFrame:
    """Canonical table of n rows: the columns given, one value of others, plain defaults for the rest."""
    one = table(name, **(same or {}))
    given = {key: pl.Series(key, values) for key, values in columns.items()}
    rest = [one[key].new_from_index(0, n) for key in dtypes_of(name) if key not in given]
    return pl.DataFrame([*given.values(), *rest]).select(
        pl.col(key).cast(dtype) for key, dtype in dtypes_of(name).items()
    )


def at(us: np.ndarray) -> pl.Series:
    """UTC times of microseconds."""
    return pl.Series(us).cast(pl.Datetime("us", "UTC"))


def made(n: int) -> PerformanceDataSource:
    """A maker that quotes four pairs in turn, both sides at once; one order in five fills whole."""
    rng = np.random.default_rng(0)
    n_orders, n_quotes = 5 * n, 10 * n
    number = pl.int_range(n_orders, eager=True)
    tick = number.to_numpy() // 2
    created = START_US + tick * EVERY_US
    is_buy = number % 2 == 0
    side = np.where(is_buy.to_numpy(), 1, -1).astype(np.int8)
    pair = pl.Series(PAIRS).cast(pl.Categorical).gather(pl.Series(tick % len(PAIRS)))
    mid = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 1e-5, n_quotes)))
    quoted_us = START_US + np.arange(n_quotes) * (EVERY_US * n_orders // 2 // n_quotes)
    seen = mid[np.minimum(np.searchsorted(quoted_us, created), n_quotes - 1)]
    price = np.round(seen * (1.0 - side * 0.001), 6)
    letter = pl.when(is_buy).then(pl.lit("B")).otherwise(pl.lit("S"))
    ids = pl.select(pl.format("x-MG43PCSN{}BTUT60b402f5250005d1a{}", letter, number)).to_series()
    filled = pl.Series(np.flatnonzero(number.to_numpy() % 5 == 0))
    ended = created + 8_000_000
    done = (
        pl.when(number % 5 != 0).then(pl.lit("OrderCancelled")).when(is_buy)
        .then(pl.lit("BuyOrderCompleted")).otherwise(pl.lit("SellOrderCompleted")).cast(pl.Categorical)
    )  # fmt: skip
    begun = pl.when(is_buy).then(pl.lit("BuyOrderCreated")).otherwise(pl.lit("SellOrderCreated"))
    last, first = pl.select(done).to_series(), pl.select(begun.cast(pl.Categorical)).to_series()
    kind = {"order_type": "LIMIT_MAKER"}
    orders = frame("orders", n_orders, {
        "order_id": ids, "pair": pair, "side": side, "at": at(created), "price_quote": price,
        "last_status": last, "updated_at": at(ended), "row": number,
    }, kind)  # fmt: skip
    rows = filled.to_numpy()
    fills = frame("fills", rows.size, {
        "pair": pair.gather(filled), "order_id": ids.gather(filled), "side": side[rows],
        "at": at(created[rows] + 3_000_000), "price_quote": price[rows], "row": filled,
    }, kind)  # fmt: skip
    events = frame("order_events", 2 * n_orders, {
        "order_id": pl.concat([ids, ids]), "at": at(np.concatenate([created, ended])),
        "status": pl.concat([first, last]), "row": pl.int_range(2 * n_orders, eager=True),
    })  # fmt: skip
    quotes = frame("quotes", n_quotes, {
        "pair": pl.Series(PAIRS).cast(pl.Categorical).gather(pl.Series(np.arange(n_quotes) % len(PAIRS))),
        "at": at(quoted_us), "mid_quote": mid, "bid_quote": mid * 0.9999, "ask_quote": mid * 1.0001,
    }, {"kind": "quote_file"})  # fmt: skip
    tables = {"orders": orders, "fills": fills, "order_events": events, "quotes": quotes}
    whole = {name: tables.get(name, empty(name)) for name in TABLES}
    return PerformanceDataSource(whole, Told(), "", datetime.now(UTC))


def floor(data: PerformanceDataSource) -> object:
    """The look-ups alone: every fill in its market's quotes, at every horizon."""
    found = []
    for name in PAIRS:
        quotes, fills = (rows.filter(pl.col("pair") == name) for rows in (data.quotes, data.fills))
        when, mids = (quotes[c].to_numpy() for c in ("at", "mid_quote"))
        for horizon in HORIZONS_S:
            asked = fills["at"].to_numpy() + np.timedelta64(horizon, "s")
            found.append(mids[np.maximum(np.searchsorted(when, asked, side="right") - 1, 0)])
    return found


def pandas_way(data: PerformanceDataSource) -> object:
    """What a script does: `merge_asof` for the mid before and one markout, and a fill rate by status."""
    import pandas as pd

    fills = data.fills.select("at", "pair", "side", "price_quote", "order_id").to_pandas().sort_values("at")
    quotes = data.quotes.select("at", "pair", "mid_quote").to_pandas().sort_values("at")
    fills["pair"], quotes["pair"] = fills["pair"].astype(str), quotes["pair"].astype(str)
    before = pd.merge_asof(fills, quotes, on="at", by="pair", allow_exact_matches=False)
    later = fills.assign(at=fills["at"] + pd.Timedelta(seconds=60))
    after = pd.merge_asof(later, quotes, on="at", by="pair")
    edge = (before["side"] * (before["mid_quote"] - before["price_quote"])).sum()
    markout = (after["side"] * (after["mid_quote"] - after["price_quote"])).sum()
    orders = data.orders.select("order_id", "amount_base").to_pandas()
    filled = fills.groupby("order_id").size()
    return edge, markout, orders["order_id"].isin(filled.index).mean()


def now_held() -> int:
    """Memory this process holds now, bytes."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Measure one way."""
    way, n = sys.argv[1], int(sys.argv[2])
    ways = {"ours": execution, "floor": floor, "pandas": pandas_way}
    execution(made(200))  # load what a first answer loads
    data = made(n)
    held = now_held()
    seconds, answer = timed(lambda: ways[way](data))
    said = {"seconds": seconds, "peak_bytes": peak(), "held_bytes": held}
    if way == "ours":
        earned = answer.metrics["spread_earned"]  # type: ignore[attr-defined]
        said["coverage"] = earned.coverage
    print(json.dumps(said))


if __name__ == "__main__":
    main()
