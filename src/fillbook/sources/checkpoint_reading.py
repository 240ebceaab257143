"""Reading a checkpoint folder: what its sources read, and its tables when they are asked for."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, overload

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.filters import Filter
from fillbook.schema.facts import TableFacts
from fillbook.schema.raw import RawTables, no_unreadable
from fillbook.schema.tables import TABLES, empty
from fillbook.sources.base import checked_path, named_path, scheme_of
from fillbook.sources.checkpoint_form import (
    MANIFEST,
    SOURCE,
    Cleaned,
    Manifest,
    Part,
    Parts,
    StoredSource,
    code_version,
    is_checkpoint,
    read_manifest,
    source_of,
    unsealed,
)

UNREADABLE_CELLS = "unreadable"
_THREADS = 4
_MADE_ANEW = "merge one of its sources again, and its tables are made anew"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CheckpointRaw:
    """What one source of a checkpoint read, as it read it; its address is the file that describes it."""

    opens = "checkpoints of fillbook merge: several sources in one folder, by its path or its name"
    example = "NAME"

    def __init__(self, uri: str) -> None:
        """Remember the address; nothing is read yet."""
        self.uri = uri

    @classmethod
    def matches(cls, path: Path) -> bool:
        """Whether the file describes a source of a checkpoint, or is the manifest of one."""
        return path.name == SOURCE or (path.name == MANIFEST and is_checkpoint(path.parent))

    def read(self) -> RawTables:
        """The tables of the source, and its own address and hash.

        Raises
        ------
        UnreadableSourceError
            The checkpoint is damaged; the text names the file and the way out.
        """
        path = checked_path(self.uri)
        if path.name == MANIFEST:
            read_manifest(path.parent)
            why = "is the manifest of a checkpoint"
            raise UnreadableSourceError(self.uri, why, f"open its folder: {path.parent}")
        return read_source(path.parents[2], source_of(unsealed(path, self.uri)))


def read_source(root: Path, source: StoredSource) -> RawTables:
    """What a source read, from a checkpoint's folder.

    Raises
    ------
    UnreadableSourceError
        A file is not there or damaged.
    """
    way_out = f"merge {source.info.uri} into the checkpoint again"
    tables = {name: read_parts(root, parts, remedy=way_out) for name, parts in source.tables.items()}
    unreadable = tables.pop(UNREADABLE_CELLS, None)
    cells = no_unreadable() if unreadable is None else unreadable
    return RawTables(source.info, tables, cells, source.findings)


def read_parts(
    root: Path, parts: Parts, *, columns: Sequence[str] | None = None, remedy: str = ""
) -> pl.DataFrame:
    """Rows of consecutive files as one frame; each file's bytes are held against its hash.

    Raises
    ------
    UnreadableSourceError
        A file is not there, may not be read, or is damaged.
    """
    if len(parts) == 1:
        return _read_part(root, parts[0], columns, remedy)
    with ThreadPoolExecutor(_THREADS) as pool:
        frames = list(pool.map(lambda part: _read_part(root, part, columns, remedy), parts))
    return pl.concat(frames, rechunk=True)


def _read_part(root: Path, part: Part, columns: Sequence[str] | None, remedy: str) -> pl.DataFrame:
    path = root / part.path
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != part.sha256:
            why = f"is damaged: {part.path} is not what was written"
            raise UnreadableSourceError(str(root), why, remedy)
        return pl.read_parquet(io.BytesIO(content), columns=None if columns is None else list(columns))
    except FileNotFoundError as error:
        why = f"lacks {part.path}: it was merged anew meanwhile, or the file was removed"
        raise UnreadableSourceError(str(root), why, f"open it again, or {remedy}") from error
    except PermissionError as error:
        why = f"may not be read by you ({part.path})"
        raise UnreadableSourceError(str(root), why, f"chmod -R +rX {root}") from error
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UnreadableSourceError(str(root), f"cannot be read: {part.path} ({error})", remedy) from error


class StoredTables(Mapping[str, pl.DataFrame]):
    """The canonical tables of a checkpoint, each read when it is first asked for.

    Parameters
    ----------
    root
        Folder of the checkpoint.
    manifest, cleaned
        What its manifest says, and says of the tables.
    """

    def __init__(self, root: Path, manifest: Manifest, cleaned: Cleaned) -> None:
        self.root, self.cleaned = root, cleaned
        self.fingerprint, self.raws = manifest.fingerprint, StoredRaws(root, manifest)
        self._held: dict[str, pl.DataFrame] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> pl.DataFrame:
        """The whole table; kept once it was read."""
        if name not in TABLES:
            raise KeyError(name)
        with self._lock:
            if name not in self._held:
                self._held[name] = self._read(name, self.cleaned.tables[name])
            return self._held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(TABLES)

    def __len__(self) -> int:
        return len(TABLES)

    def _read(self, name: str, parts: Parts, columns: Sequence[str] | None = None) -> pl.DataFrame:
        if not parts:
            return empty(name) if columns is None else empty(name).select(columns)
        return read_parts(self.root, parts, columns=columns, remedy=_MADE_ANEW)

    def columns(self, name: str, columns: Sequence[str]) -> pl.DataFrame:
        """Some columns of a whole table."""
        if name in self._held:
            return self._held[name].select(columns)
        return self._read(name, self.cleaned.tables[name], columns)

    def within(self, name: str, start: datetime | None, end: datetime | None) -> pl.DataFrame:
        """Rows of a table in a period ``[start, end)``, of which only the files that hold some are read."""
        if name in self._held or (start is None and end is None) or "at" not in empty(name).columns:
            return Filter(start=start, end=end).apply(self[name])
        touched = _touched(self.cleaned.tables[name], start, end)
        return Filter(start=start, end=end).apply(self._read(name, touched))

    def is_there(self) -> bool:
        """Whether the files still lie where they lay: two merges on, or deleted, they do not."""
        folders = {(self.root / part.path).parent for parts in self.cleaned.tables.values() for part in parts}
        return all(folder.is_dir() for folder in folders)

    def facts(self, name: str) -> TableFacts:
        """Rows, times and names of a table, none of which is read."""
        return TableFacts.from_json(self.cleaned.facts[name])

    def filtered(self, chosen: Filter) -> Mapping[str, pl.DataFrame]:
        """Every table with the rows that pass, read when it is asked for."""
        return FilteredTables(self, chosen)

    def frame(self, name: str, start: datetime | None = None, end: datetime | None = None) -> pl.DataFrame:
        """A frame that was worked out when the checkpoint was merged; of one with times, a period alone."""
        parts = self.cleaned.frames[name]
        frame = read_parts(self.root, _touched(parts, start, end) or parts[:1], remedy=_MADE_ANEW)
        return Filter(start=start, end=end).apply(frame)

    @property
    def answers(self) -> Mapping[str, Any]:
        """What was worked out that is no table."""
        return self.cleaned.answers


class FilteredTables(Mapping[str, pl.DataFrame]):
    """The rows of stored tables that pass a filter, each table read when it is asked for."""

    def __init__(self, tables: StoredTables, chosen: Filter) -> None:
        self._tables, self._chosen = tables, chosen

    def __getitem__(self, name: str) -> pl.DataFrame:
        if name not in TABLES:
            raise KeyError(name)
        return self._chosen.apply(self._tables.within(name, self._chosen.start, self._chosen.end))

    def __iter__(self) -> Iterator[str]:
        return iter(TABLES)

    def __len__(self) -> int:
        return len(TABLES)


class StoredRaws(Sequence[RawTables]):
    """What the sources of a checkpoint read, each read when it is asked for and not kept."""

    def __init__(self, root: Path, manifest: Manifest) -> None:
        self._root, self._sources = root, manifest.sources

    @overload
    def __getitem__(self, index: int) -> RawTables: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[RawTables]: ...
    def __getitem__(self, index: int | slice) -> RawTables | Sequence[RawTables]:
        if isinstance(index, slice):
            return [read_source(self._root, source) for source in self._sources[index]]
        return read_source(self._root, self._sources[index])

    def __len__(self) -> int:
        return len(self._sources)


def _touched(parts: Parts, start: datetime | None, end: datetime | None) -> Parts:
    """Files that may hold rows of a period ``[start, end)``."""
    least, most = (None if moment is None else _us(moment) for moment in (start, end))
    return tuple(
        part for part in parts
        if part.last_us is None or part.first_us is None
        or ((least is None or part.last_us >= least) and (most is None or part.first_us < most))
    )  # fmt: skip


def _us(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def stored_tables(uri: str) -> StoredTables | None:
    """Tables of the checkpoint at an address; None where it is none, or another program made its tables.

    Raises
    ------
    UnreadableSourceError
        A checkpoint that is damaged, may not be read, or is from a newer version.
    """
    if scheme_of(uri):
        return None
    root = named_path(uri)
    if not is_checkpoint(root):
        return None
    manifest = read_manifest(root)
    cleaned = manifest.cleaned
    if cleaned is None or cleaned.code != code_version():
        return None
    if not all((root / part.path).is_file() for part in manifest.parts()):
        return None  # reading what the sources read says what is missing
    return StoredTables(root, manifest, cleaned)
