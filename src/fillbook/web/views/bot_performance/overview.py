"""Overview: the answer, the story, the parts."""

from __future__ import annotations

import polars as pl
import streamlit as st

from fillbook.analysis.overview import Overview
from fillbook.figures.bars import Period, pnl_bars
from fillbook.figures.equity import equity_figure
from fillbook.units import money_decimals
from fillbook.web import st_utils, state

_ANSWER = ("net_pnl", "max_drawdown", "sharpe_ratio", "win_rate", "profit_factor", "fees")
_MORE = (
    "realized_pnl", "unrealized_pnl", "funding", "fee_tokens_revalued", "roi", "sortino_ratio",
    "calmar_ratio", "value_at_risk", "expected_shortfall", "expectancy", "volume", "fill_rate",
)  # fmt: skip
_PERIODS: tuple[Period, ...] = ("day", "week", "month")


def show(answer: Overview) -> None:
    """Cards, equity with PnL by period, and the books."""
    st_utils.cards([answer.metrics[key] for key in _ANSWER])
    if answer.currency is None:
        st_utils.empty(
            "There is no total: no rate joins the quote currencies.",
            "Each book below stands in its own; add candles of a joining pair to see them together.",
        )
    else:
        _charts(answer, answer.currency)
    with st.expander("More figures"):
        st_utils.cards([answer.metrics[key] for key in _MORE])
    _books(answer)


def _charts(answer: Overview, currency: str) -> None:
    look, settings = state.look(), st.session_state[state.CHARTS]
    left, right = st.columns([5, 3], gap="medium")
    with left:
        start = answer.conventions.capital or 0.0
        st_utils.chart(
            equity_figure(answer.equity, look, currency=currency, start=start),
            "Net PnL over time above its drawdown",
        )
    with right:
        period: Period = st.segmented_control(
            "PnL by",
            _PERIODS,
            default=settings["period"],
            required=True,
            label_visibility="collapsed",
        )
        settings["period"] = period
        st_utils.chart(
            pnl_bars(answer.daily, look, currency=currency, period=period, height=330),
            f"PnL by {period}",
        )


def _books(answer: Overview) -> None:
    """A row a controller's, or a bot's, pair and connector, in its own quote currency."""
    st.subheader("By bot, exchange and pair", anchor=False)
    books = answer.books.sort("net_quote", descending=True, nulls_last=True)
    number = st.column_config.NumberColumn
    decimals = max((money_decimals(str(quote)) for quote in books["quote"].unique()), default=2)
    money = f"%+,.{decimals}f"
    reasons = books["reasons"].list.eval(pl.element().str.replace_all("_", " ")).list.join(", ")
    st_utils.rows(
        books.with_columns(reasons.alias("note")),
        {
            "bot": "Bot",
            "connector": "Exchange",
            "pair": "Pair",
            "leg": "Leg",
            "net_quote": number("Net PnL", format=money, help="After every fee, with funding, at the mark."),
            "quote": "In",
            "realized_quote": number("Realised", format=money),
            "unrealized_quote": number("Unrealised", format=money),
            "fees_quote": number(
                "Fees", format=f"%,.{decimals}f", help="Positive is paid; negative is earned."
            ),
            "funding_quote": number("Funding", format=money),
            "volume_quote": number("Volume", format="%,.0f"),
            "n_fills": number("Fills", format="localized"),
            "n_trips": number("Round trips", format="localized"),
            "position_base": number("Position", format="%.6g", help="In base, at the end of the period."),
            "mark_quote": number("Mark", format="%.8g"),
            "mark_kind": "Marked at",
            "note": "Note",
        },
    )
