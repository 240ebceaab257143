"""Execution by hand: every number is worked out beside its test."""

from __future__ import annotations

import json
from typing import Any

import pytest

from analysis.test_execution import FREE, answer, quotes, source, why
from fillbook.analysis import mids
from fillbook.analysis.execution import execution
from fillbook.analysis.execution_facts import facts_of
from fillbook.analysis.execution_tables import fill_table, trade_table
from fillbook.analysis.overview import overview
from fillbook.analysis.view import view_of
from fillbook.conventions import Conventions
from fillbook.filters import Filter
from fillbook.results import Status
from fillbook.testing.tables import START, table

EPOCH_US = int(START.timestamp() * 1e6)


# -- decisions --------------------------------------------------------------------------------------


def nonce(at_s: float) -> str:
    return f"x-HBOTBABCU{EPOCH_US + round(at_s * 1e6):013x}"


def test_a_decision_is_the_executors_start_else_the_id_else_the_creation() -> None:
    """o1: first order of e1, started at 97 s. o2: its second, by its id. o3: an id 6 s off. o4: none."""
    ids = [nonce(99.5), nonce(109.25), nonce(126.0), "plain"]
    found = answer(
        executors={"executor_id": ["e1"], "at": [97]},
        orders={"order_id": ids, "at": [100, 110, 120, 130], "order_type": "MARKET", "price_quote": [None] * 4,
                "executor_id": ["e1", "e1", None, None]},
        fills={"order_id": ids, "at": [101, 111, 121, 131], "order_type": "MARKET", **FREE},
    )  # fmt: skip
    assert found.orders["decided_by"].to_list() == ["executor", "order_id", "creation", "creation"]
    assert found.orders["latency_s"].to_list() == [4.0, 1.75, 1.0, 1.0]
    # sorted 1, 1, 1.75, 4: the second is p50, the fourth p90, and there is no p99 of four
    row = found.latency.filter(by="connector", what="decision to first fill").row(0, named=True)
    assert (row["p50"], row["p90"], row["p99"], row["n"]) == (1.0, 4.0, None, 4)


def test_a_post_only_order_never_trades_at_once() -> None:
    """A limit above the ask of a second ago: plain LIMIT trades at once, LIMIT_MAKER was accepted and rests."""
    found = answer(
        orders={"order_id": ["a", "b"], "at": [10, 10], "order_type": ["LIMIT", "LIMIT_MAKER"], "price_quote": 101.0},
        fills={"order_id": ["a", "b"], "at": [11, 11], **FREE}, quotes=quotes((9, 100.0)),
    )  # fmt: skip
    assert found.orders.sort("order_id")["latency_s"].to_list() == [1.0, None]


# -- parents ----------------------------------------------------------------------------------------


