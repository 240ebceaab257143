"""What is watched, by hand on a few fills; and laws over random ones."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings

from analysis.random_fills import LAWS, Dealt, dealt
from fillbook.analysis.limit_file import LimitFile, read_limits
from fillbook.analysis.limit_kinds import KINDS
from fillbook.analysis.limits import Limits, Watch, limits
from fillbook.analysis.overview import overview
from fillbook.conventions import Conventions
from fillbook.errors import BadRequestError
from fillbook.filters import Filter
from fillbook.metrics.episodes import State
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.testing.tables import START, fills, orders, table

WHOLE = settings(LAWS, max_examples=60)
MINUTE, DAY = 60.0, 86_400.0


def file(what: str, most: float, more: str = "", every_s: float = MINUTE) -> LimitFile:
    return read_limits(f'[sampling]\nevery_s = {every_s}\n[[limit]]\nwhat = "{what}"\nmax = {most}\n{more}')


def watched(data: PerformanceDataSource, what: str, most: float, more: str = "", **how: object) -> Watch:
    every_s = float(how.pop("every_s", MINUTE))  # type: ignore[arg-type]
    conventions = Conventions(**how)  # type: ignore[arg-type]
    (watch,) = limits(data, file(what, most, more, every_s), None, conventions).watches
    return watch


def values(watch: Watch) -> list[float | None]:
    return watch.series["value"].to_list()


@pytest.fixture
def trader() -> PerformanceDataSource:
    """Buys 2 at 100, 1 more at 90 after two minutes, sells all at 80 after four; marks are its own fills."""
    return PerformanceDataSource.from_tables({
        "fills": fills(at=[0, 120, 240], side=[1, 1, -1], amount_base=[2.0, 1.0, 3.0],
                       price_quote=[100.0, 90.0, 80.0]),
    })  # fmt: skip


def test_exposure_inventory_loss_and_drawdown(trader: PerformanceDataSource) -> None:
    # minute by minute: 2 at 100, 2 at 100, 3 at 90, 3 at 90, none
    assert values(watched(trader, "gross_exposure", 1e9)) == [200.0, 200.0, 270.0, 270.0, 0.0]
    assert values(watched(trader, "net_exposure", 1e9)) == [200.0, 200.0, 270.0, 270.0, 0.0]
    assert values(watched(trader, "inventory", 1e9, 'asset = "ABC"')) == [2.0, 2.0, 3.0, 3.0, 0.0]
    # net: 0, 0, 2 × −10, the same, and 240 − 290 = −50
    assert values(watched(trader, "daily_loss", 1e9)) == pytest.approx([0.0, 0.0, 20.0, 20.0, 50.0])
    assert values(watched(trader, "drawdown", 1e9)) == pytest.approx([0.0, 0.0, 20.0, 20.0, 50.0])


def test_what_is_relative_needs_capital(trader: PerformanceDataSource) -> None:
    for what in ("leverage", "margin_ratio", "drawdown_fraction"):
        watch = watched(trader, what, 1.0)
        assert (watch.state, watch.reason, watch.value) == (State.UNKNOWN, "no_capital", None)
        assert watch.n_missing == watch.n
    assert values(watched(trader, "leverage", 1e9, capital=100.0)) == pytest.approx(
        [2.0, 2.0, 270.0 / 80.0, 270.0 / 80.0, 0.0]
    )
    assert values(watched(trader, "drawdown_fraction", 1.0, capital=100.0))[-1] == pytest.approx(0.5)
    assert values(watched(trader, "margin_ratio", 1.0, capital=100.0)) == [0.0] * 5  # spot ties up no margin


def test_margin_is_of_perpetuals_at_their_leverage() -> None:
    data = PerformanceDataSource.from_tables({
        "fills": fills(at=[0, 60], side=[1, 1], leverage=[5, 10], price_quote=100.0, amount_base=1.0,
                       connector="binance_perpetual"),
    })  # fmt: skip
    assert values(watched(data, "margin_ratio", 1.0, capital=100.0)) == pytest.approx([0.2, 0.2])


def test_no_equity_left_is_beyond_every_limit(trader: PerformanceDataSource) -> None:
    watch = watched(trader, "leverage", 100.0, capital=15.0)
    assert values(watch)[2] == np.inf  # 15 − 20 < 0, and 270 held
    (row,) = watch.episodes.to_dicts()
    assert row["peak"] is None
    assert row["is_open"]
    assert (watch.value, watch.reason) == (None, "equity_non_positive")


def test_an_episode_has_its_times(trader: PerformanceDataSource) -> None:
    watch = watched(trader, "gross_exposure", 250.0, "raise_after = 2\nclear_after = 1")
    (row,) = watch.episodes.to_dicts()
    assert [(row[name] - START).total_seconds() for name in ("start", "detected", "end", "cleared")] == [
        120.0, 180.0, 240.0, 240.0
    ]  # fmt: skip
    assert (row["peak"], row["n"], row["is_open"]) == (270.0, 2, False)
    assert (watch.state, watch.is_open, watch.n_over, watch.n) == (State.OK, False, 2, 5)


def test_the_loss_of_a_day_begins_at_midnight() -> None:
    data = PerformanceDataSource.from_tables({
        "fills": fills(at=[0, DAY / 2, DAY + 60, DAY + 120], side=[1, -1, 1, -1],
                       price_quote=[100.0, 90.0, 90.0, 85.0]),
    })  # fmt: skip
    watch = watched(data, "daily_loss", 9.0, "clear_after = 1", every_s=MINUTE)
    at = ((watch.series["at"] - START).dt.total_seconds()).to_numpy()
    loss = watch.series["value"].to_numpy()
    assert loss[at == DAY - 60] == pytest.approx(10.0)
    assert loss[at == DAY] == pytest.approx(0.0)  # what was lost before is of the day before
    assert loss[at == DAY + 120] == pytest.approx(5.0)
    (row,) = watch.episodes.to_dicts()
    assert (row["end"] - START).total_seconds() == DAY


def test_value_at_risk_is_of_whole_days() -> None:
    days = 25
    data = PerformanceDataSource.from_tables({
        "fills": fills(at=[i * DAY / 2 for i in range(2 * days + 1)],
                       side=[1 if i % 2 == 0 else -1 for i in range(2 * days + 1)],
                       price_quote=[100.0 - (i // 2 if i % 2 else 0) for i in range(2 * days + 1)]),
    })  # fmt: skip
    watch = watched(data, "var", 25.0, every_s=3_600.0)
    # day k loses k: of days 0 … 19 the worst in twenty is 19; fewer than 20 days have no such day; of days
    # 0 … 24 it is the second worst, ⌈1.25⌉, and 23 is within a fifth of 25
    assert values(watch)[18:21] == [None, pytest.approx(19.0), pytest.approx(19.0)]
    assert watch.state is State.WARN


def test_orders_are_counted_in_the_window() -> None:
    names = [f"o{i}" for i in range(4)]
    data = PerformanceDataSource.from_tables({
        "orders": orders(order_id=names, at=[0, 10, 20, 200], last_status="OrderCancelled", updated_at=[5, 30, 40, 230]),
        "order_events": table(
            "order_events", order_id=names, at=[5, 30, 40, 230],
            status=["OrderCancelled", "BuyOrderCompleted", "OrderCancelled", "OrderCancelled"],
        ),
        "fills": fills(order_id=["o1", "x"], at=[30, 300], side=[1, -1]),
    })  # fmt: skip
    rate = watched(data, "order_rate", 3.0, "window_s = 60", every_s=20.0)
    at = ((rate.series["at"] - START).dt.total_seconds()).to_list()
    assert dict(zip(at, values(rate), strict=True)) | {0: 1.0, 20: 3.0, 60: 2.0, 80: 0.0, 200: 1.0} == dict(
        zip(at, values(rate), strict=True)
    )  # at 60 the order of 0 has left the window, at 80 that of 20
    cancels = watched(data, "cancel_ratio", 0.9, "window_s = 60", every_s=20.0)
    found = dict(zip(at, values(cancels), strict=True))
    assert (found[0], found[20], found[40]) == (None, 1.0, pytest.approx(2 / 3))
    assert found[120] is None  # nothing ended in the minute before


def test_slippage_and_adverse_selection_in_the_window() -> None:
    data = PerformanceDataSource.from_tables({
        "orders": orders(order_id=["o0"], at=[10], side=[1], order_type="MARKET", price_quote=[None], amount_base=1.0),
        "order_events": table("order_events", order_id=["o0"], at=[11], status="BuyOrderCompleted"),
        "fills": fills(order_id=["o0", "z"], at=[11, 400], side=[1, -1], price_quote=[101.0, 99.0]),
        "quotes": table("quotes", at=[9, 10.5, 70, 71], mid_quote=[100.0, 100.0, 99.0, 99.0]),
    })  # fmt: skip
    slip = watched(data, "slippage", 50.0, "window_s = 120", every_s=10.0)
    at = ((slip.series["at"] - START).dt.total_seconds()).to_list()
    found = dict(zip(at, values(slip), strict=True))
    assert found[20] == pytest.approx(100.0)  # (101 − 100) / 100
    assert found[10] is None
    assert found[140] is None
    assert slip.episodes.height == 1
    against = watched(data, "adverse_selection", 50.0, "window_s = 120", every_s=10.0)
    found = dict(zip(at, values(against), strict=True))
    assert found[70] is None  # a minute after the fill is 71
    assert found[80] == pytest.approx(100.0)  # bought, and the mid fell from 100 to 99


def test_funding_is_above_0_where_it_was_paid() -> None:
    data = PerformanceDataSource.from_tables({
        "fills": fills(at=[0], connector="binance_perpetual"),
        "funding": table("funding", at=[60, 120], connector="binance_perpetual", rate=[1e-4, -3e-4],
                         amount_quote=[-0.01, 0.03]),
    })  # fmt: skip
    assert values(watched(data, "funding_rate", 1.0)) == pytest.approx([1e-4, -3e-4])


def test_the_age_of_the_data_grows_until_something_is_written(trader: PerformanceDataSource) -> None:
    assert values(watched(trader, "data_age", 50.0, every_s=MINUTE)) == [0.0, 60.0, 0.0, 60.0, 0.0]


def test_what_completed_without_fills_is_not_reconciled() -> None:
    data = PerformanceDataSource.from_tables({
        "orders": orders(order_id=["o0", "o1"], at=[0, 0], amount_base=[2.0, 1.0], price_quote=100.0),
        "order_events": table("order_events", order_id=["o0", "o1"], at=[60, 90], status="BuyOrderCompleted"),
        "fills": fills(order_id=["o0", "o1"], at=[60, 90], amount_base=[1.5, 1.0]),
    })  # fmt: skip
    watch = watched(data, "unreconciled", 40.0, every_s=30.0)
    assert values(watch) == [0.0, 0.0, 50.0, 50.0]  # half a coin of 100
    assert watch.state is State.BREACH


def test_a_limit_sees_only_what_it_is_narrowed_to(trader: PerformanceDataSource) -> None:
    data = PerformanceDataSource.from_tables({
        "fills": fills(at=[0, 60], pair=["ABC-USDT", "XYZ-USDT"], base=["ABC", "XYZ"], price_quote=[100.0, 10.0]),
    })  # fmt: skip
    assert values(watched(data, "gross_exposure", 1e9)) == [100.0, 110.0]
    assert values(watched(data, "gross_exposure", 1e9, 'pairs = "XYZ-USDT"')) == [0.0, 10.0]
    assert values(watched(data, "concentration", 1.0))[1] == pytest.approx((100**2 + 10**2) / 110**2)
    outside = limits(data, file("gross_exposure", 1.0, 'pairs = "XYZ-USDT"'), Filter(pairs=("ABC-USDT",)))
    assert outside.watches[0].reason == "outside_the_filter"
    assert not outside.is_breached
    with pytest.raises(BadRequestError, match="no pair nothing"):
        limits(trader, file("gross_exposure", 1.0, 'pairs = "nothing"'))


def test_samples_without_end_are_refused(trader: PerformanceDataSource) -> None:
    far = PerformanceDataSource.from_tables({"fills": fills(at=[0, 700 * DAY])})
    assert limits(far, read_limits('[[limit]]\nwhat = "drawdown"\nmax = 1\n')).every_s == 3_600.0
    with pytest.raises(BadRequestError, match="every_s is too short"):
        limits(far, file("drawdown", 1.0, every_s=60.0))


@WHOLE
@given(dealt())
def test_the_last_sample_is_what_the_overview_says(held: Dealt) -> None:
    text = "".join(f'[[limit]]\nwhat = "{what}"\nmax = 1e12\n' for what in ("gross_exposure", "drawdown"))
    found = limits(held.data, read_limits("[sampling]\nevery_s = 3600\n" + text), None, held.conventions)
    answer = overview(held.data, None, held.conventions)
    books, rate = answer.books, {"USDT": 1.0 if answer.currency == "USDT" else 0.8,
                                 "USD": 1.25 if answer.currency == "USDT" else 1.0}  # fmt: skip
    gross = sum(
        abs(row["position_base"] * (1.0 if row["market_type"] == "inverse_perp" else row["mark_quote"]))
        * rate[row["quote"]]
        for row in books.iter_rows(named=True)
    )
    exposure, fall = found.watches
    assert exposure.value == pytest.approx(gross, rel=1e-9, abs=held.tolerance)
    net = answer.metrics["net_pnl"].value
    assert net is not None
    assert fall.value is not None
    assert fall.value >= max(0.0, -net) - held.tolerance
    said = answer.metrics["current_drawdown"].value  # a high between two samples is one as well
    assert said is None or fall.value == pytest.approx(said, rel=1e-9, abs=held.tolerance)
    assert not found.is_breached


@WHOLE
@given(dealt(min_size=2))
def test_every_kind_has_samples_or_a_reason(held: Dealt) -> None:
    text = "".join(
        f'[[limit]]\nwhat = "{what}"\nmax = 1.0\n' + ('asset = "ABC"\n' if kind.needs_asset else "")
        for what, kind in KINDS.items()
    )
    found = limits(held.data, read_limits("[sampling]\nevery_s = 3600\n" + text), None, held.conventions)
    assert [watch.limit.what for watch in found.watches] == list(KINDS)
    for watch in found.watches:
        assert (watch.n == watch.n_missing) == bool(watch.reason)
        assert watch.n_missing == watch.series["value"].null_count()
        assert watch.is_open == (watch.episodes.height > 0 and watch.episodes["is_open"][-1])
        assert watch.series["at"].is_sorted()


def test_the_drawdown_is_that_of_the_overview_also_over_many_days() -> None:
    """A month, whose hours would miss the fall of 3 that minutes see: 100, 97 after a minute, 100 again."""
    quotes = table("quotes", kind="quote_file", at=[0, 60, 120], mid_quote=[100.0, 97.0, 100.0])
    data = PerformanceDataSource.from_tables({
        "fills": fills(at=[0, 30 * 86_400], side=[1, 1], amount_base=[1.0, 1.0], price_quote=[100.0, 100.0]),
        "quotes": quotes,
    })  # fmt: skip
    watch = watched(data, "drawdown", 1e9)
    assert watch.series["value"].max() == pytest.approx(3.0)
    assert overview(data).metrics["max_drawdown"].value == pytest.approx(3.0)


def test_the_headline_counts(trader: PerformanceDataSource) -> None:
    def said(*rows: tuple[str, float]) -> str:
        text = "".join(f'[[limit]]\nwhat = "{what}"\nmax = {most}\nclear_after = 1\n' for what, most in rows)
        answer: Limits = limits(trader, read_limits("[sampling]\nevery_s = 60\n" + text))
        return answer.headline

    assert said(("drawdown", 100.0)) == "The limit held all the time."
    assert said(("drawdown", 40.0)) == "The limit is exceeded."
    assert said(("gross_exposure", 250.0)) == "The limit was exceeded and is not now."
    assert said(("gross_exposure", 1e3), ("drawdown", 1e3)) == "All 2 limits held all the time."
    assert said(("gross_exposure", 250.0), ("drawdown", 60.0), ("leverage", 1.0)) == (
        "Of 3 limits 1 was exceeded and is not now, 1 is within a fifth of its limit, 1 cannot be told."
    )


def test_the_period_and_the_step_are_said(trader: PerformanceDataSource) -> None:
    answer = limits(trader, read_limits('[[limit]]\nwhat = "drawdown"\nmax = 1\n'))
    assert answer.period == (START, START + timedelta(seconds=240))
    assert answer.every_s == 1.0  # 240 s are few minutes: it looks every second
    assert answer.watches[0].series.height == 241
    assert isinstance(answer.episodes, pl.DataFrame)
