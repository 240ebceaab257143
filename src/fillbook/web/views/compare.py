"""Compare: sides beside one another, against one of them or a benchmark, among peers, through time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import streamlit as st
from streamlit.column_config import DateColumn, NumberColumn, TextColumn

from fillbook.analysis.compare import Comparison, Window
from fillbook.analysis.pairing import Measured
from fillbook.analysis.sides import TAGS
from fillbook.errors import FillbookError
from fillbook.figures.compare import difference_figure, relative_figure
from fillbook.figures.parts import correlation_figure
from fillbook.metrics.registry import METRICS
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.reports.compare import headline
from fillbook.results import reason_text
from fillbook.units import Unit, counted
from fillbook.web import st_utils, state
from fillbook.web.views import compare_portfolio, compare_trends

_BY: dict[str, str] = {
    "bot": "Bots", "controller": "Controllers", "pair": "Pairs", "config": "Configurations",
    "periods": "Two periods", "whole": "All as one",
}  # fmt: skip
_PARTS: dict[str, state.Parted] = {
    "bot": "bot", "controller": "controller", "pair": "pair", "config": "config",
}  # fmt: skip
_APART = ("periods", "config")  # sides of days of their own
_ZERO, _BASKET, _MEAN = "Nothing (zero)", "Basket of the traded pairs", "Mean of all sides"
_INVENTORY = "Hold the opening inventory"
_OF_RETURNS = (
    "alpha", "beta", "correlation", "tracking_error", "information_ratio", "up_capture", "down_capture",
    "excess_return",
)  # fmt: skip
_OF_MONEY = (
    "alpha_per_day", "beta", "beta_holding", "correlation", "tracking_error_per_day", "information_ratio",
    "excess_pnl",
)  # fmt: skip
_UNSIGNED = {"tracking_error", "tracking_error_per_day"}
_COLUMNS = 2
_EXAMPLES = 2
_LONG = 20  # letters of a name
_TWO = 2  # common days that a difference takes


def show() -> None:
    """What is compared, the headline, and a tab a question."""
    held = st_utils.opened("Compare", without_fills="there is nothing to compare")
    if held is None:
        return
    try:
        answer = state.answer(held, state.choice())
        st.caption(st_utils.plain(st_utils.scope(answer)))
        st_utils.trust(state.checks(held), answer.findings)
        if answer.period is None or not int(answer.books["n_fills"].sum()):
            st_utils.nothing_passes()
            return
        asked = _asked(held)
        found = state.compared(held, asked)
    except FillbookError as error:
        st_utils.failed(error)
        return
    for sentence in headline(found):
        st.markdown(st_utils.plain(sentence))
    if len(found.names) == 1 and not found.measured:
        st_utils.empty(
            "Nothing stands beside it yet.",
            "Choose a benchmark under *Measured against*, narrow less in the sidebar, or open more bots.",
        )
    tabs: dict[str, Callable[[], None]] = {
        "Side by side": lambda: _side_by_side(found),
        "Peers": lambda: compare_trends.peers(found, has_file=asked.peers is not None),
        "Months and runs": lambda: compare_trends.months(found),
        "Configurations": lambda: compare_trends.configurations(found),
        "Portfolio": lambda: compare_portfolio.show(held, asked),
    }
    for tab, draw in zip(
        st.tabs(list(tabs), on_change="rerun", key="compare_tab"), tabs.values(), strict=True
    ):
        if tab.open:
            with tab:
                draw()


def _asked(held: PerformanceDataSource) -> state.Sides:
    """Controls: what the sides are, what they are measured against, and their capital."""
    usual = next(
        (by for by, tags in TAGS.items() if state.parts_by(held, *tags).table.height > 1), "bot"
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.segmented_control(
            "Sides", list(_BY), default=usual, format_func=_BY.__getitem__, required=True, key="compare_by",
            help="Configurations are stretches of days between changes of a controller's settings; two "
            "periods are stretches of days of everything shown.",
        )  # fmt: skip
        sides = state.Sides(_PARTS.get(by), periods=_periods(held) if by == "periods" else ())
        options = _options(held, state.side_names(held, sides), is_apart=by in _APART)
        other = st.selectbox(
            "Measured against", list(options), key=f"compare_other_{by}", width=280,
            help="One of the sides, or a benchmark: holding a pair needs candles or quotes of it.",
        )  # fmt: skip
        held_first = _inventory(held) if other == _INVENTORY else ""
        capital = st.number_input(
            "Capital of each side", value=None, min_value=0.01, placeholder="not declared",
            key="compare_capital", width=200,
            help="The same for every side, in the reporting currency. Returns need it; without it there is "
            "money a day, and what has no scale.",
        )  # fmt: skip
    with st.expander("Own benchmark, results of others", icon=":material/upload_file:"):
        returns = _file("Daily returns, a CSV with date,return", ["csv"], "compare_returns")
        peers = _file("Results of others, JSON or CSV", ["json", "csv"], "compare_peers")
    kind, name = options.get(other or "", ("side", None))
    return replace(
        sides, reference=name if kind == "side" else None,
        benchmarks=(f"{name}{held_first}",) if kind == "benchmark" else (), capital=capital, returns=returns,
        peers=peers,
    )  # fmt: skip


def _periods(held: PerformanceDataSource) -> tuple[Window, ...]:
    """Two stretches of days, unless said otherwise the halves of what is shown."""
    period = state.answer(held, state.choice()).period
    if period is None:
        return ()
    first, last = period[0].date(), (period[1] - timedelta(microseconds=1)).date()
    last = max(first, last)
    middle = first + (last - first) // 2
    after = min(middle + timedelta(days=1), last)
    windows = []
    for which, usual in (("First", (first, middle)), ("Second", (after, last))):
        days = st.date_input(
            f"{which} period, UTC", usual, min_value=first, max_value=last, width=260,
            key=f"compare_{which}_{first}_{last}", help="First and last day, both included.",
        )  # fmt: skip
        windows.append((days[0], days[-1]) if isinstance(days, tuple) and days else usual)
    return tuple(windows)


def _inventory(held: PerformanceDataSource) -> str:
    """What was held at the start, in words that the benchmark understands."""
    bases = sorted({str(pair).partition("-")[0] for pair in state.answer(held, state.choice()).books["pair"]})
    text = st.text_input(
        "Held at the start", key="compare_inventory", width=240,
        placeholder=", ".join(f"{base}=10" for base in bases[:_EXAMPLES]),
        help="Coins that were there before the first fill, by asset. The bot then had them as well: it is "
        "measured with them, against keeping them.",
    )  # fmt: skip
    return f":{text.strip()}" if text.strip() else ""


def _file(label: str, types: list[str], key: str) -> tuple[str, bytes] | None:
    """Name and content of an uploaded file."""
    file = st.file_uploader(label, type=types, key=key)
    return None if file is None else (file.name, file.getvalue())


def _options(
    held: PerformanceDataSource, names: tuple[str, ...], *, is_apart: bool
) -> dict[str, tuple[str, str | None]]:
    """What there is to measure against: sides, then benchmarks."""
    found: dict[str, tuple[str, str | None]] = {name: ("side", name) for name in names}
    if is_apart:
        return found
    answer = state.answer(held, state.choice())
    pairs = sorted({str(pair) for pair in answer.books["pair"]})
    found |= {f"Hold {pair}": ("benchmark", f"hold:{pair}") for pair in pairs}
    if len(pairs) > 1:
        found[_BASKET] = ("benchmark", "basket")
    if len(names) > 1:
        found[_MEAN] = ("benchmark", "sides")
    found[_INVENTORY] = ("benchmark", "inventory")
    return found | {_ZERO: ("benchmark", "zero")}


def _side_by_side(found: Comparison) -> None:
    """The sides' own figures, and everything about one against the other."""
    _sides(found)
    others = list(dict.fromkeys(m.other for m in found.measured))
    for other in others[::-1]:  # what was chosen last stands first
        if other == found.reference and len(others) > 1:
            continue
        _against(found, other)
    if len(found.names) > 1 and not np.isnan(found.correlation).all():
        figure = correlation_figure(
            list(found.names), found.correlation, state.look(), days=found.alignment.days.size
        )
        st_utils.explained("correlation_figure", figure, name="compare")
    _cut(found)


