"""Mids behind the makers' own quotes, beside the true mid of the simulated market."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fillbook.analysis.execution import execution
from fillbook.analysis.own_quotes import own_quotes
from fillbook.arrays import Floats
from fillbook.demo.folder import SEED
from fillbook.demo.markets import START_S, Market, simulate
from fillbook.filters import Filter
from fillbook.performance_data_source import PerformanceDataSource, open_data


@pytest.fixture(scope="module")
def data(demo: Path) -> PerformanceDataSource:
    """The demo, opened."""
    return open_data(demo)


@pytest.fixture(scope="module")
def markets() -> dict[str, Market]:
    """The markets its bots traded in."""
    return simulate(np.random.default_rng(SEED))


def _seconds(at: pl.Series) -> Floats:
    return at.dt.timestamp("us").to_numpy() / 1e6 - START_S


@pytest.mark.parametrize(
    ("pair", "median", "p95", "bias"), [("DOGE-USDT", 0.65, 1.95, 0.12), ("SOL-USDT", 1.55, 4.45, 0.15)]
)
def test_the_mid_of_own_quotes_is_near_the_true_one(
    data: PerformanceDataSource, markets: dict[str, Market], pair: str, median: float, p95: float, bias: float
) -> None:
    own = own_quotes(data.orders, data.controllers).filter(
        pl.col("pair") == pair, pl.col("connector") == "binance"
    )
    true = markets[pair].mid_at(_seconds(own["at"]))
    error = (own["mid_quote"].to_numpy() - true) / true * 1e4
    assert error.size > 5_000
    # the bots lean against their inventory, by up to 0.3 and 0.6 of spreads of 11 and 19 bps
    assert np.median(np.abs(error)) < median
    assert np.quantile(np.abs(error), 0.95) < p95
    assert abs(error.mean()) < bias


def test_recorded_quotes_flatter_the_edge_by_their_age(
    data: PerformanceDataSource, markets: dict[str, Market]
) -> None:
    answer = execution(data, Filter(bots=("maker_sol",)))
    known = answer.fills.filter(pl.col("mid_from") == "quote_file", pl.col("mid_quote").is_not_nan())
    true = markets["SOL-USDT"].mid_at(_seconds(known["at"]))
    flattery = known["side"].to_numpy() * (known["mid_quote"].to_numpy() - true) / true * 1e4
    assert known.height > 10_000
    assert 1.0 < flattery.mean() < 2.5  # the market came towards the order while the quote aged
    assert any(finding.rule == "mids_of_before" for finding in answer.findings)
    assert answer.metrics["spread_earned"].status == "ok" or answer.metrics["spread_earned"].reasons
