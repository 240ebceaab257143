"""Figures by month, by run and by configuration, and whether a change of configuration changed anything."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from fillbook.analysis.alignment import dates, day_of
from fillbook.analysis.sides import FIGURES, Side, figures
from fillbook.metrics.differences import Difference, What, apart
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Status

MONTHS: dict[str, Any] = {"side": pl.String, "month": pl.Date, "is_whole": pl.Boolean, **FIGURES}
RUNS: dict[str, Any] = {
    "bot": pl.String, "run": pl.Int64, "started_at": pl.Datetime("us", "UTC"), "first": pl.Date,
    "last": pl.Date, "is_recorded": pl.Boolean, **FIGURES,
}  # fmt: skip
VERSIONS: dict[str, Any] = {
    "bot": pl.String, "controller": pl.String, "version": pl.Int64, "since": pl.Datetime("us", "UTC"),
    "first": pl.Date, "last": pl.Date, "n_starts": pl.Int64, "changed": pl.List(pl.String), **FIGURES,
}  # fmt: skip
_DIFFERENCE: dict[str, Any] = {
    "before": pl.Float64, "after": pl.Float64, "difference": pl.Float64, "low": pl.Float64,
    "high": pl.Float64, "p_value": pl.Float64, "n_before": pl.Int64, "n_after": pl.Int64,
    "freedom": pl.Float64, "interval_by": pl.String, "status": pl.String, "reason": pl.String,
}  # fmt: skip
CHANGES: dict[str, Any] = {
    "bot": pl.String, "controller": pl.String, "version": pl.Int64, "at": pl.Datetime("us", "UTC"),
    "changed": pl.List(pl.String), "what": pl.String, "is_return": pl.Boolean, **_DIFFERENCE,
}  # fmt: skip
_DAY_US = 86_400_000_000
_ONE_START_US = 60_000_000  # controllers whose rows lie this near were started together
_OWN_NAME = "id"  # of a configuration: tells rows apart, changes nothing


@dataclass(frozen=True, slots=True)
class Version:
    """One configuration of one controller or bot, and the whole days it was in force.

    Parameters
    ----------
    number
        Counted from 1.
    since
        Start that brought it, µs UTC.
    n_starts
        Starts with it.
    changed
        What differs from the one before: ``key: old → new``.
    side
        The days; the day of a change belongs to no version.
    """

    number: int
    since: int
    n_starts: int
    changed: tuple[str, ...]
    side: Side


def months_of(sides: Sequence[Side], periods_per_year: float) -> pl.DataFrame:
    """A row a side and calendar month (UTC): ``side, month, is_whole`` and the figures of its days."""
    rows: list[dict[str, object]] = []
    for side in sides:
        starts = dates(side.days).dt.truncate("1mo")
        for start in starts.unique(maintain_order=True):
            days = side.days[(starts == start).to_numpy()]
            part = side.within(int(days[0]), int(days[-1]), side.name)
            length = pl.Series([start]).dt.days_in_month()[0]
            rows.append({
                "side": side.name, "month": start, "is_whole": days.size == length,
                **figures(part, periods_per_year),
            })  # fmt: skip
    return pl.DataFrame(rows, schema=MONTHS)


def runs_of(data: PerformanceDataSource, bots: Sequence[Side], periods_per_year: float) -> pl.DataFrame:
    """A row a bot and start: ``bot, run, started_at, first, last, is_recorded`` and the figures.

    Hummingbot stores a start only with a controller's configuration; a bot without is one run, not recorded.
    A day on which a bot was started again belongs to the later run.

    Parameters
    ----------
    data
        The source, for its table of controllers.
    bots
        Its bots as sides.
    periods_per_year
        Days a year.
    """
    rows: list[dict[str, object]] = []
    for side in bots:
        if not side.days.size:
            continue
        starts = _starts(data.controllers, str(side.tags["bot"]))
        days = [max(at // _DAY_US, int(side.days[0])) for at in starts] or [int(side.days[0])]
        days[0] = int(side.days[0])  # the first start may be before the period
        for number, first in enumerate(days, start=1):
            last = days[number] - 1 if number < len(days) else int(side.days[-1])
            part = side.within(first, last, side.name)
            rows.append({
                "bot": side.tags["bot"], "run": number, "is_recorded": bool(starts),
                "started_at": _moment(starts[number - 1]) if starts else None,
                "first": day_of(part.days[0]) if part.days.size else None,
                "last": day_of(part.days[-1]) if part.days.size else None, **figures(part, periods_per_year),
            })  # fmt: skip
    return pl.DataFrame(rows, schema=RUNS)


def _starts(controllers: pl.DataFrame, bot: str) -> list[int]:
    """Starts of a bot, µs UTC: rows written together are one."""
    at = controllers.filter(pl.col("bot").cast(pl.String) == bot)["at"].sort().dt.timestamp("us").to_list()
    return [at[i] for i in range(len(at)) if not i or at[i] - at[i - 1] > _ONE_START_US]


def versions(data: PerformanceDataSource, controllers: Sequence[Side]) -> list[tuple[Side, list[Version]]]:
    """Configuration versions of each controller, and of each bot without controllers.

    Parameters
    ----------
    data
        The source: its table of controllers, else the names of configuration files of its fills.
    controllers
        Its controllers as sides, bots that have none included.
    """
    found = []
    for side in controllers:
        recorded = list(_recorded(data, side))
        merged: list[tuple[int, int, Mapping[str, str], tuple[str, ...]]] = []
        for at, config in recorded:
            if merged and merged[-1][2] == config:
                since, n, held, changed = merged[-1]
                merged[-1] = (since, n + 1, held, changed)
            else:
                merged.append((at, 1, config, _changed(merged[-1][2], config) if merged else ()))
        found.append((side, _dated(side, merged)))
    return found


def _dated(
    side: Side, merged: Sequence[tuple[int, int, Mapping[str, str], tuple[str, ...]]]
) -> list[Version]:
    """Versions with the whole days they were in force."""
    made = []
    for i, (since, n, _, changed) in enumerate(merged):
        first = -1 if i == 0 else -(-since // _DAY_US)
        last = merged[i + 1][0] // _DAY_US - 1 if i + 1 < len(merged) else np.iinfo(np.int64).max
        name = f"{side.name} v{i + 1}"
        made.append(Version(i + 1, since, n, changed, side.within(first, int(last), name)))
    return made


def _recorded(data: PerformanceDataSource, side: Side) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Start and configuration of each row of a controller; without rows, config files by first fill."""
    mine = [pl.col(tag).cast(pl.String).eq_missing(pl.lit(value)) for tag, value in side.tags.items()]
    rows = data.controllers.filter(*mine).sort("at", maintain_order=True)
    if rows.height and side.tags.get("controller_id") is not None:
        for at, config in zip(rows["at"].dt.timestamp("us"), rows["config"], strict=True):
            if config is not None:
                yield int(at), flat(config)
        return
    files = data.fills.filter(*mine).group_by("config", maintain_order=True).agg(pl.col("at").min())
    named = files.sort("at").select(pl.col("config").cast(pl.String), pl.col("at").dt.timestamp("us"))
    for name, at in named.rows():
        yield int(at), {"configuration file": str(name)}


