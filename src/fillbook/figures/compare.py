"""Sides beside one another: how far ahead, how sure, among whom, and before and after a change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import polars as pl

from fillbook.figures.execution import said_empty
from fillbook.figures.look import (
    TICKS,
    Look,
    dressed,
    ends,
    hovered,
    legend_above,
    legend_below,
    lone,
    plain,
    shortened,
)
from fillbook.figures.registry import figure
from fillbook.units import Unit, counted, format_value

_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_MOST_LINES, _FEW_DAYS = 8, 6
_NAME = 26  # letters beside a bar
NO_UNIT = "no unit in common: give the capital"


def _colours(look: Look) -> tuple[str, ...]:
    """Colours of lines that mean nothing but themselves."""
    return (look.accent, look.profit, look.loss, look.funding, look.neutral, look.ink)


@figure(
    title="Ahead or behind", needs="day side ahead is_return",
    caption="How much more or less each side had earned than the one it is measured against, by the end of "
    "each common day. Above 0 it is ahead. A day that one of them lacks is left out.",
)  # fmt: skip
def relative_figure(
    table: pl.DataFrame, look: Look, *, other: str, currency: str | None, height: int = 360
) -> go.Figure:
    """Running sum of daily differences, a line a side.

    Parameters
    ----------
    table
        Rows of `fillbook.analysis.compare.Comparison.relative` against one other.
    look, height
        Theme, pixels.
    other
        What they are measured against.
    currency
        Unit where the differences are money.
    """
    last = table.group_by("side", maintain_order=True).agg(pl.col("ahead").last().abs())
    shown = last.sort("ahead", descending=True)["side"].head(_MOST_LINES).to_list()
    is_return = bool(table["is_return"].all()) if table.height else True
    form = ":+.2%" if is_return else f":{hovered(currency or '', signed=True)}"
    drawn = go.Figure()
    colours = _colours(look)
    for i, side in enumerate(s for s in last["side"] if s in shown):
        rows = table.filter(pl.col("side") == side)
        drawn.add_trace(go.Scatter(
            x=rows["day"].to_list(), y=rows["ahead"].to_list(), mode="lines", name=plain(shortened(side)),
            line={"color": colours[i % len(colours)], "width": 1.8, "dash": _DASHES[i // len(colours) % 6]},
            hovertemplate="%{y" + form + "}",
        ))  # fmt: skip
    n = counted(table["day"].n_unique(), "common day")
    more = f" · the {_MOST_LINES} that differ most" if last.height > _MOST_LINES else ""
    unit = "share of capital" if is_return else currency or "money"
    dressed(drawn, look, title=f"Ahead of {plain(shortened(other))}", note=f"{unit} · {n}{more}",
            height=height, span=ends(table["day"]))  # fmt: skip
    if table.is_empty():
        return said_empty(drawn, look, NO_UNIT)
    drawn.update_yaxes(rangemode="tozero", **({"tickformat": "~%"} if is_return else {}))
    days = table["day"].unique().sort().to_list()
    if len(days) <= _FEW_DAYS:
        drawn.update_xaxes(tickvals=days, tickformat="%d %b")
    return legend_below(lone(drawn, table["day"]))


@figure(
    title="Differences and how sure they are", needs="side value low high",
    caption="A dot is how far a side is above the other; the bar is where that lies with 95 %, "
    "days that resemble one another allowed for. A bar that crosses 0 is no clear difference. Hollow: no "
    "bar, as days are too few or nothing varies.",
)  # fmt: skip
def difference_figure(
    table: pl.DataFrame, look: Look, *, title: str, unit: str, is_return: bool, height: int = 260,
    says: str = "bars hold 95 %", lack: str = NO_UNIT,
) -> go.Figure:  # fmt: skip
    """Difference of each side with its interval, the largest on top.

    Parameters
    ----------
    table
        ``side, value, low, high``; null ends where there is no interval.
    look, height
        Theme, pixels at least.
    title, unit
        Heading; unit of the differences in words.
    is_return
        Whether values are fractions.
    says
        How sure the bars are, in words.
    lack
        Why there is nothing to draw, where there is not.
    """
    rows = table.filter(pl.col("value").is_not_null()).sort("value")
    names = [plain(shortened(side, _NAME)) for side in rows["side"]]
    values, low, high = (rows[name].to_list() for name in ("value", "low", "high"))
    colour = [
        look.neutral if a is None or a <= 0.0 <= b else look.profit if a > 0.0 else look.loss
        for a, b in zip(low, high, strict=True)
    ]  # fmt: skip
    form = "+.3%" if is_return else "+,.4~g"
    x: list[float | None] = []
    y: list[str | None] = []
    for name, a, b in zip(names, low, high, strict=True):
        x += [a, b, None]
        y += [name, name, None]
    drawn = go.Figure([
        go.Scatter(x=x, y=y, mode="lines", line={"color": look.quiet, "width": 3}, hoverinfo="skip"),
        go.Scatter(
            x=values, y=names, mode="markers",
            marker={"size": 10, "color": colour, "line": {"width": 2, "color": colour},
                    "symbol": ["circle-open" if a is None else "circle" for a in low]},
            customdata=[
                (plain(side), "no interval: too few days, or nothing varies" if a is None else
                 "95 %: " + " … ".join(_text(end, is_return=is_return) for end in (a, b)))
                for side, a, b in zip(rows["side"], low, high, strict=True)
            ],
            hovertemplate="%{customdata[0]}: %{x:" + form + "}<br>%{customdata[1]}<extra></extra>",
        ),
    ])  # fmt: skip
    tall = max(height, 112 + 32 * len(names))
    dressed(drawn, look, title=title, note=f"{unit} · {says}", height=tall)
    if not names:
        return said_empty(drawn, look, lack)
    drawn.update_yaxes(side="left", showgrid=False, tickformat=None, nticks=len(names) + 1,
                       range=[-0.7, len(names) - 0.3])  # fmt: skip
    drawn.update_xaxes(showgrid=True, gridcolor=look.grid, zeroline=True, zerolinecolor=look.ink,
                       zerolinewidth=1.5, tickformat=".2~%" if is_return else None,
                       range=_roomy([0.0, *values, *(e for e in (*low, *high) if e is not None)]),
                       **({} if is_return else TICKS))  # fmt: skip
    return drawn.update_layout(hovermode="closest")


def _roomy(values: Sequence[float], share: float = 0.06) -> list[float]:
    """A range with room at both ends, a share of its width."""
    low, high = min(values), max(values)
    room = share * (high - low) or 1.0
    return [low - room, high + room]


def _text(value: float, *, is_return: bool) -> str:
    return format_value(value, Unit.FRACTION if is_return else Unit.MONEY, signed=True)


@figure(
    title="Among its peers", needs="side metric percentile",
    caption="Where each side stands among the others, by figure: 100 is better than all of them, 50 in the "
    "middle, 0 behind all. With fewer than five peers it says little.",
)  # fmt: skip
def peers_figure(
    table: pl.DataFrame, look: Look, *, labels: Mapping[str, str], height: int = 280
) -> go.Figure:
    """A strip a figure, a mark a side.

    Parameters
    ----------
    table
        `fillbook.analysis.compare.Comparison.peers`.
    look, height
        Theme, pixels at least.
    labels
        Name of each figure for people; those that it lacks are not drawn.
    """
    rows = table.filter(pl.col("percentile").is_not_null(), pl.col("metric").is_in(list(labels)))
    sides = list(dict.fromkeys(rows["side"]))
    colours = _colours(look)
    symbols = ("circle", "diamond", "square", "triangle-up", "x", "star")
    drawn = go.Figure()
    for i, side in enumerate(sides):
        mine = rows.filter(pl.col("side") == side)
        drawn.add_trace(go.Scatter(
            x=(100.0 * mine["percentile"]).to_list(), y=[labels[m] for m in mine["metric"]], mode="markers",
            name=plain(shortened(side)), customdata=mine["n_peers"].to_list(),
            marker={"size": 12, "opacity": 0.85, "color": colours[i % len(colours)],
                    "symbol": symbols[(i + i // len(colours)) % len(symbols)]},
            hovertemplate=plain(side) + ", %{y}: better than %{x:.0f} % of %{customdata}<extra></extra>",
        ))  # fmt: skip
    names = list(dict.fromkeys(labels[m] for m in rows["metric"]))
    n = int(rows["n_peers"].max() or 0)  # type: ignore[arg-type]
    dressed(drawn, look, title="Among peers", note=f"percentile among {counted(n, 'peer')} · 100 is best",
            height=max(height, 140 + 34 * len(names)))  # fmt: skip
    if not sides:
        return said_empty(drawn, look, "nothing to compare with")
    drawn.update_xaxes(range=[-4, 104], tickvals=[0, 25, 50, 75, 100], showgrid=True, gridcolor=look.grid)
    drawn.update_yaxes(side="left", tickformat=None, showgrid=True, gridcolor=look.grid, zeroline=False,
                       nticks=len(names) + 1, categoryarray=names[::-1], categoryorder="array")  # fmt: skip
    drawn.update_layout(hovermode="closest")
    return legend_below(drawn)


@figure(
    title="Before and after", needs="label before after low high",
    caption="Mean daily PnL before and after each change of configuration; the number is how much more it "
    "was after, in brackets where that lies with 95 %. Brackets that hold 0 mean no clear change.",
)  # fmt: skip
def change_figure(
    table: pl.DataFrame, look: Look, *, unit: str, is_return: bool, height: int = 240
) -> go.Figure:
    """Two dots joined by a line a change.

    Parameters
    ----------
    table
        ``label, before, after, difference, low, high``, a row a change.
    look, height
        Theme, pixels at least.
    unit, is_return
        Unit in words; whether values are fractions.
    """
    rows = table.filter(pl.col("before").is_not_null(), pl.col("after").is_not_null()).reverse()
    names = [plain(shortened(label, 34)) for label in rows["label"]]
    before, after = rows["before"].to_list(), rows["after"].to_list()
    x: list[float | None] = []
    y: list[str | None] = []
    for name, a, b in zip(names, before, after, strict=True):
        x += [a, b, None]
        y += [name, name, None]
    said = [
        _text(row["difference"], is_return=is_return) + (
            "" if row["low"] is None else
            f" ({_text(row['low'], is_return=is_return)} … {_text(row['high'], is_return=is_return)})"
        )
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip
    middle = sum(_roomy([0.0, *before, *after])) / 2.0
    inwards = ["left" if value > middle else "right" for value in after]
    drawn = go.Figure([
        go.Scatter(x=x, y=y, mode="lines", line={"color": look.quiet, "width": 2}, hoverinfo="skip",
                   showlegend=False),
        go.Scatter(x=before, y=names, mode="markers", name="before",
                   marker={"size": 10, "color": look.neutral, "symbol": "circle-open", "line": {"width": 2}}),
        go.Scatter(x=after, y=names, mode="markers+text", name="after", text=said,
                   textposition=[f"top {side}" for side in inwards],
                   textfont={"color": look.quiet, "size": 11}, marker={"size": 10, "color": look.accent}),
    ])  # fmt: skip
    dressed(drawn, look, title="Before and after each change", note=unit,
            height=max(height, 140 + 44 * len(names)))  # fmt: skip
    if not names:
        return said_empty(drawn, look, "no change has whole days on both sides")
    drawn.update_traces(hovertemplate="%{y}: %{x}")
    drawn.update_yaxes(side="left", showgrid=False, tickformat=None, nticks=len(names) + 1,
                       range=[-0.6, len(names) - 0.2])  # fmt: skip
    drawn.update_xaxes(showgrid=True, gridcolor=look.grid, zeroline=True, zerolinecolor=look.quiet,
                       tickformat=".2~%" if is_return else None, range=_roomy([0.0, *before, *after], 0.16),
                       **({} if is_return else TICKS))  # fmt: skip
    drawn.update_layout(hovermode="closest")
    return legend_above(drawn)


@figure(
    title="Suggested weights", needs="rule bot weight low high",
    caption="The share of the capital each rule would give each bot. The brackets in the text under the "
    "pointer hold nine in ten resamples of the days: wide ones are weights the data does not know.",
)  # fmt: skip
def weights_figure(
    table: pl.DataFrame, look: Look, *, labels: Mapping[str, str], bots: Sequence[str], height: int = 320
) -> go.Figure:
    """Heatmap of weights, a row a rule and a column a bot.

    Parameters
    ----------
    table
        `fillbook.analysis.allocation.Allocation.weights`.
    look, height
        Theme, pixels at least.
    labels
        Rules by key, in order.
    bots
        Columns, in order.
    """
    held = {(row["rule"], row["bot"]): row for row in table.iter_rows(named=True)}
    rules = [rule for rule in labels if any((rule, bot) in held for bot in bots)]
    cells = [[held.get((rule, bot), {}) for bot in bots] for rule in rules]
    z = [[cell.get("weight") for cell in row] for row in cells]
    texts = [
        [plain(labels[rule]) + ", " + plain(bot) + ": " + _weight(held.get((rule, bot), {})) for bot in bots]
        for rule in rules
    ]  # fmt: skip
    drawn = go.Figure(go.Heatmap(
        z=z, x=list(range(len(bots))), y=list(range(len(rules))), zmin=0.0,
        zmax=1.0 if len(bots) < 3 else 0.5,
        colorscale=[(0.0, look.ground), (1.0, look.accent)], showscale=False, xgap=2, ygap=2,
        texttemplate="%{z:.0%}" if len(bots) <= 8 else None, textfont={"size": 12, "color": look.ink},
        customdata=texts, hovertemplate="%{customdata}<extra></extra>",
    ))  # fmt: skip
    dressed(drawn, look, title="Suggested weights", note="share of the capital of all bots",
            height=max(height, 130 + 34 * len(rules)))  # fmt: skip
    drawn.update_xaxes(tickvals=list(range(len(bots))), ticktext=[plain(shortened(b, 16)) for b in bots],
                       nticks=None, tickangle=-30)  # fmt: skip
    drawn.update_yaxes(tickvals=list(range(len(rules))), ticktext=[plain(labels[r]) for r in rules],
                       side="left", autorange="reversed", tickformat=None, showgrid=False,
                       zeroline=False)  # fmt: skip
    return drawn.update_layout(hovermode="closest")


def _weight(row: Mapping[str, float | None]) -> str:
    weight, low, high = (row.get(name) for name in ("weight", "low", "high"))
    if weight is None:
        return "no answer"
    return f"{weight:.1%}" + ("" if low is None or high is None else f" ({low:.0%} … {high:.0%})")
