"""``fillbook limits``: what went beyond its limit, and where every limit stands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fillbook.cli.choices import AsJson, Choices, with_choices
from fillbook.errors import BadRequestError

if TYPE_CHECKING:
    from rich.table import Table

    from fillbook.analysis.limits import Limits, Watch

BREACHED = 1
_STYLES = {"breach": "bold red", "warn": "yellow", "unknown": "dim", "ok": "green"}
_UNITS = {"bps": "bps", "count": "times"}  # of what its number does not say itself
_SAID = {"money": "reporting currency", "base": "coins", "fraction": "0.2 is 20 %"}
_Uris = Annotated[
    list[str] | None,
    typer.Argument(metavar="URI", help="What to open, as for the other commands.", show_default=False),
]
_File = Annotated[
    Path | None,
    typer.Option("--limits", help="File of limits, TOML.", metavar="FILE", show_default=False),
]
_Example = Annotated[bool, typer.Option("--example", help="Write a file of limits to start from, and stop.")]
_Kinds = Annotated[bool, typer.Option("--kinds", help="List what can be watched, and stop.")]
_Send = Annotated[bool, typer.Option("--send", help="Send the breaches to the addresses of the file.")]


@with_choices
def limits(
    uris: _Uris = None, *, choices: Choices, file: _File = None, send: _Send = False,
    example: _Example = False, kinds: _Kinds = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Watch limits over the whole run: their breaches, and where each stands; exit code 1 on a breach."""
    if example or kinds:
        _tell(is_example=example)
        return
    from fillbook.analysis.limit_file import read_limits  # noqa: PLC0415
    from fillbook.cli.opening import watched  # noqa: PLC0415
    from fillbook.reports.json import to_json  # noqa: PLC0415
    from fillbook.reports.limits import limits_object  # noqa: PLC0415

    if file is None:
        raise BadRequestError(
            "name a file of limits: --limits limits.toml; --example writes one to start from"
        )
    if not uris:
        raise BadRequestError("name what to watch: a database, a CSV or a folder of them")
    asked = read_limits(text_of(file), str(file))
    data, answer = watched(uris, choices, asked)
    if as_json:
        sys.stdout.write(to_json(limits_object(answer, data)) + "\n")
    else:
        show(answer)
    if send:
        _deliver(answer, asked.urls)
    if answer.is_breached:
        raise typer.Exit(BREACHED)


def text_of(file: Path) -> str:
    """Text of a file of limits.

    Raises
    ------
    BadRequestError
        The file cannot be read.
    """
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequestError(f"{file} cannot be read: {error}") from error


def _tell(*, is_example: bool) -> None:
    """An example, or what can be watched."""
    from fillbook.analysis.limit_file import EXAMPLE  # noqa: PLC0415
    from fillbook.analysis.limit_kinds import KINDS  # noqa: PLC0415
    from fillbook.cli.screen import console, table  # noqa: PLC0415

    if is_example:
        sys.stdout.write(EXAMPLE)
        return
    rows = [
        [
            what,
            _SAID.get(kind.unit.value, kind.unit.value),
            "" if kind.window_s is None else f"{kind.window_s:,.0f}",
            kind.meaning,
        ]
        for what, kind in KINDS.items()
    ]
    console().print(
        table("what can be watched", ["what =", "unit", "window_s", ""], rows, right=("window_s",))
    )


def _deliver(answer: Limits, urls: tuple[str, ...]) -> None:
    """Send every breach, and say on standard error what arrived."""
    from fillbook.reports.alerts import messages_of, send  # noqa: PLC0415

    for delivery in send(messages_of(answer), urls):
        typer.echo(f"{delivery.where}: {delivery.n_sent} of {delivery.n} messages sent", err=True)


def show(answer: Limits) -> None:
    """Write the answer to the terminal."""
    from fillbook.cli.screen import cell, console, findings_line  # noqa: PLC0415
    from fillbook.units import format_duration  # noqa: PLC0415

    screen = console()
    screen.print(cell(answer.headline))
    screen.print(cell(f"looked at every {format_duration(answer.every_s)}", "dim"))
    screen.print()
    screen.print(states(answer))
    if answer.episodes.height:
        screen.print()
        screen.print(_episodes(answer))
    screen.print()
    screen.print(findings_line(answer.findings))


def _shown(watch: Watch, value: float | None) -> str:
    from fillbook.units import format_value  # noqa: PLC0415

    return format_value(value, watch.limit.kind.unit, currency=watch.currency)


def states(answer: Limits) -> Table:
    """Where each limit stands, a row a limit."""
    from fillbook.cli.screen import cell, table  # noqa: PLC0415
    from fillbook.results import reason_text  # noqa: PLC0415

    rows = [
        [
            cell(watch.state.value, _STYLES[watch.state.value]), watch.limit.name,
            _shown(watch, watch.value), _shown(watch, watch.limit.threshold.limit),
            watch.currency or _UNITS.get(watch.limit.kind.unit.value, ""), f"{watch.episodes.height:,}",
            f"{watch.n_over:,} of {watch.n:,}", reason_text(watch.reason) if watch.reason else "",
        ]
        for watch in answer.watches
    ]  # fmt: skip
    columns = ["state", "limit", "now", "max", "", "episodes", "samples above", "because"]
    return table("limits at the end", columns, rows, right=("now", "max", "episodes", "samples above"))


def _episodes(answer: Limits) -> Table:
    """A row an episode, the newest first."""
    from fillbook.cli.screen import moment, table  # noqa: PLC0415

    by_name = {watch.limit.name: watch for watch in answer.watches}
    rows = [
        [
            row["limit"], moment(row["start"]), moment(row["detected"]),
            "open" if row["end"] is None else moment(row["end"]), _shown(by_name[row["limit"]], row["peak"]),
            _shown(by_name[row["limit"]], row["max"]), f"{row['n']:,}",
        ]
        for row in answer.episodes.iter_rows(named=True)
    ]  # fmt: skip
    columns = ["limit", "start, UTC", "detected", "end", "peak", "max", "samples"]
    return table("episodes, the newest first", columns, rows, right=("peak", "max", "samples"))
