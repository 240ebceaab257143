"""What became of orders: fill rates by hour and level, how long they waited, how late they were filled."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import polars as pl

from fillbook.figures.execution import said_empty
from fillbook.figures.look import Look, dressed, faded, plain, shortened
from fillbook.figures.registry import figure
from fillbook.units import counted, format_duration

FEW = 10  # orders of a cell below which its rate is drawn weaker
_WEAK = 0.35
_HOURS = list(range(24))
_SHARES = (0.5, 0.9, 0.99)
_MOST_POINTS = 400
_LONGEST = 3.0  # times the last quantile: what lies further is said, not drawn
_ENOUGH = 100  # values behind a p99
_FIRST_S = 0.1  # a wait shorter than this is drawn here: the axis is logarithmic
_TICKS_S = (0.1, 1.0, 10.0, 60.0, 600.0, 3_600.0, 86_400.0, 864_000.0)


@figure(
    title="Fill rate by hour and level", needs="side level hour n_terminal n_filled fill_rate",
    caption="Share of the limit orders of each side and level that were filled at least in part, by the hour "
    "(UTC) in which they were made; the outermost ask is on top. Pale cells have fewer than ten orders.",
)  # fmt: skip
def fill_rate_figure(rates: pl.DataFrame, look: Look, *, height: int = 300) -> go.Figure:
    """Heatmap of fill rates.

    Parameters
    ----------
    rates
        Answer of `fillbook.analysis.execution_groups.hour_by_level`.
    look, height
        Theme, pixels at least.
    """
    rows = rates.select("side", "level").unique().with_columns(
        place=pl.col("level").cast(pl.Float64, strict=False)
    ).sort("side", pl.col("side") * pl.col("place"), "level", nulls_last=True)  # fmt: skip
    keys = rows.select("side", "level").rows()
    names = [
        f"{'bid' if side > 0 else 'ask'} {plain(shortened(str(level or '?'), 14))}" for side, level in keys
    ]
    cells = {(row["side"], row["level"], int(row["hour"])): row for row in rates.iter_rows(named=True)}
    drawn = go.Figure()
    for is_few in (False, True):
        drawn.add_trace(_cells(keys, names, cells, look, is_few=is_few))
    note = f"% of {counted(int(rates['n_terminal'].sum()), 'limit order')} that ended · hours in UTC"
    tall = max(height, 110 + 26 * len(names))
    dressed(drawn, look, title="Fill rate by hour and level", note=note, height=tall)
    if not names:
        return said_empty(drawn, look, "no limit order has ended")
    drawn.update_xaxes(tickvals=_HOURS[::3], ticktext=[f"{hour:02d}" for hour in _HOURS[::3]], nticks=None)
    drawn.update_yaxes(
        side="left", autorange="reversed", showgrid=False, zeroline=False, ticks="", nticks=len(names) + 1
    )
    return drawn.update_layout(hovermode="closest")


def _cells(
    keys: list[tuple[int, str]], names: list[str], cells: dict[tuple[int, str, int], dict[str, float]],
    look: Look, *, is_few: bool,
) -> go.Heatmap:  # fmt: skip
    """Cells of many orders, or those of few."""
    grid = [
        [
            cell if (cell := cells.get((*key, hour))) and (cell["n_terminal"] < FEW) == is_few else None
            for hour in _HOURS
        ]
        for key in keys
    ]
    return go.Heatmap(
        z=[[None if cell is None else 100.0 * cell["fill_rate"] for cell in row] for row in grid],
        x=_HOURS, y=names, zmin=0.0, zmax=100.0, colorscale=[(0.0, look.grid), (1.0, look.accent)],
        xgap=1, ygap=1, opacity=_WEAK if is_few else 1.0, showscale=False, hoverongaps=False,
        texttemplate="%{z:.0f}", textfont={"size": 11, **({"color": look.ink} if is_few else {})},
        customdata=[
            ["" if cell is None else f"{cell['n_filled']:,} of {counted(int(cell['n_terminal']), 'order')}"
             for cell in row]
            for row in grid
        ],
        hovertemplate="%{y}, %{x}:00–%{x}:59<br>%{z:.1f} % filled<br>%{customdata}<extra></extra>",
    )  # fmt: skip


@figure(
    title="From decision to first fill", needs="latency_s",
    caption="Share of the orders that trade at once which had their first fill within so many seconds of the "
    "bot's decision. Fills are stamped by a clock that ticks, so a time may be a tick early, and negative.",
)  # fmt: skip
def latency_figure(
    orders: pl.DataFrame, look: Look, *, tick_s: float | None = None, height: int = 340
) -> go.Figure:
    """Share of orders filled within each time, with its quantiles.

    Parameters
    ----------
    orders
        Orders of an `Execution`.
    look, height
        Theme, pixels.
    tick_s
        Resolution of the times of fills.
    """
    values = np.sort(orders["latency_s"].drop_nulls().to_numpy())
    clock = "" if tick_s is None else f" · clock ticks every {format_duration(tick_s)}"
    note = f"s · {counted(values.size, 'order')}{clock}"
    drawn = go.Figure()
    if not values.size:
        dressed(drawn, look, title="From decision to first fill", note=note, height=height)
        return said_empty(drawn, look, "no order traded at once")
    share = np.arange(1, values.size + 1) / values.size
    place = np.unique(np.linspace(0, values.size - 1, min(_MOST_POINTS, values.size)).astype(int))
    drawn.add_trace(go.Scatter(
        x=[values[0], *values[place]], y=[0.0, *share[place]], mode="lines",
        line={"color": look.accent, "width": 2, "shape": "hv"},
        hovertemplate="%{y:.1%} within %{x:.4g} s<extra></extra>",
    ))  # fmt: skip
    rank = [min(int(np.ceil(q * values.size - 1e-9)), values.size) - 1 for q in _SHARES]
    last = float(values[rank[-1]])
    far = last + _LONGEST * (last - float(values[0]) or abs(last))
    if float(values[-1]) > far:
        note += f" · the longest took {format_duration(float(values[-1]))}"
    dressed(drawn, look, title="From decision to first fill", note=note, height=height)
    low, high = float(values[0]), min(float(values[-1]), far)
    width = (high - low) or max(abs(high), 1.0)
    drawn.update_xaxes(range=[low - 0.04 * width, high + 0.08 * width], zeroline=True,
                       zerolinecolor=look.quiet, tickformat=".4~g", ticksuffix=" s")  # fmt: skip
    for q, r in zip(_SHARES, rank, strict=True):
        if q < _SHARES[-1] or values.size >= _ENOUGH:
            _marked(drawn, look, float(values[r]), q, is_left=(values[r] - low) > 0.6 * width)
    drawn.update_yaxes(tickformat=".0%", range=[0.0, 1.06])
    return drawn.update_layout(hovermode="closest")


def _marked(drawn: go.Figure, look: Look, value: float, share: float, *, is_left: bool) -> None:
    """A quantile: a dotted line down to the axis, and its value beside the curve."""
    drawn.add_trace(go.Scatter(
        x=[value, value], y=[0.0, share], mode="lines", hoverinfo="skip",
        line={"color": look.neutral, "width": 1, "dash": "dot"},
    ))  # fmt: skip
    text = f"p{100 * share:.0f}  {format_duration(value)}"
    drawn.add_annotation(
        x=value,
        y=share,
        text=text,
        showarrow=False,
        xanchor="right" if is_left else "left",
        xshift=-8 if is_left else 8,
        yshift=-9,
        font={"color": look.ink, "size": 12},
    )


@figure(
    title="How long orders waited", needs="seconds waiting at_risk",
    caption="Share of the limit orders still without a fill so long after they were made; cancelled ones "
    "count as waiting until they were cancelled (Kaplan–Meier).",
)  # fmt: skip
def waits_figure(
    waits: pl.DataFrame, look: Look, *, n_orders: int, median_s: float | None = None, height: int = 340
) -> go.Figure:
    """Survival of limit orders without a fill.

    Parameters
    ----------
    waits
        Curve of an `Execution`.
    look, height
        Theme, pixels.
    n_orders
        Limit orders behind it.
    median_s
        Time after which half of them have a fill; None where that never comes.
    """
    drawn = go.Figure()
    note = f"still without a fill · {counted(n_orders, 'limit order')}"
    dressed(drawn, look, title="How long orders waited", note=note, height=height)
    if waits.is_empty():
        return said_empty(drawn, look, "there is no limit order")
    seconds = np.maximum(waits["seconds"].to_numpy(), _FIRST_S)
    first, last = float(seconds[0]), float(seconds[-1])
    start = min(max(first / 2.0, _FIRST_S), 1.0)
    drawn.add_trace(go.Scatter(
        x=[start, *seconds], y=[1.0, *waits["waiting"]], mode="lines", fill="tozeroy",
        line={"color": look.accent, "width": 2, "shape": "hv"}, fillcolor=faded(look.accent, 0.10),
        customdata=[
            ("the start", n_orders),
            *zip(map(format_duration, waits["seconds"]), waits["at_risk"], strict=True),
        ],
        hovertemplate="after %{customdata[0]}: %{y:.1%} still wait<br>%{customdata[1]:,} at risk"
                      "<extra></extra>",
    ))  # fmt: skip
    if median_s is not None:
        median = max(median_s, _FIRST_S)
        drawn.add_trace(go.Scatter(
            x=[start, median, median], y=[0.5, 0.5, 0.0], mode="lines", hoverinfo="skip",
            line={"color": look.neutral, "width": 1, "dash": "dot"},
        ))  # fmt: skip
        is_right = np.log(median / start) > 0.6 * np.log(max(last / start, 2.0))
        drawn.add_annotation(
            x=np.log10(median), y=0.5, text=f"half after {format_duration(median_s)}", showarrow=False,
            xanchor="right" if is_right else "left", xshift=-8 if is_right else 8,
            yshift=-10 if is_right else 10,
            font={"color": look.ink, "size": 12},
        )  # fmt: skip
    else:
        drawn.add_annotation(
            text="fewer than half were ever filled", x=0.5, y=0.25, xref="paper", showarrow=False,
            font={"color": look.ink, "size": 12},
        )  # fmt: skip
    ticks = [tick for tick in _TICKS_S if start <= tick <= 1.2 * last] or [first]
    drawn.update_xaxes(
        type="log", tickvals=ticks, ticktext=[format_duration(tick) for tick in ticks], nticks=None,
        range=[np.log10(start), np.log10(max(last, 2.0 * start))],
    )  # fmt: skip
    drawn.update_yaxes(tickformat=".0%", range=[0.0, 1.04])
    return drawn.update_layout(hovermode="closest")
