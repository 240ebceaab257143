"""``fillbook merge``: several sources as one checkpoint, the unreadable ones told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fillbook.cli.choices import AsJson, Uris

if TYPE_CHECKING:
    from fillbook.reports.merging import Merged

REFUSED = 1
Name = Annotated[
    str,
    typer.Option(
        "-o", "--output", metavar="NAME",
        help="Checkpoint to make or add to: a name (in ./checkpoints or FILLBOOK_CHECKPOINTS), or the "
        "path of a folder.",
    ),
]  # fmt: skip
Form = Literal["fillbook", "hummingbot-sqlite", "hummingbot-json"]
As = Annotated[
    Form,
    typer.Option(
        "--as",
        help="Write the file -o names in a form of Hummingbot's old backend instead, which keeps less.",
    ),
]


def merge(uris: Uris, *, output: Name, form: As = "fillbook", as_json: AsJson = False) -> None:
    """Merge sources into a checkpoint; what is in it already is not read again. Exit code 1: some unread."""
    from fillbook.cli.opening import progress  # noqa: PLC0415
    from fillbook.reports.checkpoints import merge_object  # noqa: PLC0415
    from fillbook.reports.json import to_json  # noqa: PLC0415
    from fillbook.reports.merging import merge as merged_into  # noqa: PLC0415
    from fillbook.sources.checkpoint_form import folder_of  # noqa: PLC0415

    if form != "fillbook":
        _as_hummingbot(uris, form, Path(output))
        return
    with progress() as said:
        done = merged_into(uris, folder_of(output), progress=said)
    if as_json:
        sys.stdout.write(to_json(merge_object(done)) + "\n")
    else:
        show(done)
    if done.refused:
        raise typer.Exit(REFUSED)


def _as_hummingbot(
    uris: list[str], form: Literal["hummingbot-sqlite", "hummingbot-json"], path: Path
) -> None:
    """Write a file that Hummingbot's old backend and dashboard read."""
    from fillbook.cli.opening import opened  # noqa: PLC0415
    from fillbook.performance_data_source import UNREADABLE  # noqa: PLC0415
    from fillbook.reports.hummingbot_form import write_hummingbot  # noqa: PLC0415

    data = opened(uris)
    rows = write_hummingbot(data, form, path)
    said = ", ".join(f"{n:,} rows of {table}" for table, n in rows.items())
    typer.echo(f"{path}: {said}", err=True)
    refused = [finding for finding in data.findings if finding.rule == UNREADABLE]
    for finding in refused:
        typer.echo(f"{finding.source}: {finding.message}. {finding.remedy}", err=True)
    if refused:
        raise typer.Exit(REFUSED)


def show(done: Merged) -> None:
    """Write what a merge did to the terminal."""
    from fillbook.cli.checkpoints import sources_table  # noqa: PLC0415
    from fillbook.cli.screen import cell, console, table  # noqa: PLC0415
    from fillbook.units import counted  # noqa: PLC0415

    screen = console()
    if done.is_changed:
        screen.print(cell(f"{done.root}: {counted(len(done.added), 'source')} added"))
    else:
        screen.print(cell(f"{done.root}: nothing new, nothing written"))
    for gone in done.absorbed:
        screen.print(cell(f"  {gone.uri}: an older snapshot, all of it stands in a newer file", "dim"))
    for uri in done.known:
        screen.print(cell(f"  {uri}: in it already", "dim"))
    if done.refused:
        rows = [(refused.uri, refused.why, refused.remedy) for refused in done.refused]
        screen.print()
        screen.print(table("could not be read, and not merged", ("address", "why", "way out"), rows))
    screen.print()
    screen.print(sources_table(done.manifest))
