"""Risk: the answer in words, the cards with their intervals, and a tab a question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

import streamlit as st

from fillbook.analysis.overview import Overview
from fillbook.analysis.risk import LEVEL, Risk
from fillbook.conventions import RiskConventions
from fillbook.errors import FillbookError
from fillbook.metrics.registry import METRICS
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import reason_text
from fillbook.units import THIN_SPACE, Unit, counted, format_value
from fillbook.web import cards, narrowing, st_utils, state
from fillbook.web.views.risk import ratios, stress, tails, together

CARDS = (
    "sharpe_ratio", "sortino_ratio", "calmar_ratio", "probabilistic_sharpe_ratio",
    "value_at_risk", "expected_shortfall", "max_drawdown", "current_drawdown", "time_under_water",
    "exposure",
)  # fmt: skip
_IN_A_ROW = 5
_FALL = "-20%"
_WORST = f"{100.0 * (1.0 - LEVEL):.0f}{THIN_SPACE}%"


def show() -> None:
    """What could be lost, and can the ratios be trusted."""
    held = st_utils.opened("Risk", without_fills="there is nothing at risk")
    if held is None:
        return
    try:
        answer = state.answer(held, state.choice())
        st.caption(st_utils.plain(st_utils.scope(answer)))
        asked = _asked()
        found = state.risked(held, asked)
    except FillbookError as error:
        st_utils.failed(error)
        narrowing.way_back()
        return
    st_utils.trust(state.checks(held), found.findings)
    narrowing.way_back()
    if answer.period is None or not int(answer.books["n_fills"].sum()):
        st_utils.nothing_passes()
        return
    st.markdown(headline(found, state.zone()))
    if found.currency is None:
        st_utils.empty(
            "There is no total over several currencies without an exchange rate.",
            "Choose the pairs of one quote currency in the sidebar, or give a rate.",
        )
        return
    cards.show(answer, held, CARDS, most=_IN_A_ROW, beside=_beside(found))
    _sections(found, answer, held, found.currency)


def _asked() -> RiskConventions:
    """What no data says, as the reader says it."""
    with st.expander("What no data says: trials, leverage, margin, horizon", icon=":material/tune:"):
        first, second, third, fourth = st.columns(4)
        trials = first.number_input(
            "Configurations tried", value=None, min_value=1, step=1, placeholder="not declared", key="trials",
            bind="query-params",
            help="How many variants were tried before this one was chosen, backtests counted. The best "
            "of many looks good by luck; the deflated Sharpe ratio takes that out.",
        )  # fmt: skip
        leverage = second.number_input(
            "Leverage", value=None, min_value=0.1, placeholder="not declared", key="leverage",
            bind="query-params",
            help="Position over margin of perpetuals. Without declared capital their margin is the "
            "equity that can be liquidated.",
        )  # fmt: skip
        maintenance = third.number_input(
            "Maintenance margin, %", value=0.0, min_value=0.0, max_value=99.0, step=0.1, key="maintenance",
            bind="query-params", help="Equity below this share of the positions is liquidated; 0: below "
            "nothing.",
        )  # fmt: skip
        horizon = fourth.number_input(
            "Days ahead", value=RiskConventions().horizon_days, min_value=1, max_value=365, step=1,
            key="horizon", bind="query-params", help="How far ahead the paths under Stress look.",
        )  # fmt: skip
    return RiskConventions(
        trials=None if trials is None else int(trials), leverage=leverage,
        maintenance_margin=maintenance / 100.0, horizon_days=int(horizon),
    )  # fmt: skip


def _sections(found: Risk, answer: Overview, held: PerformanceDataSource, currency: str) -> None:
    """A tab a question; one that is not looked at is not drawn."""
    tabs: dict[str, Callable[[], None]] = {
        "Can the ratios be trusted?": lambda: ratios.show(found, currency),
        "A day's loss": lambda: tails.show(found, currency),
        "Drawdowns": lambda: tails.falls(found, currency),
        "Stress": lambda: stress.show(found, currency),
        "Lost together?": lambda: together.show(found, answer, held, currency),
    }
    for tab, draw in zip(st.tabs(list(tabs), on_change="rerun", key="risk_tab"), tabs.values(), strict=True):
        if tab.open:
            with tab:
                draw()


def _beside(found: Risk) -> Mapping[str, str]:
    """The 95 % interval of each card's number, in words."""
    texts = {}
    for key, one in found.intervals.items():
        if one.low is not None and one.high is not None:
            ends = (
                format_value(end, METRICS[key].unit, currency=found.currency) for end in (one.low, one.high)
            )
            texts[key] = ("95 % of resamples: " if one.is_descriptive else "95 %: ") + " … ".join(ends)
    return texts


