"""A portfolio suggestion as an object for machines, and its headline in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from fillbook.analysis.allocation_rules import CURRENT, EQUAL, RULES, SOURCES
from fillbook.reports.head import head_object
from fillbook.reports.json import plain
from fillbook.results import reason_text
from fillbook.units import Unit, counted, format_value

if TYPE_CHECKING:
    from fillbook.analysis.allocation import Allocation
    from fillbook.performance_data_source import PerformanceDataSource

ALLOCATE_SCHEMA = "fillbook.allocate/1"
LABELS = {EQUAL: "Equal weights", CURRENT: "As it is now", **RULES}
CAPACITY = (
    "What a bot earns does not grow with its capital for ever: its orders meet the same book. A weight far "
    "above today's asks for returns nobody has seen at that size."
)
NO_ORDER = "A suggestion from past days, never an order; nothing here trades."
OF_RISK = ("min_variance", "inverse_volatility", "risk_parity", "hierarchical_risk_parity")
FAR = 1.5  # times its capital of today, above which a bot's returns are of another size


def allocation_object(answer: Allocation, data: PerformanceDataSource) -> dict[str, object]:
    """Object of the whole answer.

    Parameters
    ----------
    answer
        What was answered.
    data
        What it was answered from.

    Returns
    -------
    dict
        ``schema, sources, filter, conventions, currency, period, status, reason, headline, capital, cap,
        is_cap_lifted, n_days, n_unseen, winners, bots, weights, out_of_sample, rules, notes, alignment,
        findings``; numbers in full precision, None where there is none.
    """
    return {
        **head_object(ALLOCATE_SCHEMA, answer, data),
        "status": answer.status.value, "reason": answer.reason or None, "headline": headline(answer),
        **{name: plain(getattr(answer, name))
           for name in ("capital", "cap", "is_cap_lifted", "n_days", "n_unseen", "winners")},
        **{name: plain(getattr(answer, name)) for name in ("bots", "weights", "out_of_sample")},
        "rules": {rule: {"label": label, "source": SOURCES.get(rule)} for rule, label in LABELS.items()},
        "notes": [NO_ORDER, CAPACITY], "alignment": plain(answer.alignment.cuts),
        "findings": plain(answer.findings),
    }  # fmt: skip


def headline(answer: Allocation) -> list[str]:
    """What matters most, a sentence each."""
    if answer.reason:
        return [f"There is no suggestion: {_lack(answer)}."]
    used = answer.bots.filter(pl.col("reason") == "")
    unseen = counted(answer.n_unseen, "day")
    scope = (
        f"{counted(used.height, 'bot')} on {counted(answer.n_days, 'common day')}; every rule was refitted "
        f"on the days before and tried on {unseen} it had not seen."
    )
    return [_verdict(answer, unseen), scope, *_notes(answer)]


def _lack(answer: Allocation) -> str:
    """Why, with the names or numbers it is about."""
    words = reason_text(answer.reason)
    if answer.reason in ("no_capital", "non_positive_capital"):
        names = answer.bots.filter(pl.col("reason").is_in(["no_capital"]) | (pl.col("capital") <= 0.0))["bot"]
        return f"{words} ({', '.join(names)}); each bot needs one"
    if answer.reason == "few_days_for_weights":
        return f"{words}, only {answer.n_days}"
    return words


def _verdict(answer: Allocation, unseen: str) -> str:
    """Whether any rule did better than equal weights."""
    table = {row["rule"]: row for row in answer.out_of_sample.iter_rows(named=True)}
    if not answer.winners:
        is_same = "no_variation"  # a rule that held equal weights throughout
        known = [
            table[rule]
            for rule in RULES
            if table[rule]["low"] is not None or table[rule]["reason"] == is_same
        ]
        if not known:
            why = reason_text(next(iter(table[rule]["reason"] for rule in RULES)))
            return f"Whether any rule beats equal weights cannot be told: {why}."
        return (
            f"Nothing beats equal weights: on {unseen} that the rules had not seen, none had a Sharpe ratio "
            "above theirs by more than chance."
        )
    best = max(answer.winners, key=lambda rule: table[rule]["difference"])
    row = table[best]
    gap, low, high = (
        format_value(row[name], Unit.RATIO, signed=True) for name in ("difference", "low", "high")
    )
    rest = len(answer.winners) - 1
    also = f" {counted(rest, 'other rule')} did as well." if rest else ""
    return (
        f"{LABELS[best]} beat equal weights on {unseen} it had not seen: a Sharpe ratio higher by {gap} "
        f"({low} … {high}, for all rules together at 95 %).{also}"
    )


def _notes(answer: Allocation) -> list[str]:
    """A lifted cap, bots that take no part, rules without an answer."""
    notes = []
    if answer.is_cap_lifted:
        notes.append("With so few bots the largest weight is not limited: the limits could not add up to 1.")
    idle = answer.bots.filter(pl.col("reason") != "")
    if idle.height:
        notes.append(
            f"Left out: {', '.join(idle['bot'])}, whose days did not vary before the first suggestion."
        )
    losing = answer.bots.filter(pl.col("mean") < 0.0, pl.col("reason") == "")["bot"]
    given = answer.weights.filter(pl.col("bot").is_in(losing.implode()), pl.col("rule").is_in(OF_RISK))
    if given.height and (most := given["weight"].sort(descending=True, nulls_last=True)[0]):
        share = format_value(most, Unit.FRACTION)
        notes.append(
            f"Rules of risk alone do not ask what a bot earns: {', '.join(losing)} lost money and would "
            f"still get up to {share}."
        )
    lost = answer.weights.filter(pl.col("reason") != "").unique("rule", maintain_order=True)
    notes += [
        f"{LABELS[r['rule']]} has no answer: {reason_text(r['reason'])}." for r in lost.iter_rows(named=True)
    ]
    return notes
