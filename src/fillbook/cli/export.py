"""``fillbook export``: a table as a file, with the same filters as everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast, get_args

import typer

from fillbook.cli.choices import Choices, Uris, with_choices
from fillbook.errors import BadRequestError

if TYPE_CHECKING:
    from fillbook.reports.table import ReportTable

Format = Literal["csv", "json", "parquet", "xlsx"]  # as reports.writing, without its imports


@with_choices
def export(
    uris: Uris,
    *,
    choices: Choices,
    table: Annotated[
        str,
        typer.Option(
            "--table",
            metavar="NAME",
            help="fills, orders, executors, trips, books, daily, equity, drawdowns, metrics, "
            "findings, checks, lineage, quarantine, order_execution, fill_execution, trade_execution, "
            "shortfalls, markouts, "
            "or another table of docs/data-model.md.",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="File to write.")],
    kind: Annotated[
        Format | None, typer.Option("--format", help="Left out: what the file's name ends in.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """Write a table to a file."""
    written = _format(kind, output)
    from fillbook.reports.writing import refuse_existing, write_table  # noqa: PLC0415

    refuse_existing(output, is_forced=force)
    made = _table(table, uris, choices)
    write_table(made, written, output, is_forced=force)
    typer.echo(f"{output}: {made.rows.height:,} rows of {table}", err=True)


def _format(kind: Format | None, output: Path) -> Format:
    """Format asked for, or the one the file's name ends in."""
    ending = output.suffix.lower().removeprefix(".")
    if kind is None and ending not in get_args(Format):
        message = f"{output} does not say its format: add --format {'|'.join(get_args(Format))}"
        raise BadRequestError(message)
    return kind or cast("Format", ending)


def _table(name: str, uris: list[str], choices: Choices) -> ReportTable:
    """Rows of the table, booked only where they need to be."""
    from fillbook.cli.opening import answered, executed, opened  # noqa: PLC0415
    from fillbook.reports.table import (  # noqa: PLC0415
        ANSWER_TABLES,
        DATA_TABLES,
        EXECUTION_TABLES,
        execution_table,
        report_table,
    )  # fmt: skip

    if name not in (*DATA_TABLES, *ANSWER_TABLES, *EXECUTION_TABLES):
        known = ", ".join((*ANSWER_TABLES, *EXECUTION_TABLES, *DATA_TABLES))
        raise BadRequestError(f"there is no table {name!r}; there are {known}")
    if name in DATA_TABLES:
        return report_table(name, opened(uris), choices.filter())
    if name in EXECUTION_TABLES:
        return execution_table(name, *executed(uris, choices))
    data, answer = answered(uris, choices)
    return report_table(name, data, answer)
