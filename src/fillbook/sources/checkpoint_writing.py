"""Writing a checkpoint folder so that a crash at any moment leaves the old one whole.

New files get new names, are flushed to the disk, and belong to the checkpoint only once the manifest that
names them took the place of the old one, which is one step of the file system. What a crash left behind, and
what the last merge replaced, is swept away by the next.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from fillbook.errors import BadRequestError, UnreadableSourceError
from fillbook.schema.raw import RawTables
from fillbook.sources.checkpoint_form import (
    LOCK,
    MANIFEST,
    RAW,
    SOURCE,
    TABLES_FOLDER,
    Cleaned,
    Manifest,
    Part,
    Parts,
    StoredSource,
    checkpoints_home,
    is_checkpoint,
    plain_form,
    read_manifest,
    sealed,
    unsealed,
)
from fillbook.sources.checkpoint_reading import UNREADABLE_CELLS
from fillbook.sources.checkpoint_snapshots import heads_of

PART_ROWS = 65_536  # a day of a busy maker
_OURS = frozenset({LOCK, MANIFEST, f"{MANIFEST}.new", RAW, TABLES_FOLDER})


@dataclass(frozen=True, slots=True)
class Damage:
    """A file that is not what the manifest says."""

    path: str
    why: str


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Be the only one who writes to a checkpoint; its folder is made where it is not there.

    Raises
    ------
    BadRequestError
        Another merge is writing, the folder holds other things, or it may not be written to.
    """
    with _said(root):
        if root.exists() and not root.is_dir():
            raise BadRequestError(f"{root} is a file; a checkpoint is a folder: give another name")
        root.mkdir(parents=True, exist_ok=True)
        strangers = sorted({path.name for path in root.iterdir()} - _OURS)
        if strangers and not is_checkpoint(root):
            raise BadRequestError(f"{root} holds other things ({strangers[0]} …); give another name")
        handle = os.open(root / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if not _is_first(handle, root / LOCK):
            raise BadRequestError(f"another merge is writing to {root}; wait until it ends")
        try:
            yield
        finally:
            _leave_nothing(root)
    finally:
        os.close(handle)  # and with it the lock, also when the process is killed


def _leave_nothing(root: Path) -> None:
    """Remove a folder in which nothing was written after all."""
    with contextlib.suppress(OSError):
        if [path.name for path in root.iterdir()] == [LOCK]:
            (root / LOCK).unlink()
            root.rmdir()


def _is_first(handle: int, path: Path) -> bool:
    """Whether the lock was free, and is still the one that others would take."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(handle).st_ino == path.stat().st_ino
    except (BlockingIOError, FileNotFoundError):
        return False


@contextlib.contextmanager
def _said(root: Path) -> Iterator[None]:
    """Turn what the file system refuses into one clear error."""
    try:
        yield
    except PermissionError as error:
        raise BadRequestError(f"{root} may not be written to by you: chmod -R u+rwX {root}") from error
    except (OSError, pl.exceptions.PolarsError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise BadRequestError(f"{root} cannot be written ({why}); what it held before is whole") from error


def held_manifest(root: Path) -> Manifest | None:
    """Manifest of a checkpoint; None where no merge into it has ended yet.

    Raises
    ------
    UnreadableSourceError
        It is damaged, or from a newer version.
    """
    return read_manifest(root) if (root / MANIFEST).exists() else None


def sweep(root: Path, manifest: Manifest | None) -> None:
    """Remove what the manifest does not name: the rest of a crash, and of the merge before the last.

    Only for the holder of the lock.
    """
    kept = set() if manifest is None else manifest.folders()
    with _said(root):
        for folder in (RAW, TABLES_FOLDER):
            for path in (root / folder).glob("*"):
                if f"{folder}/{path.name}" not in kept:
                    shutil.rmtree(path)
        (root / f"{MANIFEST}.new").unlink(missing_ok=True)


def write_source(root: Path, raw: RawTables) -> StoredSource:
    """Write what a source read; it belongs to the checkpoint once a manifest names it."""
    folder = _free_folder(root, RAW, raw.info.sha256 or hashlib.sha256(raw.info.uri.encode()).hexdigest())
    tables = {name: write_parts(root, folder, name, rows) for name, rows in raw.tables.items()}
    if raw.unreadable.height:
        tables[UNREADABLE_CELLS] = write_parts(root, folder, UNREADABLE_CELLS, raw.unreadable)
    source = StoredSource(raw.info, folder, tables, raw.findings, heads_of(raw))
    with _said(root):
        _write(root / folder / SOURCE, sealed(plain_form(source)).encode())
        _flush_folder(root / folder)
    return source


def tables_folder(root: Path, key: str) -> str:
    """A new folder for cleaned tables, below the checkpoint's."""
    return _free_folder(root, TABLES_FOLDER, key)


def _free_folder(root: Path, below: str, key: str) -> str:
    """A new folder named after a hash; the name is longer where a folder of it is still in use."""
    with _said(root):
        for length in range(16, 64):
            folder = root / below / key[:length]
            if not folder.exists():
                folder.mkdir(parents=True)
                return f"{below}/{folder.name}"
    raise BadRequestError(f"{root / below} is full of {key[:16]}…; remove the folder")


def write_parts(root: Path, folder: str, name: str, rows: pl.DataFrame) -> Parts:
    """Write a frame as Parquet files of at most `PART_ROWS` rows; one without rows keeps its columns."""
    slices = [rows] if rows.is_empty() else rows.iter_slices(PART_ROWS)
    return tuple(_write_part(root, f"{folder}/{name}-{i:04d}.parquet", part) for i, part in enumerate(slices))


def _write_part(root: Path, path: str, rows: pl.DataFrame) -> Part:
    buffer = io.BytesIO()
    rows.write_parquet(buffer, compression="zstd", compression_level=1)
    content = buffer.getvalue()
    with _said(root):
        _write(root / path, content)
    times = rows["at"].dt.timestamp("us") if rows.schema.get("at") == pl.Datetime("us", "UTC") else None
    first, last = (None, None) if times is None else (times.min(), times.max())
    return Part(
        path, rows.height, len(content), hashlib.sha256(content).hexdigest(),
        None if first is None else int(str(first)), None if last is None else int(str(last)),
    )  # fmt: skip


def commit(root: Path, manifest: Manifest) -> None:
    """Make this manifest the checkpoint's, in one step."""
    beside = root / f"{MANIFEST}.new"
    with _said(root):
        for folder in sorted({*manifest.folders(), RAW, TABLES_FOLDER}):
            if (root / folder).is_dir():
                _flush_folder(root / folder)
        _write(beside, sealed(plain_form(manifest)).encode())
        beside.replace(root / MANIFEST)
        _flush_folder(root)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def verified(root: Path) -> tuple[Manifest, tuple[Damage, ...]]:
    """Manifest of a checkpoint, and every file of it that is not what was written.

    Raises
    ------
    UnreadableSourceError
        The manifest itself cannot be read.
    """
    manifest = read_manifest(root)
    found = [damage for part in manifest.parts() if (damage := _damage(root, part))]
    for source in manifest.sources:
        try:
            whole = unsealed(root / source.folder / SOURCE, str(root)) == plain_form(source)
            why = "" if whole else "is not what the manifest says"
        except UnreadableSourceError as error:
            why = error.why
        if why:
            found.append(Damage(f"{source.folder}/{SOURCE}", why))
    return manifest, tuple(found)


def _damage(root: Path, part: Part) -> Damage | None:
    try:
        content = (root / part.path).read_bytes()
    except FileNotFoundError:
        return Damage(part.path, "is not there")
    except OSError as error:
        return Damage(part.path, f"cannot be read ({error.strerror})")
    if hashlib.sha256(content).hexdigest() == part.sha256:
        return None
    return Damage(
        part.path, f"is damaged: {len(content):,} bytes that are not the {part.size_bytes:,} written"
    )


def is_whole(root: Path, source: StoredSource) -> bool:
    """Whether every file of a source is what was written."""
    return not any(_damage(root, part) for parts in source.tables.values() for part in parts)


def parts_are_whole(root: Path, cleaned: Cleaned) -> bool:
    """Whether every file of the cleaned tables is what was written."""
    every = (*cleaned.tables.values(), *cleaned.frames.values())
    return not any(_damage(root, part) for parts in every for part in parts)


def listed() -> list[Path]:
    """Checkpoints that can be called by name, in order of their names."""
    home = checkpoints_home()
    if not home.is_dir():
        return []
    return sorted(path for path in home.iterdir() if path.is_dir() and is_checkpoint(path))


def size_of(root: Path) -> int:
    """Bytes of everything in the folder, also of what the next merge sweeps away."""
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


def delete(root: Path) -> None:
    """Remove a checkpoint; its manifest goes first, so that no half of it can be opened.

    Raises
    ------
    BadRequestError
        It is no checkpoint, or is being written.
    """
    if not is_checkpoint(root):
        raise BadRequestError(f"{root} is no checkpoint; nothing was removed")
    with locked(root), _said(root):
        (root / MANIFEST).unlink(missing_ok=True)
        for name in (RAW, TABLES_FOLDER):
            shutil.rmtree(root / name, ignore_errors=True)
        (root / f"{MANIFEST}.new").unlink(missing_ok=True)
        (root / LOCK).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        root.rmdir()  # unless someone keeps other things there
