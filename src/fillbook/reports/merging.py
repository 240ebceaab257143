"""Several sources merged into one checkpoint: what is new is read, the rest is known.

A merge ends with one step of the file system (`sources.checkpoint_writing.commit`); until then the checkpoint
is what it was. What it then holds does not depend on the order or the number of merges that led to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from fillbook.analysis.kept import kept_answers
from fillbook.analysis.overview import overview
from fillbook.analysis.parts import Tag, kept_name, parts
from fillbook.analysis.view import view_of
from fillbook.errors import FillbookError, UnreadableSourceError
from fillbook.performance_data_source import PerformanceDataSource, Progress
from fillbook.schema.facts import TableFacts
from fillbook.schema.raw import RawTables, SourceInfo
from fillbook.schema.tables import TABLES
from fillbook.sources.base import expand, open_source, scheme_of, sha256_of, watched
from fillbook.sources.checkpoint_form import (
    Absorbed,
    Cleaned,
    Manifest,
    StoredSource,
    code_version,
    plain_form,
)
from fillbook.sources.checkpoint_reading import read_source
from fillbook.sources.checkpoint_snapshots import heads_of, is_snapshot
from fillbook.sources.checkpoint_writing import (
    commit,
    held_manifest,
    is_whole,
    locked,
    parts_are_whole,
    sweep,
    tables_folder,
    write_parts,
    write_source,
)
from fillbook.sources.credentials import without_secrets

_PARTS: tuple[tuple[Tag, ...], ...] = (  # what the first page shows beside the overview
    ("bot", "controller_id", "connector", "pair"), ("bot", "controller_id"), ("pair",), ("connector",),
    ("close_type",),
)  # fmt: skip
_READING, _CLEANING, _ANSWERING = 0.6, 0.75, 0.9


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that could not be read, and so is not in the checkpoint."""

    uri: str
    why: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did.

    Parameters
    ----------
    root
        Folder of the checkpoint.
    manifest
        What it holds now.
    added
        Sources that were read and are kept.
    absorbed
        Older snapshots that were found: all their rows stand in a source that is kept.
    known
        Addresses whose content was in the checkpoint already.
    refused
        What could not be read.
    is_changed
        Whether anything was written.
    """

    root: Path
    manifest: Manifest
    added: tuple[SourceInfo, ...]
    absorbed: tuple[Absorbed, ...]
    known: tuple[str, ...]
    refused: tuple[Refused, ...]
    is_changed: bool


@dataclass(frozen=True, slots=True)
class _Entry:
    """A source of the checkpoint to be: written already, or just read."""

    info: SourceInfo
    heads: tuple[str, ...]
    read: Callable[[], RawTables]
    stored: StoredSource | None = None


@dataclass(slots=True)
class _Work:
    """A merge on its way."""

    root: Path
    entries: list[_Entry]
    absorbed: list[Absorbed]
    added: list[SourceInfo] = field(default_factory=list)
    newly_absorbed: list[Absorbed] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    refused: list[UnreadableSourceError] = field(default_factory=list)


def merge(
    uris: Iterable[str | Path], root: Path, *, clock: datetime | None = None,
    progress: Progress | None = None,
) -> Merged:  # fmt: skip
    """Merge sources into the checkpoint in a folder; unreadable ones are told, the others merged.

    Parameters
    ----------
    uris
        What `open_data` opens, checkpoints among them.
    root
        Folder of the checkpoint, there or not (`checkpoint_form.folder_of` finds that of a name).
    clock
        "Now", UTC; the computer's if left out.
    progress
        Called with what is being done, and how much of the whole is done.

    Raises
    ------
    BadRequestError
        Another merge is writing to it, the folder holds other things, or the disk refuses.
    UnreadableSourceError
        Not one file could be read and nothing was known, or the checkpoint itself is damaged or newer.
    """
    said, now = progress or _silent, clock or datetime.now(UTC)
    with locked(root):
        held = held_manifest(root)
        sweep(root, held)
        work = _Work(root, _entries(root, held), list(held.absorbed) if held else [])
        _read_new(work, [str(uri) for uri in uris], said)
        if work.refused and not (work.added or work.known or work.newly_absorbed):
            raise work.refused[0] if len(work.refused) == 1 else _nothing_readable(work.refused)
        cleaned = _still_good(root, held, work)
        if held is not None and cleaned is not None and not work.newly_absorbed:
            return _told(work, held, is_changed=False)
        manifest = _written(work, held, cleaned, now, said)
        commit(root, manifest)
        said("merged", 1.0)
        return _told(work, manifest, is_changed=True)


def _silent(_stage: str, _share: float) -> None:
    """Report progress to nobody."""


def _nothing_readable(refused: list[UnreadableSourceError]) -> UnreadableSourceError:
    named = ", ".join(error.uri for error in refused)
    return UnreadableSourceError(
        named, f"no file here could be read, first {refused[0]}", "nothing was merged"
    )


def _told(work: _Work, manifest: Manifest, *, is_changed: bool) -> Merged:
    refused = tuple(Refused(error.uri, error.why, error.remedy) for error in work.refused)
    return Merged(
        work.root, manifest, tuple(work.added), tuple(work.newly_absorbed), tuple(work.known), refused,
        is_changed,
    )  # fmt: skip


def _entries(root: Path, held: Manifest | None) -> list[_Entry]:
    return [
        _Entry(source.info, source.heads, lambda source=source: read_source(root, source), source)  # type: ignore[misc]
        for source in (held.sources if held else ())
    ]


def _read_new(work: _Work, uris: list[str], said: Progress) -> None:
    """Read what the checkpoint does not know yet; what cannot be read is noted."""
    paths: list[str] = []
    for uri in uris:
        try:
            paths += (path for path in expand(uri) if path not in paths)
        except UnreadableSourceError as error:
            work.refused.append(error)
    for number, path in enumerate(paths):
        stage, share = f"reading {without_secrets(path)}", _READING / len(paths)

        def heard(done: float, stage: str = stage, before: float = share * number) -> None:
            said(stage, before + _READING / len(paths) * done)

        heard(0.0)
        try:
            if not _is_known(work, path, None if scheme_of(path) else _hash_of(path)):
                with watched(heard):
                    raw = open_source(path).read()
                if not _is_known(work, path, raw.info.sha256):
                    _take(work, raw)
        except UnreadableSourceError as error:
            work.refused.append(error)


def _hash_of(path: str) -> str | None:
    """Hash of a file, None where it cannot be read: opening it says why."""
    try:
        return sha256_of(Path(path))
    except OSError:
        return None


def _is_known(work: _Work, path: str, sha256: str | None) -> bool:
    """Whether content with this hash is in the checkpoint, whole; a damaged copy is taken out, to be read."""
    entry = next((entry for entry in work.entries if sha256 and entry.info.sha256 == sha256), None)
    if entry is not None and entry.stored is not None and not is_whole(work.root, entry.stored):
        work.entries.remove(entry)
        return False
    if entry is None and sha256 not in {gone.sha256 for gone in work.absorbed}:
        return False
    work.known.append(without_secrets(path))
    return True


def _take(work: _Work, raw: RawTables) -> None:
    """Add what a source read, unless it is an older snapshot of what is there; drop those older than it."""
    entry = _Entry(raw.info, heads_of(raw), lambda: raw)
    relatives = [other for other in work.entries if set(other.heads) & set(entry.heads)]
    for other in relatives:
        if is_snapshot(raw, other.read()):
            _absorb(work, raw.info, other.info)
            return
    for other in relatives:
        if is_snapshot(other.read(), raw):
            work.entries.remove(other)
            _absorb(work, other.info, raw.info)
    work.entries.append(entry)
    work.added.append(raw.info)


def _absorb(work: _Work, older: SourceInfo, newer: SourceInfo) -> None:
    """Note that a snapshot stands in a newer one, and with it those that stood in it."""
    work.added = [info for info in work.added if info is not older]
    for noted in (work.absorbed, work.newly_absorbed):
        noted[:] = [replace(gone, into=newer.sha256) if gone.into == older.sha256 else gone for gone in noted]
        noted.append(Absorbed(older.sha256, older.uri, newer.sha256))


def _still_good(root: Path, held: Manifest | None, work: _Work) -> Cleaned | None:
    """The tables as they are, where the same code made them of the same sources and they are whole."""
    if held is None or held.cleaned is None or held.cleaned.code != code_version():
        return None
    if {id(entry.stored) for entry in work.entries} != {id(source) for source in held.sources}:
        return None
    return held.cleaned if parts_are_whole(root, held.cleaned) else None


def _written(
    work: _Work, held: Manifest | None, cleaned: Cleaned | None, now: datetime, said: Progress
) -> Manifest:
    """Everything written that the new manifest names; only committing it makes it the checkpoint."""
    from fillbook import __version__  # noqa: PLC0415

    at = now.isoformat(timespec="seconds")
    made = (held.created_by, held.created_at) if held else (f"fillbook {__version__}", at)
    stored, raws = [], []
    for entry in sorted(work.entries, key=lambda entry: (entry.info.uri, entry.info.sha256)):
        if cleaned is None:
            raws.append(entry.read())
        stored.append(entry.stored or write_source(work.root, entry.read()))
    if cleaned is None:
        said("cleaning", _READING)
        data = PerformanceDataSource.from_raws(raws, clock=now)
        said("booking every fill", _CLEANING)
        cleaned = cleaned_tables(work.root, data, said)
    return Manifest(*made, at, tuple(stored), tuple(sorted(work.absorbed, key=lambda a: a.uri)), cleaned)


def cleaned_tables(root: Path, data: PerformanceDataSource, said: Progress) -> Cleaned:
    """The tables of the data and what is worked out from them, written."""
    frames, answers = _answered(data)
    said("writing", _ANSWERING)
    folder = tables_folder(root, data.fingerprint)
    return Cleaned(
        code=code_version(), clock=data.clock.isoformat(),
        tables={name: write_parts(root, folder, name, data.tables[name]) for name in TABLES},
        frames={name: write_parts(root, folder, name, rows) for name, rows in frames.items()},
        findings=data.findings, lineage=plain_form(data.lineage),
        facts={name: TableFacts.of(data.tables[name]).as_json() for name in TABLES}, answers=answers,
    )  # fmt: skip


def _answered(data: PerformanceDataSource) -> tuple[dict[str, pl.DataFrame], dict[str, object]]:
    """What is worked out once; nothing where the usual question has no answer."""
    try:
        answer = overview(data)
        frames, answers = kept_answers(data, answer, view_of(data))
    except FillbookError:
        return {}, {}
    return frames | {kept_name(by): parts(data, answer, by).table for by in _PARTS}, answers
