"""Rolling ratios are the ratios of each window; a gap stays a gap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.arrays import Floats
from fillbook.metrics.returns import deviation, sharpe_ratio, sortino_ratio
from fillbook.metrics.rolling import rolling_ratios

DAYS = st.lists(st.sampled_from([-2.0, -1.0, 0.0, 1.0, 1.5, np.nan]), max_size=40).map(
    lambda days: np.array(days, float)
)


@settings(max_examples=200, deadline=None)
@given(DAYS, st.integers(2, 12))
def test_each_window_has_its_own_ratios(days: Floats, window: int) -> None:
    found = rolling_ratios(days, periods_per_year=365.0, window=window)
    for place in range(days.size):
        held = days[max(place - window + 1, 0) : place + 1]
        if held.size < window or np.isnan(held).any():
            expected = (np.nan, np.nan, np.nan)
        else:
            year = {"periods_per_year": 365.0}
            spread = deviation(held) * np.sqrt(365.0)
            expected = (spread, sharpe_ratio(held, **year), sortino_ratio(held, **year))
        assert [one[place] for one in found] == pytest.approx(list(expected), rel=1e-9, nan_ok=True)