def headline(found: Risk, zone: ZoneInfo) -> str:
    """What matters most, in words, times in that zone: what is not known is said with its reason."""
    return " ".join(
        filter(None, (_of_days(found), _of_ratio(found), _of_falls(found, zone), _of_positions(found)))
    )


def _money(found: Risk, value: float, *, signed: bool = False) -> str:
    text = format_value(value, Unit.MONEY, currency=found.currency, signed=signed)
    return f"**{text} {st_utils.plain(found.currency or '')}**"


def _of_days(found: Risk) -> str:
    """How much a bad day lost."""
    var, es = found.metrics["value_at_risk"], found.metrics["expected_shortfall"]
    if var.value is None or es.value is None:
        return f"What a bad day loses is not known: {cards.doubt(var)}."
    n = counted(found.daily.height, "day")
    if var.value < 0.0:
        return f"Even on the worst {_WORST} of {n} something was gained."
    if var.value == 0.0:
        return (
            f"On no more than {_WORST} of {n} anything was lost; the worst {_WORST} lost "
            f"{_money(found, es.value)} on average."
        )
    return (
        f"On the worst {_WORST} of {n} {_money(found, var.value)} or more were lost, "
        f"{_money(found, es.value)} on average."
    )


def _of_ratio(found: Risk) -> str:
    """How sure the Sharpe ratio is."""
    result, one = found.metrics["sharpe_ratio"], found.intervals["sharpe_ratio"]
    if result.value is None:
        return f"There is no Sharpe ratio: {cards.doubt(result)}."
    text = f"The Sharpe ratio is **{format_value(result.value, Unit.RATIO)}**"
    if one.low is None or one.high is None:
        why = ", ".join(reason_text(code) for code in one.reasons)
        return f"{text}, and how sure that is cannot be said: {why}."
    low, high = (format_value(end, Unit.RATIO) for end in (one.low, one.high))
    text += f"; {counted(one.n, 'day')} leave room for {low} … {high} (95 %)"
    deflated, trials = found.metrics["deflated_sharpe_ratio"], found.asked.trials
    if deflated.value is not None and trials is not None:
        chance = format_value(deflated.value, Unit.FRACTION)
        text += f"; against the best that luck shows in {counted(trials, 'trial')} it holds with {chance}"
    elif one.low <= 0.0 <= one.high:
        text += ": it may be luck"
    return text + "."


def _of_falls(found: Risk, zone: ZoneInfo) -> str:
    """The deepest fall, and whether it lasts."""
    depth, share = found.metrics["max_drawdown"], found.metrics["max_drawdown_fraction"]
    if depth.value is None or found.drawdowns.is_empty():
        return ""
    part = "" if share.value is None else f" ({format_value(share.value, Unit.FRACTION)})"
    back = found.drawdowns.row(0, named=True)["recovery_at"]
    ended = f"made good by {back.astimezone(zone):%d %b %Y %H:%M}" if back else "not yet made good"
    return f"The deepest fall was {_money(found, depth.value)}{part}, {ended}."


def _of_positions(found: Risk) -> str:
    """What is held, and what it would lose."""
    if found.holdings.is_empty():
        return "Nothing is held at the end, so no price can hurt."
    rows = found.stress.grid.totals.filter(scenario=_FALL)
    change = rows["change"][0] if rows.height else None
    if change is None:
        return "What the positions held would lose is not known: one of them has no price."
    verb = "lose" if change < 0.0 else "gain"
    text = f"If every coin fell by 20 % at once, the positions held would {verb} {_money(found, abs(change))}"
    gone = found.stress.crashes.totals.filter("liquidated").height
    return text + (f"; **{counted(gone, 'crash scenario')}** would end in liquidation." if gone else ".")
