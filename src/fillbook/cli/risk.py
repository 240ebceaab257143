"""``fillbook risk``: what could be lost, and can the ratios be trusted."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fillbook.cli.choices import AsJson, Choices, Uris, with_choices
from fillbook.conventions import RiskConventions

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table
    from rich.text import Text

    from fillbook.analysis.correlation import Correlation
    from fillbook.analysis.risk import Risk
    from fillbook.arrays import Floats

_PANEL = "What no data says"
_SHOWN = 10
_USUAL = RiskConventions()


def _told(flag: str, help_text: str, metavar: str | None = None) -> Any:  # noqa: ANN401
    return typer.Option(flag, help=help_text, metavar=metavar, rich_help_panel=_PANEL, show_default=False)


@with_choices
def risk(
    uris: Uris,
    *,
    choices: Choices,
    trials: Annotated[
        int | None, _told("--trials", "Configurations tried before this one; deflates the Sharpe ratio.", "N")
    ] = None,
    trial_variance: Annotated[
        float | None, _told("--trial-variance", "Variance of their daily Sharpe ratios.")
    ] = None,
    leverage: Annotated[
        float | None, _told("--leverage", "Of perpetuals; their margin is the equity without --capital.")
    ] = None,
    maintenance: Annotated[
        float, _told("--maintenance", "Maintenance margin as a share of the positions, like 0.005.")
    ] = _USUAL.maintenance_margin,
    horizon: Annotated[
        int, _told("--horizon", "Days that paths look ahead; 30 unless said.", "DAYS")
    ] = _USUAL.horizon_days,
    loss: Annotated[
        list[float] | None, _told("--loss", "How likely is a loss of more than this? Repeatable.", "AMOUNT")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what could be lost: tails and their backtests, intervals of ratios, stress, correlation."""
    asked = RiskConventions(
        trials=trials, trial_variance=trial_variance, leverage=leverage, maintenance_margin=maintenance,
        horizon_days=horizon, losses=tuple(loss or ()),
    )  # fmt: skip
    from fillbook.cli.opening import risked  # noqa: PLC0415
    from fillbook.reports.json import to_json  # noqa: PLC0415
    from fillbook.reports.risk import risk_object  # noqa: PLC0415

    data, answer = risked(uris, choices, asked)
    if as_json:
        sys.stdout.write(to_json(risk_object(answer, data)) + "\n")
    else:
        show(answer)


def show(answer: Risk) -> None:
    """Write the answer to the terminal."""
    from fillbook.cli.screen import cell, console, findings_line  # noqa: PLC0415
    from fillbook.cli.summary import metrics_table  # noqa: PLC0415

    screen = console()
    screen.print(_scope(answer))
    screen.print()
    for table in (
        metrics_table(answer), _intervals(answer), _tails(answer), _backtests(answer), _sharpes(answer),
        _drawdowns(answer), _assets(answer), _crashes(answer), _grid(answer), _futures(answer),
        *_correlations(answer),
    ):  # fmt: skip
        if table.row_count:
            screen.print(table)
            screen.print()
    screen.print(cell(f"stress is {answer.stress.assumption}", "dim"))
    line = findings_line(answer.findings)
    screen.print(line.append("; --json lists them") if answer.findings else line)


def _scope(answer: Risk) -> Text:
    """Period, days, capital and trials."""
    from fillbook.cli.screen import cell, moment  # noqa: PLC0415
    from fillbook.units import counted  # noqa: PLC0415

    capital = answer.conventions.capital
    parts = (
        " – ".join(moment(at) for at in answer.period) + " UTC" if answer.period else "no period",
        counted(answer.daily.height if answer.period else 0, "day"), answer.currency or "no common currency",
        "no capital declared" if capital is None else f"capital {capital:,.10g}",
        "trials not declared" if answer.asked.trials is None else counted(answer.asked.trials, "trial"),
    )  # fmt: skip
    return cell(" · ".join(parts))


def _table(answer: Risk, title: str, rows: pl.DataFrame, columns: dict[str, tuple[str, str]]) -> Table:
    """Columns of a frame, each with its header and unit; ``text`` is shown as it is."""
    from fillbook.analysis.crashes import MEASURES  # noqa: PLC0415
    from fillbook.cli.screen import table  # noqa: PLC0415
    from fillbook.results import reason_text  # noqa: PLC0415
    from fillbook.units import Unit, format_value  # noqa: PLC0415

    def shown(value: object, kind: str) -> str:
        if kind == "reason":
            return "" if value is None else ", ".join(map(reason_text, str(value).split(", ")))
        if isinstance(value, bool):
            return "yes" if value else "no"
        if kind == "text":
            return "" if value is None else str(MEASURES.get(value, value))  # type: ignore[call-overload]
        number = float(value) if isinstance(value, int | float) else None
        return format_value(number, Unit(kind), currency=answer.currency)

    cells = [
        [shown(row[name], kind) for name, (_, kind) in columns.items()] for row in rows.iter_rows(named=True)
    ]
    numbers = [header for header, kind in columns.values() if kind not in {"text", "reason"}]
    return table(title, [header for header, _ in columns.values()], cells, right=numbers)


def _intervals(answer: Risk) -> Table:
    """95 % intervals beside their numbers."""
    from fillbook.cli.screen import table  # noqa: PLC0415
    from fillbook.metrics.intervals import WAYS  # noqa: PLC0415
    from fillbook.metrics.registry import METRICS  # noqa: PLC0415
    from fillbook.results import reason_text  # noqa: PLC0415
    from fillbook.units import format_value  # noqa: PLC0415

    rows = []
    for key, one in answer.intervals.items():
        unit, currency = METRICS[key].unit, answer.currency
        ends = [format_value(end, unit, currency=currency) for end in (one.low, one.high)]
        value = format_value(answer.metrics[key].value, unit, currency=currency)
        how = ", ".join(map(reason_text, one.reasons)) or WAYS[one.interval_by]
        rows.append((METRICS[key].label, value, *ends, how))
    title = "95 % intervals, where days suffice for one that holds 95 %"
    return table(title, ("", "value", "from", "to", "interval by"), rows, right=("value", "from", "to"))


