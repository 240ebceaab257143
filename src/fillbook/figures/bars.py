"""Bars by sign: PnL by period, by kind, and what is traded over time."""

from __future__ import annotations

from typing import Literal

import plotly.graph_objects as go
import polars as pl

from fillbook.figures.look import Look, counted, dressed, faded, signed_colours

Period = Literal["day", "week", "month"]
_EVERY: dict[Period, str] = {"day": "1d", "week": "1w", "month": "1mo"}


def pnl_bars(
    daily: pl.DataFrame, look: Look, *, currency: str, period: Period = "day", height: int = 380
) -> go.Figure:
    """PnL of each day, week or month.

    Parameters
    ----------
    daily
        ``day, pnl`` of an `Overview`.
    look, currency, height
        Theme, unit of the axis, pixels.
    period
        What one bar adds up.
    """
    rows = daily.group_by_dynamic("day", every=_EVERY[period]).agg(pl.col("pnl").sum())
    values = rows["pnl"].fill_null(0.0).to_list()
    figure = go.Figure(
        go.Bar(
            x=rows["day"].to_list(),
            y=values,
            marker={"color": signed_colours(values, look), "line": {"width": 0}},
            hovertemplate="%{x|%d %b %Y}: %{y:+,.2f} " + currency + "<extra></extra>",
        )
    )
    note = f"{currency} · {counted(rows.height, 'day')}" if period == "day" else f"{currency} · by {period}"
    dressed(figure, look, title=f"PnL by {period}", note=note, height=height)
    return figure.update_layout(hovermode="closest")


def kind_bars(
    table: pl.DataFrame,
    look: Look,
    *,
    label: str,
    value: str,
    title: str,
    currency: str,
    height: int = 300,
) -> go.Figure:
    """One horizontal bar a kind, the best on top, its value written beside it.

    Parameters
    ----------
    table
        A row a kind.
    label, value
        Columns of the kind's name and its money.
    look, title, currency, height
        Theme, heading, unit, pixels.
    """
    rows = table.sort(value)
    values = rows[value].to_list()
    figure = go.Figure(go.Bar(
        x=values, y=rows[label].cast(pl.String).to_list(), orientation="h",
        marker={"color": signed_colours(values, look)}, cliponaxis=False,
        text=[f"{v:+,.2f}".replace("-", "\N{MINUS SIGN}") for v in values], textposition="auto",
        insidetextfont={"color": look.ground}, outsidetextfont={"color": look.ink},
        hovertemplate="%{y}: %{x:+,.2f} " + currency + "<extra></extra>",
    ))  # fmt: skip
    dressed(figure, look, title=title, note=currency, height=max(height, 80 + 30 * rows.height))
    figure.update_yaxes(side="left", showgrid=False, tickformat=None, nticks=rows.height + 1)
    figure.update_xaxes(
        showgrid=True, gridcolor=look.grid, tickformat="~s", zeroline=True, zerolinecolor=look.quiet
    )
    return figure.update_layout(hovermode="closest")


def cumulative_figure(daily: pl.DataFrame, look: Look, *, currency: str, height: int = 280) -> go.Figure:
    """Cumulative volume by day.

    Parameters
    ----------
    daily
        ``day, volume`` of an `Overview`.
    look, currency, height
        Theme, unit, pixels.
    """
    figure = go.Figure(go.Scatter(
        x=daily["day"].to_list(), y=daily["volume"].cum_sum().to_list(), mode="lines",
        line={"color": look.neutral, "width": 1.6}, fill="tozeroy", fillcolor=faded(look.neutral, 0.12),
        hovertemplate="%{y:,.0f} " + currency + "<extra></extra>",
    ))  # fmt: skip
    return dressed(figure, look, title="Cumulative volume", note=f"{currency} · by day", height=height)


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
    days = by_day["day"].to_list()
    figure = go.Figure(
        [
            go.Bar(x=days, y=by_day["won"].to_list(), name="won", marker={"color": look.profit}),
            go.Bar(
                x=days,
                y=[-n for n in by_day["lost"].cast(pl.Int64)],
                name="lost",
                customdata=by_day["lost"].to_list(),
                hovertemplate="%{customdata}",
                marker={"color": look.loss},
            ),
        ]
    )
    figure.update_layout(barmode="relative")
    return dressed(
        figure,
        look,
        title="Round trips won and lost",
        note=counted(trips.height, "trade"),
        height=height,
    )
