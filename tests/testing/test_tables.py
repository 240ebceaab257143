"""Builders of canonical tables for tests."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fillbook.schema.tables import TABLES
from fillbook.testing.tables import START, fills, orders, raw_tables, table


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_valid_by_the_data_model(name: str) -> None:
    TABLES[name].validate(table(name))


def test_one_value_fills_all_rows_of_the_longest_list() -> None:
    built = fills(side=[1, -1, 1], price_quote=5.0)
    assert built["price_quote"].to_list() == [5.0, 5.0, 5.0]
    assert built["trade_id"].to_list() == ["t1", "t2", "t3"]


def test_times_are_seconds_after_start_or_datetimes() -> None:
    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    assert fills(at=[0.5, noon])["at"].to_list() == [START.replace(microsecond=500_000), noon]


def test_an_empty_list_gives_no_rows() -> None:
    assert orders(side=[]).height == 0


def test_unknown_columns_and_unequal_lists_are_refused() -> None:
    with pytest.raises(KeyError, match="prize"):
        fills(prize=1.0)
    with pytest.raises(ValueError, match="lengths"):
        fills(side=[1], price_quote=[1.0, 2.0])


def test_raw_tables_carry_the_bot_and_a_hash_of_their_rows() -> None:
    one = raw_tables(bot="maker", fills=fills(side=[1, 1]))
    assert one.tables["fills"]["bot"].to_list() == ["maker", "maker"]
    assert one.info.rows == {"fills": 2}
    assert one.info.sha256 == raw_tables(uri="copy.sqlite", fills=fills(side=[1, 1])).info.sha256
    assert one.info.sha256 != raw_tables(fills=fills(side=[1, -1])).info.sha256
