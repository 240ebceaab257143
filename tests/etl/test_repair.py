"""Truncated values are restored only from values that truncate to them."""

from __future__ import annotations

import polars as pl
import pytest

from fillbook.etl import performance_etl
from fillbook.etl.repair import repaired
from fillbook.testing.tables import CLOCK, fills, raw_tables, table

STEP = 1e-6


def both(stored: dict, exact: dict):
    """A database row and its CSV row, through the whole ETL."""
    database = raw_tables(bot="maker", fills=fills(quantum=STEP, **stored))
    csv = raw_tables(uri="trades.csv", kind="trades_csv", bot="trades", fills=fills(**exact))
    return performance_etl([csv, database], clock=CLOCK)


@pytest.mark.parametrize(
    ("stored", "exact"),
    [
        (0.0, 6.52e-8),  # below the step: stored as 0
        (0.002568, 0.0025684),
        (2321.849999, 2321.8499999999999),  # float noise of the export: 2321.85
        (0.12425, 0.12425),
    ],
)
def test_a_value_that_truncates_to_the_stored_one_is_used(stored: float, exact: float) -> None:
    result = both({"price_quote": stored}, {"price_quote": exact})
    (row,) = result.tables["fills"].iter_rows(named=True)
    assert row["price_quote"] == exact
    assert row["quantum"] == 0.0
    assert row["bot"] == "maker"
    assert row["source"] == 0
    (finding,) = [f for f in result.findings if f.rule == "repaired_from_csv"]
    assert finding.n_rows == int(stored != exact)
    assert result.tables["quarantine"].is_empty()


@pytest.mark.parametrize(("stored", "exact"), [(0.002568, 0.0025691), (0.002568, 0.0025679), (0.0, 1.1e-6)])
def test_any_other_value_is_a_conflict(stored: float, exact: float) -> None:
    """0.0025691 is more than a step above 0.002568, 0.0025679 below; 1.1e-6 is stored as 1e-6.

    Exactly a step above passes: an export's 0.002568999… for 0.002569 reads as that.
    """
    result = both({"price_quote": stored}, {"price_quote": exact})
    conflict = result.tables["quarantine"].filter(pl.col("source") == 1)
    assert conflict["reason"].to_list() == ["conflicting_duplicate"]
    assert not [f for f in result.findings if f.rule == "repaired_from_csv"]


def test_amounts_and_recorded_fees_are_restored_too() -> None:
    result = both(
        {"amount_base": 0.000001, "fee_quote_recorded": 0.108482},
        {"amount_base": 0.0000019, "fee_quote_recorded": 0.1084829},
    )
    (row,) = result.tables["fills"].iter_rows(named=True)
    assert (row["amount_base"], row["fee_quote_recorded"]) == (0.0000019, 0.1084829)


def test_fees_a_source_lost_come_with_their_flat_fees() -> None:
    """A checkpoint keeps no fee; the CSV of the bot has two flat fees for the same fill."""
    lost = fills(quantum=STEP, fee_percent=None)
    kept = fills(fee_percent=0.0, fee_token="BNB", fee_amount=0.1)
    more = table("flat_fees", source=0, row=1, token="ABC", amount=0.2)
    result = performance_etl(
        [
            raw_tables(uri="c.sqlite", kind="checkpoint_sqlite", fills=lost),
            raw_tables(uri="t.csv", kind="trades_csv", bot="t", fills=kept, flat_fees=more),
        ],
        clock=CLOCK,
    )
    assert result.tables["fills"].select("fee_token", "fee_amount").row(0) == ("BNB", 0.1)
    assert result.tables["flat_fees"].row(0) == (0, 1, "ABC", 0.2)


def test_the_rows_given_are_not_changed() -> None:
    stored = fills(price_quote=[0.0, 2.0], quantum=STEP)
    new = pl.DataFrame(
        {
            "position": pl.Series([0], dtype=pl.UInt32),
            "price_quote": 5e-8,
            "amount_base": 1.0,
            "fee_quote_recorded": pl.Series([None], dtype=pl.Float64),
            "fee_percent": 0.0,
            "fee_token": pl.Series(["BNB"], dtype=pl.Categorical),
            "fee_amount": 0.5,
            "quantum": 0.0,
        }
    )
    after = repaired(stored, new)
    assert after["price_quote"].to_list() == [5e-8, 2.0]
    assert after["fee_token"].to_list() == ["BNB", None]
    assert stored["price_quote"].to_list() == [0.0, 2.0]
