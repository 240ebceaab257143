"""Series on their common days: nothing filled in, every day accounted for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.analysis.alignment import DaySeries, align

NAN = math.nan


def series(name: str, first: int, values: list[float]) -> DaySeries:
    return DaySeries(name, first + np.arange(len(values), dtype=np.int64), np.array(values, float))


def test_what_was_cut_is_said() -> None:
    """a has days 0…5 and does not know day 3; b has days 2…7: common are 2, 4, 5."""
    found = align([series("a", 0, [1, 2, 3, NAN, 5, 6]), series("b", 2, [10, 20, 30, 40, 50, 60])])
    assert found.days.tolist() == [2, 4, 5]
    assert found.values.tolist() == [[3, 5, 6], [10, 30, 40]]
    cuts = found.cuts.select("side", "n_days", "n_used", "n_before", "n_after", "n_unknown", "n_dropped")
    assert cuts.rows() == [("a", 6, 3, 2, 0, 1, 0), ("b", 6, 3, 0, 2, 0, 1)]
    assert found.gaps == 1
    assert found.lack is None


def test_disjoint_series_have_no_common_day() -> None:
    for two in ([series("a", 0, [1, 2]), series("b", 2, [1, 2])], [series("a", 0, [1]), series("b", 0, [NAN])],
                [series("a", 0, [1]), series("b", 0, [])]):  # fmt: skip
        found = align(two)
        assert found.lack is not None
        assert found.lack.reason == "no_common_days"
        assert (found.days.size, found.values.shape) == (0, (2, 0))
        assert found.cuts["n_used"].to_list() == [0, 0]


@st.composite
def several(draw: st.DrawFn) -> list[DaySeries]:
    value = st.one_of(st.floats(-1.0, 1.0), st.just(NAN))
    made = []
    for i in range(draw(st.integers(1, 4))):
        days = sorted(draw(st.sets(st.integers(0, 20), max_size=15)))
        values = draw(st.lists(value, min_size=len(days), max_size=len(days)))
        made.append(DaySeries(str(i), np.array(days, np.int64), np.array(values, float)))
    return made


@settings(max_examples=200, deadline=None)
@given(several(), st.randoms(use_true_random=False))
def test_every_day_is_accounted_for_and_order_does_not_matter(found: list[DaySeries], random: Any) -> None:
    aligned = align(found)
    known = [dict(zip(s.days.tolist(), s.values.tolist(), strict=True)) for s in found]
    common = sorted(
        day for day in known[0] if all(day in held and not math.isnan(held[day]) for held in known)
    )
    assert aligned.days.tolist() == common
    for held, values in zip(known, aligned.values, strict=True):
        assert values.tolist() == [held[day] for day in common]
    if common:
        span = 1 + min(s.days[-1] for s in found) - max(s.days[0] for s in found)
        for row, s in zip(aligned.cuts.iter_rows(named=True), found, strict=True):
            assert row["n_used"] + row["n_dropped"] + row["n_unknown"] == span
            inside = s.days.size - row["n_before"] - row["n_after"]
            assert inside >= row["n_used"] + row["n_dropped"]
    mixed = list(found)
    random.shuffle(mixed)
    other = align(mixed)
    assert other.days.tolist() == aligned.days.tolist()
    for s, values in zip(mixed, other.values, strict=True):
        assert values.tolist() == aligned.values[found.index(s)].tolist()
