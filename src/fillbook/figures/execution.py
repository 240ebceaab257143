"""How well it traded: markouts by horizon and by group, what the shortfall is made of, slippage."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import polars as pl

from fillbook.figures.look import (
    TICKS,
    Look,
    dressed,
    faded,
    hovered,
    legend_above,
    plain,
    shortened,
    signed_colours,
)
from fillbook.figures.registry import figure
from fillbook.units import Unit, counted, format_value

_BPS = ":+,.2f"
_MOST_BINS = 60
_NAMED, _SHORT = 12, 2  # more groups than this, with names this short, have every third one named
_INSIDE = (0.005, 0.995)  # share of the orders between which a histogram is drawn
_PARTS = {
    "delay": "delay", "timing": "timing", "spread": "spread", "opportunity": "not filled", "fees": "fees",
    "total": "shortfall",
}  # fmt: skip


def said_empty(drawn: go.Figure, look: Look, words: str) -> go.Figure:
    """A figure without a point says so instead of showing bare axes."""
    drawn.update_xaxes(visible=False)
    drawn.update_yaxes(visible=False)
    return drawn.add_annotation(
        text=words, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"color": look.quiet}
    )


@figure(
    title="Markout by horizon", needs="horizon_s markout_bps low high n coverage balanced_bps",
    caption="What the fills were worth so long after they happened, in basis points of their value: above 0 "
    "they earned, below 0 the market ran over them. The band holds 95 %; the dashed line are fills whose "
    "price is known at every horizon. A horizon without a value is a gap.",
)  # fmt: skip
def markout_figure(markouts: pl.DataFrame, look: Look, *, n_fills: int, height: int = 360) -> go.Figure:
    """Markout at each horizon, with its interval.

    Parameters
    ----------
    markouts
        Of an `Execution`, by horizon.
    look, height
        Theme, pixels.
    n_fills
        Fills of the view, with a mid or not.
    """
    names = [_horizon(seconds) for seconds in markouts["horizon_s"]]
    places = list(range(len(names)))
    values, low, high = (markouts[name].to_list() for name in ("markout_bps", "low", "high"))
    known = [value is not None for value in values]
    has_band = [is_known and a is not None for is_known, a in zip(known, low, strict=True)]
    x, y = _band(has_band, low, high)
    alone = [
        has_band[i] and not any(has_band[j] for j in (i - 1, i + 1) if 0 <= j < len(names)) for i in places
    ]
    balanced = [
        value if is_known else None for value, is_known in zip(markouts["balanced_bps"], known, strict=True)
    ]
    differs = any(
        b is not None and v is not None and abs(b - v) > 1e-9 for b, v in zip(balanced, values, strict=True)
    )
    drawn = go.Figure(go.Scatter(
        x=x, y=y, fill="toself", mode="lines", line={"width": 0}, fillcolor=faded(look.accent, 0.16),
        name="95 %", hoverinfo="skip", showlegend=False,
    ))  # fmt: skip
    if differs:
        drawn.add_trace(go.Scatter(
            x=places, y=balanced, mode="lines", name="same fills throughout", hoverinfo="skip",
            line={"color": look.neutral, "width": 1.2, "dash": "dash"},
        ))  # fmt: skip
    drawn.add_trace(go.Scatter(
        x=places, y=values, mode="lines+markers", name="all fills", connectgaps=False,
        line={"color": look.accent, "width": 2}, marker={"size": 7, "color": look.accent},
        error_y={
            "type": "data", "symmetric": False, "color": look.accent, "thickness": 1.2,
            "array": [h - v if one else 0.0 for h, v, one in zip(high, values, alone, strict=True)],
            "arrayminus": [v - a if one else 0.0 for a, v, one in zip(low, values, alone, strict=True)],
        },
        customdata=_hovers(markouts, names),
        hovertemplate="%{customdata[0]} after: %{y" + _BPS + "} bps%{customdata[1]}<extra></extra>",
    ))  # fmt: skip
    used = max(markouts["n"].to_list(), default=0)
    band = ", 95 % band" if x else ""
    note = f"bps{band} · {used:,} of {counted(n_fills, 'fill')}"
    dressed(drawn, look, title="Markout by horizon", note=note, height=height)
    drawn.update_xaxes(tickvals=places, ticktext=names, nticks=None, range=[-0.4, len(names) - 0.6])
    drawn.update_yaxes(rangemode="tozero", ticksuffix=" ")
    drawn.update_layout(hovermode="closest")
    if any(known):
        return legend_above(drawn) if differs else drawn
    return said_empty(drawn, look, "no fill has a mid")


def _horizon(seconds: float) -> str:
    """``30 s``, ``5 min``."""
    return f"{seconds:g} s" if seconds < 60.0 else f"{seconds / 60.0:g} min"


def _band(chosen: Sequence[bool], low: Sequence[float], high: Sequence[float]) -> tuple[list, list]:  # type: ignore[type-arg]
    """Outline of each stretch of an interval, one after the other, broken between them."""
    x: list[float | None] = []
    y: list[float | None] = []
    stretch: list[int] = []
    for i, is_in in enumerate([*chosen, False]):
        if is_in:
            stretch.append(i)
            continue
        if len(stretch) > 1:
            back = stretch[::-1]
            x += [*stretch, *back, stretch[0], None]
            y += [*(high[j] for j in stretch), *(low[j] for j in back), high[stretch[0]], None]
        stretch = []
    return x, y


def _hovers(rows: pl.DataFrame, names: Sequence[str]) -> list[tuple[str, str]]:
    """Name, and interval, number and coverage of each point as text."""
    texts = []
    for name, row in zip(names, rows.iter_rows(named=True), strict=True):
        low, high, share = row["low"], row["high"], row["coverage"]
        n = row["n_used"] if "n_used" in row else row["n"]
        parts = [] if low is None else [f"95 %: {_bps(low)} … {_bps(high)}"]
        parts.append(counted(int(n), "fill"))
        parts += [] if share is None else [f"{share:.0%} of the value"]
        texts.append((plain(name), "<br>" + "<br>".join(parts)))
    return texts


def _bps(value: float) -> str:
    return format_value(value, Unit.BPS, signed=True)


@figure(
    title="Markout after a minute by group", needs="tag markout_bps low high n_used coverage",
    caption="What the fills of each group were worth a minute later, in basis points of their value, with an "
    "interval that holds for all groups of the picture together (95 %). The dotted line is all of them; what "
    "is told apart from it beyond noise is coloured.",
)  # fmt: skip
def group_figure(
    groups: pl.DataFrame,
    look: Look,
    *,
    by: str,
    whole: float | None = None,
    worst: str | None = None,
    best: str | None = None,
    height: int = 320,
    most: int = 40,
) -> go.Figure:
    """A point with its interval a group.

    Parameters
    ----------
    groups
        Answer of `fillbook.analysis.execution_groups.fill_groups`.
    look, height, most
        Theme, pixels, groups drawn at most: those of the largest value.
    by
        What they are grouped by, in words.
    whole
        Markout of all fills.
    worst, best
        Groups to colour.
    """
    known = groups.filter(pl.col("markout_bps").is_not_null())
    largest = known["worth"].fill_null(0.0).arg_sort(descending=True).head(most).sort()
    rows = known[largest]
    tags, values = rows["tag"].to_list(), rows["markout_bps"].to_list()
    colours = [look.loss if tag == worst else look.profit if tag == best else look.accent for tag in tags]
    places = list(range(len(tags)))
    drawn = go.Figure()
    for colour in dict.fromkeys(colours):
        mine = [i for i in places if colours[i] == colour]
        part = rows[mine]
        drawn.add_trace(go.Scatter(
            x=mine, y=part["markout_bps"].to_list(), mode="markers", marker={"size": 9, "color": colour},
            error_y={
                "type": "data", "symmetric": False, "color": colour, "thickness": 1.4, "width": 3,
                "array": (part["high"] - part["markout_bps"]).fill_null(0.0).to_list(),
                "arrayminus": (part["markout_bps"] - part["low"]).fill_null(0.0).to_list(),
            },
            customdata=_hovers(part, part["tag"].to_list()),
            hovertemplate="%{customdata[0]}: %{y" + _BPS + "} bps%{customdata[1]}<extra></extra>",
        ))  # fmt: skip
    left = groups.height - len(tags)
    note = f"bps of value · {counted(len(tags), 'group')}" + (f", {left} without a mid" if left else "")
    dressed(drawn, look, title=f"Markout after a minute by {by}", note=note, height=height)
    if not values:
        return said_empty(drawn, look, "no group has a mid")
    if whole is not None and len(tags) > 1:
        drawn.add_hline(y=whole, line={"color": look.neutral, "width": 1.2, "dash": "dot"})
    short = [plain(shortened(str(tag), 16)) for tag in tags]
    every = 1 if len(tags) <= _NAMED or max(map(len, short)) > _SHORT else 3
    drawn.update_xaxes(
        tickvals=places[::every], ticktext=short[::every], nticks=None, range=[-0.6, len(tags) - 0.4]
    )
    drawn.update_yaxes(rangemode="tozero")
    return drawn.update_layout(hovermode="closest")


@figure(
    title="Implementation shortfall", needs="part value",
    caption="What it cost to turn decisions into fills, part by part: waiting before the order (delay) and "
    "while it stood (timing), crossing the spread, what was wanted and not filled, and fees; they add up to "
    "the last bar. Above 0 is a cost, below 0 a gain.",
)  # fmt: skip
def shortfall_figure(parts: pl.DataFrame, look: Look, *, currency: str, height: int = 320) -> go.Figure:
    """Waterfall of the parts of the shortfall.

    Parameters
    ----------
    parts
        Answer of `fillbook.analysis.costs.shortfall_sums`, one currency of it.
    look, currency, height
        Theme, unit, pixels.
    """
    kinds = parts["part"].to_list()
    values = parts["value"].to_list()
    total = [kind == "total" for kind in kinds]
    ends = np.cumsum([0.0 if is_total else value for value, is_total in zip(values, total, strict=True)])
    bases = [
        0.0 if is_total else end - value for end, value, is_total in zip(ends, values, total, strict=True)
    ]
    names = [_PARTS.get(kind, kind) for kind in kinds]
    texts = [format_value(v, Unit.MONEY, currency=currency, signed=True) for v in values]
    drawn = go.Figure(go.Bar(
        x=names, y=values, base=bases, text=texts, textposition="outside", cliponaxis=False,
        textfont={"color": look.ink, "size": 11}, constraintext="none",
        marker={"color": [
            look.neutral if is_total else look.fee if kind == "fees" else colour
            for kind, is_total, colour in zip(
                kinds, total, signed_colours([-v for v in values], look), strict=True
            )
        ]},
        customdata=values,
        hovertemplate="%{x}: %{customdata:" + hovered(currency, signed=True) + "} " + currency
                      + "<extra></extra>",
    ))  # fmt: skip
    n, n_all = (int(parts[name].max() or 0) for name in ("n", "n_all"))  # type: ignore[arg-type]
    note = f"{currency}, above 0 a cost · {n:,} of {counted(n_all, 'decision')}"
    dressed(drawn, look, title="Implementation shortfall", note=note, height=height)
    if not values:
        return said_empty(drawn, look, "no decision has a mid")
    reached = [*bases, *(base + value for base, value in zip(bases, values, strict=True)), 0.0]
    room = 0.14 * (max(reached) - min(reached) or 1.0)
    drawn.update_yaxes(range=[min(reached) - room, max(reached) + room], showticklabels=False)
    drawn.update_xaxes(nticks=None)
    return drawn.update_layout(hovermode="closest", bargap=0.35)


@figure(
    title="Slippage against arrival", needs="slippage_arrival_bps",
    caption="How much worse than the mid at their creation orders were filled, in basis points: above 0 is a "
    "cost, below 0 a gain, as a resting order has.",
)  # fmt: skip
def slippage_figure(
    orders: pl.DataFrame, look: Look, *, average: float | None = None, height: int = 300
) -> go.Figure:
    """Histogram of the slippage of orders.

    Parameters
    ----------
    orders
        Orders of an `Execution`.
    look, height
        Theme, pixels.
    average
        Slippage of all of them, by value, bps.
    """
    values = orders["slippage_arrival_bps"].drop_nulls().to_numpy()
    drawn = go.Figure()
    low, high = np.quantile(values, _INSIDE) if values.size else (0.0, 0.0)
    inside = values[(values >= low) & (values <= high)]
    beyond = values.size - inside.size
    note = f"bps · {counted(values.size, 'order')}" + (f", {beyond:,} beyond the picture" if beyond else "")
    if not values.size:
        dressed(drawn, look, title="Slippage against arrival", note=note, height=height)
        return said_empty(drawn, look, "no filled order has a mid at its creation")
    counts, edges = np.histogram(inside, bins=int(min(_MOST_BINS, 1 + round(float(np.sqrt(inside.size))))))
    middles = ((edges[:-1] + edges[1:]) / 2.0).tolist()
    drawn.add_trace(go.Bar(
        x=middles, y=counts.tolist(), width=np.diff(edges).tolist(),
        marker={"color": signed_colours([-middle for middle in middles], look)},
        customdata=list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)),
        hovertemplate="%{customdata[0]:.2f} … %{customdata[1]:.2f} bps: %{y:,} orders<extra></extra>",
    ))  # fmt: skip
    dressed(drawn, look, title="Slippage against arrival", note=note, height=height)
    if average is not None:
        drawn.add_vline(x=average, line={"color": look.accent, "width": 1.4, "dash": "dash"},
                        annotation_text=f"by value {_bps(average)}",
                        annotation_font={"color": look.accent, "size": 11})  # fmt: skip
    drawn.update_xaxes(**TICKS)
    drawn.update_yaxes(range=[0.0, 1.2 * float(counts.max())])
    return drawn.update_layout(hovermode="closest", bargap=0.02)
