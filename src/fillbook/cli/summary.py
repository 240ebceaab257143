"""``fillbook summary``: how the bot did, and whether the answer can be trusted."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from fillbook.cli.choices import AsJson, Choices, Uris, with_choices

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from fillbook.analysis.attribution import Attribution
    from fillbook.analysis.execution import Execution
    from fillbook.analysis.overview import Overview
    from fillbook.analysis.risk import Risk
    from fillbook.results import Result

UNTRUSTED = 1
_SHOWN_BOOKS = 50


@with_choices
def summary(
    uris: Uris,
    *,
    choices: Choices,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="KEY", help="Only this metric; repeatable.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how the bot did: metrics, books and findings of the chosen fills."""
    from fillbook.cli.opening import answered  # noqa: PLC0415
    from fillbook.reports.json import to_json  # noqa: PLC0415
    from fillbook.reports.summary import is_trusted, summary_object  # noqa: PLC0415

    data, answer = answered(uris, choices, keys=metric or None)
    if as_json:
        sys.stdout.write(to_json(summary_object(answer, data)) + "\n")
    else:
        show(answer)
    if not is_trusted(answer.findings, answer.checks):
        raise typer.Exit(UNTRUSTED)


def show(answer: Overview) -> None:
    """Write the answer to the terminal."""
    from fillbook.cli.screen import console, findings_line  # noqa: PLC0415

    screen = console()
    for line in head(answer):
        screen.print(line)
    screen.print()
    screen.print(metrics_table(answer))
    screen.print()
    screen.print(books_table(answer))
    screen.print()
    line = findings_line(answer.findings)
    screen.print(line.append("; `fillbook check` lists them") if answer.findings else line)


def head(answer: Overview) -> list[Text]:
    """Trust, scope and conventions, a line each."""
    from fillbook.cli.screen import cell, moment  # noqa: PLC0415
    from fillbook.ledger.invariants import trust_line  # noqa: PLC0415
    from fillbook.units import counted  # noqa: PLC0415

    trust = trust_line(answer.checks)
    balances = trust.startswith("the book balances")
    books = answer.books
    period = " – ".join(moment(at) for at in answer.period) + " UTC" if answer.period else "no period"
    scope = [
        period,
        counted(books["bot"].n_unique(), "bot"),
        counted(int(books["n_fills"].sum()), "fill"),
    ]
    scope.append(answer.currency or "no common currency")
    return [
        cell(trust, "bold green" if balances else "bold red"),
        cell(" · ".join(scope)),
        cell(" · ".join(_conventions(answer)), "dim"),
    ]


def _conventions(answer: Overview) -> list[str]:
    """Conventions in force that change a number, in words."""
    how, parts = answer.conventions, [answer.conventions.method.upper()]
    kinds = answer.books.filter(answer.books["position_base"] != 0.0)["mark_kind"].unique().sort()
    if kinds.len():
        parts.append("open positions marked at " + ", ".join(str(k).replace("_", " ") for k in kinds))
    if how.marks:
        parts.append("given " + ", ".join(f"{pair} = {price:.10g}" for pair, price in how.marks.items()))
    capital = "no capital declared" if how.capital is None else f"capital {how.capital:,.10g}"
    parts += [capital, f"{how.periods_per_year:g} days a year"]
    if answer.chosen != type(answer.chosen)():
        parts.append("filtered; books start flat")
    return parts


def metrics_table(answer: Overview | Execution | Attribution | Risk) -> Table:
    """Every metric by group, with its reason where it is not beyond doubt."""
    from fillbook.cli.screen import cell, table  # noqa: PLC0415
    from fillbook.reports.glossary import metrics_by_group  # noqa: PLC0415
    from fillbook.units import format_value  # noqa: PLC0415

    rows: list[tuple[object, ...]] = []
    for group, metrics in metrics_by_group().items():
        title = group
        for metric in metrics:
            if metric.key not in answer.metrics:
                continue
            result = answer.metrics[metric.key]
            value = format_value(result.value, result.unit, currency=result.currency)
            rows.append(
                (
                    cell(title, "bold"),
                    metric.label,
                    value,
                    _unit(result),
                    cell(_doubt(result), "yellow"),
                )
            )
            title = ""
    return table("", ("group", "metric", "value", "unit", "status"), rows, right=("value",))


def _unit(result: Result) -> str:
    """Word beside a number that does not carry its unit itself."""
    if result.unit.value == "money":
        return result.currency or ""
    return {"per_day": "per day", "base": "base", "bps": "bps"}.get(result.unit.value, "")


def _doubt(result: Result) -> str:
    """Nothing for a number beyond doubt; else its status and why."""
    if result.status.value == "ok":
        return ""
    from fillbook.results import reason_text  # noqa: PLC0415

    why = ", ".join(reason_text(reason) for reason in result.reasons)
    if result.coverage is not None and result.coverage < 1.0:
        why += f" ({min(result.coverage, 0.999):.1%} covered)"
    return f"{result.status.value.replace('_', ' ')}: {why}" if why else result.status.value


def books_table(answer: Overview) -> Table:
    """Books in their own quote currency, one a row, the largest first."""
    from fillbook.cli.screen import table  # noqa: PLC0415

    left = answer.books.height - _SHOWN_BOOKS
    more = f" (the {_SHOWN_BOOKS} largest; {left} more: fillbook export --table books)"
    books = answer.books.sort("volume_quote", descending=True, nulls_last=True)
    columns = (
        "book", "fills", "volume", "position", "mark", "realized", "unrealized", "fees", "funding",
        "net", "", "status",
    )  # fmt: skip
    rows = [_book_row(row) for row in books.head(_SHOWN_BOOKS).iter_rows(named=True)]
    return table("books" + (more if left > 0 else ""), columns, rows, right=columns[1:10])


def _book_row(row: dict[str, object]) -> tuple[str, ...]:
    """Cells of one book."""
    from fillbook.results import reason_text  # noqa: PLC0415
    from fillbook.units import Unit, format_value  # noqa: PLC0415

    def shown(name: str, unit: Unit = Unit.MONEY) -> str:
        value = row[name]
        number = float(value) if isinstance(value, int | float) else None
        return format_value(number, unit, currency=str(row["quote"]))

    leg = row["leg"] if row["leg"] not in (None, "", "NET") else ""
    name = " ".join(str(part) for part in (row["bot"], row["connector"], row["pair"], leg) if part)
    money = ("realized_quote", "unrealized_quote", "fees_quote", "funding_quote", "net_quote")
    reasons = row["reasons"] if isinstance(row["reasons"], list) else []
    return (
        name,
        shown("n_fills", Unit.COUNT),
        shown("volume_quote"),
        shown("position_base", Unit.BASE),
        shown("mark_quote", Unit.BASE),
        *(shown(column) for column in money),
        str(row["quote"]),
        ", ".join(reason_text(str(reason)) for reason in reasons),
    )
