"""Sources that grow while they are looked at: opened once, then kept up to date.

>>> import fillbook
>>> live = fillbook.follow("bots/instances", "mqtt://localhost/hbot")  # doctest: +SKIP
>>> live.refresh().fills  # doctest: +SKIP
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fillbook.errors import UnreadableSourceError
from fillbook.performance_data_source import PerformanceDataSource, open_data

if TYPE_CHECKING:
    from pathlib import Path

    from fillbook.schema.raw import RawTables
    from fillbook.sources.following import BotStatus, Feed, Health


@dataclass(frozen=True, slots=True)
class FeedState:
    """A feed and how it fares; `uri` is without secrets."""

    uri: str
    health: Health


class LiveData:
    """Data of some sources, and what has come since.

    Files that can be followed (databases) are read and then followed; files that cannot (CSV, candles) are
    read once; an address that only speaks (a broker) is listened to from now on. Safe to share among
    threads: a refresh is done by one of them at a time.
    """

    def __init__(self, *uris: str | Path, data: PerformanceDataSource | None = None) -> None:
        """Open the sources; see `follow`. `data` is what was opened of them already, if it was."""
        self._uris = tuple(str(uri) for uri in uris)
        self._lock = threading.Lock()
        self._feeds: list[Feed] = []
        self._data = data
        self._before: PerformanceDataSource | None = None
        self._open(is_read=data is not None)

    @property
    def data(self) -> PerformanceDataSource | None:
        """As of the last refresh; None where nothing has been read or heard yet."""
        return self._data

    def refresh(self, clock: datetime | None = None) -> PerformanceDataSource | None:
        """The data with what has come since; the same object where nothing has.

        The cost is that of what came, so long as it is plainly new (see `PerformanceDataSource.append`).
        A source that fails keeps its last good rows and says so in `feeds`.
        """
        with self._lock:
            now = clock or datetime.now(UTC)
            raws = [_continuing(raw) for feed in self._feeds for raw in feed.poll()]
            if any(feed.health().state == "replaced" for feed in self._feeds):
                self._reopen(raws, now)
            elif raws:
                self._before = self._data  # what the new data is booked from, as long as somebody may ask
                self._data = (
                    self._data.append(*raws, clock=now)
                    if self._data
                    else PerformanceDataSource.from_raws(raws, clock=now)
                )
            return self._data

    def feeds(self) -> tuple[FeedState, ...]:
        """Every feed and how it fares, in the order of the addresses."""
        from fillbook.sources.credentials import without_secrets  # noqa: PLC0415

        return tuple(FeedState(without_secrets(feed.uri), feed.health()) for feed in self._feeds)

    def bots(self) -> Mapping[str, BotStatus]:
        """What each bot last said of itself, of several feeds the one that heard it last."""
        newest: dict[str, BotStatus] = {}
        for feed in self._feeds:
            for bot, status in feed.bots().items():
                if bot not in newest or status.seen_at > newest[bot].seen_at:
                    newest[bot] = status
        return newest

    def close(self) -> None:
        """Stop listening; the data stays."""
        with self._lock:
            self._close()

    def _open(self, *, is_read: bool = False) -> None:
        from fillbook.sources.base import expand, open_source  # noqa: PLC0415

        spoken = [uri for uri in self._uris if only_speaks(uri)]
        files = [uri for uri in self._uris if uri not in spoken]
        if files and not is_read:
            self._data = open_data(*files)
        read = {raw.info.uri: raw for raw in self._data.raws} if self._data else {}
        places = [path for uri in files for path in expand(uri)]
        tables = self._data.tables if self._data else {}
        for uri in [*places, *spoken]:
            try:
                source = open_source(uri)
            except UnreadableSourceError:  # a finding of the data says so
                continue
            follow = getattr(source, "follow", None)
            if follow and uri in spoken:
                self._feeds.append(follow(tables))
            elif follow:
                self._feeds.append(follow(read.get(uri)))

    def _reopen(self, raws: list[RawTables], now: datetime) -> None:
        """Open everything again: a file is another one now. What only a broker said is kept."""
        spoken = {feed.uri for feed in self._feeds if only_speaks(feed.uri)}
        heard = [
            raw for raw in (*(self._data.raws if self._data else ()), *raws) if only_speaks(raw.info.uri)
        ]
        before, feeds = self._data, self._feeds
        self._feeds = [feed for feed in feeds if feed.uri in spoken]
        for feed in feeds:
            if feed.uri not in spoken:
                feed.close()
        try:
            self._open()
        except UnreadableSourceError:
            self._data = before  # the last good data
            return
        if heard and self._data:
            self._data = self._data.append(*heard, clock=now)

    def _close(self) -> None:
        for feed in self._feeds:
            feed.close()
        self._feeds = []


def follow(*uris: str | Path) -> LiveData:
    """Open sources and follow those that grow.

    Parameters
    ----------
    uris
        Databases, folders and other files, as for `open_data`, and addresses of brokers.

    Raises
    ------
    UnreadableSourceError
        Not one of the files could be read, or an address cannot be followed.
    """
    return LiveData(*uris)


def only_speaks(uri: str) -> bool:
    """Whether there is nothing to read at an address before it speaks: a broker.

    Raises
    ------
    UnreadableSourceError
        No source reads the scheme.
    """
    from fillbook.sources.base import scheme_of, source_class  # noqa: PLC0415

    scheme = scheme_of(uri)
    return bool(scheme) and bool(getattr(source_class(scheme, uri), "only_speaks", False))


def _continuing(raw: RawTables) -> RawTables:
    return raw if raw.continues else replace(raw, info=replace(raw.info, sha256=""), continues=True)
