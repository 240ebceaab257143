"""Percentiles among others, and a row that tells nothing of whose it is."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.daily_bots import earning
from fillbook.analysis.compare import compare
from fillbook.analysis.overview import overview
from fillbook.analysis.peers import PEER_COLUMNS, own_rows, percentile
from fillbook.analysis.sides import part_sides

BOTS = {f"bot{i}": [1.0 + i, -1.0] * 15 for i in range(7)}


def test_each_bot_among_the_others() -> None:
    """Seven bots, each better than the one before: the best is above all six, the worst above none."""
    answer = compare(earning(**BOTS), by="bot")
    placed = answer.peers.filter(pl.col("metric") == "net_bps").sort("side")
    assert placed["percentile"].to_list() == pytest.approx([i / 6 for i in range(7)])
    assert set(placed["n_peers"]) == {6}
    assert set(placed["status"]) == {"ok"}
    same = answer.peers.filter(pl.col("metric") == "winning_days")
    assert set(same["percentile"]) == {0.5}  # all alike: none above, none below


def test_among_given_results() -> None:
    peers = pl.DataFrame({"sharpe": [-1.0, 0.0, 1.0, 2.0, 1e3], "net_bps": [None] * 5},
                         schema={"sharpe": pl.Float64, "net_bps": pl.Float64})  # fmt: skip
    answer = compare(earning(bot=BOTS["bot0"], better=BOTS["bot3"]), by="bot", peers=peers)
    rows = {(r["side"], r["metric"]): r for r in answer.peers.iter_rows(named=True)}
    assert rows["bot", "sharpe"]["percentile"] == pytest.approx((1 + 0.5) / 5)  # a Sharpe ratio of 0
    assert rows["better", "sharpe"]["percentile"] == pytest.approx(4 / 5)
    for metric in ("net_bps", "sortino"):
        lost = rows["bot", metric]
        assert (lost["percentile"], lost["n_peers"], lost["status"], lost["reason"]) == (
            None, 0, "unavailable", "no_peers",
        )  # fmt: skip


def test_one_bot_alone_and_few_peers_and_few_days() -> None:
    alone = compare(earning(bot=BOTS["bot1"])).peers
    assert set(alone["reason"]) == {"no_peers"}
    assert alone["percentile"].null_count() == alone.height
    two = compare(earning(a=BOTS["bot1"], b=BOTS["bot2"]), by="bot").peers.drop_nulls("percentile")
    assert set(two["reason"]) == {"few_peers"}
    short = compare(earning(**{name: pnl[:20] for name, pnl in BOTS.items()}), by="bot").peers
    assert set(short.drop_nulls("percentile")["reason"]) == {"few_days"}
    never_lost = compare(earning(a=[1.0] * 30, b=BOTS["bot2"]), by="bot").peers
    lost = never_lost.filter(pl.col("side") == "a", pl.col("metric") == "profit_factor_of_days")
    assert lost.select("value", "percentile", "status").row(0) == (None, None, "undefined")


def test_own_rows_hold_numbers_alone() -> None:
    data = earning(**BOTS)
    sides = part_sides(data, overview(data), "bot", None)
    rows = own_rows(sides, 365.0)
    assert tuple(rows.columns) == PEER_COLUMNS
    assert all(dtype.is_numeric() for dtype in rows.dtypes)
    best = rows.row(0, named=True)
    assert best["n_days"] == 30
    assert best["profit_factor_of_days"] == pytest.approx(7.0)  # +7 against −1
    assert best["recovery"] == pytest.approx(90.0)  # 15 × 6 over a fall of 1
    assert best["fills_per_day"] == 2.0


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=20), st.integers(0, 5))
def test_percentiles_count_those_below_and_half_of_those_equal(others: list[int], value: int) -> None:
    held = np.array(others, float)
    found = percentile(float(value), held)
    assert found + percentile(-float(value), -held) == pytest.approx(1.0)
    assert 0.0 <= found <= 1.0
