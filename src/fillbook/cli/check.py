"""`fillbook check`: can the numbers be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from fillbook.cli import options

if TYPE_CHECKING:
    from rich.console import Console

    from fillbook.analysis.overview import Overview
    from fillbook.etl.lineage import Lineage

ERROR_FOUND = 1
_COLOURS = {"error": "red", "warning": "yellow", "info": "dim", "pass": "green", "fail": "red"}


def check(uris: options.Uris, as_json: options.AsJson = False) -> None:  # noqa: FBT002
    """What is odd in the data, what became of every row, and whether the book balances."""
    from fillbook.analysis.overview import overview  # noqa: PLC0415
    from fillbook.findings import Severity  # noqa: PLC0415

    data = options.opened(uris)
    answer = overview(data, metrics=())
    if as_json:
        from fillbook.reports.json import dumps  # noqa: PLC0415

        lineage = {"files": list(data.lineage.files), "tables": list(data.lineage.tables)}
        typer.echo(dumps({
            "schema": "fillbook.check/1", "checks": answer.checks, "findings": answer.findings, "lineage": lineage,
        }))  # fmt: skip
    else:
        _show(answer, data.lineage)
    if any(finding.severity is Severity.ERROR for finding in answer.findings):
        raise typer.Exit(ERROR_FOUND)


def _show(answer: Overview, lineage: Lineage) -> None:
    from rich.console import Console  # noqa: PLC0415

    from fillbook.ledger.invariants import trust_line  # noqa: PLC0415

    console = Console(highlight=False)
    console.print(f"[bold]{trust_line(answer.checks)}[/bold]\n")
    for found in answer.checks:
        mark = found.verdict.value.replace("_", " ")
        console.print(f"{mark:<14}{found.label}: {found.detail}", style=_COLOURS.get(found.verdict.value), markup=False)
    console.print()
    _findings(console, answer)
    _lineage(console, lineage)


def _findings(console: Console, answer: Overview) -> None:
    for level in ("error", "warning", "info"):
        for finding in answer.findings:
            if finding.severity != level:
                continue
            console.print(f"{level}: {finding.table}/{finding.rule}: {finding.message}", style=_COLOURS[level], markup=False)
            rows = ", ".join(map(str, finding.rows)) + (" …" if finding.n_rows > len(finding.rows) else "")
            for name, text in (
                ("in", finding.source), ("rows", rows if finding.rows else ""), ("effect", finding.effect), ("way out", finding.remedy),
            ):  # fmt: skip
                if text:
                    console.print(f"    {name}: {text}", style="dim", markup=False)
    console.print()


def _lineage(console: Console, lineage: Lineage) -> None:
    for file in lineage.files:
        version = f"schema {file.schema_version}, " if file.schema_version else ""
        console.print(f"{file.uri}", markup=False)
        console.print(f"    {file.kind}, {version}{file.layout}, {file.size_bytes:,} bytes, sha256 {file.sha256[:16]}…", style="dim", markup=False)
        for table in lineage.tables:
            if table.source == file.source:
                steps = (("read", table.read), ("kept", table.kept), ("repaired", table.repaired), ("quarantined", table.quarantined), ("duplicates", table.duplicates))
                console.print("    " + f"{table.table:<16}" + ", ".join(f"{n:,} {name}" for name, n in steps if n), style="dim", markup=False)
