"""Limits: what may not be exceeded, where each stands, and when it was."""

from __future__ import annotations

import polars as pl
import streamlit as st

from fillbook.analysis.limit_file import EXAMPLE
from fillbook.analysis.limit_kinds import KINDS
from fillbook.analysis.limits import Limits, Watch
from fillbook.errors import FillbookError
from fillbook.figures.limits import limit_figure
from fillbook.metrics.episodes import State
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import reason_text
from fillbook.units import NO_VALUE, Unit, counted, format_duration, format_value
from fillbook.web import st_utils, state

_STATES = {
    State.BREACH: "✗ exceeded", State.WARN: "! near", State.OK: "✓ held", State.UNKNOWN: "? not known",
}  # fmt: skip
_ORDER = (State.BREACH, State.WARN, State.UNKNOWN, State.OK)
_EDITOR_PX, _TABLE_PX, _STATE_PX, _MANY = 320, 320, 110, 8


def show() -> None:
    """The reader's limits over what is shown."""
    held = st_utils.opened("Limits")
    if held is None:
        return
    try:
        overview = state.answer(held, state.choice())
    except FillbookError as error:
        st_utils.failed(error)
        return
    st.caption(st_utils.plain(st_utils.scope(overview)))
    st_utils.trust(state.checks(held), overview.findings)
    top = st.container()
    text = _asked()
    with top:
        answer = _answered(held, text)
    if answer is not None:
        _over_time(answer)
        _episodes(answer)


def _asked() -> str:
    """The file of limits, as uploaded or written here."""
    with st.expander("The limits (a file in TOML)", icon=":material/edit:"):
        st.caption(
            "Change them here, or upload a file; `fillbook limits --limits FILE` watches the same file from "
            "the command line. Money is in the reporting currency, shares are fractions (0.2 is 20 %), times "
            "are seconds."
        )
        sent = st.file_uploader("Upload a file of limits", ["toml"])
        if sent is not None:
            return sent.getvalue().decode("utf-8", "replace")
        text = st.text_area("Limits", state.limits_text(), height=_EDITOR_PX, label_visibility="collapsed")
        state.keep_limits(text)
        st.download_button("Download", text, "limits.toml", on_click="ignore", icon=":material/download:")
        with st.popover("What can be watched", icon=":material/help:"):
            for what, kind in KINDS.items():
                st.markdown(f"`{what}`: {kind.meaning}")
    return text


def _answered(held: PerformanceDataSource, text: str) -> Limits | None:
    """Headline and state of each limit; None where the text cannot be read."""
    try:
        answer = state.watched(held, text)
    except FillbookError as error:
        st_utils.failed(error)
        st.caption("Mend it below, under “The limits”.")
        return None
    st.subheader(st_utils.plain(answer.headline), anchor=False)
    if text == EXAMPLE:
        st.caption("These limits are an example: write your own under “The limits”.")
    state_rows(answer)
    if not held.height("fills"):
        st_utils.empty("This data holds no fill, so there is nothing to watch.", "Open another source.")
    elif answer.period is None:
        st_utils.nothing_passes()
    elif answer.currency is None:
        st_utils.empty(
            "Limits in money are not known: no rate joins the currencies.", "Choose one currency's pairs."
        )
    return answer


def _shown(watch: Watch, value: float | None) -> str:
    """A number of a limit with its unit."""
    text = format_value(value, watch.limit.kind.unit, currency=watch.currency)
    if value is None:
        return NO_VALUE
    unit = watch.limit.kind.unit
    if unit is Unit.BPS:
        return f"{text} bps"
    return f"{text} {watch.currency}" if watch.currency and unit in {Unit.MONEY, Unit.BASE} else text


