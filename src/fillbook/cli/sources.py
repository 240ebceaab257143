"""``fillbook sources``: what can be opened, and what each kind of it needs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fillbook.cli.choices import AsJson

if TYPE_CHECKING:
    from fillbook.sources.listing import InstalledSource


def sources(*, as_json: AsJson = False) -> None:
    """What fillbook opens: files, databases and servers, with an example of each."""
    from fillbook.reports.json import to_json  # noqa: PLC0415
    from fillbook.sources.listing import installed_sources  # noqa: PLC0415

    found = installed_sources()
    if as_json:
        sys.stdout.write(to_json([_object(source) for source in found]) + "\n")
    else:
        _show(found)


def _object(source: InstalledSource) -> dict[str, object]:
    return {
        "name": source.names[0], "also": list(source.names[1:]), "opens": source.opens,
        "example": source.example, "package": source.package, "extra": source.extra or None,
        "installed": source.is_ready, "why": source.why or None,
    }  # fmt: skip


def _show(found: list[InstalledSource]) -> None:
    from fillbook.cli.screen import cell, console, table  # noqa: PLC0415

    rows = [
        (
            ", ".join(source.names),
            source.opens,
            source.example,
            cell("installed", "green") if source.is_ready else cell(source.why, "yellow"),
        )
        for source in found
    ]
    screen = console()
    screen.print(table("sources", ("name", "opens", "example", "status"), rows))
