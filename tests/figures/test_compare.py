"""Figures of comparisons: what they draw, and what they say where there is nothing to draw."""

from __future__ import annotations

from datetime import date, timedelta

import plotly.graph_objects as go
import polars as pl
import pytest

from analysis.daily_bots import earning
from fillbook.analysis.compare import compare
from fillbook.figures.compare import (
    change_figure,
    difference_figure,
    peers_figure,
    relative_figure,
    weights_figure,
)
from fillbook.figures.look import DARK, LIGHT, Look
from fillbook.figures.registry import FIGURES

KEYS = ("relative_figure", "difference_figure", "peers_figure", "change_figure", "weights_figure")
LABELS = {"sharpe": "Sharpe ratio", "net_bps": "Net of volume"}


def words(figure: go.Figure) -> str:
    return " ".join(str(note.text) for note in figure.layout.annotations)


def test_every_figure_is_registered_with_a_caption() -> None:
    for key in KEYS:
        assert len(FIGURES[key].caption) > 40


@pytest.mark.parametrize("look", [LIGHT, DARK])
def test_ahead_is_a_line_a_side_and_leaves_the_table_alone(look: Look) -> None:
    table = compare(earning(**{"<b>a": [1.0, 2.0] * 6, "c": [0.0, 1.0] * 6}), by="bot").relative
    before = table.clone()
    figure = relative_figure(table, look, other="<b>a", currency="USDT")
    assert table.equals(before)
    assert [trace.name for trace in figure.data] == ["c"]
    assert figure.data[0].y[-1] == -12.0
    assert "&lt;b&gt;a" in figure.layout.title.text
    assert "USDT" in figure.layout.title.subtitle.text


def test_many_sides_are_cut_and_it_says_so() -> None:
    bots = {f"b{i}": [float(i), 0.0] * 6 for i in range(12)}
    figure = relative_figure(compare(earning(**bots), by="bot").relative, LIGHT, other="b", currency="USDT")
    assert len(figure.data) == 8
    assert "the 8 that differ most" in figure.layout.title.subtitle.text


def test_a_difference_without_an_interval_is_hollow() -> None:
    schema = {"side": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    rows = [
        ("up", 2.0, 1.0, 3.0),
        ("open", 1.0, None, None),
        ("none", None, None, None),
        ("down", -1.0, -2.0, -0.5),
    ]
    figure = difference_figure(
        pl.DataFrame(rows, schema=schema, orient="row"), LIGHT, title="t", unit="USDT", is_return=False
    )
    dots = figure.data[1]
    assert list(dots.y) == ["down", "open", "up"]
    assert list(dots.marker.symbol) == ["circle", "circle-open", "circle"]
    assert list(dots.marker.color) == [LIGHT.loss, LIGHT.neutral, LIGHT.profit]
    low, high = figure.layout.xaxis.range
    assert low < -2.0
    assert high > 3.0


def test_nothing_to_draw_is_said_in_words() -> None:
    answer = compare(earning(a=[1.0, 2.0] * 6))
    assert "no unit in common" in words(relative_figure(answer.relative, LIGHT, other="x", currency=None))
    nothing = pl.DataFrame(
        schema={"side": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    )
    assert "no unit in common" in words(difference_figure(nothing, LIGHT, title="t", unit="", is_return=True))
    assert "nothing to compare with" in words(peers_figure(answer.peers, LIGHT, labels=LABELS))
    changes = answer.changes.with_columns(label=pl.lit(""))
    assert "no change has whole days" in words(change_figure(changes, LIGHT, unit="USDT", is_return=False))


def test_peers_have_a_mark_a_side_in_every_strip() -> None:
    answer = compare(earning(a=[1.0, -2.0] * 10, b=[3.0, -1.0] * 10), by="bot")
    figure = peers_figure(answer.peers, LIGHT, labels=LABELS)
    assert {trace.name: list(trace.x) for trace in figure.data} == {"a": [0.0, 0.0], "b": [100.0, 100.0]}
    assert "1 peer" in figure.layout.title.subtitle.text


def test_a_change_says_how_much_more_it_was_and_how_sure() -> None:
    rows = pl.DataFrame({
        "label": ["v2"], "before": [0.01], "after": [0.03], "difference": [0.02], "low": [0.01], "high": [0.04],
    })  # fmt: skip
    figure = change_figure(rows, LIGHT, unit="return a day", is_return=True)
    assert "(+1.00" in figure.data[2].text[0]
    assert figure.data[2].x[0] == 0.03


def test_weights_are_a_cell_a_rule_and_bot() -> None:
    rows = pl.DataFrame({
        "rule": ["equal", "equal", "max_sharpe", "max_sharpe"], "bot": ["a", "b", "a", "b"],
        "weight": [0.5, 0.5, None, None], "low": [None, None, None, None], "high": [None] * 4,
    }, schema={"rule": pl.String, "bot": pl.String, **dict.fromkeys(("weight", "low", "high"), pl.Float64)})  # fmt: skip
    labels = {"equal": "Equal weights", "max_sharpe": "Maximum Sharpe"}
    figure = weights_figure(rows, DARK, labels=labels, bots=["a", "b"])
    assert [list(row) for row in figure.data[0].z] == [[0.5, 0.5], [None, None]]
    assert "no answer" in figure.data[0].customdata[1][0]


def test_a_day_alone_is_still_seen() -> None:
    table = pl.DataFrame({"day": [date(2026, 1, 1) + timedelta(days=0)], "side": ["a"], "other": ["b"],
                          "is_benchmark": [False], "ahead": [1.0], "is_return": [False]})  # fmt: skip
    figure = relative_figure(table, LIGHT, other="b", currency="USDT")
    assert figure.data[0].mode == "lines+markers"
