"""What does not look like the rest, worked by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.random_fills import DAY, LAWS
from fillbook.analysis.anomalies import is_outlier, unusual
from fillbook.analysis.overview import overview
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.testing.tables import fills

NINE = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
whole = st.lists(st.integers(-1_000, 1_000).map(float), max_size=30).map(np.array)


@pytest.mark.parametrize(("last", "is_out"), [(100.0, True), (16.7, True), (16.6, False), (-5.7, False)])
def test_beyond_three_robust_deviations_is_an_outlier(last: float, is_out: bool) -> None:
    # 1 … 9 and more than 9: median 5.5; away ½ ½ 1½ 1½ 2½ 2½ 3½ 3½ 4½ …: MAD 2.5
    # 3 · 1.4826 · 2.5 = 11.1195: 16.7 is 11.2 away, 16.6 is 11.1; −5.7 is 10.2 from the median 4.5
    found = is_outlier(np.array([*NINE, last]))
    assert found.tolist() == [False] * 9 + [is_out]


def test_an_outlier_may_be_low() -> None:
    # −6.7 and 1 … 9: median 4.5, MAD 2.5, and −6.7 is 11.2 away
    assert is_outlier(np.array([-6.7, *NINE])).tolist() == [True] + [False] * 9


def test_fewer_than_ten_have_no_usual() -> None:
    assert not is_outlier(np.array([*NINE[:8], 1e9])).any()
    assert is_outlier(np.array([])).shape == (0,)


@pytest.mark.parametrize("values", [[5.0] * 20, [0.0] * 6 + [1.0, 2.0, 3.0, 1e9]])
def test_where_most_are_the_same_nothing_is_unusual(values: list[float]) -> None:
    assert not is_outlier(np.array(values)).any()  # MAD 0


@LAWS
@given(
    whole,
    st.integers(1, 1_000).map(lambda n: n / 100),
    st.sampled_from([1.0, -1.0]),
    st.integers(-1_000, 1_000),
)
def test_scale_sign_and_shift_change_nothing(values: np.ndarray, k: float, sign: float, shift: float) -> None:
    # 4.4478 · MAD is no half integer below 5,000 · MAD: rounding cannot push a value over it
    assert is_outlier(sign * k * values + shift).tolist() == is_outlier(values).tolist()


@LAWS
@given(whole, st.randoms(use_true_random=False))
def test_order_changes_nothing(values: np.ndarray, dice: object) -> None:
    place = np.arange(values.size)
    dice.shuffle(place)  # type: ignore[attr-defined]
    assert is_outlier(values[place]).tolist() == is_outlier(values)[place].tolist()


@LAWS
@given(whole)
def test_less_than_half_are_outliers(values: np.ndarray) -> None:
    assert is_outlier(values).sum() <= values.size / 2  # half are within the MAD


def found_in(*deals: tuple[float, float, str]) -> pl.DataFrame:
    """Unusual among round trips: seconds of the entry, PnL, pair; 10 s and one base each."""
    rows = sorted(
        (at + later, pair, side, price)
        for at, pnl, pair in deals
        for later, side, price in ((0.0, 1, 1_000.0), (10.0, -1, 1_000.0 + pnl))
    )
    at, pair, side, price = (list(values) for values in zip(*rows, strict=True))
    given_fills = fills(
        at=at, pair=pair, base=[name.split("-")[0] for name in pair], side=side, price_quote=price
    )
    return unusual(overview(PerformanceDataSource.from_tables({"fills": given_fills}), check=False))


def test_a_planted_day_and_its_trip_are_found() -> None:
    # 12 days of one trip: 1, 2, 3, 4, 1, 2, … and −50 on the sixth
    pnl = [1.0, 2.0, 3.0, 4.0, 1.0, -50.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0]
    found = found_in(*((day * DAY + 60, gain, "ABC-USDT") for day, gain in enumerate(pnl)))
    assert found.sort("kind").to_dicts() == [
        {
            "kind": "day", "at": datetime(2026, 1, 6, tzinfo=UTC), "where": "all that is shown",
            "value": -50.0, "quote": "USDT",
        },
        {
            "kind": "round trip", "at": datetime(2026, 1, 6, 0, 1, 10, tzinfo=UTC),
            "where": "bot · ABC-USDT on binance", "value": -50.0, "quote": "USDT",
        },
    ]  # fmt: skip


def test_trips_that_cancel_leave_a_usual_day() -> None:
    # as above without the −50; on the sixth day +60 and −58 add up to 2
    usual = [1.0, 2.0, 3.0, 4.0, 1.0, 0.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0]
    deals = [(day * DAY + 60, gain, "ABC-USDT") for day, gain in enumerate(usual) if day != 5]
    found = found_in(*deals, (5 * DAY + 60, 60.0, "ABC-USDT"), (5 * DAY + 120, -58.0, "ABC-USDT"))
    assert found.select("kind", "value").rows() == [("round trip", 60.0), ("round trip", -58.0)]


def test_a_trip_is_judged_among_those_of_its_pair() -> None:
    # ABC earns 1 … 4 a trip, XYZ 101 … 104 : each is usual for its pair, all within one day
    deals = [(100 * n, 1.0 + n % 4, "ABC-USDT") for n in range(20)]
    others = [(5_000 + 100 * n, 101.0 + n % 4, "XYZ-USDT") for n in range(10)]
    assert found_in(*deals, *others).is_empty()


def test_a_quiet_book_has_nothing_unusual() -> None:
    assert found_in((60, 5.0, "ABC-USDT")).is_empty()
