"""From ours to theirs, and limits over time: bars that meet, gaps that stay, few traces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from fillbook.figures.limits import limit_figure
from fillbook.figures.look import DARK, LIGHT
from fillbook.figures.peers import causes_figure
from fillbook.units import Unit

CAUSES = pl.DataFrame({"label": ["<b>fees</b>", "open"], "amount": [-3.0, 5.0]})
START = datetime(2026, 1, 1, tzinfo=UTC)


def test_each_bar_begins_where_the_one_before_ends() -> None:
    drawn = causes_figure(CAUSES, LIGHT, ours=10.0, theirs=12.0, rest=0.0, currency="USDT", peer="them")
    (bars,) = drawn.data
    assert list(bars.base) == [0.0, 10.0, 7.0, 0.0]
    assert list(bars.x) == [10.0, -3.0, 5.0, 12.0]
    assert bars.marker.color[1:3] == (LIGHT.loss, LIGHT.profit)
    assert drawn.layout.yaxis.ticktext[1] == "&lt;b&gt;fees&lt;/b&gt;"  # a name is text, never markup


def test_a_rest_is_a_bar_of_its_own() -> None:
    drawn = causes_figure(CAUSES, DARK, ours=10.0, theirs=13.0, rest=1.0, currency="USDT", peer="them")
    (bars,) = drawn.data
    assert drawn.layout.yaxis.ticktext[-2:] == ("not explained", "theirs")
    assert list(bars.base)[-2:] == [12.0, 0.0]
    coins = causes_figure(CAUSES, DARK, ours=10.0, theirs=12.001, rest=0.001, currency="BTC", peer="them")
    assert "not explained" in coins.layout.yaxis.ticktext  # a thousandth of a coin is shown, of a cent not


def series(*values: float | None) -> pl.DataFrame:
    times = [START + timedelta(minutes=i) for i in range(len(values))]
    return pl.DataFrame(
        {"at": times, "value": values}, schema={"at": pl.Datetime("us", "UTC"), "value": pl.Float64}
    )


def episodes(*rows: tuple[int, int | None]) -> pl.DataFrame:
    moments = [tuple(None if i is None else START + timedelta(minutes=i) for i in row) for row in rows]
    moment = pl.Datetime("us", "UTC")
    return pl.DataFrame(moments, schema={"start": moment, "end": moment}, orient="row")


@pytest.mark.parametrize("n", [0, 1, 150])
def test_breaches_are_one_trace_and_an_open_one_reaches_the_end(n: int) -> None:
    told = episodes(*[(i, i + 1) for i in range(n - 1)], *([(2, None)] if n else []))
    drawn = limit_figure(
        series(1.0, 9.0, None, 12.0), told, LIGHT, title="Drawdown", unit=Unit.MONEY, currency="USDT",
        levels=(10.0, 8.0),
    )  # fmt: skip
    assert len(drawn.data) == 3 + (n > 0)
    line = next(trace for trace in drawn.data if trace.name == "watched")
    assert line.connectgaps is False
    assert [float(y) for y in line.y][:2] == [1.0, 9.0]
    assert "1 not known" in drawn.layout.title.subtitle.text
    if n:
        shade = drawn.data[0]
        assert shade.x[-4] == datetime(2026, 1, 1, 0, 3)  # noqa: DTZ001  (figures have times without a zone)
        assert max(y for y in shade.y if y is not None) > 12.0


def test_what_is_not_known_is_said_and_what_is_beyond_measure_left_out() -> None:
    for values in ((None, None), (float("inf"), None)):
        drawn = limit_figure(
            series(*values),
            episodes(),
            LIGHT,
            title="Leverage",
            unit=Unit.RATIO,
            currency="",
            levels=(1.0, 0.8),
        )
        assert len(drawn.data) == 0
        assert "nothing is known" in drawn.layout.annotations[0].text
