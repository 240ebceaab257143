"""Odd data says what it is: nothing is clipped or dropped, and what is not known is not 0."""

from __future__ import annotations

from typing import Any

import pytest

from fillbook.analysis.execution import Execution, execution
from fillbook.conventions import Conventions
from fillbook.filters import Filter
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Status
from fillbook.testing.tables import CLOCK, START, table


def source(**tables: dict[str, Any]) -> PerformanceDataSource:
    sides = {"orders": {"side": 1}}
    made = {name: table(name, **{**sides.get(name, {}), **columns}) for name, columns in tables.items()}
    return PerformanceDataSource.from_tables(made, clock=CLOCK)


def answer(chosen: Filter | None = None, conventions: Conventions | None = None, **tables: Any) -> Execution:
    return execution(source(**tables), chosen, conventions)


def quotes(*rows: tuple[float, float], half: float = 0.5, **columns: Any) -> dict[str, Any]:
    """Quotes ``(at, mid)`` with a bid and an ask `half` away."""
    mids = [mid for _, mid in rows]
    return {
        "at": [at for at, _ in rows], "mid_quote": mids, "bid_quote": [mid - half for mid in mids],
        "ask_quote": [mid + half for mid in mids], **columns,
    }  # fmt: skip


def why(found: Execution, key: str) -> tuple[str, tuple[str, ...]]:
    result = found.metrics[key]
    return result.status.value, result.reasons


def rules(found: Execution) -> set[str]:
    return {finding.rule for finding in found.findings}


FREE = {"fee_token": "USDT", "fee_amount": 0.0}
ONE_FILL = {"order_id": ["o1"], "at": [10], **FREE}


# -- bad input --------------------------------------------------------------------------------------


def test_orders_without_fills_have_rates_and_no_slippage() -> None:
    found = answer(
        orders={"order_id": ["o1", "o2"], "order_type": "LIMIT_MAKER", "last_status": "OrderCancelled", "updated_at": [9, 9]},
        quotes=quotes((0, 100.0)),
    )  # fmt: skip
    assert found.metrics["fill_rate"].value == 0.0
    assert why(found, "average_slippage_arrival") == ("undefined", ("no_orders",))
    assert why(found, "spread_earned") == ("undefined", ("empty",))
    assert why(found, "implementation_shortfall")[0] == "undefined"
    assert why(found, "time_to_first_fill_p50") == ("undefined", ("not_reached",))
    assert found.parents.is_empty()
    assert "total_quote" in found.parents.columns


def test_fills_without_orders_are_in_spreads_and_in_no_rate() -> None:
    found = answer(
        orders={"order_id": ["o1"], "last_status": "OrderCancelled", "updated_at": [9]},
        fills={"order_id": ["x"], "at": [2], "price_quote": 99.0, **FREE}, quotes=quotes((1, 100.0)),
    )  # fmt: skip
    assert found.metrics["spread_earned"].value == 1.0
    assert found.metrics["fill_rate"].value == 0.0


def test_without_an_order_table_every_metric_of_orders_says_so() -> None:
    found = answer(fills=ONE_FILL, quotes=quotes((9, 100.0)))
    for key in ("fill_rate", "average_slippage_arrival", "implementation_shortfall", "order_latency_p50", "quote_uptime",
                "impact_coefficient", "quote_lifetime_p50"):  # fmt: skip
        assert why(found, key) == ("unavailable", ("no_order_row",)), key
    assert found.metrics["spread_earned"].value == 0.0


@pytest.mark.parametrize("amounts", [[0.4], [0.4, 0.6]])
def test_a_fill_after_the_cancel_is_late_also_when_it_fills_the_order(amounts: list[float]) -> None:
    """Cancelled at 5 s, filled at 8 s: in part, or in full, when the class says FILLED."""
    n = len(amounts)
    found = answer(
        orders={"order_id": ["o1"], "at": [0], "last_status": "OrderFilled", "updated_at": [8]},
        order_events={"order_id": ["o1"], "at": [5], "status": "OrderCancelled"},
        fills={"order_id": ["o1"] * n, "at": [8] * n, "amount_base": amounts, **FREE},
    )  # fmt: skip
    row = found.orders.row(0, named=True)
    assert row["is_late_fill"]
    assert row["class"] == ("CANCELLED" if n == 1 else "FILLED")
    assert row["filled_base"] == sum(amounts)
    assert "late_fill" in rules(found)


