"""Bots that earn so much a day, as fills: bought at 100 in the morning, sold at 100 + PnL at noon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from fillbook.performance_data_source import PerformanceDataSource
from fillbook.testing.tables import CLOCK, table

DAY = 86_400.0
MORNING, NOON = 3_600.0, 43_200.0


def rows_of(
    bot: str, pnl: Sequence[float], *, first: int = 0, pair: str = "ABC-USDT", controller: str | None = None
) -> list[dict[str, object]]:
    """Two fills a day for each PnL, from day `first` on."""
    base, quote = pair.split("-")
    held = {"bot": bot, "pair": pair, "base": base, "quote": quote, "controller_id": controller}
    return [
        {**held, "at": (first + day) * DAY + at, "side": side, "price_quote": price}
        for day, won in enumerate(pnl)
        for at, side, price in ((MORNING, 1, 100.0), (NOON, -1, 100.0 + won))
    ]


def opened(rows: Sequence[Mapping[str, object]], **tables: pl.DataFrame) -> PerformanceDataSource:
    """Fills as an opened source."""
    ordered = sorted(rows, key=lambda row: float(str(row["at"])))
    fills = table("fills", **{name: [row[name] for row in ordered] for name in ordered[0]})
    return PerformanceDataSource.from_tables({"fills": fills, **tables}, clock=CLOCK)


def earning(*, first: int = 0, **bots: Sequence[float]) -> PerformanceDataSource:
    """Bots by name, each with its PnL a day."""
    return opened([row for bot, pnl in bots.items() for row in rows_of(bot, pnl, first=first)])
