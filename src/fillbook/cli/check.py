"""``fillbook check``: what the data does that a reader of the numbers must know."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from fillbook.cli.choices import AsJson, Choices, Uris, with_choices

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from fillbook.analysis.overview import Overview
    from fillbook.findings import Finding
    from fillbook.performance_data_source import PerformanceDataSource

UNTRUSTED = 1


@with_choices
def check(uris: Uris, *, choices: Choices, as_json: AsJson = False) -> None:
    """Show findings, what became of every row, and the book's checks of itself."""
    from fillbook.cli.opening import answered  # noqa: PLC0415
    from fillbook.reports.json import to_json  # noqa: PLC0415
    from fillbook.reports.summary import check_object, is_trusted  # noqa: PLC0415

    data, answer = answered(uris, choices)
    if as_json:
        sys.stdout.write(to_json(check_object(answer, data)) + "\n")
    else:
        show(answer, data)
    if not is_trusted(answer.findings, answer.checks):
        raise typer.Exit(UNTRUSTED)


def show(answer: Overview, data: PerformanceDataSource) -> None:
    """Write findings, lineage and checks to the terminal."""
    from fillbook.cli.screen import console, findings_line  # noqa: PLC0415
    from fillbook.findings import Severity  # noqa: PLC0415

    screen = console()
    screen.print(findings_line(answer.findings))
    for severity in reversed(Severity):
        for finding in answer.findings:
            if finding.severity is severity:
                screen.print()
                screen.print(finding_text(finding))
    for table in (files_table(data), rows_table(data), checks_table(answer)):
        screen.print()
        screen.print(table)


def finding_text(finding: Finding) -> Text:
    """One finding: what, where, what it does, and the way out."""
    from rich.text import Text  # noqa: PLC0415

    from fillbook.cli.screen import STYLES, cell  # noqa: PLC0415

    style = STYLES[finding.severity]
    lines = [
        Text.assemble(
            cell(f"{finding.severity.value} {finding.table}.{finding.rule}: ", style),
            cell(finding.message),
        )
    ]
    where = finding.source
    if finding.rows:
        rows = ", ".join(str(row) for row in finding.rows)
        more = "" if finding.n_rows <= len(finding.rows) else f" … of {finding.n_rows:,}"
        where += f"{' ' if where else ''}rows {rows}{more}"
    for name, text in (("where", where), ("effect", finding.effect), ("way out", finding.remedy)):
        if text:
            lines.append(cell(f"  {name}: {text}"))
    return Text("\n").join(lines)


def files_table(data: PerformanceDataSource) -> Table:
    """Files that were read, one a row."""
    from fillbook.cli.screen import table  # noqa: PLC0415

    rows = [
        (
            f.source,
            f.uri,
            f.kind,
            f.bot,
            f.schema_version or "",
            f.layout,
            f"{f.size_bytes:,}",
            f.sha256[:12],
        )
        for f in data.lineage.files
    ]
    columns = ("file", "address", "kind", "bot", "schema", "layout", "bytes", "sha256")
    return table("files", columns, rows, right=("file", "bytes"))


def rows_table(data: PerformanceDataSource) -> Table:
    """Tables of files, one a row: read = duplicates + quarantined + kept."""
    from fillbook.cli.screen import table  # noqa: PLC0415

    columns = ("file", "table", "read", "duplicates", "quarantined", "kept", "repaired")
    rows = [
        (
            t.source,
            t.table,
            *(f"{n:,}" for n in (t.read, t.duplicates, t.quarantined, t.kept, t.repaired)),
        )
        for t in data.lineage.tables
        if t.read
    ]
    return table("rows", columns, rows, right=("file", *columns[2:]))


def checks_table(answer: Overview) -> Table:
    """Verdicts on the book, one a row, its own arithmetic first."""
    from fillbook.cli.screen import cell, table  # noqa: PLC0415

    styles = {"pass": "green", "fail": "bold red", "not_checkable": "dim"}
    rows = [
        (
            cell(check.verdict.value.replace("_", " "), styles[check.verdict.value]),
            check.label,
            "own" if check.is_own else "recorded",
            check.detail,
        )
        for check in sorted(answer.checks, key=lambda check: not check.is_own)
    ]
    return table("checks of the book", ("verdict", "check", "against", "detail"), rows)