def test_the_legs_of_a_position_executor() -> None:
    """Wants 2 at mid 100 (97 s). First order rests at 100.0 and is cancelled; its replacement fills 1.5 of 2.

    Entry: delay 1.5 × (101 − 100) = 1.5 (arrival at the first order, 100 s); timing 1.5 × (102 − 101) = 1.5;
    spread 1.5 × (101.5 − 102) = −0.75; opportunity 0.5 × (103 − 100) = 1.5; fees 0.3; total 4.05.
    Paper 2 × 3 = 6; real 1.5 × (103 − 101.5) − 0.3 = 1.95; 6 − 1.95 = 4.05.
    Close: the take profit never filled and was an option. MARKET 1.5 at 98.5, mid 99 at decision, arrival and
    fill, 99 at its end: spread −1.5 × (98.5 − 99) = 0.75, no other part.
    """
    found = answer(
        executors={"executor_id": ["e1"], "type": "position_executor", "side": 1, "at": [97], "config": json.dumps({"amount": "2"})},
        orders={"order_id": ["in1", "in2", "tp", "out"], "executor_id": "e1", "at": [100, 110, 120, 200],
                "order_type": ["LIMIT", "LIMIT", "LIMIT", "MARKET"], "side": [1, 1, -1, -1],
                "amount_base": [2.0, 2.0, 1.5, 1.5], "price_quote": [100.0, 101.5, 110.0, None],
                "last_status": ["OrderCancelled", "OrderCancelled", "OrderCancelled", "SellOrderCompleted"],
                "updated_at": [109, 130, 199, 201]},
        fills={"order_id": ["in2", "out"], "executor_id": "e1", "at": [115, 201], "side": [1, -1],
               "amount_base": 1.5, "price_quote": [101.5, 98.5], "fee_token": "USDT", "fee_amount": [0.3, 0.0]},
        quotes=quotes((96, 100.0), (99, 101.0), (109, 107.0), (114, 102.0), (119, 105.0), (129, 103.0), (198, 99.0), (200, 99.0)),
    )  # fmt: skip
    entry, close = found.parents.iter_rows(named=True)
    parts = [
        entry[f"{name}_quote"]
        for name in ("delay", "timing", "spread", "opportunity", "fees", "total", "paper")
    ]
    assert parts == pytest.approx([1.5, 1.5, -0.75, 1.5, 0.3, 4.05, 6.0])
    assert (entry["asked_base"], entry["filled_base"], entry["n_orders"]) == (2.0, 1.5, 2)
    assert entry["real_quote"] == pytest.approx(1.95)
    assert (close["order_id"], close["n_orders"], close["asked_base"]) == ("out", 1, 1.5)
    assert [
        close[f"{name}_quote"] for name in ("delay", "timing", "spread", "opportunity", "total")
    ] == pytest.approx([0.0, 0.0, 0.75, 0.0, 0.75])
    # (4.05 + 0.75) of 2 × 100 + 1.5 × 99
    assert found.metrics["implementation_shortfall"].value == pytest.approx(1e4 * 4.8 / 348.5)
    assert why(found, "implementation_shortfall") == ("ok", ())


def test_slices_of_a_twap_add_up_to_one_intention() -> None:
    """1 + 1 + 1 at 101, 102 and never: asked 3, filled 2; decision 100, end 104.

    Delay 2 × (100 − 100); timing (101 + 102) − 200 = 3 at fill mids; opportunity 1 × (104 − 100) = 4.
    """
    found = answer(
        executors={"executor_id": ["e1"], "type": "twap_executor", "side": 1, "at": [10]},
        orders={"order_id": ["a", "b", "c"], "executor_id": "e1", "at": [10, 20, 30], "order_type": "LIMIT",
                "last_status": ["BuyOrderCompleted", "BuyOrderCompleted", "OrderCancelled"], "updated_at": [11, 21, 40]},
        fills={"order_id": ["a", "b"], "executor_id": "e1", "at": [11, 21], "price_quote": [101.0, 102.0], **FREE},
        quotes=quotes((9, 100.0), (10.5, 101.0), (20.5, 102.0), (39, 104.0)),
    )  # fmt: skip
    row = found.parents.row(0, named=True)
    assert (row["asked_base"], row["filled_base"], row["n_orders"]) == (3.0, 2.0, 3)
    parts = [row[f"{name}_quote"] for name in ("delay", "timing", "spread", "opportunity", "total")]
    assert parts == pytest.approx([0.0, 3.0, 0.0, 4.0, 7.0])


QUOTED = {"at": [10, 10], "side": [1, -1], "price_quote": [99.0, 101.0], "order_id": ["b", "s"],
          "last_status": "OrderCancelled", "updated_at": [20, 20]}  # fmt: skip


@pytest.mark.parametrize("kind", ["LIMIT", "LIMIT_MAKER"])
@pytest.mark.parametrize("chosen", [None, Filter(sides=("BUY",))])
def test_a_quote_is_an_option_and_has_no_opportunity_cost(kind: str, chosen: Filter | None) -> None:
    """Half of the bid fills; the other half cost nothing. Also where a filter hides the ask."""
    found = answer(
        chosen, orders={**QUOTED, "order_type": kind},
        fills={"order_id": ["b"], "at": [15], "amount_base": 0.5, "price_quote": 99.0, **FREE},
        quotes=quotes((9, 100.0), (14, 99.0), (19, 120.0)),
    )  # fmt: skip
    row = found.parents.row(0, named=True)
    assert found.parents.height == 1
    assert not row["is_directional"]
    assert row["opportunity_quote"] == 0.0