def test_more_than_was_asked_for_is_shown_and_not_clipped() -> None:
    found = answer(
        orders={"order_id": ["o1"], "amount_base": 1.0, "at": [0]},
        fills={"order_id": ["o1"], "amount_base": 1.5, "at": [1], **FREE},
    )  # fmt: skip
    row = found.orders.row(0, named=True)
    assert (row["filled_base"], row["overfill_base"]) == (1.5, 0.5)
    assert found.metrics["fill_rate_quantity"].value == 1.0
    assert "overfilled" in rules(found)


def test_a_crossed_quote_gives_no_mid_and_is_counted() -> None:
    found = answer(
        fills={"order_id": ["o1", "o2"], "at": [10, 20], "price_quote": [98.0, 98.0], **FREE},
        quotes={"at": [9, 19], "mid_quote": 100.0, "bid_quote": [101.0, 99.5], "ask_quote": [99.0, 100.5]},
    )  # fmt: skip
    assert found.metrics["spread_earned"].value == 2.0  # the second alone: 100 − 98
    assert why(found, "spread_earned") == ("partial", ("stale_mid",))
    assert found.metrics["spread_earned"].coverage == 0.5
    assert found.metrics["spread_earned"].n_used == 1
    assert found.spreads["n_crossed"].to_list() == [1]
    assert "crossed_before_fill" in rules(found)


def test_a_stale_quote_is_no_quote() -> None:
    """6 s old, 5 s allowed: no mid; allowed 10 s, it is one."""
    tables = {"fills": ONE_FILL, "quotes": quotes((4, 101.0))}
    found = answer(**tables)
    assert found.metrics["spread_earned"].value is None
    assert found.metrics["spread_earned"].status is Status.UNAVAILABLE
    assert (
        answer(conventions=Conventions(max_quote_age_s=10.0), **tables).metrics["spread_earned"].value == 1.0
    )


def test_without_quotes_no_spread_has_a_number() -> None:
    found = answer(fills=ONE_FILL)
    for key in ("spread_earned", "effective_spread", "markout_60s", "adverse_selection"):
        assert why(found, key) == ("unavailable", ("no_mid",)), key
    assert why(found, "quoted_spread") == ("unavailable", ("no_mid",))


def test_a_fill_stamped_before_its_order_keeps_its_negative_time() -> None:
    found = answer(
        orders={"order_id": ["o1"], "at": [10.5], "order_type": "MARKET", "price_quote": [None]},
        fills={"order_id": ["o1"], "at": [10], "order_type": "MARKET", **FREE},
    )  # fmt: skip
    row = found.orders.row(0, named=True)
    assert (row["wait_s"], row["create_to_fill_s"], row["latency_s"]) == (-0.5, -0.5, -0.5)
    assert found.metrics["order_latency_p50"].value == -0.5
    assert why(found, "order_latency_p50") == ("low_n", ("clock_floor",))
    assert "1 negative" in found.metrics["order_latency_p50"].method
    assert "fill_before_order" in rules(found)
    assert found.latency["n_negative"].to_list()[:2] == [1, 1]


def test_paper_ids_carry_no_decision() -> None:
    name = "buy://ABC-USDT/0187a2b4c6d8e0f1a2b3c4d5e6"
    found = answer(
        orders={"order_id": [name], "at": [0], "order_type": "MARKET", "price_quote": [None], "connector": "binance_paper_trade"},
        fills={"order_id": [name], "at": [1], "order_type": "MARKET", "connector": "binance_paper_trade", **FREE},
    )  # fmt: skip
    assert found.orders["decided_by"].to_list() == ["creation"]
    assert found.metrics["order_latency_p50"].reasons == ("clock_floor",)


def test_a_truncated_limit_is_no_limit() -> None:
    found = answer(
        orders={"order_id": ["o1"], "at": [0], "order_type": "LIMIT_MAKER", "price_quote": [None]},
        fills={"order_id": ["o1"], "at": [1], **FREE},
    )  # fmt: skip
    assert why(found, "average_slippage_limit") == ("unavailable", ("no_limit_price",))
    assert found.orders["slippage_limit_bps"].to_list() == [None]


