"""Sides beside one another and against benchmarks, on the days they have in common (DEFINITIONS B7, E10).

Nothing is compared before it is aligned: the days that one of them lacks are left out of all, and how many
that were is part of the answer. Differences come with intervals of the same days, subtracted day by day, so
that what moved both sides does not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

import numpy as np
import polars as pl

from fillbook.analysis.alignment import EPOCH, Aligned, DaySeries, align, day_of
from fillbook.analysis.benchmarks import SIDES, Benchmark, Market, computed, given
from fillbook.analysis.overview import Overview, overview
from fillbook.analysis.pairing import Measured, mean_of, measured, relative
from fillbook.analysis.peers import own_rows, peer_table
from fillbook.analysis.sides import (
    FIGURES,
    TAGS,
    By,
    Capital,
    Side,
    figures,
    named_apart,
    part_sides,
    refuse_unknown,
    whole_side,
)
from fillbook.analysis.trends import Version, changes_of, months_of, runs_of, versions, versions_of
from fillbook.analysis.view import view_of
from fillbook.arrays import Floats
from fillbook.conventions import Conventions
from fillbook.errors import BadRequestError
from fillbook.filters import Filter
from fillbook.findings import Finding
from fillbook.metrics.benchmark import ENOUGH_DAYS, pearson
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Undefined

Kind = Literal["sources", "bot", "controller", "pair", "config", "periods", "whole"]
Window = tuple[date, date]  # first and last UTC day, both included
Given = tuple[str, pl.DataFrame]  # a name, and daily returns
Opened = tuple[str, PerformanceDataSource, Overview]
Sources = PerformanceDataSource | Mapping[str, PerformanceDataSource]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Sides beside one another.

    Parameters
    ----------
    kind
        What tells the sides apart.
    currency
        The one all sides are in; None where they are in several.
    sides
        A row a side, over its own days: ``side, first, last, currency, capital``, and the columns of
        `sides.FIGURES`.
    common
        The same over the common days alone; empty where there are none, or sides are periods.
    alignment
        Which days were used and which were cut off (see `alignment.Aligned`).
    measured
        Each side against the reference, and against each benchmark.
    relative
        ``day, side, other, ahead, is_return``: how far ahead at the end of each common day, a fraction of
        capital or money.
    names, correlation
        Sides in order and the correlation of their common days, shape (n, n).
    peers
        ``side, metric, value, percentile, n_peers, status, reason`` (see `peers.peer_table`).
    own_rows
        Results of each side without a name (see `peers.own_rows`), in their order.
    months, runs
        ``side, month`` and ``bot, run, first, last`` with the figures.
    versions, changes
        Configuration versions with their figures, and before against after of each change.
    reference
        Name of the side the others are measured against.
    """

    kind: Kind
    currency: str | None
    period: tuple[datetime, datetime] | None
    sides: pl.DataFrame
    common: pl.DataFrame
    alignment: Aligned
    measured: tuple[Measured, ...]
    relative: pl.DataFrame
    names: tuple[str, ...]
    correlation: Floats
    peers: pl.DataFrame
    own_rows: pl.DataFrame
    months: pl.DataFrame
    runs: pl.DataFrame
    versions: pl.DataFrame
    changes: pl.DataFrame
    reference: str | None
    findings: tuple[Finding, ...]
    chosen: Filter
    conventions: Conventions


