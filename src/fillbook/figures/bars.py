"""Bars by sign: PnL by period, by kind, and what is traded over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

import plotly.graph_objects as go
import polars as pl

from fillbook.figures.look import (
    TICKS,
    Look,
    Span,
    dressed,
    ends,
    faded,
    hovered,
    legend_above,
    lone,
    plain,
    shortened,
    signed_colours,
)
from fillbook.figures.registry import figure
from fillbook.units import Unit, counted, format_value

Period = Literal["hour", "day", "week", "month"]
_EVERY: dict[Period, str] = {"hour": "1h", "day": "1d", "week": "1w", "month": "1mo"}
_SHOWN: dict[Period, str] = {"hour": "%d %b %Y %H:%M", "day": "%d %b %Y", "week": "week of %d %b %Y",
                             "month": "%b %Y"}  # fmt: skip


def by_period(pnl: pl.DataFrame, period: Period) -> pl.DataFrame:
    """``start, end, pnl``: sums of a column of times and ``pnl``; null where a part is unknown.

    `end` is where the next period starts. Weeks start on Monday.
    """
    time = pnl.columns[0]
    sums = pnl.group_by_dynamic(time, every=_EVERY[period]).agg(
        pl.when(pl.col("pnl").null_count() == 0).then(pl.col("pnl").sum())
    )
    return sums.select(start=pl.col(time), end=pl.col(time).dt.offset_by(_EVERY[period]), pnl=pl.col("pnl"))


@figure(
    title="PnL by period", needs="start end pnl",
    caption="PnL of each period, marked to market at its ends; a ring marks what is unusual. Pick a bar "
    "to see that period alone.",
)  # fmt: skip
def pnl_bars(
    table: pl.DataFrame, look: Look, *, currency: str, period: Period = "day", height: int = 380,
    unusual: Sequence[date] = (),
) -> go.Figure:  # fmt: skip
    """PnL of each hour, day, week or month.

    Parameters
    ----------
    table
        Answer of `by_period`.
    look, currency, height
        Theme, unit of the axis, pixels.
    period
        What one bar adds up.
    unusual
        Days to mark, where bars are days.
    """
    values = table["pnl"].to_list()
    known = [value or 0.0 for value in values]
    drawn = go.Figure(go.Bar(
        x=table["start"].to_list(), y=values, name="PnL",
        marker={"color": signed_colours(known, look), "line": {"width": 0}},
        customdata=table.select(pl.col("start", "end").cast(pl.String)).rows(),
        hovertemplate="%{x|" + _SHOWN[period] + "}: %{y:" + hovered(currency, signed=True) + "} " + currency
                      + "<extra></extra>",
    ))  # fmt: skip
    marked = table.filter(pl.col("start").is_in(list(unusual))) if period == "day" else table.clear()
    if marked.height:
        drawn.add_trace(go.Scatter(
            x=marked["start"].to_list(), y=marked["pnl"].to_list(), mode="markers", hoverinfo="skip",
            marker={"symbol": "circle-open", "size": 11, "color": look.ink, "line": {"width": 1.5}},
        ))  # fmt: skip
    note = f"{currency} · {counted(table.height, period)}"
    dressed(drawn, look, title=f"PnL by {period}", note=note, height=height, span=ends(table["start"]))
    return lone(drawn, table["start"]).update_layout(hovermode="closest")


@figure(
    title="By kind", needs="label value",
    caption="Money by kind, the best on top; pick a bar to see that kind alone.",
)  # fmt: skip
def kind_bars(
    table: pl.DataFrame,
    look: Look,
    *,
    label: str,
    value: str,
    title: str,
    currency: str,
    height: int = 300,
    span: Span | None = None,
) -> go.Figure:
    """One horizontal bar a kind, the best on top, its value written beside it.

    Parameters
    ----------
    table
        A row a kind.
    label, value
        Columns of the kind's name and its money.
    look, title, currency, height, span
        Theme, heading, unit, pixels, the period the sums are over.
    """
    rows = table.sort(value, nulls_last=False)
    values = [v or 0.0 for v in rows[value]]
    names = rows[label].cast(pl.String).to_list()
    drawn = go.Figure(go.Bar(
        x=values, y=[plain(shortened(name)) for name in names], orientation="h",
        customdata=rows[label].cast(pl.String).to_list(),
        marker={"color": signed_colours(values, look)}, cliponaxis=False,
        text=[format_value(v, Unit.MONEY, currency=currency, signed=True) for v in values],
        textposition="auto",
        insidetextfont={"color": look.ground}, outsidetextfont={"color": look.ink},
        hovertext=[plain(name) for name in names],
        hovertemplate="%{hovertext}: %{x:" + hovered(currency, signed=True) + "} " + currency
                      + "<extra></extra>",
    ))  # fmt: skip
    dressed(drawn, look, title=title, note=currency, height=max(height, 92 + 30 * rows.height), span=span)
    drawn.update_yaxes(side="left", showgrid=False, tickformat=None, nticks=rows.height + 1)
    drawn.update_xaxes(showgrid=True, gridcolor=look.grid, **TICKS, zeroline=True, zerolinecolor=look.quiet)
    return drawn.update_layout(hovermode="closest")


@figure(
    title="Cumulative volume", needs="day volume",
    caption="Value of all fills up to the end of each day, both sides counted.",
)  # fmt: skip
def cumulative_figure(daily: pl.DataFrame, look: Look, *, currency: str, height: int = 280) -> go.Figure:
    """Cumulative volume by day.

    Parameters
    ----------
    daily
        ``day, volume`` of an `Overview`.
    look, currency, height
        Theme, unit, pixels.
    """
    drawn = go.Figure(go.Scatter(
        x=daily["day"].to_list(), y=daily["volume"].cum_sum().to_list(), mode="lines",
        line={"color": look.neutral, "width": 1.6}, fill="tozeroy", fillcolor=faded(look.neutral, 0.12),
        hovertemplate="%{y:,.0f} " + currency + "<extra></extra>",
    ))  # fmt: skip
    note = f"{currency} · {counted(daily.height, 'day')}"
    span = ends(daily["day"])
    dressed(drawn, look, title="Cumulative volume", note=note, height=height, span=span)
    return lone(drawn, daily["day"])


@figure(
    title="Round trips won and lost", needs="exit_at net_quote",
    caption="How many round trips closed each day after fees with a gain, above the line, and a loss, below.",
)  # fmt: skip
def win_loss_figure(trips: pl.DataFrame, look: Look, *, height: int = 280) -> go.Figure:
    """Won and lost round trips by day of their exit, gains above the line, losses below.

    Parameters
    ----------
    trips
        Closed round trips: ``exit_at, net_quote``.
    look, height
        Theme, pixels.
    """
    by_day = trips.group_by(day=pl.col("exit_at").dt.date()).agg(
        won=(pl.col("net_quote") > 0.0).sum(), lost=(pl.col("net_quote") < 0.0).sum()
    ).sort("day")  # fmt: skip
    days, lost = by_day["day"].to_list(), by_day["lost"].cast(pl.Int64)
    drawn = go.Figure([
        go.Bar(x=days, y=by_day["won"].to_list(), name="won", marker={"color": look.profit}),
        go.Bar(
            x=days, y=(-lost).to_list(), name="lost", customdata=lost.to_list(),
            hovertemplate="%{customdata}", marker={"color": look.loss},
        ),
    ])  # fmt: skip
    drawn.update_layout(barmode="relative")
    note = counted(trips.height, "trade")
    span = ends(by_day["day"])
    dressed(drawn, look, title="Round trips won and lost", note=note, height=height, span=span)
    return legend_above(lone(drawn, by_day["day"]))