def test_limits_are_asked_of_limit_orders_and_touches_of_market_orders() -> None:
    """A market order has no limit and is not missing one; a maker without a quote lacks no touch."""
    found = answer(
        orders={"order_id": ["o1", "o2"], "at": [10, 50], "order_type": ["MARKET", "LIMIT_MAKER"],
                "price_quote": [None, 100.0]},
        fills={"order_id": ["o1", "o2"], "at": [11, 51], "price_quote": [100.6, 99.0], "order_type": ["MARKET", "LIMIT_MAKER"], **FREE},
        quotes=quotes((10, 100.0)),
    )  # fmt: skip
    assert why(found, "average_slippage_limit") == ("ok", ())
    assert found.metrics["average_slippage_limit"].value == pytest.approx(-100.0)  # (99 − 100) / 100
    assert why(found, "average_slippage_touch") == ("ok", ())
    assert found.metrics["average_slippage_touch"].value == pytest.approx(10.0)  # (100.6 − 100.5) / 100
    assert why(found, "average_slippage_arrival") == ("partial", ("stale_mid",))


def test_own_volume_above_the_markets_is_inconsistent() -> None:
    found = answer(
        fills={"order_id": ["o1", "o2"], "at": [10, 130], "amount_base": 5.0, **FREE},
        candles={"connector": "binance", "pair": "ABC-USDT", "at": [0, 60, 120], "volume_base": [2.0, 2.0, 20.0]},
    )  # fmt: skip
    assert why(found, "market_participation")[0] == "inconsistent"
    assert "own_exceeds_market" in found.metrics["market_participation"].reasons
    assert found.markets["n_exceeded"].to_list() == [1]
    assert "own_exceeds_market" in rules(found)


def test_participation_counts_own_volume_only_where_candles_are() -> None:
    """Run from 10 to 130 s. Candles of minutes 0 and 2: 50/60 × 12 + 10/60 × 30 = 15; own 1 + 3 of 1 + 2 + 3."""
    found = answer(
        fills={"order_id": ["a", "b", "c"], "at": [10, 70, 130], "amount_base": [1.0, 2.0, 3.0], **FREE},
        candles={"connector": "binance", "pair": "ABC-USDT", "at": [0, 120], "volume_base": [12.0, 30.0]},
    )  # fmt: skip
    result = found.metrics["market_participation"]
    assert result.value == pytest.approx(4.0 / 15.0)
    assert (result.status, result.reasons) == (Status.PARTIAL, ("candles_missing",))
    assert result.coverage == pytest.approx(4.0 / 6.0)
    assert found.markets["active_participation"].to_list() == pytest.approx([4.0 / 42.0])


def test_coverage_of_participation_is_by_value() -> None:
    """1 of ABC at 100 within candles, 1 of XYZ at 900 without: a tenth of the value."""
    found = answer(
        fills={"order_id": ["a", "b", "c"], "at": [10, 30, 40], "pair": ["ABC-USDT", "ABC-USDT", "XYZ-USDT"], "base": ["ABC", "ABC", "XYZ"],
               "amount_base": [0.5, 0.5, 1.0], "price_quote": [100.0, 100.0, 900.0], **FREE},
        candles={"connector": "binance", "pair": "ABC-USDT", "at": [0], "volume_base": [12.0]},
    )  # fmt: skip
    assert found.metrics["market_participation"].coverage == pytest.approx(0.1)


def test_an_empty_view_has_reasons_and_no_numbers() -> None:
    found = answer(
        Filter(start=START.replace(year=2027)),
        orders={"order_id": ["o1"]},
        fills={"order_id": ["o1"], **FREE},
    )
    for key, result in found.metrics.items():
        assert result.value is None, key
        assert result.reasons, key
    assert found.markouts["markout_bps"].null_count() == found.markouts.height


def test_one_fill_alone() -> None:
    """A window of no length holds no volume: that is no lack of candles."""
    found = answer(
        fills=ONE_FILL, quotes=quotes((9, 101.0), (70, 103.0), kind="quote_file"),
        candles={"connector": "binance", "pair": "ABC-USDT", "at": [0], "volume_base": [12.0]},
    )  # fmt: skip
    assert found.metrics["spread_earned"].value == 1.0
    assert found.metrics["markout_60s"].value == pytest.approx(1e4 * 3 / 101)
    assert why(found, "market_participation") == ("undefined", ("no_volume",))
    assert why(found, "matched_spread") == ("undefined", ("one_sided",))
    assert found.markouts["low"].null_count() == found.markouts.height


