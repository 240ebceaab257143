"""Global results: where it came from, over time, by kind, by strategy and by asset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import streamlit as st

from fillbook.analysis.exposure import allocation, exposure
from fillbook.analysis.overview import Overview
from fillbook.analysis.parts import Parts
from fillbook.figures.bars import cumulative_figure, kind_bars, win_loss_figure
from fillbook.figures.parts import (
    allocation_figure,
    correlation_figure,
    distribution_figure,
    exposure_figure,
    risk_return_figure,
)
from fillbook.filters import UNLINKED
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.units import Unit, counted, format_value
from fillbook.web import drawdowns, narrowing, st_utils, state

_MOST_CORRELATED = 40  # strategies in a heatmap that can still be read
_MOST_BARS = 20
_LISTED = 20


def show(answer: Overview, held: PerformanceDataSource) -> None:
    """The headline, and a tab a question; a tab that is not looked at is not computed."""
    st.header("Global results", anchor=False, divider="gray")
    if answer.currency is None:
        st_utils.empty(
            "There is no total over several currencies.", "Choose the pairs of one quote currency."
        )
        return
    currency = answer.currency
    st.markdown(_headline(answer, currency))
    tabs: dict[str, Callable[[], None]] = {
        "Over time": lambda: _over_time(answer, currency),
        "Long, short, closes": lambda: _by_kind(answer, held),
        "Strategies": lambda: _strategies(answer, held, currency),
        "Assets": lambda: _assets(answer, currency),
        "Drawdowns": lambda: drawdowns.show(answer.drawdowns, currency, key="drawdowns"),
    }
    for tab, draw in zip(st.tabs(list(tabs), on_change="rerun"), tabs.values(), strict=True):
        if tab.open:
            with tab:
                draw()


def _headline(answer: Overview, currency: str) -> str:
    """What matters most, in words and numbers; round trips in their own quote."""
    closed = _closed(answer)
    parts = []
    quotes = closed["quote"].unique().cast(pl.String).to_list()
    for side, name in ((1, "Closed longs"), (-1, "closed shorts")):
        mine = closed.filter(pl.col("side") == side)
        if mine.height and len(quotes) == 1:
            made = float(mine["net_quote"].sum())
            net = format_value(made, Unit.MONEY, currency=quotes[0], signed=True)
            trips = counted(mine.height, "round trip")
            parts.append(f"{name} made **{net} {st_utils.plain(quotes[0])}** in {trips}")
    still = answer.trips.filter("is_open").height
    if still:
        parts.append(f"{counted(still, 'round trip')} still open, not counted in these")
    depth = answer.metrics["max_drawdown"].value
    if depth is not None and answer.drawdowns.height:
        worst = answer.drawdowns.row(0, named=True)
        fall = format_value(depth, Unit.MONEY, currency=currency)
        back = worst["recovery_at"]
        ended = f"made good by {st_utils.spelled(back)}" if back else "not yet made good"
        parts.append(
            f"the deepest fall was **{fall} {st_utils.plain(currency)}**, from "
            f"{st_utils.spelled(worst['peak_at'])}, {ended}"
        )
    return ("; ".join(parts) or "No round trip was closed") + ". All after fees."


def _closed(answer: Overview) -> pl.DataFrame:
    return answer.trips.filter(~pl.col("is_open"), pl.col("net_quote").is_not_null())


def _over_time(answer: Overview, currency: str) -> None:
    """Volume, wins and losses, what was held, and how days were spread."""
    look, closed = state.look(), _closed(answer)
    left, right = st.columns(2, gap="medium")
    with left:
        st_utils.chart("cumulative_figure", cumulative_figure(answer.daily, look, currency=currency))
        st_utils.chart("exposure_figure", exposure_figure(exposure(answer), look, currency=currency))
    with right:
        if closed.height:
            st_utils.chart("win_loss_figure", win_loss_figure(closed, look))
        else:
            st_utils.empty("No round trip was closed.", "See the books above for what is still open.")
        pnl = answer.daily["pnl"].drop_nulls()
        var = answer.metrics["value_at_risk"].value
        if pnl.len() > 1:
            drawn = distribution_figure(pnl.to_numpy(), look, currency=currency, var=var, span=answer.period)
            st_utils.chart("distribution_figure", drawn)


def _by_kind(answer: Overview, held: PerformanceDataSource) -> None:
    """Long against short by round trips; kinds of close, exchanges and pairs by what their fills added."""
    left, right = st.columns(2, gap="medium")
    closed = _closed(answer)
    with left:
        if closed.height and closed["quote"].n_unique() == 1:
            side = pl.when(pl.col("side") > 0).then(pl.lit("long")).otherwise(pl.lit("short"))
            sums = closed.group_by(label=side).agg(value=pl.col("net_quote").sum(), n=pl.len())
            named = sums.with_columns(label=pl.format("{} ({})", "label", "n"))
            quote = str(closed["quote"][0])
            _bars(named, "Closed round trips, long and short", answer, name="side", currency=quote)
        pairs = state.parts_by(held, "pair").table
        _bars(_labelled(pairs), "Net PnL by pair", answer, name="pair", key=narrowing.PAIRS)
    with right:
        closes = state.parts_by(held, "close_type").table
        if closes["close_type"].null_count() < closes.height:
            _bars(_labelled(closes), "Net PnL by close type", answer, name="close",
                  key=narrowing.CLOSE_TYPES)  # fmt: skip
            st.caption("Of the fills of executors that ended so; open and close legs together.")
        venues = state.parts_by(held, "connector").table
        _bars(_labelled(venues), "Net PnL by exchange", answer, name="venue", key=narrowing.CONNECTORS)


def _labelled(table: pl.DataFrame) -> pl.DataFrame:
    return table.select(label="part", value="net").head(_MOST_BARS)


def _bars(
    table: pl.DataFrame,
    title: str,
    answer: Overview,
    *,
    name: str,
    key: str | None = None,
    currency: str | None = None,
) -> None:
    """Bars of money by kind; where `key` is a filter, picking one narrows to it."""
    drawn = kind_bars(
        table,
        state.look(),
        label="label",
        value="value",
        title=title,
        currency=currency or answer.currency or "",
        height=180,
        span=answer.period,
    )

    def act(points: list[dict[str, Any]]) -> None:
        names = [str(point["customdata"]) for point in points]
        narrowing.narrow(**{str(key): names})

    st_utils.chart("kind_bars", drawn, name=name, pick=act if key else None)


def _strategies(answer: Overview, held: PerformanceDataSource, currency: str) -> None:
    """Strategies side by side: table, risk against return, and whether they lose together."""
    found = state.parts_by(held, "bot", "controller_id")
    number = st.column_config.NumberColumn
    st_utils.rows(
        found.table.with_columns(course=pl.col("daily").list.eval(pl.element().fill_null(0.0).cum_sum())),
        {
            "part": st.column_config.TextColumn("Strategy", width="medium"), "bot": "Bot",
            "net": st_utils.money("Net PnL", currency),
            "course": st.column_config.AreaChartColumn("Course", width="small", help="Net PnL by UTC day."),
            "sharpe": number("Sharpe", format="%+.2f", width="small"),
            "deviation": st_utils.money("Deviation a day", currency, signed=False),
            "max_drawdown": st_utils.daily_drawdown(currency),
            "winning_days": number("Winning days", format="percent", width="small"),
            "fees": st_utils.money("Fees", currency, signed=False),
            "volume": number("Volume", format="compact", width="small"),
            "n_fills": number("Fills", format="localized", width="small"),
        },
        alt="Strategies side by side", key="strategies", is_many=True, pick=_to_strategies,
    )  # fmt: skip
    st.caption("A controller, or a bot where no controller traded. Choose one or several rows to see them.")
    if found.table.height < 2:
        st_utils.empty("There is only one strategy in this view.", "Open several bots to compare them.")
        return
    left, right = st.columns(2, gap="medium")
    with left:
        drawn = risk_return_figure(
            found.table, state.look(), currency=currency, height=400, span=answer.period
        )
        st_utils.chart("risk_return_figure", drawn, pick=lambda p: _to_named(p, found), is_boxed=True)
    with right:
        top = Parts(found.table.head(_MOST_CORRELATED), found.currency)
        names, days = top.table["part"].to_list(), len(top.table["daily"][0])
        drawn = correlation_figure(
            names, top.correlation(), state.look(), days=days, height=400, span=answer.period
        )
        st_utils.chart("correlation_figure", drawn)


def _to_named(points: list[dict[str, Any]], found: Parts) -> None:
    """Narrow to the strategies of the chosen points."""
    names = [point["customdata"] for point in points]
    _to_strategies(found.table.filter(pl.col("part").is_in(names)).to_dicts())


def _to_strategies(rows: list[dict[str, Any]]) -> None:
    """Narrow to bots and, where they have controllers, to those."""
    chosen: dict[str, object] = {narrowing.BOTS: sorted({str(row["bot"]) for row in rows})}
    controllers = sorted({str(row["controller_id"] or UNLINKED) for row in rows})
    if controllers != [UNLINKED]:
        chosen[narrowing.CONTROLLERS] = controllers
    narrowing.narrow(**chosen)


def _assets(answer: Overview, currency: str) -> None:
    """What each asset tied up and what it earned for it."""
    table = allocation(answer)
    left, right = st.columns([3, 4], gap="medium")
    with left:
        st_utils.chart("allocation_figure", allocation_figure(table, state.look(), span=answer.period))
    with right:
        number = st.column_config.NumberColumn
        st_utils.rows(
            table,
            {
                "asset": "Asset",
                "exposure": st_utils.money("Mean exposure", currency, signed=False),
                "share": number("Of the exposure", format="percent"),
                "net": st_utils.money("Net PnL", currency),
                "share_net": number("Of gains and losses", format="percent"),
                "per_exposure": number("Net per exposure", format="percent"),
            },
            alt="Assets with what they tied up and earned",
        )  # fmt: skip
        st.caption("Exposure is the mean over days of the position's value at the end of the day.")
