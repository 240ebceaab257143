"""How well it traded: the headline, the cards, and a tab a question; computed when it is asked for."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import streamlit as st

from fillbook.analysis.execution import Execution
from fillbook.analysis.overview import Overview
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Result
from fillbook.units import Unit, counted, format_value
from fillbook.web import cards, state
from fillbook.web.views.bot_performance import quality_costs, quality_markouts, quality_orders

CARDS = (
    "spread_earned", "effective_spread", "realized_spread", "spread_capture", "markout_60s",
    "fill_rate", "time_to_first_fill_p50", "average_slippage_arrival", "implementation_shortfall",
    "quote_uptime",
    "order_latency_p50", "order_latency_p90", "maker_share", "market_participation",
    "orders_per_trade",
)  # fmt: skip
_IN_A_ROW = 5
_MINUTE_S = 60.0


def show(answer: Overview, held: PerformanceDataSource) -> None:
    """The question, and its answer once it is asked."""
    st.subheader("How well it traded", anchor=False)
    shown = st.expander(
        "Fills beside the market, order by order: markouts, fill rates, latency, costs", on_change="rerun",
        key="quality", icon=":material/query_stats:",
    )  # fmt: skip
    if shown.open:
        with shown:
            _answered(state.executed(held), answer, held)


@st.fragment
def _answered(executed: Execution, answer: Overview, held: PerformanceDataSource) -> None:
    """Headline, cards and tabs; a tab that is not looked at is not drawn."""
    st.markdown(headline(executed))
    cards.show(executed, held, CARDS, most=_IN_A_ROW)
    tabs: dict[str, Callable[[], None]] = {
        "Markouts": lambda: quality_markouts.show(executed),
        "Orders": lambda: quality_orders.show(executed, held),
        "Latency": lambda: quality_costs.latency(executed),
        "Costs": lambda: quality_costs.costs(executed),
        "Market": lambda: quality_costs.market(executed, answer),
    }
    for tab, draw in zip(
        st.tabs(list(tabs), on_change="rerun", key="quality_tab"), tabs.values(), strict=True
    ):
        if tab.open:
            with tab:
                draw()


def headline(executed: Execution) -> str:
    """What matters most, in words: what is not known is said with its reason."""
    return " ".join((_of_fills(executed), _of_orders(executed), _of_costs(executed)))


def _of_fills(executed: Execution) -> str:
    """What fills earned against the mid, at once and after a minute."""
    if executed.fills.is_empty():
        return "There is no fill in this view."
    if executed.currency is None:
        return "What fills earned does not add up over several quote currencies without an exchange rate."
    by_horizon = {row["horizon_s"]: row for row in executed.markouts.iter_rows(named=True)}
    first, later = by_horizon[0.0], by_horizon[_MINUTE_S]
    result = executed.metrics["spread_earned"]
    if first["markout_bps"] is None:
        return f"What fills earned against the mid before them is not known: {why(result)}."
    earned = first["markout_bps"]
    verb = "earned" if earned >= 0.0 else "paid"
    text = f"Fills {verb} **{_bps(earned)}** against the mid before them"
    if later["markout_bps"] is None:
        text += f"; what they were worth a minute later is not known: {why(executed.metrics['markout_60s'])}"
    else:
        text += f" and were worth **{_bps(later['markout_bps'])}** a minute later"
        if later["low"] is not None:
            low, high = (format_value(later[end], Unit.BPS, signed=True) for end in ("low", "high"))
            text += f" (95 %: {low} … {high})"
    n = executed.fills.height
    if first["n"] < n:
        share = "" if first["coverage"] is None else f", {_percent(first['coverage'])} of the value"
        text += f", as far as a mid is known: for {first['n']:,} of {counted(n, 'fill')}{share}"
    return text + "."


def _of_orders(executed: Execution) -> str:
    """What became of the orders."""
    rate = executed.metrics["fill_rate"]
    if rate.value is None:
        return f"What became of orders is not known: {why(rate)}."
    ended = executed.orders.filter(pl.col("class").cast(pl.String) != "OPEN").height
    text = f"**{_percent(rate.value)}** of {counted(ended, 'order')} that ended were filled, at least in part"
    wait = executed.metrics["time_to_first_fill_p50"]
    if wait.value is not None:
        text += f", half of the limit orders within {format_value(wait.value, wait.unit)}"
    return text + "."


def _of_costs(executed: Execution) -> str:
    """What turning decisions into fills cost."""
    cost = executed.metrics["implementation_shortfall"]
    if cost.value is None:
        return ""
    kind = "a cost" if cost.value >= 0.0 else "a gain"
    text = f"Turning decisions into fills (implementation shortfall) came to **{_bps(cost.value)}**, {kind}"
    share = cost.coverage
    if share is None or share >= 1.0:
        return text + "."
    return text + f", as far as mids are known: for {_percent(share)} of the value."


def why(result: Result) -> str:
    """Reasons of a number that is not there, in words."""
    return cards.doubt(result) or "the data does not say"


def _bps(value: float, *, signed: bool = True) -> str:
    return f"{format_value(value, Unit.BPS, signed=signed)} bps"


def _percent(share: float) -> str:
    return format_value(share, Unit.FRACTION)
