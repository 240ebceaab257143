"""What the metrics eat: arrays of one filtered, booked view, in the reporting currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fillbook.arrays import Bools, Floats, Ints
from fillbook.results import Status, Undefined

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
        Equity at the points of the fine curve (fills and a regular grid), start first; points without a price
        or a rate are left out, and `coverage` says so.
    curve_now
        The same; an `Undefined` where its last point is left out.
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
    curve_now: Floats | Undefined
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskInputs(Inputs):
    """`Inputs`, and how many configurations were tried before this one was shown.

    Parameters
    ----------
    trials
        Declared number of configurations; an `Undefined` where nobody said.
    trial_variance
        Variance of their Sharpe ratios, per day.
    """

    trials: float
    trial_variance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionInputs:
    """Arrays of the fills and orders of one view; NaN where the market at that time is not known.

    Quantities and amounts named `qty`, `worth`, `filled` or `volume` are times the reporting rate of their
    quote, so that times a price they are money in `currency`. An array nobody has is an `Undefined`.

    Parameters
    ----------
    fill_qty, fill_price, fill_worth
        Per fill: signed base, price, and their product.
    fill_mid, fill_bid, fill_ask
        Quote just before each.
    fill_mid_5s, fill_mid_60s, fill_mid_300s
        Mid so long after each.
    maker_bid, maker_ask
        The same of the fills that rested for certain.
    fill_is_maker, fill_is_unknown, fill_liquidity, fill_pair
        Whether it rested for certain, or nothing says; 0 maker, 1 taker, 2 unknown; number of its pair.
    order_class, order_amount, order_filled, order_price, order_is_market
        As in `Inputs`.
    traded_side, traded_worth, traded_average, traded_is_market
        Per order with a fill: ±1, base filled, average price, whether it was a MARKET order.
    traded_limit, traded_arrival, traded_touch, traded_touch_mid
        Limit price, mid at creation, ask (buys) or bid (sells) then, and the mid of that quote.
    traded_latency_s
        Seconds from the decision to the first fill, of orders that trade at once.
    order_wait_s, order_is_filled
        Seconds to the first fill, else to the end of the order or the data; whether it was a fill.
    order_live_s, order_n_fills
        Seconds from creation to end, and fills.
    parent_side, parent_filled, parent_average, parent_vwap, parent_twap
        Per parent with a fill: side, base, average price, and the market's averages over its life.
    parent_shortfall, parent_worth
        Per parent: implementation shortfall and value at the decision, in `currency`.
    uptime_bid_s, uptime_ask_s, uptime_both_s, uptime_window_s
        Per bot and market: seconds with live limit orders, and seconds of the window.
    own_volume, maker_volume, market_volume
        Per market, in `currency`, while the bots ran.
    impact_size, impact_move
        Per taker parent: share of a day's volume, signed move over daily volatility.
    doubts
        By input: a status below ``ok`` and why.
    used
        By input: how many of its values are known.
    coverage, reasons, method
        As in `Inputs`.
    """

    fill_qty: Floats | Undefined
    fill_price: Floats
    fill_worth: Floats | Undefined
    fill_mid: Floats | Undefined
    fill_bid: Floats | Undefined
    fill_ask: Floats | Undefined
    maker_bid: Floats | Undefined
    maker_ask: Floats | Undefined
    fill_mid_5s: Floats | Undefined
    fill_mid_60s: Floats | Undefined
    fill_mid_300s: Floats | Undefined
    fill_is_maker: Bools
    fill_is_unknown: Bools
    fill_liquidity: Floats
    fill_pair: Floats
    order_class: Ints | Undefined
    order_amount: Floats | Undefined
    order_filled: Floats | Undefined
    order_price: Floats | Undefined
    order_is_market: Bools | Undefined
    traded_side: Floats | Undefined
    traded_worth: Floats | Undefined
    traded_average: Floats | Undefined
    traded_is_market: Bools | Undefined
    traded_limit: Floats | Undefined
    traded_arrival: Floats | Undefined
    traded_touch: Floats | Undefined
    traded_touch_mid: Floats | Undefined
    traded_latency_s: Floats | Undefined
    order_wait_s: Floats | Undefined
    order_is_filled: Bools | Undefined
    order_live_s: Floats | Undefined
    order_n_fills: Ints | Undefined
    parent_side: Floats | Undefined
    parent_filled: Floats | Undefined
    parent_average: Floats | Undefined
    parent_vwap: Floats | Undefined
    parent_twap: Floats | Undefined
    parent_shortfall: Floats | Undefined
    parent_worth: Floats | Undefined
    uptime_bid_s: Floats | Undefined
    uptime_ask_s: Floats | Undefined
    uptime_both_s: Floats | Undefined
    uptime_window_s: Floats | Undefined
    own_volume: Floats | Undefined
    maker_volume: Floats | Undefined
    market_volume: Floats | Undefined
    impact_size: Floats | Undefined
    impact_move: Floats | Undefined
    window_s: float
    currency: str | None = None
    coverage: Mapping[str, float] = field(default_factory=dict)
    reasons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    doubts: Mapping[str, tuple[Status, str]] = field(default_factory=dict)
    used: Mapping[str, int] = field(default_factory=dict)
    method: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributionInputs:
    """Parts of the gross PnL of each fill of one view, shape (n,), in `currency`.

    Parameters
    ----------
    part_spread, part_inventory, part_unattributed
        As `metrics.attribution.Split` has them.
    part_gross
        Their sum.
    part_adverse, part_positioning, part_no_later
        The inventory part within the horizon, after it, and of fills that lack a mid at one end of it.
    part_worth
        Value of each fill at its price.
    part_has_mid, part_has_later
        1 where the mid just before the fill is known, and where that and the one at the horizon are, else 0.
    window_s, currency, coverage, reasons, method
        As in `Inputs`.
    """

    part_spread: Floats | Undefined
    part_inventory: Floats | Undefined
    part_unattributed: Floats | Undefined
    part_gross: Floats | Undefined
    part_adverse: Floats | Undefined
    part_positioning: Floats | Undefined
    part_no_later: Floats | Undefined
    part_worth: Floats | Undefined
    part_has_mid: Floats
    part_has_later: Floats
    window_s: float
    currency: str | None = None
    coverage: Mapping[str, float] = field(default_factory=dict)
    reasons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    method: Mapping[str, str] = field(default_factory=dict)
