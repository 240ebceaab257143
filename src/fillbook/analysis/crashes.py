"""Days on which crypto fell: what is replayed on the positions of today (DEFINITIONS E9).

Binance spot daily klines, UTC. `worst_day` is the close-to-close return of the worst day of the window;
`to_low` goes from the close before the window to the lowest price in it. Figures of the press differ by venue
and clock, and lows of futures were lower.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

Measure = Literal["worst_day", "to_low"]
MEASURES: Mapping[Measure, str] = {"worst_day": "worst day", "to_low": "to the low"}
DEFINITION = (
    "Binance spot daily klines, UTC: close-to-close return of the worst day, and from the close before the "
    "window to its lowest price"
)


@dataclass(frozen=True, slots=True)
class Crash:
    """A window of days, and by how much each asset that is known fell in it, as shares.

    Parameters
    ----------
    first, last
        Days of the window, both included.
    name
        What people call it.
    worst_day, to_low
        By asset; what is not named here is estimated by its beta to BTC.
    """

    first: date
    last: date
    name: str
    worst_day: Mapping[str, float]
    to_low: Mapping[str, float]
    note: str = ""

    @property
    def label(self) -> str:
        """Day and name: ``2020-03-12 Black Thursday``."""
        return f"{self.first} {self.name}"

    def move(self, asset: str, measure: Measure) -> float | None:
        """How an asset moved by its own record; None where there is none."""
        held = self.worst_day if measure == "worst_day" else self.to_low
        return held.get(asset)


CRASHES: tuple[Crash, ...] = (
    Crash(
        date(2020, 3, 12), date(2020, 3, 13), "Black Thursday",
        {"BTC": -0.3950, "ETH": -0.4460}, {"BTC": -0.5233, "ETH": -0.5581},
        "BTC 7,934.52 → 3,782.13; low on the 13th",
    ),
    Crash(
        date(2021, 5, 19), date(2021, 5, 19), "China ban",
        {"BTC": -0.1438, "ETH": -0.2774}, {"BTC": -0.2999, "ETH": -0.4406}, "BTC 42,849.78 → 30,000",
    ),
    Crash(
        date(2022, 5, 9), date(2022, 5, 12), "Terra/Luna",
        {"BTC": -0.1164, "ETH": -0.1156}, {"BTC": -0.2156, "ETH": -0.2856}, "BTC 34,038.40 → 26,700",
    ),
    Crash(
        date(2022, 6, 10), date(2022, 6, 18), "Celsius/3AC",
        {"BTC": -0.1538, "ETH": -0.1568}, {"BTC": -0.4147, "ETH": -0.5072},
        "BTC 30,109.93 → 17,622; nine days",
    ),
    Crash(
        date(2022, 11, 6), date(2022, 11, 9), "FTX",
        {"BTC": -0.1415, "ETH": -0.1738}, {"BTC": -0.2681, "ETH": -0.3402}, "BTC 21,299.37 → 15,588",
    ),
    Crash(
        date(2024, 8, 2), date(2024, 8, 5), "Yen carry",
        {"BTC": -0.0712, "ETH": -0.1002}, {"BTC": -0.2502, "ETH": -0.3410},
        "BTC 65,354.02 → 49,000; 5 August alone to its low −15.75 %, ETH −21.49 %",
    ),
    Crash(
        date(2025, 10, 10), date(2025, 10, 10), "Tariff liquidations",
        {"BTC": -0.0731, "ETH": -0.1233}, {"BTC": -0.1616, "ETH": -0.2136, "DOGE": -0.6177, "SOL": -0.2360},
        "BTC 121,662.40 → 102,000; more than 19 bn USD of liquidations reported",
    ),
)  # fmt: skip

STABLECOINS = frozenset({
    "USDT", "USDC", "BUSD", "FDUSD", "DAI", "TUSD", "USDP", "USDE", "USDS", "PYUSD", "GUSD", "USDD", "UST",
})  # fmt: skip
CASH = frozenset({
    "USD", "EUR", "GBP", "JPY", "TRY", "BRL", "AUD", "CHF", "KRW", "CAD", "PLN", "MXN", "ZAR",
})  # fmt: skip
STILL = STABLECOINS | CASH  # what a crash of crypto leaves where it is