def test_open_orders_are_in_no_rate_and_their_end_is_the_end_of_the_data() -> None:
    found = answer(
        orders={"order_id": ["o1", "o2"], "at": [0, 10], "side": [1, -1], "order_type": "LIMIT_MAKER", "last_status": "BuyOrderCreated"},
        fills={"order_id": ["x"], "at": [100], **FREE},
    )  # fmt: skip
    for key in ("fill_rate", "cancel_ratio", "quote_lifetime_p50"):
        assert why(found, key) == ("undefined", ("no_orders",)), key
    assert found.by_order["side"]["n_open"].to_list() == [1, 1]
    assert found.orders["live_s"].to_list() == [100.0, 90.0]
    assert found.metrics["quote_uptime"].value == pytest.approx(0.9)


def test_an_order_that_ended_nobody_knows_when_has_no_life() -> None:
    """Cancelled, without an event or its time: not live until the end of the data."""
    found = answer(
        orders={"order_id": ["o1", "o2"], "at": [0, 0], "side": [1, 1], "last_status": "OrderCancelled", "updated_at": [None, 10]},
        fills={"order_id": ["x"], "at": [1_000], **FREE},
    )  # fmt: skip
    assert found.orders.sort("order_id")["live_s"].to_list() == [None, 10.0]
    assert found.metrics["quote_lifetime_p50"].value == 10.0
    assert found.metrics["bid_uptime"].value == 1.0  # of the 10 s that are known
    assert found.waits["at_risk"].to_list() == [1]


@pytest.mark.parametrize(("at", "is_allowed"), [([10, 20], False), ([10.001, 20.5], True)])
def test_a_markout_of_one_second_needs_a_finer_clock(at: list[float], *, is_allowed: bool) -> None:
    every = [(t / 2, 100.0) for t in range(60)]
    found = answer(fills={"order_id": ["o1", "o2"], "at": at, **FREE}, quotes=quotes(*every))
    row = found.markouts.filter(horizon_s=1.0).row(0, named=True)
    assert (row["markout_bps"], row["reason"]) == (
        (0.0, None) if is_allowed else (None, "resolution_too_coarse")
    )
    assert found.markouts.filter(horizon_s=5.0)["n"].to_list() == [2]


def test_without_a_common_currency_money_says_no_rate_and_pairs_stand_in_their_own() -> None:
    found = answer(
        fills={"order_id": ["a", "b"], "at": [10, 11], "pair": ["ABC-USDT", "ABC-BTC"], "quote": ["USDT", "BTC"], "order_type": "LIMIT_MAKER",
               "fee_percent": 0.0},
        quotes=quotes((9, 101.0)),
        candles={"connector": "binance", "pair": "ABC-USDT", "at": [0], "volume_base": [12.0]},
    )  # fmt: skip
    for key in ("spread_earned", "market_participation", "liquidity_provision", "maker_share"):
        assert why(found, key) == ("unavailable", ("no_rate",)), key
    assert set(found.markouts["reason"]) <= {"no_rate", "resolution_too_coarse"}
    assert found.spreads.filter(pair="ABC-USDT")["edge_quote"].to_list() == [1.0]


def test_spread_capture_covers_the_maker_fills() -> None:
    """Maker: bought 1 at 99.5 of 99.5 / 100.5, all of the half spread. The taker's missing quote lacks nothing."""
    found = answer(
        fills={"order_id": ["m", "t"], "at": [10, 99], "price_quote": [99.5, 100.0], "order_type": ["LIMIT_MAKER", "MARKET"], **FREE},
        quotes=quotes((9, 100.0)),
    )  # fmt: skip
    assert found.metrics["spread_capture"].value == pytest.approx(1.0)
    assert why(found, "spread_capture") == ("ok", ())
    assert why(found, "quoted_spread") == ("partial", ("stale_mid", "no_quote"))


def test_a_sum_over_less_than_half_of_the_value_is_no_sum() -> None:
    """One of three fills has a mid (DEFINITIONS B2): no money, while the ratios say on how much they rest."""
    found = answer(
        fills={"order_id": ["a", "b", "c"], "at": [10, 100, 200], "price_quote": 99.0, **FREE},
        quotes=quotes((9, 100.0), (69, 101.0), (300, 100.0)),
    )  # fmt: skip
    for key in ("spread_earned", "adverse_selection"):
        assert why(found, key) == ("unavailable", ("few_mids",)), key
    assert found.metrics["markout_60s"].value == pytest.approx(200.0)  # (101 − 99) / 100
    assert why(found, "markout_60s") == ("partial", ("stale_mid",))
    assert found.metrics["markout_60s"].coverage == pytest.approx(1 / 3)


