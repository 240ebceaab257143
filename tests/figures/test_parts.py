"""Figures of parts: few traces whatever the data, units said, names as text, nothing changed."""

from datetime import date, timedelta

import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.figures.bars import cumulative_figure, kind_bars
from fillbook.figures.look import DARK, LIGHT
from fillbook.figures.parts import (
    allocation_figure,
    correlation_figure,
    distribution_figure,
    exposure_figure,
    risk_return_figure,
)
from fillbook.figures.registry import FIGURES, figure

DAYS = [date(2026, 9, 21) + timedelta(days=i) for i in range(3)]
PARTS = pl.DataFrame({
    "part": ["a", "<b>b</b>"], "net": [30.0, -6.0], "daily": [[10.0, 20.0, 0.0], [-2.0, -2.0, -2.0]],
    "deviation": [10.0, None], "volume": [1_000.0, 10.0],
})  # fmt: skip


def subtitle(drawn: go.Figure) -> str:
    return str(drawn.layout.title.subtitle.text)


def test_risk_against_return_shows_what_has_a_deviation() -> None:
    drawn = risk_return_figure(PARTS, LIGHT, currency="USDT", span=(DAYS[0], DAYS[2]))
    assert len(drawn.data) == 1
    assert list(drawn.data[0].x) == [10.0]
    assert list(drawn.data[0].y) == [10.0]  # 30 over 3 days
    assert list(drawn.data[0].customdata) == ["a"]
    assert subtitle(drawn).startswith("21 Sep – 23 Sep 2026 · USDT")


def test_a_hundred_parts_are_one_trace() -> None:
    many = pl.concat([PARTS.head(1)] * 100)
    assert len(risk_return_figure(many, DARK, currency="USDT").data) == 1


def test_names_are_shown_as_text() -> None:
    drawn = correlation_figure(["<b>b</b>", "a"], np.eye(2), LIGHT, days=3)
    assert list(drawn.layout.xaxis.ticktext) == ["&lt;b&gt;b&lt;/b&gt;", "a"]
    bars = kind_bars(
        pl.DataFrame({"label": ["<b>b</b>"], "value": [1.0]}), LIGHT, label="label", value="value", title="t",
        currency="USDT",
    )  # fmt: skip
    assert list(bars.data[0].y) == ["&lt;b&gt;b&lt;/b&gt;"]
    assert list(bars.data[0].customdata) == ["<b>b</b>"], "what a click hands on is the name itself"


def test_what_does_not_correlate_is_blank() -> None:
    matrix = np.array([[1.0, np.nan], [np.nan, np.nan]])
    drawn = correlation_figure(["a", "b"], matrix, LIGHT, days=1)
    assert [list(row) for row in drawn.data[0].z] == [[1.0, None], [None, None]]
    assert subtitle(drawn) == "1 day"


def test_exposure_draws_the_largest_assets_only() -> None:
    table = pl.DataFrame({
        "day": DAYS, "gross": [3.0, 4.0, None], "net": [1.0, 0.0, None],
        **{f"A{i}": [float(i)] * 3 for i in range(9)},
    })  # fmt: skip
    before = table.clone()
    drawn = exposure_figure(table, LIGHT, currency="USDT")
    assert [trace.name for trace in drawn.data] == ["gross", "net", "A8", "A7", "A6", "A5"]
    assert drawn.data[0].y[2] is None, "a missing mark is a gap"
    assert table.equals(before)
    assert "3 days" in subtitle(drawn)


def test_allocation_sets_money_tied_up_beside_money_earned() -> None:
    table = pl.DataFrame({"asset": ["X", "Y"], "share": [0.75, 0.25], "share_net": [-0.4, 0.6]})
    drawn = allocation_figure(table, LIGHT)
    assert [list(trace.x) for trace in drawn.data] == [[0.25, 0.75], [0.6, -0.4]]


def test_a_distribution_marks_mean_and_value_at_risk() -> None:
    drawn = distribution_figure(np.array([1.0, 2.0, -3.0, 4.0]), LIGHT, currency="USDT", var=3.0)
    words = [note.text for note in drawn.layout.annotations]
    assert words == ["mean +1.00", "VaR 95 %: a loss of 3.00"]
    assert sum(drawn.data[0].y) == 4


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60))
@settings(max_examples=200, deadline=None)
def test_every_day_is_in_one_of_few_bins(values: list[float]) -> None:
    drawn = distribution_figure(np.array(values), LIGHT, currency="USDT")
    assert sum(drawn.data[0].y) == len(values)
    assert len(drawn.data[0].y) <= 60


def test_every_figure_says_what_it_shows() -> None:
    assert len(FIGURES) >= 10
    for key, registered in FIGURES.items():
        assert registered.key == key
        assert registered.caption.endswith(".")
        assert registered.needs


def test_a_figure_is_registered_once() -> None:
    with pytest.raises(ValueError, match="registered twice"):
        figure(title="", needs="", caption="")(risk_return_figure)


def test_a_day_that_is_alone_is_a_point_with_room_around_it() -> None:
    table = pl.DataFrame({"day": DAYS[:1], "gross": [3.0], "net": [1.0], "A": [1.0]})
    drawn = exposure_figure(table, LIGHT, currency="USDT")
    assert {trace.mode for trace in drawn.data} == {"lines+markers"}
    assert list(drawn.layout.xaxis.tickvals) == DAYS[:1]
    volume = cumulative_figure(pl.DataFrame({"day": DAYS, "volume": [1.0, 2.0, 3.0]}), LIGHT, currency="USDT")
    assert volume.data[0].mode == "lines"
