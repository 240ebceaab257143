"""The form of a checkpoint folder: its manifest, and every file with its hash.

A checkpoint holds what each source read, untouched (``raw/``), and the tables they make together, cleaned
(``tables/``), so that they need not be made again. The manifest names every file; what it does not name is
not part of the checkpoint. It is replaced in one step, so whoever looks sees the old state or the new one.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fillbook.errors import UnreadableSourceError
from fillbook.findings import Finding, Severity
from fillbook.schema.raw import SourceInfo

FORMAT = 1
MANIFEST, SOURCE, LOCK = "manifest.json", "source.json", ".lock"
RAW, TABLES_FOLDER = "raw", "tables"
HOME = "FILLBOOK_CHECKPOINTS"
_DEFAULT_HOME = "checkpoints"
_MARK = "fillbook"
_MADE_BY = ("etl", "schema", "ledger", "metrics", "analysis", "sources")
_MERGE_ANEW = "merge the bots' own files into a new checkpoint"


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file: some consecutive rows of a table.

    Parameters
    ----------
    path
        Below the checkpoint's folder.
    rows, size_bytes, sha256
        What it holds, and its bytes.
    first_us, last_us
        Least and greatest `at` in it, µs UTC; None where the table has none.
    """

    path: str
    rows: int
    size_bytes: int
    sha256: str
    first_us: int | None = None
    last_us: int | None = None


Parts = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class StoredSource:
    """What one source read.

    Parameters
    ----------
    info
        Identity of the file, as when it was read.
    folder
        Where its tables lie, below the checkpoint's folder.
    tables
        Files by table; ``unreadable`` holds the cells that could not be read.
    findings
        What reading found.
    heads
        Hashes of its first fill and first order: another snapshot of the same file shares one.
    """

    info: SourceInfo
    folder: str
    tables: Mapping[str, Parts]
    findings: tuple[Finding, ...] = ()
    heads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Absorbed:
    """An older snapshot of a file: each of its rows stands in the newer one that is kept."""

    sha256: str
    uri: str
    into: str


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The canonical tables that the sources make, and what was worked out from them.

    Parameters
    ----------
    code
        Which program made them (`code_version`): another makes them anew.
    clock
        "Now" when they were made, UTC.
    tables
        Files by table; a table without rows has none.
    frames
        Files by name of what was worked out.
    findings, lineage
        As of `PerformanceDataSource`, JSON.
    facts, answers
        Rows, times and names of each table; what was worked out that is no table. JSON.
    """

    code: str
    clock: str
    tables: Mapping[str, Parts]
    frames: Mapping[str, Parts]
    findings: tuple[Finding, ...]
    lineage: Mapping[str, Any]
    facts: Mapping[str, Any]
    answers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that belongs to a checkpoint.

    Parameters
    ----------
    created_by, created_at, changed_at
        Program and times (UTC, ISO 8601).
    sources
        What was read, in the order of their addresses.
    absorbed
        Older snapshots, known by their hash so that they are not read again.
    cleaned
        The tables they make; None where they must be made at opening.
    """

    created_by: str
    created_at: str
    changed_at: str
    sources: tuple[StoredSource, ...] = ()
    absorbed: tuple[Absorbed, ...] = ()
    cleaned: Cleaned | None = None
    format: int = FORMAT

    def parts(self) -> Iterator[Part]:
        """Every file of the checkpoint but the manifest and the descriptions of the sources."""
        for source in self.sources:
            for parts in source.tables.values():
                yield from parts
        if self.cleaned is not None:
            for parts in (*self.cleaned.tables.values(), *self.cleaned.frames.values()):
                yield from parts

    def folders(self) -> set[str]:
        """Folders that belong to the checkpoint, below its own."""
        return {str(Path(part.path).parent) for part in self.parts()} | {s.folder for s in self.sources}

    @property
    def fingerprint(self) -> str:
        """That of the data: SHA-256 over the hashes of the sources."""
        hashes = sorted({source.info.sha256 for source in self.sources})
        return hashlib.sha256("".join(hashes).encode()).hexdigest()


def checkpoints_home() -> Path:
    """Where checkpoints lie that are called by a name alone: ``FILLBOOK_CHECKPOINTS``, else ./checkpoints."""
    return Path(os.path.expanduser(os.environ.get(HOME, "") or _DEFAULT_HOME))  # noqa: PTH111  (as `plain_path`)


