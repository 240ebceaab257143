"""Reference pages made from the code: metrics, command line, data model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from fillbook.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fillbook.metrics.registry import Metric

_MADE = "<!-- Made from the code by `make docs`; do not edit. -->\n\n"
_STALE = 1
_ABOUT_METRICS = """\
Each metric is a value with unit, status, reasons, count and coverage. Where there is no number it
says why, and never shows a 0 in its place. `fillbook metrics KEY` shows the same text.

Positive PnL is good for the account; drawdown, value at risk and expected shortfall are losses,
stated as positive numbers. Fractions are stored as fractions (0.01 is 1 %).
"""
_ABOUT_TABLES = """\
The tables every number is computed from, whatever the source was. Money is in the quote asset of
the pair (`_quote`), amounts are in its base asset (`_base`), times are UTC with microseconds.
`source` and `row` lead from a row back to its file and its place there; `fillbook check` lists the
files.
"""


def docs(
    *,
    check: Annotated[bool, typer.Option("--check", help="Fail when a page is stale.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write the pages.")] = False,
    folder: Annotated[Path, typer.Option("--folder", help="Where the pages are.")] = Path("docs"),
) -> None:
    """Write or check the reference pages that are made from the code."""
    if check == write:
        message = "say --check or --write"
        raise BadRequestError(message)
    stale = stale_pages(folder)
    if write:
        for name, text in stale.items():
            (folder / name).write_text(text, encoding="utf-8")
        typer.echo(f"wrote {', '.join(stale) or 'nothing, all fresh'}", err=True)
    elif stale:
        typer.echo(f"stale: {', '.join(stale)}; `make docs` writes them anew", err=True)
        raise typer.Exit(_STALE)


def stale_pages(folder: Path) -> dict[str, str]:
    """Pages whose text in `folder` is not what the code says, with the text that is."""
    pages = {"metrics.md": metrics_page(), "cli.md": cli_page(), "data-model.md": data_model_page()}
    return {
        name: text
        for name, text in pages.items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    }


def metrics_page() -> str:
    """Every metric by group: meaning, formula, source, when there is no number."""
    from fillbook.reports.glossary import metrics_by_group  # noqa: PLC0415

    parts = [f"# Metrics\n\n{_MADE}{_ABOUT_METRICS}"]
    for group, metrics in metrics_by_group().items():
        parts.append(f"\n## {group.capitalize()}\n")
        parts += [_metric_section(metric) for metric in metrics]
    return "".join(parts)


def _metric_section(metric: Metric) -> str:
    from fillbook.reports.glossary import parameters  # noqa: PLC0415

    better = "neither direction is better" if metric.better == "neither" else f"{metric.better} is better"
    lines = [
        f"\n### {metric.label} (`{metric.key}`)\n",
        f"{metric.summary}\n",
        f"$$ {metric.formula} $$\n",
        f"* Unit: {metric.unit.value.replace('_', ' ')}; {better}.",
        f"* No number: {metric.undefined.rstrip('.')}.",
        f"* Source: {metric.source.rstrip('.')}.",
    ]
    if metric.parameters:
        shown = ", ".join(
            f"`{name}`" if preset is None else f"`{name}` = {preset}"
            for name, preset in parameters(metric).items()
        )
        lines.append(f"* Parameters: {shown}.")
    return "\n".join(lines) + "\n"


def data_model_page() -> str:
    """Every canonical table with its columns."""
    from fillbook.schema.tables import TABLES  # noqa: PLC0415

    parts = [f"# Data model\n\n{_MADE}{_ABOUT_TABLES}"]
    for name, schema in TABLES.items():
        meaning = (schema.__doc__ or "").strip().partition("\n")[0]
        parts.append(f"\n## {name}\n\n{meaning}\n\n")
        rows = [
            (f"`{column}`", str(kind.dtype), (kind.metadata or {}).get("unit", ""), _null(kind),
             (kind.metadata or {}).get("meaning", ""))
            for column, kind in schema.columns().items()
        ]  # fmt: skip
        parts.append(_table(("column", "type", "unit", "may be missing", "meaning"), rows))
    return "".join(parts)


def _null(kind: Any) -> str:  # noqa: ANN401  (a dataframely column of any type)
    return "yes" if kind.nullable else ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(str(c).replace("|", "\\|") for c in line) + " |\n" for line in lines)


def cli_page() -> str:
    """Every command with its arguments and options."""
    from typer.main import get_command  # noqa: PLC0415

    from fillbook.cli.main import app  # noqa: PLC0415

    group: Any = get_command(app)
    parts = ["# Command line\n\n", _MADE, f"{group.help}\n\n{app.info.epilog}\n"]
    for name, command in group.commands.items():
        for words, one in _commands(name, command):
            parts.append(_command_section(words, one))
    return "".join(parts)


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  (typer's own class)
    """A command, or those of a group, by the words that call them."""
    for word, one in getattr(command, "commands", {}).items():
        yield from _commands(f"{name} {word}", one)
    if not hasattr(command, "commands") and not command.hidden:
        yield name, command


def _command_section(name: str, command: Any) -> str:  # noqa: ANN401  (typer's own command class)
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    usage = " ".join(["fillbook", name, *(p.metavar or p.name.upper() for p in arguments), "[OPTIONS]"])
    rows = [
        (", ".join(f"`{flag}`" for flag in p.opts), _value(p), p.help or "", _preset(p))
        for p in command.params
        if p.param_type_name == "option" and not p.hidden
    ]
    text = f"\n## {name}\n\n{command.help}\n\n```\n{usage}\n```\n\n"
    text += "".join(f"{p.metavar or p.name}: {p.help}\n\n" for p in arguments)
    return text + _table(("option", "value", "meaning", "default"), rows)


def _value(option: Any) -> str:  # noqa: ANN401  (typer's own option class)
    if option.is_flag:
        return ""
    annotation = option.type_descriptor.annotation
    words = "|".join(str(word) for word in get_args(annotation) if isinstance(word, str))
    shown = option.metavar or words or annotation.__name__.upper()
    return f"`{shown}`" + (" (required)" if option.required else "")


def _preset(option: Any) -> str:  # noqa: ANN401  (typer's own option class)
    preset = option.default
    return "" if option.is_flag or preset in (None, "", [], ()) else f"`{preset}`"


if __name__ == "__main__":
    typer.run(docs)
