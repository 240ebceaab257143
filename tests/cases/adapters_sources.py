"""Cases of the sources: what a bot's database means, read back from one."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cases.adapters_ledger import fees_of
from cases.registry import adapter
from fillbook.conventions import Conventions
from fillbook.etl.fill_checks import QUANTISED
from fillbook.ledger.fees import METHODS
from fillbook.metrics.execution import LATENCY_FLAGS, signal_to_fill
from fillbook.sources.hummingbot import decision_us, truncation_bound
from fillbook.sources.sqlite import HummingbotDatabase
from fillbook.testing.databases import create, insert

Case = Mapping[str, Any]


def _written(case: Case, path: Path) -> None:
    """The case's rows as stored integers, in tables a bot would have made."""
    raw, market = case["trade_fill_raw"], case["market_data_raw"]
    pair = {"market": "venue", "symbol": "ETH-USDC", "base_asset": "ETH", "quote_asset": raw["quote"]}
    times = [
        (raw["timestamp"], "the fill"),
        *((r["fill_timestamp_ms"], r["order_id"]) for r in case["real_rows"]),
    ]
    with closing(sqlite3.connect(path)) as connection, connection:
        create(connection)
        fills = [
            {**pair, "timestamp": at, "order_id": order_id, "exchange_trade_id": order_id,
             "trade_type": "BUY", "trade_fee": raw["trade_fee"]}
            for at, order_id in times
        ]  # fmt: skip
        stored = {name: raw[name] for name in ("price", "amount", "trade_fee_in_quote")}
        insert(connection, "TradeFill", ({**fill, **dict.fromkeys(stored, 0)} for fill in fills))
        settings = ", ".join(f"{name} = :{name}" for name in stored)
        connection.execute(f"UPDATE TradeFill SET {settings}", stored)
        quote = (market["timestamp"], "venue", "ETH-USDC", *[market["mid_price"]] * 3, None)
        connection.execute("INSERT INTO MarketData VALUES (?, ?, ?, ?, ?, ?, ?)", quote)
        payment = {"config_file_path": "bot.yml", "market": "venue", "rate": 0.0, "amount": 0.0}
        for number, at in enumerate(case["funding_raw_timestamps"]):
            insert(connection, "FundingPayment", [{**payment, "timestamp": at, "symbol": f"P{number}-USDC"}])


def _ms(times: pl.Series) -> list[float]:
    return (times.dt.timestamp("us") / 1_000).to_list()


@adapter("sqlite")
def decoded(case: Case) -> Any:
    """Units, times, fees and decision times of stored rows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bot.sqlite"
        _written(case, path)
        tables = HummingbotDatabase(str(path)).read().tables
    fills = tables["fills"]
    first = fills.row(0, named=True)
    notional = first["price_quote"] * first["amount_base"]
    bound = fills.select(truncation_bound(pl.col("price_quote"), pl.col("amount_base"), pl.lit(1e-6))).item(
        0, 0
    )
    fees = fees_of({}, tables, None, Conventions())
    moments = [decision_us(row["order_id"]) for row in case["real_rows"]]
    decided = np.array([np.nan if at is None else at for at in moments], dtype=float)
    filled = fills["at"].dt.timestamp("us").to_numpy()[1:].astype(float)
    seconds, flags = signal_to_fill(decided, filled)
    return {
        "price": first["price_quote"],
        "amount": first["amount_base"],
        "notional": notional,
        "notional_error_bound": bound,
        "quantisation_flag": bool(bound > QUANTISED * notional),
        "fee_quote": float(fees.quote[0]),
        "fee_method": METHODS[fees.method[0]],
        "market_data_ms": _ms(tables["quotes"]["at"])[0],
        "mid": tables["quotes"]["mid_quote"][0],
        "funding_ms": _ms(tables["funding"].sort("pair")["at"]),
        "decision_us": moments,
        "signal_to_fill_s": [None if np.isnan(s) else float(s) for s in seconds],
        "latency_flag": [LATENCY_FLAGS[i] for i in flags],
    }
