"""Bots that run executors: directional with barriers, a grid on a perpetual, averaging down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fillbook.arrays import Floats
from fillbook.demo.bot_log import BotLog, Filled, Row, Venue
from fillbook.demo.markets import MINUTES, START_S, Market

FUNDING_EVERY_MIN = 480
_PATIENCE_MIN = 30  # how long an entry waits for the market


@dataclass(frozen=True, slots=True)
class Barriers:
    """When a position is closed: fractions of the entry price, and minutes."""

    take_profit: float
    stop_loss: float
    time_limit_min: int
    activation: float
    trailing: float


def _signal(mid: Floats, window: int = 120) -> Floats:
    """Distance of the mid from its mean of the window before, in deviations."""
    sums = np.cumsum(np.insert(mid, 0, 0.0))
    squares = np.cumsum(np.insert(mid**2, 0, 0.0))
    mean = (sums[window:] - sums[:-window]) / window
    spread = np.sqrt(np.maximum((squares[window:] - squares[:-window]) / window - mean**2, 1e-18))
    return np.concatenate([np.zeros(window - 1), (mid[window - 1 :] - mean) / spread])


def directional(
    log: BotLog, venue: Venue, market: Market, barriers: Barriers, size_quote: float,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Trade back to the mean after a stretch, one position at a time, until a barrier is touched."""
    controller = f"bollinger_v1_{market.pair}"
    log.controller(
        controller,
        "directional_trading",
        {
            "controller_name": "bollinger_v1",
            "connector_name": venue.connector,
            "trading_pair": market.pair,
            "total_amount_quote": str(size_quote),
            "bb_length": 120,
            "bb_std": 2.0,
            "leverage": venue.leverage,
            "stop_loss": str(barriers.stop_loss),
            "take_profit": str(barriers.take_profit),
            "time_limit": barriers.time_limit_min * 60,
            "trailing_stop": {
                "activation_price": str(barriers.activation),
                "trailing_delta": str(barriers.trailing),
            },
        },
    )
    signal = _signal(market.mid)
    minute = 120
    while minute < MINUTES - barriers.time_limit_min - 60:
        if abs(signal[minute]) < 2.5:
            minute += 1
            continue
        side = 1 if signal[minute] < 0.0 else -1
        minute = _one_position(log, venue, market, barriers, (minute, side, size_quote), controller, rng)
        minute += int(rng.integers(5, 30))
    _held(log, venue, market, MINUTES - 40, size_quote, controller)


def _held(
    log: BotLog, venue: Venue, market: Market, minute: int, size_quote: float, controller: str
) -> None:  # fmt: skip
    """A last position that the bot still holds when it stops."""
    at_s, price = START_S + 60 * minute, market.taker_price(60 * minute, 1, 0.0)
    amount = market.amount(size_quote, price)
    opened = log.taken(venue, market, at_s, 1, amount, price, position="OPEN")
    log.executor("position_executor", controller, at_s, at_s + 1_200, "POSITION_HOLD", [opened], {
        "trading_pair": market.pair, "connector_name": venue.connector, "side": 1,
        "entry_price": f"{price}", "amount": f"{amount}", "leverage": venue.leverage, "level_id": "0",
    }, net_pnl=0.0)  # fmt: skip
    log.positions.append({
        "id": f"{controller}-held", "controller_id": controller, "connector_name": venue.connector,
        "side": "BUY", "trading_pair": market.pair, "timestamp": (at_s + 1_200) * 1000,
        "volume_traded_quote": opened.value, "amount": amount, "breakeven_price": price,
        "unrealized_pnl_quote": 0.0, "realized_pnl_quote": 0.0, "cum_fees_quote": opened.fee_quote,
    })  # fmt: skip