def test_a_limit_order_alone_is_a_decision_also_when_it_never_fills() -> None:
    """Wanted 1 at 100, the mid went to 103: 3 missed."""
    found = answer(
        orders={"strategy": "script", "order_id": ["o1"], "at": [10], "last_status": "OrderCancelled", "updated_at": [20], "price_quote": 99.0},
        fills={"order_id": ["x"], "at": [30], **FREE}, quotes=quotes((9, 100.0), (19, 103.0)),
    )  # fmt: skip
    assert found.parents["opportunity_quote"].to_list() == pytest.approx([3.0])
    assert found.parents["total_quote"].to_list() == pytest.approx([3.0])


def test_unfilled_orders_of_which_some_have_no_mid_leave_the_shortfall_partial() -> None:
    found = answer(
        orders={"strategy": "script", "order_id": ["o1", "o2"], "at": [10, 500], "last_status": "OrderCancelled", "updated_at": [20, 510]},
        fills={"order_id": ["x"], "at": [30], **FREE}, quotes=quotes((9, 100.0), (19, 103.0)),
    )  # fmt: skip
    result = found.metrics["implementation_shortfall"]
    assert result.value == pytest.approx(300.0)
    assert (result.status, result.n_used, result.n) == (Status.PARTIAL, 1, 2)


def test_an_inverse_contract_is_counted_in_coin() -> None:
    """200 USD asked for, 100 filled at 50: 2 BTC of 4. Arrival 40: slippage (50 − 40) / 40; fill rate by USD."""
    names = {"connector": "binance_coin_perpetual", "pair": "BTC-USD", "base": "BTC", "quote": "USD"}
    found = answer(
        orders={"order_id": ["o1"], "at": [10], "order_type": "MARKET", "price_quote": [None], "amount_base": 200.0,
                "last_status": "OrderCancelled", "updated_at": [12], **names},
        fills={"order_id": ["o1"], "at": [11], "order_type": "MARKET", "amount_base": 100.0, "price_quote": 50.0,
               "fee_token": "BTC", "fee_amount": 0.0, **names},
        quotes=quotes((9, 40.0), connector="binance_coin_perpetual", pair="BTC-USD"),
    )  # fmt: skip
    row = found.orders.row(0, named=True)
    assert (row["amount_base"], row["filled_base"], row["average_quote"]) == (4.0, 2.0, 50.0)
    parent = found.parents.row(0, named=True)
    assert (parent["asked_base"], parent["filled_base"]) == (4.0, 2.0)
    assert found.metrics["average_slippage_arrival"].value == pytest.approx(2500.0)
    assert found.metrics["fill_rate_quantity"].value == pytest.approx(0.5)
    assert found.by_order["side"]["fill_rate_quantity"].to_list() == pytest.approx([0.5])


def test_slippage_is_a_ratio_of_sums() -> None:
    """Bought 1 at 101 of 100 and sold 3 at 198 of 200: (1 + 6) of (100 + 600), not the mean of 100 and 100."""
    found = answer(
        orders={"order_id": ["a", "b"], "at": [10, 20], "side": [1, -1], "order_type": "MARKET", "price_quote": [None] * 2,
                "amount_base": [1.0, 3.0]},
        fills={"order_id": ["a", "b"], "at": [11, 21], "side": [1, -1], "order_type": "MARKET", "amount_base": [1.0, 3.0],
               "price_quote": [102.0, 198.0], **FREE},
        quotes=quotes((9, 100.0), (19, 200.0)),
    )  # fmt: skip
    assert found.metrics["average_slippage_arrival"].value == pytest.approx(1e4 * 8 / 700)  # 2 + 6
    assert found.orders["slippage_arrival_bps"].to_list() == pytest.approx([200.0, 100.0])


# -- mids -------------------------------------------------------------------------------------------


