"""``fillbook attribution``: why it earned or lost."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fillbook.cli.choices import AsJson, Choices, Uris, with_choices
from fillbook.errors import BadRequestError

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table
    from rich.text import Text

    from fillbook.analysis.attribution import Attribution
    from fillbook.analysis.contributions import Contributions

_SHOWN = (
    "controller",
    "bot",
    "pair",
    "venue",
    "close_type",
    "level",
    "liquidity",
    "hour",
    "volatility",
    "trend",
)
_ROWS = 24
_COLUMNS = ("net", "spread", "inventory", "unattributed", "funding", "fees", "rebates")


@with_choices
def attribution(
    uris: Uris,
    *,
    choices: Choices,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by", metavar="DIMENSION", show_default=False,
            help="Only the table by this: controller, bot, level, executor, side, close_type, pair, "
            "exchange, order_type, liquidity, hour, weekday, volatility, trend, market_volume; repeatable.",
        ),
    ] = None,
    bot_capital: Annotated[
        list[str] | None,
        typer.Option(
            "--bot-capital", metavar="BOT=AMOUNT", show_default=False,
            help="Capital of a bot, repeatable: with that of every bot, contributions to the return.",
        ),
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(
            "--benchmark", metavar="WHAT", show_default=False,
            help="What the bots are held against: equal_weight (unless said otherwise), opening_weights, "
            "current_weights, zero, or a CSV date,return; it takes --bot-capital.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show why it earned or lost: spread, price moves, funding and fees, by whatever tells fills apart."""
    from fillbook.analysis.attribution_tags import DIMENSIONS  # noqa: PLC0415
    from fillbook.analysis.contributions import contributions  # noqa: PLC0415
    from fillbook.cli.opening import attributed  # noqa: PLC0415
    from fillbook.reports.attribution import attribution_object  # noqa: PLC0415
    from fillbook.reports.json import to_json  # noqa: PLC0415

    by = ["venue" if name == "exchange" else name for name in by or ()]  # its key in the JSON
    unknown = sorted(set(by) - set(DIMENSIONS))
    if unknown:
        known = ", ".join("exchange" if name == "venue" else name for name in DIMENSIONS)
        message = f"--by is one of {known}; not {', '.join(unknown)}"
        raise BadRequestError(message)
    capitals = read_capitals(bot_capital or [])
    if benchmark is not None and not capitals:
        raise BadRequestError("--benchmark needs the capital of every bot: --bot-capital BOT=AMOUNT")
    against = _benchmark(benchmark)
    data, answer = attributed(uris, choices)
    bots = contributions(
        data, answer.chosen, answer.conventions, capitals=capitals or None, benchmark=against
    )  # fmt: skip
    if as_json:
        sys.stdout.write(to_json(attribution_object(answer, data, bots)) + "\n")
    else:
        show(answer, bots, tuple(by))


def read_capitals(texts: list[str]) -> dict[str, float]:
    """Capitals written as ``BOT=AMOUNT``.

    >>> read_capitals(["maker=1000"])
    {'maker': 1000.0}
    """
    found = {}
    for text in texts:
        bot, _, number = text.rpartition("=")
        try:
            found[bot] = float(number)
        except ValueError:
            bot = ""
        if not bot:
            message = f"--bot-capital is BOT=AMOUNT, like maker=1000; not {text!r}"
            raise BadRequestError(message)
    return found


def _benchmark(text: str | None) -> str | tuple[str, pl.DataFrame]:
    """A word, or the returns of a file."""
    if text is None:
        return "equal_weight"
    if not text.lower().endswith(".csv"):
        return text
    from fillbook.sources.return_files import read_returns  # noqa: PLC0415

    return Path(text).stem, read_returns(text)


def show(answer: Attribution, bots: Contributions, by: tuple[str, ...]) -> None:
    """Write the answer to the terminal."""
    from fillbook.analysis.attribution_words import sentences  # noqa: PLC0415
    from fillbook.cli.screen import cell, console, findings_line  # noqa: PLC0415
    from fillbook.cli.summary import metrics_table  # noqa: PLC0415

    screen = console()
    screen.print(_scope(answer))
    screen.print()
    for sentence in sentences(answer):
        screen.print(cell(sentence))
    screen.print()
    chosen = by or tuple(name for name in _SHOWN if answer.by[name].height > 1) or ("pair",)
    tables = [_by(answer, name) for name in chosen]
    if not by:
        tables = [metrics_table(answer), _drivers(answer), *tables, _bots(bots)]
    for table in tables:
        if table.row_count:
            screen.print(table)
            screen.print()
    line = findings_line(answer.findings)
    screen.print(line.append("; --json lists them") if answer.findings else line)


