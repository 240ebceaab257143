"""The `fillbook` command."""

from __future__ import annotations

import sys

import typer

from fillbook.cli import check, export, metrics, serve, summary
from fillbook.errors import FillbookError

CANNOT_READ = 2

app = typer.Typer(
    name="fillbook",
    help="What a trading bot earned, read from what it wrote, every fill booked once.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("summary")(summary.summary)
app.command("check")(check.check)
app.command("metrics")(metrics.metrics)
app.command("export")(export.export)
app.command("serve")(serve.serve)
app.command("demo")(serve.demo)


def main() -> None:
    """Run the command; a user sees one clear line for what he can mend, never a traceback."""
    try:
        app()
    except FillbookError as error:
        sys.stderr.write(f"fillbook: {error}\n")
        sys.exit(CANNOT_READ)
    except BrokenPipeError:  # `fillbook … | head` is no mistake
        sys.stderr.close()
        sys.exit(0)
