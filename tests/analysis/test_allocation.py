"""Suggestions: what must hold of any weights, when there are none, and that noise is called noise."""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.daily_bots import earning, opened, rows_of
from fillbook.analysis.allocation import allocate
from fillbook.analysis.allocation_rules import RULES, capped, weights_of
from fillbook.analysis.walk_forward import edges_of, walk_forward
from fillbook.arrays import Floats
from fillbook.errors import BadRequestError, MissingExtraError
from fillbook.reports.allocation import headline
from fillbook.results import Status, Undefined

needs_skfolio = pytest.mark.usefixtures("skfolio")


@pytest.fixture
def skfolio() -> None:
    pytest.importorskip("skfolio", reason="the extra [portfolio] is not installed")


def bots(n: int, days: int, *, seed: int = 4, mean: float = 0.3) -> dict[str, list[float]]:
    rng = np.random.default_rng(seed)
    return {f"bot{i}": rng.normal(mean, 1.0 + i, days).round(3).tolist() for i in range(n)}


@needs_skfolio
def test_the_answer_holds_together() -> None:
    answer = allocate(earning(**bots(4, 90)), capital=100.0, resamples=10)
    assert (answer.status, answer.n_days, answer.n_unseen) == (Status.OK, 90, 45)
    assert answer.capital == 400.0
    for _, rows in answer.weights.group_by("rule"):
        weights = rows["weight"].drop_nulls().to_numpy()
        assert weights.sum() == pytest.approx(1.0, abs=1e-9)
        assert ((weights >= 0.0) & (weights <= 0.4 + 1e-9)).all()
        assert rows["capital"].to_numpy() == pytest.approx(400.0 * weights)
        assert rows["scale"].to_numpy() == pytest.approx(4.0 * weights)
        ranged = rows.drop_nulls("low")
        assert ((ranged["low"] >= -1e-12) & (ranged["low"] <= ranged["high"])).all()
    assert answer.out_of_sample["rule"].to_list() == ["equal", "current", *RULES]
    same = answer.out_of_sample.filter(pl.col("rule") == "current")
    assert same.select("difference", "low", "reason").row(0) == (
        0.0,
        None,
        "no_variation",
    )  # capital is equal


@needs_skfolio
def test_inverse_volatility_by_hand() -> None:
    """Deviations 1, 2 and 4: 1 : ½ : ¼, so 4/7, 2/7, 1/7; capped at 0.4, the rest 0.6 in 2 : 1."""
    base = np.tile([1.0, -1.0], 40)
    other = np.tile([1.0, 1.0, -1.0, -1.0], 20)
    third = np.tile([1.0, -1.0, -1.0, 1.0], 20)
    returns = np.column_stack([base, 2.0 * other, 4.0 * third]) / 100.0
    free = weights_of("inverse_volatility", returns, 1.0)
    assert np.asarray(free) == pytest.approx([4 / 7, 2 / 7, 1 / 7], abs=1e-9)
    assert np.asarray(weights_of("inverse_volatility", returns, 0.4)) == pytest.approx(
        [0.4, 0.4, 0.2], abs=1e-9
    )
    # uncorrelated: each the same share of the variance is inverse volatility too
    parity = np.asarray(weights_of("risk_parity", returns, 1.0))
    assert parity[0] > parity[1] > parity[2]


@needs_skfolio
def test_a_bot_that_is_plainly_calmer_wins() -> None:
    """Two bots of one mean, one of them with six times the deviation: half and half is not the best."""
    rng = np.random.default_rng(1)
    returns = np.column_stack([0.002 + 0.01 * rng.normal(size=500), 0.002 + 0.06 * rng.normal(size=500)])
    trials = walk_forward(returns, np.array([0.5, 0.5]), 1.0)
    assert {t.rule for t in trials if t.beats} >= {"inverse_volatility", "risk_parity", "min_variance"}


@needs_skfolio
def test_noise_names_no_winner() -> None:
    """Twelve draws of noise; at a true rate of 5 %, more than two are a chance of 2 %."""
    from analysis.allocation_noise import false_suggestions

    found = false_suggestions(12)
    assert found.draws == 12
    assert found.false <= 2
    answer = allocate(earning(**bots(3, 80, mean=0.0)), capital=1_000.0, resamples=10)
    assert headline(answer)[0].startswith("Nothing beats equal weights")


@needs_skfolio
def test_two_bots_lift_the_cap_and_say_so() -> None:
    answer = allocate(earning(**bots(2, 60)), capital={"bot0": 300.0, "bot1": 100.0}, resamples=10)
    assert (answer.is_cap_lifted, answer.cap) == (True, 1.0)
    assert any("not limited" in sentence for sentence in headline(answer))
    current = answer.weights.filter(pl.col("rule") == "current").sort("bot")
    assert current["weight"].to_list() == [0.75, 0.25]


@needs_skfolio
def test_bots_that_all_lose_have_no_best_sharpe() -> None:
    answer = allocate(earning(**bots(3, 60, mean=-9.0)), capital=1_000.0, resamples=10)
    lost = answer.weights.filter(pl.col("rule") == "max_sharpe")
    assert set(lost["reason"]) == {"no_positive_mean"}
    assert lost["weight"].null_count() == 3
    tried = answer.out_of_sample.filter(pl.col("rule") == "max_sharpe")
    assert tried["n_without"].item() == tried["n_refits"].item() == 6
    assert tried["difference"].item() == 0.0  # equal weights stood in
    said = " ".join(headline(answer))
    assert "Maximum Sharpe has no answer: no mix has a positive expected return" in said
    assert "Rules of risk alone do not ask what a bot earns" in said


