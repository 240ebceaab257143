"""``fillbook compare``: sides beside one another, against benchmarks and peers."""

from __future__ import annotations

import math
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fillbook.cli.choices import AsJson, Choices, Uris, with_choices
from fillbook.errors import BadRequestError

if TYPE_CHECKING:
    from rich.table import Table

    from fillbook.analysis.compare import Comparison
    from fillbook.analysis.pairing import Measured

    Titled = tuple[str, Table]  # the title in a line of its own, as wide as the screen

By = Literal["bot", "controller", "pair", "config"]
_OF_RETURNS = {
    "alpha": "alpha/year", "beta": "beta", "correlation": "corr", "tracking_error": "track. error",
    "information_ratio": "info ratio", "up_capture": "up", "down_capture": "down", "excess_return": "ahead",
}  # fmt: skip
_OF_MONEY = {
    "alpha_per_day": "alpha/day", "beta": "beta", "beta_holding": "like holding", "correlation": "corr",
    "tracking_error_per_day": "track. error/day", "information_ratio": "info ratio", "excess_pnl": "ahead",
}  # fmt: skip
CAPITAL_HELP = "Capital of every side, or of one by its name; repeatable. Returns need it."


@with_choices
def compare(  # noqa: PLR0913  (each is an option)
    uris: Uris,
    *,
    choices: Choices,
    by: Annotated[
        By | None, typer.Option("--by", help="Parts of one opening, instead of a side a URI.")
    ] = None,
    periods: Annotated[
        list[str] | None,
        typer.Option("--periods", metavar="DAY..DAY", help="A stretch of UTC days; give two or more."),
    ] = None,
    benchmark: Annotated[
        list[str] | None,
        typer.Option(
            "--benchmark", metavar="WHAT",
            help="zero, hold[:PAIR], basket, sides, inventory:BASE=AMOUNT, or a CSV date,return; repeatable.",
        ),
    ] = None,
    capital: Annotated[
        list[str] | None, typer.Option("--capital", metavar="[NAME=]AMOUNT", help=CAPITAL_HELP)
    ] = None,
    reference: Annotated[
        str | None, typer.Option("--reference", metavar="NAME", help="Side to measure the others against.")
    ] = None,
    peers: Annotated[
        Path | None, typer.Option("--peers", metavar="FILE", help="Results of others, JSON or CSV.")
    ] = None,
    peer_rows: Annotated[
        Path | None,
        typer.Option("--peer-rows", metavar="FILE", help="Write own results without names, for others."),
    ] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Compare sources, bots, controllers, pairs, configurations or periods, and benchmarks."""
    from fillbook.cli.opening import compared  # noqa: PLC0415
    from fillbook.reports.compare import compare_object  # noqa: PLC0415
    from fillbook.reports.json import to_json  # noqa: PLC0415

    asked = {
        "by": by, "periods": [window(text) for text in periods or []],
        "benchmarks": [_benchmark(text) for text in benchmark or []], "capital": amounts(capital or []),
        "reference": reference, "peers": _peers(peers),
    }  # fmt: skip
    if peer_rows is not None and peer_rows.exists():
        raise BadRequestError(f"{peer_rows} is there already; name another file")
    is_one = by is not None or bool(periods) or len(uris) == 1
    held, answer = compared(uris, choices, asked, is_one=is_one)
    if peer_rows is not None:
        _write_rows(peer_rows, answer)
    if as_json:
        sys.stdout.write(to_json(compare_object(answer, held)) + "\n")
    else:
        show(answer)


def window(text: str) -> tuple[date, date]:
    """First and last day of ``2026-09-01..2026-09-30``, both included.

    >>> window("2026-09-01..2026-09-30")
    (datetime.date(2026, 9, 1), datetime.date(2026, 9, 30))
    """
    first, dots, last = text.partition("..")
    try:
        days = date.fromisoformat(first.strip()), date.fromisoformat(last.strip())
    except ValueError as error:
        message = f"--periods is two UTC days like 2026-09-01..2026-09-30, not {text!r}"
        raise BadRequestError(message) from error
    if not dots or days[0] > days[1]:
        raise BadRequestError(f"--periods ends before it begins: {text}")
    return days


def amounts(texts: list[str]) -> float | dict[str, float] | None:
    """Capital of every side, or by name; None where none was given.

    >>> amounts(["maker=1000", "grid=500"])
    {'maker': 1000.0, 'grid': 500.0}
    """
    found: dict[str, float] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            amount = float(number)
        except ValueError:
            amount = math.nan
        if not math.isfinite(amount):
            raise BadRequestError(f"--capital is an amount or NAME=AMOUNT, like maker=1000; not {text!r}")
        found[name.strip()] = amount
    if "" not in found:
        return found or None
    if len(found) > 1:
        raise BadRequestError("--capital is either one amount for every side, or NAME=AMOUNT for each")
    return found[""]


def _benchmark(text: str) -> object:
    """A word, or the returns of a file."""
    if not text.lower().endswith(".csv"):
        return text
    from fillbook.sources.return_files import read_returns  # noqa: PLC0415

    return Path(text).stem, read_returns(text)


def _peers(path: Path | None) -> object:
    if path is None:
        return None
    from fillbook.analysis.peers import PEER_COLUMNS, PEERS_SCHEMA  # noqa: PLC0415
    from fillbook.sources.peer_files import read_peers  # noqa: PLC0415

    return read_peers(path, PEER_COLUMNS, PEERS_SCHEMA)


def _write_rows(path: Path, answer: Comparison) -> None:
    """Own results without names, as a peer file."""
    from fillbook.reports.compare import peers_object  # noqa: PLC0415
    from fillbook.reports.json import to_json  # noqa: PLC0415

    try:
        path.write_text(to_json(peers_object(answer.own_rows), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadRequestError(f"{path} cannot be written: {error.strerror}") from error


def show(answer: Comparison) -> None:
    """Write the answer to the terminal."""
    from fillbook.cli.screen import cell, console, findings_line  # noqa: PLC0415
    from fillbook.reports.compare import headline  # noqa: PLC0415

    screen = console()
    for sentence in headline(answer):
        screen.print(cell(sentence))
    screen.print()
    for title, table in (
        _sides(answer), *_measured(answer), _peer_table(answer), _months(answer), _changes(answer)
    ):  # fmt: skip
        if table.row_count:
            screen.print(cell(title, "italic"))
            screen.print(table)
            screen.print()
    line = findings_line(answer.findings)
    screen.print(line.append("; --json lists them") if answer.findings else line)


def _shown(value: object, kind: str, currency: str | None = None) -> str:
    from fillbook.units import Unit, format_value  # noqa: PLC0415

    return format_value(
        float(value) if isinstance(value, int | float) else None, Unit(kind), currency=currency
    )


def _sides(answer: Comparison) -> Titled:
    """Figures of each side over its own days."""
    from fillbook.cli.screen import table  # noqa: PLC0415

    columns = (
        "side",
        "from",
        "to",
        "days",
        "net",
        "",
        "Sharpe",
        "winning days",
        "max drawdown, daily",
        "bps",
    )
    rows = [
        (row["side"], str(row["first"] or ""), str(row["last"] or ""), _shown(row["n_days"], "count"),
         _shown(row["net"], "money", row["currency"]), row["currency"] or "", _shown(row["sharpe"], "ratio"),
         _shown(row["winning_days"], "fraction"), _shown(row["max_drawdown"], "money", row["currency"]),
         _shown(row["net_bps"], "bps"))
        for row in answer.sides.iter_rows(named=True)
    ]  # fmt: skip
    return "sides, each over its own days", table("", columns, rows, right=columns[3:5] + columns[6:])


def _measured(answer: Comparison) -> list[Titled]:
    """Two tables a thing measured against: figures, and differences with their intervals."""
    groups = [
        [m for m in answer.measured if m.other == other]
        for other in dict.fromkeys(m.other for m in answer.measured)
    ]
    return [table for found in groups for table in (_figures(found), _differences(found, answer))]


def _figures(found: list[Measured]) -> Titled:
    """Metrics of each side against one other; what no side has is left out."""
    from fillbook.cli.screen import table  # noqa: PLC0415
    from fillbook.results import reason_text  # noqa: PLC0415
    from fillbook.units import format_value  # noqa: PLC0415

    wanted = _OF_RETURNS if any(m.mean_is_return for m in found) else _OF_MONEY
    keys = [k for k in wanted if any(k in m.metrics and m.metrics[k].value is not None for m in found)]
    rows = []
    for m in found:
        results = [m.metrics[key] for key in keys]
        values = [format_value(r.value, r.unit, currency=r.currency) for r in results]
        doubts = dict.fromkeys([m.lack] if m.lack else [reason for r in results for reason in r.reasons])
        rows.append((m.side, *values, ", ".join(map(reason_text, doubts))))
    heads = ("side", *(wanted[key] for key in keys), "")
    title = f"against {found[0].other} · {found[0].n_days} days · {found[0].basis}"
    return title, table("", heads, rows if keys or any(m.lack for m in found) else [], right=heads[1:-1])


def _differences(found: list[Measured], answer: Comparison) -> Titled:
    """Differences of mean and Sharpe ratio with 95 % intervals by long-run variance."""
    from fillbook.cli.screen import table  # noqa: PLC0415
    from fillbook.reports.compare import mean_text  # noqa: PLC0415
    from fillbook.results import reason_text  # noqa: PLC0415
    from fillbook.units import Unit, format_value  # noqa: PLC0415

    rows = []
    for m in found:
        for d in m.differences:
            texts = [
                mean_text(m, x, answer) if d.what == "mean" else format_value(x, Unit.RATIO, signed=True)
                for x in (d.value, d.low, d.high)
            ]
            name = "mean a day" if d.what == "mean" else "Sharpe"
            why = ", ".join(map(reason_text, d.reasons)) or ("clear" if d.is_clear else "")
            rows.append((m.side, name, *texts, f"{d.n_one} | {d.n_other}", why))
    how = "day by day on the same days" if found[0].is_paired else "each on its own days"
    heads = ("side", "what", "difference", "from", "to", "days", "")
    return f"less {found[0].other}, 95 % intervals, {how}", table("", heads, rows, right=heads[2:5])


def _peer_table(answer: Comparison) -> Titled:
    """Percentile of each side by metric."""
    import polars as pl  # noqa: PLC0415

    from fillbook.cli.screen import table  # noqa: PLC0415
    from fillbook.units import counted  # noqa: PLC0415

    placed = answer.peers.filter(pl.col("percentile").is_not_null())
    metrics = list(dict.fromkeys(placed["metric"]))
    held = {(row["side"], row["metric"]): row["percentile"] for row in placed.iter_rows(named=True)}
    rows = [
        (side, *(_shown(None if (p := held.get((side, m))) is None else 100.0 * p, "count") for m in metrics))
        for side in dict.fromkeys(placed["side"])
    ]
    heads = ("side", *(metric.replace("_", " ") for metric in metrics))
    n = int(placed["n_peers"].sort()[-1]) if placed.height else 0
    return f"percentile among {counted(n, 'peer')} (50 is the middle)", table(
        "", heads, rows, right=heads[1:]
    )


def _months(answer: Comparison) -> Titled:
    """Net PnL of each side by month: months may be many."""
    from fillbook.cli.screen import table  # noqa: PLC0415

    months = answer.months["month"].unique().sort().to_list()
    held = {(row["side"], row["month"]): row for row in answer.months.iter_rows(named=True)}
    money = dict(zip(answer.sides["side"], answer.sides["currency"], strict=True))
    rows = [
        (month.strftime("%b %Y"),
         *(_shown(held[side, month]["net"], "money", money[side]) if (side, month) in held else ""
           for side in money))
        for month in months
    ]  # fmt: skip
    heads = ("month", *money)
    return "net PnL by month", table("", heads, rows if len(months) > 1 else [], right=heads[1:])


def _changes(answer: Comparison) -> Titled:
    """Before and after each change of configuration."""
    from fillbook.cli.screen import table  # noqa: PLC0415
    from fillbook.results import reason_text  # noqa: PLC0415

    heads = ("controller", "changed", "what", "before", "after", "difference", "from", "to", "days", "")
    rows = []
    for row in answer.changes.iter_rows(named=True):
        kind = "ratio" if row["what"] == "sharpe" else "fraction" if row["is_return"] else "money"
        numbers = [_shown(row[name], kind) for name in ("before", "after", "difference", "low", "high")]
        rows.append((
            row["controller"] or row["bot"], f"{row['at']:%Y-%m-%d %H:%M}",
            "mean a day" if row["what"] == "mean" else "Sharpe", *numbers,
            f"{row['n_before']} | {row['n_after']}", reason_text(row["reason"]) if row["reason"] else "",
        ))  # fmt: skip
    return "before and after each change of configuration, 95 %", table("", heads, rows, right=heads[3:8])
