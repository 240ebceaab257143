"""Figures of attribution: bars end where the sum does, nothing unknown is drawn as 0, few traces."""

from __future__ import annotations

import polars as pl
import pytest

from fillbook.figures.attribution import bots_figure, parts_figure, time_figure, waterfall_figure, week_figure
from fillbook.figures.look import DARK, LIGHT

PARTS = {"spread": 3.0, "inventory": -1.0, "funding": 0.0, "rebates": None, "fees": 0.5, "unattributed": 0.0}
ROWS = pl.DataFrame({
    "tag": ["a", "<b>", "c"], "net": [2.0, -1.0, None], "spread": [3.0, None, None],
    "inventory": [-0.5, None, None], "unattributed": [0.0, -0.8, None], "funding": [0.0, 0.0, 0.0],
    "rebates": [0.0, 0.0, 0.0], "fees": [0.5, 0.2, 0.1], "n_fills": [5, 2, 1],
})  # fmt: skip


def named(figure: object) -> dict[str, object]:
    return {trace.name: trace for trace in figure.data}  # type: ignore[attr-defined]


def test_a_waterfall_ends_at_net_and_leaves_out_what_is_0_or_unknown() -> None:
    drawn = waterfall_figure(PARTS, LIGHT, net=1.5, currency="USDT")
    (bars,) = drawn.data
    assert list(bars.x) == ["spread", "price moves", "fees", "net PnL"]
    assert list(bars.y) == [3.0, -1.0, -0.5, 1.5]
    assert sum(bars.y[:-1]) == pytest.approx(bars.y[-1])
    assert list(bars.measure) == ["relative"] * 3 + ["total"]
    low, high = drawn.layout.yaxis.range
    assert low < 0.0 < 3.0 < high


def test_parts_of_a_tag_sum_to_its_diamond() -> None:
    drawn = parts_figure(ROWS, DARK, by="controller", currency="USDT")
    traces = named(drawn)
    assert set(traces) == {"spread", "price moves", "not attributable", "fees", "net PnL"}
    assert list(traces["net PnL"].y) == ["a", "&lt;b&gt;"], "names are no markup, an unknown net is no bar"
    for i, net in enumerate(traces["net PnL"].x):
        assert sum(trace.x[i] or 0.0 for name, trace in traces.items() if name != "net PnL") == pytest.approx(
            net
        )
    assert traces["spread"].x[1] is None, "an unknown spread is a gap"
    assert list(traces["fees"].x) == [-0.5, -0.2]


def test_many_tags_are_the_best_and_the_worst_and_hours_are_all() -> None:
    many = pl.concat([ROWS.head(1).with_columns(tag=pl.lit(f"e{i}"), net=float(i)) for i in range(100)])
    drawn = parts_figure(many, LIGHT, by="executor", currency="USDT", most=10)
    assert list(named(drawn)["net PnL"].x) == [99.0, 98.0, 97.0, 96.0, 95.0, 4.0, 3.0, 2.0, 1.0, 0.0]
    assert len(drawn.data) <= 7
    hours = pl.concat([ROWS.head(1).with_columns(tag=pl.lit(f"{i:02d}")) for i in range(24)])
    assert len(named(parts_figure(hours, LIGHT, by="hour", currency="USDT", most=10))["net PnL"].y) == 24


def test_nothing_known_is_a_sentence() -> None:
    none = ROWS.tail(1)
    assert [n.text for n in parts_figure(none, LIGHT, by="x", currency="USDT").layout.annotations] == [
        "net PnL is not known"
    ]
    hours = pl.DataFrame(
        {"weekday": ["Monday"], "hour": ["05"], "n_fills": [1], "net": pl.Series([None], dtype=pl.Float64)}
    )
    assert [n.text for n in week_figure(hours, LIGHT, currency="USDT").layout.annotations] == [
        "net PnL is not known"
    ]


def test_a_week_has_a_cell_where_there_was_a_fill() -> None:
    hours = pl.DataFrame(
        {"weekday": ["Monday", "Sunday"], "hour": ["00", "23"], "n_fills": [2, 1], "net": [1.0, -4.0]}
    )
    (heat,) = week_figure(hours, LIGHT, currency="USDT").data
    assert heat.z[0][0] == 1.0
    assert heat.z[6][23] == -4.0
    assert heat.z[3][3] is None
    assert (heat.zmin, heat.zmax) == (-4.0, 4.0)


def test_two_answers_to_when_stand_side_by_side() -> None:
    rows = pl.DataFrame({"tag": ["Monday", "unallocated"], "originated": [1.0, 2.0], "accrued": [None, 0.0]})
    drawn = time_figure(rows, LIGHT, by="weekday", currency="USDT")
    assert [list(trace.y) for trace in drawn.data] == [[1.0, 2.0], [None, 0.0]]
    assert list(drawn.data[0].x) == ["Mon", "unallocated"]


def test_bots_add_up_to_the_return_over_the_benchmark() -> None:
    bots = [f"b{i}" for i in range(20)]
    table = pl.DataFrame({
        "bot": ["<b>", *bots], "allocation": [0.03, *[0.0] * 20], "selection": [0.0, *[-0.001] * 20],
        "interaction": [0.01, *[0.0] * 20],
    })  # fmt: skip
    drawn = bots_figure(table.head(1), LIGHT, against="equal weights", n_periods=3)
    (bars,) = drawn.data
    assert (list(bars.x), list(bars.measure)) == ([pytest.approx(4.0)] * 2, ["relative", "total"])
    assert drawn.layout.yaxis.ticktext[0] == "&lt;b&gt;"
    assert "over equal weights" in drawn.layout.title.text
    assert "3 months linked" in drawn.layout.title.subtitle.text
    many = bots_figure(table, DARK, against="x", n_periods=1)
    assert len(many.data[0].x) == 12 + 2  # twelve, the others, and the sum
    assert sum(many.data[0].x[:-1]) == pytest.approx(many.data[0].x[-1]) == pytest.approx(2.0)
    (note,) = bots_figure(
        table.with_columns(allocation=None), LIGHT, against="x", n_periods=1
    ).layout.annotations
    assert note.text == "there is no return to compare"
