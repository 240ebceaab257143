"""What went beyond its limit, when, and where every limit stands now (DEFINITIONS E12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from fillbook.analysis.limit_file import Limit, LimitFile
from fillbook.analysis.limit_series import Sampled, Samples, regular, samples_of
from fillbook.analysis.view import View, view_of
from fillbook.arrays import Ints
from fillbook.conventions import Conventions
from fillbook.errors import BadRequestError
from fillbook.filters import Filter
from fillbook.findings import Finding
from fillbook.metrics.episodes import Episode, State, episodes, state_at
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.units import Unit

_UTC = pl.Datetime("us", "UTC")
EPISODES_SCHEMA: Mapping[str, type[pl.DataType] | pl.DataType] = {
    "limit": pl.String, "what": pl.String, "unit": pl.String, "currency": pl.String, "max": pl.Float64,
    "start": _UTC, "detected": _UTC, "end": _UTC, "cleared": _UTC, "peak": pl.Float64, "n": pl.Int64,
    "is_open": pl.Boolean,
}  # fmt: skip
_SCOPE = ("bots", "pairs", "connectors", "controllers")


@dataclass(frozen=True, slots=True)
class Watch:
    """One limit, watched.

    Parameters
    ----------
    limit
        What was asked.
    state
        Where it stands at the end of the period.
    is_open
        Whether a breach is open, also where its state is no longer known.
    currency
        Of money; None for other units.
    value, value_at
        Last known sample and its time; None where none is known or it is beyond measure.
    series
        ``at, value``; null where not known, infinite where no equity is left.
    episodes
        ``limit, what, unit, currency, max, start, detected, end, cleared, peak, n, is_open``, in time order.
    n, n_over, n_missing
        Samples, those above the limit, and those not known.
    reason
        Why nothing is known at all, or why the last sample has no number; else empty.
    """

    limit: Limit
    state: State
    is_open: bool
    currency: str | None
    value: float | None
    value_at: datetime | None
    series: pl.DataFrame
    episodes: pl.DataFrame
    n: int
    n_over: int
    n_missing: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit of a file, watched over one filtered view.

    Parameters
    ----------
    currency, period
        As in `Overview`.
    every_s
        Seconds between regular samples.
    watches
        In the order of the file.
    findings
        Those of the data and of the ledger.
    """

    currency: str | None
    period: tuple[datetime, datetime] | None
    every_s: float
    watches: tuple[Watch, ...]
    findings: tuple[Finding, ...]
    chosen: Filter
    conventions: Conventions

    @property
    def episodes(self) -> pl.DataFrame:
        """Episodes of all limits, the newest first."""
        rows = pl.concat(
            [pl.DataFrame(schema=dict(EPISODES_SCHEMA)), *(watch.episodes for watch in self.watches)]
        )
        return rows.sort("start", descending=True, maintain_order=True)

    @property
    def is_breached(self) -> bool:
        """Whether any limit was exceeded at any time of the period."""
        return self.episodes.height > 0

    @property
    def headline(self) -> str:
        """How the limits stand, in one sentence."""
        n = len(self.watches)
        many = n > 1
        opened = [watch for watch in self.watches if watch.is_open]
        past = [watch for watch in self.watches if watch.episodes.height and not watch.is_open]
        warned = [watch for watch in self.watches if watch.state is State.WARN]
        unknown = [watch for watch in self.watches if watch.state is State.UNKNOWN and not watch.is_open]
        said = [
            f"{len(group)} {words[len(group) > 1]}" if many else words[0]
            for group, words in (
                (opened, ("is exceeded", "are exceeded")),
                (past, ("was exceeded and is not now", "were exceeded and are not now")),
                (warned, ("is within a fifth of its limit", "are within a fifth of their limits")),
                (unknown, ("cannot be told", "cannot be told")),
            )
            if group
        ]  # fmt: skip
        if said:
            return (f"Of {n} limits " if many else "The limit ") + ", ".join(said) + "."
        return f"All {n} limits held all the time." if many else "The limit held all the time."


