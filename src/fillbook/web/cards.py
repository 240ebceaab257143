"""Cards: a number with its change, its course, its doubt, and how it was computed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import polars as pl
import streamlit as st

from fillbook.analysis.execution import Execution
from fillbook.analysis.overview import Overview
from fillbook.metrics.registry import METRICS, Metric
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.reports.table import ReportTable, about, evidence_of, report_table
from fillbook.reports.writing import table_bytes
from fillbook.results import Result, reason_text
from fillbook.units import MINUS, THIN_SPACE, Unit, format_value, money_decimals

_SIGNED = frozenset({
    "net_pnl", "realized_pnl", "unrealized_pnl", "funding", "average_trade_pnl", "fee_tokens_revalued",
    "expectancy", "roi", "best_trade", "worst_trade", "spread_earned", "effective_spread", "realized_spread",
    "markout_60s", "adverse_selection", "average_slippage_arrival", "implementation_shortfall",
    "slippage_vwap", "slippage_twap",
})  # fmt: skip
_WHOLE = 5e-5  # what rounds to 100.00 %
_CARD_PX, _WIDE_CARD_PX = 150, 180
_FITS = 16  # letters of a label
_DIGITS, _SMALL, _CENTS = 7, 1e-3, 2
_SHOWN = 200
_Colour = Literal["normal", "inverse", "off"]
_EVIDENCE = {
    "parent_": "parents", "impact_": "parents", "order_": "orders", "traded_": "orders", "fill_": "fills",
    "uptime_": "uptime", "own_": "markets", "maker_": "markets",
}  # fmt: skip


def show(
    answer: Overview | Execution,
    held: PerformanceDataSource,
    keys: Sequence[str],
    *,
    courses: Mapping[str, list[float]] | None = None,
    earlier: Mapping[str, Result] | None = None,
    is_wide: bool = False,
    most: int | None = None,
    beside: Mapping[str, str] | None = None,
) -> None:
    """A card for each metric.

    Parameters
    ----------
    answer, held
        What is shown, and the data behind it.
    keys
        Metrics, in order.
    courses
        Value to date through the view, by key; a row of cards has sparklines all over or not at all.
    earlier
        The same metrics of the period before.
    is_wide
        Fewer cards a row, for longer names.
    most
        Cards in a row at most; None takes as many as fit.
    beside
        Words below a number, by key: its interval.
    """
    with st.grid(most or "auto", min_column_width=_WIDE_CARD_PX if is_wide else _CARD_PX, gap="small"):
        for key in keys:
            course = None if courses is None else courses.get(key, [])
            before, words = (earlier or {}).get(key), (beside or {}).get(key, "")
            _card(answer, held, answer.metrics[key], course, before, words)


def _card(
    answer: Overview | Execution,
    held: PerformanceDataSource,
    result: Result,
    course: list[float] | None,
    before: Result | None,
    beside: str,
) -> None:
    metric = METRICS[result.key]
    delta, colour = _change(result, before)
    with st.container(border=True, height="stretch", gap=None):
        full = title(result)
        st.metric(
            full if len(full) <= _FITS else metric.label, shown(result), delta=delta, delta_color=colour,
            delta_arrow="off" if delta is None else "auto",
            delta_description=None if delta is None else "before",
            help=f"{full}. {metric.summary} No number: {in_words(metric.undefined)}.",
            chart_data=course or None, chart_type="area",
        )  # fmt: skip
        why = " · ".join(filter(None, (beside, covered(result) + doubt(result))))
        if why:
            st.caption(why)
        place = "how_executed" if isinstance(answer, Execution) else "how"
        if st.button(
            "How computed", key=f"{place}_{result.key}", type="tertiary", icon=":material/function:"
        ):
            explain(answer, held, result.key)


def title(result: Result) -> str:
    """Name of a metric with the currency of its money."""
    label = METRICS[result.key].label
    return f"{label}, {result.currency}" if result.unit is Unit.MONEY and result.currency else label


def shown(result: Result) -> str:
    """Value of a result as it fits on a card: digits in full, decimals as far as there is room."""
    signed = result.key in _SIGNED
    if result.unit is Unit.BPS and result.value is not None:
        return f"{format_value(result.value, Unit.BPS, signed=signed)}{THIN_SPACE}bps"
    if result.unit is not Unit.MONEY or result.value is None or abs(result.value) < _SMALL:
        return format_value(result.value, result.unit, currency=result.currency, signed=signed)
    room = _DIGITS - len(f"{abs(result.value):.0f}")
    usual = money_decimals(result.currency)
    decimals = usual if room >= usual else room if usual > _CENTS and room > _CENTS else 0
    return f"{result.value:{'+' if signed else '-'},.{max(decimals, 0)}f}".replace("-", MINUS)


def in_words(text: str) -> str:
    """A text with the codes of reasons in it, each in words."""
    return re.sub(r"\b[a-z]+(?:_[a-z0-9]+)+\b", lambda code: f"“{reason_text(code[0])}”", text)


def doubt(result: Result) -> str:
    """Why a number is missing or not beyond doubt; empty where it is."""
    return ", ".join(reason_text(reason) for reason in result.reasons)


def covered(result: Result) -> str:
    """How much of what was traded a number rests on, where that is not all of it."""
    share = result.coverage
    if result.value is None or share is None or share > 1.0 - _WHOLE:
        return ""
    return f"{format_value(share, Unit.FRACTION)} covered; the rest: "


def _change(result: Result, before: Result | None) -> tuple[str | None, _Colour]:
    """Change against the period before; the ASCII sign tells the arrow which way it went."""
    if before is None or before.value is None or result.value is None:
        return None, "off"
    change = result.value - before.value
    text = format_value(change, result.unit, currency=result.currency, signed=True)
    if result.unit is Unit.FRACTION:
        text = f"{100.0 * change:+.2f}{THIN_SPACE}pp"  # points, not a share of the share
    better = METRICS[result.key].better
    colours: dict[str, _Colour] = {"higher": "normal", "lower": "inverse"}
    return text.replace(MINUS, "-"), colours.get(better, "off")


@st.dialog("How is this computed?", width="large")
def explain(answer: Overview | Execution, held: PerformanceDataSource, key: str) -> None:
    """Definition, the number in full, and the rows it was made of."""
    metric, result = METRICS[key], answer.metrics[key]
    st.metric(title(result), shown(result))
    st.write(metric.summary)
    st.latex(metric.formula)
    st.caption(f"Source: {metric.source}. No number: {in_words(metric.undefined)}.")
    st.dataframe(_facts(result), hide_index=True, placeholder="—", alt="The number with its circumstances")
    table = _rows_of(metric, answer, held)
    name = table.name
    st.markdown(f"**Made of {table.rows.height:,} rows of the table `{name}`**, filtered as the page is.")
    st.dataframe(table.flat().head(_SHOWN), hide_index=True, height=260, placeholder="—", alt=f"Table {name}")
    if table.rows.height > _SHOWN:
        st.caption(f"The first {_SHOWN} rows; the file holds all.")
    st.download_button(
        f"Download {name}.csv", lambda: table_bytes(table, "csv"), f"{name}.csv", on_click="ignore",
        icon=":material/download:", key="rows_of_a_card",
    )  # fmt: skip


def _rows_of(metric: Metric, answer: Overview | Execution, held: PerformanceDataSource) -> ReportTable:
    """Rows that a number is made of."""
    if isinstance(answer, Execution):
        name = next(table for start, table in _EVIDENCE.items() if metric.inputs[0].startswith(start))
        rows = getattr(answer, name).with_columns(
            pl.selectors.categorical().cast(pl.String), pl.selectors.float().fill_nan(None)
        )
        return ReportTable(name, rows, about=about(held, answer))
    table = report_table(evidence_of(metric), held, answer)
    is_of_trips = table.name == "trips"
    return replace(table, rows=table.rows.filter(~pl.col("is_open"))) if is_of_trips else table


def _facts(result: Result) -> list[dict[str, Any]]:
    """The result with everything it knows about itself, a row a fact."""
    facts = {
        "value, in full": "" if result.value is None else repr(result.value),
        "unit": result.currency if result.unit is Unit.MONEY else result.unit.value.replace("_", " "),
        "status": result.status.value.replace("_", " "), "because": doubt(result),
        "values used": f"{result.n_used:,} of {result.n:,}",
        "coverage": "" if result.coverage is None else f"{result.coverage:.1%}",
        "method": result.method,
        **{name.replace("_", " "): str(value) for name, value in result.params.items()},
    }  # fmt: skip
    return [{"fact": name, "": text} for name, text in facts.items() if text]
