import inspect
from dataclasses import fields
from datetime import UTC, datetime

import pytest

from fillbook.cli.choices import Choices, utc_moment, with_choices
from fillbook.conventions import Conventions
from fillbook.errors import BadRequestError
from fillbook.filters import Filter


@pytest.mark.parametrize(
    ("text", "hour", "minute"),
    [
        ("2023-09-18", 0, 0),
        ("2023-09-18T10:12", 10, 12),
        ("2023-09-18 10:12:00Z", 10, 12),
        ("2023-09-18T12:12+02:00", 10, 12),
    ],
)
def test_a_time_is_utc_unless_it_names_a_zone(text: str, hour: int, minute: int) -> None:
    assert utc_moment(text, "--from") == datetime(2023, 9, 18, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "2023-13-01", "1695032343000.5"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError, match="--to is a date or a time like 2023-09-18"):
        utc_moment(text, "--to")


def test_nothing_chosen_is_everything_by_the_defaults() -> None:
    assert Choices().filter() == Filter()
    assert Choices().conventions() == Conventions()


def test_every_choice_reaches_the_filter() -> None:
    chosen = Choices(
        start="2023-09-18", end="2023-09-19", pair=["A-B", "C-B"], connector=["binance"],
        controller=["main"], bot=["x"], side=["buy"], close_type=["stop_loss"],
    )  # fmt: skip
    assert chosen.filter() == Filter(
        bots=("x",), controllers=("main",), connectors=("binance",), pairs=("A-B", "C-B"),
        sides=("BUY",), close_types=("STOP_LOSS",),
        start=datetime(2023, 9, 18, tzinfo=UTC), end=datetime(2023, 9, 19, tzinfo=UTC),
    )  # fmt: skip


def test_every_choice_reaches_the_conventions() -> None:
    chosen = Choices(
        method="hifo", mark=["SEI-USDT=0.12425", "strict"], capital=100.0, currency="USDT",
        market_type=["my_dex=inverse_perp"], return_basis="compounded", base_fee="value",
    )  # fmt: skip
    assert chosen.conventions() == Conventions(
        method="hifo", marks={"SEI-USDT": 0.12425}, strict_marks=True, capital=100.0,
        currency="USDT", market_types={"my_dex": "inverse_perp"}, return_basis="compounded",
        base_fee="value",
    )  # fmt: skip


@pytest.mark.parametrize("mark", ["SEI-USDT", "SEI-USDT=", "SEI=1", "A-B=0", "A-B=-1", "A-B=nan", "A-B=inf"])
def test_what_is_no_mark_is_refused(mark: str) -> None:
    with pytest.raises(BadRequestError, match="a given price is PAIR=PRICE"):
        Choices(mark=[mark]).conventions()


@pytest.mark.parametrize("text", ["binance", "binance=futures", "=spot"])
def test_what_is_no_market_type_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError, match="--market-type is CONNECTOR=spot"):
        Choices(market_type=[text]).conventions()


def test_capital_is_an_amount() -> None:
    with pytest.raises(BadRequestError, match="--capital is an amount"):
        Choices(capital=float("nan")).conventions()


def test_a_command_gets_the_options_in_place_of_its_argument() -> None:
    seen: list[Choices] = []

    def command(uris: list[str], *, choices: Choices) -> None:
        seen.append(choices)

    widened = with_choices(command)
    names = list(inspect.signature(widened).parameters)
    assert names == ["uris", *(option.name for option in fields(Choices))]
    given = {option.name: getattr(Choices(bot=["x"]), option.name) for option in fields(Choices)}
    widened(uris=["a"], **given)
    assert seen == [Choices(bot=["x"])]