def _tails(answer: Risk) -> Table:
    return _table(answer, "a day's loss, by method", answer.tails, {
        "level": ("level", "fraction"), "label": ("method", "text"),
        "value_at_risk": ("value at risk", "money"), "expected_shortfall": ("expected shortfall", "money"),
        "reason": ("", "reason"),
    })  # fmt: skip


def _backtests(answer: Risk) -> Table:
    return _table(
        answer, "were forecasts kept? (p of all below 5 % refutes a method)",
        answer.backtests.filter(answer.backtests["n"] > 0),
        {
            "level": ("level", "fraction"), "label": ("method", "text"), "n": ("days", "count"),
            "exceptions": ("lost more", "count"), "expected": ("expected", "ratio"),
            "kupiec_p": ("p count", "fraction"), "independence_p": ("p independent", "fraction"),
            "coverage_p": ("p both", "fraction"), "z2": ("Z2", "ratio"),
            "z2_critical": ("5 % point", "ratio"), "z2_p": ("p size", "fraction"),
            "verdict_p": ("p of all", "fraction"), "light": ("light", "text"),
        },
    )  # fmt: skip


def _sharpes(answer: Risk) -> Table:
    return _table(answer, "Sharpe ratios against luck, by bot", answer.sharpes, {
        "part": ("bot", "text"), "n": ("days", "count"), "sharpe": ("Sharpe", "ratio"),
        "sharpe_lo": ("after Lo", "ratio"),
        "psr": ("above 0", "fraction"), "trials": ("trials", "count"), "trials_kind": ("", "text"),
        "best_by_luck": ("best by luck", "ratio"), "deflated": ("above luck", "fraction"),
        "min_track_record": ("days needed", "count"), "reason": (" ", "reason"),
    })  # fmt: skip


def _drawdowns(answer: Risk) -> Table:
    rows = answer.drawdowns.head(_SHOWN)
    named = rows.with_columns(*(rows[name].dt.strftime("%Y-%m-%d %H:%M") for name in
                                ("peak_at", "valley_at", "recovery_at")))  # fmt: skip
    return _table(answer, "deepest drawdowns", named, {
        "depth": ("depth", "money"), "depth_fraction": ("of the peak", "fraction"),
        "peak_at": ("peak", "text"), "valley_at": ("valley", "text"), "recovery_at": ("made good", "text"),
        "length_s": ("length", "seconds"),
    })  # fmt: skip


def _assets(answer: Risk) -> Table:
    return _table(answer, "held at the end, by asset over all exchanges", answer.assets, {
        "asset": ("asset", "text"), "gross": ("gross", "money"), "net": ("net", "money"),
        "share": ("share", "fraction"), "n_venues": ("exchanges", "count"),
    })  # fmt: skip


def _crashes(answer: Risk) -> Table:
    return _table(answer, "crashes on the positions of the end", answer.stress.crashes.totals, {
        "scenario": ("crash", "text"), "measure": ("move", "text"), "change": ("change", "money"),
        "known_change": ("known part", "money"), "coverage": ("of exposure", "fraction"),
        "is_estimate": ("by beta", "text"), "liquidated": ("liquidated", "text"), "reason": ("", "reason"),
    })  # fmt: skip


def _grid(answer: Risk) -> Table:
    import polars as pl  # noqa: PLC0415

    from fillbook.units import MINUS  # noqa: PLC0415

    rows = answer.stress.grid.totals.with_columns(pl.col("scenario").str.replace("-", MINUS))
    return _table(answer, "every asset by the same step", rows, {
        "scenario": ("step", "text"), "change": ("change", "money"), "liquidated": ("liquidated", "text"),
    })  # fmt: skip


def _futures(answer: Risk) -> Table:
    found = answer.stress.futures
    return _table(
        answer, f"{found.horizon_days} days ahead, made of the days there were", found.losses,
        {
            "loss": ("more than", "money"), "p_loss": ("lost at the end", "fraction"),
            "p_drawdown": ("fallen by on the way", "fraction"), "error": ("±", "fraction"),
        },
    )  # fmt: skip


def _correlations(answer: Risk) -> tuple[Table, Table]:
    """Correlation of bots over all days and lately."""
    from fillbook.analysis.correlation import DECAY  # noqa: PLC0415

    found = answer.correlations["bot"]
    title = f"correlation of daily PnL by bot, {found.n} days in common ({found.status.replace('_', ' ')})"
    lately = f"the same, a day weighing {DECAY} of the day after it"
    return _correlation(found, found.pearson, title), _correlation(found, found.ewma, lately)


def _correlation(found: Correlation, matrix: Floats, title: str) -> Table:
    """One measure, where there are few enough parts to read."""
    from fillbook.cli.screen import table  # noqa: PLC0415
    from fillbook.units import Unit, format_value  # noqa: PLC0415

    names = [found.names[i] for i in found.order]
    if not 1 < len(names) <= _SHOWN:
        return table("", (), ())
    rows = [
        [found.names[i], *(format_value(matrix[i, j], Unit.RATIO, signed=True) for j in found.order)]
        for i in found.order
    ]  # fmt: skip
    return table(title, ("", *names), rows, right=names)
