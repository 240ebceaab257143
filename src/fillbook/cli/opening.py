"""Opening sources for a command, with a progress bar where it takes longer than a second."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from fillbook.analysis.allocation import Allocation
    from fillbook.analysis.attribution import Attribution
    from fillbook.analysis.compare import Comparison
    from fillbook.analysis.execution import Execution
    from fillbook.analysis.limit_file import LimitFile
    from fillbook.analysis.limits import Limits
    from fillbook.analysis.overview import Overview
    from fillbook.analysis.peer_history import Balances
    from fillbook.analysis.reconcile import Reconciliation
    from fillbook.analysis.risk import Risk
    from fillbook.cli.choices import Choices
    from fillbook.conventions import Conventions, RiskConventions
    from fillbook.filters import Filter
    from fillbook.performance_data_source import PerformanceDataSource

_PATIENCE_S = 1.0
_OPENING_SHARE = 0.8

Said = Callable[[str, float], None]
_Answer = TypeVar("_Answer")


def answered(
    uris: list[str], choices: Choices, *, keys: list[str] | None = None
) -> tuple[PerformanceDataSource, Overview]:
    """Open sources and answer them.

    Parameters
    ----------
    uris
        What to open.
    choices
        Which rows, booked how.
    keys
        Metrics to answer; None answers all.
    """

    def booked(data: PerformanceDataSource, chosen: Filter, conventions: Conventions) -> Overview:
        from fillbook.analysis.overview import overview  # noqa: PLC0415  (brings Numba)

        return overview(data, chosen, conventions, metrics=keys)

    return _asked(uris, choices, "booking", booked)


def executed(uris: list[str], choices: Choices) -> tuple[PerformanceDataSource, Execution]:
    """Open sources and answer how their orders were executed."""

    def looked(data: PerformanceDataSource, chosen: Filter, conventions: Conventions) -> Execution:
        from fillbook.analysis.execution import execution  # noqa: PLC0415  (brings Numba)

        return execution(data, chosen, conventions)

    return _asked(uris, choices, "looking at every order", looked)


def attributed(uris: list[str], choices: Choices) -> tuple[PerformanceDataSource, Attribution]:
    """Open sources and answer why they earned or lost."""

    def divided(data: PerformanceDataSource, chosen: Filter, conventions: Conventions) -> Attribution:
        from fillbook.analysis.attribution import attribution  # noqa: PLC0415  (brings Numba)

        return attribution(data, chosen, conventions)

    return _asked(uris, choices, "dividing what was earned", divided)


def reconciled(
    uris: list[str], choices: Choices, balances: Balances | None
) -> tuple[PerformanceDataSource, Reconciliation]:
    """Open sources and set their figures beside those of others."""

    def set_beside(data: PerformanceDataSource, chosen: Filter, conventions: Conventions) -> Reconciliation:
        from fillbook.analysis.reconcile import reconcile  # noqa: PLC0415  (brings Numba)

        return reconcile(data, chosen, conventions, balances=balances)

    return _asked(uris, choices, "reckoning as others do", set_beside)


def watched(uris: list[str], choices: Choices, file: LimitFile) -> tuple[PerformanceDataSource, Limits]:
    """Open sources and watch their limits."""

    def looked(data: PerformanceDataSource, chosen: Filter, conventions: Conventions) -> Limits:
        from fillbook.analysis.limits import limits  # noqa: PLC0415  (brings Numba)

        return limits(data, file, chosen, conventions)

    return _asked(uris, choices, "watching limits", looked)


def risked(uris: list[str], choices: Choices, asked: RiskConventions) -> tuple[PerformanceDataSource, Risk]:
    """Open sources and answer what they could lose."""

    def weighed(data: PerformanceDataSource, chosen: Filter, conventions: Conventions) -> Risk:
        from fillbook.analysis.risk import risk  # noqa: PLC0415  (brings Numba)

        return risk(data, chosen, conventions, asked)

    return _asked(uris, choices, "weighing the risk", weighed)


def compared(
    uris: list[str], choices: Choices, asked: Mapping[str, Any], *, is_one: bool
) -> tuple[list[PerformanceDataSource], Comparison]:
    """Open sources, together or each for itself, and compare.

    Parameters
    ----------
    uris
        What to open.
    choices
        Which rows, booked how.
    asked
        Further arguments of `analysis.compare.compare`.
    is_one
        Whether all of them are one opening.
    """
    from fillbook.analysis.compare import compare  # noqa: PLC0415  (brings Numba)

    chosen, conventions = choices.filter(), choices.conventions()
    with progress() as said:
        if is_one:
            data = _opened(uris, lambda opening, share: said(opening, _OPENING_SHARE * share))
            data = _with_candles(data, choices, said)
            said("comparing", _OPENING_SHARE)
            return [data], compare(data, chosen, conventions, **asked)
        held = {
            name: _with_candles(_opened([uri], said), choices, said)
            for name, uri in zip(named(uris), uris, strict=True)
        }
        said("comparing", _OPENING_SHARE)
        return list(held.values()), compare(held, chosen, conventions, **asked)


def allocated(
    uris: list[str], choices: Choices, asked: Mapping[str, Any]
) -> tuple[PerformanceDataSource, Allocation]:
    """Open sources and suggest weights; `asked` are further arguments of `analysis.allocation.allocate`."""

    def spread(data: PerformanceDataSource, chosen: Filter, conventions: Conventions) -> Allocation:
        from fillbook.analysis.allocation import allocate  # noqa: PLC0415  (brings Numba)

        return allocate(data, chosen, conventions, **asked)

    return _asked(uris, choices, "trying every rule", spread)


def named(uris: list[str]) -> list[str]:
    """A name a URI: its stem, with its folder where two have the same.

    >>> named(["a/x.sqlite", "b/x.sqlite", "y.csv"])
    ['a/x', 'b/x', 'y']
    """
    from fillbook.sources.credentials import linkable  # noqa: PLC0415  (brings Polars)

    paths = [Path(linkable(uri)) for uri in uris]
    stems = [path.stem or str(path) for path in paths]
    return [
        str(Path(path.parent.name) / stem) if stems.count(stem) > 1 else stem
        for path, stem in zip(paths, stems, strict=True)
    ]


def _asked(
    uris: list[str], choices: Choices, stage: str,
    answer: Callable[[PerformanceDataSource, Filter, Conventions], _Answer],
) -> tuple[PerformanceDataSource, _Answer]:  # fmt: skip
    """Open sources and ask them, the choices read before any file is."""
    chosen, conventions = choices.filter(), choices.conventions()
    with progress() as said:
        data = _opened(uris, lambda opening, share: said(opening, _OPENING_SHARE * share))
        data = _with_candles(data, choices, said)
        said(stage, _OPENING_SHARE)
        return data, answer(data, chosen, conventions)


def opened(uris: list[str]) -> PerformanceDataSource:
    """Open sources only."""
    with progress() as said:
        return _opened(uris, said)


def _opened(uris: list[str], said: Said) -> PerformanceDataSource:
    from fillbook.performance_data_source import open_data  # noqa: PLC0415  (brings Polars)

    return open_data(*uris, progress=said)


def _with_candles(data: PerformanceDataSource, choices: Choices, said: Said) -> PerformanceDataSource:
    """The data with the candles its markets need, where they were asked for; what is refused is a finding."""
    if not choices.candles:
        return data
    from fillbook.errors import UnreadableSourceError  # noqa: PLC0415
    from fillbook.findings import Finding, Severity  # noqa: PLC0415
    from fillbook.growing import Told  # noqa: PLC0415  (brings Polars)
    from fillbook.sources.base import open_source  # noqa: PLC0415

    raws, refused = [], []
    for uri in candle_addresses(data, choices.candles, interval=choices.candle_interval):
        said("fetching candles", _OPENING_SHARE)
        try:
            raws.append(open_source(uri).read())
        except UnreadableSourceError as error:
            refused.append(Finding(
                "candles", "candles_not_fetched", Severity.WARNING, error.why, source=error.uri,
                effect="no marks, volumes and regimes from these", remedy=error.remedy,
            ))  # fmt: skip
    held = data.append(*raws) if raws else data
    return replace(held, told=Told((*refused, *held.findings), held.lineage))


def candle_addresses(
    data: PerformanceDataSource, via: str, *, interval: str, days_before: float = 1.0
) -> list[str]:
    """Addresses of the candles that the fills ask for.

    Parameters
    ----------
    data
        Opened bots.
    via
        Who gives candles: ``ccxt``, or the address of a Hummingbot API.
    interval
        Their length (``1m``).
    days_before
        How long before the first fill of a market.
    """
    from datetime import timedelta  # noqa: PLC0415

    from fillbook.analysis.candle_needs import candle_needs  # noqa: PLC0415  (brings Polars)
    from fillbook.sources.candle_feeds import candle_address  # noqa: PLC0415

    needs = candle_needs(data.fills, before=timedelta(days=days_before))
    return [
        candle_address(via, connector, pair, start, end, interval=interval)
        for connector, pair, start, end, _ in needs.iter_rows()
    ]


@contextlib.contextmanager
def progress() -> Iterator[Said]:
    """Where to say what is being done and how much of it; shown after a second, on a terminal."""
    if not sys.stderr.isatty():
        yield _unsaid
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("opening", total=1.0)
    timer = threading.Timer(_PATIENCE_S, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda stage, share: bar.update(task, description=stage, completed=share)
    finally:
        timer.cancel()
        timer.join()
        bar.stop()


def _unsaid(_stage: str, _share: float) -> None:
    """Nobody is watching."""
