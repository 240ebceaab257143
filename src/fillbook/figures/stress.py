"""What positions would lose: crashes as bars, steps as a grid."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from fillbook.figures.execution import said_empty
from fillbook.figures.look import TICKS, Look, dressed, faded, legend_above, plain
from fillbook.figures.registry import figure
from fillbook.units import NO_VALUE, Unit, format_value

_MEASURES = {"to_low": "to the lowest price", "worst_day": "on the worst day"}
_WHOLE = 1.0 - 1e-9


@figure(
    title="Crashes on the positions of today",
    needs="scenario measure change known_change coverage liquidated",
    caption="What the positions held at the end would make if a crash of the past came again: on its "
    "worst day (light), and from the day before to the lowest price (dark). Linear, without re- "
    "hedging. A hatched bar is the part whose move is known; an × ends in liquidation.",
)  # fmt: skip
def crash_figure(totals: pl.DataFrame, look: Look, *, currency: str, height: int = 380) -> go.Figure:
    """Two bars a crash.

    Parameters
    ----------
    totals
        Of the crashes of a `Stress`.
    look, currency, height
        Theme, unit, pixels.
    """
    drawn = go.Figure()
    for measure, words in _MEASURES.items():
        rows = totals.filter(measure=measure).reverse()
        values = rows.select(pl.coalesce("change", "known_change")).to_series().to_list()
        is_part = rows["change"].is_null().to_list()
        share = 1.0 if measure == "to_low" else 0.5
        drawn.add_trace(go.Bar(
            x=values, y=[plain(name) for name in rows["scenario"]], orientation="h", name=words,
            marker={
                "color": [faded(look.loss if (v or 0.0) < 0.0 else look.profit, share) for v in values],
                "pattern": {"shape": ["/" if one else "" for one in is_part]},
            },
            text=[_said(row, currency) for row in rows.iter_rows(named=True)], textposition="auto",
            insidetextfont={"color": look.ink}, outsidetextfont={"color": look.ink}, cliponaxis=False,
            hovertemplate="%{y} " + words + ": %{text} " + currency + "<extra></extra>",
        ))  # fmt: skip
    note = f"{currency} · linear, no re-hedging"
    dressed(drawn, look, title="Crashes on the positions of today", note=note, height=height)
    if totals.is_empty():
        return said_empty(drawn, look, "nothing is held at the end")
    drawn.update_yaxes(side="left", showgrid=False, tickformat=None, nticks=totals.height)
    drawn.update_xaxes(showgrid=True, gridcolor=look.grid, zeroline=True, zerolinecolor=look.quiet, **TICKS)
    drawn.update_layout(hovermode="closest", barmode="group")
    return legend_above(drawn).update_layout(legend={"traceorder": "reversed"})


def _said(row: dict[str, object], currency: str) -> str:
    """The change in words of a bar: whole, in part, unknown; and whether it ends in liquidation."""
    value = row["change"] if row["change"] is not None else row["known_change"]
    if not isinstance(value, float):
        return f"{NO_VALUE} not known"
    text = format_value(value, Unit.MONEY, currency=currency, signed=True)
    share = row["coverage"]
    if row["change"] is None and isinstance(share, float) and share < _WHOLE:
        text += f" of {share:.0%} that is known"
    return f"× {text}" if row["liquidated"] else text


@figure(
    title="If one price moved", needs="asset step change",
    caption="What the positions of the end would make if one asset moved by a step and the others stood "
    "still: orange loses, teal gains, the last row is all of them together. Linear, without re- "
    "hedging.",
)  # fmt: skip
def step_figure(
    steps: pl.DataFrame, totals: pl.DataFrame, look: Look, *, currency: str, most: int = 15, height: int = 300
) -> go.Figure:
    """Heatmap of the change by asset and step.

    Parameters
    ----------
    steps
        ``asset, step, change`` of a `Stress`.
    totals
        Of its grid: every asset at once.
    look, currency, height
        Theme, unit, pixels.
    most
        Assets drawn at most, the largest first.
    """
    assets = steps["asset"].unique(maintain_order=True).to_list()[:most]
    names = [f"{step:+.0%}" for step in steps["step"].unique().sort().to_list()]
    rows = [steps.filter(asset=asset).sort("step")["change"].to_list() for asset in assets]
    if totals.height and len(assets) > 1:
        rows.append(totals["change"].to_list())
        assets = [*assets, "all together"]
    largest = max((abs(cell) for row in rows for cell in row if cell is not None), default=0.0) or 1.0
    texts = [
        ["" if cell is None else _short(cell, currency) for cell in row] for row in rows
    ]  # fmt: skip
    drawn = go.Figure(go.Heatmap(
        z=rows, x=names, y=[plain(asset) for asset in assets], zmin=-largest, zmax=largest, text=texts,
        colorscale=[(0.0, look.loss), (0.5, look.ground), (1.0, look.profit)], xgap=2, ygap=2,
        texttemplate="%{text}", textfont={"size": 11}, showscale=False,
        hovertemplate="%{y} %{x}: %{z:+,.2f} " + currency + "<extra></extra>",
    ))  # fmt: skip
    tall = max(height, 120 + 34 * len(rows))
    note = f"{currency} · linear, no re-hedging"
    dressed(drawn, look, title="If one price moved", note=note, height=tall)
    if not rows:
        return said_empty(drawn, look, "nothing is held at the end")
    drawn.update_xaxes(type="category", nticks=len(names))
    drawn.update_yaxes(
        side="left", autorange="reversed", showgrid=False, tickformat=None, nticks=len(assets) + 1,
        type="category",
    )  # fmt: skip
    return drawn.update_layout(hovermode="closest")


def _short(value: float, currency: str) -> str:
    """Money as it fits into a cell: whole units where there are many."""
    if abs(value) >= 100.0:
        return format_value(value, Unit.COUNT, signed=True)
    return format_value(value, Unit.MONEY, currency=currency, signed=True)
