"""Findings about the fills, each with the data that causes it."""

from __future__ import annotations

import pytest

from fillbook.etl import performance_etl
from fillbook.findings import Finding
from fillbook.schema.raw import RawTables
from fillbook.testing.tables import CLOCK, fills, raw_tables, table


def said(rule: str, *raws: RawTables) -> list[Finding]:
    return [f for f in performance_etl(raws, clock=CLOCK).findings if f.rule == rule]


def of(rule: str, **columns: object) -> list[Finding]:
    return said(rule, raw_tables(fills=fills(**columns)))


def test_duplicates_within_and_across_files() -> None:
    one = raw_tables(uri="a", fills=fills(order_id="o", trade_id=["t", "t"], at=0))
    other = raw_tables(uri="b", fills=fills(order_id=["o", "p"], trade_id="t", at=0))
    (within,) = said("duplicate_within_file", one, other)
    (across,) = said("duplicate_across_files", one, other)
    assert (within.n_rows, within.source) == (1, "a")
    assert (across.n_rows, across.source, across.message) == (1, "b", "1 fill also in a")


def test_self_trades_are_counted() -> None:
    (finding,) = of("self_trade_pair", order_id=["o", "p"], trade_id="t", side=[1, -1])
    assert finding.n_rows == 1


def test_rows_out_of_order_are_counted_before_they_are_sorted() -> None:
    (finding,) = of("out_of_order", at=[0, 5, 3, 4])
    assert finding.n_rows == 1  # only 3 stands behind a later one


def test_a_price_far_from_those_around_it_is_said() -> None:
    pair = ["ABC-USDT", "XYZ-USDT"] * 4
    # XYZ: 0.5 among hundreds; ABC grows fivefold each time, which a market may
    (finding,) = of("price_far_off", pair=pair, price_quote=[1.0, 100.0, 5.0, 0.5, 25.0, 99.0, 125.0, 101.0])
    assert (finding.rows, finding.n_rows) == ((4,), 1)
    assert of("price_far_off", price_quote=[100.0]) == []


def test_files_of_different_times_are_not_out_of_order() -> None:
    late, early = raw_tables(uri="a", fills=fills(at=[9])), raw_tables(uri="b", fills=fills(at=[1]))
    assert said("out_of_order", late, early) == []


@pytest.mark.parametrize(("price", "is_said"), [(0.011, False), (0.009, True)])
def test_truncation_is_said_above_one_basis_point(price: float, is_said: bool) -> None:
    """Amount 1000: bound ≈ 1000e-6, notional 11 or 9: 0.91 or 1.11 basis points."""
    found = of("quantised_prices", price_quote=price, amount_base=1000.0, quantum=1e-6)
    assert bool(found) is is_said


def test_paper_trade_fees_are_said_of_simulated_exchanges_alone() -> None:
    rows = {"connector": ["kucoin_PaperTrade", "kucoin"], "fee_percent": 0.001}
    (finding,) = of("paper_trade_fees", **rows)
    assert finding.n_rows == 1
    assert of("paper_trade_fees", connector="kucoin_PaperTrade", fee_percent=0.0) == []


def test_times_on_whole_seconds_are_the_bots_clock() -> None:
    assert of("clock_floor", at=[0, 1, 2])[0].n_rows == 3
    assert of("clock_floor", at=[0.25, 1.5, 2.125]) == []


def test_a_gap_is_far_beyond_the_usual_rhythm() -> None:
    """A fill a minute; then 7 h of silence, above 6 h and above 20 of the usual minutes."""
    minutes = [60.0 * i for i in range(30)]
    assert of("gap", at=minutes) == []
    (finding,) = of("gap", at=[*minutes, minutes[-1] + 7 * 3600])
    assert "7.0 h" in finding.message
    daily = [86_400.0 * i for i in range(30)]
    assert of("gap", at=daily) == []


def test_changing_leverage_is_said() -> None:
    (finding,) = of("leverage_tags", leverage=[1, 20])
    assert "from 1 to 20" in finding.message


def test_fills_without_any_fee_are_said() -> None:
    (finding,) = of("fees_unknown", fee_percent=[None, None, 0.0], fee_amount=[None, 1.0, None])
    assert finding.n_rows == 1


def test_unlinked_fills_are_said_only_of_bots_with_executors() -> None:
    assert of("unlinked_fills") == []
    raw = raw_tables(fills=fills(), executors=table("executors"))
    assert said("unlinked_fills", raw)[0].n_rows == 1
