"""``fillbook execution``: how well the orders were executed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fillbook.cli.choices import AsJson, Choices, Uris, with_choices

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table
    from rich.text import Text

    from fillbook.analysis.execution import Execution

_NO_MID = "no mid"
_GROUPS = ("order_type", "side", "level", "spread")


@with_choices
def execution(uris: Uris, *, choices: Choices, as_json: AsJson = False) -> None:
    """Show how well the orders were executed: spreads, markouts, fill rates, latency, costs."""
    from fillbook.cli.opening import executed  # noqa: PLC0415
    from fillbook.reports.execution import execution_object  # noqa: PLC0415
    from fillbook.reports.json import to_json  # noqa: PLC0415

    data, answer = executed(uris, choices)
    if as_json:
        sys.stdout.write(to_json(execution_object(answer, data)) + "\n")
    else:
        show(answer)


def show(answer: Execution) -> None:
    """Write the answer to the terminal."""
    from fillbook.cli.screen import console, findings_line  # noqa: PLC0415
    from fillbook.cli.summary import metrics_table  # noqa: PLC0415

    screen = console()
    screen.print(_scope(answer))
    screen.print()
    for table in (
        metrics_table(answer), _mids(answer), _spreads(answer), _markouts(answer), *_rates(answer),
        _latency(answer),
    ):  # fmt: skip
        if table.row_count:
            screen.print(table)
            screen.print()
    line = findings_line(answer.findings)
    screen.print(line.append("; --json lists them") if answer.findings else line)


def _scope(answer: Execution) -> Text:
    """Period, orders, fills, and what counts as a fresh quote."""
    from fillbook.cli.screen import cell, moment  # noqa: PLC0415
    from fillbook.units import counted  # noqa: PLC0415

    how = answer.conventions
    period = " – ".join(moment(at) for at in answer.period) + " UTC" if answer.period else "no period"
    proxy = "; candle closes stand in for mids" if how.mid_proxy == "candle" else ""
    parts = (
        period, counted(answer.lives.height, "order"), counted(answer.fills.height, "fill"),
        answer.currency or "no common currency", f"quotes at most {how.max_quote_age_s:g} s old{proxy}",
    )  # fmt: skip
    return cell(" · ".join(parts))


def _shown(value: object, kind: str) -> str:
    from fillbook.units import Unit, format_value  # noqa: PLC0415

    return format_value(float(value) if isinstance(value, int | float) else None, Unit(kind))


def _table(title: str, rows: pl.DataFrame, columns: dict[str, tuple[str, str]]) -> Table:
    """Columns of a frame, each with its header and unit; ``text`` is shown as it is."""
    from fillbook.cli.screen import table  # noqa: PLC0415

    cells = [
        ["" if row[name] is None else str(row[name]) if kind == "text" else _shown(row[name], kind)
         for name, (_, kind) in columns.items()]
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip
    numbers = [header for header, kind in columns.values() if kind != "text"]
    return table(title, [header for header, _ in columns.values()], cells, right=numbers)


def _mids(answer: Execution) -> Table:
    """Where the mids before the fills came from."""
    from fillbook.analysis.mids import KIND_TEXT  # noqa: PLC0415

    rows = answer.mids.with_columns(kind=answer.mids["kind"].fill_null(_NO_MID).replace(dict(KIND_TEXT)))
    return _table("mids before the fills", rows, {
        "kind": ("from", "text"), "n": ("fills", "count"), "share": ("of value", "fraction"),
        "age_p50_s": ("age p50", "seconds"), "age_p95_s": ("p95", "seconds"), "age_max_s": ("max", "seconds"),
    })  # fmt: skip


def _spreads(answer: Execution) -> Table:
    """Spreads of each market, bps."""
    return _table("spreads by market, bps, after 60 s", answer.spreads, {
        "connector": ("exchange", "text"), "pair": ("pair", "text"), "n": ("fills", "count"),
        "coverage": ("with mid", "fraction"), "edge_bps": ("edge", "bps"), "quoted_bps": ("quoted", "bps"),
        "effective_bps": ("effective", "bps"), "realized_bps": ("realised", "bps"),
        "impact_bps": ("impact", "bps"),
    })  # fmt: skip


def _markouts(answer: Execution) -> Table:
    """The markout curve, with what is missing and why."""
    import polars as pl  # noqa: PLC0415

    from fillbook.results import reason_text  # noqa: PLC0415

    words = pl.col("reason").map_elements(reason_text, return_dtype=pl.String)
    return _table("markouts, bps (95 %, bootstrap over hours)", answer.markouts.with_columns(reason=words), {
        "horizon_s": ("after", "seconds"), "markout_bps": ("markout", "bps"), "low": ("from", "bps"),
        "high": ("to", "bps"), "n": ("fills", "count"), "coverage": ("of value", "fraction"),
        "reason": ("", "text"),
    })  # fmt: skip


def _rates(answer: Execution) -> list[Table]:
    """Fill rates by what an order is."""
    columns = {
        "n_terminal": ("ended", "count"), "n_open": ("open", "count"), "fill_rate": ("filled", "fraction"),
        "low": ("from", "fraction"), "high": ("to", "fraction"), "fill_rate_full": ("whole", "fraction"),
        "fill_rate_quantity": ("of quantity", "fraction"), "cancel_ratio": ("cancelled", "fraction"),
        "failed_ratio": ("failed", "fraction"), "fills_per_order_hour": ("per order-hour", "ratio"),
    }  # fmt: skip
    return [
        _table(f"fill rates by {by.replace('_', ' ')}", answer.by_order[by], {"tag": ("", "text"), **columns})
        for by in _GROUPS
        if answer.by_order[by].height > 1 or by == _GROUPS[0]
    ]


def _latency(answer: Execution) -> Table:
    """Spans of the orders by exchange; the truth lies up to a clock tick above."""
    rows = answer.latency.filter(answer.latency["by"] == "connector")
    return _table("time taken, by exchange (the truth lies up to one tick of the bot's clock above)", rows, {
        "tag": ("exchange", "text"), "what": ("from … to", "text"), "n": ("orders", "count"),
        "p50": ("p50", "seconds"), "p90": ("p90", "seconds"), "p99": ("p99", "seconds"),
        "n_negative": ("negative", "count"),
    })  # fmt: skip
