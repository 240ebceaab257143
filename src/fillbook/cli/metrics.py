"""``fillbook metrics``: what each number means, how it is computed and where that is from."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from fillbook.cli.choices import AsJson

if TYPE_CHECKING:
    from fillbook.metrics.registry import Metric


def metrics(
    key: Annotated[
        str | None,
        typer.Argument(metavar="[KEY]", help="One metric in full; else all, a line each."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Definition, formula and source of the metrics."""
    from fillbook.metrics.registry import find_metric  # noqa: PLC0415
    from fillbook.reports.glossary import metric_object, metrics_by_group  # noqa: PLC0415
    from fillbook.reports.json import to_json  # noqa: PLC0415

    groups = metrics_by_group()
    if as_json:
        every = [metric_object(metric) for metrics in groups.values() for metric in metrics]
        chosen = metric_object(find_metric(key)) if key else every
        sys.stdout.write(to_json(chosen) + "\n")
    elif key:
        _show_one(find_metric(key))
    else:
        _show_all(groups)


def _show_one(metric: Metric) -> None:
    from fillbook.cli.screen import cell, console  # noqa: PLC0415
    from fillbook.reports.glossary import metric_object, parameters  # noqa: PLC0415

    screen = console()
    screen.print(cell(f"{metric.label} ({metric.key})", "bold"))
    said = metric_object(metric)
    said["parameters"] = ", ".join(
        name if default is None else f"{name} = {default}" for name, default in parameters(metric).items()
    )
    for name, value in said.items():
        if name not in ("key", "label") and value:
            screen.print(cell(f"{name:>10}  {value}"))


def _show_all(groups: dict[str, list[Metric]]) -> None:
    from fillbook.cli.screen import console, table  # noqa: PLC0415

    screen = console()
    for group, metrics_of in groups.items():
        rows = [(m.key, m.unit.value.replace("_", " "), m.summary) for m in metrics_of]
        screen.print(table(group, ("key", "unit", "meaning"), rows))
        screen.print()