def _sides(found: Comparison) -> None:
    currency = found.currency
    st.markdown("**Each side over its own days**")
    words = {code: reason_text(code) if code else "" for code in found.sides["reason"].unique()}
    shown = found.sides.with_columns(
        winning_days=100.0 * pl.col("winning_days"),
        reason=pl.col("reason").replace_strict(words, return_dtype=pl.String),
    )
    st_utils.rows(
        shown,
        {
            "side": TextColumn("Side", width=190 if max(map(len, found.names), default=0) > _LONG else 160),
            "first": DateColumn("From", width=95),
            "last": DateColumn("To", width=95), "n_days": NumberColumn("Days", width=60),
            "net": st_utils.money("Net PnL", currency, width=95),
            "mean": st_utils.money("A day", currency), "sharpe": NumberColumn("Sharpe", format="%+.2f"),
            "winning_days": NumberColumn("Winning days", format="%.0f %%", width=105),
            "max_drawdown": st_utils.daily_drawdown(currency),
            "net_bps": st_utils.bps("Of volume", help="Net PnL over what was traded."),
            "n_fills": NumberColumn("Fills", format="localized"),
            **({"reason": TextColumn("Doubt")} if any(shown["reason"]) else {}),
        },
        alt="Figures of each side",
    )  # fmt: skip


