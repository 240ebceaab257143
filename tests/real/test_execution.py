"""Execution on what real bots left behind, beside the venue's own record and the bot's own quotes."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fillbook.analysis.execution import Execution, execution
from fillbook.analysis.own_quotes import own_quotes
from fillbook.filters import Filter
from fillbook.performance_data_source import PerformanceDataSource, open_data

PAIRS = ("WLD-USDT", "ETH-USDT")


@pytest.fixture(scope="module")
def maker(shared_data: Path) -> tuple[PerformanceDataSource, list[dict[str, Any]]]:
    """The classic market maker, and the fills its simulated venue recorded."""
    folder = shared_data / "generated"
    venue = json.loads((folder / "classic_pmm.venue.json").read_text("utf-8"))
    return open_data(folder / "classic_pmm.sqlite"), venue["venue_fills"]


@pytest.mark.parametrize("pair", PAIRS)
def test_fills_rates_fees_and_makers_are_the_venues(
    maker: tuple[PerformanceDataSource, list[dict[str, Any]]], pair: str
) -> None:
    data, record = maker
    theirs = [fill for fill in record if fill["pair"] == pair]
    answer = execution(data, Filter(connectors=("binance",), pairs=(pair,)))
    assert answer.fills.height == len(theirs)

    by_order: dict[str, float] = defaultdict(float)
    for fill in theirs:
        by_order[str(fill["oid"])] += fill["qty"]
    orders = data.orders.filter(pl.col("connector") == "binance", pl.col("pair") == pair)
    asked = dict(orders.select("exchange_order_id", "amount_base").iter_rows())
    assert answer.orders.height == len(asked)
    assert set(by_order) <= set(asked)
    ended = answer.orders.filter(pl.col("class") != "OPEN").height
    metrics = answer.metrics
    assert metrics["fill_rate"].value == pytest.approx(len(by_order) / ended, abs=1e-15)
    whole = sum(filled >= asked[oid] * (1.0 - 1e-9) for oid, filled in by_order.items())
    assert metrics["fill_rate_full"].value == pytest.approx(whole / ended, abs=1e-15)
    got = sum(min(filled, asked[oid]) for oid, filled in by_order.items())
    assert metrics["fill_rate_quantity"].value == pytest.approx(got / sum(asked.values()), rel=1e-9)
    assert metrics["partial_fill_ratio"].value == pytest.approx(1.0 - whole / len(by_order), abs=1e-15)

    made = sum(fill["qty"] * fill["px"] for fill in theirs if fill["maker"])
    assert metrics["maker_share"].value == pytest.approx(made / sum(f["qty"] * f["px"] for f in theirs))
    paid: dict[str, float] = defaultdict(float)
    for fill in theirs:
        paid[fill["fee_asset"]] += fill["fee"]
    mine = data.fills[answer.fills["fill_row"].to_numpy()]
    ours = dict(
        mine.group_by(pl.col("fee_token").cast(pl.String)).agg(pl.col("fee_amount").sum()).iter_rows()
    )
    assert ours == pytest.approx(dict(paid), rel=1e-9)


def test_own_quotes_lie_at_the_recorded_mids(
    maker: tuple[PerformanceDataSource, list[dict[str, Any]]],
) -> None:
    data, _ = maker
    own = own_quotes(data.orders, data.controllers).filter(
        pl.col("connector") == "binance", pl.col("pair") == "WLD-USDT"
    )
    recorded = data.quotes.sort("at")
    at, when = (frame["at"].dt.timestamp("us").to_numpy() for frame in (recorded, own))
    place = np.searchsorted(at, when, side="right") - 1
    near = (place >= 0) & (when - at[np.maximum(place, 0)] <= 5_000_000)
    truth = recorded["mid_quote"].to_numpy()[place[near]]
    error = (own["mid_quote"].to_numpy()[near] - truth) / truth * 1e4
    # ten ticks within five seconds of a recorded mid; a tick of this pair is 0.6 bps
    assert error.size == 10
    assert np.median(np.abs(error)) < 1.0
    assert np.abs(error).max() < 4.0


def _databases(folder: Path) -> list[Path]:
    return sorted([*(folder / "hummingbot").glob("*.sqlite"), *(folder / "generated").glob("*.sqlite")])


def test_every_database_with_orders_answers_or_says_why(shared_data: Path) -> None:
    n = 0
    for path in _databases(shared_data):
        if not path.stat().st_size:
            continue
        data = open_data(path)
        if data.orders.is_empty():
            continue
        n += 1
        _answers(execution(data), path.name)
    assert n >= 18


def _answers(answer: Execution, name: str) -> None:
    """Values where there are any, a reason where there are none; nothing between."""
    for key, result in answer.metrics.items():
        if result.value is None:
            assert result.reasons, (name, key)
        else:
            assert np.isfinite(result.value), (name, key)
            partial = result.coverage is not None and result.coverage < 1.0
            assert not partial or result.status != "ok", (name, key)
    by_horizon = {row["horizon_s"]: row for row in answer.markouts.iter_rows(named=True)}
    assert all(row["markout_bps"] is not None or row["reason"] for row in by_horizon.values()), name
    if answer.fills.height and (answer.fills["tick_s"] == 1.0).all():
        assert by_horizon[1.0]["markout_bps"] is None, name
        assert by_horizon[1.0]["reason"] == "resolution_too_coarse", name
    if answer.orders.filter(pl.col("class") != "OPEN").height:
        assert answer.metrics["fill_rate"].value is not None, name


@pytest.mark.parametrize(
    ("name", "least"), [("*try5*", 0.46), ("*conf_pure_mm_7__b89a294*", 0.6), ("*nim*", 0.15)]
)
def test_own_quotes_give_an_edge_where_a_bot_quotes_both_sides(
    shared_data: Path, name: str, least: float
) -> None:
    (path,) = (shared_data / "hummingbot").glob(name)
    answer = execution(open_data(path))
    at_fill = answer.markouts.row(0, named=True)
    assert at_fill["horizon_s"] == 0.0
    assert at_fill["markout_bps"] > 0.0
    assert at_fill["coverage"] >= least
    assert answer.mids["kind"].to_list() == ["own_quotes", None]
    assert any(finding.rule == "own_quote_mids" for finding in answer.findings)
    earned = answer.metrics["spread_earned"]  # a sum over less than half of the value is no sum
    assert (earned.value is None) == (at_fill["coverage"] < 0.5)
    assert earned.value is None or "own two-sided quotes" in earned.method
