"""Bots that quote both sides: a spot maker, one whose spread is too thin, a cross-exchange maker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fillbook.demo.bot_log import BotLog, Venue
from fillbook.demo.markets import MINUTES, START_S, Market

_QUOTE_EVERY_MIN = 5


@dataclass(frozen=True, slots=True)
class Quoting:
    """How a maker quotes.

    Parameters
    ----------
    spread
        Distance of each side from the mid, as a fraction.
    refresh_min
        Minutes after which unfilled quotes are replaced.
    size_quote
        Value of one quote.
    limit_quote
        Inventory at which the side that adds to it is no longer quoted; quotes lean against it.
    lean
        By how many spreads the quotes move at the limit.
    """

    spread: float
    refresh_min: int
    size_quote: float
    limit_quote: float
    lean: float = 0.6


def spot_maker(log: BotLog, venue: Venue, market: Market, how: Quoting, rng: np.random.Generator) -> None:
    """Quote around the mid, lean against the inventory, record the mid every five minutes."""
    held, live = 0.0, dict[int, tuple[str, float, float]]()
    placed_at = -how.refresh_min
    for minute in range(MINUTES):
        mid, at_s = float(market.mid[minute]), START_S + 60 * minute
        if minute % _QUOTE_EVERY_MIN == 0:
            _record_mid(log, venue, market, at_s, mid)
        if minute - placed_at >= how.refresh_min or not live:
            for order_id, *_ in live.values():
                log.end(order_id, at_s)
            live, placed_at = _quotes(log, venue, market, how, at_s, mid, held), minute
        for side, (order_id, price, amount) in list(live.items()):
            reached = market.low[minute] < price if side > 0 else market.high[minute] > price
            if reached:
                second = at_s + int(rng.integers(2, 58))
                held += side * _in_parts(log, venue, order_id, second, price, amount, market, rng)
                del live[side]
    for order_id, *_ in live.values():
        log.end(order_id, START_S + 60 * MINUTES - 1)


def _quotes(
    log: BotLog, venue: Venue, market: Market, how: Quoting, at_s: float, mid: float, held: float
) -> dict[int, tuple[str, float, float]]:  # fmt: skip
    """Place a bid and an ask; at the limit only the side that reduces the inventory."""
    share = min(max(held * mid / how.limit_quote, -1.0), 1.0)
    centre = mid * (1.0 - share * how.lean * how.spread)
    live = {}
    for side in (1, -1):
        if share * side >= 1.0:
            continue
        price = market.price(centre * (1.0 - side * how.spread))
        amount = market.amount(how.size_quote, mid)
        live[side] = (log.place(venue, market, at_s, side, amount, price), price, amount)
    return live


def _in_parts(
    log: BotLog, venue: Venue, order_id: str, at_s: float, price: float, amount: float, market: Market,
    rng: np.random.Generator,
) -> float:  # fmt: skip
    """Fill an order whole, now and then in two parts or only in one; the amount filled."""
    first = round(amount * float(rng.uniform(0.2, 0.8)), market.listing.amount_decimals)
    chance = float(rng.random())
    if chance < 0.02 and 0.0 < first < amount:
        log.fill(venue, order_id, at_s, price, first, is_last=False)
        log.end(order_id, at_s + 30)
        return first
    if chance < 0.12 and 0.0 < first < amount:
        rest = round(amount - first, market.listing.amount_decimals)
        log.fill(venue, order_id, at_s, price, first, is_last=False)
        log.fill(venue, order_id, at_s + 1, price, rest)
    else:
        log.fill(venue, order_id, at_s, price, amount)
    return amount


def _record_mid(log: BotLog, venue: Venue, market: Market, at_s: float, mid: float) -> None:
    half = 0.5 * 10.0**-market.listing.price_decimals
    log.quotes.append({
        "timestamp": int(at_s) * 1000 * 1_000_000, "exchange": venue.connector,
        "trading_pair": market.pair, "mid_price": mid, "best_bid": mid - half, "best_ask": mid + half,
    })  # fmt: skip


def cross_exchange_maker(
    log: BotLog, venues: tuple[Venue, Venue], market: Market, how: Quoting, rng: np.random.Generator
) -> None:
    """Quote on one venue at what the other one pays, and take there whatever was filled here.

    The first venue's mid strays from the second one's; that is where the profit comes from.
    """
    maker, taker = venues
    controller = "xemm_1"
    log.controller(controller, "generic", {
        "controller_name": "xemm_multiple_levels", "maker_connector": maker.connector,
        "taker_connector": taker.connector, "trading_pair": market.pair, "min_profitability": "0.0008",
    })  # fmt: skip
    basis, live, placed_at = 0.0, dict[int, tuple[str, float, float]](), -how.refresh_min
    for minute in range(MINUTES):
        mid, at_s = float(market.mid[minute]), START_S + 60 * minute
        basis = 0.96 * basis + float(rng.normal(0.0, 0.00045))
        if minute - placed_at >= how.refresh_min:
            for order_id, *_ in live.values():
                log.end(order_id, at_s)
            live, placed_at = _quotes(log, maker, market, how, at_s, mid, held=0.0), minute
        for side, (order_id, price, amount) in list(live.items()):
            extreme = market.low[minute] if side > 0 else market.high[minute]
            if (extreme * (1.0 + basis) - price) * side >= 0.0:
                continue
            second = at_s + int(rng.integers(2, 58))
            made = log.fill(maker, order_id, second, price, amount)
            slip = 1.0 - side * float(rng.uniform(0.0, 0.0004))
            against = market.price(
                max(market.low[minute], min(market.high[minute], price / (1.0 + basis))) * slip
            )
            took = log.taken(taker, market, second + 1, -side, amount, against)
            log.executor(
                "xemm_executor", controller, at_s, second + 1, "COMPLETED", [made, took],
                {
                    "buying_market": {"connector_name": maker.connector, "trading_pair": market.pair},
                    "selling_market": {"connector_name": taker.connector, "trading_pair": market.pair},
                    "maker_side": 1 if side > 0 else 2,
                },
                custom={"order_ids": []},
            )  # fmt: skip
            del live[side]
