"""Laws of the arithmetic under execution: against loops, exact fractions and simulations."""

from __future__ import annotations

import math
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.metrics.bootstrap import block_length, ratio_intervals, resampled_sums
from fillbook.metrics.execution import wilson
from fillbook.metrics.liquidity import Cumulative, twap, vwap
from fillbook.metrics.shortfall import Intents, Pieces, shortfall
from fillbook.metrics.spreads import effective_spread, markout, matched_spread, price_impact, realized_spread
from fillbook.metrics.timing import quantile, quote_lifetime_p50, survival, uptime
from fillbook.results import Undefined

LAWS = settings(max_examples=200, deadline=None)
whole = st.integers(0, 60)
Pieces3 = list[tuple[int, int, int]]


@LAWS
@given(st.lists(st.tuples(whole, whole), max_size=10))
def test_union_is_a_count_of_seconds(spans: list[tuple[int, int]]) -> None:
    ordered = sorted(spans)
    start, end = (np.array([s[i] for s in ordered], float) for i in (0, 1))
    assert uptime(np.ones(len(ordered)), start, end, (0.0, 60.0)).bid_s == len(
        {s for a, b in spans for s in range(a, b)}
    )


@LAWS
@given(st.lists(st.tuples(st.sampled_from([1, -1]), whole, whole), max_size=10), whole, whole)
def test_uptime_of_both_is_never_more_than_either(spans: Pieces3, a: int, b: int) -> None:
    """At times as large as those of today, in sevenths of a second: no share below 0 or above 1."""
    zero = 1.7e9
    side = np.array([s[0] for s in spans], np.int64)
    start, end = (zero + np.array([s[i] for s in spans], float) / 7 for i in (1, 2))
    up = uptime(side, start, end, (zero + min(a, b) / 7, zero + max(a, b) / 7))
    assert 0.0 <= up.both_s <= min(up.bid_s, up.ask_s) + 1e-6
    assert max(up.bid_s, up.ask_s) <= up.window_s + 1e-6


@LAWS
@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 9)), min_size=1, max_size=8), whole, whole)
def test_flow_between_two_times_is_a_sum_over_seconds(pieces: list[tuple[int, int]], a: int, b: int) -> None:
    """Pieces of whole seconds, one after the other with gaps: each second of a piece has its share."""
    begin, end = min(a, b), max(a, b)
    start, stop, per_second, clock = [], [], {}, 0
    for length, amount in pieces:
        start.append(clock)
        stop.append(clock + length)
        per_second |= {clock + s: Fraction(amount, length) for s in range(length)}
        clock += length + length % 3
    amounts = np.array([amount for _, amount in pieces], float)
    flow = Cumulative.of(np.array(start, float), np.array(stop, float), amounts)
    expected = sum((per_second.get(s, Fraction(0)) for s in range(begin, end)), Fraction(0))
    assert flow.between(np.array([float(begin)]), np.array([float(end)]))[0] == pytest.approx(float(expected))
    price = vwap(
        flow,
        Cumulative.of(flow.start, flow.end, 7.0 * amounts),
        *(np.array([float(x)]) for x in (begin, end)),
    )
    assert np.isnan(price[0]) if expected == 0 else price[0] == pytest.approx(7.0)


@LAWS
@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(90, 110)), min_size=1, max_size=8),
    whole,
    whole,
    st.sampled_from([5.0, 1e9]),
)
def test_twap_is_a_mean_over_seconds(steps: list[tuple[int, int]], a: int, b: int, oldest: float) -> None:
    """Second by second: the last mid at or before its beginning, if it is not older than allowed."""
    begin, end = min(a, b), max(a, b) + 1
    at = np.cumsum([wait for wait, _ in steps])
    known = []
    for second in range(begin, end):
        last = [i for i, t in enumerate(at) if t <= second]
        if last and second - at[last[-1]] < oldest:
            known.append(steps[last[-1]][1])
    mids = np.array([float(mid) for _, mid in steps])
    price, covered = twap(at.astype(float), mids, np.array([float(begin)]), np.array([float(end)]), oldest)
    assert covered[0] == pytest.approx(len(known) / (end - begin))
    assert np.isnan(price[0]) if not known else price[0] == pytest.approx(np.mean(known))


@LAWS
@given(st.lists(st.tuples(st.integers(-3, 20), st.booleans()), min_size=1, max_size=15))
def test_survival_is_kaplan_meier(waits: list[tuple[int, bool]]) -> None:
    """Time by time, in fractions: share × (1 − filled then / still waiting then)."""
    curve = survival(np.array([w for w, _ in waits], float), np.array([f for _, f in waits]))
    share = Fraction(1)
    for i, when in enumerate(sorted({w for w, _ in waits})):
        waiting = sum(w >= when for w, _ in waits)
        share *= 1 - Fraction(sum(w == when and f for w, f in waits), waiting)
        assert (curve.seconds[i], curve.at_risk[i]) == (when, waiting)
        assert curve.share[i] == pytest.approx(float(share), abs=1e-12)
    half = next((t for t, s in zip(curve.seconds, curve.share, strict=True) if s <= 0.5 + 1e-12), None)
    found = curve.quantile(0.5)
    assert isinstance(found, Undefined) if half is None else found == half


