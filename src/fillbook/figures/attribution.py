"""Why it earned or lost: net PnL as a waterfall of its parts, by tag, and by hour of the week."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import accumulate

import plotly.graph_objects as go
import polars as pl

from fillbook.figures.execution import said_empty
from fillbook.figures.look import TICKS, Look, Span, dressed, faded, hovered, legend_above, plain, shortened
from fillbook.figures.registry import figure
from fillbook.units import MINUS, Unit, counted, format_value

NAMES: Mapping[str, str] = {
    "spread": "spread", "inventory": "price moves", "unattributed": "not attributable", "funding": "funding",
    "rebates": "rebates", "fees": "fees",
}  # fmt: skip
_COSTS = ("fees",)
_WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UPRIGHT = 7  # tags in a row from which bars stand up
_ROOM = 0.12  # of the range, above and below, for the numbers
_BESIDE = 0.3  # the same where they stand beside bars
_WIDE_PP = 0.5  # below this, two decimals say nothing


@figure(
    title="From spread to net PnL", needs="spread inventory unattributed funding rebates fees",
    caption="Each bar starts where the one before ended: what the fills gained against the mid just before "
    "them (spread), what prices moved while positions were held, what no mid can split, funding, rebates "
    "and fees; together they are net PnL, the last bar.",
)  # fmt: skip
def waterfall_figure(
    parts: Mapping[str, float | None], look: Look, *, net: float, currency: str, height: int = 360,
    span: Span | None = None,
) -> go.Figure:  # fmt: skip
    """Parts of net PnL one after the other; parts that are not known or 0 are left out.

    Parameters
    ----------
    parts
        By name, as `Attribution.parts` has them: fees are positive where paid.
    look, currency, height, span
        Theme, unit, pixels, period.
    net
        What they sum to.
    """
    held = {
        NAMES[name]: (-1.0 if name in _COSTS else 1.0) * value
        for name in NAMES if (value := parts.get(name))
    }  # fmt: skip
    names, values = [*held, "net PnL"], [*held.values(), net]
    texts = [format_value(value, Unit.MONEY, currency=currency, signed=True) for value in values]
    drawn = go.Figure(go.Waterfall(
        x=names, y=values, measure=["relative"] * len(held) + ["total"], text=texts, textposition="outside",
        textfont={"color": look.ink}, cliponaxis=False, connector={"line": {"color": look.line, "width": 1}},
        increasing={"marker": {"color": look.profit}}, decreasing={"marker": {"color": look.loss}},
        totals={"marker": {"color": look.accent}},
        hovertemplate="%{x}: %{text} " + currency + "<extra></extra>",
    ))  # fmt: skip
    dressed(drawn, look, title="From spread to net PnL", note=currency, height=height, span=span)
    reached = [0.0]
    for value in held.values():
        reached.append(reached[-1] + value)
    low, high = min(*reached, net), max(*reached, net, 0.0)
    room = _ROOM * ((high - low) or 1.0)
    drawn.update_yaxes(range=[low - room, high + room])
    drawn.update_xaxes(nticks=None, tickangle=0)
    return drawn.update_layout(hovermode="closest")


def _colours(look: Look) -> Mapping[str, str]:
    """Colour of each part, by its meaning."""
    return {
        "spread": look.profit, "inventory": look.accent, "unattributed": look.neutral,
        "funding": look.funding,
        "rebates": faded(look.fee, 0.5), "fees": look.fee,
    }  # fmt: skip


@figure(
    title="Parts by tag", needs="tag net spread inventory unattributed funding rebates fees n_fills",
    caption="Net PnL of each group of fills, made of its parts: gains to one side of zero, costs to the "
    "other; the diamond is their sum. Groups add up to the whole.",
)  # fmt: skip
def parts_figure(
    rows: pl.DataFrame, look: Look, *, by: str, currency: str, height: int = 360, most: int = 16,
    span: Span | None = None,
) -> go.Figure:  # fmt: skip
    """Stacked bars of the parts of each tag, and a mark at their sum.

    Parameters
    ----------
    rows
        A row a tag, as `Attribution.by` has them.
    look, by, currency, height, span
        Theme, what tells tags apart, in words, unit, pixels, period.
    most
        Tags drawn at most where they have no order of their own: the best and the worst.
    """
    shown = _ends(rows.filter(pl.col("net").is_not_null()), most)
    is_upright = shown["tag"].len() >= _UPRIGHT and shown["tag"].str.contains(r"^\d\d$").all()
    names = [plain(shortened(tag, 22)) for tag in shown["tag"]]
    tags = [plain(tag) for tag in shown["tag"]]
    drawn = go.Figure()
    for part, colour in _colours(look).items():
        values = (-shown[part] if part in _COSTS else shown[part]).to_list()
        if not any(values):
            continue
        along = {"x": names, "y": values} if is_upright else {"x": values, "y": names, "orientation": "h"}
        drawn.add_trace(go.Bar(
            **along, name=NAMES[part], marker={"color": colour}, customdata=tags,
            hovertemplate="%{customdata}, " + NAMES[part] + ": %{" + ("y" if is_upright else "x") + ":"
            + hovered(currency, signed=True) + "} " + currency + "<extra></extra>",
        ))  # fmt: skip
    net = shown["net"].to_list()
    drawn.add_trace(go.Scatter(
        **({"x": names, "y": net} if is_upright else {"x": net, "y": names}), name="net PnL", mode="markers",
        marker={"symbol": "diamond", "size": 9, "color": look.ink,
                "line": {"width": 1, "color": look.ground}},
        customdata=list(zip(tags, shown["n_fills"].to_list(), strict=True)),
        hovertemplate="%{customdata[0]}, net: %{" + ("y" if is_upright else "x") + ":"
        + hovered(currency, signed=True) + "} " + currency + " · %{customdata[1]:,} fills<extra></extra>",
    ))  # fmt: skip
    n = f"{shown.height} of {rows.height}, best and worst" if shown.height < rows.height else f"{rows.height}"
    tall = height if is_upright else max(height, 140 + 30 * shown.height)
    title = f"Net PnL by {by}"
    dressed(drawn, look, title=title, note=f"{currency} · groups: {n}", height=tall, span=span)
    drawn.update_layout(barmode="relative", hovermode="closest")
    if shown.is_empty():
        return said_empty(drawn, look, "net PnL is not known")
    if not is_upright:
        drawn.update_yaxes(
            side="left",
            showgrid=False,
            tickformat=None,
            nticks=shown.height + 1,
            autorange="reversed",
            zeroline=False,
        )
        drawn.update_xaxes(showgrid=True, gridcolor=look.grid, **TICKS, zeroline=True, nticks=5, tickangle=0)
    else:
        drawn.update_xaxes(type="category", nticks=12)
    return _legend_below(drawn)


def _legend_below(drawn: go.Figure) -> go.Figure:
    """A legend of many parts below the axis, where it may take as many lines as it needs."""
    return drawn.update_layout(showlegend=True, legend={
        "orientation": "h", "x": 0, "xanchor": "left", "y": -0.12, "yanchor": "top", "traceorder": "normal",
    })  # fmt: skip


def _ends(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """The best and the worst where there are too many to read, but for the hours of a day."""
    if rows.height <= most or rows["tag"].str.contains(r"^\d\d$").all():
        return rows
    ordered = rows.sort("net", descending=True)
    return pl.concat([ordered.head(most // 2), ordered.tail(most - most // 2)])


@figure(
    title="Net PnL by hour of the week", needs="weekday hour n_fills net",
    caption="What the fills made in each hour of the week brought until the end, UTC: teal earned, orange "
    "lost; an empty cell had no fill.",
)  # fmt: skip
def week_figure(
    hours: pl.DataFrame, look: Look, *, currency: str, height: int = 300, span: Span | None = None
) -> go.Figure:
    """Heatmap of weekdays by hours around zero.

    Parameters
    ----------
    hours
        ``weekday, hour, n_fills, net`` of an `Attribution`.
    look, currency, height, span
        Theme, unit, pixels, period.
    """
    known = hours.filter(pl.col("net").is_not_null())
    cells = {
        (day, hour): (net, n)
        for day, hour, n, net in known.select("weekday", "hour", "n_fills", "net").rows()
    }
    names = [f"{hour:02d}" for hour in range(24)]
    grid = [[cells.get((day, hour), (None, 0)) for hour in names] for day in _WEEK]
    most = float(known["net"].abs().max() or 1.0)  # type: ignore[arg-type]
    drawn = go.Figure(go.Heatmap(
        z=[[net for net, _ in row] for row in grid], x=names, y=[day[:3] for day in _WEEK],
        zmin=-most, zmax=most,
        colorscale=[(0.0, look.loss), (0.5, look.ground), (1.0, look.profit)], xgap=1, ygap=1,
        colorbar={"thickness": 8, "outlinewidth": 0, "nticks": 5, **TICKS},
        customdata=[[n for _, n in row] for row in grid], hoverongaps=False,
        hovertemplate="%{y} %{x}:00: %{z:" + hovered(currency, signed=True) + "} " + currency
        + " · %{customdata:,} fills<extra></extra>",
    ))  # fmt: skip
    note = f"{currency} · {counted(int(hours['n_fills'].sum()), 'fill')} · hours in UTC"
    dressed(drawn, look, title="Net PnL by hour of the week", note=note, height=height, span=span)
    if known.is_empty():
        return said_empty(drawn, look, "net PnL is not known")
    drawn.update_yaxes(
        side="left", autorange="reversed", showgrid=False, tickformat=None, nticks=8, zeroline=False
    )
    drawn.update_xaxes(nticks=12, type="category")
    return drawn.update_layout(hovermode="closest")


@figure(
    title="Made by its fills, gained in it", needs="tag originated accrued",
    caption="Two answers to when it was earned: what the fills made at that time brought until the end, and "
    "how much more the books were worth at its end than at its start. Both sum to net PnL.",
)  # fmt: skip
def time_figure(
    rows: pl.DataFrame, look: Look, *, by: str, currency: str, height: int = 320, span: Span | None = None
) -> go.Figure:
    """Originated beside accrued PnL, a pair of bars a time.

    Parameters
    ----------
    rows
        ``tag, originated, accrued`` of `Attribution.time`.
    look, by, currency, height, span
        Theme, kind of time in words, unit, pixels, period.
    """
    names = [plain(tag[:3] if tag in _WEEK else tag) for tag in rows["tag"]]
    drawn = go.Figure([
        go.Bar(
            x=names, y=rows[name].to_list(), name=words, marker={"color": colour},
            hovertemplate="%{x}, " + words + ": %{y:" + hovered(currency, signed=True) + "} " + currency
            + "<extra></extra>",
        )
        for name, words, colour in (
            ("originated", "by the fills made in it", look.accent), ("accrued", "gained in it", look.neutral),
        )
    ])  # fmt: skip
    title = f"Net PnL by {by}: made by its fills, gained in it"
    dressed(drawn, look, title=title, note=f"{currency} · UTC", height=height, span=span)
    drawn.update_xaxes(type="category", nticks=12)
    return legend_above(drawn.update_layout(barmode="group", hovermode="closest"))


@figure(
    title="Return over the benchmark", needs="bot allocation selection interaction",
    caption="What each bot added to the return over the benchmark, or took from it, in percentage points: "
    "each bar starts where the one above ended, and the last one is all of them together. At 0 the bots did "
    "just as well as the benchmark.",
)  # fmt: skip
def bots_figure(
    table: pl.DataFrame, look: Look, *, against: str, n_periods: int, height: int = 220, most: int = 12,
    span: Span | None = None,
) -> go.Figure:  # fmt: skip
    """A waterfall over the bots, the one that added most first.

    Parameters
    ----------
    table
        `fillbook.analysis.contributions.Contributions.table`; bots without effects are not drawn.
    look, height, span
        Theme, pixels at least, period.
    against, n_periods
        What the benchmark is, in words; months that were linked.
    most
        Bots drawn at most: the others are one bar.
    """
    added = pl.sum_horizontal("allocation", "selection", "interaction", ignore_nulls=False)
    rows = table.select("bot", added=100.0 * added).drop_nulls().sort("added", descending=True)
    others = rows.sort(pl.col("added").abs(), descending=True).tail(max(rows.height - most, 0))
    shown = rows.join(others, on="bot", how="anti", maintain_order="left")
    steps = [(plain(shortened(bot, 22)), value) for bot, value in shown.rows()]
    if others.height:
        steps.append((f"{others.height} other bots", math.fsum(others["added"])))
    names = [*(name for name, _ in steps), "<b>together</b>"]
    values = [*(value for _, value in steps), math.fsum(rows["added"])]
    reached = [0.0, *accumulate(value for _, value in steps)]
    wide = max(reached) - min(reached)
    decimals = 2 if wide >= _WIDE_PP else 4
    texts = [f"{value:+.{decimals}f}".replace("-", MINUS) for value in values]
    places = list(range(len(names)))
    drawn = go.Figure(go.Waterfall(
        x=values, y=places, orientation="h", measure=["relative"] * len(steps) + ["total"],
        text=texts, textposition="outside", textfont={"color": look.ink}, cliponaxis=False,
        connector={"line": {"color": look.line, "width": 1}},
        increasing={"marker": {"color": look.profit}}, decreasing={"marker": {"color": look.loss}},
        totals={"marker": {"color": look.accent}}, customdata=names,
        hovertemplate="%{customdata}: %{text} percentage points<extra></extra>",
    ))  # fmt: skip
    months = f" · {counted(n_periods, 'month')} linked" if n_periods > 1 else ""
    note, tall = f"percentage points{months}", max(height, 110 + 32 * len(names))
    title = f"Return over {plain(shortened(against, 40))}"
    dressed(drawn, look, title=title, note=note, height=tall, span=span)
    if not steps:
        return said_empty(drawn, look, "there is no return to compare")
    room = _BESIDE * (wide or 1.0)
    drawn.update_xaxes(range=[min(reached) - room, max(reached) + room], showgrid=True, gridcolor=look.grid,
                       zeroline=True, zerolinecolor=look.quiet, nticks=5)  # fmt: skip
    drawn.update_yaxes(tickvals=places, ticktext=names, side="left", autorange="reversed", showgrid=False,
                       zeroline=False, tickformat=None)  # fmt: skip
    return drawn.update_layout(hovermode="closest")
