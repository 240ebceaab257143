"""``fillbook``: the entry point, and what an error looks like to a user.

Exit codes: 0 fine; 1 a finding is an error, the book does not balance, or a limit was exceeded; 2 a
source cannot be read, or the request cannot be answered as it was made.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fillbook.cli import (
    allocate,
    api,
    attribution,
    candles,
    check,
    checkpoints,
    compare,
    demo,
    docs,
    execution,
    export,
    limits,
    merge,
    metrics,
    reconcile,
    risk,
    serve,
    sources,
    summary,
    watch,
)  # fmt: skip
from fillbook.errors import FillbookError

CANNOT = 2

app = typer.Typer(
    name="fillbook",
    help="What a trading bot earned, read from what it wrote, every fill booked once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 fine; 1 findings of severity error; 2 cannot read, or a bad request.",
)
app.command("summary")(summary.summary)
app.command("execution")(execution.execution)
app.command("attribution")(attribution.attribution)
app.command("risk")(risk.risk)
app.command("compare")(compare.compare)
app.command("allocate")(allocate.allocate)
app.command("limits")(limits.limits)
app.command("watch")(watch.watch)
app.command("reconcile")(reconcile.reconcile)
app.command("check")(check.check)
app.command("candles")(candles.candles)
app.command("runs")(api.runs)
app.command("balances")(api.balances)
app.command("merge")(merge.merge)
app.add_typer(checkpoints.app, name="checkpoints")
app.command("metrics")(metrics.metrics)
app.command("export")(export.export)
app.command("sources")(sources.sources)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.command("docs", hidden=True)(docs.docs)


def _say_version(*, is_asked: bool) -> None:
    if is_asked:
        from fillbook import __version__  # noqa: PLC0415

        typer.echo(f"fillbook {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    """Say what a trading bot earned, read from what it wrote, every fill booked once."""


def main() -> None:
    """Run the command line; an error of ours is one message and exit code 2."""
    try:
        app(prog_name="fillbook")
    except FillbookError as error:
        typer.echo(f"fillbook: {error}", err=True)
        sys.exit(CANNOT)
