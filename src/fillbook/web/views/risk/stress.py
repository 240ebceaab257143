"""What the positions held at the end would lose: crashes, steps, getting out, holding on, days ahead."""

from __future__ import annotations

import math

import polars as pl
import streamlit as st

from fillbook.analysis.crashes import DEFINITION, MEASURES
from fillbook.analysis.risk import Risk
from fillbook.figures.risk import fan_figure
from fillbook.figures.stress import crash_figure, step_figure
from fillbook.results import reason_text
from fillbook.units import Unit, counted, format_value
from fillbook.web import st_utils, state

_SOURCES = {
    "own": "its own record", "beta": "beta × BTC, an estimate", "same": "the step", "still": "stands still",
}  # fmt: skip


def show(found: Risk, currency: str) -> None:
    """Stress of the positions, then of the days."""
    if found.holdings.is_empty():
        st_utils.empty("Nothing is held at the end.", "No crash can touch it; days ahead are below.")
    else:
        _positions(found, currency)
    _ahead(found, currency)
    _wilder(found, currency)


def _positions(found: Risk, currency: str) -> None:
    """Crashes and steps, and what lies behind them."""
    look, held = state.look(), found.stress
    st.markdown(_margin(found))
    left, right = st.columns([5, 4], gap="medium")
    with left:
        drawn = crash_figure(held.crashes.totals, look, currency=currency, height=460)
        st_utils.explained("crash_figure", drawn)
    with right:
        st_utils.explained(
            "step_figure", step_figure(held.steps, held.grid.totals, look, currency=currency, height=320)
        )
    lost = held.crashes.by_asset.filter(pl.col("reason") == "no_beta")["asset"].unique().sort().to_list()
    if lost:
        names = st_utils.plain(", ".join(lost))
        st.caption(
            f"No beta to BTC is known for {names}: it needs candles of the coin and of BTC over 60 days. "
            "Crashes then show the known part only; 1 would be a guess."
        )
    st.caption(f"{DEFINITION}. {held.assumption.capitalize()}: positions stand still while prices jump.")
    behind = st.expander("Asset by asset, costs of getting out, funding, depeg", on_change="rerun",
                         key="stress_more", icon=":material/list:")  # fmt: skip
    if behind.open:
        with behind:
            _assets(found, currency)
            _costs(found, currency)


def _margin(found: Risk) -> str:
    """What stands behind the positions, in words."""
    margin = found.stress.margin
    if math.isnan(margin.equity):
        return (
            "Whether positions would be liquidated is **not known**: declare capital in the sidebar, or "
            "leverage above under “What no data says”."
        )
    kind = "capital and net PnL" if margin.kind == "capital" else "margin at the declared leverage"
    equity = format_value(margin.equity, Unit.MONEY, currency=found.currency)
    share = format_value(margin.maintenance, Unit.FRACTION)
    rule = f"take it below {share} of the perpetuals' value" if margin.maintenance else "use it up"
    known = found.stress.crashes.totals["liquidated"].drop_nulls()
    gone = int(known.sum())
    if not known.len():
        said = "what crashes would leave of it is not known, because one of the coins has no beta"
    elif gone:
        said = f"**{gone} of {counted(known.len(), 'crash scenario')}** would {rule}"
    else:
        said = f"none of {counted(known.len(), 'crash scenario')} would {rule}"
    unit = st_utils.plain(found.currency or "")
    return f"Equity of **{equity} {unit}** ({kind}) stands behind the positions; {said}."


def _assets(found: Risk, currency: str) -> None:
    """Every crash by asset: by how much it moves, how that is known, what it brings."""
    number = st.column_config.NumberColumn
    rows = found.stress.crashes.by_asset.with_columns(
        measure=pl.col("measure").replace(dict(MEASURES)), source=pl.col("source").replace(_SOURCES),
        reason=pl.col("reason").map_elements(reason_text, return_dtype=pl.String),
    )  # fmt: skip
    st_utils.rows(
        rows,
        {
            "scenario": "Crash", "measure": "Move", "asset": "Asset",
            "value": st_utils.money("Held", currency), "shock": number("Shock", format="percent"),
            "change": st_utils.money("Change", currency), "source": "Known from",
            "beta": number("Beta", format="%.2f"), "n_beta": number("of days", format="localized"),
            "reason": "Missing because",
        },
        alt="Crashes by asset", height=320,
    )  # fmt: skip


