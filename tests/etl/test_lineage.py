"""Every row that was read is kept, dropped or refused, and counted."""

from __future__ import annotations

from fillbook.etl import performance_etl
from fillbook.etl.lineage import Lineage
from fillbook.testing.tables import CLOCK, fills, raw_tables


def test_read_rows_are_dropped_refused_or_kept() -> None:
    """Six rows: t1 twice and t2 equal, t2 again with another amount, t3 at price 0, t4."""
    raw = raw_tables(
        fills=fills(
            order_id="o",
            at=0,
            trade_id=["t1", "t1", "t2", "t2", "t3", "t4"],
            amount_base=[1.0, 1.0, 1.0, 2.0, 1.0, 1.0],
            price_quote=[5.0, 5.0, 5.0, 5.0, 0.0, 5.0],
        )
    )
    result = performance_etl([raw], clock=CLOCK)
    (step,) = result.lineage.tables
    assert (step.read, step.duplicates, step.quarantined, step.repaired) == (6, 1, 2, 0)
    assert step.kept == 3
    assert result.lineage.as_frame()["kept"].to_list() == [3]


def test_files_without_rows_stay_in_the_frame() -> None:
    result = performance_etl([raw_tables(uri="a"), raw_tables(uri="b", fills=fills())], clock=CLOCK)
    assert result.lineage.as_frame().select("uri", "read").rows() == [("a", None), ("b", 1)]


def test_no_files_give_an_empty_frame() -> None:
    assert Lineage().as_frame().is_empty()
