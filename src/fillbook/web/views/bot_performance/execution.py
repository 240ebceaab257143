"""Execution: fills on the candles, round trips, how well it traded, what the bots were told."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import streamlit as st

from fillbook.analysis.overview import Overview
from fillbook.analysis.trades import executor_spans, fills_of_market, fills_of_trip, orders_of
from fillbook.figures.candles import candles_figure
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.units import counted
from fillbook.web import st_utils, state
from fillbook.web.views.bot_performance import quality

_PAGE = 200


def show(answer: Overview, held: PerformanceDataSource) -> None:
    """Chart, round trips and configurations."""
    st.header("Execution", anchor=False, divider="gray")
    _drawn(answer, held)
    _trips(answer, held)
    quality.show(answer, held)
    _controllers(answer, held)


@st.fragment
def _drawn(answer: Overview, held: PerformanceDataSource) -> None:
    """Candles, fills and executors of one pair."""
    books = answer.books.sort("n_fills", descending=True)
    markets = list(dict.fromkeys(zip(books["connector"], books["pair"], strict=True)))
    connector, pair = st.selectbox(
        "Market", markets, format_func=lambda market: f"{market[1]} on {market[0]}"
    )
    fills = fills_of_market(held, answer, connector, pair)
    candles = _candles(held, connector, pair, fills)
    spans = executor_spans(held, answer, connector, pair)
    lines = spans if spans.height else answer.trips.filter(
        ~pl.col("is_open"), pl.col("pair") == pair, pl.col("connector") == connector
    )  # fmt: skip
    drawn = candles_figure(
        st_utils.local(candles), st_utils.local(fills), state.look(), pair=f"{pair} on {connector}",
        executors=st_utils.local(lines),
    )  # fmt: skip
    st_utils.chart("candles_figure", drawn)
    kind = "executors" if spans.height else "round trips"
    st.caption(f"Lines are {kind}, from the first fill to the last; drag to zoom, double click to go back.")
    if candles.is_empty():
        st.caption("No candles of this pair are open: add a candle file or a folder that holds one.")


def _candles(held: PerformanceDataSource, connector: str, pair: str, fills: pl.DataFrame) -> pl.DataFrame:
    """Finest candles of the pair over the fills, those of its own venue first."""
    candles = held.candles.filter(pl.col("pair") == pair)
    own = candles.filter(pl.col("connector") == connector)
    candles = own if own.height else candles
    if fills.is_empty() or candles.is_empty():
        return candles.clear()
    inside = pl.col("at").is_between(fills["at"].min(), fills["at"].max())
    return candles.filter(inside & (pl.col("interval_s") == candles["interval_s"].min()))


@st.fragment
def _trips(answer: Overview, held: PerformanceDataSource) -> None:
    """Round trips, the newest first, a page at a time; a chosen one shows its fills and orders."""
    trips = answer.trips.sort("entry_at", descending=True)
    st.subheader("Round trips", anchor=False)
    if trips.is_empty():
        st_utils.empty("There is no round trip in this view.", "Widen the period.")
        return
    pages = -(-trips.height // _PAGE)
    page = st.pagination(pages) if pages > 1 else 1
    listed = trips.slice((page - 1) * _PAGE, _PAGE).with_columns(
        direction=pl.when(pl.col("side") > 0).then(pl.lit("long")).otherwise(pl.lit("short")),
        hold_min=pl.col("hold_s") / 60.0,
    )
    columns = _trip_columns(answer)
    event = st.dataframe(
        listed.select(*columns), column_config=columns, hide_index=True, height=320, key=f"trips_{page}",
        on_select="rerun", selection_mode="single-row", placeholder="—", alt="Round trips, the newest first",
    )  # fmt: skip
    st.caption(f"{counted(trips.height, 'round trip')}. Select a row to see its fills and orders.")
    if event.selection.rows:
        _inside(listed.row(event.selection.rows[0], named=True), answer, held)


def _trip_columns(answer: Overview) -> dict[str, Any]:
    number, money = st.column_config.NumberColumn, st_utils.money
    quotes = answer.trips["quote"].unique().cast(pl.String).to_list()
    quote = quotes[0] if len(quotes) == 1 else None
    return {
        "entry_at": st_utils.moment("Opened"), "exit_at": st_utils.moment("Closed"), "bot": "Bot",
        "controller_id": "Controller", "pair": "Pair", "direction": "Direction",
        "net_quote": money("Net PnL", quote), "quote": "In", "gross_quote": money("Gross", quote),
        "fees_quote": money("Fees", quote, signed=False), "funding_quote": money("Funding", quote),
        "qty_base": number("Quantity", format="%.6g"), "entry_quote": number("Entry", format="%.8g"),
        "exit_quote": number("Exit", format="%.8g"), "hold_min": number("Held, min", format="%,.1f"),
        "n_fills": number("Fills"),
        "mae_quote": money("Worst point", quote, help="Maximum adverse excursion."),
        "mfe_quote": money("Best point", quote, help="Maximum favourable excursion."),
    }  # fmt: skip


def _inside(trip: dict[str, Any], answer: Overview, held: PerformanceDataSource) -> None:
    """Fills and orders of one round trip."""
    fills = fills_of_trip(held, answer, trip)
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    with st.container(border=True):
        st.markdown(f"**{counted(fills.height, 'fill')} of this round trip**")
        st_utils.rows(
            st_utils.spoken(fills),
            {
                "at": st_utils.moment("Time"), "side": "Side", "amount_base": number("Amount", format="%.8g"),
                "price_quote": number("Price", format="%.8g"), "order_type": "Type",
                "fee_amount": number("Fee", format="%.8g"), "fee_token": "Fee in",
                "fee_settled": number("Fee booked", format="%.8g", help="In quote, or base of an inverse."),
                "fee_method": "Found by", "position_base": number("Position after", format="%.8g"),
                "realized_settled": number("Realised", format="%+.8g", help="At weighted average cost."),
                "order_id": text("Order", width="small"), "trade_id": text("Trade", width="small"),
                "close_type": "Close type", "row": number("Row in the file"),
            },
            alt="Fills of the chosen round trip",
        )  # fmt: skip
        orders = orders_of(held, fills)
        if orders.is_empty():
            st.caption("The data holds no order of these fills.")
            return
        st.markdown(f"**{counted(orders.height, 'order')} behind them**")
        st_utils.rows(
            st_utils.spoken(orders),
            {
                "at": st_utils.moment("Created"), "side": "Side", "order_type": "Type",
                "amount_base": number("Asked for", format="%.8g"),
                "filled_base": number("Filled", format="%.8g"),
                "price_quote": number("Limit", format="%.8g"), "events": "Life", "last_status": "Last status",
                "order_id": text("Order", width="small"),
            },
            alt="Orders behind the fills of the chosen round trip",
        )  # fmt: skip


def _controllers(answer: Overview, held: PerformanceDataSource) -> None:
    """Configuration of each controller."""
    bots = set(answer.books["bot"].cast(pl.String))
    mine = held.controllers.filter(pl.col("bot").cast(pl.String).is_in(list(bots)))
    if mine.is_empty():
        return
    shown = st.expander(f"Configuration of {counted(mine.height, 'controller')}", on_change="rerun",
                        icon=":material/tune:")  # fmt: skip
    if not shown.open:
        return
    with shown:
        rows = mine.to_dicts()
        row = st.selectbox("Controller", rows, format_func=lambda r: f"{r['controller_id']} · {r['bot']}")
        try:
            st.json(json.loads(str(row["config"])), expanded=2)
        except json.JSONDecodeError:
            st.code(str(row["config"]))
