"""Peers, months, runs and configuration versions of a comparison."""

from __future__ import annotations

import polars as pl
import streamlit as st
from streamlit.column_config import DateColumn, ListColumn, NumberColumn, TextColumn

from fillbook.analysis.compare import Comparison
from fillbook.figures.compare import change_figure, peers_figure
from fillbook.reports.compare import peers_object
from fillbook.reports.json import to_json
from fillbook.results import reason_text
from fillbook.web import st_utils, state

PEER_LABELS = {
    "sharpe": "Sharpe ratio", "sortino": "Sortino ratio", "winning_days": "Winning days",
    "profit_factor_of_days": "Profit factor of days", "net_bps": "Net of volume", "recovery": "Recovery",
}  # fmt: skip
_FEW = 5


def peers(found: Comparison, *, has_file: bool) -> None:
    """Percentiles among the other sides, or among given results; own results to give away."""
    placed = found.peers.filter(pl.col("percentile").is_not_null())
    if placed.is_empty():
        st_utils.empty(
            "There is nobody to stand among.",
            "Open more bots, or give results of others under *Own benchmark, results of others*.",
        )
    else:
        n = int(placed["n_peers"].max() or 0)  # type: ignore[arg-type]
        who = "the results in the file" if has_file else "the other sides"
        few = " Fewer than five peers: read it as an order, not as a rank." if n < _FEW else ""
        st.markdown(f"Each side among {who}, by figures that need neither capital nor currency.{few}")
        st_utils.explained("peers_figure", peers_figure(found.peers, state.look(), labels=PEER_LABELS))
    st.download_button(
        "Own results without names", lambda: to_json(peers_object(found.own_rows), indent=1),
        "peers.json", "application/json", on_click="ignore", icon=":material/download:", key="peer_rows",
        help="A row a side, ratios and counts only: no name, pair, date or money.",
    )  # fmt: skip


def months(found: Comparison) -> None:
    """Figures by calendar month and by run."""
    st.markdown("**By month**, UTC. A month the data does not cover from first to last day is not whole.")
    st_utils.rows(
        found.months.with_columns(winning_days=100.0 * pl.col("winning_days")),
        {
            "side": TextColumn("Side", width="medium"), "month": DateColumn("Month", format="MMM YYYY"),
            "is_whole": st.column_config.CheckboxColumn("Whole"), **_figures(found.currency),
        },
        alt="Figures by month", height=360 if found.months.height > 10 else "auto",
    )  # fmt: skip
    st.markdown("**By run.** Starts are recorded with the configurations of controllers only.")
    st_utils.rows(
        found.runs.with_columns(winning_days=100.0 * pl.col("winning_days")),
        {
            "bot": TextColumn("Bot", width=130), "run": NumberColumn("Run", width=55),
            "started_at": st_utils.moment("Started"), "first": DateColumn("From", width=95),
            "last": DateColumn("To", width=95),
            **_figures(found.currency),
        },
        alt="Figures by run",
    )  # fmt: skip


def configurations(found: Comparison) -> None:
    """Versions of configurations, and before against after of each change."""
    rows = found.changes.filter(pl.col("what") == "mean")
    if rows.is_empty():
        st_utils.empty(
            "No change of configuration is recorded.",
            "Controllers store theirs at every start; once a bot is started again with other settings, the "
            "days before and after stand here side by side.",
        )
    else:
        _changes(found, rows)
    st.markdown("**Versions**: which settings were in force on which whole days")
    has_changed = bool(found.versions["changed"].list.len().sum())
    st_utils.rows(
        found.versions.with_columns(winning_days=100.0 * pl.col("winning_days")),
        {
            "bot": TextColumn("Bot"), "controller": TextColumn("Controller"),
            "version": NumberColumn("Version", width="small"), "since": st_utils.moment("Since"),
            **({"changed": ListColumn("What changed", width="medium")} if has_changed else {}),
            "first": DateColumn("From", width=95),
            "last": DateColumn("To", width=95), **_figures(found.currency),
        },
        alt="Configuration versions",
    )  # fmt: skip


def _changes(found: Comparison, rows: pl.DataFrame) -> None:
    """The picture, and every change with its intervals."""
    name = pl.coalesce("controller", "bot")
    labelled = rows.with_columns(
        label=pl.format("{} v{} · {}", name, "version", pl.col("at").dt.strftime("%d %b %Y"))
    )
    is_return = bool(rows["is_return"].all())
    unit = "return a day" if is_return else f"{found.currency or 'money'} a day"
    figure = change_figure(labelled, state.look(), unit=unit, is_return=is_return)
    st_utils.explained("change_figure", figure)
    words = pl.col("reason").replace_strict(
        {code: reason_text(code) if code else "" for code in found.changes["reason"].unique()},
        return_dtype=pl.String,
    )
    st_utils.rows(
        found.changes.with_columns(reason=words, what=pl.col("what").replace(
            {"mean": "mean a day", "sharpe": "Sharpe ratio"})),
        {
            "bot": TextColumn("Bot"), "controller": TextColumn("Controller"),
            "at": st_utils.moment("Changed"), "what": TextColumn("What"),
            "before": NumberColumn("Before", format="%+.4g"),
            "after": NumberColumn("After", format="%+.4g"),
            "difference": NumberColumn("Difference", format="%+.4g"),
            "low": NumberColumn("From, 95 %", format="%+.4g"), "high": NumberColumn("To", format="%+.4g"),
            "n_before": NumberColumn("Days before"), "n_after": NumberColumn("Days after"),
            "reason": TextColumn("Doubt"),
        },
        alt="Before and after each change",
    )  # fmt: skip


def _figures(currency: str | None) -> dict[str, object]:
    """Columns that months, runs and versions have in common."""
    return {
        "n_days": NumberColumn("Days", width=60), "net": st_utils.money("Net PnL", currency),
        "mean": st_utils.money("A day", currency), "sharpe": NumberColumn("Sharpe", format="%+.2f"),
        "winning_days": NumberColumn("Winning days", format="%.0f %%", width=105),
        "max_drawdown": st_utils.daily_drawdown(currency), "net_bps": st_utils.bps("Of volume"),
        "n_fills": NumberColumn("Fills", format="localized"),
    }  # fmt: skip
