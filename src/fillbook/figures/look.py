"""Colours by meaning, and the one template every figure wears."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl

from fillbook.units import money_decimals

Span = tuple[date, date]
_HALF_DAY_MS = 43_200_000
TICKS = {"exponentformat": "SI", "minexponent": 5, "separatethousands": True}  # 12,000; 1.2M; 0.0012
FONT = "Inter, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"


@dataclass(frozen=True, slots=True)
class Look:
    """Colours of one theme; profit and loss are teal and orange, which survive colour blindness."""

    ground: str
    ink: str
    quiet: str
    line: str
    grid: str
    accent: str
    profit: str
    loss: str
    fee: str
    funding: str
    neutral: str


LIGHT = Look(
    "#ffffff", "#111827", "#6b7280", "#e5e7eb", "#eef0f3", "#2563eb", "#0f766e", "#c2410c",
    "#b45309", "#7c3aed", "#4b5563",
)  # fmt: skip
DARK = Look(
    "#0e1117", "#e6e8eb", "#9aa4b2", "#2a313c", "#222a35", "#60a5fa", "#2dd4bf", "#fb923c",
    "#f59e0b", "#a78bfa", "#9ca3af",
)  # fmt: skip
LOOKS = {"light": LIGHT, "dark": DARK}


def faded(colour: str, share: float) -> str:
    """A hex colour let through by `share`, as ``rgba()``."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share:g})"


def points(column: pl.Series) -> np.ndarray[Any, Any]:
    """Many points as Plotly takes them quickly: times without their zone, numbers with NaN for a gap."""
    is_zoned = isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None
    return (column.dt.replace_time_zone(None) if is_zoned else column).to_numpy()


def hovered(currency: str, *, signed: bool = False) -> str:
    """Format of money in a hover text: the decimals a trader expects."""
    return f"{'+' if signed else ''},.{money_decimals(currency)}f"


def plain(name: object) -> str:
    """A name from the data as text: Plotly would read ``<b>`` in it as markup."""
    return html.escape(str(name), quote=False)


def ends(times: pl.Series) -> Span | None:
    """First and last of a column of times; None where there is none."""
    first, last = times.min(), times.max()
    return (first, last) if isinstance(first, date) and isinstance(last, date) else None


def spanned(start: date, end: date) -> str:
    """``21 Sep – 19 Nov 2026``.

    >>> spanned(date(2026, 9, 21), date(2026, 11, 19))
    '21 Sep – 19 Nov 2026'
    """
    if (start.year, start.month, start.day) == (end.year, end.month, end.day):
        return f"{end:%d %b %Y}"
    return (
        f"{start:%d %b} – {end:%d %b %Y}" if start.year == end.year else f"{start:%d %b %Y} – {end:%d %b %Y}"
    )


def shortened(name: str, most: int = 26) -> str:
    """A name that fits beside a bar."""
    return name if len(name) <= most else name[: most - 1] + "…"


def dressed(
    figure: go.Figure,
    look: Look,
    *,
    title: str,
    note: str,
    height: int,
    rows: int = 1,
    span: Span | None = None,
) -> go.Figure:
    """A figure in the common dress: title left, what is drawn below it in quiet ink.

    Parameters
    ----------
    figure
        The figure, changed in place.
    look
        Light or dark.
    title, note
        What it shows; unit, sampling and number of points.
    height
        Pixels.
    rows
        Charts above one another that share the time axis.
    span
        First and last moment of what is drawn.
    """
    said = note if span is None else f"{spanned(*span)} · {note}"
    held: dict[str, Any] = figure.layout.to_plotly_json()
    held.pop("template", None)  # everything that matters is said here
    axis: dict[str, Any] = {"linecolor": look.line, "nticks": 6, "tickfont": {"color": look.quiet},
                            "automargin": True}  # fmt: skip
    spikes = {"showspikes": True, "spikemode": "across", "spikethickness": 1, "spikecolor": look.line,
              "spikedash": "dot"}  # fmt: skip
    across = {**axis, "showgrid": False, "zeroline": False, **(spikes if rows > 1 else {})}
    upwards = {**axis, "showgrid": True, "gridcolor": look.grid, "zeroline": True, "side": "right",
               "zerolinecolor": look.quiet, "zerolinewidth": 1, **TICKS}  # fmt: skip
    axes = {
        name: (across if name.startswith("x") else upwards) | held.get(name, {})
        for name in {"xaxis", "yaxis", *(key for key in held if key[1:].startswith("axis"))}
    }
    figure.layout = held | axes | {  # at once: each update of a layout is checked as a whole
        "title": {"text": f"<b>{title}</b>", "x": 0, "xanchor": "left", "xref": "container", "y": 1,
                  "yanchor": "top", "pad": {"t": 8, "l": 8}, "font": {"size": 15, "color": look.ink},
                  "subtitle": {"text": said, "font": {"size": 12, "color": look.quiet}}},
        "font": {"family": FONT, "size": 12, "color": look.quiet}, "height": height,
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 8, "r": 8, "t": 58, "b": 8}, "hovermode": "x unified", "showlegend": False,
        "hoverlabel": {"bgcolor": look.ground, "bordercolor": look.line,
                       "font": {"family": FONT, "size": 12, "color": look.ink}},
        "bargap": 0.18, "dragmode": "zoom",
    }  # fmt: skip
    return figure


def lone(figure: go.Figure, times: pl.Series) -> go.Figure:
    """A chart over days with room around a day that is alone, which else has no width."""
    first = times.min()
    if times.n_unique() != 1 or not isinstance(first, date):
        return figure
    figure.update_xaxes(range=[first - timedelta(days=1), first + timedelta(days=1)], tickvals=[first])
    figure.update_traces(width=_HALF_DAY_MS, selector={"type": "bar"})
    return figure.update_traces(mode="lines+markers", selector={"type": "scatter", "mode": "lines"})


def legend_above(figure: go.Figure) -> go.Figure:
    """Show a legend in reading order above the chart, for several series."""
    return figure.update_layout(
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "xanchor": "left"},
        margin={"t": 82},
    )


def legend_below(figure: go.Figure) -> go.Figure:
    """Show a legend of several rows below the chart, where it covers nothing."""
    return figure.update_layout(
        showlegend=True, legend={"orientation": "h", "x": 0, "y": -0.16, "yanchor": "top", "xanchor": "left"}
    )


def signed_colours(values: Sequence[float], look: Look) -> list[str]:
    """Profit's colour for each gain, loss's for each loss."""
    return [look.profit if value >= 0.0 else look.loss for value in values]
