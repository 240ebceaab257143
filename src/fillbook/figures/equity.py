"""Net PnL over time with its drawdown beneath, on one time axis."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from fillbook.figures.look import Look, dressed, ends, faded, hovered, points
from fillbook.figures.registry import figure
from fillbook.figures.thinning import thinned
from fillbook.units import counted


@figure(
    title="Net PnL and drawdown", needs="at equity drawdown is_gap",
    caption="Net PnL over time, marked to market, above its fall from the highest point so far. A shaded "
    "stretch has no price for an open position; dotted lines are unusual days.",
)  # fmt: skip
def equity_figure(
    equity: pl.DataFrame, look: Look, *, currency: str, start: float = 0.0, height: int = 380,
    unusual: Sequence[date] = (),
) -> go.Figure:  # fmt: skip
    """Equity over drawdown, 72 : 28.

    Parameters
    ----------
    equity
        ``at, equity, drawdown, is_gap`` of an `Overview`.
    look
        Light or dark.
    currency
        Of the axis.
    start
        Capital, where declared: the line the curve began at.
    height
        Pixels.
    unusual
        Days to mark.
    """
    shown = thinned(equity, "equity")
    drawn = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.72, 0.28], vertical_spacing=0.04)
    drawn.add_trace(
        go.Scatter(
            x=points(shown["at"]),
            y=points(shown["equity"]),
            mode="lines",
            name="Net PnL" if not start else "Equity",
            line={"color": look.accent, "width": 1.6},
            fill=None if start else "tozeroy",
            fillcolor=faded(look.accent, 0.08),
            hovertemplate="%{y:" + hovered(currency) + "} " + currency,
            connectgaps=False,
        ),
        row=1,
        col=1,
    )
    drawn.add_trace(go.Scatter(
        x=points(shown["at"]), y=points(-shown["drawdown"]),
        mode="lines", name="Drawdown", line={"color": look.loss, "width": 1.0}, fill="tozeroy",
        fillcolor=faded(look.loss, 0.18), connectgaps=False,
        hovertemplate="%{y:" + hovered(currency) + "} " + currency,
    ), row=2, col=1)  # fmt: skip
    drawn_points = counted(shown.height, "point")
    whole = shown.height == equity.height
    note = drawn_points if whole else f"{drawn_points} of {equity.height:,}"
    title = "Equity and drawdown" if start else "Net PnL and drawdown"
    for begun, ended in _gaps(equity):
        drawn.add_vrect(x0=begun, x1=ended, fillcolor=faded(look.neutral, 0.15), line_width=0)
    for day in unusual:
        noon = datetime.combine(day, time(12))
        drawn.add_vline(x=noon, line={"color": look.quiet, "width": 1, "dash": "dot"}, row=1, col=1)
    return dressed(
        drawn, look, title=title, note=f"{currency} · {note}", height=height, rows=2, span=ends(equity["at"])
    )


def _gaps(equity: pl.DataFrame) -> list[tuple[datetime, datetime]]:
    """Stretches without a price, from the last point before to the first after."""
    edges = equity.select(
        "at", "is_gap", before=pl.col("at").shift(1), was=pl.col("is_gap").shift(1, fill_value=False)
    )
    starts = edges.filter("is_gap", ~pl.col("was"))
    ends = edges.filter(~pl.col("is_gap"), "was")["at"].to_list()
    begun = starts.select(pl.coalesce("before", "at")).to_series().to_list()
    return list(zip(begun, [*ends, equity["at"].max()][: len(begun)], strict=True))