def folder_of(name: str) -> Path:
    """Folder of a checkpoint: a path where it is written as one or lies there, else a name in the home.

    >>> folder_of("./mine"), folder_of("mine").name
    (PosixPath('mine'), 'mine')
    """
    path = Path(os.path.expanduser(name))  # noqa: PTH111  (as `plain_path`)
    is_path = os.sep in name or name in (".", "..", "~") or os.path.isdir(path)  # noqa: PTH112  (a name too long)
    return path if is_path else checkpoints_home() / path


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder has the manifest of a checkpoint, whole or damaged."""
    manifest = folder / MANIFEST
    if not os.path.isfile(manifest):  # noqa: PTH113  (false where Path's fails)
        return False
    if (folder / RAW).is_dir():
        return True
    try:
        with manifest.open("rb") as file:
            return _MARK.encode() in file.read(64)
    except OSError:
        return False


@functools.cache
def code_version() -> str:
    """Hash of the code that makes tables and answers, the program's version in it."""
    root, digest = Path(__file__).parents[1], hashlib.sha256()
    files = [*root.glob("*.py"), *(path for name in _MADE_BY for path in (root / name).rglob("*.py"))]
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def sealed(content: object) -> str:
    """Text of a JSON file that says its own hash."""
    text = _canonical(content)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f'{{"{_MARK}": "checkpoint", "format": {FORMAT}, "sha256": "{digest}",\n"content": {text}}}\n'


def _canonical(content: object) -> str:
    return json.dumps(content, separators=(",", ":"))


def unsealed(path: Path, shown: str) -> dict[str, Any]:
    """Content of a sealed file.

    Raises
    ------
    UnreadableSourceError
        It is not there, may not be read, is damaged, or was written by a newer version.
    """
    try:
        loaded = json.loads(path.read_bytes())
        if not isinstance(loaded, dict) or _MARK not in loaded:
            raise UnreadableSourceError(shown, "is not a checkpoint of fillbook", "fillbook merge makes one")
        if isinstance(loaded["format"], int) and loaded["format"] > FORMAT:
            why = f"was written by a newer fillbook (format {loaded['format']}, this one reads {FORMAT})"
            raise UnreadableSourceError(shown, why, "update fillbook: pip install --upgrade fillbook")
        content: dict[str, Any] = loaded["content"]
        is_whole = hashlib.sha256(_canonical(content).encode()).hexdigest() == loaded["sha256"]
    except FileNotFoundError as error:
        why = f"has no {path.name}: its first merge did not end, or it is no checkpoint"
        raise UnreadableSourceError(shown, why, "merge into it again") from error
    except PermissionError as error:
        raise UnreadableSourceError(shown, "may not be read by you", f"chmod -R +rX {shown}") from error
    except OSError as error:
        why = f"cannot be read ({error.strerror})"
        raise UnreadableSourceError(shown, why, "check the disk") from error
    except (ValueError, KeyError, RecursionError) as error:
        raise UnreadableSourceError(shown, f"has a damaged {path.name}", _MERGE_ANEW) from error
    if not is_whole:
        raise UnreadableSourceError(shown, f"has a damaged {path.name} (its hash differs)", _MERGE_ANEW)
    return content


def read_manifest(folder: Path) -> Manifest:
    """Manifest of the checkpoint in a folder.

    Raises
    ------
    UnreadableSourceError
        As of `unsealed`.
    """
    content = unsealed(folder / MANIFEST, str(folder))
    cleaned = content["cleaned"]
    return Manifest(
        created_by=content["created_by"], created_at=content["created_at"], changed_at=content["changed_at"],
        sources=tuple(map(source_of, content["sources"])),
        absorbed=tuple(Absorbed(**row) for row in content["absorbed"]),
        cleaned=None if cleaned is None else _cleaned_of(cleaned), format=content["format"],
    )  # fmt: skip


def plain_form(value: object) -> Any:  # noqa: ANN401  (JSON)
    """A manifest, source or finding as dicts, lists and plain values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain_form(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain_form(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_form(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


def source_of(row: Mapping[str, Any]) -> StoredSource:
    """A stored source from its JSON."""
    return StoredSource(
        SourceInfo(**row["info"]), row["folder"], _parts_of(row["tables"]), findings_from(row["findings"]),
        tuple(row["heads"]),
    )  # fmt: skip


def _cleaned_of(row: Mapping[str, Any]) -> Cleaned:
    return Cleaned(
        code=row["code"], clock=row["clock"], tables=_parts_of(row["tables"]),
        frames=_parts_of(row["frames"]), findings=findings_from(row["findings"]), lineage=row["lineage"],
        facts=row["facts"], answers=row["answers"],
    )  # fmt: skip


def _parts_of(tables: Mapping[str, list[dict[str, Any]]]) -> dict[str, Parts]:
    return {name: tuple(Part(**part) for part in parts) for name, parts in tables.items()}


def findings_from(rows: list[dict[str, Any]]) -> tuple[Finding, ...]:
    """Findings from their JSON."""
    return tuple(
        Finding(**{**row, "severity": Severity(row["severity"]), "rows": tuple(row["rows"])}) for row in rows
    )
