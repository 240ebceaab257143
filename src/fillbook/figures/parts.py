"""Parts side by side: risk against return, correlation, what assets tie up and earn."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import polars as pl

from fillbook.arrays import Floats
from fillbook.figures.look import (
    TICKS,
    Look,
    Span,
    dressed,
    ends,
    faded,
    hovered,
    legend_above,
    legend_below,
    lone,
    plain,
    shortened,
    signed_colours,
)
from fillbook.figures.registry import figure
from fillbook.units import Unit, counted, format_value

_NAMED = 3  # points of a scatter with a name beside them
_MOST_BINS = 60
_NUMBERED = 12  # cells in a row up to which a heatmap prints its numbers


@figure(
    title="Return against risk", needs="part net daily deviation volume",
    caption="Mean PnL a day over its deviation, a point a strategy; the area of a point is its volume. "
    "Draw a box around points to see those alone.",
)  # fmt: skip
def risk_return_figure(
    table: pl.DataFrame, look: Look, *, currency: str, height: int = 340, span: Span | None = None
) -> go.Figure:
    """Mean daily PnL over its deviation, a point a part.

    Parameters
    ----------
    table
        Table of `fillbook.analysis.parts.Parts`.
    look, currency, height, span
        Theme, unit of both axes, pixels, period.
    """
    known = table.filter(pl.col("deviation").is_not_null(), pl.col("net").is_not_null())
    mean = (known["net"] / known["daily"].list.len()).to_list()
    share = (known["volume"] / (known["volume"].max() or 1.0)).fill_null(0.0)
    unusual = set(known["net"].abs().arg_sort(descending=True).head(_NAMED).to_list())
    texts = [plain(name) for name in known["part"]]
    names = [plain(shortened(name, 20)) if i in unusual else "" for i, name in enumerate(known["part"])]
    drawn = go.Figure(go.Scatter(
        x=known["deviation"].to_list(), y=mean, mode="markers+text", text=names, textposition="top center",
        textfont={"color": look.quiet, "size": 11}, customdata=known["part"].to_list(), hovertext=[
            f"{text}, volume {volume or 0.0:,.0f}"
            for text, volume in zip(texts, known["volume"], strict=True)
        ],
        marker={"size": (8.0 + 22.0 * share.sqrt()).to_list(), "color": signed_colours(mean, look),
                "opacity": 0.8, "line": {"width": 1, "color": look.ground}},
        hovertemplate="%{hovertext}<br>%{y:" + hovered(currency, signed=True) + "} a day ± %{x:"
                      + hovered(currency) + "} " + currency + "<extra></extra>",
    ))  # fmt: skip
    note = f"{currency} a day · area is volume"
    dressed(drawn, look, title="Return against risk", note=note, height=height, span=span)
    widest = float(known["deviation"].max() or 1.0)  # type: ignore[arg-type]
    drawn.update_xaxes(title="deviation of daily PnL", range=[-0.12 * widest, 1.25 * widest], **TICKS)
    return drawn.update_layout(hovermode="closest")


@figure(
    title="Correlation of daily PnL", needs="part",
    caption="How far strategies win and lose on the same days: 1 together, −1 against one another.",
)  # fmt: skip
def correlation_figure(
    names: list[str], matrix: Floats, look: Look, *, days: int, height: int = 340,
    span: Span | None = None, title: str = "Correlation of daily PnL",
) -> go.Figure:  # fmt: skip
    """Heatmap of a correlation matrix around zero.

    Parameters
    ----------
    names, matrix
        Parts in order, and their correlations; NaN is left blank.
    look, days, height, span, title
        Theme, number of days behind each figure, pixels, period, heading.
    """
    texts = [plain(name) for name in names]
    short = [plain(shortened(name, 18)) for name in names]
    places = list(range(len(names)))
    drawn = go.Figure(go.Heatmap(
        z=[[None if np.isnan(cell) else round(cell, 4) for cell in row] for row in matrix.tolist()],
        x=places, y=places, zmin=-1.0, zmax=1.0,
        colorscale=[(0.0, look.loss), (0.5, look.ground), (1.0, look.profit)], xgap=1, ygap=1,
        texttemplate="%{z:.2f}" if len(names) <= _NUMBERED else None, textfont={"size": 11},
        colorbar={"thickness": 8, "outlinewidth": 0, "tickvals": [-1, 0, 1]},
        customdata=[[(a, b) for b in texts] for a in texts],
        hovertemplate="%{customdata[0]}<br>%{customdata[1]}: %{z:.2f}<extra></extra>",
    ))  # fmt: skip
    dressed(drawn, look, title=title, note=counted(days, "day"), height=height, span=span)
    drawn.update_xaxes(tickvals=places, ticktext=short, tickangle=-40, nticks=None)
    drawn.update_yaxes(tickvals=places, ticktext=short, side="left", autorange="reversed", tickformat=None,
                       showgrid=False)  # fmt: skip
    return drawn.update_layout(hovermode="closest")


@figure(
    title="Money tied up and earned", needs="asset share share_net",
    caption="Each asset's share of the mean exposure beside its share of what was won and lost.",
)  # fmt: skip
def allocation_figure(
    table: pl.DataFrame, look: Look, *, height: int = 300, most: int = 10, span: Span | None = None
) -> go.Figure:
    """Share of exposure and share of PnL, a pair of bars an asset.

    Parameters
    ----------
    table
        Answer of `fillbook.analysis.exposure.allocation`.
    look, height, most, span
        Theme, pixels, assets drawn at most, period.
    """
    rows = table.head(most).reverse()
    assets, won = [plain(asset) for asset in rows["asset"]], rows["share_net"].to_list()
    drawn = go.Figure([
        go.Bar(
            x=rows["share"].to_list(), y=assets, name="of the exposure", orientation="h",
            marker={"color": look.neutral, "opacity": 0.55},
            hovertemplate="%{y}: %{x:.1%} of the exposure<extra></extra>",
        ),
        go.Bar(
            x=won, y=assets, name="of gains and losses", orientation="h",
            marker={"color": signed_colours([v or 0.0 for v in won], look)},
            hovertemplate="%{y}: %{x:+.1%} of gains and losses<extra></extra>",
        ),
    ])  # fmt: skip
    tall = max(height, 122 + 34 * rows.height)
    dressed(drawn, look, title="Money tied up and earned", note="shares of the whole", height=tall, span=span)
    drawn.update_xaxes(tickformat="~%", showgrid=True, gridcolor=look.grid, zeroline=True)
    drawn.update_yaxes(side="left", showgrid=False, tickformat=None, nticks=rows.height + 1)
    drawn.update_layout(barmode="group", hovermode="closest")
    return legend_above(drawn)


@figure(
    title="Exposure", needs="day gross net",
    caption="Value of all positions at the end of each day: longs and shorts added, and set off; the largest "
    "assets, each set off over all exchanges.",
)  # fmt: skip
def exposure_figure(
    table: pl.DataFrame, look: Look, *, currency: str, height: int = 300, most: int = 4
) -> go.Figure:
    """Gross and net exposure, and the largest assets, at the end of each day.

    Parameters
    ----------
    table
        Answer of `fillbook.analysis.exposure.exposure`.
    look, currency, height, most
        Theme, unit, pixels, assets drawn at most.
    """
    days = table["day"].to_list()
    assets = sorted(
        table.columns[3:], key=lambda name: float(table[name].abs().sum() or 0.0), reverse=True
    )[:most]  # fmt: skip
    drawn = go.Figure([
        go.Scatter(x=days, y=table["gross"].to_list(), name="gross", mode="lines", fill="tozeroy",
                   line={"color": look.neutral, "width": 1.2}, fillcolor=faded(look.neutral, 0.12)),
        go.Scatter(x=days, y=table["net"].to_list(), name="net", mode="lines",
                   line={"color": look.accent, "width": 2}),
    ])  # fmt: skip
    dashes = ("dot", "dash", "dashdot", "longdash")
    colours = (look.fee, look.funding, look.profit, look.loss)
    for i, asset in enumerate(assets):
        drawn.add_trace(go.Scatter(
            x=days, y=table[asset].to_list(), name=plain(asset), mode="lines",
            line={"width": 1, "dash": dashes[i % 4], "color": colours[i % 4]},
        ))  # fmt: skip
    drawn.update_traces(hovertemplate="%{y:,.0f} " + currency)
    dressed(drawn, look, title="Exposure", note=f"{currency} · {counted(table.height, 'day')}", height=height,
            span=ends(table["day"]))  # fmt: skip
    return legend_below(lone(drawn, table["day"]))


@figure(
    title="Distribution of daily PnL", needs="pnl",
    caption="How often days earned how much, with the mean and the loss exceeded on 5 % of days.",
)  # fmt: skip
def distribution_figure(
    values: Floats,
    look: Look,
    *,
    currency: str,
    var: float | None = None,
    height: int = 300,
    span: Span | None = None,
) -> go.Figure:
    """Histogram of PnL with its mean and value at risk.

    Parameters
    ----------
    values
        PnL of each day.
    look, currency, height, span
        Theme, unit, pixels, period.
    var
        Value at risk, a positive loss; None where it is undefined.
    """
    counts, edges = np.histogram(values, bins=bins(values))
    middles = (edges[:-1] + edges[1:]) / 2.0
    drawn = go.Figure(go.Bar(
        x=middles.tolist(), y=counts.tolist(), width=np.diff(edges).tolist(),
        marker={"color": signed_colours(middles.tolist(), look)},
        customdata=list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)),
        hovertemplate="%{customdata[0]:" + hovered(currency) + "} … %{customdata[1]:" + hovered(currency)
                      + "} " + currency
                      + ": %{y} days<extra></extra>",
    ))  # fmt: skip
    note = f"{currency} · {counted(values.size, 'day')}"
    dressed(drawn, look, title="Distribution of daily PnL", note=note, height=height, span=span)
    lines = [
        (
            float(values.mean()),
            f"mean {_money(float(values.mean()), currency, signed=True)}",
            look.accent,
            "top right",
        )
    ]
    if var is not None:
        lines.append((-var, f"VaR 95 %: a loss of {_money(var, currency)}", look.loss, "top left"))
    for x, text, colour, place in lines:
        drawn.add_vline(x=x, line={"color": colour, "width": 1.4, "dash": "dash"}, annotation_text=text,
                        annotation_position=place, annotation_font={"color": colour, "size": 11})  # fmt: skip
    drawn.update_xaxes(**TICKS)
    drawn.update_yaxes(range=[0.0, 1.2 * float(counts.max())])  # room for the words of the lines
    return drawn.update_layout(hovermode="closest", bargap=0.02)


def _money(value: float, currency: str, *, signed: bool = False) -> str:
    return format_value(value, Unit.MONEY, currency=currency, signed=signed)


def bins(values: Floats) -> int:
    """Bins after Freedman & Diaconis (1981), as many as can be seen at most."""
    spread = float(np.subtract(*np.percentile(values, [75, 25])))
    if spread <= 0.0:
        return 1 + round(float(np.sqrt(values.size)))
    wanted = float(np.ptp(values)) / (2.0 * spread / values.size ** (1.0 / 3.0))
    return int(min(max(wanted, 1.0), _MOST_BINS))
