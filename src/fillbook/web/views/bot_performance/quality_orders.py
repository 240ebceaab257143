"""What became of orders: fill rates, how long they waited, and each order down to its fills and events."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from fillbook.analysis.execution import Execution
from fillbook.analysis.execution_tags import ORDER_BY
from fillbook.analysis.mids import KIND_TEXT
from fillbook.figures.orders import fill_rate_figure, waits_figure
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.units import NO_VALUE, Unit, counted, format_duration, format_value
from fillbook.web import st_utils, state
from fillbook.web.st_utils import bps, price
from fillbook.web.views.bot_performance.quality_costs import PART_WORDS
from fillbook.web.views.bot_performance.quality_markouts import NAMED

_PAGE = 200
_FIRST = "order_type"
_TABLE_PX = 320
_DIGITS = 6  # of basis points; what is smaller is rounding
CLASSES = {
    "FILLED": "Filled", "FILLED_INCOMPLETE_DATA": "Filled, fills missing", "CANCELLED": "Cancelled",
    "EXPIRED": "Expired", "FAILED": "Failed", "OPEN": "Open",
}  # fmt: skip
_DECIDED = {
    "executor": "by the executor's start", "order_id": "by the order id", "creation": "taken as its creation",
}  # fmt: skip


def show(executed: Execution, held: PerformanceDataSource) -> None:
    """Fill rates, waiting, and the orders."""
    if executed.orders.is_empty():
        st_utils.empty(
            "The data holds no order in this view.",
            "Open the bot's database, which has them: exports hold fills only.",
        )
        return
    _rates(executed)
    left, right = st.columns([5, 3], gap="medium")
    with left, st.container(key="fill_rates"):
        drawn = fill_rate_figure(executed.hour_by_level, state.look())
        st_utils.chart("fill_rate_figure", drawn)
    with right:
        limit = executed.orders.filter(~pl.col("order_is_market")).height
        median = executed.metrics["time_to_first_fill_p50"].value
        drawn = waits_figure(executed.waits, state.look(), n_orders=limit, median_s=median)
        st_utils.chart("waits_figure", drawn)
    _orders(executed, held)


@st.fragment
def _rates(executed: Execution) -> None:
    """Fill rates of groups of orders."""
    kinds = [by for by in (_FIRST, *ORDER_BY) if executed.by_order[by].height]
    by = st.segmented_control(
        "Fill rates by", list(dict.fromkeys(kinds)), default=kinds[0], required=True,
        format_func=NAMED.__getitem__,
    )  # fmt: skip
    rates = executed.by_order[by]
    number = st.column_config.NumberColumn
    share: dict[str, Any] = {"format": "percent", "width": "small"}
    st_utils.rows(
        rates,
        {
            "tag": NAMED[by], "n_terminal": number("Ended", format="localized", width="small"),
            "n_filled": number("With a fill", format="localized", width="small"),
            "fill_rate": number("Fill rate", **share),
            "low": number("From", **share),
            "high": number("To", help="95 % for all groups together (Wilson).", **share),
            "fill_rate_full": number("In full", **share),
            "fill_rate_quantity": number("Quantity", help="Share of the value asked for.", **share),
            "partial_ratio": number("Partial", help="Of those with a fill.", **share),
            "cancel_ratio": number("Cancelled", **share), "expired_ratio": number("Expired", **share),
            "failed_ratio": number("Failed", **share),
            "fills_per_order_hour": number(
                "Fills an hour", format="%,.2f", width="small", help="For every hour that one order stood."
            ),
            "n_open": number("Still open", format="localized", width="small"),
        },
        alt=f"Fill rates by {NAMED[by].lower()}", height=_TABLE_PX if rates.height > 8 else "auto",
    )  # fmt: skip
    if by == "spread":
        st.caption("Distance of the limit from the mid at creation, where that is known.")


@st.fragment
def _orders(executed: Execution, held: PerformanceDataSource) -> None:
    """Orders, the newest first, a page at a time; a chosen one shows all that is known of it."""
    st.markdown("**Orders**")
    held_classes = executed.orders["class"].cast(pl.String).unique().to_list()
    classes = [name for name in CLASSES if name in held_classes]
    chosen = st.pills(
        "What became of them", classes, selection_mode="multi", format_func=CLASSES.__getitem__,
        label_visibility="collapsed",
    )  # fmt: skip
    orders = executed.orders.sort("created_at", descending=True)
    if chosen:
        orders = orders.filter(pl.col("class").cast(pl.String).is_in(chosen))
    pages = -(-orders.height // _PAGE)
    page = st.pagination(pages, key=f"order_page_{len(chosen)}") if pages > 1 else 1
    listed = orders.slice((page - 1) * _PAGE, _PAGE)
    event = st.dataframe(
        _worded(listed).select(*_columns()), column_config=_columns(), hide_index=True, height=_TABLE_PX,
        key=f"orders_{'_'.join(chosen)}_{page}", on_select="rerun", selection_mode="single-row",
        placeholder=NO_VALUE, alt="Orders, the newest first",
    )  # fmt: skip
    st.caption(f"{counted(orders.height, 'order')}. Select a row to see its fills, events and costs.")
    if event.selection.rows:
        _inside(listed.row(event.selection.rows[0], named=True), executed, held)


def _worded(orders: pl.DataFrame) -> pl.DataFrame:
    """Sides and classes in words."""
    words = pl.col("class").cast(pl.String).replace(CLASSES)
    return st_utils.spoken(orders).with_columns(words.alias("class"))


def _columns() -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "created_at": st_utils.moment("Created"), "pair": "Pair", "side": "Side", "order_type": "Type",
        "class": "Became", "amount_base": number("Asked for", format="%.6g"),
        "filled_base": number("Filled", format="%.6g"), "limit_quote": price("Limit"),
        "average_quote": price("Average"), "arrival_quote": price("Mid at creation"),
        "slippage_arrival_bps": bps("Slippage", help="Average over the mid at creation; above 0 is a cost."),
        "wait_s": number("Waited, s", format="%,.6g", help="To the first fill, else to its end."),
        "n_fills": number("Fills", width="small"), "level": "Level", "bot": "Bot", "connector": "Exchange",
        "order_id": st.column_config.TextColumn("Order", width="small"),
    }  # fmt: skip


def _inside(order: dict[str, Any], executed: Execution, held: PerformanceDataSource) -> None:
    """Everything known of one order."""
    side = "Buy" if order["side"] == 1 else "Sell" if order["side"] == -1 else "Order"
    with st.container(border=True):
        st.markdown(
            f"**{side} {order['amount_base']:.8g} {st_utils.plain(order['pair'])} on "
            f"{st_utils.plain(order['connector'])}** · {CLASSES[str(order['class'])].lower()} · "
            f"{st_utils.plain(order['order_type'])}"
        )
        left, right = st.columns(2, gap="medium")
        with left:
            st.dataframe(_times(order), column_config=_time_columns(), hide_index=True, placeholder=NO_VALUE,
                         alt="When what happened to the order")  # fmt: skip
        with right:
            st.dataframe(_prices(order), hide_index=True, placeholder=NO_VALUE,
                         alt="Prices of the order and what it cost against each")  # fmt: skip
        _fills(order, executed)
        _events(order, held)
        _parent(order, executed)


def _times(order: dict[str, Any]) -> pl.DataFrame:
    """Life of an order, a moment a row."""
    decided = _DECIDED.get(str(order["decided_by"]), "")
    rows = {
        f"Decided, {decided}" if order["decided_at"] and decided else "Decided": order["decided_at"],
        "Created": order["created_at"], "First fill": order["first_fill_at"],
        "Last fill": order["last_fill_at"], "Ended": order["ended_at"],
    }  # fmt: skip
    start = order["created_at"]
    after = [
        format_duration((at - start).total_seconds()) if at is not None else None for at in rows.values()
    ]
    return pl.DataFrame(
        {"what": list(rows), "at": list(rows.values()), "after": after},
        schema={"what": pl.String, "at": pl.Datetime("us", "UTC"), "after": pl.String},
    )


def _time_columns() -> dict[str, Any]:
    at = st.column_config.DatetimeColumn("When", format="YYYY-MM-DD HH:mm:ss.SSS", timezone=state.zone().key)
    return {"what": "", "at": at, "after": "After creation"}


def _prices(order: dict[str, Any]) -> pl.DataFrame:
    """Prices of an order, and the average fill against each as a cost."""
    rows = (
        ("Average of its fills", order["average_quote"], None),
        ("Mid at the decision", order["decision_quote"], None),
        ("Mid at creation (arrival)", order["arrival_quote"], order["slippage_arrival_bps"]),
        ("Limit", order["limit_quote"], order["slippage_limit_bps"]),
        ("Touch at creation", order["touch_quote"], order["slippage_touch_bps"]),
    )
    return pl.DataFrame(
        [
            (name, NO_VALUE if value is None else f"{value:.8g}", _cost(cost))
            for name, value, cost in rows
        ],
        schema=["Price", str(order["quote"]), "Slippage"], orient="row",
    )  # fmt: skip


def _cost(value: float | None) -> str:
    if value is None:
        return NO_VALUE
    return f"{format_value(round(value, _DIGITS), Unit.BPS, signed=True)} bps"


def _fills(order: dict[str, Any], executed: Execution) -> None:
    """Fills of an order with the market around each."""
    fills = executed.fills.filter(pl.col("order_id") == order["order_id"]).fill_nan(None).sort("at")
    if fills.is_empty():
        st.caption("It has no fill in this view.")
        return
    st.markdown(f"**{counted(fills.height, 'fill')}**")
    number = st.column_config.NumberColumn
    kinds = pl.col("mid_from").cast(pl.String).replace(dict(KIND_TEXT)).alias("mid_from")
    st_utils.rows(
        st_utils.spoken(fills).with_columns(kinds),
        {
            "at": st_utils.moment("Time"), "side": "Side", "amount_base": number("Amount", format="%.8g"),
            "price_quote": price("Price"), "mid_quote": price("Mid before"), "bid_quote": price("Bid"),
            "ask_quote": price("Ask"), "mid_age_s": number("Mid's age, s", format="%.3g"),
            "mid_from": "Mid from", "mid_5s": price("5 s later"), "mid_60s": price("A minute later"),
            "mid_300s": price("5 min later"), "liquidity": "Maker or taker",
        },
        alt="Fills of the chosen order",
    )  # fmt: skip


def _events(order: dict[str, Any], held: PerformanceDataSource) -> None:
    """What the bot wrote about an order, in order."""
    events = held.order_events.filter(pl.col("order_id") == order["order_id"]).sort("at")
    if events.is_empty():
        st.caption("The bot wrote no event of it.")
        return
    st.markdown(f"**{counted(events.height, 'event')}**")
    st_utils.rows(
        events, {"at": st_utils.moment("Time"), "status": "Event"}, alt="Events of the chosen order"
    )


def _parent(order: dict[str, Any], executed: Execution) -> None:
    """Shortfall of the decision an order belongs to."""
    parents = executed.parents
    if order["executor_id"] is not None:
        mine = parents.filter(
            pl.col("executor_id") == str(order["executor_id"]), pl.col("side") == order["side"]
        )
    else:
        mine = parents.clear()
    mine = mine if mine.height else parents.filter(pl.col("order_id") == order["order_id"])
    if mine.is_empty():
        st.caption("A quote that never traded is no decision: it has no shortfall.")
        return
    parent = mine.row(0, named=True)
    n = counted(parent["n_orders"], "order")
    quote = st_utils.plain(parent["quote"])
    if parent["total_quote"] is None:
        st.caption(f"Its decision ({n}) has no shortfall: a mid at the decision, arrival or end is missing.")
        return
    parts = ", ".join(
        f"{word} {format_value(parent[f'{part}_quote'], Unit.MONEY, currency=parent['quote'], signed=True)}"
        for part, word in PART_WORDS.items()
    )
    st.caption(f"Shortfall of its decision ({n}), in {quote}, above 0 a cost: {parts}.")
