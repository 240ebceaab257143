"""Contribution and Brinson–Fachler: effects sum to the active return, over any number of periods."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fillbook.errors import BadRequestError
from fillbook.metrics.contribution import Brinson, Linked, brinson_fachler, carino, linked
from fillbook.results import Undefined

LAWS = settings(max_examples=200, deadline=None)
EFFECTS = ("allocation", "selection", "interaction")
returns = st.floats(-0.5, 1.0, allow_nan=False)


@st.composite
def weights(draw: st.DrawFn, n: int) -> np.ndarray:
    parts = np.array(draw(st.lists(st.integers(0, 100), min_size=n, max_size=n)), float)
    assume(parts.sum() > 0.0)
    return parts / parts.sum()


@st.composite
def periods(draw: st.DrawFn) -> list[Brinson]:
    """Some periods of some bots, a few of them outside the benchmark."""
    n = draw(st.integers(1, 6))
    found = []
    for _ in range(draw(st.integers(1, 8))):
        own, theirs = draw(weights(n)), draw(weights(n))
        benchmark = np.array(draw(st.lists(returns, min_size=n, max_size=n)))
        benchmark[(theirs == 0.0) & np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))] = np.nan
        found.append(
            brinson_fachler(own, theirs, np.array(draw(st.lists(returns, min_size=n, max_size=n))), benchmark)
        )
    return found


def effects(held: Brinson | Linked) -> float:
    return math.fsum(float(getattr(held, name).sum()) for name in EFFECTS)


@LAWS
@given(periods())
def test_effects_sum_to_the_active_return(held: list[Brinson]) -> None:
    for period in held:
        assert effects(period) == pytest.approx(period.active, abs=1e-12)
        assert period.contribution.sum() == pytest.approx(period.portfolio, abs=1e-12)
    whole = linked(held)
    assert isinstance(whole, Linked)
    assert effects(whole) == pytest.approx(whole.active, abs=1e-9)
    assert whole.portfolio == pytest.approx(math.prod(1.0 + p.portfolio for p in held) - 1.0, abs=1e-12)


@LAWS
@given(periods())
def test_one_period_linked_is_itself(held: list[Brinson]) -> None:
    whole = linked(held[:1])
    assert isinstance(whole, Linked)
    for name in EFFECTS:
        assert getattr(whole, name) == pytest.approx(getattr(held[0], name), abs=1e-12)


def test_a_portfolio_like_its_benchmark_has_no_effect() -> None:
    share, gain = np.array([0.25, 0.75]), np.array([0.1, -0.02])
    found = brinson_fachler(share, share, gain, gain)
    assert [getattr(found, name).tolist() for name in EFFECTS] == [[0.0, 0.0]] * 3
    assert found.portfolio == pytest.approx(0.25 * 0.1 - 0.75 * 0.02)


@pytest.mark.parametrize("own", [[0.5, 0.4], [0.6, 0.6], [math.nan, 0.5]])
def test_weights_that_do_not_sum_to_one_are_refused(own: list[float]) -> None:
    half, none = np.array([0.5, 0.5]), np.zeros(2)
    with pytest.raises(BadRequestError, match="must sum to 1"):
        brinson_fachler(np.array(own), half, none, none)
    with pytest.raises(BadRequestError, match="must sum to 1"):
        brinson_fachler(half, np.array(own), none, none)


def test_a_bot_of_the_benchmark_needs_its_return() -> None:
    half = np.array([0.5, 0.5])
    with pytest.raises(BadRequestError, match="benchmark return"):
        brinson_fachler(half, half, np.zeros(2), np.array([0.0, np.nan]))


def test_ruin_cannot_be_linked() -> None:
    one = np.ones(1)
    lost = brinson_fachler(one, one, np.array([-1.0]), np.array([0.0]))
    whole = linked([lost])
    assert isinstance(whole, Undefined)
    assert whole.reason == "equity_non_positive"
    assert linked([]).reason == "empty"  # type: ignore[union-attr]


@pytest.mark.parametrize("gap", [0.0, 1e-15, 1e-9, 1e-4])
def test_carinos_factor_is_smooth_where_both_returns_meet(gap: float) -> None:
    # its limit is 1/(1 + r); the next term is -gap/2/(1 + r)^2
    assert carino(0.25 + gap, 0.25) == pytest.approx(0.8 - gap / 2.0 * 0.64, abs=1e-8)
