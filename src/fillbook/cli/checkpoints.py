"""``fillbook checkpoints``: which there are, what they hold, whether they are whole."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fillbook.cli.choices import AsJson
from fillbook.errors import UnreadableSourceError

if TYPE_CHECKING:
    from rich.table import Table

    from fillbook.sources.checkpoint_form import Manifest
    from fillbook.sources.checkpoint_writing import Damage

DAMAGED = 1
app = typer.Typer(help="List, show, verify and delete checkpoints.", no_args_is_help=True)
_Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Name or folder of a checkpoint.", show_default=False)
]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command("list")
def list_them(*, as_json: AsJson = False) -> None:
    """List the checkpoints that have a name: those in ./checkpoints, or where FILLBOOK_CHECKPOINTS says."""
    from fillbook.cli.screen import cell, console, table  # noqa: PLC0415
    from fillbook.reports.checkpoints import CHECKPOINTS_SCHEMA, checkpoint_object  # noqa: PLC0415
    from fillbook.reports.json import to_json  # noqa: PLC0415
    from fillbook.sources.checkpoint_form import checkpoints_home, read_manifest  # noqa: PLC0415
    from fillbook.sources.checkpoint_writing import listed  # noqa: PLC0415

    found, rows = [], []
    for root in listed():
        try:
            manifest = read_manifest(root)
            found.append(checkpoint_object(root, manifest))
            rows.append((root.name, *_line(manifest)))
        except UnreadableSourceError as error:
            found.append({"checkpoint": str(root), "error": error.why, "remedy": error.remedy})
            rows.append((root.name, "", "", "", "", error.why))
    if as_json:
        said = {"schema": CHECKPOINTS_SCHEMA, "home": str(checkpoints_home()), "checkpoints": found}
        sys.stdout.write(to_json(said) + "\n")
        return
    screen = console()
    if not rows:
        screen.print(cell(f"no checkpoint in {checkpoints_home()}; `fillbook merge URI… -o NAME` makes one"))
        return
    columns = ("name", "sources", "fills", "bytes", "changed, UTC", "note")
    screen.print(table(f"checkpoints in {checkpoints_home()}", columns, rows, right=columns[1:4]))


def _line(manifest: Manifest) -> tuple[str, ...]:
    """Sources, fills, bytes, time and note of a checkpoint."""
    fills = f"{manifest.cleaned.facts['fills']['rows']:,}" if manifest.cleaned else ""
    size = sum(part.size_bytes for part in manifest.parts())
    changed = manifest.changed_at[:19].replace("T", " ")
    return str(len(manifest.sources)), fills, f"{size:,}", changed, ""


@app.command("show")
def show(name: _Name, *, as_json: AsJson = False) -> None:
    """Show what a checkpoint holds: its sources, their rows, and what was found."""
    from fillbook.reports.checkpoints import checkpoint_object  # noqa: PLC0415
    from fillbook.reports.json import to_json  # noqa: PLC0415
    from fillbook.sources.checkpoint_form import read_manifest  # noqa: PLC0415

    root = _root(name)
    manifest = read_manifest(root)
    if as_json:
        sys.stdout.write(to_json(checkpoint_object(root, manifest)) + "\n")
    else:
        _say(root, manifest)


@app.command("verify")
def verify(name: _Name, *, as_json: AsJson = False) -> None:
    """Hold every file of a checkpoint against its hash; exit code 1 where one is damaged."""
    from fillbook.cli.screen import cell, console, table  # noqa: PLC0415
    from fillbook.reports.checkpoints import checkpoint_object  # noqa: PLC0415
    from fillbook.reports.json import to_json  # noqa: PLC0415
    from fillbook.sources.checkpoint_writing import verified  # noqa: PLC0415
    from fillbook.units import counted  # noqa: PLC0415

    root = _root(name)
    manifest, damage = verified(root)
    if as_json:
        sys.stdout.write(to_json(checkpoint_object(root, manifest, damage)) + "\n")
    elif damage:
        rows = [(found.path, found.why) for found in damage]
        console().print(table(f"{root} is damaged", ("file", "why"), rows))
        console().print(cell(_way_out(manifest, damage)))
    else:
        n_files = sum(1 for _ in manifest.parts()) + len(manifest.sources)
        console().print(cell(f"{root} is whole: {counted(n_files, 'file')} as they were written"))
    if damage:
        raise typer.Exit(DAMAGED)


def _way_out(manifest: Manifest, damage: tuple[Damage, ...]) -> str:
    """Which sources to merge again."""
    hurt = {str(Path(found.path).parent) for found in damage}
    lost = [source.info.uri for source in manifest.sources if source.folder in hurt]
    if lost:
        return f"merge again: {', '.join(lost)}"
    return "only what is made from the sources: merge any of them again, and it is made anew"


@app.command("delete")
def delete(name: _Name, *, yes: _Yes = False) -> None:
    """Delete a checkpoint; the files it was merged from are not touched."""
    from fillbook.sources.checkpoint_form import is_checkpoint  # noqa: PLC0415
    from fillbook.sources.checkpoint_writing import delete as removed  # noqa: PLC0415

    root = _root(name)
    if is_checkpoint(root) and not yes:
        typer.confirm(f"Delete {root}?", abort=True)
    removed(root)
    typer.echo(f"{root} is deleted", err=True)


def _root(name: str) -> Path:
    from fillbook.sources.checkpoint_form import folder_of  # noqa: PLC0415

    return folder_of(name)


def _say(root: Path, manifest: Manifest) -> None:
    """A checkpoint on the terminal."""
    from fillbook.cli.screen import cell, console, findings_line  # noqa: PLC0415
    from fillbook.units import counted  # noqa: PLC0415

    screen = console()
    n_sources, fills, size, changed, _ = _line(manifest)
    head = f"{root} · {counted(int(n_sources), 'source')} · {fills or '?'} fills · {size} bytes"
    screen.print(cell(f"{head} · changed {changed} UTC · made by {manifest.created_by}"))
    screen.print()
    screen.print(sources_table(manifest))
    for gone in manifest.absorbed:
        screen.print(cell(f"  {gone.uri} ({gone.sha256[:12]}): an older snapshot of one of them", "dim"))
    if manifest.cleaned is not None:
        screen.print()
        screen.print(findings_line(manifest.cleaned.findings).append("; `fillbook check` lists them"))


def sources_table(manifest: Manifest) -> Table:
    """Sources of a checkpoint, one a row."""
    from fillbook.cli.screen import table  # noqa: PLC0415

    rows = [
        (
            source.info.uri, source.info.kind, source.info.bot,
            *(f"{source.info.rows.get(name, 0):,}" for name in ("fills", "orders")), source.info.sha256[:12],
        )
        for source in manifest.sources
    ]  # fmt: skip
    columns = ("address", "kind", "bot", "fills", "orders", "sha256")
    return table("sources", columns, rows, right=("fills", "orders"))