def _one_position(
    log: BotLog, venue: Venue, market: Market, barriers: Barriers, entry: tuple[int, int, float],
    controller: str, rng: np.random.Generator,
) -> int:  # fmt: skip
    """Open, hold and close one position; the minute in which it was over."""
    minute, side, size_quote = entry
    start_s = START_S + 60 * minute
    limit = market.price(market.mid[minute] * (1.0 - side * 0.0001))
    amount = market.amount(size_quote, limit)
    config: Row = {
        "trading_pair": market.pair, "connector_name": venue.connector, "side": 1 if side > 0 else 2,
        "entry_price": f"{limit}", "amount": f"{amount}", "leverage": venue.leverage, "level_id": "0",
    }  # fmt: skip
    fate, order = float(rng.random()), (minute, side, amount, limit)
    if fate < 0.015:
        why = "FAILED" if fate < 0.009 else "INSUFFICIENT_BALANCE"
        return _never_opened(log, venue, market, order, (why, 1), controller, config)
    opens = _entry(market, minute, side, limit)
    if opens is None:
        return _never_opened(log, venue, market, order, ("EXPIRED", _PATIENCE_MIN), controller, config)
    order_id = log.place(venue, market, start_s, side, amount, limit, position="OPEN")
    opened = log.fill(venue, order_id, START_S + opens, limit, amount)
    start = -(-opens // 60)  # the first minute that begins with the position
    over, level, why = _touched(market, barriers, start, side, limit)
    if fate > 0.985 and over > start + 10:
        over, level, why = start + int(rng.integers(5, over - start)), None, "EARLY_STOP"
    for due in range(-(-start // FUNDING_EVERY_MIN) * FUNDING_EVERY_MIN, over + 1, FUNDING_EVERY_MIN):
        log.fund(venue, market, due, side * amount)
    closed, ends = _closed(log, venue, market, (opened, opens), (over, level, why), rng)
    custom: Row = {
        "close_price": f"{closed.price}",
        "current_position_average_price": f"{limit}",
        "side": config["side"],
    }
    log.executor(
        "position_executor",
        controller,
        start_s,
        START_S + ends,
        why,
        [opened, closed],
        config,
        custom=custom,
    )
    return over


def _closed(
    log: BotLog, venue: Venue, market: Market, opening: tuple[Filled, int],
    end: tuple[int, float | None, str], rng: np.random.Generator,
) -> tuple[Filled, int]:  # fmt: skip
    """Fill that closes a position, and its second since the start: when the market comes to the barrier."""
    (opened, opens), (over, level, why) = opening, end
    side, amount, ends = opened.side, opened.amount, 60 * over + int(rng.integers(1, 55))
    if level is not None and why == "TAKE_PROFIT":
        price = market.price(level)
        ends = market.reached(over, -side, market.level(-side, price)) or ends
        order_id = log.place(venue, market, START_S + opens, -side, amount, price, position="CLOSE")
        return log.fill(venue, order_id, START_S + ends, price, amount), ends
    if level is not None:
        ends = market.reached(over, side, level) or ends
    price = market.taker_price(ends, -side, float(rng.uniform(0.0, 0.0010)))
    return log.taken(venue, market, START_S + ends, -side, amount, price, position="CLOSE"), ends


def _entry(market: Market, minute: int, side: int, limit: float) -> int | None:
    """Second since the start in which the market comes to an entry that waits; None where it does not."""
    level = market.level(side, limit)
    for waiting in range(minute, minute + _PATIENCE_MIN):
        if (second := market.reached(waiting, side, level)) is not None:
            return second
    return None


def _never_opened(
    log: BotLog, venue: Venue, market: Market, order: tuple[int, int, float, float],
    end: tuple[str, int], controller: str, config: Row,
) -> int:  # fmt: skip
    """An executor whose order expired, failed, or found no balance, and after how many minutes."""
    minute, side, amount, limit = order
    (why, minutes), start_s = end, START_S + 60 * minute
    if why != "INSUFFICIENT_BALANCE":
        order_id = log.place(venue, market, start_s, side, amount, limit, position="OPEN")
        status = "OrderCancelled" if why == "EXPIRED" else "OrderFailure"
        log.end(order_id, start_s + 60 * minutes, status)
    log.executor("position_executor", controller, start_s, start_s + 60 * minutes, why, [], config)
    return minute + minutes


def _touched(
    market: Market, barriers: Barriers, start: int, side: int, entry: float
) -> tuple[int, float | None, str]:
    """First barrier that is touched: minute, its price, close type. The worse one where two are."""
    stop = min(start + barriers.time_limit_min, MINUTES - 1)
    best = (market.high if side > 0 else market.low)[start:stop] / entry - 1.0
    worst = (market.low if side > 0 else market.high)[start:stop] / entry - 1.0
    best, worst = side * best, side * worst
    peak = np.maximum.accumulate(best) if best.size else best
    trail = (peak >= barriers.activation) & (worst <= peak - barriers.trailing)
    trail[1:] &= peak[:-1] >= barriers.activation
    found = []
    for why, hits in (
        ("STOP_LOSS", worst <= -barriers.stop_loss), ("TRAILING_STOP", trail),
        ("TAKE_PROFIT", best >= barriers.take_profit),
    ):  # fmt: skip
        if hits.any():
            found.append((int(np.argmax(hits)), why))
    if not found:
        return stop, None, "TIME_LIMIT"
    at, why = min(found, key=lambda hit: hit[0])
    level = {
        "STOP_LOSS": -barriers.stop_loss, "TAKE_PROFIT": barriers.take_profit,
        "TRAILING_STOP": float(peak[at]) - barriers.trailing,
    }[why]  # fmt: skip
    return start + at, entry * (1.0 + side * level), why


def grid(
    log: BotLog, venue: Venue, market: Market, *, levels: int, step: float, size_quote: float, hours: int
) -> None:  # fmt: skip
    """Buy on the way down, sell each level a step higher; a new grid around the price every so often."""
    controller = f"grid_strike_{market.pair}"
    log.controller(controller, "generic", {
        "controller_name": "grid_strike", "connector_name": venue.connector,
        "trading_pair": market.pair, "leverage": venue.leverage, "levels": levels,
        "min_spread_between_orders": str(step), "total_amount_quote": str(levels * size_quote),
    })  # fmt: skip
    for start in range(0, MINUTES, hours * 60):
        _one_grid(
            log,
            venue,
            market,
            (start, min(start + hours * 60, MINUTES) - 2),
            levels,
            step,
            size_quote,
            controller,
        )


def _one_grid(
    log: BotLog, venue: Venue, market: Market, span: tuple[int, int], levels: int, step: float,
    size_quote: float, controller: str,
) -> None:  # fmt: skip
    """One grid from start to stop; what is still held then is sold at the market."""
    start, stop = span
    centre = float(market.mid[start])
    prices = [market.price(centre * (1.0 - step * (k + 1 - levels // 2))) for k in range(levels)]
    targets = [market.price(price * (1.0 + step)) for price in prices]
    falls = [market.level(1, price) for price in prices]
    rises = [market.level(-1, target) for target in targets]
    amount = market.amount(size_quote, centre)
    bids: dict[int, str] = {}
    asks: dict[int, tuple[str, int]] = {}
    filled: list[Filled] = []
    for minute in range(start, stop):
        mid, low, high = market.mid[minute], market.low[minute], market.high[minute]
        if minute % FUNDING_EVERY_MIN == 0 and asks:
            log.fund(venue, market, minute, amount * len(asks))
        for k, price in enumerate(prices):
            if k not in asks and k not in bids and mid > price:
                bids[k] = log.place(venue, market, START_S + 60 * minute, 1, amount, price, position="OPEN")
            if k in bids and low <= falls[k] and (hit := market.reached(minute, 1, falls[k])) is not None:
                filled.append(log.fill(venue, bids.pop(k), START_S + hit, price, amount))
                placed = START_S + hit + 1
                order = log.place(venue, market, placed, -1, amount, targets[k], position="CLOSE")
                asks[k] = order, hit + 1
            if k in asks and high >= rises[k]:
                order, after = asks[k]
                if (hit := market.reached(minute, -1, rises[k], after=after)) is not None:
                    filled.append(log.fill(venue, order, START_S + hit, targets[k], amount))
                    del asks[k]
    end_s = START_S + 60 * stop
    for order in (*bids.values(), *(ask for ask, _ in asks.values())):
        log.end(order, end_s)
    if asks:
        left = round(amount * len(asks), market.listing.amount_decimals)
        price = market.taker_price(60 * stop + 1, -1, 0.0)
        filled.append(log.taken(venue, market, end_s + 1, -1, left, price, position="CLOSE"))
    won = sum(-f.side * f.value - f.fee_quote for f in filled)
    log.executor(
        "grid_executor", controller, START_S + 60 * start, end_s + 1,
        "TAKE_PROFIT" if won > 0.0 else "STOP_LOSS", filled,
        {
            "trading_pair": market.pair, "connector_name": venue.connector, "side": 1,
            "start_price": f"{prices[-1]}", "end_price": f"{prices[0]}", "leverage": venue.leverage,
        },
    )  # fmt: skip


def averaging(
    log: BotLog, venue: Venue, market: Market, *, depths: tuple[float, ...], weights: tuple[float, ...],
    size_quote: float, take_profit: float, stop_loss: float,
) -> None:  # fmt: skip
    """Buy in steps below the price, sell all a little above the average, or stop out."""
    controller = f"dman_v3_{market.pair}"
    log.controller(controller, "directional_trading", {
        "controller_name": "dman_v3", "connector_name": venue.connector, "trading_pair": market.pair,
        "dca_spreads": ",".join(map(str, depths)), "dca_amounts_pct": ",".join(map(str, weights)),
        "total_amount_quote": str(size_quote), "take_profit": str(take_profit), "stop_loss": str(stop_loss),
    })  # fmt: skip
    minute = 0
    while minute < MINUTES - 5:
        minute = (
            _one_average(
                log,
                venue,
                market,
                (minute, depths, weights, size_quote),
                (take_profit, stop_loss),
                controller,
            )
            + 7
        )


def _one_average(
    log: BotLog, venue: Venue, market: Market,
    entry: tuple[int, tuple[float, ...], tuple[float, ...], float], exits: tuple[float, float],
    controller: str,
) -> int:  # fmt: skip
    """One round of averaging down; the minute in which it was over."""
    start, depths, weights, size_quote = entry
    centre, start_s = float(market.mid[start]), START_S + 60 * start
    open_orders = []
    for depth, weight in zip(depths, weights, strict=True):
        price = market.price(centre * (1.0 - depth))
        amount = market.amount(size_quote * weight / sum(weights), price)
        open_orders.append((log.place(venue, market, start_s, 1, amount, price), price, amount))
    filled: list[Filled] = []
    minute, why = start, "TIME_LIMIT"
    for minute in range(start, min(start + 2_880, MINUTES - 2)):
        if filled and (left := _left(filled, float(market.mid[minute]), exits, is_waiting=bool(open_orders))):
            why = left
            break
        if not filled and minute - start >= 90:
            why = "EXPIRED"
            break
        while open_orders:
            order, price, amount = open_orders[0]
            if (second := market.reached(minute, 1, market.level(1, price))) is None:
                break
            filled.append(log.fill(venue, order, START_S + second, price, amount))
            del open_orders[0]
    ends = 60 * (minute + 1 if why == "TIME_LIMIT" else minute)
    end_s = START_S + ends
    for order, *_ in open_orders:
        log.end(order, end_s)
    if filled:
        held = round(sum(f.amount for f in filled), market.listing.amount_decimals)
        price = market.taker_price(ends + 1, -1, 0.0)
        filled.append(log.taken(venue, market, end_s + 1, -1, held, price))
    log.executor("dca_executor", controller, start_s, end_s + 1, why, filled, {
        "trading_pair": market.pair, "connector_name": venue.connector, "side": 1,
        "amounts_quote": [f"{size_quote * w / sum(weights):.2f}" for w in weights],
        "prices": [f"{market.price(centre * (1 - d))}" for d in depths], "leverage": venue.leverage,
    })  # fmt: skip
    return minute


def _left(filled: list[Filled], mid: float, exits: tuple[float, float], *, is_waiting: bool) -> str:
    """Why a round of averaging down ends at this mid; empty while it goes on."""
    take_profit, stop_loss = exits
    average = sum(f.value for f in filled) / sum(f.amount for f in filled)
    if mid > average * (1.0 + take_profit):
        return "TAKE_PROFIT"
    return "STOP_LOSS" if not is_waiting and mid < average * (1.0 - stop_loss) else ""
