"""How running bots stand: today's part of the ledger, and what feeds know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.analysis.live import live, with_status
from fillbook.analysis.overview import overview
from fillbook.conventions import Conventions
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.sources.following import BotStatus
from fillbook.testing.tables import START, fills, table

NOON = START + timedelta(days=1, hours=12)  # START is midnight


def data_of(**columns: object) -> PerformanceDataSource:
    return PerformanceDataSource.from_tables({"fills": fills(**columns)})


def test_today_is_what_changed_since_midnight() -> None:
    """Bought 2 at 100 yesterday, marked at 110 over the night; sells 1 at 120 today for a fee of 0.5."""
    day = 86_400.0
    data = data_of(
        at=[10.0, day - 10.0, day + 100.0], side=[1, 1, -1], amount_base=[1.0, 1.0, 1.0],
        price_quote=[90.0, 110.0, 120.0], fee_token="USDT", fee_amount=[0.0, 0.0, 0.5],
    )  # fmt: skip
    answer = live(data, NOON)
    assert answer.since == START + timedelta(days=1)
    assert answer.currency == "USDT"
    row = answer.bots.row(0, named=True)
    # worth at midnight: 2 x 110 = 220; now 1 x 120 held, 120 in cash, 0.5 paid
    assert row["pnl_today"] == pytest.approx(19.5)
    assert (row["n_fills_today"], row["fees_today"], row["volume_today"]) == (1, 0.5, 120.0)
    assert row["exposure"] == pytest.approx(120.0)
    assert row["net"] == pytest.approx(20.0 + 20.0 - 0.5)
    assert answer.total["pnl_today"] == pytest.approx(19.5)
    assert answer.curve["pnl"][0] == 0.0
    assert answer.curve["pnl"][-1] == pytest.approx(19.5)
    (position,) = answer.positions.iter_rows(named=True)
    assert (position["position_base"], position["mark_kind"]) == (1.0, "last_fill")


def test_midnight_is_that_of_the_zone() -> None:
    answer = live(data_of(at=[10.0]), NOON, zone="Asia/Tokyo")
    assert answer.since == datetime(2026, 1, 1, 15, tzinfo=UTC)


def test_a_clock_ahead_of_ours_moves_the_moment() -> None:
    data = data_of(at=[10.0, 5_000.0], side=[1, -1])
    assert live(data, START).at == START + timedelta(seconds=5_000)


def test_nothing_traded_yet_is_no_money() -> None:
    answer = live(PerformanceDataSource.from_tables({}, clock=NOON), NOON)
    assert answer.bots.height == 0
    assert answer.currency is None


def test_money_over_two_currencies_without_a_rate_is_unknown() -> None:
    data = data_of(
        at=[10.0, 20.0], bot=["a", "b"], pair=["ABC-USDT", "XYZ-EUR"], base=["ABC", "XYZ"], quote=["USDT", "EUR"],
    )  # fmt: skip
    answer = live(data, NOON)
    assert answer.currency is None
    assert answer.total["exposure"] is None
    assert answer.bots["exposure"].null_count() == 2


def test_a_bots_word_is_what_its_feed_knows() -> None:
    answer = live(data_of(bot=["a", "b", "c"]), NOON)
    said = {
        "a": BotStatus(NOON - timedelta(seconds=10), is_online=True),
        "b": BotStatus(NOON - timedelta(seconds=31)),
        "d": BotStatus(NOON, is_online=False, message="out of funds"),
    }
    rows = {row["bot"]: row for row in with_status(answer.bots, said, NOON).iter_rows(named=True)}
    assert {bot: row["word"] for bot, row in rows.items()} == {
        "a": "live", "b": "silent", "c": "not heard", "d": "offline",
    }  # fmt: skip
    assert rows["d"]["message"] == "out of funds"
    assert (rows["d"]["n_fills_today"], rows["d"]["net"]) == (0, None)


deals = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]), st.sampled_from([1, -1]), st.integers(1, 900).map(lambda n: n / 100),
        st.integers(9_000, 11_000).map(lambda n: n / 100), st.floats(0.0, 200_000.0),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(deals)
def test_today_and_before_are_the_whole(history: list[tuple[str, int, float, float, float]]) -> None:
    """Net PnL is that of the overview, and today's is its change since the overview at midnight."""
    ordered = sorted(history, key=lambda deal: deal[4])
    bots, sides, amounts, prices, times = (list(column) for column in zip(*ordered, strict=True))
    data = data_of(
        bot=bots,
        side=sides,
        amount_base=amounts,
        price_quote=prices,
        at=times,
        fee_token="USDT",
        fee_amount=0.01,
    )
    answer = live(data, START + timedelta(days=3))
    whole = overview(data, conventions=Conventions(), metrics=["net_pnl", "fees"], check=False)
    assert answer.total["net"] == pytest.approx(whole.metrics["net_pnl"].value, abs=1e-9)
    assert np.allclose(answer.bots["net"].sum(), answer.total["net"])
    assert answer.total["n_fills_today"] == 0
    assert answer.total["pnl_today"] == pytest.approx(0.0, abs=1e-9)
    assert table("fills").columns == data.fills.columns
