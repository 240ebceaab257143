"""``fillbook runs`` and ``fillbook balances``: what a Hummingbot API keeps beside the trades of its bots."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fillbook.cli.choices import AsJson

ApiUri = Annotated[str, typer.Argument(metavar="URI", help="hummingbot-api://host:8000", show_default=False)]


def runs(uri: ApiUri, *, as_json: AsJson = False) -> None:
    """List the runs of bots that a Hummingbot API started, and where their archives are."""
    from fillbook.cli.screen import console, moment, table  # noqa: PLC0415
    from fillbook.reports.json import plain, to_json  # noqa: PLC0415
    from fillbook.sources.api_books import bot_runs  # noqa: PLC0415

    found = bot_runs(uri)
    if as_json:
        sys.stdout.write(to_json({"schema": "fillbook.runs/1", "runs": plain(found)}) + "\n")
        return
    rows = [
        (
            row["bot"], *(moment(at) if (at := row[name]) else "" for name in ("deployed_at", "stopped_at")),
            row["strategy"], row["run_status"], row["error"] or "", row["archived"] or "",
        )
        for row in found.iter_rows(named=True)
    ]  # fmt: skip
    columns = ("bot", "deployed", "stopped", "strategy", "state", "error", "archive")
    console().print(table("runs", columns, rows))


def balances(uri: ApiUri, *, as_json: AsJson = False) -> None:
    """Show what the accounts of a Hummingbot API held last; with --json, at every time it looked."""
    from fillbook.cli.screen import console, moment, table  # noqa: PLC0415
    from fillbook.reports.json import plain, to_json  # noqa: PLC0415
    from fillbook.sources.api_books import portfolio_history  # noqa: PLC0415
    from fillbook.units import Unit, counted, format_value  # noqa: PLC0415

    found = portfolio_history(uri)
    if as_json:
        sys.stdout.write(to_json({"schema": "fillbook.balances/1", "balances": plain(found)}) + "\n")
        return
    times = found["at"].unique().sort()
    screen = console()
    if not times.len():
        screen.print("the API has no balances yet")
        return
    last = found.filter(at=times[-1])
    rows = [
        (row["account"], row["connector"], row["token"],
         *(format_value(row[name], Unit.BASE) for name in ("units", "price", "value")))
        for row in last.iter_rows(named=True)
    ]  # fmt: skip
    columns = ("account", "exchange", "token", "units", "price", "value")
    title = f"balances at {moment(times[-1])} UTC"
    screen.print(table(title, columns, rows, right=columns[3:]))
    screen.print(f"{counted(times.len(), 'snapshot')} since {moment(times[0])} UTC; --json gives all")