def _costs(found: Risk, currency: str) -> None:
    """Getting out, funding, depeg, replays."""
    number = st.column_config.NumberColumn
    held = found.stress
    words = pl.col("reason").map_elements(reason_text, return_dtype=pl.String)
    st.markdown("**Getting out at once**: half the spread times a factor, and what the market asks for size")
    st_utils.rows(
        held.flattening.with_columns(reason=words, half_spread=pl.col("half_spread") * 1e4),
        {
            "bot": "Bot", "connector": "Exchange", "pair": "Pair",
            "factor": number("Spread ×", format="%.0f"), "half_spread": st_utils.bps("Half-spread"),
            "spread_cost": st_utils.money("Spread", currency, signed=False),
            "impact_cost": st_utils.money("Impact", currency, signed=False,
                                          help="Y·σ·√(size / daily volume)·value, Y = 1."),
            "cost": st_utils.money("Cost", currency, signed=False), "reason": "Missing because",
        },
        alt="Costs of getting out", height=260,
    )  # fmt: skip
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Funding of 0.3 % for 8 hours**, received positive")
        st_utils.rows(held.funding.with_columns(reason=words), {
            "rate": number("Rate", format="percent"),
            "per_payment": st_utils.money("A payment", currency),
            "per_day": st_utils.money("A day", currency),
            "reason": "Missing because",
        }, alt="Funding stress")  # fmt: skip
    with right:
        st.markdown("**A stablecoin falls**, in dollars, while coins keep their price")
        st_utils.rows(held.depegs.with_columns(reason=words), {
            "asset": "Stablecoin", "shock": number("Falls by", format="percent"),
            "change": number("Change, USD", format="%+,.2f"), "reason": "Missing because",
        }, alt="Depeg stress")  # fmt: skip
    for replay in held.replays:
        if replay.worst is None:
            text = f"candles of {', '.join(replay.missing)} are missing"
        else:
            ends = (
                format_value(x, Unit.MONEY, currency=currency, signed=True)
                for x in (replay.worst, replay.end)
            )
            text = "worst {}, at the end {} ".format(*ends) + currency
        st.caption(st_utils.plain(f"{replay.scenario}, its own candles replayed: {text}."))


def _ahead(found: Risk, currency: str) -> None:
    """Paths of days like those there were."""
    futures = found.stress.futures
    if futures.fan.is_empty() and futures.losses.is_empty():
        st.markdown("**Days ahead**")
        why = reason_text(futures.reason) if futures.reason else "there is no day"
        st_utils.empty(f"Not known: {why}.", "Wait for more days, or open more of the run.")
        return
    left, right = st.columns([5, 4], gap="medium")
    with left:
        st_utils.explained("fan_figure", fan_figure(futures.fan, state.look(), currency=currency))
    with right:
        st.markdown(f"**How likely is a loss within {counted(futures.horizon_days, 'day')}?**")
        if futures.losses.is_empty():
            st_utils.empty(
                "No day in twenty lost anything, so there is no amount to ask for.",
                "Name one on the command line: `fillbook risk … --loss 100`.",
            )
            return
        number = st.column_config.NumberColumn
        st_utils.rows(futures.losses, {
            "loss": st_utils.money("More than", currency, signed=False, help=currency),
            **({"loss_share": number("Of capital", format="percent")}
               if futures.losses["loss_share"].count() else {}),
            "p_loss": number("Lost at the end", format="percent"),
            "p_drawdown": number("Fallen by on the way", format="percent"),
            "error": number("±", format="percent", help="One standard error of the simulation alone."),
        }, alt="Chances of loss")  # fmt: skip
        st.caption(
            f"2,000 paths in blocks of {futures.block:.1f} days on average, seed {futures.seed}: "
            f"{futures.assumption}."
        )


def _wilder(found: Risk, currency: str) -> None:
    """Days two and three times as wild."""
    rows = found.stress.wilder
    if rows["value_at_risk"].null_count():
        return
    texts = [
        f"{row['factor']:.0f} ×: {format_value(row['value_at_risk'], Unit.MONEY, currency=currency)}"
        for row in rows.iter_rows(named=True)
    ]
    st.caption(
        f"Value at risk (95 %, {currency}) if days strayed so much further from their mean: "
        f"{' · '.join(texts)}."
    )
