"""What is watched over time, its limit, and when it was exceeded."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import plotly.graph_objects as go
import polars as pl

from fillbook.figures.execution import said_empty
from fillbook.figures.look import TICKS, Look, dressed, ends, faded, plain, points
from fillbook.figures.registry import figure
from fillbook.figures.thinning import thinned
from fillbook.units import Unit, counted

_FRACTION = ".1%"


@figure(
    title="A limit over time", needs="at value",
    caption="What is watched, over time, below or above its limit (the orange line); from the dashed line on "
    "it warns. Shaded stretches are breaches, from the first sample above the limit to the first of those "
    "that ended them. Where nothing is known the line is broken.",
)  # fmt: skip
def limit_figure(
    series: pl.DataFrame, episodes: pl.DataFrame, look: Look, *, title: str, unit: Unit, currency: str,
    levels: tuple[float, float], height: int = 300,
) -> go.Figure:  # fmt: skip
    """One limit with its samples and episodes.

    Parameters
    ----------
    series
        ``at, value``; null where not known.
    episodes
        ``start, end`` of a `Watch`; a null end is open.
    look, title, height
        Theme, heading, pixels.
    unit, currency
        Of the values.
    levels
        Limit, and where it begins to warn.
    """
    finite = series.with_columns(pl.when(pl.col("value").is_finite()).then(pl.col("value")).alias("value"))
    shown = thinned(finite, "value")
    known = finite["value"].drop_nulls()
    named = (
        f"{currency} " if currency else "" if unit is Unit.FRACTION else f"{unit.value.replace('_', ' ')} "
    )
    missing = finite.height - known.len()
    note = f"{named}· {counted(finite.height, 'sample')}" + (f", {missing:,} not known" if missing else "")
    drawn = go.Figure()
    if not known.len():
        dressed(drawn, look, title=plain(title), note=note.strip("· "), height=height)
        return said_empty(drawn, look, "nothing is known of it in this view")
    limit, warn = levels
    top = max(float(np.max(known.to_numpy())), limit)
    bottom = min(float(np.min(known.to_numpy())), 0.0)
    _shade(drawn, episodes, look, (bottom, top * 1.06 if top > 0.0 else top), finite["at"][-1])
    digits = ":" + _FRACTION if unit is Unit.FRACTION else ":,.6~g"
    drawn.add_trace(go.Scatter(
        x=points(shown["at"]), y=points(shown["value"]), name="watched", connectgaps=False,
        mode="lines+markers" if shown.height < 3 else "lines", line={"color": look.accent, "width": 1.6},
        hovertemplate="%{y" + digits + "}",
    ))  # fmt: skip
    span = [finite["at"][0].replace(tzinfo=None), finite["at"][-1].replace(tzinfo=None)]
    for level, name, line, where in (
        (limit, "limit", {"color": look.loss, "width": 1.6}, "bottom"),
        (warn, "warns", {"color": look.loss, "width": 1.0, "dash": "dash"}, "top"),
    ):
        drawn.add_trace(go.Scatter(
            x=span, y=[level, level], mode="lines", name=name, line=line, hovertemplate="%{y" + digits + "}",
        ))  # fmt: skip
        drawn.add_annotation(
            text=name, x=0, xref="paper", xanchor="left", y=level, yanchor=where, showarrow=False,
            font={"color": look.loss, "size": 11}, bgcolor=look.ground, opacity=0.9, borderpad=1,
        )  # fmt: skip
    dressed(drawn, look, title=plain(title), note=note, height=height, span=ends(finite["at"]))
    if span[0] < span[1]:
        drawn.update_xaxes(range=span)  # the words at the lines ask for no room of their own
    drawn.update_yaxes(tickformat=_FRACTION if unit is Unit.FRACTION else None,
                       **({} if unit is Unit.FRACTION else TICKS))  # fmt: skip
    return drawn


def _shade(
    drawn: go.Figure, episodes: pl.DataFrame, look: Look, reach: tuple[float, float], last: datetime
) -> None:
    """Breaches as one trace of rectangles, however many; an open one reaches the end."""
    if episodes.is_empty():
        return
    x: list[datetime | None] = []
    y: list[float | None] = []
    for start, end in episodes.select("start", pl.col("end").fill_null(last)).iter_rows():
        begun, ended = start.replace(tzinfo=None), end.replace(tzinfo=None)
        x += [begun, ended, ended, begun, begun, None]
        y += [reach[0], reach[0], reach[1], reach[1], reach[0], None]
    drawn.add_trace(go.Scatter(
        x=x, y=y, mode="lines", fill="toself", fillcolor=faded(look.loss, 0.16), hoverinfo="skip",
        line={"color": faded(look.loss, 0.35), "width": 1}, name="breach",
    ))  # fmt: skip
