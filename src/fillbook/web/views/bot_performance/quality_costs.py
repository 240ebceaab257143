"""What orders cost and how late they were, and the market around them."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig as Column

from fillbook.analysis.costs import shortfall_sums
from fillbook.analysis.execution import Execution
from fillbook.analysis.mids import KIND_TEXT
from fillbook.analysis.overview import Overview
from fillbook.figures.execution import shortfall_figure, slippage_figure
from fillbook.figures.orders import latency_figure
from fillbook.findings import Severity
from fillbook.results import Status, reason_text
from fillbook.units import Unit, counted, format_duration, format_value
from fillbook.web import cards, st_utils, state
from fillbook.web.st_utils import price

PART_WORDS = {
    "delay": "delay", "timing": "timing", "spread": "spread", "opportunity": "not filled", "fees": "fees",
    "total": "in all",
}  # fmt: skip
_PAGE = 200
_TABLE_PX = 320
_BENCHMARKS = ("slippage_vwap", "slippage_twap")
_ICONS = {
    Severity.ERROR: ":material/error:", Severity.WARNING: ":material/warning:",
    Severity.INFO: ":material/info:",
}  # fmt: skip
_STATUS = {
    "ok": "", "no_candles": "no candles of this market", "inconsistent": reason_text("own_exceeds_market"),
    "hypothetical": "simulated trades beside a real market",
}  # fmt: skip


def latency(executed: Execution) -> None:
    """How long it took, with what the clock leaves open."""
    if executed.orders.is_empty():
        st_utils.empty("The data holds no order in this view.", "Open the bot's database, which has them.")
        return
    ticks = executed.fills["tick_s"].drop_nulls()
    tick = float(ticks.max()) if ticks.len() else None  # type: ignore[arg-type]
    if executed.orders["latency_s"].null_count() < executed.orders.height:
        drawn = latency_figure(executed.orders, state.look(), tick_s=tick)
        st_utils.chart("latency_figure", drawn)
        how = executed.metrics["order_latency_p50"].method
        st.caption(st_utils.plain(f"{how[:1].upper()}{how[1:]}.") if how else "")
    else:
        st_utils.empty(
            "No order of this view traded at once, so nothing tells how quick the bot was.",
            "How long resting orders waited is under “Orders”.",
        )
    _spans(executed)
    if tick is not None:
        st.caption(
            f"Fills are stamped by the bot's clock, which ticks every {format_duration(tick)}: each time is "
            "up to a tick too early. A time below a tick says little, and one below 0 is that tick showing."
        )


@st.fragment
def _spans(executed: Execution) -> None:
    """Quantiles by connector and by hour."""
    if executed.latency.is_empty():
        return
    names = {"connector": "Exchange", "hour": "Hour (UTC)"}
    by = st.segmented_control(
        "Times by", list(names), default="connector", required=True, format_func=names.__getitem__
    )
    number = st.column_config.NumberColumn
    st_utils.rows(
        executed.latency.filter(pl.col("by") == by),
        {
            "tag": names[by], "what": st.column_config.TextColumn("From and to", width="medium"),
            "n": number("Orders", format="localized"),
            **{
                name: number(f"{name}, s", format="%,.4g", help=f"{name[1:]} % took no longer.")
                for name in ("p50", "p90", "p99")
            },
            "n_negative": number("Below 0", format="localized", help="The clock's tick showing."),
        },
        alt=f"Times of orders by {names[by].lower()}", height=_TABLE_PX if by == "hour" else "auto",
    )  # fmt: skip


def costs(executed: Execution) -> None:
    """Shortfall, benchmarks, impact, decision by decision."""
    if executed.orders.is_empty():
        st_utils.empty("The data holds no order in this view.", "Open the bot's database, which has them.")
        return
    sums = shortfall_sums(executed)
    left, right = st.columns([5, 3], gap="medium")
    with left:
        if sums.is_empty():
            lack = cards.doubt(executed.metrics["implementation_shortfall"]) or reason_text("no_mid")
            st_utils.empty(
                f"No shortfall is known: {lack}.",
                "It needs mids at the decision, at creation, at each fill and at the end.",
            )
        for currency in sums["currency"].unique(maintain_order=True):
            drawn = shortfall_figure(
                sums.filter(pl.col("currency") == currency), state.look(), currency=str(currency)
            )  # fmt: skip
            st_utils.chart("shortfall_figure", drawn, name=str(currency))
    with right:
        average = executed.metrics["average_slippage_arrival"].value
        st_utils.chart("slippage_figure", slippage_figure(executed.orders, state.look(), average=average))
    for key in _BENCHMARKS:
        st.caption(_against(executed, key))
    st.caption(impact_words(executed))
    _parents(executed)


def _against(executed: Execution, key: str) -> str:
    """Cost against an average of the market, in words."""
    result = executed.metrics[key]
    name = "volume-weighted price (VWAP)" if key == "slippage_vwap" else "time-weighted mid (TWAP)"
    what = f"Against the market's {name} while each order lived"
    if result.value is None:
        return f"{what}: not known, {cards.doubt(result) or 'the data does not say'}."
    word = "a cost" if result.value > 0.0 else "a gain"
    of = f"{result.n_used:,} of {counted(result.n, 'decision')}"
    return f"{what}: {format_value(result.value, Unit.BPS, signed=True)} bps, {word}, over {of}."


def impact_words(executed: Execution) -> str:
    """The fit of own impact with its error, and what it cannot say."""
    fit = executed.impact
    if fit.status is Status.UNDEFINED:
        lack = cards.doubt(executed.metrics["impact_coefficient"]) or reason_text("n_lt_2")
        n = counted(fit.n, "market order")
        return f"Own market impact is not fitted: {lack} ({n} with the market's daily volume beside it)."
    value, error, robust = (
        format_value(x, Unit.RATIO) for x in (fit.coefficient, 1.96 * fit.se, 1.96 * fit.se_hc3)
    )
    few = "; few orders" if fit.status is Status.LOW_N else ""
    return (
        f"Own market impact: a market order moves the price by Y √(its share of a day's volume) daily "
        f"volatilities, Y = {value} ± {error} (95 %; ± {robust} where the scatter is uneven), from "
        f"{counted(fit.n, 'order')}{few}; a free fit has the exponent "
        f"{format_value(fit.exponent, Unit.RATIO)} in place of 0.5. Orders are chosen, not drawn: the bot "
        "trades when it expects a move, so this does not say what another order would have cost."
    )


@st.fragment
def _parents(executed: Execution) -> None:
    """Decisions with their shortfall, the newest first, a page at a time."""
    parents = executed.parents.sort("decided_at", descending=True, nulls_last=True)
    if parents.is_empty():
        return
    st.markdown("**Decisions**")
    is_known = st.toggle("Only those with a shortfall", value=parents["total_quote"].is_not_null().any())
    shown = parents.filter(pl.col("total_quote").is_not_null()) if is_known else parents
    pages = -(-shown.height // _PAGE)
    page = st.pagination(pages) if pages > 1 else 1
    quotes = shown["quote"].unique().cast(pl.String).to_list()
    quote = quotes[0] if len(quotes) == 1 else None
    st_utils.rows(
        st_utils.spoken(shown.slice((page - 1) * _PAGE, _PAGE)), _parent_columns(quote),
        alt="Decisions with what they cost, the newest first", height=_TABLE_PX,
    )  # fmt: skip
    st.caption(
        f"{counted(shown.height, 'decision')}. A decision is a leg of an executor, or an order alone; a "
        "quote of a market maker counts where it traded, and has no cost of what was not filled. In the "
        "quote of the pair; above 0 is a cost."
    )


def _parent_columns(quote: str | None) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "decided_at": st_utils.moment("Decided"), "pair": "Pair", "side": "Side",
        "total_quote": _cost("Shortfall", quote), "quote": "In",
        **{
            f"{part}_quote": _cost(word.capitalize(), quote)
            for part, word in PART_WORDS.items() if part != "total"
        },
        "asked_base": number("Asked for", format="%.6g"), "filled_base": number("Filled", format="%.6g"),
        "decision_quote": price("Mid at decision"), "arrival_quote": price("Mid at creation"),
        "average_quote": price("Average"), "end_quote": price("Mid at the end"),
        "vwap_quote": price("VWAP"), "twap_quote": price("TWAP"), "n_orders": number("Orders"),
        "bot": "Bot", "connector": "Exchange",
    }  # fmt: skip


def _cost(label: str, quote: str | None) -> Column:
    if quote is None:  # of several, as many digits as each has
        return st.column_config.NumberColumn(label, format="%+,.6g")
    return st_utils.money(label, quote)


def market(executed: Execution, answer: Overview) -> None:
    """Own share of the market, uptime, where mids came from, and what a reader must know."""
    number = st.column_config.NumberColumn
    st.markdown("**Share of the market's volume**")
    words = pl.col("status").replace(_STATUS).alias("status")
    st_utils.rows(
        executed.markets.with_columns(
            words, pl.col("participation") * 100.0, pl.col("active_participation") * 100.0
        ),
        {
            "pair": "Pair", "connector": "Exchange", "n": number("Fills", format="localized"),
            "participation": number("Participation", format="%.4f %%", help="While the bots ran."),
            "active_participation": number(
                "While trading", format="%.4f %%", help="Of the candles that hold own fills."
            ),
            "own_base": number("Own, base", format="%,.6g"),
            "market_base": number("Market, base", format="compact"),
            "coverage": number("Covered", format="percent", help="Own volume that candles cover."),
            "n_exceeded": number("Beyond", help="Candles in which the bot traded more than the market."),
            "status": st.column_config.TextColumn("Note", width="medium"),
        },
        alt="Own volume beside the market's",
    )  # fmt: skip
    _uptime(executed)
    _mids(executed)
    _findings(executed, answer)


def _uptime(executed: Execution) -> None:
    """Share of the time with live quotes, a row a bot and market."""
    if executed.uptime.is_empty():
        st.caption("No limit order is known, so how long quotes stood is not known either.")
        return
    number = st.column_config.NumberColumn
    st.markdown("**Quotes in the book**")
    st_utils.rows(
        executed.uptime.with_columns(window=pl.col("window_s") / 86_400.0),
        {
            "bot": "Bot", "pair": "Pair", "connector": "Exchange",
            "both": number("Bid and ask", format="percent"), "bid": number("Bid", format="percent"),
            "ask": number("Ask", format="percent"),
            "window": number("Over, days", format="%.2f", help="First order to the end of the last."),
            "n": number("Limit orders", format="localized"),
        },
        alt="Share of the time with live quotes",
    )  # fmt: skip


def _mids(executed: Execution) -> None:
    """Where the mids before the fills came from."""
    if executed.mids.is_empty():
        return
    number = st.column_config.NumberColumn
    st.markdown("**Where the mids before the fills came from**")
    kinds = pl.col("kind").replace(dict(KIND_TEXT)).fill_null("none near enough in time").alias("kind")
    st_utils.rows(
        executed.mids.with_columns(kinds),
        {
            "kind": st.column_config.TextColumn("From", width="medium"),
            "n": number("Fills", format="localized"),
            "share": number("Of the value", format="percent"),
            "age_p50_s": number("Age, half", format="%.3g s"),
            "age_p95_s": number("Age, 95 %", format="%.3g s"),
            "age_max_s": number("Oldest", format="%.3g s"),
        },
        alt="Sources of the mids with their age",
    )  # fmt: skip
    st.caption(
        f"A quote counts up to {executed.conventions.max_quote_age_s:g} s; the sidebar, under “Cost method, "
        "capital, currency”, sets that, and whether candle closes stand in."
    )


def _findings(executed: Execution, answer: Overview) -> None:
    """What a reader of these numbers must know beyond what the page says above."""
    known = set(answer.findings)
    for finding in executed.findings:
        if finding in known:
            continue
        words = f"{finding.message[:1].upper()}{finding.message[1:]}."
        words += f" {finding.effect[:1].upper()}{finding.effect[1:]}." if finding.effect else ""
        words += f" {finding.remedy[:1].upper()}{finding.remedy[1:]}." if finding.remedy else ""
        st.caption(f"{_ICONS[finding.severity]} {st_utils.plain(words)}")