def test_a_candle_stands_in_until_the_next_where_it_may() -> None:
    """Close 100 known from 60 s on; a fill at 99 s met it, and no later mid is read from it."""
    tables: dict[str, Any] = {
        "fills": {"order_id": ["o1"], "at": [99], "price_quote": 99.0, **FREE},
        "candles": {"connector": "binance", "pair": "ABC-USDT", "at": [0, 60], "close_quote": [100.0, 105.0]},
    }
    assert answer(**tables).metrics["spread_earned"].value is None
    found = answer(conventions=Conventions(mid_proxy="candle"), **tables)
    assert found.metrics["spread_earned"].value == 1.0
    assert "candle closes" in found.metrics["spread_earned"].method
    assert found.metrics["markout_5s"].value is None


def test_public_trades_of_long_ago_are_no_side_of_the_market() -> None:
    """A sale at 90 ten minutes before a purchase at 110: the mid is 110, not 100; a second before, it is 109."""
    for sold_at, price, mid in ((0, 90.0, 110.0), (599, 108.0, 109.0)):
        found = answer(
            fills={"order_id": ["o1"], "at": [601], "price_quote": 100.0, **FREE},
            market_trades={"at": [sold_at, 600], "price_quote": [price, 110.0], "side": [-1, 1]},
        )  # fmt: skip
        assert found.fills["mid_quote"].to_list() == [mid]


def own(config: str | None = None, **columns: Any) -> Any:
    tables = {"orders": {"at": [10, 10], "order_type": "LIMIT_MAKER", "controller_id": "main", **columns}}
    controllers = {"controllers": {"controller_id": ["main"], "config": [config]}} if config else {}
    found = answer(fills={"order_id": ["x"], "at": [11], **FREE}, **tables, **controllers)
    return found.fills["mid_quote"].to_list()[0]


def test_own_quotes_give_the_mid_they_were_made_from() -> None:
    """98 and 102 are 2 % about 100. With 1 % and 4 % about 100: 99 and 104, which say 101.5 by themselves."""
    assert own(side=[1, -1], price_quote=[98.0, 102.0], order_id=["a", "b"]) == 100.0
    assert own(side=[1, -1], price_quote=[99.0, 104.0], order_id=["a", "b"]) == 101.5
    spreads = json.dumps({"buy_spreads": [0.01, 0.02], "sell_spreads": "0.04,0.05"})
    assert own(spreads, side=[1, -1], price_quote=[99.0, 104.0], order_id=["a", "b"]) == pytest.approx(100.0)


def test_unequal_sides_of_own_quotes_say_nothing() -> None:
    found = own(at=[10, 10, 10], side=[1, 1, -1], price_quote=[98.0, 97.0, 102.0], order_id=["a", "b", "c"])
    assert found != found  # NaN


# -- groups and levels ------------------------------------------------------------------------------


def test_levels_are_ranks_from_the_innermost_and_lie_as_in_a_book() -> None:
    found = answer(
        orders={"order_id": list("abcde"), "at": 10, "side": [1, 1, -1, -1, 1], "order_type": ["LIMIT"] * 4 + ["MARKET"],
                "price_quote": [99.0, 98.0, 102.0, 101.0, None], "last_status": "OrderCancelled", "updated_at": [20] * 5},
        fills={"order_id": ["x"], "at": [11], **FREE},
    )  # fmt: skip
    level = dict(found.orders.select("order_id", "level").rows())
    assert level == {"a": "1", "b": "2", "c": "2", "d": "1", "e": "market"}
    assert found.hour_by_level.select("side", "level").rows() == [(-1, "2"), (-1, "1"), (1, "1"), (1, "2")]


def test_market_orders_stand_in_no_book() -> None:
    """A market order of no life: fills per order-hour are those of the limit orders, never infinite."""
    found = answer(
        orders={"order_id": ["a", "b"], "at": [10, 10], "order_type": ["MARKET", "LIMIT"], "price_quote": [None, 100.0],
                "last_status": "BuyOrderCompleted"},
        fills={"order_id": ["a", "b"], "at": [10, 46], "order_type": ["MARKET", "LIMIT"], **FREE},
    )  # fmt: skip
    rates = dict(found.by_order["order_type"].select("tag", "fills_per_order_hour").rows())
    assert rates == {"MARKET": None, "LIMIT": pytest.approx(100.0)}  # 1 fill in 36 s


