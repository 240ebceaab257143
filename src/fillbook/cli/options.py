"""Options that several commands share, and how their text becomes a filter and conventions."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from fillbook.errors import BadRequestError

if TYPE_CHECKING:
    from fillbook.conventions import Conventions, CostMethod, MarketType
    from fillbook.filters import Filter
    from fillbook.performance_data_source import PerformanceDataSource

Uris = Annotated[
    list[str],
    typer.Argument(metavar="URI...", help="Databases, trade CSVs, candles, checkpoints, or folders of them."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One strict JSON object on stdout.")]
From = Annotated[str | None, typer.Option("--from", help="First day or moment, UTC unless it names a zone.")]
To = Annotated[str | None, typer.Option("--to", help="Last day (included), or the moment before which.")]
Pairs = Annotated[list[str] | None, typer.Option("--pair", help="Only this pair; may be repeated.")]
Connectors = Annotated[list[str] | None, typer.Option("--connector", help="Only this venue.")]
Controllers = Annotated[list[str] | None, typer.Option("--controller", help="Only this controller.")]
Bots = Annotated[list[str] | None, typer.Option("--bot", help="Only this bot.")]
Sides = Annotated[list[str] | None, typer.Option("--side", help="Only BUY, or only SELL fills.")]
CloseTypes = Annotated[list[str] | None, typer.Option("--close-type", help="Only executors that closed so.")]
Method = Annotated[str, typer.Option("--method", help="Cost basis: wac, fifo, lifo or hifo.")]
Marks = Annotated[
    list[str] | None,
    typer.Option("--mark", help="PAIR=PRICE at the end; `strict` refuses to mark at the last fill."),
]
Capital = Annotated[float | None, typer.Option("--capital", help="Capital base, for percentages.")]
Currency = Annotated[str | None, typer.Option("--currency", help="Reporting currency.")]
MarketTypes = Annotated[
    list[str] | None,
    typer.Option("--market-type", help="CONNECTOR=spot|linear_perp|inverse_perp."),
]

STRICT = "strict"


def parse_moment(text: str, *, is_end: bool) -> datetime:
    """UTC moment of a day or an ISO time; the end of a day for `is_end`.

    >>> parse_moment("2026-01-31", is_end=True).isoformat()
    '2026-02-01T00:00:00+00:00'
    """
    try:
        day = date.fromisoformat(text)
        return datetime.combine(day + timedelta(days=1 if is_end else 0), time(), UTC)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{text!r} is no date: write 2026-01-31 or 2026-01-31T12:00:00"
        raise BadRequestError(message) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _price(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        message = f"{option} {text!r}: write NAME=VALUE"
        raise BadRequestError(message)
    return name, value


def parse_marks(marks: list[str]) -> dict[str, float]:
    """Prices by pair of ``PAIR=PRICE`` texts."""
    found = {}
    for text in marks:
        pair, value = _price(text, "--mark")
        try:
            price = float(value)
        except ValueError as error:
            message = f"--mark {text!r}: {value!r} is no price"
            raise BadRequestError(message) from error
        if "-" not in pair or not 0.0 < price < float("inf"):
            message = f"--mark {text!r}: write BASE-QUOTE=PRICE with a price above 0"
            raise BadRequestError(message)
        found[pair] = price
    return found


def conventions_of(
    method: str,
    marks: list[str] | None,
    capital: float | None,
    currency: str | None,
    market_types: list[str] | None,
) -> Conventions:
    """Conventions of the options, refused here where they mean nothing."""
    from fillbook.conventions import Conventions, CostMethod, MarketType  # noqa: PLC0415

    if method not in get_args(CostMethod):
        message = f"--method is one of {', '.join(get_args(CostMethod))}, not {method!r}"
        raise BadRequestError(message)
    types = dict(_price(text, "--market-type") for text in market_types or [])
    for kind in types.values():
        if kind not in get_args(MarketType):
            message = f"a market type is one of {', '.join(get_args(MarketType))}, not {kind!r}"
            raise BadRequestError(message)
    given = list(marks or [])
    return Conventions(
        method=cast("CostMethod", method), marks=parse_marks([m for m in given if m != STRICT]),
        strict_marks=STRICT in given, capital=capital, currency=currency,
        market_types=cast("dict[str, MarketType]", types),
    )  # fmt: skip


def filter_of(
    start: str | None,
    end: str | None,
    names: dict[str, list[str] | None],
) -> Filter:
    """Filter of the options; `names` by the filter's own field names."""
    from fillbook.filters import Filter  # noqa: PLC0415

    chosen = {key: tuple(values) for key, values in names.items() if values}
    if "sides" in chosen:
        chosen["sides"] = tuple(side.upper() for side in chosen["sides"])
    return Filter(
        start=parse_moment(start, is_end=False) if start else None,
        end=parse_moment(end, is_end=True) if end else None, **chosen,
    )  # fmt: skip


def opened(uris: list[str]) -> PerformanceDataSource:
    """Data of the addresses, with a progress bar on a terminal when it takes longer than a moment."""
    import sys  # noqa: PLC0415

    from fillbook.performance_data_source import open_data  # noqa: PLC0415

    if not sys.stderr.isatty():
        return open_data(*uris)
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=1.0)

        def advance(step: str, done: float) -> None:
            bar.update(task, description=step, completed=done)

        return open_data(*uris, progress=advance)
