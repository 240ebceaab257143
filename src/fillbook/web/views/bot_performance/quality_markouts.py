"""What fills were worth afterwards: by horizon, by group, the worst of them, and market by market."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from fillbook.analysis.execution import Execution
from fillbook.analysis.execution_groups import extremes
from fillbook.analysis.execution_tags import FILL_BY
from fillbook.figures.execution import group_figure, markout_figure
from fillbook.results import reason_text
from fillbook.units import Unit, counted, format_duration, format_value
from fillbook.web import cards, st_utils, state
from fillbook.web.st_utils import bps, price

NAMED = {
    "side": "Side", "level": "Level", "size": "Size", "hour": "Hour (UTC)", "liquidity": "Maker or taker",
    "pair": "Pair", "controller": "Controller", "order_type": "Type", "spread": "Distance from the mid",
}  # fmt: skip
_FIRST = "hour"
_TABLE_PX = 320


def show(executed: Execution) -> None:
    """The curve, groups of fills, what was run over, spreads by market."""
    if executed.markouts["markout_bps"].null_count() == executed.markouts.height:
        _none(executed)
    else:
        drawn = markout_figure(executed.markouts, state.look(), n_fills=executed.fills.height)
        st_utils.chart("markout_figure", drawn)
        _gaps(executed)
        _groups(executed)
        _toxic(executed)
    _spreads(executed)


def _none(executed: Execution) -> None:
    """Why there is no markout, and what to do."""
    if executed.currency is None:
        st_utils.empty(
            "Markouts do not add up over several quote currencies without an exchange rate.",
            "Below, each market stands in its own; choose the pairs of one quote in the sidebar to see all.",
        )
        return
    reason = cards.doubt(executed.metrics["spread_earned"]) or reason_text("no_mid")
    st_utils.empty(
        f"No markout is known: {reason}.",
        "Open quotes of the markets beside the bot's database, or let candle closes stand in for mids: "
        "in the sidebar, under “Cost method, capital, currency”.",
    )


def _gaps(executed: Execution) -> None:
    """Horizons without a value, and why."""
    lost = executed.markouts.filter(pl.col("markout_bps").is_null())
    by_reason: dict[str, list[str]] = {}
    for row in lost.iter_rows(named=True):
        words = reason_text(row["reason"] or "no_mid")
        by_reason.setdefault(words, []).append(format_duration(row["horizon_s"]))
    for words, horizons in by_reason.items():
        st.caption(f"No value after {', '.join(horizons)}: {words}.")
    if executed.markouts["low"].null_count() == executed.markouts.height:
        st.caption("No interval: it needs fills in at least 20 hours.")


@st.fragment
def _groups(executed: Execution) -> None:
    """Markout of groups of fills; the best and the worst in words."""
    kinds = [_FIRST, *(by for by in FILL_BY if by != _FIRST)]
    kinds = [by for by in kinds if executed.by_fill[by].height]
    if not kinds:
        return
    by = st.segmented_control(
        "Markout after a minute by", kinds, default=kinds[0], required=True, format_func=NAMED.__getitem__
    )
    groups = executed.by_fill[by]
    worst, best = extremes(groups)
    drawn = group_figure(
        groups, state.look(), by=_lower(by), whole=executed.metrics["markout_60s"].value, worst=worst,
        best=best,
    )  # fmt: skip
    st_utils.chart("group_figure", drawn, name=by)
    st.caption(compared(groups, by, worst, best))
    st_utils.rows(
        groups, _group_columns(by, executed.currency), alt=f"Edge and markout by {_lower(by)}",
        height=_TABLE_PX if groups.height > 8 else "auto",
    )  # fmt: skip


def _lower(by: str) -> str:
    name = NAMED[by]
    return name[0].lower() + name[1:]


def compared(groups: pl.DataFrame, by: str, worst: str | None, best: str | None) -> str:
    """Which groups stand out beyond noise, in words."""
    known = groups.filter(pl.col("markout_bps").is_not_null())
    if known.height < 2:
        return "There is one group with a markout, so there is nothing to compare."
    if known["low"].null_count() > known.height - 2:
        return (
            "Fewer than two groups have fills in enough hours (20) for an interval, "
            "so none can be told apart."
        )
    if worst is None and best is None:
        return f"No {_lower(by)} differs from the rest beyond noise."
    rows = {row["tag"]: row for row in known.iter_rows(named=True)}
    parts = [
        f"{word} is {st_utils.plain(tag)} with {_interval(rows[tag])}"
        for word, tag in (("worst", worst), ("best", best))
        if tag is not None
    ]
    text = f"By {_lower(by)}, " + ", ".join(parts)
    if worst is None or best is None:
        text += f"; none is {'worse' if worst is None else 'better'} than the rest beyond noise"
    return text + "."


def _interval(row: dict[str, Any]) -> str:
    value, low, high = (
        format_value(row[name], Unit.BPS, signed=True) for name in ("markout_bps", "low", "high")
    )
    return f"{value} bps ({low} … {high}, {counted(row['n_used'], 'fill')})"


def _group_columns(by: str, currency: str | None) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "tag": NAMED[by], "n": number("Fills", format="localized"),
        "n_used": number("With mids", format="localized", help="Before the fill and a minute later."),
        "coverage": number("Covered", format="percent", help="Share of the value with both mids."),
        "edge_bps": bps("Edge", help="Gain against the mid before the fill."),
        "markout_bps": bps("Markout 60 s"), "low": bps("From"),
        "high": bps("To", help="95 % for all groups together."),
        "adverse": st_utils.money(
            f"Adverse, {currency}" if currency else "Adverse", currency,
            help="What the market's move in the minute after brought.",
        ),
    }  # fmt: skip


def _toxic(executed: Execution) -> None:
    """The fills the market ran over."""
    toxic = executed.toxic
    if toxic.is_empty():
        return
    shown = st.expander(
        f"The {counted(toxic.height, 'fill')} the market ran over", on_change="rerun", key="toxic",
        icon=":material/crisis_alert:",
    )  # fmt: skip
    if not shown.open:
        return
    number = st.column_config.NumberColumn
    quotes = toxic["quote"].unique().cast(pl.String).to_list()
    quote = quotes[0] if len(quotes) == 1 else None
    with shown:
        st_utils.rows(
            st_utils.spoken(toxic),
            {
                "at": st_utils.moment("Time"), "pair": "Pair", "side": "Side",
                "adverse_quote": st_utils.money("Moved against", quote, help="In the minute after the fill."),
                "edge_quote": st_utils.money("Edge", quote, help="Against the mid before it."),
                "quote": "In", "amount_base": number("Amount", format="%.6g"),
                "price_quote": price("Price"), "mid_quote": price("Mid before"),
                "mid_60s": price("A minute later"), "liquidity": "Maker or taker", "level": "Level",
                "bot": "Bot", "connector": "Exchange",
                "order_id": st.column_config.TextColumn("Order", width="small"),
            },
            alt="Fills after which the market moved most against them", height=_TABLE_PX,
        )  # fmt: skip
        st.caption("The largest losses within a minute against the mid before the fill, the worst first.")


def _spreads(executed: Execution) -> None:
    """Spreads market by market, each in its own quote."""
    st.markdown("**Spreads by market**")
    number = st.column_config.NumberColumn
    st_utils.rows(
        executed.spreads.sort("coverage", "n", descending=True),
        {
            "pair": "Pair", "connector": "Exchange", "n": number("Fills", format="localized"),
            "n_used": number("With a mid", format="localized"),
            "coverage": number("Covered", format="percent", help="Share of the value with a mid before it."),
            "edge_quote": number("Spread earned", format="%+,.8g", help="In the quote of the pair."),
            "quote": "In", "edge_bps": bps("Edge"), "quoted_bps": bps("Quoted spread"),
            "effective_bps": bps("Effective spread"), "realized_bps": bps("Realised spread"),
            "impact_bps": bps("Impact", help="Effective less realised: what the market moved in a minute."),
            **{
                f"markout_{seconds}s_bps": bps(f"Markout {name}")
                for seconds, name in ((5, "5 s"), (60, "60 s"), (300, "5 min"), (3600, "60 min"))
            },
            "n_crossed": number("Crossed", help="Quotes with the bid above the ask: no mid comes from them."),
        },
        alt="Spreads of each market",
    )  # fmt: skip