def state_rows(answer: Limits) -> None:
    """A row a limit: where it stands."""
    rows = pl.DataFrame(
        [
            (
                _STATES[watch.state] + (" (open)" if watch.is_open and watch.state is State.UNKNOWN else ""),
                watch.limit.name, _shown(watch, watch.value), _shown(watch, watch.limit.threshold.limit),
                _used(watch), watch.episodes.height,
                reason_text(watch.reason) if watch.reason else watch.limit.kind.meaning,
            )
            for watch in answer.watches
        ],
        schema={
            **dict.fromkeys(("state", "limit", "now", "max"), pl.String),
            "used": pl.Float64, "n": pl.Int64, "about": pl.String,
        },
        orient="row",
    )  # fmt: skip
    column = st.column_config
    st_utils.rows(
        rows,
        {
            "state": column.TextColumn("At the end", width=_STATE_PX), "limit": column.TextColumn("Limit"),
            "now": column.TextColumn("Last known", alignment="right"),
            "max": column.TextColumn("At most", alignment="right"),
            "used": column.ProgressColumn("Of the limit", min_value=0.0, max_value=1.0, format="percent"),
            "n": column.NumberColumn("Breaches", format="localized", width="small"),
            "about": column.TextColumn("What it watches, or why it is not known", width="large"),
        },
        alt="State of every limit at the end of the period",
    )  # fmt: skip


def _used(watch: Watch) -> float | None:
    """Share of the limit that is used, above 1 beyond it; the bar ends there, its number does not."""
    if watch.value is None or watch.limit.threshold.limit <= 0.0:
        return None
    return max(watch.value / watch.limit.threshold.limit, 0.0)


def _over_time(answer: Limits) -> None:
    """One limit with its breaches, the gravest first."""
    ordered = sorted(answer.watches, key=lambda watch: (_ORDER.index(watch.state), -watch.episodes.height))
    names = [watch.limit.name for watch in ordered]
    widget = st.selectbox if len(names) > _MANY else st.segmented_control
    more = {} if len(names) > _MANY else {"default": names[0], "required": True}
    chosen = widget("Over time", names, key="watch", **more)  # type: ignore[operator]
    watch = next((one for one in ordered if one.limit.name == chosen), ordered[0])
    limit = watch.limit
    label = limit.kind.label
    drawn = limit_figure(
        st_utils.local(watch.series), st_utils.local(watch.episodes), state.look(),
        title=label if label.lower() == limit.name else f"{label}: {limit.name}", unit=limit.kind.unit,
        currency=watch.currency or "", levels=(limit.threshold.limit, limit.threshold.warn_at),
    )  # fmt: skip
    st_utils.chart("limit_figure", drawn, name=limit.what)
    looks = "" if limit.window_s is None else f" It looks back {format_duration(limit.window_s)}."
    said = limit.threshold
    st.caption(
        f"{limit.kind.meaning}{looks} Orange is the limit, dashed where it warns. A breach, shaded, begins "
        f"with {counted(said.raise_after, 'sample')} above {_shown(watch, said.limit)} in a row and ends "
        f"with {counted(said.clear_after, 'sample')} at or below {_shown(watch, said.clear_at)}. Looked at "
        f"every {format_duration(answer.every_s)}: what came and went in between is not seen, and a sample "
        "that is missing moves a limit neither way."
    )


def _episodes(answer: Limits) -> None:
    """Every breach, the newest first."""
    told = answer.episodes
    st.subheader(f"Breaches: {told.height:,}", anchor=False)
    if told.is_empty():
        st.caption("No limit was exceeded in this view.")
        return
    by_name = {watch.limit.name: watch for watch in answer.watches}
    rows = told.with_columns(
        shown_peak=pl.Series([_shown(by_name[n], p) for n, p in told.select("limit", "peak").iter_rows()]),
        shown_max=pl.Series([_shown(by_name[n], m) for n, m in told.select("limit", "max").iter_rows()]),
    )
    column = st.column_config
    st_utils.rows(
        rows,
        {
            "limit": column.TextColumn("Limit"), "start": st_utils.moment("From"),
            "detected": st_utils.moment("Detected"), "end": st_utils.moment("To"),
            "shown_peak": column.TextColumn("Peak", alignment="right"),
            "shown_max": column.TextColumn("At most", alignment="right"),
            "n": column.NumberColumn("Samples", format="localized"),
        },
        alt="Breaches of every limit, the newest first", height=_TABLE_PX if told.height > _MANY else "auto",
    )  # fmt: skip
    st.caption("A breach without an end in “To” is still open. Samples: looks from its begin to its end.")
