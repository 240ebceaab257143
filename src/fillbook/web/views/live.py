"""Live: how running bots stand, drawn again every second."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import streamlit as st

from fillbook.analysis.limit_file import EXAMPLE
from fillbook.analysis.live import Live, with_status
from fillbook.errors import FillbookError
from fillbook.figures.live import today_figure
from fillbook.sources.base import bot_name
from fillbook.units import MINUS, NO_VALUE, Unit, counted, format_value, money_decimals
from fillbook.web import following, st_utils, state
from fillbook.web.following import Followed
from fillbook.web.views.limits import state_rows

EVERY_S = 1.0
_STEADY = "<style>.stMain [data-stale=true] {opacity: 1; transition: none}</style>"  # no blinking
_FEEDS = {
    "live": ("green", ":material/sensors:"), "waiting": ("gray", ":material/hourglass_empty:"),
    "reconnecting": ("orange", ":material/sync:"), "replaced": ("orange", ":material/sync:"),
    "failed": ("red", ":material/error:"),
}  # fmt: skip
_WORDS = {
    "live": "● live", "silent": "○ silent", "offline": "✗ offline", "not heard": "– not heard",
}  # fmt: skip
_TOTALS = (
    ("pnl_today", "PnL today", "Since midnight, after fees."),
    ("fees_today", "Fees today", "Paid since midnight; rebates lower them."),
    ("volume_today", "Volume today", "Value of all fills since midnight."),
    ("n_fills_today", "Fills today", "Fills since midnight."),
    ("exposure", "Exposure", "Unsigned value of all open positions."),
    ("net", "Net PnL", "Of the whole history, after fees."),
)
_SIGNED = ("pnl_today", "net")
_CARD_PX, _NAME_PX, _WORD_PX = 150, 190, 100
_MANY = 8


def show() -> None:
    """Status of each bot, what it holds, and today's PnL."""
    st.title("Live", anchor=False)
    st.html(_STEADY)
    uris = state.sources()
    if not uris:
        st_utils.empty("Nothing is open.", "Choose a source on the page Bot performance.")
        return
    try:
        held = following.followed(uris, state.data())
    except FillbookError as error:
        st_utils.failed(error)
        return
    _moment(held)


@st.fragment(run_every=EVERY_S)
def _moment(held: Followed) -> None:
    """Everything that moves."""
    try:
        answer = held.answer(state.choice(), state.zone().key)
        _feeds(held)
        if answer is None:
            st_utils.empty(
                "Nothing has been heard yet.", "A bot speaks when it trades, and every ten seconds."
            )
            return
        _cards(answer)
        _bots(answer, held)
        _positions(answer)
        _today(answer)
        _limits(held)
    except FillbookError as error:
        st_utils.failed(error)


def _feeds(held: Followed) -> None:
    """Every source that is followed, and how it fares."""
    feeds = held.live.feeds()
    if not feeds:
        st_utils.empty(
            "None of these files grows.",
            "Open a bot's database, or a broker: fillbook serve mqtt://host/BOT.",
        )
        return
    with st.container(horizontal=True, gap="small"):
        for feed in feeds[:_MANY]:
            colour, icon = _FEEDS[feed.health.state]
            name = feed.uri if "://" in feed.uri else bot_name(Path(feed.uri))
            st.badge(st_utils.plain(f"{name}: {feed.health.state}"), color=colour, icon=icon)  # type: ignore[arg-type]
        if len(feeds) > _MANY:
            rest = feeds[_MANY:]
            well = sum(feed.health.state == "live" for feed in rest)
            st.badge(f"{counted(len(rest), 'more')}, {well} live", color="gray")
    for feed in feeds:
        if feed.health.message and feed.health.state != "waiting":
            st.caption(st_utils.plain(f"{feed.uri}: {feed.health.message}"))


def _money(answer: Live, value: float | None, *, signed: bool = False) -> str:
    text = NO_VALUE if value is None else f"{abs(value):,.{money_decimals(answer.currency)}f}"
    sign = "" if value is None else MINUS if value < 0.0 else "+" if signed and value > 0.0 else ""
    return sign + text


