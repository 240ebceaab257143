"""Opening sources for a command, with a progress bar where it takes longer than a second."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fillbook.analysis.execution import Execution
    from fillbook.analysis.overview import Overview
    from fillbook.cli.choices import Choices
    from fillbook.performance_data_source import PerformanceDataSource

_PATIENCE_S = 1.0
_OPENING_SHARE = 0.8

Said = Callable[[str, float], None]


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
    chosen, conventions = choices.filter(), choices.conventions()
    with progress() as said:
        data = _opened(uris, lambda stage, share: said(stage, _OPENING_SHARE * share))
        said("booking", _OPENING_SHARE)
        from fillbook.analysis.overview import overview  # noqa: PLC0415  (brings Numba)

        return data, overview(data, chosen, conventions, metrics=keys)


def executed(uris: list[str], choices: Choices) -> tuple[PerformanceDataSource, Execution]:
    """Open sources and answer how their orders were executed."""
    chosen, conventions = choices.filter(), choices.conventions()
    with progress() as said:
        data = _opened(uris, lambda stage, share: said(stage, _OPENING_SHARE * share))
        said("looking at every order", _OPENING_SHARE)
        from fillbook.analysis.execution import execution  # noqa: PLC0415  (brings Numba)

        return data, execution(data, chosen, conventions)


def opened(uris: list[str]) -> PerformanceDataSource:
    """Open sources only."""
    with progress() as said:
        return _opened(uris, said)


def _opened(uris: list[str], said: Said) -> PerformanceDataSource:
    from fillbook.performance_data_source import open_data  # noqa: PLC0415  (brings Polars)

    return open_data(*uris, progress=said)


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