def compare(
    sources: Sources,
    chosen: Filter | None = None,
    conventions: Conventions | None = None,
    *,
    by: By | Literal["config"] | None = None,
    periods: Sequence[Window] = (),
    benchmarks: Sequence[str | Given] = (),
    capital: Capital = None,
    peers: pl.DataFrame | None = None,
    reference: str | None = None,
) -> Comparison:
    """Compare sources, or parts or periods of one.

    Parameters
    ----------
    sources
        One opened source, or several by name, each then a side.
    chosen, conventions
        Which rows count, and how they are booked; the same for every side.
    by
        Parts of one source: its bots, controllers, pairs, or configuration versions.
    periods
        Windows of UTC days of one source, in place of parts.
    benchmarks
        ``zero``, ``hold:PAIR``, ``basket`` (all pairs in equal parts), ``sides`` (their mean),
        ``inventory:BASE=AMOUNT,…`` (what was held at the start); or a name with daily returns,
        ``day, return`` (see `sources.return_files`).
    capital
        Of every side, or by side. Without it sides of several sources take the conventions' capital, and
        parts have none: what needs a return is then unavailable, and money stands in its place.
    inventory
        Amount of each base asset held at the start, for the benchmark ``inventory``.
    peers
        Results of others (see `peers`); without them the sides are each other's peers.
    reference
        Side the others are measured against; None takes the first.

    Raises
    ------
    BadRequestError
        A part of several sources, a side, period or benchmark there is none of.
    """
    chosen, conventions = chosen or Filter(), conventions or Conventions()
    opened = _opened(sources, chosen, conventions)
    year = conventions.periods_per_year
    bots, controllers = _parts(opened, "bot", capital), _parts(opened, "controller", capital)
    configured = [
        (data, versions(data, parts)) for (_, data, _), parts in zip(opened, controllers, strict=True)
    ]
    trails = [pair for _, found in configured for pair in found]
    kind, sides = _sides(opened, sources, by, periods, capital, trails)
    refuse_unknown(capital, [side.name for side in sides])
    currency = _one({side.currency for side in sides if side.days.size})
    market = Market.of(
        [view_of(data, answer.chosen, answer.conventions) for _, data, answer in opened], currency
    )
    against = [_benchmark(spec, sides, market) for spec in benchmarks]
    place = _reference(reference, sides)
    is_apart = kind in ("periods", "config")
    usable = [] if is_apart else [b for b in against if b.lack is None]
    aligned = align([] if is_apart else _series(sides, usable))
    return Comparison(
        kind, currency, _period(opened), _table(sides, year), _common(sides, aligned, year), aligned,
        measured(sides, against, aligned, place, conventions, is_apart=is_apart),
        relative(sides, usable, aligned, place, conventions), tuple(side.name for side in sides),
        _correlation(sides, aligned), peer_table([] if is_apart and peers is None else sides, peers, year),
        own_rows(sides, year), months_of(sides, year),
        pl.concat([runs_of(data, parts, year) for (_, data, _), parts in zip(opened, bots, strict=True)]),
        versions_of(trails, year), changes_of(trails, year),
        None if place is None else sides[place].name,
        tuple(dict.fromkeys(f for _, _, answer in opened for f in answer.findings)), chosen, conventions,
    )  # fmt: skip


def names_of(
    data: PerformanceDataSource, chosen: Filter | None = None, conventions: Conventions | None = None, *,
    by: By | Literal["config"] | None = None, periods: Sequence[Window] = (),
) -> tuple[str, ...]:  # fmt: skip
    """Names of the sides that `compare` would tell apart in one source, without comparing them."""
    opened = _opened(data, chosen or Filter(), conventions or Conventions())
    trails = versions(data, _parts(opened, "controller", None)[0]) if by == "config" else []
    _, sides = _sides(opened, data, by, periods, None, trails)
    return tuple(side.name for side in sides)


def _benchmark(spec: str | Given, sides: Sequence[Side], market: Market) -> Benchmark:
    """The benchmark somebody asks for."""
    if not isinstance(spec, str):
        return given(*spec)
    return mean_of(sides, market.currency) if spec == SIDES else computed(spec, market)


def _opened(sources: Sources, chosen: Filter, conventions: Conventions) -> list[Opened]:
    """Each source by name, with its answer."""
    named = {"all": sources} if isinstance(sources, PerformanceDataSource) else dict(sources)
    if not named:
        raise BadRequestError("there is nothing to compare: name a source")
    return [
        (name, data, overview(data, chosen, conventions, metrics=("net_pnl",), check=False))
        for name, data in named.items()
    ]


def _parts(opened: Sequence[Opened], by: By, capital: Capital) -> list[tuple[Side, ...]]:
    return [part_sides(data, answer, by, capital) for _, data, answer in opened]


