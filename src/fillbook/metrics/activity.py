"""How much was traded, and how long it was held (DEFINITIONS D)."""

from __future__ import annotations

from fillbook.arrays import Floats, Ints
from fillbook.ledger.sums import total
from fillbook.metrics.registry import metric
from fillbook.results import Undefined
from fillbook.units import Unit

_DAY_S = 86_400.0


@metric(
    label="Volume", group="activity", unit=Unit.MONEY, better="neither",
    formula=r"\sum p q", source="DEFINITIONS D3, both sides", undefined="no_rate across currencies",
)  # fmt: skip
def volume(book_volume: Floats) -> float:
    """Value of everything bought and sold."""
    return total(book_volume)


@metric(
    label="Turnover", group="activity", unit=Unit.RATIO, better="neither",
    formula=r"\sum p q / K", source="DEFINITIONS D3, two-sided",
    undefined="no_capital where none is declared; non_positive_capital",
)  # fmt: skip
def turnover(book_volume: Floats, *, capital: float) -> float:
    """How often the capital was traded, both sides counted."""
    return total(book_volume) / capital if capital > 0.0 else Undefined("non_positive_capital")


def _per_day(count: float, window_s: float) -> float:
    return count / (window_s / _DAY_S) if window_s > 0.0 else Undefined("window_too_short")


@metric(
    label="Trade frequency", group="activity", unit=Unit.PER_DAY, better="neither",
    formula=r"n_{\text{fills}}/T", source="DEFINITIONS D1", undefined="window_too_short for a single event",
)  # fmt: skip
def trade_frequency(fill_at: Ints, *, window_s: float) -> float:
    """Fills a day, from the first order or fill to the last event."""
    return _per_day(fill_at.size, window_s)


@metric(
    label="Fills", group="activity", unit=Unit.COUNT, better="neither",
    formula=r"n", source="fills booked", undefined="never",
)  # fmt: skip
def n_fills(fill_at: Ints) -> float:
    """Executions booked."""
    return float(fill_at.size)


@metric(
    label="Orders", group="activity", unit=Unit.COUNT, better="neither",
    formula=r"n", source="acknowledged Order rows", undefined="no_order_row without an order table",
)  # fmt: skip
def n_orders(order_class: Ints) -> float:
    """Orders the exchange acknowledged; refused ones leave no row."""
    return float(order_class.size)


@metric(
    label="Round trips", group="activity", unit=Unit.COUNT, better="neither",
    formula=r"n", source="closed, flat to flat; DEFINITIONS A10", undefined="never",
)  # fmt: skip
def n_round_trips(trip_hold_s: Floats) -> float:
    """Times a position went from flat to flat."""
    return float(trip_hold_s.size)


@metric(
    label="Average position duration", group="activity", unit=Unit.SECONDS, better="neither",
    formula=r"\int|X|\,dt \,/ \sum q_{\text{closed}}", source="Little (1961); DEFINITIONS D2",
    undefined="no_trades when nothing was closed",
)  # fmt: skip
def average_position_duration(position_value_s: Floats, closed_value: Floats) -> float:
    """How long a unit was held on average, by Little's law: needs no cost method."""
    closed = total(closed_value)
    return total(position_value_s) / closed if closed > 0.0 else Undefined("no_trades")


@metric(
    label="Average round trip",
    group="activity",
    unit=Unit.SECONDS,
    better="neither",
    formula=r"\overline{t_1-t_0}",
    source="flat to flat; DEFINITIONS D2",
    undefined="no_trades when nothing was closed",
)
def average_trade_duration(trip_hold_s: Floats) -> float:
    """Mean time from the first fill of a round trip to flat."""
    return total(trip_hold_s) / trip_hold_s.size if trip_hold_s.size else Undefined("no_trades")


@metric(
    label="Inventory turnover", group="activity", unit=Unit.PER_DAY, better="higher",
    formula=r"\sum q_{\text{closed}} / \overline{|X|}\ \text{per day}", source="DEFINITIONS D4",
    undefined="no_trades when nothing was held; window_too_short",
)  # fmt: skip
def inventory_turnover(position_value_s: Floats, closed_value: Floats, *, window_s: float) -> float:
    """How often a day the mean inventory was turned over."""
    held = total(position_value_s)
    if window_s <= 0.0:
        return Undefined("window_too_short")
    return total(closed_value) / held * _DAY_S if held > 0.0 else Undefined("no_trades")


@metric(
    label="Time in market",
    group="activity",
    unit=Unit.FRACTION,
    better="neither",
    formula=r"\frac{1}{T}\int 1_{X\ne0}\,dt",
    source="DEFINITIONS D6",
    undefined="window_too_short for a single event",
)
def time_in_market(*, in_market_s: float, window_s: float) -> float:
    """Share of the run in which any book held a position."""
    return in_market_s / window_s if window_s > 0.0 else Undefined("window_too_short")


@metric(
    label="Capital utilisation", group="activity", unit=Unit.FRACTION, better="neither",
    formula=r"\overline{|X|P}/K", source="DEFINITIONS D5",
    undefined="no_capital where none is declared; window_too_short",
)  # fmt: skip
def capital_utilisation(position_value_s: Floats, *, window_s: float, capital: float) -> float:
    """Mean value of the positions over the capital."""
    if capital <= 0.0:
        return Undefined("non_positive_capital")
    return total(position_value_s) / window_s / capital if window_s > 0.0 else Undefined("window_too_short")


@metric(
    label="Exposure",
    group="activity",
    unit=Unit.MONEY,
    better="neither",
    formula=r"\sum |X| P",
    source="DEFINITIONS D, at the end",
    undefined="no_mid when an open position has no price",
)
def exposure(gross_exposure: Floats) -> float:
    """Value of all positions held at the end, longs and shorts added."""
    return total(gross_exposure)
