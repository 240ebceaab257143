"""Attribution: why it earned or lost, in words first, then part by part and tag by tag."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from fillbook.analysis.attribution import Attribution
from fillbook.analysis.attribution_tags import DIMENSION_TEXT, DIMENSIONS
from fillbook.analysis.attribution_words import PART_TEXT, sentences
from fillbook.analysis.drivers import PART
from fillbook.analysis.overview import Overview
from fillbook.errors import FillbookError
from fillbook.figures.attribution import parts_figure, time_figure, waterfall_figure, week_figure
from fillbook.figures.look import Span
from fillbook.findings import Severity
from fillbook.metrics.registry import METRICS
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.reports.attribution import attribution_object
from fillbook.reports.json import to_json
from fillbook.units import format_value, money_decimals
from fillbook.web import cards, narrowing, st_utils, state
from fillbook.web.views import attribution_bots

_TABLE_PX = 380
_PART_COLUMNS = ("spread", "inventory", "unattributed", "funding", "fees", "rebates")
_LABELS = {
    "spread": "Spread", "inventory": "Price moves", "unattributed": "Not split", "funding": "Funding",
    "fees": "Fees", "rebates": "Rebates",
}  # fmt: skip
_HELP = {
    "spread": "Gain of the fills against the mid just before each. No number: mids cover less than half.",
    "inventory": "What prices moved from that mid to the mark at the end.",
    "unattributed": "Gross PnL that no mid can split.",
    "funding": "Shared by position.", "fees": "Below 0: paid. A fee in base counts at the mid.",
    "rebates": "Fees received.",
}  # fmt: skip
_ICONS = {
    Severity.ERROR: ":material/error:", Severity.WARNING: ":material/warning:",
    Severity.INFO: ":material/info:",
}  # fmt: skip
_SPLIT = (
    "Spread: gain of the fills against the mid just before each. Price moves: from that mid to the mark at "
    "the end, while positions were held."
)
_NOT_SPLIT = "Not attributable: gross PnL, which only mids before the fills could split."
_NOISE = {True: "no", False: "may be", None: "cannot tell"}
_LONG = 100.0
_WAY_ON = (
    "Open a file of the market's quotes beside the bot's database, or allow older quotes or candle closes: "
    "in the sidebar, under “Cost method, capital, currency”."
)


def show() -> None:
    """The answer in words, the waterfall, every dimension, time, and what a reader must know."""
    st.title("Attribution", anchor=False)
    held = state.data()
    if held is None or not held.height("fills"):
        st_utils.empty(
            "No fill is open, so there is nothing to explain.", "Open a source on Bot performance."
        )
        return
    try:
        answer = state.answer(held, state.choice())
        found = state.attributed(held)
    except FillbookError as error:
        st_utils.failed(error)
        narrowing.way_back()
        return
    st.caption(st_utils.plain(st_utils.scope(answer)))
    st_utils.trust(state.checks(held), answer.findings)
    narrowing.way_back()
    if found.by["pair"].is_empty():
        st_utils.nothing_passes()
        return
    _words(found)
    span = found.period or None
    _whole(found, span)
    _groups(found, span)
    attribution_bots.show(held, span)
    _time(found, span)
    _numbers(found)
    _notes(found, answer)
    _download(found, held)


def _words(found: Attribution) -> None:
    """The answer, its first sentence large."""
    first, *rest = sentences(found)
    st.subheader("Why did it earn or lose?", anchor=False)
    st.markdown(f"**{st_utils.plain(first)}** {st_utils.plain(' '.join(rest))}")
    if found.net is not None and found.parts["spread"] is None:
        st.caption(_WAY_ON)


def _whole(found: Attribution, span: Span | None) -> None:
    """Waterfall of the parts, and the largest contributions beside it."""
    if found.net is None or found.currency is None:
        return
    left, right = st.columns([4, 6], gap="medium")
    with left:
        drawn = waterfall_figure(
            found.parts, state.look(), net=found.net, currency=found.currency, span=span
        )  # fmt: skip
        st_utils.chart("waterfall_figure", drawn)
        is_split = found.parts["spread"] is not None
        st.caption(_SPLIT if is_split else _NOT_SPLIT)
    with right:
        _drivers(found)


def _drivers(found: Attribution) -> None:
    """The largest contributions over all dimensions."""
    if found.drivers.is_empty():
        return
    rows = [
        {
            "what": _what(row), "amount": row["amount"],
            "share": None if row["share"] is None else 100.0 * row["share"],
            "between": None if row["low"] is None else f"{_short(row['low'])} … {_short(row['high'])}",
            "noise": _NOISE[row["is_more_than_noise"]],
        }
        for row in found.drivers.iter_rows(named=True)
    ]  # fmt: skip
    st.markdown("**What made it, and what cost it**")
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    st_utils.rows(
        pl.DataFrame(rows, infer_schema_length=None),
        {
            "what": text("What", width=200),
            "amount": st_utils.money(f"{found.currency}", found.currency, width=105),
            "share": number("Of net", format="%+.0f %%", width=75),
            "noise": text("Noise?", width=85, help="“no”: the 95 % interval of its days' sum leaves out 0."),
            "between": text("95 %", width=160),
        },
        alt="The largest contributions to net PnL, gains first",
        height=_TABLE_PX if len(rows) > 9 else "auto",
    )  # fmt: skip
    n = int(found.drivers["n_days"][0])
    st.caption(
        f"Parts, and the largest tags of every dimension but the side. Intervals: stationary bootstrap over "
        f"{n:,} days of PnL; of twenty tags that are noise one will look like more. A tag that mostly opens "
        "or closes positions, as an order type may, keeps the price moves until the end: such tags stand "
        "large and against one another."
    )


def _what(row: dict[str, Any]) -> str:
    """A part, or a tag with what it is one of."""
    if row["dimension"] == PART:
        return PART_TEXT[row["tag"]]
    return f"{DIMENSION_TEXT[row['dimension']]} {row['tag']}"


def _short(value: float) -> str:
    """Money of an interval, without the cents that say nothing there."""
    return f"{value:+,.0f}" if abs(value) >= _LONG else f"{value:+,.3g}"


@st.fragment
def _groups(found: Attribution, span: Span | None) -> None:
    """Net PnL by whatever tells fills apart, drawn and as a table."""
    kinds = [by for by in DIMENSIONS if found.by[by].height]
    telling = (by for by in kinds if found.by[by].height > 1 and by != "side")  # a side alone is no result
    many = next(telling, kinds[0])
    st.subheader("By what the fills have in common", anchor=False)
    by = st.segmented_control(
        "Divide by", kinds, default=many, required=True,
        format_func=_titled, label_visibility="collapsed",
    )  # fmt: skip
    rows = found.by[by]
    left, right = st.columns([4, 6], gap="medium")
    with left:
        if found.currency is None:
            st_utils.empty(
                "Bars of several currencies do not compare.", "Choose the pairs of one quote in the sidebar."
            )
        else:
            words = DIMENSION_TEXT[by]
            drawn = parts_figure(rows, state.look(), by=words, currency=found.currency, span=span)
            st_utils.chart("parts_figure", drawn, name=by)
    with right:
        _table(rows, by)


def _titled(dimension: str) -> str:
    """Name of a dimension as a heading."""
    text = DIMENSION_TEXT[dimension]
    return text[0].upper() + text[1:]


def _table(rows: pl.DataFrame, by: str) -> None:
    """Every tag with its parts; a tag whose mids cover less than half of its value has no spread."""
    currencies = rows["currency"].drop_nulls().unique().to_list()
    currency = currencies[0] if len(currencies) == 1 else None
    number, money = st.column_config.NumberColumn, f",.{money_decimals(currency)}f"
    known = [name for name in _PART_COLUMNS if rows[name].fill_null(0.0).abs().sum()]
    st_utils.rows(
        rows.with_columns(coverage=pl.col("coverage") * 100.0, fees=-pl.col("fees")),
        {
            "tag": _titled(by), "net": number("Net", format=f"%+{money}"),
            **{
                name: number(_LABELS[name], format=f"%+{money}", help=_HELP[name])
                for name in known
            },
            "n_fills": number("Fills", format="localized"),
            "volume": number("Volume", format="%,.0f"),
            "coverage": number("With mid", format="%.0f %%", help="Share of the value with a mid before it."),
            **({"currency": "In"} if currency is None else {}),
        },
        alt=f"Parts of net PnL by {DIMENSION_TEXT[by]}", height=_TABLE_PX if rows.height > 9 else "auto",
    )  # fmt: skip
    st.caption(_said_of(rows, by))


def _said_of(rows: pl.DataFrame, by: str) -> str:
    """What a reader of the table must know."""
    said = ["Rows add up to the whole, and in each row the parts add up to net."]
    if by == "side":
        said.append("One side alone is no result: what it left open is valued at the mark.")
    if "unlinked" in rows["tag"]:
        said.append("Unlinked: no executor names the order.")
    if "unallocated" in rows["tag"]:
        said.append("Unallocated: funding paid while nothing was held.")
    if (rows["spread"].is_null() & (rows["n_fills"] > 0)).any():
        said.append("Without a spread: mids cover less than half of its value, so gross PnL is not split.")
    if "low_n" in rows["status"]:
        said.append("Fills of fewer than ten days: this says little.")
    return " ".join(said)


@st.fragment
def _time(found: Attribution, span: Span | None) -> None:
    """Hour by weekday, and the two answers to when."""
    if found.net is None or found.currency is None:
        return
    st.subheader("When it was earned", anchor=False)
    left, right = st.columns(2, gap="medium")
    with left:
        drawn = week_figure(found.hours, state.look(), currency=found.currency, span=span)
        st_utils.chart("week_figure", drawn)
        st.caption("By the fills made in each hour: what they brought until the end, on the clock of UTC.")
    with right:
        by = st.segmented_control(
            "Time", ["hour", "weekday"], default="hour", required=True, format_func=str.capitalize,
            label_visibility="collapsed",
        )  # fmt: skip
        drawn = time_figure(found.time[by], state.look(), by=by, currency=found.currency, span=span)
        st_utils.chart("time_figure", drawn, name=by)
        st.caption("Both sum to net PnL; they differ where positions outlive the hour they were opened in.")


def _numbers(found: Attribution) -> None:
    """The metrics of the answer, with what is doubtful about them."""
    rows: list[dict[str, Any]] = [
        {
            "what": METRICS[key].label,
            "value": format_value(result.value, result.unit, currency=result.currency, signed=True),
            "unit": {"money": result.currency, "fraction": ""}.get(result.unit.value, result.unit.value),
            "means": METRICS[key].summary, "note": cards.covered(result) + cards.doubt(result),
        }
        for key, result in found.metrics.items()
    ]  # fmt: skip
    with st.expander("The numbers, and what they mean", icon=":material/functions:"):
        st.dataframe(rows, hide_index=True, alt="Metrics of attribution", column_config={
            "what": "Number", "value": st.column_config.TextColumn("Value", alignment="right"),
            "unit": "", "means": st.column_config.TextColumn("Meaning", width="large"),
            "note": st.column_config.TextColumn("Note", width="medium"),
        })  # fmt: skip


def _notes(found: Attribution, answer: Overview) -> None:
    """What a reader of these numbers must know beyond what the data's own findings say."""
    known = set(answer.findings)
    for finding in found.findings:
        if finding in known:
            continue
        texts = (finding.message, finding.effect, finding.remedy)
        words = " ".join(f"{text[:1].upper()}{text[1:]}." for text in texts if text)
        st.caption(f"{_ICONS[finding.severity]} {st_utils.plain(words)}")


def _download(found: Attribution, held: PerformanceDataSource) -> None:
    """Everything on this page, in full precision; of the bots what needs no capital."""
    bots = state.contributed(held)
    st.download_button(
        "Download attribution.json", lambda: to_json(attribution_object(found, held, bots)),
        "attribution.json", "application/json", on_click="ignore", icon=":material/download:",
        key="attribution_json",
    )  # fmt: skip
