"""A comparison as an object for machines, and its headline in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from fillbook.analysis.alignment import day_of
from fillbook.analysis.peers import PEERS_SCHEMA
from fillbook.reports.head import head_object
from fillbook.reports.json import plain
from fillbook.results import reason_text
from fillbook.units import Unit, counted, format_value

if TYPE_CHECKING:
    from fillbook.analysis.compare import Comparison
    from fillbook.analysis.pairing import Measured
    from fillbook.metrics.differences import Difference
    from fillbook.performance_data_source import PerformanceDataSource

COMPARE_SCHEMA = "fillbook.compare/1"
_TABLES = ("sides", "common", "relative", "peers", "months", "runs", "versions", "changes")
_MANY = 3  # comparisons from which one clear difference may well be chance


def compare_object(answer: Comparison, sources: Iterable[PerformanceDataSource]) -> dict[str, object]:
    """Object of the whole answer.

    Parameters
    ----------
    answer
        What was answered.
    sources
        What it was answered from.

    Returns
    -------
    dict
        ``schema, sources, filter, conventions, currency, period, kind, reference, headline, alignment,
        measured, correlation, sides, common, relative, peers, months, runs, versions, changes, findings``;
        numbers in full precision, None where there is none, with status and reasons beside it.
    """
    aligned = answer.alignment
    matrix = [[None if np.isnan(x) else x for x in row] for row in answer.correlation.tolist()]
    return {
        **head_object(COMPARE_SCHEMA, answer, *sources),
        "kind": answer.kind, "reference": answer.reference, "headline": headline(answer),
        "alignment": {
            "n_days": aligned.days.size, "n_left_out": aligned.gaps,
            "first": plain(day_of(aligned.days[0])) if aligned.days.size else None,
            "last": plain(day_of(aligned.days[-1])) if aligned.days.size else None,
            "reason": None if aligned.lack is None else aligned.lack.reason, "sides": plain(aligned.cuts),
        },
        "measured": plain(answer.measured),
        "correlation": {"sides": list(answer.names), "matrix": matrix},
        **{name: plain(getattr(answer, name)) for name in _TABLES},
        "findings": plain(answer.findings),
    }  # fmt: skip


def peers_object(rows: pl.DataFrame) -> dict[str, object]:
    """Object of anonymised rows, for a peer file."""
    return {"schema": PEERS_SCHEMA, "rows": plain(rows)}


def headline(answer: Comparison) -> list[str]:
    """What matters most, a sentence each: what was compared, what is clear, what was left out."""
    if not answer.names:
        return ["There is no day in this view, so there is nothing to compare."]
    found = [_scope(answer)]
    others = [m for m in answer.measured if not m.is_benchmark]
    benchmarks = [m for m in answer.measured if m.is_benchmark]
    if others:
        found.append(_clear(others, answer, answer.reference or ""))
    names = dict.fromkeys(m.other for m in benchmarks)
    found += [_clear([m for m in benchmarks if m.other == name], answer, name) for name in names]
    return [sentence for sentence in (*found, _changed(answer)) if sentence]


def _scope(answer: Comparison) -> str:
    """How many sides, on which days."""
    n = len(answer.names)
    if answer.kind in ("periods", "config"):
        what = "period" if answer.kind == "periods" else "configuration"
        return f"{counted(n, what)} side by side, each on its own days." if n else f"There is no {what}."
    if n == 1 and not answer.measured:
        return (
            f"There is one side, {answer.names[0]}, and nothing to compare it with: choose a benchmark, or "
            "divide it into bots, controllers or pairs."
        )
    aligned = answer.alignment
    if aligned.lack is not None:
        spans = ", ".join(
            f"{row['side']}: {row['first']} – {row['last']}" if row["first"] else f"{row['side']}: no day"
            for row in aligned.cuts.iter_rows(named=True)
        )
        return f"No day is common to all of them, so nothing was compared ({spans})."
    first, last = day_of(aligned.days[0]), day_of(aligned.days[-1])
    n_days = counted(aligned.days.size, "common day")
    who = counted(n, "side") if n > 1 else answer.names[0]
    span = f"{first:%d %b %Y}" if first == last else f"{first:%d %b %Y} – {last:%d %b %Y}"
    text = f"{who} on {n_days}, {span} UTC"
    longest = int(aligned.cuts["n_days"].max() or 0)  # type: ignore[arg-type]
    left = longest - aligned.days.size
    return text + (f"; {counted(left, 'day')} of the longest left out." if left else ".")


def _clear(found: list[Measured], answer: Comparison, other: str) -> str:
    """Who earned clearly more or less a day than another; that nobody did is an answer too."""
    lacks = {m.lack for m in found}
    if lacks and "" not in lacks:
        why = ", ".join(reason_text(lack) for lack in sorted(lacks))
        return (
            ""
            if answer.alignment.lack is not None and lacks == {"no_common_days"}
            else (f"Nothing can be said against {other}: {why}.")
        )
    pairs = [(m, d) for m in found for d in m.differences if d.what == "mean"]
    if not pairs and len(found) == 1 and found[0].metrics["beta_holding"].value is not None:
        return _held_like(found[0], other)
    if not pairs:
        return f"Against {other} only ratios can be compared: there is no capital to make returns of."
    if all(d.low is None for _, d in pairs):
        reasons = sorted({reason_text(r) for _, d in pairs for r in d.reasons})
        return f"Whether anyone earned more or less than {other} cannot be told: {', '.join(reasons)}."
    clear = sorted(((m, d) for m, d in pairs if d.is_clear), key=lambda pair: -abs(pair[1].value or 0.0))
    if not clear:
        n = sum(d.low is not None for _, d in pairs)
        who = found[0].side if n == 1 else f"none of {n} sides"
        verb = "did not earn" if n == 1 else "earned"
        return f"Against {other}, {who} {verb} clearly more or less a day: every interval holds 0."
    said = "; ".join(f"{m.side} {_more(m, d, answer)}" for m, d in clear[:3])
    rest = f"; so did {len(clear) - 3} more" if len(clear) > 3 else ""
    chance = (
        f" (of {len(pairs)} comparisons, one in twenty is clear by chance)" if len(pairs) >= _MANY else ""
    )
    return f"Against {other}, {said}{rest}{chance}."


def _held_like(found: Measured, other: str) -> str:
    """What PnL without capital says against a return."""
    like, together = found.metrics["beta_holding"], found.metrics["correlation"]
    money = format_value(like.value, Unit.MONEY, currency=like.currency, signed=True)
    return (
        f"{found.side} moved like {money} {like.currency or ''} in “{other}”, with a correlation of "
        f"{format_value(together.value, Unit.RATIO)}; there is no capital to make returns of."
    )


def _more(found: Measured, difference: Difference, answer: Comparison) -> str:
    verb = "earned more" if (difference.value or 0.0) > 0.0 else "earned less"
    value, low, high = (
        mean_text(found, x, answer) for x in (difference.value, difference.low, difference.high)
    )
    return f"{verb} a day, {value} (95 %: {low} … {high})"


def mean_text(found: Measured, value: float | None, answer: Comparison) -> str:
    """A mean of days, or a difference of two, in its unit."""
    if found.mean_is_return:
        return format_value(value, Unit.FRACTION, signed=True)
    text = format_value(value, Unit.MONEY, currency=answer.currency, signed=True)
    return f"{text} {answer.currency}" if answer.currency and value is not None else text


def _changed(answer: Comparison) -> str:
    """Whether changes of configuration changed anything."""
    rows = answer.changes.filter(pl.col("what") == "mean")
    if rows.is_empty():
        return ""
    known = rows.filter(pl.col("low").is_not_null())
    clear = known.filter((pl.col("low") > 0.0) | (pl.col("high") < 0.0)).height
    n = counted(rows.height, "change") + " of configuration"
    if known.is_empty():
        return f"{n}: too few days around to tell whether they changed anything."
    if not clear:
        return f"{n}: none of the {known.height} with enough days changed mean daily PnL clearly."
    return f"{n}: mean daily PnL differs clearly before and after {clear} of {known.height}."
