"""An answer made by hand, so that a test of a report shows what it reports."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from fillbook.analysis.overview import Overview
from fillbook.conventions import Conventions
from fillbook.filters import Filter
from fillbook.findings import Finding, Severity
from fillbook.ledger.invariants import Check, Verdict
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Result, Status
from fillbook.testing.tables import fills
from fillbook.units import Unit

START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def data() -> PerformanceDataSource:
    return PerformanceDataSource.from_tables(
        {"fills": fills(side=[1, -1], price_quote=[10.0, 12.0], pair=["A-USDT", "B-USDT"])}
    )


@pytest.fixture
def answer() -> Overview:
    net = Result("net_pnl", 1.25, Unit.MONEY, n=2, n_used=2, coverage=1.0, currency="USDT")
    roi = Result("roi", None, Unit.FRACTION, Status.UNAVAILABLE, ("no_capital",))
    daily = pl.DataFrame(
        {
            "day": [date(2026, 1, 1)],
            "pnl": [1.25],
            "equity": [1.25],
            "drawdown": [0.0],
            "volume": [22.0],
        }
    )
    books = pl.DataFrame(
        {"bot": ["bot"], "net_quote": [1.25], "first_at": [START], "reasons": [["no_mid", "gap"]]}
    )
    return Overview(
        currency="USDT", period=(START, END), metrics={"net_pnl": net, "roi": roi}, books=books,
        daily=daily, book_daily=daily, equity=daily, trips=daily, drawdowns=daily,
        checks=(Check("identity", "It holds", Verdict.PASS, "1 against 1", 0.0),),
        findings=(Finding("fills", "gap", Severity.INFO, "a silence", n_rows=3, rows=(1, 2, 3)),),
        chosen=Filter(pairs=("A-USDT",)), conventions=Conventions(capital=100.0),
    )  # fmt: skip