def _against(found: Comparison, other: str) -> None:
    """Charts and figures of every side against one other."""
    mine = [m for m in found.measured if m.other == other]
    st.subheader(f"Against {st_utils.plain(other)}", anchor=False)
    lacks = {m.lack for m in mine}
    if "" not in lacks:
        why = ", ".join(reason_text(lack) for lack in sorted(lacks))
        st_utils.empty(f"Nothing can be said: {st_utils.plain(why)}.", _way_on(lacks))
        return
    st.caption(st_utils.plain(mine[0].basis))
    rows = found.relative.filter(pl.col("other") == other)
    left, right = st.columns(_COLUMNS, gap="medium") if found.relative.height else (st.container(), None)
    if right is not None:
        with right:
            figure = relative_figure(rows, state.look(), other=other, currency=found.currency)
            st_utils.explained("relative_figure", figure, name=other)
    with left:
        if any(d.value is not None for m in mine for d in m.differences):
            st_utils.explained("difference_figure", _difference(mine, found), name=other)
        elif any(min(m.n_days, m.n_other) < _TWO for m in mine):
            st_utils.empty("Too few days to tell a difference.", "Widen the period, or choose longer ones.")
        else:
            st_utils.empty("There is no unit in common.", "Give *Capital of each side* above.")
    _metrics(mine, found)


def _way_on(lacks: set[str]) -> str:
    if "no_price" in lacks:
        return "Add candles or quotes of the pair to the sources."
    if "no_inventory" in lacks:
        return "Say above what was held at the start, as in SOL=10, BTC=0.5."
    if "periods_overlap" in lacks:
        return "Let the second period begin after the first has ended."
    if "no_common_days" in lacks:
        return "Compare sides that ran on the same days, or choose their periods."
    return "Choose something else to measure against."


def _difference(mine: list[Measured], found: Comparison) -> Any:  # noqa: ANN401  (a figure)
    """Differences of mean where there is a unit in common, else of the Sharpe ratio."""
    has_mean = any(d.what == "mean" for m in mine for d in m.differences)
    what = "mean" if has_mean else "sharpe"
    rows = [
        {"side": m.side, "value": d.value, "low": d.low, "high": d.high}
        for m in mine for d in m.differences if d.what == what
    ]  # fmt: skip
    is_return = has_mean and all(m.mean_is_return for m in mine)
    unit = "Sharpe ratio" if not has_mean else "return a day" if is_return else f"{found.currency} a day"
    schema = {"side": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return difference_figure(
        pl.DataFrame(rows, schema=schema), state.look(), unit=unit, is_return=is_return,
        title="Earned more or less a day" if has_mean else "Difference of the Sharpe ratio",
    )  # fmt: skip


def _metrics(mine: list[Measured], found: Comparison) -> None:
    """Every figure of group "benchmark" that some side has; the others with their reasons."""
    wanted = _OF_RETURNS if any(m.mean_is_return for m in mine) else _OF_MONEY
    keys = [k for k in wanted if any(k in m.metrics and m.metrics[k].value is not None for m in mine)]
    if not keys:
        return
    table = pl.DataFrame(
        [
            {
                "side": m.side, **{k: _percent(m, k) for k in keys}, "days": m.n_days,
                "doubt": ", ".join(
                    reason_text(r) for r in dict.fromkeys(r for k in keys for r in m.metrics[k].reasons)
                ),
            }
            for m in mine
        ],
        schema={"side": pl.String, **dict.fromkeys(keys, pl.Float64), "days": pl.Int64, "doubt": pl.String},
    )  # fmt: skip
    columns: dict[str, Any] = {"side": TextColumn("Side", width="medium")}
    for key in keys:
        metric = METRICS[key]
        if metric.unit is Unit.MONEY:
            signed, width = key not in _UNSIGNED, 24 + 8 * len(metric.label)
            columns[key] = st_utils.money(
                metric.label, found.currency, signed=signed, help=metric.summary, width=width
            )
        else:
            sign = "" if key in _UNSIGNED else "+"
            form = f"%{sign}.1f %%" if metric.unit is Unit.FRACTION else f"%{sign}.2f"
            columns[key] = NumberColumn(metric.label, format=form, help=metric.summary)
    columns |= {"days": NumberColumn("Days", width="small"), "doubt": TextColumn("Doubt")}
    if not any(table["doubt"]):
        columns.pop("doubt")
    st_utils.rows(table, columns, alt="Alpha, beta and their neighbours")


def _percent(measured: Measured, key: str) -> float | None:
    value = measured.metrics[key].value
    return value if value is None or METRICS[key].unit is not Unit.FRACTION else 100.0 * value


def _cut(found: Comparison) -> None:
    """Which days were used, and what was cut off."""
    cuts = found.alignment.cuts
    if cuts.is_empty():
        return
    n = counted(found.alignment.days.size, "common day")
    with st.expander(f"Which days: {n}, and what was cut off", icon=":material/event_available:"):
        st.caption("Only days that every side and benchmark has are compared; nothing is filled in.")
        st_utils.rows(
            cuts,
            {
                "side": TextColumn("Side or benchmark", width="medium"), "first": DateColumn("From"),
                "last": DateColumn("To"), "n_days": NumberColumn("Days"), "n_used": NumberColumn("Used"),
                "n_before": NumberColumn("Before the others"), "n_after": NumberColumn("After the others"),
                "n_unknown": NumberColumn("Not known"),
                "n_dropped": NumberColumn("Left out", help="Known here, but not on another side."),
            },
            alt="Days used and cut off",
        )  # fmt: skip
