"""What positions would lose: crashes as bars, steps as a grid."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from fillbook.figures.execution import said_empty
from fillbook.figures.look import TICKS, Look, dressed, faded, plain
from fillbook.figures.registry import figure
from fillbook.units import MINUS, NO_VALUE, Unit, format_value

_MEASURES = {"to_low": "to the lowest price", "worst_day": "on the worst day"}
_WHOLE = 1.0 - 1e-9
_THOUSANDS = 9_999.5


@figure(
    title="Crashes on the positions of the end",
    needs="scenario measure change known_change coverage liquidated",
    caption="What the positions held at the end would make if a crash of the past came again: on its "
    "worst day (light), and from the day before to the lowest price (dark). Linear, without "
    "re-hedging. A share in brackets says how much of the exposure has a known move; an × ends in "
    "liquidation.",
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
        share = 1.0 if measure == "to_low" else 0.5
        drawn.add_trace(go.Bar(
            x=values, y=[_named(name) for name in rows["scenario"]], orientation="h", name=words,
            marker={"color": [faded(look.loss if (v or 0.0) < 0.0 else look.profit, share) for v in values]},
            text=[_said(row, currency) for row in rows.iter_rows(named=True)], textposition="outside",
            outsidetextfont={"color": look.ink, "size": 11}, cliponaxis=False,
            hovertemplate="%{y} " + words + ": %{text} " + currency + "<extra></extra>",
        ))  # fmt: skip
    note = f"{currency} · light: worst day · dark: to the low"
    dressed(drawn, look, title="Crashes on the positions of the end", note=note, height=height)
    if totals.is_empty():
        return said_empty(drawn, look, "nothing is held at the end")
    known = totals.select(pl.coalesce("change", "known_change").fill_null(0.0)).to_series().to_list()
    room = 0.6 * max(*known, -min(known), 1e-9)  # for the words beside the bars
    low, high = min(0.0, *known), max(0.0, *known)
    drawn.update_xaxes(
        showgrid=True, gridcolor=look.grid, zeroline=True, zerolinecolor=look.quiet, **TICKS, nticks=4,
        range=[low - room * (low < 0.0), high + room * (high > 0.0)],
    )  # fmt: skip
    drawn.update_yaxes(side="left", showgrid=False, tickformat=None, nticks=totals.height)
    return drawn.update_layout(hovermode="closest", barmode="group")


def _named(scenario: str) -> str:
    """``2020-03-12 Black Thursday`` in two lines."""
    day, _, name = scenario.partition(" ")
    return f"{plain(name)}<br>{day}"


def _said(row: dict[str, object], currency: str) -> str:
    """The change in words of a bar: whole, in part, unknown; and whether it ends in liquidation."""
    value = row["change"] if row["change"] is not None else row["known_change"]
    if not isinstance(value, float):
        return f"{NO_VALUE} not known"
    text = format_value(value, Unit.MONEY, currency=currency, signed=True)
    share = row["coverage"]
    if row["change"] is None and isinstance(share, float) and share < _WHOLE:
        text += f" ({share:.0%})"
    return f"× {text}" if row["liquidated"] else text


@figure(
    title="If one price moved", needs="asset step change",
    caption="What the positions of the end would make if one asset moved by a step and the others stood "
    "still: orange loses, teal gains, the last row is all of them together. Linear, without "
    "re-hedging.",
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
    names = [f"{step:+.0%}".replace("-", MINUS) for step in steps["step"].unique().sort().to_list()]
    rows = [steps.filter(asset=asset).sort("step")["change"].to_list() for asset in assets]
    if totals.height and len(assets) > 1:
        rows.append(totals["change"].to_list())
        assets = [*assets, "all together"]
    largest = max((abs(cell) for row in rows for cell in row if cell is not None), default=0.0) or 1.0
    texts = [
        ["" if cell is None else _short(cell) for cell in row] for row in rows
    ]  # fmt: skip
    drawn = go.Figure(go.Heatmap(
        z=rows, x=names, y=[plain(asset) for asset in assets], zmin=-largest, zmax=largest, text=texts,
        colorscale=[(0.0, look.loss), (0.5, look.ground), (1.0, look.profit)], xgap=2, ygap=2,
        texttemplate="%{text}", textfont={"size": 10}, showscale=False,
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


def _short(value: float) -> str:
    """Money as it fits into a cell: whole units where there are many."""
    if abs(value) >= _THOUSANDS:
        return f"{value / 1e3:+,.0f}k".replace("-", MINUS)
    if abs(value) >= 1.0:
        return format_value(value, Unit.COUNT, signed=True)
    return "0" if value == 0.0 else f"{value:+.1g}".replace("-", MINUS)
