"""What a bot writes while it trades: orders, their statuses, fills, executors, as Hummingbot does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fillbook.demo.markets import START_S, Market
from fillbook.testing.databases import write_database

Row = dict[str, object]
STATUS_TERMINATED = 4
CLOSE_CODES = {
    "TIME_LIMIT": 1, "STOP_LOSS": 2, "TAKE_PROFIT": 3, "EXPIRED": 4, "EARLY_STOP": 5,
    "TRAILING_STOP": 6, "INSUFFICIENT_BALANCE": 7, "FAILED": 8, "COMPLETED": 9, "POSITION_HOLD": 10,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Venue:
    """Where a bot trades, and what it pays there.

    `fee_token` is a token, or ``received``: base on buys and quote on sells.
    """

    connector: str
    maker: float
    taker: float
    fee_token: str = "USDT"  # noqa: S105  (a coin)
    leverage: int = 1
    prefix: str = "x-MG43PCSN"


@dataclass(frozen=True, slots=True)
class Filled:
    """One fill as an executor sees it."""

    side: int
    price: float
    amount: float
    fee_quote: float
    order_id: str

    @property
    def value(self) -> float:
        """Price × amount."""
        return self.price * self.amount


@dataclass
class BotLog:
    """Rows of one bot's database, in the order they happened."""

    bot: str
    strategy: str
    bnb: Market
    fills: list[Row] = field(default_factory=list)
    orders: dict[str, Row] = field(default_factory=dict)
    statuses: list[Row] = field(default_factory=list)
    executors: list[Row] = field(default_factory=list)
    controllers: list[Row] = field(default_factory=list)
    funding: list[Row] = field(default_factory=list)
    quotes: list[Row] = field(default_factory=list)
    positions: list[Row] = field(default_factory=list)

    def place(
        self, venue: Venue, market: Market, at_s: float, side: int, amount: float, price: float,
        *, kind: str = "LIMIT_MAKER", position: str = "NIL",
    ) -> str:  # fmt: skip
        """Place an order and return its client id; the time it was decided is in the id."""
        base, quote = market.pair.split("-")
        letter = "B" if side > 0 else "S"
        decided_us = int(at_s * 1e6) - 37_000 + len(self.orders) % 900
        order_id = f"{venue.prefix}{letter}{base[0]}{base[-1]}{quote[0]}{quote[-1]}{decided_us:013x}5d1a"
        while order_id in self.orders:
            decided_us += 1
            order_id = f"{order_id[:-17]}{decided_us:013x}5d1a"
        self.orders[order_id] = {
            "id": order_id, "config_file_path": f"conf_{self.bot}.yml", "strategy": self.strategy,
            "market": venue.connector, "symbol": market.pair, "base_asset": base, "quote_asset": quote,
            "creation_timestamp": int(at_s * 1000), "order_type": kind, "amount": amount,
            "leverage": venue.leverage, "price": 0.0 if kind == "MARKET" else price,
            "exchange_order_id": str(5_230_000_000 + len(self.orders)), "position": position,
            "side": side,
        }  # fmt: skip
        self._status(order_id, at_s, f"{_word(side)}OrderCreated")
        return order_id

    def fill(
        self, venue: Venue, order_id: str, at_s: float, price: float, amount: float, *, is_last: bool = True
    ) -> Filled:  # fmt: skip
        """Fill an order, or a part of it."""
        order = self.orders[order_id]
        side, at_s = int(str(order["side"])), float(int(at_s))
        rate = venue.taker if order["order_type"] == "MARKET" else venue.maker
        fee, fee_quote = self._fee(venue, order, at_s, price, amount, rate)
        number = 820_000_000 + len(self.fills)
        self.fills.append({
            **{k: order[k] for k in ("config_file_path", "strategy", "market", "symbol", "base_asset",
                                     "quote_asset", "order_type", "leverage", "position")},
            "timestamp": int(at_s * 1000), "order_id": order_id,
            "trade_type": "BUY" if side > 0 else "SELL", "price": price, "amount": amount,
            "trade_fee": fee, "trade_fee_in_quote": fee_quote, "exchange_trade_id": str(number),
        })  # fmt: skip
        self._status(order_id, at_s, "OrderFilled")
        if is_last:
            self._status(order_id, at_s + 0.2, f"{_word(side)}OrderCompleted")
        return Filled(side, price, amount, fee_quote, order_id)

    def taken(
        self, venue: Venue, market: Market, at_s: float, side: int, amount: float, price: float,
        *, position: str = "NIL",
    ) -> Filled:  # fmt: skip
        """Trade at once, at the market."""
        order_id = self.place(venue, market, at_s, side, amount, price, kind="MARKET", position=position)
        return self.fill(venue, order_id, at_s, price, amount)

    def end(self, order_id: str, at_s: float, status: str = "OrderCancelled") -> None:
        """End an order that was not filled to the last."""
        self._status(order_id, at_s, status)

    def fund(self, venue: Venue, market: Market, minute: int, held: float) -> None:
        """Funding of a position: a long pays while the perpetual trades above the spot market."""
        day, taken = minute // 1_440, {row["timestamp"] for row in self.funding}
        at_ms = (START_S + 60 * minute) * 1000
        while at_ms in taken:  # the table's key is the time alone
            at_ms += 1
        rate = 0.00008 + 0.00012 * math.sin(day / 60 * 4 * math.pi) - 0.00001 * (day % 3)
        self.funding.append({
            "timestamp": at_ms, "config_file_path": f"conf_{self.bot}.yml", "market": venue.connector,
            "rate": rate, "symbol": market.pair, "amount": -rate * held * float(market.mid[minute]),
        })  # fmt: skip

    def executor(
        self, kind: str, controller: str, start_s: float, end_s: float, close_type: str,
        filled: Sequence[Filled], config: Row, *, net_pnl: float | None = None, custom: Row | None = None,
    ) -> None:  # fmt: skip
        """Write down a finished executor with the PnL of its fills."""
        gross = sum(-f.side * f.value for f in filled)
        fees, volume = sum(f.fee_quote for f in filled), sum(f.value for f in filled)
        net = gross - fees if net_pnl is None else net_pnl
        opened = sum(f.value for f in filled[: max(1, len(filled) // 2)]) or 1.0
        name = f"{self.bot}-{len(self.executors):06d}"
        linked = {
            "order_ids": list(dict.fromkeys(f.order_id for f in filled)),
            "held_position_orders": [],
        }
        self.executors.append({
            "id": name, "timestamp": start_s, "type": kind, "close_type": CLOSE_CODES[close_type],
            "close_timestamp": int(end_s), "status": STATUS_TERMINATED, "net_pnl_pct": net / opened,
            "net_pnl_quote": net, "cum_fees_quote": fees, "filled_amount_quote": volume,
            "config": {"id": name, "type": kind, "timestamp": start_s, "controller_id": controller, **config},
            "custom_info": {**linked, **(custom or {})}, "controller_id": controller,
        })  # fmt: skip

    def controller(self, name: str, kind: str, config: Row) -> None:
        """Write down a controller's configuration at the start."""
        self.controllers.append({
            "id": name, "controller_id": len(self.controllers) + 1, "timestamp": START_S - 10.0,
            "type": kind, "config": {"id": name, "controller_type": kind, **config},
        })  # fmt: skip

    def write(self, path: Path) -> None:
        """Write everything as the bot's database."""
        tables = {
            "Order": self.orders.values(), "OrderStatus": self.statuses,
            "TradeFill": sorted(self.fills, key=lambda fill: int(str(fill["timestamp"]))),
            "Executors": self.executors, "Controllers": self.controllers,
            "FundingPayment": self.funding, "MarketData": self.quotes, "Position": self.positions,
        }  # fmt: skip
        write_database(path, tables)

    def _status(self, order_id: str, at_s: float, status: str) -> None:
        ms = int(at_s * 1000)
        self.statuses.append(
            {"id": len(self.statuses) + 1, "order_id": order_id, "timestamp": ms, "status": status}
        )
        self.orders[order_id].update(last_status=status, last_update_timestamp=ms)

    def _fee(
        self, venue: Venue, order: Row, at_s: float, price: float, amount: float, rate: float
    ) -> tuple[Row, float]:  # fmt: skip
        """Fee as Hummingbot stores it, and its value in quote."""
        in_quote = price * amount * rate
        token, units = str(order["quote_asset"]), in_quote
        if venue.fee_token == "received" and order["side"] == 1:  # noqa: S105
            token, units = str(order["base_asset"]), amount * rate
        elif venue.fee_token == "BNB":  # noqa: S105
            minute = min(max(int(at_s - START_S) // 60, 0), self.bnb.mid.size - 1)
            token, units = "BNB", in_quote / float(self.bnb.mid[minute])
        fee: Row = {
            "fee_type": "DeductedFromReturns", "percent": "0", "percent_token": token,
            "flat_fees": [{"token": token, "amount": f"{units:.8f}"}],
        }  # fmt: skip
        return fee, in_quote


def _word(side: int) -> str:
    return "Buy" if side > 0 else "Sell"
