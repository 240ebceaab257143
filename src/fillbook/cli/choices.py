"""Options that choose rows and conventions, the same for every command that answers."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_type_hints

import typer

from fillbook.conventions import (
    BaseFee,
    Conventions,
    CostMethod,
    MarketType,
    MidProxy,
    ReturnBasis,
    read_marks,
)
from fillbook.errors import BadRequestError

if TYPE_CHECKING:
    from fillbook.filters import Filter

STRICT = "strict"
_WHICH, _HOW = "Which rows", "How they are booked"

Uris = Annotated[
    list[str],
    typer.Argument(
        metavar="URI",
        help="Databases, checkpoints, trade CSVs, candle, quote and market trade files, or folders of them.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One strict JSON object instead of tables.")]


def _which(flag: str, help_text: str, metavar: str) -> Any:  # noqa: ANN401
    return typer.Option(flag, help=help_text, metavar=metavar, rich_help_panel=_WHICH, show_default=False)


def _how(flag: str, help_text: str, metavar: str | None = None) -> Any:  # noqa: ANN401
    return typer.Option(flag, help=help_text, metavar=metavar, rich_help_panel=_HOW)


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the user chose, as typed."""

    start: Annotated[
        str,
        _which("--from", "First moment that counts, included; UTC unless it names a zone.", "TIME"),
    ] = ""
    end: Annotated[
        str,
        _which("--to", "First moment that no longer counts; a date means its midnight.", "TIME"),
    ] = ""
    pair: Annotated[list[str], _which("--pair", "Trading pair. Repeatable, as those below.", "PAIR")] = field(
        default_factory=list
    )
    connector: Annotated[
        list[str], _which("--connector", "Exchange, by Hummingbot's name of it.", "NAME")
    ] = field(default_factory=list)
    controller: Annotated[list[str], _which("--controller", "Controller id, or unlinked.", "ID")] = field(
        default_factory=list
    )
    bot: Annotated[list[str], _which("--bot", "Bot.", "NAME")] = field(default_factory=list)
    side: Annotated[list[str], _which("--side", "Side of the fill.", "BUY|SELL")] = field(
        default_factory=list
    )
    close_type: Annotated[list[str], _which("--close-type", "How the executor closed.", "TYPE")] = field(
        default_factory=list
    )
    method: Annotated[CostMethod, _how("--method", "Cost basis of realised PnL.")] = "wac"
    mark: Annotated[
        list[str],
        _how(
            "--mark",
            "Price at the end, and rate of a fee token or currency; repeatable. "
            "The word strict refuses to mark at the last fill.",
            "PAIR=PRICE|strict",
        ),
    ] = field(default_factory=list)
    capital: Annotated[
        float | None, _how("--capital", "Capital in the reporting currency; percentages need it.")
    ] = None
    currency: Annotated[
        str | None, _how("--currency", "Reporting currency; else the quote currency.", "TOKEN")
    ] = None
    market_type: Annotated[
        list[str],
        _how(
            "--market-type",
            "What an exchange trades, over what is known.",
            f"CONNECTOR={'|'.join(get_args(MarketType))}",
        ),
    ] = field(default_factory=list)
    return_basis: Annotated[ReturnBasis, _how("--return-basis", "What a day's return is divided by.")] = (
        "fixed_capital"
    )
    base_fee: Annotated[
        BaseFee, _how("--base-fee", "Spot fee in base: taken from the inventory, or a cost.")
    ] = "inventory"

    quote_age: Annotated[
        float,
        _how("--quote-age", "Age at which a quote no longer tells the mid of a fill or order.", "SECONDS"),
    ] = 5.0
    mid_proxy: Annotated[
        MidProxy, _how("--mid-proxy", "Let the last candle's close stand in where no mid was recorded.")
    ] = "none"

    candles: Annotated[
        str,
        _how(
            "--candles",
            "Fetch candles of the bots' markets: for marks, volumes, regimes, fee rates. They are kept, and "
            "none is asked for twice.",
            "ccxt|hummingbot-api://HOST",
        ),
    ] = ""
    candle_interval: Annotated[str, _how("--candle-interval", "Length of those candles.", "1m|5m|1h|…")] = (
        "1m"
    )

    def filter(self) -> Filter:
        """Rows that were chosen.

        Raises
        ------
        BadRequestError
            A time that is none, a side that is none, an empty period.
        """
        from fillbook.filters import Filter  # noqa: PLC0415  (brings Polars)

        return Filter(
            bots=tuple(self.bot),
            controllers=tuple(self.controller),
            connectors=tuple(self.connector),
            pairs=tuple(self.pair),
            sides=tuple(side.upper() for side in self.side),
            close_types=tuple(kind.upper() for kind in self.close_type),
            start=utc_moment(self.start, "--from") if self.start else None,
            end=utc_moment(self.end, "--to") if self.end else None,
        )

    def conventions(self) -> Conventions:
        """Conventions that were chosen.

        Raises
        ------
        BadRequestError
            A mark or a market type that is none.
        """
        if self.capital is not None and not math.isfinite(self.capital):
            raise BadRequestError(f"--capital is an amount, not {self.capital}")
        if not (math.isfinite(self.quote_age) and self.quote_age > 0.0):
            raise BadRequestError(f"--quote-age is a number of seconds above 0, not {self.quote_age:g}")
        return Conventions(
            method=self.method,
            marks=read_marks(mark for mark in self.mark if mark != STRICT),
            strict_marks=STRICT in self.mark,
            capital=self.capital,
            currency=self.currency,
            return_basis=self.return_basis,
            base_fee=self.base_fee,
            max_quote_age_s=self.quote_age,
            mid_proxy=self.mid_proxy,
            market_types=dict(_market_type(text) for text in self.market_type),
        )


def utc_moment(text: str, flag: str) -> datetime:
    """UTC time of a date or an ISO 8601 time; without a zone it is UTC.

    >>> utc_moment("2023-09-18T12:00+02:00", "--from").isoformat()
    '2023-09-18T10:00:00+00:00'
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{flag} is a date or a time like 2023-09-18 or 2023-09-18T10:12:37Z, not {text!r}"
        raise BadRequestError(message) from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _market_type(text: str) -> tuple[str, MarketType]:
    connector, _, name = text.rpartition("=")
    for kind in get_args(MarketType):
        if connector and name == kind:
            return connector, kind
    message = f"--market-type is CONNECTOR={'|'.join(get_args(MarketType))}, not {text!r}"
    raise BadRequestError(message)


def with_choices(command: Callable[..., None]) -> Callable[..., None]:
    """`command` with the options of `Choices` in place of its argument ``choices``.

    An option that the command has itself is the command's, and `Choices` keeps its default.
    """
    own = inspect.signature(command, eval_str=True).parameters.values()
    names = {parameter.name for parameter in own}
    hints = get_type_hints(Choices, include_extras=True)
    shared = [
        inspect.Parameter(
            option.name, inspect.Parameter.KEYWORD_ONLY, default=_default(option),
            annotation=hints[option.name],
        )
        for option in fields(Choices)
        if option.name not in names
    ]  # fmt: skip
    kept = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own if p.name != "choices"]

    @functools.wraps(command)
    def chosen(**given: object) -> None:
        choices = Choices(**{option.name: given.pop(option.name) for option in shared})  # type: ignore[arg-type]
        command(**given, choices=choices)

    parameters = [*kept, *shared]
    chosen.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    chosen.__annotations__ = {p.name: p.annotation for p in parameters}
    return chosen


def _default(option: Any) -> object:  # noqa: ANN401  (dataclasses.Field of any type)
    return option.default_factory() if callable(option.default_factory) else option.default