def _cards(answer: Live) -> None:
    """Sums of all bots."""
    unit, total = f", {answer.currency}" if answer.currency else "", answer.total
    at = answer.at.astimezone(state.zone())
    st.caption(st_utils.plain(f"{at:%d %b %Y %H:%M:%S} {state.zone().key} · drawn again every second"))
    with st.grid("auto", min_column_width=_CARD_PX, gap="small"):
        for label, value, told in (
            (
                f"PnL today{unit}",
                _money(answer, total["pnl_today"], signed=True),
                "Since midnight, after fees.",
            ),
            (
                f"Fees today{unit}",
                _money(answer, total["fees_today"]),
                "Paid since midnight; rebates lower it.",
            ),
            (
                f"Volume today{unit}",
                _money(answer, total["volume_today"]),
                "Value of all fills since midnight.",
            ),
            ("Fills today", f"{total['n_fills_today'] or 0:,.0f}", "Fills since midnight."),
            (f"Exposure{unit}", _money(answer, total["exposure"]), "Unsigned value of all open positions."),
            (
                f"Net PnL{unit}",
                _money(answer, total["net"], signed=True),
                "Of the whole history, after fees.",
            ),
        ):
            st.metric(label, value, border=True, help=told)


def _bots(answer: Live, held: Followed) -> None:
    """A row a bot."""
    rows = with_status(answer.bots, held.live.bots(), answer.at)
    rows = rows.with_columns(pl.col("word").replace_strict(_WORDS, return_dtype=pl.String))
    column, currency = st.column_config, answer.currency
    st_utils.rows(
        rows,
        {
            "word": column.TextColumn("Status", width=_WORD_PX),
            "bot": column.TextColumn("Bot", width=_NAME_PX),
            "pnl_today": st_utils.money("PnL today", currency),
            "n_fills_today": column.NumberColumn("Fills"),
            "fees_today": st_utils.money("Fees today", currency, signed=False),
            "volume_today": st_utils.money("Volume today", currency, signed=False),
            "exposure": st_utils.money("Exposure", currency, signed=False),
            "n_open": column.NumberColumn("Open"),
            "net": st_utils.money("Net PnL", currency),
            "last_fill_at": st_utils.moment("Last fill"),
            "seen_at": st_utils.moment("Last heard"),
            "message": column.TextColumn("Its last warning", width="large"),
        },
        alt="Every bot: status, PnL, fees and volume of today, exposure, when it was heard last",
    )
    st.caption(
        "live: heard within 30 s through a broker, or its database was written within 5 min; silent: not so; "
        "not heard: not since this page was opened."
    )


def _positions(answer: Live) -> None:
    """A row an open position."""
    st.subheader(f"Open positions: {answer.positions.height:,}", anchor=False)
    if answer.positions.is_empty():
        st.caption("Every book is flat.")
        return
    column, currency = st.column_config, answer.currency
    shown = answer.positions.with_columns(
        pl.col("mark_kind").str.replace_all("_", " "), pl.col("leg").str.to_lowercase(),
        held=pl.Series(
            [format_value(held, Unit.BASE) for held in answer.positions["position_base"]], dtype=pl.String
        ),
    )  # fmt: skip
    st_utils.rows(
        shown,
        {
            "bot": column.TextColumn("Bot", width=_NAME_PX),
            "pair": "Pair",
            "connector": "Exchange",
            "leg": "Side",
            "held": column.TextColumn("Position", alignment="right"),
            "average_quote": st_utils.price("Average"),
            "mark_quote": st_utils.price("Mark"),
            "mark_kind": "Marked by",
            "mark_age_s": column.NumberColumn("Mark's age, s", format="%.0f"),
            "value": st_utils.money("Value", currency),
            "unrealized": st_utils.money("Unrealised", currency),
            "pnl_today": st_utils.money("PnL today", currency),
        },
        alt="Open positions, the largest first",
    )


def _today(answer: Live) -> None:
    """The day so far."""
    st_utils.explained(
        "today_figure",
        today_figure(st_utils.local(answer.curve), state.look(), currency=answer.currency or ""),
    )


def _limits(held: Followed) -> None:
    """Where the reader's limits stand."""
    text = state.limits_text()
    if text == EXAMPLE:
        st_utils.way_to("limits", "Write limits to watch them here", ":material/notifications_active:")
        return
    watched = held.watched(state.choice(), text)
    if watched is not None:
        st.subheader(st_utils.plain(watched.headline), anchor=False)
        state_rows(watched)
        st.caption("Looked at every ten seconds.")
