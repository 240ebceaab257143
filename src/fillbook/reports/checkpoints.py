"""What a merge did, and what a checkpoint holds, as objects for machines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fillbook.reports.json import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fillbook.reports.merging import Merged
    from fillbook.schema.raw import SourceInfo
    from fillbook.sources.checkpoint_form import Manifest
    from fillbook.sources.checkpoint_writing import Damage

MERGE_SCHEMA = "fillbook.merge/1"
CHECKPOINT_SCHEMA = "fillbook.checkpoint/1"
CHECKPOINTS_SCHEMA = "fillbook.checkpoints/1"


def merge_object(merged: Merged) -> dict[str, object]:
    """Object of a merge.

    Returns
    -------
    dict
        ``schema, checkpoint, is_changed, added, absorbed, known, refused, sources``.
    """
    return {
        "schema": MERGE_SCHEMA, "checkpoint": str(merged.root), "is_changed": merged.is_changed,
        "added": plain(merged.added), "absorbed": plain(merged.absorbed), "known": list(merged.known),
        "refused": plain(merged.refused),
        "sources": plain([source.info for source in merged.manifest.sources]),
    }  # fmt: skip


def checkpoint_object(
    root: Path, manifest: Manifest, damage: Iterable[Damage] | None = None
) -> dict[str, object]:
    """Object of a checkpoint, with its damage where it was verified.

    Returns
    -------
    dict
        ``schema, checkpoint, format, created_by, created_at, changed_at, size_bytes, n_files, rows, period,
        bots, sources, absorbed, findings``; rows by table after cleaning, null where the tables are made at
        opening. With ``is_whole`` and ``damage`` where it was verified.
    """
    parts = list(manifest.parts())
    cleaned = manifest.cleaned
    fills = cleaned.facts["fills"] if cleaned else None
    checked = {} if damage is None else {"is_whole": not (found := list(damage)), "damage": plain(found)}
    return {
        "schema": CHECKPOINT_SCHEMA, "checkpoint": str(root), "format": manifest.format,
        "created_by": manifest.created_by, "created_at": manifest.created_at,
        "changed_at": manifest.changed_at, "size_bytes": sum(part.size_bytes for part in parts),
        "n_files": len(parts), "rows": cleaned and {name: row["rows"] for name, row in cleaned.facts.items()},
        "period": fills and {"first": fills["first"], "last": fills["last"]},
        "bots": fills and fills["names"]["bot"],
        "sources": plain([source.info for source in manifest.sources]), "absorbed": plain(manifest.absorbed),
        "findings": cleaned and plain(cleaned.findings), **checked,
    }  # fmt: skip


def file_name(info: SourceInfo) -> str:
    """What a source is called in a list: the end of its address."""
    return Path(info.uri).name or info.uri
