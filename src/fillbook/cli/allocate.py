"""``fillbook allocate``: how capital might be spread over bots, and whether that would have helped."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fillbook.cli.choices import AsJson, Choices, Uris, with_choices
from fillbook.cli.compare import amounts

if TYPE_CHECKING:
    from rich.table import Table

    from fillbook.analysis.allocation import Allocation

By = Literal["bot", "controller", "pair"]


@with_choices
def allocate(
    uris: Uris,
    *,
    choices: Choices,
    capital: Annotated[
        list[str] | None,
        typer.Option(
            "--capital", metavar="[BOT=]AMOUNT",
            help="Capital of a bot, repeatable; one amount without a name is what each bot has.",
        ),
    ] = None,
    by: Annotated[By, typer.Option("--by", help="What counts as a bot.")] = "bot",
    cap: Annotated[float, typer.Option("--cap", help="Largest weight.")] = 0.4,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Suggest how to spread capital over bots: several rules, tried on days they had not seen."""
    from fillbook.cli.opening import allocated  # noqa: PLC0415
    from fillbook.reports.allocation import allocation_object  # noqa: PLC0415
    from fillbook.reports.json import to_json  # noqa: PLC0415

    data, answer = allocated(uris, choices, {"capital": amounts(capital or []), "by": by, "cap": cap})
    if as_json:
        sys.stdout.write(to_json(allocation_object(answer, data)) + "\n")
    else:
        show(answer)


def show(answer: Allocation) -> None:
    """Write the answer to the terminal."""
    from fillbook.cli.screen import cell, console, findings_line  # noqa: PLC0415
    from fillbook.reports.allocation import CAPACITY, NO_ORDER, headline  # noqa: PLC0415

    screen = console()
    for sentence in headline(answer):
        screen.print(cell(sentence))
    screen.print()
    for title, table in (_bots(answer), _weights(answer), _tried(answer)):
        if table.row_count:
            screen.print(cell(title, "italic"))
            screen.print(table)
            screen.print()
    screen.print(cell(f"{NO_ORDER} {CAPACITY}", "dim"))
    screen.print(findings_line(answer.findings))


def _shown(value: object, kind: str, currency: str | None = None, *, signed: bool = False) -> str:
    from fillbook.units import Unit, format_value  # noqa: PLC0415

    number = float(value) if isinstance(value, int | float) else None
    return format_value(number, Unit(kind), currency=currency, signed=signed)


def _bots(answer: Allocation) -> tuple[str, Table]:
    """Each bot with its capital and what it did on the common days."""
    from fillbook.cli.screen import table  # noqa: PLC0415
    from fillbook.results import reason_text  # noqa: PLC0415

    heads = ("bot", "capital", "share", "days", "mean a day", "deviation", "Sharpe", "turnover a day", "")
    rows = [
        (
            row["bot"], _shown(row["capital"], "money", answer.currency), _shown(row["weight"], "fraction"),
            _shown(row["n_days"], "count"), _shown(row["mean"], "fraction", signed=True),
            _shown(row["deviation"], "fraction"), _shown(row["sharpe"], "ratio"),
            _shown(row["turnover"], "ratio"), reason_text(row["reason"]) if row["reason"] else "",
        )
        for row in answer.bots.iter_rows(named=True)
    ]  # fmt: skip
    title = f"bots, returns of their capital in {answer.currency or 'no common currency'}"
    return title, table("", heads, rows, right=heads[1:-1])


def _weights(answer: Allocation) -> tuple[str, Table]:
    """A row a rule, a column a bot: the weight, and where nine in ten resamples put it."""
    from fillbook.cli.screen import table  # noqa: PLC0415
    from fillbook.reports.allocation import LABELS  # noqa: PLC0415

    bots = list(dict.fromkeys(answer.weights["bot"]))
    held = {(row["rule"], row["bot"]): row for row in answer.weights.iter_rows(named=True)}
    rows = [
        (LABELS[rule], *(_ranged(held[rule, bot]) for bot in bots))
        for rule in dict.fromkeys(answer.weights["rule"])
    ]
    heads = ("rule", *bots)
    limit = "" if answer.is_cap_lifted else f", at most {answer.cap:.0%} each"
    title = f"weights{limit}; in brackets where nine in ten resamples of the days put them"
    return title, table("", heads, rows, right=heads[1:])


def _ranged(row: dict[str, object]) -> str:
    low, weight, high = (
        f"{100.0 * value:.0f}" if isinstance(value := row[name], float) else ""
        for name in ("low", "weight", "high")
    )
    if not weight:
        return "—"
    return f"{weight} % ({low}–{high})" if low else f"{weight} %"


def _tried(answer: Allocation) -> tuple[str, Table]:
    """How each rule did on the days it had not seen."""
    from fillbook.cli.screen import table  # noqa: PLC0415
    from fillbook.reports.allocation import LABELS  # noqa: PLC0415
    from fillbook.results import reason_text  # noqa: PLC0415

    heads = ("rule", "mean a day", "deviation", "Sharpe", "less equal", "from", "to", "refits", "")
    rows = []
    for row in answer.out_of_sample.iter_rows(named=True):
        note = (
            "beats equal weights"
            if row["beats_equal"]
            else reason_text(row["reason"])
            if row["reason"]
            else ""
        )
        if row["n_without"]:
            note = f"{row['n_without']} refits without an answer, equal weights instead" + (
                note and f"; {note}"
            )
        rows.append((
            LABELS[row["rule"]], _shown(row["mean"], "fraction", signed=True),
            _shown(row["deviation"], "fraction"), _shown(row["sharpe"], "ratio"),
            *(_shown(row[name], "ratio", signed=True) for name in ("difference", "low", "high")),
            _shown(row["n_refits"], "count"), note,
        ))  # fmt: skip
    title = f"on {answer.n_unseen} unseen days; intervals hold for all rules together at 95 %"
    return title, table("", heads, rows, right=heads[1:-1])
