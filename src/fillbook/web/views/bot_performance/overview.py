"""Overview: the answer, the story, the parts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import streamlit as st

from fillbook.analysis.anomalies import unusual
from fillbook.analysis.history import to_date
from fillbook.analysis.overview import Overview
from fillbook.analysis.periods import hourly
from fillbook.figures.bars import Period, by_period, pnl_bars
from fillbook.figures.equity import equity_figure
from fillbook.filters import UNLINKED
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import reason_text
from fillbook.units import counted
from fillbook.web import cards, narrowing, st_utils, state

_ANSWER = ("net_pnl", "max_drawdown", "sharpe_ratio", "win_rate", "profit_factor", "fees")
_MORE = {
    "Profit": (
        "realized_pnl", "unrealized_pnl", "funding", "rebates", "fee_tokens_revalued", "roi",
        "average_trade_pnl", "expectancy", "payoff_ratio", "best_trade", "worst_trade",
    ),
    "Risk-adjusted": (
        "sortino_ratio", "calmar_ratio", "omega_ratio", "volatility", "value_at_risk",
        "expected_shortfall",
    ),
    "Activity": (
        "volume", "turnover", "trade_frequency", "average_position_duration", "inventory_turnover",
        "time_in_market", "exposure", "fill_rate", "fill_rate_full", "cancel_ratio",
    ),
}  # fmt: skip
_PERIODS: tuple[Period, ...] = ("hour", "day", "week", "month")
_TABLE_PX, _ROWS_SHOWN = 420, 11


def show(answer: Overview, held: PerformanceDataSource) -> None:
    """Cards, equity with PnL by period, the parts, and what is unusual."""
    st.header("Overview", anchor=False)
    found = unusual(answer)
    cards.show(answer, held, _ANSWER, courses=to_date(answer) or None, earlier=state.earlier(held, _ANSWER))
    if answer.currency is None:
        st_utils.empty(
            "There is no total: no rate joins the quote currencies.",
            "Each part below stands in its own; add candles of a joining pair to see them together.",
        )
    else:
        _charts(answer, answer.currency, found)
    _parts(answer, held)
    more = st.expander(
        "More figures: profit, risk, activity", on_change="rerun", key="more", icon=":material/grid_view:"
    )
    if more.open:
        with more:
            for title, keys in _MORE.items():
                st.subheader(title, anchor=False)
                cards.show(answer, held, keys, is_wide=True)
    _unusual(answer, found)


def _charts(answer: Overview, currency: str, found: pl.DataFrame) -> None:
    """The story: equity over drawdown, and PnL by period beside it."""
    look, days = state.look(), [at.date() for at in found.filter(pl.col("kind") == "day")["at"]]
    left, right = st.columns([5, 3], gap="medium")
    with left:
        start = answer.conventions.capital or 0.0
        equity = st_utils.local(answer.equity)
        drawn = equity_figure(equity, look, currency=currency, start=start, height=400, unusual=days)
        st_utils.chart("equity_figure", drawn)
    with right:
        _by_period(answer, currency, days, narrowing.taken())


@st.fragment
def _by_period(answer: Overview, currency: str, unusual_days: list[date], steps: int) -> None:
    """PnL by hour, day, week or month; a bar narrows to its days."""
    narrowing.follow(steps)
    settings: state.ChartSettings = st.session_state[state.CHARTS]
    period: Period = st.segmented_control(
        "PnL by", _PERIODS, default=settings["period"], required=True, label_visibility="collapsed",
    )  # fmt: skip
    settings["period"] = period
    daily = answer.daily.select("day", "pnl")
    table = by_period(hourly(answer) if period == "hour" else daily, period)
    if table.is_empty():
        st_utils.empty("PnL by hour is shown for up to 208 days.", "Choose a shorter period.")
        return
    drawn = pnl_bars(table, state.look(), currency=currency, period=period, height=348, unusual=unusual_days)
    st_utils.chart("pnl_bars", drawn, name=period, pick=_to_period)


def _to_period(points: list[dict[str, Any]]) -> None:
    """Narrow to the days of the chosen bars."""
    spans = [point["customdata"] for point in points if point.get("customdata")]
    if spans:
        first = min(date.fromisoformat(str(span[0])[:10]) for span in spans)
        end = max(str(span[1]) for span in spans)
        last = date.fromisoformat(end[:10])
        is_midnight = len(end) <= 10 or "00:00:00" in end
        narrowing.to_days(first, max(first, last - timedelta(days=1)) if is_midnight else last)


def _parts(answer: Overview, held: PerformanceDataSource) -> None:
    """A row a controller, exchange and pair; choosing one narrows to it."""
    st.subheader("By controller, exchange and pair", anchor=False)
    table = state.parts_by(held, "bot", "controller_id", "connector", "pair").table
    number = st.column_config.NumberColumn
    currency = answer.currency
    course = pl.col("daily").list.eval(pl.element().fill_null(0.0).cum_sum())
    reasons = answer.books.explode("reasons").group_by("bot", "connector", "pair").agg(
        note=pl.col("reasons").drop_nulls().unique(maintain_order=True)
    ).cast({"bot": pl.String, "connector": pl.String, "pair": pl.String})  # fmt: skip
    words = {code: reason_text(code) for code in reasons["note"].explode().drop_nulls().unique()}
    notes = reasons.with_columns(
        note=pl.col("note").list.eval(pl.element().cast(pl.String).replace(words)).list.join(", ")
    )
    shared = pl.len().over("bot", "connector", "pair") > 1
    shown = table.with_columns(course=course, is_shared=shared).join(
        notes, on=["bot", "connector", "pair"], how="left", maintain_order="left"
    )
    st_utils.rows(
        shown,
        {
            "part": st.column_config.TextColumn("Controller or bot", width="medium"),
            "connector": "Exchange", "pair": "Pair",
            "net": st_utils.money("Net PnL", currency, help="After every fee, with funding, at the mark."),
            "course": st.column_config.AreaChartColumn(
                "Course", width="small", help="Net PnL to date, a point a UTC day."
            ),
            "fees": st_utils.money("Fees", currency, signed=False, help="Positive is paid, negative earned."),
            "funding": st_utils.money("Funding", currency),
            "volume": number("Volume", format="compact", width="small"),
            "n_fills": number("Fills", format="localized", width="small"),
            "sharpe": number("Sharpe", format="%+.2f", width="small", help="Of daily PnL, 365 days a year."),
            "max_drawdown": st_utils.daily_drawdown(currency),
            "winning_days": number("Winning days", format="percent", width="small"),
            "note": "Note",
        },
        alt="Net PnL, fees and risk of each controller, exchange and pair", key="parts", pick=_to_part,
        height="auto" if shown.height <= _ROWS_SHOWN else _TABLE_PX,
    )  # fmt: skip
    unit = f"In {currency}" if currency else "No common currency: open Books for each in its own"
    st.caption(f"{unit}. The rows add up to the total. Choose a row to see it alone.")
    books = st.expander(
        "Books: realised, unrealised, position and mark", on_change="rerun", key="books",
        icon=":material/menu_book:",
    )  # fmt: skip
    if books.open:
        with books:
            _books(answer)


def _to_part(rows: list[dict[str, Any]]) -> None:
    """Narrow to one bot, exchange and pair; and to the controller where several trade it."""
    row = rows[0]
    chosen = {narrowing.BOTS: [row["bot"]], narrowing.CONNECTORS: [row["connector"]],
              narrowing.PAIRS: [row["pair"]]}  # fmt: skip
    if row["is_shared"]:
        chosen[narrowing.CONTROLLERS] = [row["controller_id"] or UNLINKED]
    narrowing.narrow(**chosen)


def _books(answer: Overview) -> None:
    """A row a book, in its own quote currency."""
    books = answer.books.sort("net_quote", descending=True, nulls_last=True)
    number = st.column_config.NumberColumn
    quotes = books["quote"].unique().cast(pl.String).to_list()
    quote = quotes[0] if len(quotes) == 1 else "BTC"  # of several, the decimals of the finest
    names = {code: reason_text(code) for code in books["reasons"].explode().drop_nulls().unique()}
    note = books["reasons"].list.eval(pl.element().cast(pl.String).replace(names)).list.join(", ")
    st_utils.rows(
        books.with_columns(note.alias("note")),
        {
            "bot": "Bot", "connector": "Exchange", "pair": "Pair", "leg": "Leg",
            "net_quote": st_utils.money("Net PnL", quote), "quote": "In",
            "realized_quote": st_utils.money("Realised", quote),
            "unrealized_quote": st_utils.money("Unrealised", quote),
            "fees_quote": st_utils.money("Fees", quote, signed=False),
            "funding_quote": st_utils.money("Funding", quote),
            "volume_quote": number("Volume", format="%,.0f"),
            "n_fills": number("Fills", format="localized"),
            "n_trips": number("Round trips", format="localized"),
            "position_base": number("Position", format="%.6g", help="In base, at the end of the period."),
            "mark_quote": number("Mark", format="%.8g"), "mark_kind": "Marked at", "note": "Note",
        },
        alt="Books, one a row, each in its own quote currency",
    )  # fmt: skip


def _unusual(answer: Overview, found: pl.DataFrame) -> None:
    """Days and round trips far from the usual, and stretches without data."""
    gaps = [finding for finding in answer.findings if "gap" in finding.rule]
    if found.is_empty() and not gaps:
        return
    n_days = found.filter(pl.col("kind") == "day").height
    all_days, all_trips = answer.daily.height, answer.trips.filter(~pl.col("is_open")).height
    days = f"{n_days:,} of {counted(all_days, 'day')}"
    trips = f"{found.height - n_days:,} of {counted(all_trips, 'closed round trip')}"
    with st.expander(f"Unusual: {days}, {trips}", icon=":material/notification_important:"):
        st.caption(
            "Beyond three robust deviations (1.4826 × MAD) from the median of their kind. Days are marked "
            "on the charts above. Choose a row to see its day."
        )
        if found.height:
            st_utils.rows(
                found.head(200),
                {
                    "kind": "What", "at": st_utils.moment("When"), "where": "Where",
                    "value": st.column_config.NumberColumn("PnL", format="%+,.2f"), "quote": "In",
                },
                alt="Unusual days and round trips", key="unusual", height=260,
                pick=lambda rows: narrowing.to_days(rows[0]["at"].date(), rows[0]["at"].date()),
            )  # fmt: skip
        for finding in gaps:
            st.text(f"{finding.table}: {finding.message}")