@LAWS
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=250), st.sampled_from([(1, 2), (9, 10), (99, 100)]))
def test_a_quantile_is_the_smallest_value_that_enough_do_not_exceed(
    values: list[int], share: tuple[int, int]
) -> None:
    part = Fraction(*share)
    found = quantile(np.array([*values, math.nan], float), float(part))
    if part > Fraction(95, 100) and len(values) < 100:
        assert isinstance(found, Undefined)
        return
    assert found == min(v for v in values if Fraction(sum(w <= v for w in values), len(values)) >= part)


@LAWS
@given(st.integers(0, 500), st.integers(1, 500), st.sampled_from([0.9, 0.95, 0.999]))
def test_wilson_solves_its_equation_and_contains_the_rate(hits: int, more: int, level: float) -> None:
    """The ends p solve (h/n − p)² = z² p (1 − p) / n; 0 of n starts at 0 and n of n ends at 1."""
    n = max(hits, more)
    low, high = (float(x[0]) for x in wilson(np.array([float(hits)]), np.array([float(n)]), level=level))
    assert 0.0 <= low <= hits / n <= high <= 1.0
    z2 = NormalDist().inv_cdf((1 + level) / 2) ** 2
    for end in (low, high):
        assert (hits / n - end) ** 2 == pytest.approx(z2 * end * (1 - end) / n, abs=1e-9)
    assert (low == 0.0) == (hits == 0)
    assert (high == 1.0) == (hits == n)


def test_wilson_of_nothing_is_nothing() -> None:
    low, high = wilson(np.zeros(1), np.zeros(1))
    assert np.isnan(low[0])
    assert np.isnan(high[0])


numbers = st.integers(-50, 50).map(lambda n: n / 10)
fill = st.tuples(st.sampled_from([1.0, -1.0, 2.5, -0.5]), numbers, numbers, numbers, st.booleans())


@LAWS
@given(st.lists(fill, min_size=1, max_size=12))
def test_effective_is_realized_and_impact(fills: list[tuple[float, float, float, float, bool]]) -> None:
    qty = np.array([f[0] for f in fills])
    price, mid, later = (100.0 + np.array([f[i] for f in fills]) for i in (1, 2, 3))
    later = np.where([f[4] for f in fills], later, np.nan)
    whole, kept, moved = (
        effective_spread(qty, price, mid, later), realized_spread(qty, price, mid, later),
        price_impact(qty, mid, later),
    )  # fmt: skip
    assert np.isnan(whole) == np.isnan(kept) == np.isnan(moved) == np.isnan(later).all()
    assert np.isnan(whole) or whole == pytest.approx(kept + moved, abs=1e-8)
    twice = [np.concatenate([x, x]) for x in (qty / 2, price, mid, later)]  # every fill in two halves
    assert markout(*twice) == pytest.approx(markout(qty, price, mid, later), nan_ok=True)
    mirrored = markout(-qty, -price, mid, -later)  # only the gains mirror: s(m − p) is odd in s and in prices
    assert np.isnan(mirrored) or mirrored == pytest.approx(markout(qty, price, mid, later))


@LAWS
@given(
    st.lists(
        st.tuples(st.sampled_from([1.0, -1.0]), st.sampled_from([0.5, 1.0, 3.0]), numbers, numbers, numbers, st.booleans()),
        min_size=1, max_size=5,
    ),
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from([0.1, 0.5, 2.0]), numbers, numbers), max_size=10),
)  # fmt: skip
def test_parts_of_the_shortfall_are_paper_less_real(
    wants: list[tuple[float, float, float, float, float, bool]], got: list[tuple[int, float, float, float]]
) -> None:
    side, asked = (np.array([w[i] for w in wants]) for i in (0, 1))
    decision, arrival, end = (100.0 + np.array([w[i] for w in wants]) for i in (2, 3, 4))
    parent = np.array([g[0] % len(wants) for g in got], np.int64)
    qty, price, mid = (np.array([g[i] for g in got], float) for i in (1, 2, 3))
    pieces = Pieces(parent, qty, 100.0 + price, 100.0 + mid, 0.01 * qty)
    parts = shortfall(
        Intents(side, asked, decision, arrival, end), pieces, np.array([w[5] for w in wants], bool)
    )
    assert parts.total == pytest.approx(parts.paper - parts.real, abs=1e-9)
    assert not parts.opportunity[~np.array([w[5] for w in wants], bool)].any()


def test_what_was_filled_in_full_but_for_rounding_has_no_opportunity_cost() -> None:
    """0.1 + 0.2 is 0.30000000000000004: nothing is left, also where the end is not known."""
    one = np.ones(1)
    wants = Intents(one, 0.3 * one, 100 * one, 100 * one, np.nan * one)
    mids = np.array([100.0, 100.0])
    parts = shortfall(wants, Pieces(np.zeros(2, np.int64), np.array([0.1, 0.2]), mids + 1, mids, mids * 0))
    assert parts.opportunity[0] == 0.0
    assert parts.total[0] == pytest.approx(0.3)  # 0.3 × (101 − 100) of spread, nothing else


