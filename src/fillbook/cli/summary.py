"""`fillbook summary`: how the bot did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fillbook.cli import options

if TYPE_CHECKING:
    from rich.table import Table

    from fillbook.analysis.overview import Overview

ERROR_FOUND = 1
_DAY = "%d %b %Y %H:%M"
_GROUPS = ("profitability", "risk", "execution", "activity")


def summary(  # noqa: PLR0913
    uris: options.Uris,
    as_json: options.AsJson = False,  # noqa: FBT002
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
    metric: Annotated[list[str] | None, typer.Option("--metric", help="Only this metric key.")] = None,
) -> None:
    """How the bot did: net PnL after every fee, risk, orders, activity, and a row a book."""
    from fillbook.analysis.overview import overview  # noqa: PLC0415
    from fillbook.findings import Severity  # noqa: PLC0415

    chosen = options.filter_of(start, end, {
        "bots": bot, "controllers": controller, "connectors": connector, "pairs": pair,
        "sides": side, "close_types": close_type,
    })  # fmt: skip
    conventions = options.conventions_of(method, mark, capital, currency, market_type)
    data = options.opened(uris)
    answer = overview(data, chosen, conventions, metrics=metric)
    if as_json:
        from fillbook.reports.json import summary_json  # noqa: PLC0415

        typer.echo(summary_json(answer, data.lineage))
    else:
        _show(answer)
    if any(finding.severity is Severity.ERROR for finding in answer.findings):
        raise typer.Exit(ERROR_FOUND)


def _show(answer: Overview) -> None:
    from rich.console import Console  # noqa: PLC0415

    from fillbook.findings import Severity  # noqa: PLC0415
    from fillbook.ledger.invariants import trust_line  # noqa: PLC0415

    console = Console(highlight=False)
    console.print(f"[bold]{trust_line(answer.checks)}[/bold]")
    console.print(_head(answer))
    console.print(_metrics(answer))
    console.print(_books(answer))
    for level in (Severity.ERROR, Severity.WARNING):
        for finding in answer.findings:
            if finding.severity is level:
                console.print(f"{level}: {finding.message}", style="red" if level is Severity.ERROR else "yellow", markup=False)
    notes = sum(finding.severity is Severity.INFO for finding in answer.findings)
    console.print(f"{notes} notes; `fillbook check` lists every finding with its rows", style="dim")


def _head(answer: Overview) -> str:
    """One line: period, bots, fills, currency, conventions."""

    if answer.period is None:
        return "no order and no fill in this view"
    first, last = (moment.strftime(_DAY) for moment in answer.period)
    bots = answer.books["bot"].n_unique()
    fills = int(answer.books["n_fills"].sum())
    method = answer.conventions.method
    capital = answer.conventions.capital
    on = f", on {capital:,.0f} of capital" if capital is not None else ""
    marks = "strict marks" if answer.conventions.strict_marks else "given marks first" if answer.conventions.marks else "marks from the data"
    return (
        f"{first} – {last} UTC · {bots} bot{'s' * (bots != 1)} · {fills:,} fills · "
        f"{answer.currency or 'no common currency'} · {method}, {marks}{on}"
    )


def _metrics(answer: Overview) -> Table:
    from rich.table import Table  # noqa: PLC0415

    from fillbook.metrics.registry import METRICS  # noqa: PLC0415
    from fillbook.units import Unit, format_value  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, justify in (("metric", "left"), ("value", "right"), ("unit", "left"), ("because", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for group in _GROUPS:
        mine = [r for r in answer.metrics.values() if METRICS[r.key].group == group]
        for result in mine:
            unit = answer.currency or "" if result.unit is Unit.MONEY else "/ day" if result.unit is Unit.PER_DAY else ""
            why = "" if result.status == "ok" else f"{result.status}: {', '.join(result.reasons)}"
            signed = result.unit is Unit.MONEY and METRICS[result.key].better == "higher"
            text = format_value(result.value, result.unit, currency=answer.currency, signed=signed)
            table.add_row(METRICS[result.key].label, text, unit, why)
        if mine:
            table.add_section()
    return table


def _books(answer: Overview) -> Table:
    from rich.table import Table  # noqa: PLC0415

    from fillbook.units import Unit, format_value  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="dim")
    money = (("realised", "realized_quote"), ("unrealised", "unrealized_quote"), ("fees", "fees_quote"), ("funding", "funding_quote"), ("net", "net_quote"))
    for name in ("book", "fills", "position", "mark", *(name for name, _ in money), "in", "because"):
        table.add_column(name, justify="left" if name in ("book", "in", "because") else "right")
    for row in answer.books.iter_rows(named=True):
        leg = "" if row["leg"] == "NET" else f" {row['leg'].lower()}"
        figures = [format_value(row[column], Unit.MONEY, currency=row["quote"]) for _, column in money]
        mark = f"{format_value(row['mark_quote'], Unit.BASE)} {row['mark_kind']}"
        position = format_value(row["position_base"], Unit.BASE)
        table.add_row(
            f"{row['connector']} {row['pair']}{leg}", f"{row['n_fills']:,}", position, mark, *figures,
            row["quote"], ", ".join(row["reasons"]),
        )  # fmt: skip
    return table
