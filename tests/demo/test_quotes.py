"""The demo's quotes are a recorder's samples of the true book, and the maker's fills agree with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import fillbook
from fillbook.demo.markets import DAYS, START_S, Market

SAMPLE_MS = 5_000


@pytest.fixture(scope="module")
def path(demo: Path) -> Path:
    return demo / "quotes" / "quotes_binance_SOL-USDT.parquet"


@pytest.fixture(scope="module")
def quotes(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path)


def test_a_sample_every_five_seconds_in_a_small_file(path: Path, quotes: pl.DataFrame) -> None:
    assert quotes.schema == {"timestamp": pl.Int64, "best_bid": pl.Float64, "best_ask": pl.Float64}
    assert quotes.height == DAYS * 86_400 // 5
    assert quotes["timestamp"][0] == START_S * 1_000
    assert (quotes["timestamp"].diff().drop_nulls() == SAMPLE_MS).all()
    assert path.stat().st_size < 8_000_000


def test_the_quotes_hold_the_true_mid(quotes: pl.DataFrame, markets: dict[str, Market]) -> None:
    market = markets["SOL-USDT"]
    mid = market.mid_at(quotes["timestamp"].to_numpy() / 1_000 - START_S)
    bid, ask = quotes["best_bid"].to_numpy(), quotes["best_ask"].to_numpy()
    assert np.abs((bid + ask) / 2.0 - mid).max() <= market.tick
    assert ((bid < mid) & (mid < ask)).all()
    for price in (bid, ask):
        assert np.abs(price - np.round(price, 2)).max() < 1e-9, "on the tick"


def test_before_a_fill_the_market_is_beside_it(demo: Path, quotes: pl.DataFrame) -> None:
    data = fillbook.open_data(demo / "bots/instances/maker_sol/data/maker_sol.sqlite")
    placed = data.orders.select("order_id", placed=pl.col("at").dt.epoch("ms"))
    whole = data.fills.filter(pl.col("order_id").is_unique()).join(placed, on="order_id")
    fills = whole.select("placed", "side", "price_quote", filled=pl.col("at").dt.epoch("ms"))
    sampled = quotes.with_columns(pl.col("timestamp").alias("sampled"))
    before = (
        fills.with_columns(pl.col("filled") - 1)
        .sort("filled")
        .join_asof(sampled, left_on="filled", right_on="timestamp")
        .filter(pl.col("sampled") >= pl.col("placed"))
    )
    buys, price = pl.col("side") > 0, pl.col("price_quote")
    away = pl.when(buys).then(pl.col("best_bid") - price).otherwise(price - pl.col("best_ask"))
    ticks = before.select(away=(away / 0.01).round(6))["away"]
    assert before.height > 0.99 * fills.height
    assert ticks.min() >= 0.0, "it had not come there yet"
    assert ticks.quantile(0.9) <= 10.0, "and was near"  # 5 s of a market that moves 3 bp in 15 s: 3 ticks
