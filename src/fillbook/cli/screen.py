"""What a terminal shows: lines and tables, cut to its width, without control characters."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fillbook.findings import Finding, Severity
from fillbook.units import THIN_SPACE

if TYPE_CHECKING:
    from datetime import datetime

_PIPE_WIDTH = 160
STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "dim"}


def console() -> Console:
    """Console on standard output, wide where that is no terminal, so that nothing is cut."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(width=width, markup=False, highlight=False, emoji=False)


def cell(value: object, style: str = "") -> Text:
    """Text of a cell; what a terminal would act upon is replaced."""
    text = "".join(
        c if c.isprintable() or c == THIN_SPACE else "\N{REPLACEMENT CHARACTER}" for c in str(value)
    )
    return Text(text, style=style)


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: Sequence[str] = (),
) -> Table:
    """Table of texts; columns named in `right` hold numbers."""
    heading = cell(title)
    heading.no_wrap, heading.overflow = True, "ignore"  # a narrow table does not fold its title
    made = Table(title=heading, title_justify="left", box=None, pad_edge=False, header_style="dim")
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(item if isinstance(item, Text) else cell(item) for item in row))
    return made


def findings_line(findings: Iterable[Finding]) -> Text:
    """How many findings of each severity, gravest first."""
    found = list(findings)
    counts = [(s, sum(f.severity is s for f in found)) for s in reversed(Severity)]
    said = [
        (f"{n} {s.value}{'s' if n > 1 and s is not Severity.INFO else ''}", STYLES[s]) for s, n in counts if n
    ]
    if not said:
        return Text("no findings")
    parts = [part for piece in said for part in (piece, (", ", ""))][:-1]
    return Text.assemble("findings: ", *parts)


def moment(at: datetime) -> str:
    """Time to the second, UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}"