def _sides(
    opened: Sequence[Opened], sources: Sources, by: str | None, periods: Sequence[Window], capital: Capital,
    trails: Sequence[tuple[Side, list[Version]]],
) -> tuple[Kind, list[Side]]:  # fmt: skip
    """What tells the sides apart, and the sides."""
    if by is None and not periods:
        capital = opened[0][2].conventions.capital if capital is None else capital
        if not isinstance(sources, PerformanceDataSource):
            names = named_apart([name for name, _, _ in opened])
            return "sources", [
                whole_side(name, answer, capital) for name, (_, _, answer) in zip(names, opened, strict=True)
            ]
        return "whole", [whole_side("all", opened[0][2], capital)]
    if by is not None and periods:
        raise BadRequestError("compare parts (--by) or periods (--periods), not both at once")
    if len(opened) > 1:
        what = "parts" if by is not None else "periods"
        raise BadRequestError(f"{what} are of one opening: leave out all but one source, or open them as one")
    _, data, answer = opened[0]
    if by is None:
        return "periods", _windows(answer, periods, capital)
    if by == "config":
        return "config", [version.side for _, held in trails for version in held if version.side.days.size]
    for one in TAGS:
        if by == one:
            return one, list(part_sides(data, answer, one, capital))
    raise BadRequestError(f"parts are told apart by bot, controller, pair or config, not by {by!r}")


def _windows(answer: Overview, periods: Sequence[Window], capital: Capital) -> list[Side]:
    """Stretches of days of the whole: PnL marked at their ends, with what was held before."""
    if isinstance(capital, Mapping):
        raise BadRequestError("periods are of one capital: give one amount, without a name")
    whole = whole_side("all", answer, answer.conventions.capital if capital is None else capital)
    sides = []
    for first, last in periods:
        if first > last:
            raise BadRequestError(f"a period ends before it begins: {first}..{last}")
        name = f"{first} – {last}" if first != last else f"{first}"
        sides.append(whole.within((first - EPOCH).days, (last - EPOCH).days, name))
    return [replace(side, name=name) for side, name in
            zip(sides, named_apart([s.name for s in sides]), strict=True)]  # fmt: skip


def _one(currencies: set[str | None]) -> str | None:
    return currencies.pop() if len(currencies) == 1 else None


def _reference(name: str | None, sides: Sequence[Side]) -> int | None:
    """Place of the side the others are measured against."""
    names = [side.name for side in sides]
    if name is None:
        return 0 if sides else None
    if name not in names:
        raise BadRequestError(f"there is no side {name!r}; there are {', '.join(names) or 'none'}")
    return names.index(name)


def _series(sides: Sequence[Side], against: Sequence[Benchmark]) -> list[DaySeries]:
    return [
        *(DaySeries(side.name, side.days, side.basis) for side in sides),
        *(DaySeries(b.name, b.days, b.basis, is_benchmark=True) for b in against),
    ]


def _period(opened: Sequence[Opened]) -> tuple[datetime, datetime] | None:
    spans = [answer.period for _, _, answer in opened if answer.period is not None]
    return (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else None


_OWN: dict[str, type[pl.DataType]] = {
    "side": pl.String,
    "first": pl.Date,
    "last": pl.Date,
    "currency": pl.String,
    "capital": pl.Float64,
}


def _table(sides: Sequence[Side], periods_per_year: float) -> pl.DataFrame:
    """A row a side over its own days."""
    rows = [
        {
            "side": side.name, "first": day_of(side.days[0]) if side.days.size else None,
            "last": day_of(side.days[-1]) if side.days.size else None, "currency": side.currency,
            "capital": None if isinstance(side.capital, Undefined) else side.capital,
            **figures(side, periods_per_year),
        }
        for side in sides
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=_OWN | FIGURES)


def _common(sides: Sequence[Side], aligned: Aligned, periods_per_year: float) -> pl.DataFrame:
    """A row a side over the common days."""
    if not aligned.days.size:
        return _table((), periods_per_year)
    return _table([side.on(aligned.days) for side in sides], periods_per_year)


def _correlation(sides: Sequence[Side], aligned: Aligned) -> Floats:
    """Pearson correlation of the common days; NaN where a side did not vary, or with fewer than ten."""
    n = len(sides)
    found = np.full((n, n), np.nan)
    if aligned.days.size < ENOUGH_DAYS:
        return found
    for i in range(n):
        for j in range(i, n):
            found[i, j] = found[j, i] = pearson(aligned.values[i], aligned.values[j])
    return found
