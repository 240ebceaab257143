"""What a day can lose, whether that was kept, how deep it fell, and how ratios moved."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from fillbook.figures.execution import said_empty
from fillbook.figures.look import TICKS, Look, Span, dressed, ends, faded, hovered, legend_above, points
from fillbook.figures.parts import bins
from fillbook.figures.registry import figure
from fillbook.figures.thinning import thinned
from fillbook.units import Unit, counted, format_value

_BAR_MS = 72_000_000  # of a day
_RATIOS = {"sharpe": "Sharpe", "sortino": "Sortino", "volatility": "Volatility"}


@figure(
    title="A day's loss by method", needs="level label value_at_risk expected_shortfall",
    caption="Above, how often days earned how much; below, by each method, the loss exceeded on the worst "
    "days (circle) and the mean loss of those days (diamond), on the same axis. Methods that "
    "agree can be relied on more than any one of them; one that is missing says why in the table.",
)  # fmt: skip
def tail_figure(
    pnl: pl.Series, tails: pl.DataFrame, look: Look, *, level: float, currency: str, height: int = 420,
    span: Span | None = None,
) -> go.Figure:  # fmt: skip
    """Histogram of daily PnL over value at risk and expected shortfall of each method.

    Parameters
    ----------
    pnl
        Daily PnL.
    tails
        Of a `Risk`.
    look, currency, height, span
        Theme, unit, pixels, period.
    level
        Which of its levels.
    """
    values = pnl.drop_nulls().to_numpy()
    known = tails.filter(pl.col("level") == level, pl.col("value_at_risk").is_not_null()).reverse()
    drawn = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.55, 0.45], vertical_spacing=0.06)
    counts, edges = np.histogram(values, bins=bins(values)) if values.size else (np.zeros(0), np.zeros(1))
    middles = (edges[:-1] + edges[1:]) / 2.0
    drawn.add_trace(go.Bar(
        x=middles.tolist(), y=counts.tolist(), width=np.diff(edges).tolist(), name="days",
        marker={"color": [faded(look.profit if m >= 0.0 else look.loss, 0.55) for m in middles]},
        customdata=list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)),
        hovertemplate="%{customdata[0]:,.2f} … %{customdata[1]:,.2f}: %{y} days<extra></extra>",
    ), row=1, col=1)  # fmt: skip
    names, var, es = (known[name].to_list() for name in ("label", "value_at_risk", "expected_shortfall"))
    x = [point for v, e in zip(var, es, strict=True) for point in (-v, -e, None)]
    y = [name for name in names for _ in range(3)]
    drawn.add_trace(go.Scatter(
        x=x, y=y, mode="lines", line={"color": look.quiet, "width": 2}, hoverinfo="skip", connectgaps=False,
    ), row=2, col=1)  # fmt: skip
    for label, ends_, symbol, colour in (
        ("value at risk", var, "circle", look.loss), ("expected shortfall", es, "diamond", look.ink)
    ):  # fmt: skip
        drawn.add_trace(go.Scatter(
            x=[-v for v in ends_], y=names, mode="markers", name=label, customdata=ends_,
            marker={"symbol": symbol, "size": 11, "color": colour},
            hovertemplate="%{y}: " + label + " %{customdata:" + hovered(currency) + "} " + currency
                          + "<extra></extra>",
        ), row=2, col=1)  # fmt: skip
    note = f"{currency} · {level:.0%} level · {counted(values.size, 'day')}"
    dressed(drawn, look, title="A day's loss by method", note=note, height=height, span=span)
    if not values.size:
        return said_empty(drawn, look, "no day is known")
    drawn.update_xaxes(**TICKS, zeroline=True, zerolinecolor=look.quiet)
    drawn.update_yaxes(row=1, col=1, title={"text": "days", "font": {"size": 11}})
    drawn.update_yaxes(row=2, col=1, side="left", showgrid=True, tickformat=None, nticks=len(names) + 1)
    return drawn.update_layout(hovermode="closest", bargap=0.02)


@figure(
    title="Was the value at risk kept?", needs="day pnl",
    caption="Each day's PnL beside the loss that was forecast the evening before, from the days before it "
    "alone. A day below the line lost more than forecast; at the 95 % level one day in twenty "
    "should.",
)  # fmt: skip
def backtest_figure(
    forecasts: pl.DataFrame, look: Look, *, method: str, label: str, currency: str, height: int = 340
) -> go.Figure:
    """Daily PnL, the value at risk known before each day, and the days that lost more.

    Parameters
    ----------
    forecasts
        Of a `Risk`.
    look, currency, height
        Theme, unit, pixels.
    method, label
        Column of `forecasts`, and its name for people.
    """
    rows = forecasts.select("day", "pnl", var=-pl.col(method).cast(pl.Float64)).filter(
        pl.col("var").is_not_null()
    )
    broken = rows.filter(pl.col("pnl") < pl.col("var"))
    money = hovered(currency, signed=True)
    drawn = go.Figure([
        go.Bar(x=points(rows["day"]), y=points(rows["pnl"]), name="PnL", width=_BAR_MS,
               marker={"color": faded(look.neutral, 0.45)},
               hovertemplate="%{y:" + money + "} " + currency),
        go.Bar(x=points(broken["day"]), y=points(broken["pnl"]), name="lost more", width=_BAR_MS,
               marker={"color": look.loss}, hoverinfo="skip"),
        go.Scatter(x=points(rows["day"]), y=points(rows["var"]), mode="lines", name="forecast loss",
                   line={"color": look.accent, "width": 1.8, "shape": "hv"}, connectgaps=False,
                   hovertemplate="%{y:" + money + "} " + currency),
    ])  # fmt: skip
    expected = 0.05 * rows.height
    note = f"{currency} · {counted(broken.height, 'day')} of {rows.height:,} below, {expected:.1f} expected"
    dressed(
        drawn, look, title=f"Was the value at risk kept? {label}", note=note, height=height,
        span=ends(rows["day"]),
    )  # fmt: skip
    drawn.update_layout(barmode="overlay", bargap=0.1)
    return legend_above(drawn) if rows.height else said_empty(drawn, look, "no day had a forecast")


@figure(
    title="Under water", needs="at equity drawdown",
    caption="How far equity stood below its highest point so far, marked to market; at 0 it stood at a "
    "new high. A break in the line has no price for an open position.",
)  # fmt: skip
def underwater_figure(
    equity: pl.DataFrame, look: Look, *, currency: str, capital: float | None = None, height: int = 260
) -> go.Figure:
    """Drawdown through time: as a share of the peak where capital is declared, else in money.

    Parameters
    ----------
    equity
        ``at, equity, drawdown`` of an answer.
    look, currency, height
        Theme, unit, pixels.
    capital
        Declared capital, None where there is none.
    """
    is_share = capital is not None and capital > 0.0
    peak = pl.col("equity") + pl.col("drawdown")
    depth = pl.when(peak > 0.0).then(pl.col("drawdown") / peak) if is_share else pl.col("drawdown")
    shown = thinned(equity.select("at", depth=-depth), "depth")
    said = "%{y:.2%} of the peak" if is_share else "%{y:" + hovered(currency) + "} " + currency
    drawn = go.Figure(go.Scatter(
        x=points(shown["at"]), y=points(shown["depth"]), mode="lines", name="below the peak",
        line={"color": look.loss, "width": 1.2}, fill="tozeroy", fillcolor=faded(look.loss, 0.2),
        connectgaps=False, hovertemplate=said,
    ))  # fmt: skip
    unit = "share of the peak" if is_share else currency
    note = f"{unit} · {counted(shown.height, 'point')}"
    dressed(drawn, look, title="Under water", note=note, height=height, span=ends(equity["at"]))
    drawn.update_yaxes(**({"tickformat": ".0%"} if is_share else {}), rangemode="tozero")
    return drawn


@figure(
    title="Rolling ratios", needs="day sharpe sortino volatility",
    caption="Ratios of the last days at each day, annualised: what the headline ratio would have been had "
    "one looked then. A stretch without a line has too few days, or a day without a price.",
)  # fmt: skip
def rolling_figure(
    rolling: pl.DataFrame, look: Look, *, window: int, is_share: bool, currency: str, height: int = 420
) -> go.Figure:
    """Sharpe, Sortino and volatility of a moving window, above one another.

    Parameters
    ----------
    rolling
        Of a `Risk`.
    look, currency, height
        Theme, unit of the volatility without capital, pixels.
    window
        Days of the window.
    is_share
        The volatility is a share of the capital.
    """
    drawn = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    unit = "share" if is_share else currency
    for row, (name, label) in enumerate(_RATIOS.items(), 1):
        said = "%{y:.1%}" if name == "volatility" and is_share else "%{y:,.2f}"
        colour = look.neutral if name == "volatility" else look.accent
        drawn.add_trace(go.Scatter(
            x=points(rolling["day"]), y=points(rolling[name]), mode="lines", name=label, connectgaps=False,
            line={"color": colour, "width": 1.8}, hovertemplate=said,
        ), row=row, col=1)  # fmt: skip
        title = f"{label}, {unit}" if name == "volatility" else label
        drawn.update_yaxes(title={"text": title, "font": {"size": 11}}, row=row, col=1)
    note = f"last {window} days, annualised · {counted(rolling.height, 'day')}"
    dressed(drawn, look, title="Rolling ratios", note=note, height=height, rows=3, span=ends(rolling["day"]))
    if is_share:
        drawn.update_yaxes(tickformat=".0%", row=3, col=1)
    if rolling["sharpe"].null_count() == rolling.height:
        return said_empty(drawn, look, f"there are not {window} days in a row")
    return drawn


@figure(
    title="Rolling correlation", needs="day correlation",
    caption="Mean correlation of all pairs over the last days: near 1 all lose together, near 0 each for "
    "itself.",
)  # fmt: skip
def rolling_correlation_figure(
    rolling: pl.DataFrame, look: Look, *, window: int, height: int = 300
) -> go.Figure:
    """Mean pairwise correlation of a moving window.

    Parameters
    ----------
    rolling
        Of a `Risk`.
    look, height
        Theme, pixels.
    window
        Days of the window.
    """
    drawn = go.Figure(go.Scatter(
        x=points(rolling["day"]), y=points(rolling["correlation"]), mode="lines", connectgaps=False,
        line={"color": look.accent, "width": 1.8}, hovertemplate="%{y:+.2f}<extra></extra>",
    ))  # fmt: skip
    note = f"mean over pairs of bots · last {window} days"
    dressed(drawn, look, title="Rolling correlation", note=note, height=height, span=ends(rolling["day"]))
    drawn.update_yaxes(range=[-1.05, 1.05], tickvals=[-1, -0.5, 0, 0.5, 1])
    if rolling["correlation"].null_count() == rolling.height:
        return said_empty(drawn, look, f"no two bots ran together for {window} days")
    return drawn


@figure(
    title="Days ahead", needs="day p05 p25 p50 p75 p95",
    caption="Where PnL may stand so many days ahead if days stay like those there were, drawn 2,000 times "
    "in blocks of neighbouring days: half of the paths lie in the dark band, nine of ten in the "
    "light one. It knows no day that never happened.",
)  # fmt: skip
def fan_figure(fan: pl.DataFrame, look: Look, *, currency: str, height: int = 340) -> go.Figure:
    """Quantiles of cumulative PnL by day ahead.

    Parameters
    ----------
    fan
        Of `paths.Futures`.
    look, currency, height
        Theme, unit, pixels.
    """
    day = fan["day"].to_list()
    drawn = go.Figure()
    for low, high, share in (("p05", "p95", 0.14), ("p25", "p75", 0.24)):
        drawn.add_trace(go.Scatter(
            x=[*day, *day[::-1]], y=[*fan[high].to_list(), *fan[low].to_list()[::-1]], fill="toself",
            mode="lines", line={"width": 0}, fillcolor=faded(look.accent, share), hoverinfo="skip",
            name="9 of 10 paths" if low == "p05" else "half of the paths",
        ))  # fmt: skip
    texts = [
        "<br>".join(
            f"{words}: {format_value(row[name], Unit.MONEY, currency=currency, signed=True)}"
            for words, name in (("1 in 20 above", "p95"), ("middle", "p50"), ("1 in 20 below", "p05"))
        )
        for row in fan.iter_rows(named=True)
    ]
    drawn.add_trace(go.Scatter(
        x=day, y=fan["p50"].to_list(), mode="lines", line={"color": look.accent, "width": 2}, name="middle",
        customdata=texts, hovertemplate="%{x} days ahead<br>%{customdata}<extra></extra>",
    ))  # fmt: skip
    note = f"{currency} · {counted(max(fan.height - 1, 0), 'day')} · dark: half of the paths, light: 9 of 10"
    dressed(drawn, look, title="Days ahead", note=note, height=height)
    if fan.is_empty():
        return said_empty(drawn, look, "needs at least twenty days")
    drawn.update_xaxes(title="days ahead")
    return drawn.update_layout(hovermode="closest")
