"""Laws of comparisons over random books: parts add up, and neither names nor sizes change what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.daily_bots import opened, rows_of
from analysis.random_fills import LAWS, Dealt, dealt
from fillbook.analysis.compare import Comparison, compare
from fillbook.analysis.overview import overview
from fillbook.analysis.peers import PEER_METRICS
from fillbook.analysis.sides import TAGS, By
from fillbook.results import Status

WHOLE = settings(LAWS, max_examples=60)
FEW = settings(LAWS, max_examples=25)  # each asks for two comparisons with their resamples
PNL = st.integers(-900, 2_000).map(lambda n: n / 100)


@WHOLE
@given(dealt(max_size=12), st.sampled_from(list(TAGS)))
def test_parts_add_up_to_the_whole_by_day_and_by_month(book: Dealt, by: By) -> None:
    """What a part has outside its own run is nothing: cutting it off takes no money away."""
    answer = compare(book.data, conventions=book.conventions, by=by)
    whole = overview(book.data, conventions=book.conventions, metrics=(), check=False)
    net = float(whole.daily["pnl"].sum())
    assert abs(float(answer.sides["net"].sum()) - net) <= book.tolerance
    assert abs(float(answer.months["net"].sum()) - net) <= book.tolerance
    assert int(answer.sides["n_fills"].sum()) == int(answer.months["n_fills"].sum()) == len(book.rows)
    volume = float(whole.daily["volume"].sum())
    for table in (answer.sides, answer.months):
        assert float(table["volume"].sum()) == pytest.approx(volume, rel=1e-9)
    assert abs(float(answer.runs["net"].sum()) - net) <= book.tolerance
    well_formed(answer)


def well_formed(answer: Comparison) -> None:
    """A number or its reason, everywhere; nothing infinite; shares and percentiles in [0, 1]."""
    for found in answer.measured:
        for key, result in found.metrics.items():
            has_none = result.status in (Status.UNDEFINED, Status.UNAVAILABLE)
            assert (result.value is None) == has_none, key
            assert result.status is Status.OK or result.reasons, key
            assert result.value is None or np.isfinite(result.value), key
        for d in found.differences:
            assert (d.low is None) == (d.high is None)
            assert d.low is None or (d.status is Status.OK and d.low <= d.high)  # type: ignore[operator]
            assert d.status is Status.OK or d.reasons
    placed = answer.peers["percentile"].drop_nulls()
    assert placed.is_between(0.0, 1.0).all()
    assert answer.peers.height == len(answer.names) * len(PEER_METRICS)
    known = answer.correlation[~np.isnan(answer.correlation)]
    assert (np.abs(known) <= 1.0).all()


@st.composite
def earned(draw: st.DrawFn) -> dict[str, list[float]]:
    n = draw(st.integers(10, 24))
    days = st.lists(PNL, min_size=n, max_size=n)
    return {name: draw(days) for name in ("a", "b")}


@FEW
@given(earned(), st.sampled_from([0.5, 4.0]))
def test_capital_and_amounts_of_one_factor_cancel(bots: dict[str, list[float]], k: float) -> None:
    """Trading k times as much on k times the capital is the same bot."""
    one = compare(opened([r for b, p in bots.items() for r in rows_of(b, p)]), by="bot", capital=50.0)
    rows = [{**r, "amount_base": k} for b, p in bots.items() for r in rows_of(b, p)]
    other = compare(opened(rows), by="bot", capital=50.0 * k)
    assert one.names == other.names
    for found, scaled in zip(one.measured, other.measured, strict=True):
        for key, result in found.metrics.items():
            again = scaled.metrics[key]
            assert (result.status, result.reasons) == (again.status, again.reasons), key
            if result.value is not None and again.value is not None:
                in_money = key in ("alpha_per_day", "beta_holding", "tracking_error_per_day", "excess_pnl")
                factor = k if in_money else 1.0
                assert again.value == pytest.approx(factor * result.value, rel=1e-6, abs=1e-7 * k), key
        for d, e in zip(found.differences, scaled.differences, strict=True):
            assert (d.value is None) == (e.value is None)
            if d.low is not None and e.low is not None:
                assert (e.low, e.high) == (
                    pytest.approx(d.low, rel=1e-6, abs=1e-7),
                    pytest.approx(d.high, rel=1e-6, abs=1e-7),
                )


@FEW
@given(earned(), st.randoms(use_true_random=False))
def test_order_of_days_and_rows(bots: dict[str, list[float]], random: object) -> None:
    """Days permuted alike for all sides leave what has no order alone: alpha, beta, correlation, capture."""
    order = list(range(len(bots["a"])))
    random.shuffle(order)  # type: ignore[attr-defined]
    mixed = {name: [pnl[i] for i in order] for name, pnl in bots.items()}
    one, other = (
        compare(opened([r for b, p in held.items() for r in rows_of(b, p)]), by="bot", capital=1_000.0,
                reference="a")
        for held in (bots, mixed)
    )  # fmt: skip
    for key, result in one.measured[0].metrics.items():
        again = other.measured[0].metrics[key]
        assert result.status == again.status, key
        if result.value is not None:
            assert again.value == pytest.approx(result.value, rel=1e-6, abs=1e-8), key


@FEW
@given(earned())
def test_a_side_against_its_copy(bots: dict[str, list[float]]) -> None:
    data = opened(rows_of("a", bots["a"]))
    answer = compare({"one": data, "two": data}, conventions=None, capital=1_000.0)
    (found,) = answer.measured
    value = {key: result.value for key, result in found.metrics.items()}
    if found.metrics["beta"].value is not None:
        assert (value["alpha"], value["beta"], value["tracking_error"]) == (0.0, 1.0, 0.0)
    assert value["excess_return"] == 0.0
    assert found.metrics["information_ratio"].value is None
    assert (answer.relative["ahead"] == 0.0).all()
    assert not any(d.is_clear for d in found.differences)


def test_names_alike_are_told_apart() -> None:
    data = opened(rows_of("a", [1.0, 2.0] * 6))
    answer = compare({"a": data, "b": data}, by=None)
    assert answer.names == ("a", "b")
    assert replace(answer, names=()).names == ()
