"""A day's loss by method and whether forecasts were kept; how deep equity fell and how long."""

from __future__ import annotations

import polars as pl
import streamlit as st

from fillbook.analysis.risk import LEVELS, Risk
from fillbook.figures.risk import backtest_figure, tail_figure, underwater_figure
from fillbook.metrics.tails import METHODS
from fillbook.results import reason_text
from fillbook.units import money_decimals
from fillbook.web import drawdowns, st_utils, state

_REFUTED = 0.05


def show(found: Risk, currency: str) -> None:
    """Value at risk and expected shortfall, then their backtests."""
    left, right = st.columns(2, gap="medium")
    with left:
        drawn = tail_figure(
            found.daily["pnl"], found.tails, state.look(), level=LEVELS[0], currency=currency,
            span=found.period,
        )  # fmt: skip
        st_utils.explained("tail_figure", drawn)
    with right:
        _table(found, currency)
    _backtests(found, currency)


def _table(found: Risk, currency: str) -> None:
    """Every method and level in numbers, with what is missing and why."""
    money = f"%,.{money_decimals(currency)}f"
    rows = found.tails.with_columns(reason=pl.col("reason").map_elements(reason_text, return_dtype=pl.String))
    st_utils.rows(
        rows,
        {
            "level": st.column_config.NumberColumn("Level", format="percent", width=55),
            "label": st.column_config.TextColumn("Method", width=110),
            "value_at_risk": st.column_config.NumberColumn("Value at risk", format=money, width=95),
            "expected_shortfall": st.column_config.NumberColumn("Shortfall", format=money, width=75),
            "reason": st.column_config.TextColumn("Missing because", width=190),
        },
        alt="Value at risk and expected shortfall by method", height="content",
    )  # fmt: skip
    st.caption(
        f"{currency}, losses positive, one day. Value at risk is exceeded on 5 % or 1 % of days; expected "
        "shortfall is the mean loss of those. Historic and filtered rest on losses there were; the "
        "others on a curve."
    )


def _backtests(found: Risk, currency: str) -> None:
    """Whether forecasts made from the days before were kept."""
    st.subheader("Were forecasts kept?", anchor=False)
    known = found.backtests.filter(pl.col("n") > 0)
    if known.is_empty():
        reason = found.backtests["reason"].drop_nulls()
        why = reason_text(reason[0]) if reason.len() else "there is no day"
        st_utils.empty(
            f"There is no backtest: it {why}."
            if why.startswith("needs")
            else f"There is no backtest: {why}.",
            f"A forecast knows the {found.asked.backtest_days} days before its day; the days after that "
            "test it.",
        )
        return
    _drawn(found, known["method"].unique(maintain_order=True).to_list(), currency)
    number = st.column_config.NumberColumn
    exact = "Exact also for few days; a tie is decided by lot."
    p_value = f"Below 5 % alone true forecasts come out 5 times in 100. {exact}"
    verdict = pl.col("verdict_p") < _REFUTED
    named = known.with_columns(
        verdict=pl.when(verdict).then(pl.lit("✗ refuted")).otherwise(pl.lit("✓ kept")),
        light=pl.when(pl.col("level") == LEVELS[1]).then(pl.coalesce(
            "light", pl.col("light_reason").map_elements(reason_text, return_dtype=pl.String)
        )),
    )  # fmt: skip
    st_utils.rows(
        named,
        {
            "level": number("Level", format="percent", width="small"), "label": "Method",
            "verdict": st.column_config.TextColumn(
                "At 5 %", help="By “p, both” and “p, how much”, below 2.5 % either: two tests, one error."
            ), "n": number("Days", format="localized"),
            "exceptions": number("Lost more", format="localized"),
            "expected": number("Expected", format="%.1f"),
            "kupiec_p": number("p, how many", format="percent", help=f"Kupiec 1995. {p_value}"),
            "independence_p": number("p, in clusters", format="percent",
                                      help=f"Christoffersen 1998. {exact}"),
            "coverage_p": number("p, both", format="percent", help=f"Conditional coverage. {p_value}"),
            "z2": number("Z₂", format="%+.2f", help="Acerbi & Szekely 2014: 0 as forecast, below 0 dearer."),
            "z2_critical": number("5 % point", format="%+.2f", help="Of Z₂, by simulating the forecasts."),
            "z2_p": number("p, how much", format="percent", help="Of Z₂, by the same simulation."),
            "light": st.column_config.TextColumn("Traffic light", help="Basel: 250 days at 99 % only."),
        },
        alt="Backtests of value at risk by method",
    )  # fmt: skip


@st.fragment
def _drawn(found: Risk, methods: list[str], currency: str) -> None:
    """One method's forecasts beside the days that came."""
    method = st.segmented_control(
        "Forecast by", methods, default=methods[0], required=True,
        format_func=lambda key: METHODS[key].label,
    )  # fmt: skip
    drawn = backtest_figure(
        found.forecasts, state.look(), method=method, label=METHODS[method].label, currency=currency
    )
    st_utils.explained("backtest_figure", drawn, name=method)


def falls(found: Risk, currency: str) -> None:
    """Under water through time, and the table of falls."""
    equity = st_utils.local(found.equity)
    drawn = underwater_figure(
        equity, state.look(), currency=currency, capital=found.conventions.capital, height=300
    )
    st_utils.explained("underwater_figure", drawn)
    drawdowns.show(
        found.drawdowns, currency, key="risk_drawdowns", note="Without “made good” it lasts to the end."
    )
