"""`fillbook export`: a table of what is filtered, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fillbook.cli import options
from fillbook.errors import BadRequestError

if TYPE_CHECKING:
    import polars as pl

    from fillbook.analysis.overview import Overview
    from fillbook.performance_data_source import PerformanceDataSource

ANSWERS = ("metrics", "books", "trips", "daily", "equity", "drawdowns", "findings", "checks")


def export(  # noqa: PLR0913
    uris: options.Uris,
    table: Annotated[str, typer.Option("--table", help="fills, orders, executors, trips, books, daily, metrics, …")],
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write.")],
    form: Annotated[str | None, typer.Option("--format", help="csv, json, parquet or xlsx; else by the file's name.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,  # noqa: FBT002
    start: options.From = None,
    end: options.To = None,
    pair: options.Pairs = None,
    connector: options.Connectors = None,
    controller: options.Controllers = None,
    bot: options.Bots = None,
    side: options.Sides = None,
    close_type: options.CloseTypes = None,
    method: options.Method = "wac",
    mark: options.Marks = None,
    capital: options.Capital = None,
    currency: options.Currency = None,
    market_type: options.MarketTypes = None,
) -> None:
    """Write a table of exactly what is filtered."""
    from fillbook.analysis.overview import overview  # noqa: PLC0415
    from fillbook.reports.tables import write_table  # noqa: PLC0415

    chosen = options.filter_of(start, end, {
        "bots": bot, "controllers": controller, "connectors": connector, "pairs": pair,
        "sides": side, "close_types": close_type,
    })  # fmt: skip
    conventions = options.conventions_of(method, mark, capital, currency, market_type)
    data = options.opened(uris)
    answer = overview(data, chosen, conventions) if table in ANSWERS else None
    rows = answer_table(answer, table) if answer else data_table(data, table, chosen)
    write_table(rows, output, form or output.suffix.lstrip(".").lower(), force=force)
    typer.echo(f"{output}: {rows.height:,} rows of {table}")


def answer_table(answer: Overview, name: str) -> pl.DataFrame:
    """One of `ANSWERS` as a table."""
    import polars as pl  # noqa: PLC0415

    from fillbook.reports.json import finding_fields, plain, result_fields  # noqa: PLC0415

    if name == "metrics":
        results = [{"key": key, **result_fields(result)} for key, result in answer.metrics.items()]
        rows = [{**row, "reason": ", ".join(row["reason"]), "params": str(row["params"])} for row in results]
        return pl.DataFrame(rows, infer_schema_length=None)
    if name == "findings":
        return pl.DataFrame([{**finding_fields(f), "rows": ", ".join(map(str, f.rows))} for f in answer.findings], infer_schema_length=None)
    if name == "checks":
        return pl.DataFrame([plain(check) for check in answer.checks], infer_schema_length=None)
    frame: pl.DataFrame = getattr(answer, name)
    return frame


def data_table(data: PerformanceDataSource, name: str, chosen: object) -> pl.DataFrame:
    """A canonical table, filtered.

    Raises
    ------
    BadRequestError
        There is no table of that name.
    """
    from fillbook.filters import Filter  # noqa: PLC0415

    if name not in data.tables:
        message = f"there is no table {name!r}; there are {', '.join((*ANSWERS, *data.tables))}"
        raise BadRequestError(message)
    return data.filtered(chosen)[name] if isinstance(chosen, Filter) else data.tables[name]
