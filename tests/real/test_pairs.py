"""The same fills from a database, from its export, and from both (EXPECTED.md, section 2)."""

from __future__ import annotations

import csv
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from fillbook.analysis.overview import overview
from fillbook.performance_data_source import PerformanceDataSource, open_data

PAIRS = {
    "nim__642c927": "trades_nim__c3c4ed5",
    "conf_pure_mm_7__602ea71": "trades_conf_pure_mm_7__772bcd0",
    "conf_pure_mm_7__13cdb1e": "trades_conf_pure_mm_7__2003e23",
    "conf_pure_mm_7__f925bad": "trades_conf_pure_mm_7__ffb1add",
    "conf_pure_mm_7__fd45c2a": "trades_conf_pure_mm_7__fc921c7",
    "conf_pure_mm_7__b89a294": "trades_conf_pure_mm_7__657da95",
    "conf_avellaneda_market_making_2__7b8be1d": "trades_conf_avellaneda_market_making_2__deb1748",
    "conf_hedge_3__32c58c8": "trades_conf_hedge_3__53e9cad",
    "xemm__1094a0b": "trades_xemm__3ee8013",
}
BOOK = ("connector", "pair")
EXACT = ("n_fills", "realized_quote", "unrealized_quote", "fees_quote", "net_quote", "volume_quote")


def opened(
    shared_data: Path, database: str, *, with_database: bool, with_export: bool
) -> PerformanceDataSource:
    paths = []
    if with_database:
        paths.append(shared_data / f"hummingbot/jellebuth__Jelle-V2.4.4__{database}.sqlite")
    if with_export:
        paths.append(shared_data / f"exports/Jelle-V2.4.4__{PAIRS[database]}.csv")
    return open_data(*paths)


def books(data: PerformanceDataSource) -> pl.DataFrame:
    return overview(data).books.sort(BOOK).select(*BOOK, *EXACT)


def rules(data: PerformanceDataSource) -> set[str]:
    return {finding.rule for finding in overview(data).findings}


@pytest.mark.parametrize("database", PAIRS)
def test_a_database_and_its_export_agree_or_a_finding_says_why(shared_data: Path, database: str) -> None:
    stored = opened(shared_data, database, with_database=True, with_export=False)
    exported = opened(shared_data, database, with_database=False, with_export=True)
    ours, theirs = books(stored), books(exported)
    explained = rules(stored) & {"quantised_prices", "zero_price"}
    if stored.quarantine.is_empty():
        assert ours.select(BOOK, "n_fills").equals(theirs.select(BOOK, "n_fills"))
    # a step of 1e-6 of price on amounts of thousands: what the file cut is all that may differ
    is_near = [
        left == pytest.approx(right, rel=1e-5, abs=3e-3)
        for left, right in zip(ours["net_quote"], theirs["net_quote"], strict=False)
    ]
    assert (ours.height == theirs.height and all(is_near)) or explained, (ours, theirs)


@pytest.mark.parametrize("database", PAIRS)
def test_with_both_the_answer_is_the_exports(shared_data: Path, database: str) -> None:
    exported = books(opened(shared_data, database, with_database=False, with_export=True))
    both = opened(shared_data, database, with_database=True, with_export=True)
    repaired = books(both)
    assert repaired.select(BOOK, "n_fills").equals(exported.select(BOOK, "n_fills"))
    for name in EXACT:
        assert repaired[name].to_list() == pytest.approx(exported[name].to_list(), rel=1e-9, abs=1e-12), name
    assert both.quarantine.is_empty()


def cut_rows(shared_data: Path, database: str) -> int:
    """Fills whose price or amount the database does not hold to its last digit."""
    path = shared_data / f"hummingbot/jellebuth__Jelle-V2.4.4__{database}.sqlite"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        stored = {
            row[:3]: row[3:]
            for row in connection.execute(
                "SELECT market, order_id, exchange_trade_id, price, amount FROM TradeFill"
            )
        }
    with (shared_data / f"exports/Jelle-V2.4.4__{PAIRS[database]}.csv").open(newline="") as file:
        return sum(
            stored[row["market"], row["order_id"], row["exchange_trade_id"]]
            != (Decimal(row["price"]) * 10**6, Decimal(row["amount"]) * 10**6)
            for row in csv.DictReader(file)
        )


def test_repair_is_said(shared_data: Path) -> None:
    data = opened(shared_data, "nim__642c927", with_database=True, with_export=True)
    (finding,) = [f for f in overview(data).findings if f.rule == "repaired_from_csv"]
    assert finding.n_rows == cut_rows(shared_data, "nim__642c927")
    alone = opened(shared_data, "nim__642c927", with_database=True, with_export=False)
    assert alone.quarantine.height == 31  # 31 of the 84 have a price of 0


def test_snapshots_of_one_bot_are_one_bot(shared_data: Path) -> None:
    """Four growing copies of one database hold no more than the last."""
    names = ("13cdb1e", "f925bad", "fd45c2a", "b89a294")
    paths = [shared_data / f"hummingbot/jellebuth__Jelle-V2.4.4__conf_pure_mm_7__{n}.sqlite" for n in names]
    whole, last = overview(open_data(*paths)), overview(open_data(paths[-1]))
    assert whole.metrics["n_fills"].value == last.metrics["n_fills"].value == 78
    assert whole.metrics["net_pnl"].value == pytest.approx(last.metrics["net_pnl"].value, rel=1e-12)
