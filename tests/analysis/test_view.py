"""A filtered view: kept while it is asked for, and honest about what the filter left out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fillbook.analysis.overview import overview
from fillbook.analysis.view import view_of
from fillbook.conventions import Conventions
from fillbook.errors import BadRequestError
from fillbook.filters import Filter
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.testing.tables import START, fills, table

PERP = {"connector": "binance_perpetual", "pair": "ABC-USDT"}
HOUR = 3_600.0


def spot() -> PerformanceDataSource:
    """Buy 1 at 100, buy 1 at 104, sell 2 at 110, an hour apart."""
    rows = fills(
        at=[0, HOUR, 2 * HOUR],
        side=[1, 1, -1],
        amount_base=[1.0, 1.0, 2.0],
        price_quote=[100.0, 104.0, 110.0],
    )
    return PerformanceDataSource.from_tables({"fills": rows})


def funded() -> PerformanceDataSource:
    """Buy 1 and sell 1 at 100 with a payment of −2 in between."""
    return PerformanceDataSource.from_tables({
        "fills": fills(**PERP, at=[0, 2 * HOUR], side=[1, -1], controller_id="main"),
        "funding": table("funding", **PERP, at=[HOUR], amount_quote=-2.0),
    })  # fmt: skip


def test_the_same_question_has_the_same_view() -> None:
    data = spot()
    first = view_of(data, Filter(sides=("BUY",)), Conventions(marks={"ABC-USDT": 100.0}))
    assert view_of(data, Filter(sides=("BUY",)), Conventions(marks={"ABC-USDT": 100.0})) is first


def test_nothing_asked_is_everything_asked() -> None:
    data = spot()
    assert view_of(data) is view_of(data, Filter(), Conventions())


def test_another_filter_another_convention_and_other_data_are_other_views() -> None:
    data = spot()
    first = view_of(data)
    assert view_of(data, Filter(sides=("BUY",))) is not first
    assert view_of(data, conventions=Conventions(method="fifo")) is not first
    assert view_of(spot()) is not first


def test_asked_again_after_another_it_says_the_same() -> None:
    data = spot()
    before, other = view_of(data), view_of(data, Filter(sides=("BUY",)))
    again = view_of(data)
    assert (before.ledger.flow.at.size, other.ledger.flow.at.size) == (3, 2)
    assert again.ledger.books.equals(before.ledger.books)


def test_another_convention_is_booked_anew() -> None:
    # 2 bought at 100 and 104; of what FIFO and LIFO sell first, 1 at 110: 10 or 6
    rows = fills(side=[1, 1, -1], price_quote=[100.0, 104.0, 110.0])
    data = PerformanceDataSource.from_tables({"fills": rows})
    gained = [
        view_of(data, conventions=Conventions(method=method)).ledger.books["realized_quote"][0]
        for method in ("fifo", "lifo", "fifo")
    ]
    assert gained == [10.0, 6.0, 10.0]


@pytest.mark.parametrize(
    ("chosen", "name", "held"),
    [
        (Filter(pairs=("ABC-USDC",)), "ABC-USDC", "ABC-USDT"),
        (Filter(bots=("nobody",)), "nobody", "bot"),
        (Filter(connectors=("kraken",)), "kraken", "binance"),
    ],
)
def test_an_unknown_name_is_refused_by_name(chosen: Filter, name: str, held: str) -> None:
    with pytest.raises(BadRequestError, match=rf"{name}; it holds {held}"):
        view_of(spot(), chosen)


def test_a_known_name_beside_an_unknown_one_does_not_hide_it() -> None:
    with pytest.raises(BadRequestError, match="no pair XYZ-USDT"):
        view_of(spot(), Filter(pairs=("ABC-USDT", "XYZ-USDT")))


def test_a_name_that_only_orders_hold_is_known() -> None:
    orders = table("orders", pair="XYZ-USDT", base="XYZ")
    data = PerformanceDataSource.from_tables({"fills": fills(), "orders": orders})
    view = view_of(data, Filter(pairs=("XYZ-USDT",)))
    assert view.ledger.flow.at.size == 0
    assert view.period is not None  # the order was placed in it


@pytest.mark.parametrize(
    ("chosen", "paid"),
    [
        (Filter(sides=("BUY",)), -2.0),  # 1 is held at the payment, all of it bought
        (Filter(sides=("SELL",)), 0.0),
        (Filter(controllers=("main",)), -2.0),
    ],
)
def test_funding_is_shared_by_position_and_that_is_said(chosen: Filter, paid: float) -> None:
    view = view_of(funded(), chosen)
    assert "funding_shared" in {finding.rule for finding in view.findings}
    assert "funding_unavailable" not in {finding.rule for finding in view.findings}
    assert view.ledger.funding["amount_quote"].to_list() == [paid]


def test_shares_of_controllers_are_those_of_their_positions() -> None:
    rows = fills(
        **PERP, at=[0, 1, 2 * HOUR], side=[1, 1, -1], amount_base=[3.0, 1.0, 4.0],
        controller_id=["a", "b", "b"],
    )  # fmt: skip
    data = PerformanceDataSource.from_tables({
        "fills": rows, "funding": table("funding", **PERP, at=[HOUR], amount_quote=-2.0)
    })  # fmt: skip
    for name, paid in (("a", -1.5), ("b", -0.5)):  # 3 and 1 of 4
        chosen = Filter(controllers=(name,))
        assert overview(data, chosen).metrics["funding"].value == paid


@pytest.mark.parametrize("chosen", [Filter(), Filter(pairs=("ABC-USDT",)), Filter(bots=("bot",))])
def test_whole_books_keep_their_funding(chosen: Filter) -> None:
    data = funded()
    assert "funding_shared" not in {finding.rule for finding in view_of(data, chosen).findings}
    assert overview(data, chosen, metrics=("funding",)).metrics["funding"].value == -2.0


def test_without_funding_there_is_none_to_leave_out() -> None:
    rules = {finding.rule for finding in view_of(spot(), Filter(sides=("BUY",))).findings}
    assert "funding_shared" not in rules


def test_books_start_flat_at_the_chosen_start() -> None:
    second, third = (START + timedelta(seconds=n * HOUR) for n in (1, 2))
    view = view_of(spot(), Filter(start=second))
    assert view.ledger.flow.position.tolist() == [1.0, -1.0]  # 1, then 1 − 2; the first buy is no part of it
    assert view.period == (second, third)
    assert view_of(spot(), Filter(end=third)).ledger.flow.position.tolist() == [
        1.0,
        2.0,
    ]  # the end is outside


def test_an_empty_view_has_no_period() -> None:
    view = view_of(spot(), Filter(start=START + timedelta(days=1)))
    assert view.period is None
    assert view.start_us == view.ledger.end_us
    assert view_of(PerformanceDataSource.from_tables({"fills": fills().clear()}, clock=START)).period is None


@pytest.mark.parametrize("chosen", [Filter(controllers=("nobody",)), Filter(close_types=("NEVER",))])
def test_a_controller_or_close_type_the_data_does_not_hold_is_a_typo(chosen: Filter) -> None:
    with pytest.raises(BadRequestError, match="the data holds no"):
        view_of(funded(), chosen)


def test_payments_of_other_pairs_are_not_said_to_be_left_out() -> None:
    found = view_of(funded(), Filter(sides=("BUY",), start=START + timedelta(hours=1, minutes=30)))
    assert not [finding for finding in found.findings if finding.rule == "funding_shared"]


def test_an_order_that_completed_without_its_fills_makes_fill_rates_partial() -> None:
    data = PerformanceDataSource.from_tables({
        "fills": fills(order_id="a"),
        "orders": table("orders", order_id=["a", "b"], amount_base=1.0),
        "order_events": table("order_events", order_id=["b"], status="BuyOrderCompleted"),
    })  # fmt: skip
    metrics = overview(data).metrics
    assert metrics["fill_rate"].reasons == ("fills_missing",)
    assert metrics["fill_rate"].value == 0.5  # only a has a fill
    assert metrics["fill_rate_full"].value == 1.0
