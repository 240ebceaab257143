"""Pieces that several pages show: cards, the trust line, an empty answer, a chart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import plotly.graph_objects as go
import polars as pl
import streamlit as st

from fillbook.analysis.overview import Overview
from fillbook.findings import Finding, Severity
from fillbook.ledger.invariants import Check, Verdict, trust_line
from fillbook.metrics.registry import METRICS
from fillbook.results import Result, reason_text
from fillbook.units import Unit, format_value

_SIGNED = frozenset({"net_pnl", "realized_pnl", "unrealized_pnl", "funding", "average_trade_pnl"})
_CARD_PX = 152


def cards(results: Sequence[Result], sparks: dict[str, list[float]] | None = None) -> None:
    """A card each: value, its doubt, the definition on hover, and a sparkline where there is one."""
    lines = sparks or {}
    with st.grid("auto", min_column_width=_CARD_PX, gap="small"):
        for result in results:
            _card(result, lines.get(result.key))


def _card(result: Result, line: list[float] | None) -> None:
    metric = METRICS[result.key]
    value = format_value(result.value, result.unit, currency=result.currency, signed=result.key in _SIGNED)
    unit = f", {result.currency}" if result.unit is Unit.MONEY and result.currency else ""
    st.metric(
        metric.label + unit, value, delta=doubt(result) or None, delta_color="off", delta_arrow="off",
        help=f"{metric.summary}\n\n$ {metric.formula} $\n\nNo number: {metric.undefined}.",
        border=True, height="stretch", chart_data=line, chart_type="area",
    )  # fmt: skip


def doubt(result: Result) -> str:
    """Why a number is missing or not beyond doubt; empty where it is."""
    return ", ".join(reason_text(reason) for reason in result.reasons)


def trust(checks: tuple[Check, ...], findings: Iterable[Finding]) -> None:
    """Whether the book balances, and how many findings there are, on one line."""
    said = trust_line(checks)
    broken = [check for check in checks if check.verdict is Verdict.FAIL]
    own = any(check.is_own for check in broken)
    icon = ":material/error:" if own else ":material/verified:"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(
            said[0].upper() + said[1:],
            icon=icon,
            color="red" if own else "orange" if broken else "green",
        )
        found = list(findings)
        for severity, colour in (
            (Severity.ERROR, "red"),
            (Severity.WARNING, "orange"),
            (Severity.INFO, "gray"),
        ):
            n = sum(finding.severity is severity for finding in found)
            if n:
                plural = "s" if n > 1 else ""
                word = f"note{plural}" if severity is Severity.INFO else f"{severity.value}{plural}"
                st.badge(f"{n} {word}", color=colour)  # type: ignore[arg-type]


def scope(answer: Overview) -> str:
    """Period, bots, fills and currency of an answer, on one line."""
    if answer.period is None:
        return "nothing in this view"
    start, end = answer.period
    n, bots = int(answer.books["n_fills"].sum()), answer.books["bot"].n_unique()
    currency = answer.currency or "no common currency"
    return (
        f"{start:%d %b %Y %H:%M} – {end:%d %b %Y %H:%M} UTC · {bots} bot{'s' if bots != 1 else ''} · "
        f"{n:,} fill{'s' if n != 1 else ''} · {currency}"
    )


def chart(figure: go.Figure, alt: str) -> None:
    """A figure over the whole width, without Plotly's tool bar."""
    st.plotly_chart(figure, theme=None, config={"displaylogo": False, "displayModeBar": False}, alt=alt)


def empty(sentence: str, way_on: str) -> None:
    """Nothing to show: what is missing, and what to do."""
    st.info(f"{sentence} {way_on}", icon=":material/info:")


def rows(table: pl.DataFrame, columns: dict[str, object], *, height: int | str = "auto") -> None:
    """A table with named, formatted columns, in their order."""
    st.dataframe(
        table.select(*columns), column_config=columns, hide_index=True, height=height,  # type: ignore[arg-type]
        placeholder="—",
    )  # fmt: skip
