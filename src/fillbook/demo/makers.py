"""Bots that quote both sides: a spot maker, one whose spread is too thin, a cross-exchange maker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fillbook.demo.bot_log import BotLog, Venue
from fillbook.demo.markets import MINUTES, START_S, Market, elsewhere

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


@dataclass(frozen=True, slots=True)
class Quote:
    """An order that waits: its id, price, amount, and the mid at which the market has come to it."""

    order_id: str
    price: float
    amount: float
    level: float


def spot_maker(log: BotLog, venue: Venue, market: Market, how: Quoting, rng: np.random.Generator) -> None:
    """Quote around the mid, lean against the inventory, record the mid every five minutes.

    A quote is filled in the first second in which the market's own best bid (or ask) has come to it.
    """
    held, live = 0.0, dict[int, Quote]()
    placed_at = -how.refresh_min
    _record_mids(log, venue, market)
    for minute in range(MINUTES):
        at_s, mid = START_S + 60 * minute, float(market.mid[minute])
        if minute - placed_at >= how.refresh_min or not live:
            for quote in live.values():
                log.end(quote.order_id, at_s)
            live, placed_at = _quotes(log, venue, market, how, minute, mid, held), minute
        for side, quote in list(live.items()):
            if (second := market.reached(minute, side, quote.level)) is not None:
                held += side * _in_parts(log, venue, quote, START_S + second, market, rng)
                del live[side]
    for quote in live.values():
        log.end(quote.order_id, START_S + 60 * MINUTES - 1)


def _quotes(
    log: BotLog, venue: Venue, market: Market, how: Quoting, minute: int, fair: float, held: float
) -> dict[int, Quote]:
    """Place a bid and an ask around a fair price; at the limit only the side that reduces the inventory."""
    share = min(max(held * fair / how.limit_quote, -1.0), 1.0)
    centre = fair * (1.0 - share * how.lean * how.spread)
    live = {}
    for side in (1, -1):
        if share * side >= 1.0:
            continue
        price = market.maker_price(minute, side, centre * (1.0 - side * how.spread))
        amount = market.amount(how.size_quote, fair)
        order_id = log.place(venue, market, START_S + 60 * minute, side, amount, price)
        live[side] = Quote(order_id, price, amount, market.level(side, price))
    return live


def _in_parts(
    log: BotLog, venue: Venue, quote: Quote, at_s: float, market: Market, rng: np.random.Generator
) -> float:
    """Fill an order whole, now and then in two parts or only in one; the amount filled."""
    order_id, price, amount = quote.order_id, quote.price, quote.amount
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


def _record_mids(log: BotLog, venue: Venue, market: Market) -> None:
    mids = market.mid[::_QUOTE_EVERY_MIN]
    for i, (mid, bid, ask) in enumerate(np.stack([mids, *market.best_around(mids)], axis=1).tolist()):
        log.quotes.append({
            "timestamp": (START_S + 60 * _QUOTE_EVERY_MIN * i) * 1000 * 1_000_000,
            "exchange": venue.connector, "trading_pair": market.pair, "mid_price": mid,
            "best_bid": bid, "best_ask": ask,
        })  # fmt: skip


def cross_exchange_maker(
    log: BotLog, venues: tuple[Venue, Venue], market: Market, how: Quoting, rng: np.random.Generator
) -> None:
    """Quote on one venue at what the other one pays, and take there whatever was filled here.

    The first venue's mid strays from the second one's; that is where the profit comes from.
    """
    maker, taker = venues
    here = elsewhere(market, rng, kept=0.96, jolt=0.00045)
    controller = "xemm_1"
    log.controller(controller, "generic", {
        "controller_name": "xemm_multiple_levels", "maker_connector": maker.connector,
        "taker_connector": taker.connector, "trading_pair": market.pair, "min_profitability": "0.0008",
    })  # fmt: skip
    live, placed_at = dict[int, Quote](), -how.refresh_min
    for minute in range(MINUTES):
        at_s, fair = START_S + 60 * minute, float(market.mid[minute])
        if minute - placed_at >= how.refresh_min:
            for quote in live.values():
                log.end(quote.order_id, at_s)
            live, placed_at = _quotes(log, maker, here, how, minute, fair, held=0.0), minute
        for side, quote in list(live.items()):
            if (second := here.reached(minute, side, quote.level)) is None:
                continue
            made = log.fill(maker, quote.order_id, START_S + second, quote.price, quote.amount)
            against = market.taker_price(second + 1, -side, float(rng.uniform(0.0, 0.0004)))
            end_s = START_S + second + 1
            took = log.taken(taker, market, end_s, -side, quote.amount, against)
            log.executor(
                "xemm_executor", controller, at_s, end_s, "COMPLETED", [made, took],
                {
                    "buying_market": {"connector_name": maker.connector, "trading_pair": market.pair},
                    "selling_market": {"connector_name": taker.connector, "trading_pair": market.pair},
                    "maker_side": 1 if side > 0 else 2,
                },
                custom={"order_ids": []},
            )  # fmt: skip
            del live[side]