def limits(
    data: PerformanceDataSource,
    file: LimitFile,
    chosen: Filter | None = None,
    conventions: Conventions | None = None,
) -> Limits:
    """State and episodes of every limit of a file.

    Parameters
    ----------
    data
        An opened source.
    file
        What is watched: `limit_file.read_limits` reads it.
    chosen
        Which rows count; a limit narrows them further.
    conventions
        How to book; capital, where a limit is relative to equity.

    Raises
    ------
    BadRequestError
        A filter value that the data does not hold, a currency without rates, or samples without end.
    """
    view = view_of(data, chosen, conventions)
    start_us, end_us = view.start_us, view.ledger.end_us
    try:
        when, every_s = regular(start_us, end_us, file.every_s)
    except ValueError as error:
        raise BadRequestError(f"{file.source}: every_s is too short for this period: {error}") from error
    seen: dict[Filter, Sampled] = {}
    watches = []
    for limit in file.limits:
        scope = _narrowed(view.chosen, limit)
        if scope is not None and scope not in seen:
            seen[scope] = _sampled(data, view, scope, when)
        watches.append(_watched(None if scope is None else seen[scope], limit, when, view, every_s))
    return Limits(
        view.reporting.currency, view.period, every_s, tuple(watches), view.findings, view.chosen,
        view.conventions,
    )  # fmt: skip


def _narrowed(chosen: Filter, limit: Limit) -> Filter | None:
    """What is shown, narrowed to what a limit is about; None where that leaves nothing."""
    names = {key: getattr(limit, key) for key in _SCOPE if getattr(limit, key)}
    both = {
        key: tuple(name for name in asked if not getattr(chosen, key) or name in getattr(chosen, key))
        for key, asked in names.items()
    }
    if any(not left for left in both.values()):
        return None
    return replace(
        chosen, bots=both.get("bots", chosen.bots), pairs=both.get("pairs", chosen.pairs),
        connectors=both.get("connectors", chosen.connectors),
        controllers=both.get("controllers", chosen.controllers),
    )  # fmt: skip


def _sampled(data: PerformanceDataSource, view: View, scope: Filter, when: Ints) -> Sampled:
    """The narrowed view, in the currency of the whole."""
    how = replace(view.conventions, currency=view.reporting.currency or view.conventions.currency)
    return Sampled(data, view if scope == view.chosen else view_of(data, scope, how), when)


def _watched(seen: Sampled | None, limit: Limit, when: Ints, view: View, every_s: float) -> Watch:
    """One limit with its series, episodes and state."""
    unit = limit.kind.unit
    currency = view.reporting.currency if unit is Unit.MONEY else limit.asset
    if seen is None:
        found, reason = Samples(when, np.full(when.size, np.nan)), "outside_the_filter"
    else:
        found = samples_of(seen, limit)
        reason = "" if found.lack is None else found.lack.reason
    told = episodes(found.value, limit.threshold)
    stale_after_s = max(limit.stale_after_s, 2.0 * every_s)
    state = state_at(
        found.at, found.value, limit.threshold, told, now_us=view.ledger.end_us, stale_after_s=stale_after_s
    )
    known = np.flatnonzero(~np.isnan(found.value))
    last = int(known[-1]) if known.size else None
    value = None if last is None else _finite(found.value[last])
    n_missing = int(found.value.size - known.size)
    series = pl.DataFrame({
        "at": pl.Series(found.at, dtype=pl.Int64).cast(_UTC), "value": pl.Series(found.value).fill_nan(None),
    })  # fmt: skip
    return Watch(
        limit, state, bool(told) and told[-1].end_index is None, currency, value,
        None if last is None else _moment(found.at[last]), series, _episodes(limit, currency, found, told),
        int(found.value.size), int((found.value > limit.threshold.limit).sum()), n_missing,
        reason or _why_no_number(value, is_known=bool(known.size)),
    )  # fmt: skip


def _why_no_number(value: float | None, *, is_known: bool) -> str:
    """Reason of a last sample without a number: none at all, or no equity to divide by."""
    if not is_known:
        return "no_sample"
    return "equity_non_positive" if value is None else ""


def _episodes(limit: Limit, currency: str | None, found: Samples, told: tuple[Episode, ...]) -> pl.DataFrame:
    """Episodes of one limit as a table."""
    rows = [
        (
            limit.name, limit.what, limit.kind.unit.value, currency, limit.threshold.limit,
            *(None if place is None else _moment(found.at[place]) for place in (
                one.start_index, one.detected_index, one.end_index, one.cleared_index,
            )),
            _finite(one.peak), one.n, one.end_index is None,
        )
        for one in told
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=dict(EPISODES_SCHEMA), orient="row")


def _moment(at: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(at))


def _finite(value: float) -> float | None:
    """A number that can be shown; None beyond measure."""
    return float(value) if np.isfinite(value) else None
