"""What running bots earned since midnight."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from fillbook.figures.look import Look, dressed, ends, faded, hovered, points
from fillbook.figures.registry import figure


@figure(
    title="PnL today", needs="at pnl",
    caption="Net PnL of all bots shown since midnight, or their first fill: what was realised, less fees, "
    "and what open positions gained. The line is broken where an open position has no price.",
)  # fmt: skip
def today_figure(curve: pl.DataFrame, look: Look, *, currency: str, height: int = 240) -> go.Figure:
    """PnL since midnight.

    Parameters
    ----------
    curve
        ``at, pnl`` of a `Live`.
    look, currency, height
        Theme, unit of the axis, pixels.
    """
    drawn = go.Figure(go.Scatter(
        x=points(curve["at"]), y=points(curve["pnl"]), mode="lines", name="PnL today", connectgaps=False,
        line={"color": look.accent, "width": 1.8}, fill="tozeroy", fillcolor=faded(look.accent, 0.1),
        hovertemplate="%{y:" + hovered(currency, signed=True) + "} " + currency + "<extra></extra>",
    ))  # fmt: skip
    return dressed(drawn, look, title="PnL today", note=currency, height=height, span=ends(curve["at"]))
