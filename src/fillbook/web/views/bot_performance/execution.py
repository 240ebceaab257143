"""Execution: the fills on the candles, round trips down to their fills, what the bots were told."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import streamlit as st

from fillbook.analysis.overview import Overview
from fillbook.figures.candles import candles_figure
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.web import st_utils, state

_LISTED = 500
_TIME = "YYYY-MM-DD HH:mm:ss"


def show(answer: Overview, held: PerformanceDataSource) -> None:
    """Chart, round trips and configurations."""
    st.header("Execution", anchor=False, divider="gray")
    _drawn(answer, held)
    _trips(answer, held)
    _controllers(answer, held)


@st.fragment
def _drawn(answer: Overview, held: PerformanceDataSource) -> None:
    """Candles and fills of one pair."""
    books = answer.books.sort("n_fills", descending=True)
    pairs = list(dict.fromkeys(zip(books["connector"], books["pair"], strict=True)))
    connector, pair = st.selectbox("Market", pairs, format_func=lambda market: f"{market[1]} on {market[0]}")
    fills = answer.chosen.apply(held.fills).filter(pl.col("pair") == pair, pl.col("connector") == connector)
    candles = held.candles.filter(pl.col("pair") == pair)
    own = candles.filter(pl.col("connector") == connector)
    candles = own if own.height else candles
    if fills.height and candles.height:
        inside = pl.col("at").is_between(fills["at"].min(), fills["at"].max())
        finest = pl.col("interval_s") == candles["interval_s"].min()
        candles = candles.filter(inside & finest)
    st_utils.chart(
        candles_figure(candles, fills, state.look(), pair=f"{pair} on {connector}"),
        f"Fills of {pair}",
    )
    if candles.is_empty():
        st.caption("No candles of this pair are open: add a candle file or a folder that holds one.")


@st.fragment
def _trips(answer: Overview, held: PerformanceDataSource) -> None:
    """Round trips, the newest first; a chosen one shows its fills."""
    trips = answer.trips.sort("entry_at", descending=True)
    st.subheader("Round trips", anchor=False)
    if trips.is_empty():
        st_utils.empty("There is no round trip in this view.", "Widen the period.")
        return
    listed = trips.head(_LISTED).with_columns(
        direction=pl.when(pl.col("side") > 0).then(pl.lit("long")).otherwise(pl.lit("short")),
        hold_min=pl.col("hold_s") / 60.0,
    )
    number, moment = st.column_config.NumberColumn, st.column_config.DatetimeColumn
    columns: dict[str, Any] = {
        "entry_at": moment("Opened", format=_TIME, timezone="UTC"),
        "exit_at": moment("Closed", format=_TIME, timezone="UTC", help="Empty while it is open."),
        "bot": "Bot", "pair": "Pair", "direction": "Direction",
        "net_quote": number("Net PnL", format="%+,.4f"), "quote": "In",
        "gross_quote": number("Gross", format="%+,.4f"),
        "fees_quote": number("Fees", format="%,.4f"),
        "funding_quote": number("Funding", format="%+,.4f"),
        "qty_base": number("Quantity", format="%.6g"),
        "entry_quote": number("Entry", format="%.8g"), "exit_quote": number("Exit", format="%.8g"),
        "hold_min": number("Held, min", format="%,.1f"), "n_fills": number("Fills"),
        "mae_quote": number("Worst point", format="%+,.4f", help="Maximum adverse excursion."),
        "mfe_quote": number("Best point", format="%+,.4f", help="Maximum favourable excursion."),
    }  # fmt: skip
    event = st.dataframe(
        listed.select(*columns), column_config=columns, hide_index=True, height=320,
        on_select="rerun", selection_mode="single-row", placeholder="—",
    )  # fmt: skip
    more = (
        f"The newest {_LISTED} of {trips.height:,}; the export holds all. " if trips.height > _LISTED else ""
    )
    st.caption(more + "Select a row to see its fills.")
    if event.selection.rows:
        _fills_of(listed.row(event.selection.rows[0], named=True), answer, held)


def _fills_of(trip: dict[str, Any], answer: Overview, held: PerformanceDataSource) -> None:
    """Fills between the first and the last of a round trip, with their orders and fees."""
    end = trip["exit_at"] or (answer.period and answer.period[1])
    same = [pl.col(name) == trip[name] for name in ("bot", "connector", "pair")]
    fills = answer.chosen.apply(held.fills).filter(pl.col("at").is_between(trip["entry_at"], end), *same)
    number, moment = st.column_config.NumberColumn, st.column_config.DatetimeColumn
    st_utils.rows(
        fills.with_columns(side=pl.when(pl.col("side") > 0).then(pl.lit("BUY")).otherwise(pl.lit("SELL"))),
        {
            "at": moment("Time", format=_TIME, timezone="UTC"),
            "side": "Side",
            "amount_base": number("Amount", format="%.8g"),
            "price_quote": number("Price", format="%.8g"),
            "order_type": "Type",
            "fee_amount": number("Fee", format="%.8g"),
            "fee_token": "Fee in",
            "fee_quote_recorded": number("Fee recorded, quote", format="%.6g"),
            "order_id": "Order",
            "trade_id": "Trade",
            "controller_id": "Controller",
            "close_type": "Close type",
            "row": number("Row in the file"),
        },
    )


def _controllers(answer: Overview, held: PerformanceDataSource) -> None:
    """Configuration of each controller."""
    bots = set(answer.books["bot"].cast(pl.String))
    mine = held.controllers.filter(pl.col("bot").cast(pl.String).is_in(list(bots)))
    if mine.is_empty():
        return
    with st.expander(f"Configuration of {mine.height} controller{'s' if mine.height > 1 else ''}"):
        rows = mine.to_dicts()
        row = st.selectbox("Controller", rows, format_func=lambda r: f"{r['controller_id']} · {r['bot']}")
        try:
            st.json(json.loads(str(row["config"])), expanded=2)
        except json.JSONDecodeError:
            st.code(str(row["config"]))