# -- round trips ------------------------------------------------------------------------------------


def test_trips_share_a_fill_that_turns_them_and_an_open_one_has_all_its_fills() -> None:
    """Buys 1 at 100 (mid 101), sells 3 at 110 (mid 108): 1 closes, 2 open; sells 1 more at 109 (mid 110).

    First trip: 1 × (101 − 100) + a third of 3 × (110 − 108) = 1 + 2 = 3; gross 10. Path: best 10 at the exit.
    Second, open: the other 4, and 1 × (109 − 110) = −1.
    """
    data = source(
        fills={"order_id": ["a", "b", "c"], "at": [10, 20, 30], "side": [1, -1, -1], "amount_base": [1.0, 3.0, 1.0],
               "price_quote": [100.0, 110.0, 109.0], **FREE},
        quotes=quotes((9, 101.0), (19, 108.0), (29, 110.0), kind="quote_file"),
    )  # fmt: skip
    seen = view_of(data)
    trips = trade_table(overview(data).trips, fill_table(data, seen, facts_of(data, seen)))
    assert trips["is_open"].to_list() == [False, True]
    assert trips["edge_quote"].to_list() == pytest.approx([3.0, 3.0])
    assert trips["n_with_mid"].to_list() == [2, 2]
    assert trips["edge_quote"].sum() == pytest.approx(execution(data).metrics["spread_earned"].value)


def test_efficiency_and_excursions_of_a_trip() -> None:
    """Long 2 from 100: 95 (−10), 120 (+40) on the way, out at 110 (+20): half of the best, 20 % and −5 %."""
    data = source(
        fills={"order_id": ["a", "b"], "at": [10, 300], "side": [1, -1], "amount_base": 2.0, "price_quote": [100.0, 110.0], **FREE},
        quotes=quotes((60, 95.0), (120, 120.0), kind="market_data"),
    )  # fmt: skip
    seen = view_of(data)
    trip = trade_table(overview(data).trips, fill_table(data, seen, facts_of(data, seen))).row(0, named=True)
    assert trip["exit_efficiency"] == pytest.approx(0.5)
    assert (trip["mae_fraction"], trip["mfe_fraction"]) == pytest.approx((-0.05, 0.2))
    assert (trip["edge_quote"], trip["n_with_mid"]) == (None, 0)


def test_a_level_without_a_price_is_unknown_and_one_price_is_one_level() -> None:
    found = answer(
        orders={"order_id": list("abc"), "at": 10, "order_type": "LIMIT_MAKER", "price_quote": [99.0, 99.0, None],
                "last_status": "OrderCancelled", "updated_at": [20] * 3},
        fills={"order_id": ["c"], "at": [11], **FREE},
    )  # fmt: skip
    assert dict(found.orders.select("order_id", "level").rows()) == {"a": "1", "b": "1", "c": None}
    assert found.fills["level"].to_list() == [None]


def test_two_threads_may_take_the_rows_of_two_markets_at_once() -> None:
    """The one that takes the last rows lets the table go while the other is still reading it."""
    rows = table("quotes", pair=["A-USDT", "B-USDT", "A-USDT"], at=[START] * 3, mid_quote=[1.0, 2.0, 3.0])
    held = mids._Held.of(rows)

    class Interrupted(dict[tuple[str, str], Any]):
        """Rows of a table; between finding those of A and reading them the other thread takes B."""

        def pop(self, market: tuple[str, str], default: Any = None) -> Any:
            found = super().pop(market, default)
            if market[1] == "A-USDT" and found is not None:
                other = held.take(("binance", "B-USDT"))
                assert other is not None
                assert other["mid_quote"].to_list() == [2.0]
            return found

    held.rows = Interrupted(held.rows)
    taken = held.take(("binance", "A-USDT"))
    assert taken is not None
    assert taken["mid_quote"].to_list() == [1.0, 3.0]
    assert held.take(("binance", "A-USDT")) is None
