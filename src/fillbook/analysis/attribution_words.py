"""Why it earned or lost, in sentences; what is not known is said with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from fillbook.analysis.attribution import Attribution
from fillbook.analysis.attribution_tags import DIMENSION_TEXT
from fillbook.analysis.drivers import PART
from fillbook.metrics.bootstrap import ENOUGH
from fillbook.results import reason_text
from fillbook.units import Unit, counted, format_value

PART_TEXT: Mapping[str, str] = {
    "spread": "spread", "inventory": "price moves while holding", "unattributed": "not attributable",
    "funding": "funding", "rebates": "rebates", "fees": "fees",
}  # fmt: skip
_SIGNS = {"fees": -1.0}
_NAMED = 3
Row = Mapping[str, Any]


def sentences(answer: Attribution) -> tuple[str, ...]:
    """What matters most, a sentence an entry, in plain text."""
    if answer.by["pair"].is_empty():
        return ("There is no fill in this view.",)
    if answer.net is None:
        return (_why_none(answer),)
    return tuple(filter(None, (
        _of_parts(answer), _of_mids(answer), _of_adverse(answer), _of_drivers(answer, "profit"),
        _of_drivers(answer, "cost"), _of_days(answer),
    )))  # fmt: skip


def _why_none(answer: Attribution) -> str:
    if answer.currency is None:
        return (
            "What was earned does not add up over several quote currencies without an exchange rate: "
            "each pair stands in its own."
        )
    return "Net PnL is not known: an open position has no mark."


def money(value: float, answer: Attribution) -> str:
    """Signed money without its unit."""
    return format_value(value, Unit.MONEY, currency=answer.currency, signed=True)


def _of_parts(answer: Attribution) -> str:
    """Net PnL and the parts it is the sum of."""
    net = answer.net or 0.0
    parts = [
        f"{words} {money(_SIGNS.get(name, 1.0) * value, answer)}"
        for name, words in PART_TEXT.items() if (value := answer.parts[name])
    ]  # fmt: skip
    text = f"Net PnL is {money(net, answer)} {answer.currency}: " + ", ".join(parts) + "."
    if answer.parts["funding"] is None:
        text += " It lacks the funding of perpetuals, of which nothing is recorded."
    return text


def _of_mids(answer: Attribution) -> str:
    """How far gross PnL could be split into spread and price moves."""
    share = format_value(answer.coverage, Unit.FRACTION)
    age = f"at most {answer.conventions.max_quote_age_s:g} s before the fill"
    if answer.parts["spread"] is not None:
        return "" if answer.coverage == 1.0 else f"A mid {age} is known for {share} of the value."
    known = answer.by["bot"].filter(pl.col("spread").is_not_null(), pl.col("n_fills") > 0)["tag"].to_list()
    where = f" For {', '.join(known[:_NAMED])} it can." if known else ""
    return (
        "What price moves brought cannot be told from the spread: a mid "
        f"{age} is known for {share} of the value, and it takes half.{where}"
    )


def _of_adverse(answer: Attribution) -> str:
    """The minute after the fills."""
    lost, later = answer.horizon.adverse_selection, answer.horizon.positioning
    if not lost or later is None:
        return ""
    word = "against" if lost < 0.0 else "in favour of"
    return (
        f"Of the price moves, the first {answer.horizon.seconds:g} s after each fill went {word} it: "
        f"{money(lost, answer)}; holding on beyond that brought {money(later, answer)}."
    )


def _of_drivers(answer: Attribution, kind: str) -> str:
    """The largest gain or loss that is more than noise, else the largest."""
    rows = answer.drivers.filter(pl.col("kind") == kind, pl.col("dimension") != PART)
    rows = rows.sort(
        pl.col("is_more_than_noise").fill_null(value=False), pl.col("amount").abs(), descending=True
    )
    if rows.is_empty():
        return ""
    first = rows.row(0, named=True)
    verb = "Most was made" if kind == "profit" else "Most was lost"
    return f"{verb} {driver_text(first, answer)}."


def driver_text(row: Row, answer: Attribution) -> str:
    """One driver: where, how much, and whether it is more than noise."""
    text = f"{_where(row)}: {money(row['amount'], answer)}"
    if row["share"] is not None:
        text += f" ({format_value(row['share'], Unit.FRACTION, signed=True)} of net)"
    return text + noise_text(row, answer)


def _where(row: Row) -> str:
    """A tag in words: who traded, or what the moment was like."""
    dimension, tag = row["dimension"], row["tag"]
    trend = {"down": "while the market fell", "up": "while it rose", "range": "while it ranged"}
    times = {
        "hour": f"by the fills from {tag}:00 to {tag}:59 UTC", "weekday": f"by the fills of {tag}s",
        "volatility": f"by the fills made while volatility was {tag}",
        "trend": f"by the fills made {trend.get(tag, tag)}",
        "market_volume": f"by the fills made while the market's volume was {tag}",
    }  # fmt: skip
    return times.get(dimension, f"by {DIMENSION_TEXT.get(dimension, dimension)} {tag}")


def noise_text(row: Row, answer: Attribution) -> str:
    """Whether the days of a driver say more than chance would; nothing where nobody can tell."""
    if row["is_more_than_noise"] is None:
        return ""
    low, high = (money(row[end], answer) for end in ("low", "high"))
    verdict = "more than noise" if row["is_more_than_noise"] else "which may be noise"
    return f", {verdict} (95 %: {low} … {high})"


def _of_days(answer: Attribution) -> str:
    """Why nobody can tell what is more than noise, if so."""
    if answer.drivers["is_more_than_noise"].null_count() < max(answer.drivers.height, 1):
        return ""
    n = int(answer.drivers["n_days"][0])
    if n < ENOUGH:
        return f"It takes {ENOUGH} days to tell this from noise; the view has {counted(n, 'day')}."
    return "Whether this is more than noise nobody can tell: on some days an open position has no mark."


def why(answer: Attribution, key: str) -> str:
    """Reasons of a metric that is not there, in words."""
    return ", ".join(reason_text(reason) for reason in answer.metrics[key].reasons)
