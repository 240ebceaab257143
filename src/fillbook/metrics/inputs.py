"""What the metrics eat: arrays of one filtered, booked view, in the reporting currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fillbook.arrays import Bools, Floats, Ints
from fillbook.results import Undefined

ORDER_CLASSES = ("FILLED", "FILLED_INCOMPLETE_DATA", "CANCELLED", "EXPIRED", "FAILED", "OPEN")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Arrays without NaN, oldest first; what is missing is an `Undefined` with its reason.

    Parameters
    ----------
    book_net, book_realized, book_unrealized, book_fees_paid, book_rebates, book_funding
        Per book: net = realized + unrealized − (fees_paid − rebates) + funding.
    book_volume
        Per book: Σ price × amount.
    fill_at
        Time of each fill, µs.
    trip_pnl, trip_notional, trip_hold_s
        Closed round trips by exit time: net PnL, entry notional, seconds from entry to exit.
    daily_pnl
        Change of net PnL per UTC day of the run, days without activity included as 0.
    daily_return
        The same over the capital base (fixed) or over the equity before (compounded).
    daily_basis
        Daily returns where capital is declared, else daily PnL: for ratios without a scale.
    curve
        Equity at the points of the fine curve (fills and a regular grid), start first.
    equity
        Capital (0 where none is declared) and then capital + cumulative daily PnL: n + 1 values.
    order_class
        Index into `ORDER_CLASSES`, one an order.
    order_amount, order_filled
        Base asked for and filled.
    order_price
        Quote value of one base (limit price, else average fill price, else NaN).
    order_is_market
        True for MARKET orders.
    window_s
        Seconds from the first order or fill to the last event, or the declared run.
    book_revalued
        Per book: fees in base and third tokens at their fills less the same tokens at the end.
    gross_exposure
        Per book: |position| × mark at the end.
    position_value_s
        Per book: ∫|position|dt × the book's mean price, in currency · seconds.
    closed_value
        Per book: Σ closed quantity × the same mean price.
    in_market_s
        Seconds during which any book held a position.
    capital
        Capital base.
    periods_per_year
        Days a year.
    currency
        Reporting currency of all money.
    coverage, reasons, method
        By input: the share of the data in it, why it is partial, how it was booked.
    """

    book_net: Floats | Undefined
    book_realized: Floats | Undefined
    book_unrealized: Floats | Undefined
    book_fees_paid: Floats | Undefined
    book_rebates: Floats | Undefined
    book_funding: Floats | Undefined
    book_revalued: Floats | Undefined
    gross_exposure: Floats | Undefined
    book_volume: Floats | Undefined
    fill_at: Ints
    trip_pnl: Floats | Undefined
    trip_notional: Floats | Undefined
    trip_hold_s: Floats | Undefined
    daily_pnl: Floats | Undefined
    daily_return: Floats | Undefined
    daily_basis: Floats | Undefined
    curve: Floats | Undefined
    equity: Floats | Undefined
    order_class: Ints | Undefined
    order_amount: Floats | Undefined
    order_filled: Floats | Undefined
    order_price: Floats | Undefined
    order_is_market: Bools | Undefined
    window_s: float
    position_value_s: Floats | Undefined
    closed_value: Floats | Undefined
    in_market_s: float
    capital: float
    periods_per_year: float = 365.0
    currency: str | None = None
    coverage: Mapping[str, float] = field(default_factory=dict)
    reasons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    method: Mapping[str, str] = field(default_factory=dict)
