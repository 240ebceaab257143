"""The state machine of limits beside one that walks sample by sample, and laws of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.random_fills import LAWS
from fillbook.metrics.episodes import Episode, State, Threshold, episodes, state_at

SAMPLE = st.one_of(st.none(), st.integers(0, 12).map(float))
SERIES = st.lists(SAMPLE, max_size=60)
THRESHOLDS = st.builds(
    lambda limit, clear, up, down: Threshold(float(limit), float(min(clear, limit)), 0.8 * limit, up, down),
    st.integers(0, 10), st.integers(0, 10), st.integers(1, 4), st.integers(1, 4),
)  # fmt: skip


def array(series: Sequence[float | None]) -> np.ndarray:
    return np.array([math.nan if value is None else value for value in series], np.float64)


def walked(series: Sequence[float | None], how: Threshold) -> list[tuple[int, int, int | None, int | None]]:
    """Start, detected, end, cleared of each episode, a sample at a time."""
    found: list[tuple[int, int, int | None, int | None]] = []
    is_open, run, first = False, 0, -1
    for i, value in enumerate(series):
        if value is None:
            continue
        counts = value <= how.clear_at if is_open else value > how.limit
        if not counts:
            run = 0
            continue
        first = i if run == 0 else first
        run += 1
        if run == (how.clear_after if is_open else how.raise_after):
            if is_open:
                found[-1] = (*found[-1][:2], first, i)
            else:
                found.append((first, i, None, None))
            is_open, run = not is_open, 0
    return found


def places(found: Sequence[Episode]) -> list[tuple[int, int, int | None, int | None]]:
    return [(e.start_index, e.detected_index, e.end_index, e.cleared_index) for e in found]


@LAWS
@given(SERIES, THRESHOLDS)
def test_episodes_are_those_of_a_walk(series: list[float | None], how: Threshold) -> None:
    found = episodes(array(series), how)
    assert places(found) == walked(series, how)
    for one in found:
        inside = [v for v in series[one.start_index : one.end_index] if v is not None]
        assert (one.peak, one.n) == (max(inside), len(inside))
        assert one.peak > how.limit
        assert one.start_index <= one.detected_index < (one.end_index or len(series))


@LAWS
@given(SERIES, THRESHOLDS, st.data())
def test_missing_samples_neither_advance_nor_reset(
    series: list[float | None], how: Threshold, data: st.DataObject
) -> None:
    spread: list[float | None] = []
    moved: list[int] = []
    for value in series:
        spread += [None] * data.draw(st.integers(0, 2))
        moved.append(len(spread))
        spread.append(value)
    before, after = episodes(array(series), how), episodes(array(spread), how)
    assert [(e.peak, e.n) for e in before] == [(e.peak, e.n) for e in after]
    assert [tuple(None if i is None else moved[i] for i in e) for e in places(before)] == places(after)


@LAWS
@given(SERIES, THRESHOLDS, st.sampled_from([0.5, 2.0, 1024.0]))
def test_units_do_not_matter(series: list[float | None], how: Threshold, k: float) -> None:
    scaled = Threshold(k * how.limit, k * how.clear_at, k * how.warn_at, how.raise_after, how.clear_after)
    before, after = episodes(array(series), how), episodes(k * array(series), scaled)
    assert places(before) == places(after)
    assert [k * e.peak for e in before] == [e.peak for e in after]


@LAWS
@given(st.integers(1, 50), THRESHOLDS)
def test_a_constant_above_is_one_open_episode_and_one_at_the_limit_none(n: int, how: Threshold) -> None:
    above = episodes(np.full(n, how.limit + 1.0), how)
    if n < how.raise_after:
        assert above == ()
    else:
        assert places(above) == [(0, how.raise_after - 1, None, None)]
        assert above[0].n == n
    assert episodes(np.full(n, how.limit), how) == ()


@LAWS
@given(SERIES, SERIES, THRESHOLDS)
def test_what_comes_later_changes_no_episode_that_has_ended(
    series: list[float | None], more: list[float | None], how: Threshold
) -> None:
    ended = [e for e in episodes(array(series), how) if e.end_index is not None]
    assert list(episodes(array(series + more), how))[: len(ended)] == ended


@LAWS
@given(SERIES, THRESHOLDS)
def test_a_higher_limit_is_exceeded_no_sooner(series: list[float | None], how: Threshold) -> None:
    higher = Threshold(how.limit + 1.0, how.clear_at, how.warn_at, how.raise_after, how.clear_after)
    low, high = (episodes(array(series), one) for one in (how, higher))
    assert len(high) == 0 or (len(low) > 0 and low[0].start_index <= high[0].start_index)


HOW = Threshold(10.0, 9.0, 8.0)


@pytest.mark.parametrize(
    ("samples", "state"),
    [
        ([], State.UNKNOWN), ([math.nan], State.UNKNOWN), ([5.0], State.OK), ([8.0], State.WARN),
        ([10.0], State.WARN), ([11.0], State.BREACH), ([11.0, 9.5], State.BREACH), ([11.0, 9.0], State.WARN),
        ([11.0, 1.0], State.OK), ([11.0, math.nan], State.BREACH), ([math.inf], State.BREACH),
    ],
)  # fmt: skip
def test_the_state_after_the_last_sample(samples: list[float], state: State) -> None:
    values = np.array(samples)
    at = np.arange(values.size, dtype=np.int64) * 1_000_000
    found = episodes(values, HOW)
    assert (
        state_at(at, values, HOW, found, now_us=max(values.size - 1, 0) * 1_000_000, stale_after_s=1.5)
        == state
    )


def test_without_a_sample_for_long_nothing_is_known_and_an_open_episode_stays_open() -> None:
    values, at = np.array([11.0, math.nan]), np.array([0, 60_000_000])
    found = episodes(values, HOW)
    assert state_at(at, values, HOW, found, now_us=60_000_000, stale_after_s=60.0) is State.BREACH
    assert state_at(at, values, HOW, found, now_us=60_000_001, stale_after_s=60.0) is State.UNKNOWN
    assert found[-1].end_index is None


def test_nothing_warns_of_a_limit_of_0() -> None:
    none = Threshold.of(0.0)
    assert state_at(np.array([0]), np.zeros(1), none, (), now_us=0, stale_after_s=1.0) is State.OK
