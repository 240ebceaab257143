"""Net PnL over time with its drawdown beneath, on one time axis."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from fillbook.figures.look import Look, counted, dressed, faded
from fillbook.figures.thinning import thinned


def equity_figure(
    equity: pl.DataFrame, look: Look, *, currency: str, start: float = 0.0, height: int = 380
) -> go.Figure:
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
    """
    shown = thinned(equity, "equity")
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.72, 0.28], vertical_spacing=0.04)
    figure.add_trace(
        go.Scatter(
            x=shown["at"].to_list(),
            y=shown["equity"].to_list(),
            mode="lines",
            name="Net PnL" if not start else "Equity",
            line={"color": look.accent, "width": 1.6},
            fill=None if start else "tozeroy",
            fillcolor=faded(look.accent, 0.08),
            hovertemplate="%{y:,.2f} " + currency,
            connectgaps=False,
        ),
        row=1,
        col=1,
    )
    figure.add_trace(go.Scatter(
        x=shown["at"].to_list(), y=[None if fall is None else -fall for fall in shown["drawdown"]],
        mode="lines", name="Drawdown", line={"color": look.loss, "width": 1.0}, fill="tozeroy",
        fillcolor=faded(look.loss, 0.18), hovertemplate="%{y:,.2f} " + currency, connectgaps=False,
    ), row=2, col=1)  # fmt: skip
    drawn = counted(shown.height, "point")
    note = drawn if shown.height == equity.height else f"{drawn} of {equity.height:,}"
    title = "Equity and drawdown" if start else "Net PnL and drawdown"
    return dressed(figure, look, title=title, note=f"{currency} · {note}", height=height, rows=2)
