"""`fillbook metrics`: what each number means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fillbook.cli import options

if TYPE_CHECKING:
    from fillbook.metrics.registry import Metric


def fields(metric: Metric) -> dict[str, str]:
    """A metric's definition as text."""
    return {
        "key": metric.key, "label": metric.label, "group": metric.group, "unit": metric.unit.value,
        "better": metric.better, "meaning": metric.summary, "formula": metric.formula,
        "source": metric.source, "undefined": metric.undefined,
    }  # fmt: skip


def metrics(
    key: Annotated[str | None, typer.Argument(help="One metric; all are listed without.")] = None,
    as_json: options.AsJson = False,  # noqa: FBT002
) -> None:
    """Definition, formula and source of every metric."""
    from fillbook.metrics.evaluate import load_metrics  # noqa: PLC0415
    from fillbook.metrics.registry import find_metric  # noqa: PLC0415

    known = load_metrics()
    chosen = [find_metric(key)] if key else sorted(known.values(), key=lambda metric: metric.group)
    if as_json:
        from fillbook.reports.json import dumps  # noqa: PLC0415

        typer.echo(dumps([fields(metric) for metric in chosen]))
    elif key:
        for name, text in fields(chosen[0]).items():
            typer.echo(f"{name:<10}{text}")
    else:
        group = ""
        for metric in chosen:
            if metric.group != group:
                group = metric.group
                typer.echo(f"\n{group}")
            typer.echo(f"  {metric.key:<32}{metric.summary}")