def test_matched_spread_over_two_pairs() -> None:
    """Pair 0: bought 2 at 100, sold 1 at 102 and 1 at 104: 2 × (103 − 100) = 6 of 2 × 101.5 = 203.

    Pair 1: bought 4 at 10, sold 1 at 9: 1 × (9 − 10) = −1 of 1 × 9.5. Together 5 / 212.5.
    """
    qty = np.array([2.0, -1.0, -1.0, 4.0, -1.0])
    price = np.array([100.0, 102.0, 104.0, 10.0, 9.0])
    assert matched_spread(qty, price, np.array([0, 0, 0, 1, 1.0])) == pytest.approx(1e4 * 5 / 212.5)
    assert matched_spread(qty[:1], price[:1], np.zeros(1)).reason == "one_sided"  # type: ignore[attr-defined]
    assert matched_spread(qty[:0], price[:0], np.zeros(0)).reason == "empty"  # type: ignore[attr-defined]


def test_the_lifetime_of_quotes_is_that_of_those_that_ended() -> None:
    """Ended after 10 and 20 s; one still open after 900 s; a market order; one with no known end."""
    live, kind = np.array([10.0, 20.0, 900.0, 1.0, np.nan]), np.array([2, 2, 5, 0, 2])
    is_market = np.array([False, False, False, True, False])
    assert quote_lifetime_p50(live, kind, is_market) == 10.0
    assert quote_lifetime_p50(live[2:3], kind[2:3], is_market[2:3]).reason == "no_orders"  # type: ignore[attr-defined]


@LAWS
@given(st.integers(1, 40), st.sampled_from([1.0, 2.5, 8.0]))
def test_each_resample_draws_as_many_rows_as_there_are(n: int, mean_block: float) -> None:
    values = np.column_stack([np.ones(n), np.eye(n)])
    sums = resampled_sums(values, mean_block, replicates=50)
    assert (sums[:, 0] == n).all()
    assert (sums[:, 1:].sum(axis=1) == n).all()
    assert (sums >= 0.0).all()


def _autoregressive(rng: np.random.Generator, n: int, rho: float) -> np.ndarray:
    noise = rng.normal(size=n + 50)
    for i in range(1, noise.size):
        noise[i] += rho * noise[i - 1]
    return noise[50:]


def test_blocks_grow_with_dependence() -> None:
    rng = np.random.default_rng(1)
    none, much = (
        np.mean([block_length(_autoregressive(rng, 400, rho)) for _ in range(20)]) for rho in (0.0, 0.8)
    )
    assert none < 6.0 < much
    assert block_length(np.ones(50)) == 1.0


@pytest.mark.parametrize(("rho", "least"), [(0.0, 0.88), (0.6, 0.82)])
def test_intervals_cover_the_ratio_about_as_often_as_they_say(rho: float, least: float) -> None:
    """100 runs of 300 hours with a true ratio of 0.5: a 95 % interval may miss a few more, not many more."""
    rng = np.random.default_rng(7)
    hit = 0
    for _ in range(100):
        worth = rng.uniform(1.0, 3.0, 300)
        gain = 0.5 * worth + _autoregressive(rng, 300, rho)
        other = np.column_stack([np.zeros(300), gain])  # the first column trades without any gain
        low, high = ratio_intervals(np.arange(300), other, np.column_stack([worth, worth]))
        assert low[0] == high[0] == 0.0
        hit += bool(low[1] <= 0.5 <= high[1])
    assert least <= hit / 100 <= 1.0


def test_no_interval_of_few_hours() -> None:
    ones = np.ones((19, 1))
    low, high = ratio_intervals(np.arange(19), ones, ones)
    assert np.isnan([low[0], high[0]]).all()


@LAWS
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.1, 0.6]), st.sampled_from([0.5, 120.0]))
def test_twap_over_many_samples_is_the_sum_of_their_pieces(seed: int, gaps: float, oldest: float) -> None:
    """Windows that hold hundreds of samples, some without a mid."""
    rng = np.random.default_rng(seed)
    at, mids = np.sort(rng.uniform(0.0, 500.0, 300)), rng.uniform(1.0, 2.0, 300)
    mids[rng.random(300) < gaps] = np.nan
    begin = rng.uniform(-50.0, 520.0, 20)
    end = begin + rng.exponential(200.0, 20)
    price, covered = twap(at, mids, begin, end, oldest)
    known = at[~np.isnan(mids)]
    stops = np.minimum(np.append(known[1:], max(end.max(), known[-1])), known + oldest)
    held = np.clip(np.minimum(stops, end[:, None]) - np.maximum(known, begin[:, None]), 0.0, None)
    assert covered == pytest.approx(held.sum(axis=1) / (end - begin), abs=1e-9)
    value = (held * mids[~np.isnan(mids)]).sum(axis=1)
    has_any = held.sum(axis=1) > 1e-9
    assert price[has_any] == pytest.approx(value[has_any] / held.sum(axis=1)[has_any])
