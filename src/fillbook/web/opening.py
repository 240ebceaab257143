"""Sources opened beside the page, so that it can show how far it is, and stop."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from fillbook.errors import FillbookError
from fillbook.live_data import only_speaks
from fillbook.performance_data_source import PerformanceDataSource, Progress, open_data
from fillbook.sources.base import expand, scheme_of

PATIENCE_S = 1.0  # below it nobody needs a progress bar
_POLL_S = 0.4
_MOST_HELD = 3
Stamp = tuple[tuple[str, int, int], ...]


class CancelledError(FillbookError):
    """The reader asked to stop."""


class Opening:
    """One set of sources being opened, or opened."""

    def __init__(self, uris: tuple[str, ...]) -> None:
        self.uris = uris
        self.stage, self.share = "looking for files", 0.0
        self._stopped = threading.Event()
        pool = ThreadPoolExecutor(1, thread_name_prefix="opening")
        self._future: Future[PerformanceDataSource] = pool.submit(_read, uris, self._said)
        pool.shutdown(wait=False)

    def _said(self, stage: str, share: float) -> None:
        self.stage, self.share = stage, share
        if self._stopped.is_set():
            raise CancelledError("opening was cancelled")

    def cancel(self) -> None:
        """Stop at the next step."""
        self._stopped.set()

    def is_done(self, patience_s: float = 0.0) -> bool:
        """Whether there is an answer, after waiting for one."""
        try:
            self._future.exception(patience_s)
        except TimeoutError:
            return False
        return True

    @property
    def error(self) -> FillbookError | None:
        """Why it could not be opened; None while it is open or being opened."""
        found = self._future.exception() if self._future.done() else None
        if found is None or isinstance(found, FillbookError):
            return found
        raise found

    def data(self) -> PerformanceDataSource:
        """What was opened.

        Raises
        ------
        FillbookError
            It could not be read, or was cancelled.
        """
        return self._future.result()


def _read(uris: tuple[str, ...], said: Progress) -> PerformanceDataSource:
    """What there is to read; a broker has nothing before it speaks, and is followed on the page Live."""
    files = [uri for uri in uris if not only_speaks(uri)]
    if not files:
        return PerformanceDataSource.from_raws((), clock=datetime.now(UTC))
    return open_data(*files, progress=said)


class Shelf:
    """Openings of all sessions, the newest last; those of unchanged files are shared."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[tuple[str, ...], Stamp, int], Opening] = OrderedDict()

    def of(self, uris: tuple[str, ...]) -> Opening:
        """Opening of these files as they are now; a failed one is tried anew."""
        key = (uris, stamp_of(uris), _minute_of(uris))
        with self._lock:
            found = self._held.pop(key, None)
            if found is None or found.error is not None:
                found = Opening(uris)
            self._held[key] = found
            while len(self._held) > _MOST_HELD:
                self._held.popitem(last=False)
        return found


@st.cache_resource(show_spinner=False)
def shelf() -> Shelf:
    """The one shelf of the server."""
    return Shelf()


def stamp_of(uris: tuple[str, ...]) -> Stamp:
    """Path, size and time of every file below `uris`, and of what a running bot writes beside it.

    What is not there has no stamp, so a file that goes away changes it.
    """
    files: list[Path] = []
    for uri in filter(lambda uri: not scheme_of(uri), uris):  # a server is asked when it is opened
        try:
            files += map(Path, expand(uri))
        except FillbookError:
            files.append(Path(uri))  # opening says why
    beside = [file.with_name(file.name + "-wal") for file in files]
    stats = [(str(file), file.stat()) for file in (*files, *beside) if file.is_file()]
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def _minute_of(uris: tuple[str, ...]) -> int:
    """The minute, where a server is asked: what it said before then is not what it says now."""
    return int(time.time() // 60) if any(map(scheme_of, uris)) else 0


@st.fragment(run_every=_POLL_S)
def show(job: Opening) -> bool:
    """How far an opening is; True when the reader stops it. Runs the page anew when it is done."""
    if job.is_done():
        st.rerun()
    name = Path(job.stage.removeprefix("reading ")).name if job.stage.startswith("reading ") else job.stage
    st.progress(min(job.share, 1.0), text=f"{job.share:.0%}")
    st.text(f"Reading {name}" if name != job.stage else name.capitalize())
    return st.button("Cancel", icon=":material/close:", on_click=job.cancel)