@needs_skfolio
def test_a_bot_that_did_nothing_is_left_out() -> None:
    held = bots(3, 60) | {"idle": [0.0] * 60}
    answer = allocate(earning(**held), capital=100.0, resamples=10)
    assert answer.status is Status.OK
    assert answer.bots.filter(pl.col("bot") == "idle")["reason"].to_list() == ["zero_variance"]
    assert "idle" not in set(answer.weights["bot"])
    assert any(sentence.startswith("Left out: idle") for sentence in headline(answer))


@pytest.mark.parametrize(
    ("n", "days", "capital", "reason"),
    [
        (3, 59, 100.0, "few_days_for_weights"),
        (1, 60, 100.0, "few_bots"),
        (3, 60, None, "no_capital"),
        (3, 60, {"bot0": 1.0, "bot1": 2.0}, "no_capital"),
        (3, 60, 0.0, "non_positive_capital"),
        (3, 60, {"bot0": 1.0, "bot1": 2.0, "bot2": -5.0}, "non_positive_capital"),
    ],
)
def test_without_what_it_needs_there_is_no_suggestion(
    n: int, days: int, capital: float | dict[str, float] | None, reason: str
) -> None:
    """This is said without skfolio too: no part is asked for that could not help."""
    answer = allocate(earning(**bots(n, days)), capital=capital)
    assert (answer.status, answer.reason) == (Status.UNAVAILABLE, reason)
    assert answer.weights.is_empty()
    assert answer.out_of_sample.is_empty()
    assert answer.bots.height == n
    assert headline(answer)[0].startswith("There is no suggestion: ")


def test_disjoint_bots_and_other_currencies() -> None:
    held = bots(2, 60)
    rows = [*rows_of("a", held["bot0"]), *rows_of("b", held["bot1"], first=60)]
    assert allocate(opened(rows), capital=100.0).reason == "no_common_days"
    rows = [*rows_of("a", held["bot0"]), *rows_of("b", held["bot1"], pair="ABC-BTC")]
    assert allocate(opened(rows), capital=100.0, by="pair").reason == "currencies_differ"


def test_without_skfolio_one_error_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skfolio", None)
    with pytest.raises(MissingExtraError, match=r'pip install "fillbook\[portfolio\]"'):
        allocate(earning(**bots(3, 60)), capital=100.0, resamples=10)


def test_what_cannot_be_asked() -> None:
    with pytest.raises(BadRequestError, match="capital of nobody"):
        allocate(earning(**bots(2, 60)), capital={"nobody": 1.0}, resamples=10)
    with pytest.raises(BadRequestError, match="at most 1"):
        allocate(earning(**bots(2, 60)), capital=1.0, cap=1.5)


def test_every_day_is_tried_once_and_after_what_was_learnt() -> None:
    for n in range(60, 400, 7):
        edges = edges_of(n)
        assert edges[0] >= 30
        assert edges[-1] == n
        assert all(a < b for a, b in pairwise(edges))
        assert len(edges) <= 7


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8).filter(lambda w: sum(w) > 1e-3),
    st.floats(0.05, 1.0),
)
def test_a_cap_holds_and_keeps_the_order(raw: list[float], cap: float) -> None:
    weights = np.array(raw)
    found = capped(weights, cap)
    assert found.sum() == pytest.approx(1.0, abs=1e-9)
    assert (found >= 0.0).all()
    if weights.size * cap > 1.0:
        assert (found <= cap * (1.0 + 1e-9)).all()
        order = np.argsort(weights, kind="stable")
        assert (np.diff(found[order]) >= -1e-12).all()
    else:
        assert found == pytest.approx(np.full(weights.size, 1.0 / weights.size))


@st.composite
def any_returns(draw: st.DrawFn) -> Floats:
    n_bots = draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    spread = np.array(draw(st.lists(st.floats(1e-4, 0.05), min_size=n_bots, max_size=n_bots)))
    return rng.normal(draw(st.floats(-0.01, 0.01)), 1.0, (60, n_bots)) * spread


@needs_skfolio
@settings(max_examples=25, deadline=None)
@given(any_returns(), st.randoms(use_true_random=False))
def test_weights_of_any_returns(returns: Floats, random: object) -> None:
    """Long only, capped, adding up to 1; bots in another order get the same weights."""
    n = returns.shape[1]
    cap = 0.4 if n > 2 else 1.0
    order = list(range(n))
    random.shuffle(order)  # type: ignore[attr-defined]
    for rule in RULES:
        found = weights_of(rule, returns, cap)
        if isinstance(found, Undefined):
            assert rule == "max_sharpe"
            continue
        assert found.sum() == pytest.approx(1.0, abs=1e-9)
        assert ((found >= 0.0) & (found <= cap + 1e-9)).all()
        if rule in ("min_variance", "inverse_volatility", "risk_parity"):
            mixed = weights_of(rule, returns[:, order], cap)
            assert np.asarray(mixed) == pytest.approx(found[order], abs=2e-3), rule
