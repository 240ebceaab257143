"""Simulated bots that trade now: what each does from moment to moment, as rows of its database."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from fillbook.demo.bot_log import Row, Venue

_SPREAD = 0.0006  # distance of a quote from the mid, as a fraction
_STEP = 0.00025  # deviation of what the mid moves between two decisions
_LIMIT = 12.0  # quotes' worth of inventory at which a bot only reduces it
_FILLED, _PARTLY = 0.55, 0.15  # chances of a quote that is looked at; else it is replaced
_WORD = {1: "Buy", -1: "Sell"}


@dataclass(frozen=True, slots=True)
class Desk:
    """What a bot trades: where, in which steps, how much at a time, and under which controller."""

    name: str
    strategy: str
    venue: Venue
    pair: str
    price: float
    price_decimals: int
    amount_decimals: int
    size_quote: float
    controller: str = ""

    @property
    def is_perpetual(self) -> bool:
        """Whether its orders open and close positions."""
        return "perpetual" in self.venue.connector


DESKS = (
    Desk("maker_sol", "pure_market_making",
         Venue("binance", 0.0002, 0.0004), "SOL-USDT", 152.0, 2, 3, 220.0),
    Desk("perp_eth", "v2_with_controllers",
         Venue("binance_perpetual", 0.0002, 0.0004, leverage=5, prefix="x-nbQe1H39"), "ETH-USDT", 3_240.0, 2,
         4, 650.0, controller="pmm_simple_eth"),
    Desk("maker_avax", "v2_with_controllers",
         Venue("kucoin", 0.0003, 0.0006, prefix=""), "AVAX-USDT", 31.4, 3, 2, 150.0, controller="pmm_avax"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a bot.

    Parameters
    ----------
    kind
        Hummingbot's name of it: ``BuyOrderCreated``, ``OrderFilled``, …
    event_s
        Time the bot's bridge tells, whole seconds since 1970.
    stored_ms
        Time its database stores.
    order
        Row of the table Order as it is now, in plain units.
    fill
        Row of the table TradeFill, of an ``OrderFilled``.
    """

    kind: str
    event_s: int
    stored_ms: int
    order: Row
    fill: Row | None = None


@dataclass(slots=True)
class _Quote:
    row: Row
    left: float
    filled: float = 0.0


_IDS = 100_000_000  # ids of the exchange that one bot sees


