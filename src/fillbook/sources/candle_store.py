"""Candles that have closed, kept on disk: what was asked for once is not asked for again.

A file a month of one market and interval, below ``FILLBOOK_CACHE`` or the user's own cache folder. Beside
the candles it says which stretches were asked for, since a market without a trade has no candle.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import polars as pl

from fillbook.errors import MissingExtraError, UnreadableSourceError
from fillbook.findings import Finding, Severity
from fillbook.units import counted

US = 1_000_000
GRACE_US = 60 * US  # a candle is closed this long after its end, should clocks differ
SETTLED_US = 24 * 3600 * US  # what an exchange does not have a day later it will never have
PER_REQUEST = 1_000  # candles
_WAIT_S = 900.0  # for another program that fetches the same month
_VERSION = 1
_KEY = "fillbook"
SCHEMA = {
    "at": pl.Int64(), "open_quote": pl.Float64(), "high_quote": pl.Float64(), "low_quote": pl.Float64(),
    "close_quote": pl.Float64(), "volume_base": pl.Float64(), "volume_quote": pl.Float64(),
}  # fmt: skip

Stretch = tuple[int, int]
Fetch = Callable[[int, int], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Market:
    """Whose candles: from whom they come, venue, pair, and their length in seconds."""

    provider: str
    connector: str
    pair: str
    interval_s: int


@dataclass(slots=True)
class Kept:
    """Candles of a stretch, by open time.

    Parameters
    ----------
    rows
        Columns of `SCHEMA`; `at` is in microseconds since 1970.
    n_fetched
        Candles among them that had to be asked for.
    findings
        What did not go as it should.
    """

    rows: pl.DataFrame
    n_fetched: int = 0
    findings: list[Finding] = field(default_factory=list)


@dataclass(slots=True)
class _Month:
    """What a file holds, or will."""

    rows: pl.DataFrame
    covered: list[Stretch]
    is_changed: bool = False

    def add(self, rows: pl.DataFrame, stretch: Stretch) -> None:
        self.rows = pl.concat([self.rows, rows]).unique("at", keep="last").sort("at")
        self.covered = united([*self.covered, stretch])
        self.is_changed = True


def cache_folder() -> Path:
    """Folder of what may be fetched again: ``FILLBOOK_CACHE``, else below the user's own cache folder."""
    if named := os.environ.get("FILLBOOK_CACHE"):
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "fillbook" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "fillbook"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "fillbook"


def candles_of(market: Market, start_us: int, end_us: int, fetch: Fetch, *, uri: str, now_us: int) -> Kept:
    """Closed candles of a stretch, those that are not kept yet asked for and kept.

    Parameters
    ----------
    market
        Whose.
    start_us, end_us
        Half-open stretch of open times, microseconds since 1970.
    fetch
        Asks for a half-open stretch of at most `PER_REQUEST` candles; columns of `SCHEMA`.
    uri
        Where they come from, for findings.
    now_us
        "Now": what has not closed is not there yet.

    Raises
    ------
    UnreadableSourceError
        Nothing could be fetched and nothing is kept.
    """
    step = market.interval_s * US
    closed = (now_us - GRACE_US) // step * step
    start, end = start_us // step * step, min(-(-end_us // step) * step, closed)
    found = Kept(pl.DataFrame(schema=SCHEMA))
    failure: UnreadableSourceError | None = None
    for first, last in _months(start, end):
        path = _path(market, first)
        part = max(first, start), min(last, end)
        with _opened(path, uri, found) as month:
            missing = left_of(part, month.covered)
            try:
                for stretch in missing if failure is None else ():
                    _fetch(month, stretch, step, fetch, now_us, found, uri)
            except UnreadableSourceError as error:
                failure = error
            found.rows = found.rows.vstack(month.rows.filter(pl.col("at").is_between(*part, closed="left")))
    if failure is not None:
        if found.rows.is_empty():
            raise failure
        found.findings.append(_unfinished(uri, failure))
    return found


