"""Can the ratios be trusted: intervals, Sharpe ratios against luck, ratios through time."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from fillbook.analysis.risk import Risk
from fillbook.figures.risk import rolling_figure
from fillbook.metrics.intervals import Interval
from fillbook.metrics.registry import METRICS
from fillbook.results import reason_text
from fillbook.units import Unit, counted, format_value
from fillbook.web import st_utils, state

_NEUTRAL = {  # the value at which a ratio says nothing
    "sharpe_ratio": 0.0, "sortino_ratio": 0.0, "kelly_continuous": 0.0, "average_daily_pnl": 0.0,
    "omega_ratio": 1.0, "period_profit_factor": 1.0,
    "tail_ratio": 1.0, "winning_days": 0.5,
}  # fmt: skip


def show(found: Risk, currency: str) -> None:
    """Intervals, luck, and the course of the ratios."""
    left, right = st.columns([5, 4], gap="medium")
    with left:
        _intervals(found)
    with right:
        is_share = found.metrics["volatility"].value is not None
        drawn = rolling_figure(
            found.rolling, state.look(), window=found.asked.rolling_days, is_share=is_share, currency=currency
        )
        st_utils.explained("rolling_figure", drawn)
    _luck(found)


def _intervals(found: Risk) -> None:
    """Every ratio with its interval, and what that says."""
    st.subheader("Ratios with their 95 % intervals", anchor=False)
    rows = []
    for key, one in found.intervals.items():
        unit = METRICS[key].unit
        shown = [
            format_value(value, unit, currency=found.currency)
            for value in (found.metrics[key].value, one.low, one.high)
        ]
        rows.append((METRICS[key].label, *shown, _reading(found, key)))
        if key == "sharpe_ratio":
            rows += _corrected(found)
    table = pl.DataFrame(rows, schema=["ratio", "value", "low", "high", "reading"], orient="row")
    st_utils.rows(
        table,
        {"ratio": "Ratio", "value": "Value", "low": "From", "high": "To", "reading": "What that says"},
        alt="Ratios with their intervals", height="content",
    )  # fmt: skip
    held = [one for one in found.intervals.values() if one.low is not None]
    if held:
        st.caption(_caption(found, held))


def _caption(found: Risk, held: list[Interval]) -> str:
    """What stands behind the intervals, and what they cannot know."""
    drawn = next((one for one in held if one.is_descriptive), None)
    text = (
        f"Of {counted(held[0].n, 'day')}; an interval is shown only where so many days hold the truth in 93 "
        "to 97 of 100 simulated cases."
    )
    if found.metrics["sharpe_ratio_lo"].value is not None:
        text += " After Lo (2002) the Sharpe ratio is that of a year whose days resemble the day before."
    if drawn is not None:
        text += (
            f" No truth that days could miss stands behind {_listed(found)}: their range only describes "
            f"where 95 % of {drawn.replicates:,} resampled histories lie (blocks of {drawn.block:.1f} days "
            f"on average, seed {drawn.seed})."
        )
    return text + (
        " Two things no interval can know: a large loss that has not come yet (fewer than 60 days), and wild "
        "weeks that have not (volatility, value at risk and shortfall of fewer than 1,000 days)."
    )


def _corrected(found: Risk) -> list[tuple[str, ...]]:
    """The Sharpe ratio of a year whose days depend on the day before, where they do."""
    one = found.metrics["sharpe_ratio_lo"]
    if one.value is None:
        return []
    rho = format_value(found.metrics["autocorrelation"].value, Unit.RATIO, signed=True)
    said = f"autocorrelation {rho}"
    return [(METRICS["sharpe_ratio_lo"].label, format_value(one.value, Unit.RATIO), "", "", said)]


def _listed(found: Risk) -> str:
    """Names of the ratios whose interval only describes."""
    labels = [METRICS[key].label for key, one in found.intervals.items()
              if one.is_descriptive and one.low is not None]  # fmt: skip
    return " and ".join(filter(None, (", ".join(labels[:-1]), labels[-1])))


def _reading(found: Risk, key: str) -> str:
    """What an interval says of its ratio."""
    one = found.intervals[key]
    if one.low is None or one.high is None:
        return "; ".join(map(reason_text, one.reasons))
    if one.is_descriptive:
        return "only describes"
    neutral = _NEUTRAL.get(key)
    if neutral is None:
        return ""
    if one.low > neutral:
        return "better than chance"
    return "worse than chance" if one.high < neutral else "may be chance"


def _luck(found: Risk) -> None:
    """Sharpe ratios of the bots against the luck of the best."""
    st.subheader("More than luck?", anchor=False)
    number = st.column_config.NumberColumn
    words = pl.col("reason").str.split(", ").list.eval(
        pl.element().map_elements(reason_text, return_dtype=pl.String)
    ).list.join("; ")  # fmt: skip
    why: dict[str, Any] = {"reason": st.column_config.TextColumn("Missing because", width="large")}
    st_utils.rows(
        found.sharpes.with_columns(reason=words),
        {
            "part": "Bot",
            "n": number("Days", format="localized",
                        help="Of its own run, from its first day with a gain or a loss to its last."),
            "sharpe": number("Sharpe", format="%+.2f", help="Annualised with 365 days."),
            **({"sharpe_lo": number("After Lo", format="%+.2f",
                                    help="The same, annualised for days that depend on the day before "
                                    "(Lo 2002); empty where they hardly do.")}
               if found.sharpes["sharpe_lo"].count() else {}),
            "psr": number("Above 0", format="percent", help="Probability that the true ratio is above 0."),
            "min_track_record": number("Days needed", format="%,.0f",
                                       help="Before a ratio like this one is above 0 with 95 % confidence."),
            "trials": number("Trials", format="localized", help="Declared above, or at least so many."),
            "best_by_luck": number("Best by luck", format="%+.2f",
                                   help="What the best of so many trials without skill is expected to show."),
            "deflated": number("Above luck", format="percent",
                               help="Probability that the true ratio beats that (deflated Sharpe ratio)."),
            **(why if found.sharpes["reason"].count() else {}),
        },
        alt="Sharpe ratios of the bots against luck",
    )  # fmt: skip
    if found.asked.trials is None:
        counts = (
            "comparing bots counts as that many trials, a lower bound"
            if found.sharpes.height > 1
            else "how much luck the best of them would show cannot be told"
        )
        st.caption(
            f"How many configurations were tried is not declared: {counts}. Declare the number above under "
            "“What no data says”."
        )
    else:
        ratio = format_value(found.metrics["expected_max_sharpe"].value, Unit.RATIO)
        chance = format_value(found.metrics["deflated_sharpe_ratio"].value, Unit.FRACTION)
        st.caption(
            f"All bots together: the best of {counted(found.asked.trials, 'trial')} without skill is "
            f"expected at {ratio}; the true ratio beats that with {chance}."
        )