def test_a_market_order_has_no_limit_whatever_price_stands_in_its_row() -> None:
    """Filled at 110 where 100 stands: nothing against a limit; the limit order bought at its own 99."""
    found = answer(
        orders={"order_id": ["m", "l"], "order_type": ["MARKET", "LIMIT"], "price_quote": [100.0, 99.0], "at": [0, 1]},
        fills={"order_id": ["m", "l"], "order_type": ["MARKET", "LIMIT"], "price_quote": [110.0, 99.0], "at": [2, 3], **FREE},
    )  # fmt: skip
    assert found.metrics["average_slippage_limit"].value == 0.0
    assert found.orders["slippage_limit_bps"].to_list() == [None, 0.0]


def test_a_stand_in_for_the_mid_is_never_beyond_doubt() -> None:
    own = answer(
        orders={"order_id": ["b", "s"], "side": [1, -1], "price_quote": [99.0, 101.0], "at": [0, 0],
                "order_type": "LIMIT_MAKER"},
        fills={"order_id": ["b"], "price_quote": 99.0, "at": [3], **FREE},
    )  # fmt: skip
    assert own.metrics["spread_earned"].value == 1.0
    assert why(own, "spread_earned") == ("partial", ("own_quote_mid",))
    assert why(own, "average_slippage_arrival") == ("partial", ("own_quote_mid",))
    assert "own two-sided quotes" in own.metrics["average_slippage_arrival"].method
    closes = answer(
        conventions=Conventions(mid_proxy="candle"), fills={"order_id": ["b"], "price_quote": 99.0, "at": [70], **FREE},
        candles={"at": [0], "interval_s": 60.0, "close_quote": 100.0, "connector": "binance", "pair": "ABC-USDT"},
    )  # fmt: skip
    assert closes.metrics["spread_earned"].value == 1.0
    assert why(closes, "spread_earned") == ("partial", ("candle_mid",))


def test_a_markout_takes_a_fresh_quote_before_an_old_one_of_a_better_kind() -> None:
    """After 300 s: MarketData 20 s old (101), a quote file 1 s old (103); bought at 100."""
    found = answer(
        fills={"order_id": ["o1"], "at": [10], "price_quote": 100.0, **FREE},
        quotes={"at": [9, 290, 309, 400, 401], "mid_quote": [100.0, 101.0, 103.0, 104.0, 104.0],
                "kind": ["quote_file", "market_data", "quote_file", "market_data", "quote_file"]},
    )  # fmt: skip
    assert found.metrics["markout_300s"].value == pytest.approx(300.0)


def test_one_side_alone_has_no_two_sided_uptime() -> None:
    orders = {"order_id": ["b", "s"], "side": [1, -1], "at": [0, 0], "last_status": "OrderCancelled", "updated_at": [10, 10],
              "order_type": "LIMIT_MAKER"}  # fmt: skip
    found = answer(
        chosen=Filter(sides=("BUY",)), orders=orders, fills={"order_id": ["x"], "at": [10], **FREE}
    )
    assert found.metrics["bid_uptime"].value == 1.0
    for key in ("quote_uptime", "ask_uptime"):
        assert why(found, key) == ("unavailable", ("side_filtered",)), key


def test_without_fills_a_spread_says_so() -> None:
    found = answer(orders={"order_id": ["o1"], "last_status": "OrderCancelled", "updated_at": [9]})
    for key in ("effective_spread", "realized_spread", "price_impact"):
        assert why(found, key) == ("undefined", ("empty",)), key


def test_orders_of_an_unknown_side_have_a_group_of_their_own() -> None:
    found = answer(
        orders={
            "order_id": ["a", "b"],
            "side": [1, None],
            "last_status": "OrderCancelled",
            "updated_at": [9, 9],
        }
    )
    assert found.by_order["side"].select("tag", "n_terminal").rows() == [("BUY", 1), ("unknown", 1)]


def test_a_latency_below_the_clock_is_no_measurement() -> None:
    found = answer(
        orders={"order_id": ["m"], "order_type": "MARKET", "price_quote": None, "at": [0]},
        fills={"order_id": ["m"], "order_type": "MARKET", "at": [0], **FREE},
    )
    assert why(found, "order_latency_p50") == ("low_n", ("clock_floor",))