@dataclass
class LiveBot:
    """A maker that quotes both sides around a walking mid and leans against what it holds.

    The same seed decides the same; the time is told from outside.
    """

    name: str
    desk: Desk
    rng: np.random.Generator
    number: int = 0
    held_base: float = 0.0
    average: float = 0.0
    realized: float = 0.0
    fees: float = 0.0
    volume: float = 0.0
    mid: float = field(init=False)
    _quotes: dict[int, _Quote] = field(default_factory=dict)
    _last_us: int = 0
    _numbers: Iterator[int] = field(init=False)

    def __post_init__(self) -> None:
        """Begin at the pair's first price; no two bots share an id of the exchange."""
        self.mid = self.desk.price
        self._numbers = itertools.count(1 + self.number * _IDS)

    def act(self, now_s: float) -> list[Happening]:
        """One decision: place a quote, or see one filled, filled in part, or replaced."""
        self.mid *= math.exp(_STEP * float(self.rng.normal()))
        share = self.held_base * self.mid / (_LIMIT * self.desk.size_quote)
        side = 1 if self.rng.random() < 0.5 - 0.5 * min(max(share, -1.0), 1.0) else -1
        quote = self._quotes.get(side)
        if quote is None:
            return [self._place(now_s, side)]
        chance = float(self.rng.random())
        if chance < _FILLED:
            return self._fill(now_s, side, quote, quote.left)
        part = round(quote.left * float(self.rng.uniform(0.2, 0.8)), self.desk.amount_decimals)
        if chance < _FILLED + _PARTLY and 0.0 < part < quote.left:
            return self._fill(now_s, side, quote, part)
        return [self._end(now_s, side, "OrderCancelled"), self._place(now_s, side)]

    def cancel_all(self, now_s: float) -> list[Happening]:
        """Take every quote back, as a bot does when it stops."""
        return [self._end(now_s, side, "OrderCancelled") for side in list(self._quotes)]

    @property
    def unrealized(self) -> float:
        """PnL of what it holds at the mid, before fees."""
        return self.held_base * (self.mid - self.average)

    def _place(self, now_s: float, side: int) -> Happening:
        desk, at_ms = self.desk, 1_000 * int(now_s)
        base, quote = desk.pair.split("-")
        price = round(self.mid * (1.0 - side * _SPREAD), desk.price_decimals)
        self._last_us = max(int(now_s * 1e6) - 40_000, self._last_us + 1)
        market = f"{base[0]}{base[-1]}{quote[0]}{quote[-1]}"
        row: Row = {
            "id": f"{desk.venue.prefix}{_WORD[side][0]}{market}{self._last_us:013x}{self.number:04x}",
            "config_file_path": f"conf_{self.name}.yml", "strategy": desk.strategy,
            "market": desk.venue.connector, "symbol": desk.pair, "base_asset": base, "quote_asset": quote,
            "creation_timestamp": at_ms, "order_type": "LIMIT_MAKER", "price": price,
            "amount": round(desk.size_quote / price, desk.amount_decimals), "leverage": desk.venue.leverage,
            "exchange_order_id": str(5_230_000_000 + next(self._numbers)), "position": self._action(side),
        }  # fmt: skip
        self._quotes[side] = _Quote(row, float(str(row["amount"])))
        return self._happened(f"{_WORD[side]}OrderCreated", row, int(now_s), at_ms)

    def _fill(self, now_s: float, side: int, quote: _Quote, amount: float) -> list[Happening]:
        row, at_s = quote.row, int(now_s)
        price = float(str(row["price"]))
        paid = price * amount * self.desk.venue.maker
        fee = {
            "fee_type": "DeductedFromReturns", "percent": "0", "percent_token": row["quote_asset"],
            "flat_fees": [{"token": row["quote_asset"], "amount": f"{paid:.8f}"}],
        }  # fmt: skip
        fill: Row = {
            **{name: row[name] for name in (
                "config_file_path", "strategy", "market", "symbol", "base_asset", "quote_asset", "order_type",
                "leverage", "position",
            )},
            "timestamp": 1_000 * at_s, "order_id": row["id"], "trade_type": _WORD[side].upper(),
            "price": price, "amount": amount, "trade_fee": fee, "trade_fee_in_quote": paid,
            "exchange_trade_id": str(820_000_000 + next(self._numbers)),
        }  # fmt: skip
        self._book(side, price, amount, paid)
        quote.left = round(quote.left - amount, self.desk.amount_decimals)
        quote.filled += amount
        told = [self._happened("OrderFilled", row, at_s, 1_000 * at_s, fill)]
        return told if quote.left > 0.0 else [*told, self._end(now_s, side, f"{_WORD[side]}OrderCompleted")]

    def _end(self, now_s: float, side: int, kind: str) -> Happening:
        return self._happened(kind, self._quotes.pop(side).row, int(now_s), int(1_000 * now_s))

    def _happened(
        self, kind: str, row: Row, event_s: int, stored_ms: int, fill: Row | None = None
    ) -> Happening:  # fmt: skip
        row.update(last_status=kind, last_update_timestamp=stored_ms)
        return Happening(kind, event_s, stored_ms, dict(row), fill)

    def _action(self, side: int) -> str:
        if not self.desk.is_perpetual:
            return "NIL"
        return "CLOSE" if side * self.held_base < 0.0 else "OPEN"

    def _book(self, side: int, price: float, amount: float, paid: float) -> None:
        """Position at average cost, for the bot's own report."""
        before, after = self.held_base, round(self.held_base + side * amount, self.desk.amount_decimals)
        closed = min(amount, abs(before)) if side * before < 0.0 else 0.0
        self.realized += -side * closed * (price - self.average)
        if side * after > 0.0 and closed == 0.0:
            self.average = (abs(before) * self.average + amount * price) / abs(after)
        elif side * after > 0.0:
            self.average = price
        self.held_base, self.fees, self.volume = after, self.fees + paid, self.volume + price * amount


def live_bots(n: int, seed: int) -> list[LiveBot]:
    """The first `n` bots: the desks in turn, each with chance of its own."""
    names = [
        f"{desk.name}_{turn + 1}" if turn else desk.name
        for turn in range(-(-n // len(DESKS)))
        for desk in DESKS
    ]
    return [
        LiveBot(names[i], DESKS[i % len(DESKS)], np.random.default_rng([seed, i]), i) for i in range(n)
    ]  # fmt: skip