def flat(config: str) -> dict[str, str]:
    """Settings of a configuration by their path; a text that is no JSON object is one setting.

    >>> flat('{"a": 1, "b": {"c": "x"}, "id": "main"}')
    {'a': '1', 'b.c': 'x'}
    """
    try:
        held = json.loads(config)
    except (ValueError, RecursionError):
        return {"configuration": config}
    if not isinstance(held, dict):
        return {"configuration": config}
    return dict(sorted(_settings(held, "")))


def _settings(held: Mapping[str, object], above: str) -> Iterator[tuple[str, str]]:
    for key, value in held.items():
        if isinstance(value, dict):
            yield from _settings(value, f"{above}{key}.")
        elif above or key != _OWN_NAME:
            yield f"{above}{key}", value if isinstance(value, str) else json.dumps(value)


def _changed(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[str, ...]:
    """Settings that differ, in words."""
    keys = sorted({*old, *new})
    return tuple(
        f"{key}: {old.get(key, 'not set')} → {new.get(key, 'not set')}"
        for key in keys
        if old.get(key) != new.get(key)
    )


def versions_of(found: Sequence[tuple[Side, list[Version]]], periods_per_year: float) -> pl.DataFrame:
    """A row a version: whose, since when, which whole days, what changed, and the figures of its days."""
    rows = [
        {
            **_whose(side), "version": version.number, "since": _moment(version.since),
            "first": day_of(version.side.days[0]) if version.side.days.size else None,
            "last": day_of(version.side.days[-1]) if version.side.days.size else None,
            "n_starts": version.n_starts, "changed": list(version.changed),
            **figures(version.side, periods_per_year),
        }
        for side, held in found
        for version in held
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=VERSIONS)


def changes_of(found: Sequence[tuple[Side, list[Version]]], periods_per_year: float) -> pl.DataFrame:
    """Two rows a change of configuration: mean and Sharpe ratio of the days before and after it.

    Each stretch of days has its own long-run variance (`metrics.long_run`), so that days that resemble those
    before them do not count as new evidence. The mean is of returns where capital is known.
    """
    rows: list[dict[str, object]] = []
    for side, held in found:
        for before, after in pairwise(held):
            change = {
                **_whose(side), "version": after.number, "at": _moment(after.since),
                "changed": list(after.changed), "is_return": isinstance(side.returns, np.ndarray),
            }  # fmt: skip
            whats: tuple[What, ...] = ("mean", "sharpe")
            rows += [
                {**change, "what": what, **_row(before.side, after.side, what, periods_per_year)}
                for what in whats
            ]
    return pl.DataFrame(rows, schema=CHANGES)


def _row(before: Side, after: Side, what: What, periods_per_year: float) -> dict[str, object]:
    """After less before; unavailable where a stretch has no whole day or a day without a mark."""
    sizes = {"n_before": before.days.size, "n_after": after.days.size}
    lack = "no_days" if 0 in sizes.values() else ""
    if not lack and (np.isnan(before.pnl).any() or np.isnan(after.pnl).any()):
        lack = "no_mid"
    if lack:
        return {**dict.fromkeys(_DIFFERENCE), **sizes, "status": Status.UNAVAILABLE, "reason": lack}
    found: Difference = apart(after.basis, before.basis, what, periods_per_year=periods_per_year)
    return {
        **sizes, "before": found.other, "after": found.one, "difference": found.value, "low": found.low,
        "high": found.high, "p_value": found.p_value, "freedom": found.freedom,
        "interval_by": found.interval_by,
        "status": found.status, "reason": next(iter(found.reasons), ""),
    }  # fmt: skip


def _whose(side: Side) -> dict[str, str | None]:
    return {"bot": side.tags.get("bot"), "controller": side.tags.get("controller_id")}


def _moment(us: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=us)