def _scope(answer: Attribution) -> Text:
    """Period, fills, currency, and what counts as a fresh quote."""
    from fillbook.cli.screen import cell, moment  # noqa: PLC0415
    from fillbook.units import counted  # noqa: PLC0415

    how = answer.conventions
    period = " – ".join(moment(at) for at in answer.period) + " UTC" if answer.period else "no period"
    proxy = "; candle closes stand in for mids" if how.mid_proxy == "candle" else ""
    n = int(answer.by["pair"]["n_fills"].sum())
    return cell(" · ".join((
        period, counted(n, "fill"), answer.currency or "no common currency",
        f"quotes at most {how.max_quote_age_s:g} s old{proxy}",
    )))  # fmt: skip


def _money(value: object, currency: object) -> str:
    from fillbook.units import Unit, format_value  # noqa: PLC0415

    number = float(value) if isinstance(value, int | float) else None
    return format_value(number, Unit.MONEY, currency=None if currency is None else str(currency), signed=True)


def _by(answer: Attribution, dimension: str) -> Table:
    """Parts of each tag; fees are costs and have a minus."""
    from fillbook.analysis.attribution_tags import DIMENSION_TEXT  # noqa: PLC0415
    from fillbook.cli.screen import table  # noqa: PLC0415
    from fillbook.units import Unit, format_value  # noqa: PLC0415

    rows = answer.by[dimension]
    signed = rows.with_columns(fees=-rows["fees"])
    names = {"inventory": "price moves", "unattributed": "not attributable"}
    headers = ["", *(names.get(name, name) for name in _COLUMNS), "fills", "with mid", "in"]
    cells = [
        (
            row["tag"], *(_money(row[name], row["currency"]) for name in _COLUMNS),
            format_value(row["n_fills"], Unit.COUNT), format_value(row["coverage"], Unit.FRACTION),
            row["currency"] or "",
        )
        for row in _ends(signed).iter_rows(named=True)
    ]  # fmt: skip
    more = f"; {_ROWS} of {rows.height}, best and worst" if rows.height > _ROWS else ""
    low = " (few days: says little)" if "low_n" in rows["status"] else ""
    return table(f"by {DIMENSION_TEXT[dimension]}{low}{more}", headers, cells, right=headers[1:-1])


def _ends(rows: pl.DataFrame) -> pl.DataFrame:
    """As many rows as can be read: the best and the worst."""
    import polars as pl  # noqa: PLC0415

    if rows.height <= _ROWS:
        return rows
    ordered = rows.sort("net", descending=True, nulls_last=True)
    return pl.concat([ordered.head(_ROWS // 2), ordered.tail(_ROWS // 2)])


def _drivers(answer: Attribution) -> Table:
    """The largest contributions, and whether they are more than noise."""
    from fillbook.analysis.attribution_tags import DIMENSION_TEXT  # noqa: PLC0415
    from fillbook.analysis.attribution_words import PART_TEXT  # noqa: PLC0415
    from fillbook.cli.screen import table  # noqa: PLC0415
    from fillbook.units import Unit, format_value  # noqa: PLC0415

    said = {True: "yes", False: "may be noise", None: "cannot tell"}
    cells = [
        (
            DIMENSION_TEXT.get(row["dimension"], row["dimension"]), PART_TEXT.get(row["tag"], row["tag"]),
            _money(row["amount"], answer.currency),
            format_value(row["share"], Unit.FRACTION, signed=True), _money(row["low"], answer.currency),
            _money(row["high"], answer.currency), said[row["is_more_than_noise"]],
        )
        for row in answer.drivers.iter_rows(named=True)
    ]  # fmt: skip
    headers = ("", "what", answer.currency or "", "of net", "95 % from", "to", "more than noise")
    return table("what made the profit, and what cost it", headers, cells, right=headers[2:6])


def _bots(bots: Contributions) -> Table:
    """Contributions of the bots to the return, where capital is declared."""
    from fillbook.cli.screen import table  # noqa: PLC0415
    from fillbook.reports.attribution import bots_headline  # noqa: PLC0415
    from fillbook.units import Unit, format_value  # noqa: PLC0415

    if bots.table["weight"].null_count():
        return table("", (), ())
    names = ("weight", "bot_return", "contribution", "allocation", "selection", "interaction")
    cells = [
        (row["bot"], _money(row["net"], bots.currency), *(format_value(row[n], Unit.FRACTION) for n in names))
        for row in bots.table.iter_rows(named=True)
    ]
    headers = ("bot", "net", "weight", "return", *names[2:])
    if not math.isnan(bots.portfolio):
        sums = (1.0, bots.portfolio, *(math.fsum(bots.table[name]) for name in names[2:]))
        net = _money(math.fsum(bots.table["net"]), bots.currency)
        cells.append(("all", net, *(format_value(value, Unit.FRACTION) for value in sums)))
    return table(bots_headline(bots), headers, cells, right=headers[1:])
