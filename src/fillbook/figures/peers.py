"""From our figure to another's: a bar a cause."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from fillbook.figures.look import TICKS, Look, dressed, hovered, plain, shortened, signed_colours
from fillbook.figures.registry import figure
from fillbook.units import Unit, counted, format_value, least_shown

_ROW_PX, _FRAME_PX = 34, 86
_ROOM = 0.34  # of the span, for a number beside a bar: longer bars carry theirs
_EDGE = 0.03


@figure(
    title="From ours to theirs", needs="label amount",
    caption="Net PnL as we have it on top, as they have it at the bottom, and between them what each cause "
    "adds or takes away: teal makes their figure higher than ours, orange lower. What no cause explains "
    "stands last.",
)  # fmt: skip
def causes_figure(
    causes: pl.DataFrame, look: Look, *, ours: float, theirs: float, rest: float, currency: str, peer: str
) -> go.Figure:
    """Waterfall from our net PnL to a peer's.

    Parameters
    ----------
    causes
        ``label, amount`` in the order of the path.
    look
        Theme.
    ours, theirs, rest
        Where it begins and ends, and what no cause explains.
    currency, peer
        Of the money, and whose figure it is.
    """
    steps = [(str(label), float(amount)) for label, amount in causes.select("label", "amount").iter_rows()]
    steps += [("not explained", rest)] if abs(rest) >= least_shown(currency) else []
    names, values, bases, colours = ["ours"], [ours], [0.0], [look.neutral]
    level = ours
    for name, amount in steps:
        names.append(name)
        values.append(amount)
        bases.append(level)
        colours.append(look.quiet if name == "not explained" else signed_colours([amount], look)[0])
        level += amount
    names, values, bases = [*names, "theirs"], [*values, theirs], [*bases, 0.0]
    rows = [plain(shortened(name)) for name in names]
    tips = [base + value for base, value in zip(bases, values, strict=True)]
    low, high = min(0.0, *bases, *tips), max(0.0, *bases, *tips)
    room = _ROOM * ((high - low) or 1.0)
    carries = [abs(value) >= room for value in values]
    drawn = go.Figure(go.Bar(
        y=list(range(len(rows))), x=values, base=bases, orientation="h", cliponaxis=False,
        marker={"color": [*colours, look.neutral]},
        text=[format_value(v, Unit.MONEY, currency=currency, signed=True) for v in values],
        textposition=["inside" if is_long else "outside" for is_long in carries],
        constraintext="none", textangle=0,
        outsidetextfont={"color": look.ink, "size": 11}, insidetextfont={"color": look.ground, "size": 11},
        customdata=[[plain(name), value] for name, value in zip(names, values, strict=True)],
        hovertemplate="%{customdata[0]}: %{customdata[1]:" + hovered(currency, signed=True) + "} " + currency
                      + "<extra></extra>",
    ))  # fmt: skip
    beside = [
        tip + room * (1.0 if value >= 0.0 else -1.0)
        for tip, value, is_long in zip(tips, values, carries, strict=True) if not is_long
    ]  # fmt: skip
    edge = _EDGE * room / _ROOM
    note = f"{plain(peer)} · net PnL, {currency} · {counted(len(steps), 'cause')}"
    dressed(drawn, look, title="From ours to theirs", note=note, height=_FRAME_PX + _ROW_PX * len(rows))
    drawn.update_yaxes(
        autorange="reversed", side="left", showgrid=False, tickvals=list(range(len(rows))), ticktext=rows,
        nticks=None, tickformat=None, zeroline=False, tickfont={"color": look.ink},
    )  # fmt: skip
    drawn.update_xaxes(
        showgrid=True, gridcolor=look.grid, **TICKS, zeroline=True, zerolinecolor=look.quiet, nticks=5,
        range=[min(low - edge, *beside), max(high + edge, *beside)],
    )  # fmt: skip
    return drawn.update_layout(hovermode="closest", bargap=0.3)