def _fetch(
    month: _Month, stretch: Stretch, step: int, fetch: Fetch, now_us: int, found: Kept, uri: str
) -> None:
    """Ask for a stretch piece by piece and put it into `month`."""
    start, end = stretch
    while start < end:
        last = min(start + PER_REQUEST * step, end)
        rows = _whole(fetch, start, last, step, uri)
        until = int(rows["at"][-1]) + step if rows.height else start
        sure = max(until, min(last, (now_us - SETTLED_US) // step * step))
        found.n_fetched += rows.height
        month.add(rows, (start, sure))
        start = last


def _whole(fetch: Fetch, start: int, end: int, step: int, uri: str) -> pl.DataFrame:
    """Candles of a stretch; where an answer leaves out its beginning or end, that is asked for by itself."""
    rows = _checked(fetch(start, end), start, end, step, uri)
    while rows.height and int(rows["at"][0]) > start:
        more = _checked(fetch(start, int(rows["at"][0])), start, int(rows["at"][0]), step, uri)
        if more.is_empty():
            break
        rows = more.vstack(rows)
    while rows.height and int(rows["at"][-1]) + step < end:
        after = int(rows["at"][-1]) + step
        more = _checked(fetch(after, end), after, end, step, uri)
        if more.is_empty():
            break
        rows = rows.vstack(more)
    return rows


def _checked(rows: pl.DataFrame, start: int, end: int, step: int, uri: str) -> pl.DataFrame:
    """Those of the candles that were asked for, each once, by time.

    Raises
    ------
    UnreadableSourceError
        They do not begin where candles of that interval do.
    """
    known = rows.select(*SCHEMA).cast(SCHEMA).filter(pl.col("at").is_between(start, end, closed="left"))  # type: ignore[arg-type]
    if (known["at"] % step != 0).any():
        raise UnreadableSourceError(
            uri, f"answers with candles of another interval than {step // US} s", "check the interval"
        )
    return known.unique("at", keep="last").sort("at")


def united(stretches: list[Stretch]) -> list[Stretch]:
    """The same time as stretches that do not touch.

    >>> united([(5, 8), (1, 3), (3, 4), (7, 9), (2, 2)])
    [(1, 4), (5, 9)]
    """
    found: list[Stretch] = []
    for start, end in sorted(stretch for stretch in stretches if stretch[0] < stretch[1]):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def left_of(stretch: Stretch, covered: list[Stretch]) -> list[Stretch]:
    """What of a stretch is not covered.

    >>> left_of((0, 10), [(2, 4), (6, 12)])
    [(0, 2), (4, 6)]
    """
    start, end = stretch
    found = []
    for first, last in united(covered):
        if first > start:
            found.append((start, min(first, end)))
        start = max(start, last)
        if start >= end:
            break
    return united([*found, (start, end)])


def _months(start: int, end: int) -> Iterator[Stretch]:
    """Calendar months that a stretch touches."""
    while start < end:
        at = datetime.fromtimestamp(start / US, UTC)
        first = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
        bounds = int(first.timestamp()) * US, int(following.timestamp()) * US
        yield bounds
        start = bounds[1]


def _path(market: Market, first_us: int) -> Path:
    """File of a month of a market."""
    names = (market.provider, market.connector, market.pair, f"{market.interval_s}s")
    plain = [quote(name, safe="").replace(".", "%2E") for name in names]  # no name leads out of the folder
    month = datetime.fromtimestamp(first_us / US, UTC).strftime("%Y-%m")
    return cache_folder().joinpath("candles", *plain, f"{month}.parquet")


@contextmanager
def _opened(path: Path, uri: str, found: Kept) -> Iterator[_Month]:
    """What is kept of a month, alone with it; what was added is kept when this ends, however it ends."""
    try:
        from filelock import FileLock, Timeout  # noqa: PLC0415  (loads when used)
    except ImportError as error:
        raise MissingExtraError("api", "keeping candles") from error
    lock = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{path}.lock", timeout=_WAIT_S)
        lock.acquire()
    except Timeout as error:
        raise UnreadableSourceError(uri, "is being fetched by another program", "try again") from error
    except OSError as error:
        _say(found, _not_kept(uri, path, error))
        yield _Month(pl.DataFrame(schema=SCHEMA), [])
        return
    try:
        for left in path.parent.glob(f".{path.name}.*"):  # of a program that was killed as it wrote
            left.unlink(missing_ok=True)
        month = _read(path, uri, found)
        try:
            yield month
        finally:
            if month.is_changed:
                _write(path, month, uri, found)
    finally:
        lock.release()


def _read(path: Path, uri: str, found: Kept) -> _Month:
    """What a file holds; one that is damaged holds nothing."""
    if path.exists():
        try:
            said = json.loads(pl.read_parquet_metadata(path)[_KEY])
            rows = pl.read_parquet(path).select(*SCHEMA)
            covered = [(int(a), int(b)) for a, b in said["covered"]]
            if said["version"] == _VERSION and said["sha256"] == _digest(rows, covered):
                return _Month(rows, united(covered))
        except (
            pl.exceptions.PolarsError,
            pl.exceptions.PanicException,
            OSError,
            ValueError,
            KeyError,
            TypeError,
        ):
            pass
        _say(found, _damaged(uri, path))
    return _Month(pl.DataFrame(schema=SCHEMA), [])


def _write(path: Path, month: _Month, uri: str, found: Kept) -> None:
    """Write beside and rename, so that a reader sees the old file or the new one."""
    said = {"version": _VERSION, "covered": month.covered, "sha256": _digest(month.rows, month.covered)}
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        month.rows.write_parquet(beside, metadata={_KEY: json.dumps(said)})
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        _say(found, _not_kept(uri, path, error))


def _digest(rows: pl.DataFrame, covered: list[Stretch]) -> str:
    found = hashlib.sha256(repr(covered).encode())
    for column in rows.get_columns():
        found.update(column.to_numpy().tobytes())
        found.update(column.is_null().to_numpy().tobytes())
    return found.hexdigest()


def _say(found: Kept, finding: Finding) -> None:
    if finding not in found.findings:
        found.findings.append(finding)


def _damaged(uri: str, path: Path) -> Finding:
    return Finding(
        "candles", "cache_damaged", Severity.INFO,
        f"the kept file {path} was damaged and is fetched anew", source=uri,
        effect="none: the candles are as the source states them",
    )  # fmt: skip


def _not_kept(uri: str, path: Path, error: OSError) -> Finding:
    return Finding(
        "candles", "cache_not_written", Severity.WARNING,
        f"candles cannot be kept in {path.parent} ({error.strerror})", source=uri,
        effect="none on numbers; they are asked for again each time",
        remedy="FILLBOOK_CACHE names a folder that can be written",
    )  # fmt: skip


def _unfinished(uri: str, error: UnreadableSourceError) -> Finding:
    return Finding(
        "candles", "candles_unfinished", Severity.ERROR,
        f"only what is kept of these candles is there: the source {error.why}", source=uri,
        effect="marks, volumes and regimes after that have no price", remedy=error.remedy,
    )  # fmt: skip


def holes(rows: pl.DataFrame, market: Market, uri: str) -> list[Finding]:
    """Finding of candles that the venue does not have between the first and the last."""
    if rows.is_empty():
        return []
    span = (int(rows["at"][-1]) - int(rows["at"][0])) // (market.interval_s * US) + 1
    if span == rows.height:
        return []
    n = span - rows.height
    return [Finding(
        "candles", "candles_missing", Severity.INFO,
        f"{counted(n, 'candle')} not there, of {span:,} between the first and the last",
        n_rows=n, source=uri, effect="no price of that time; usually nobody traded",
    )]  # fmt: skip
