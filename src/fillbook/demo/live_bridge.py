"""What a bot leaves while it trades: rows in its database as they happen, and messages of its bridge."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from fillbook.demo.bot_log import Row
from fillbook.demo.live_bots import Happening, LiveBot
from fillbook.testing.databases import create, insert

_UPDATE = 'UPDATE "Order" SET last_status = ?, last_update_timestamp = ? WHERE id = ?'
Word = tuple[str, Row]  # channel, payload


class LiveDatabase:
    """A bot's database while the bot runs: what happened together is committed together."""

    def __init__(self, path: Path, bot: LiveBot, now_s: float) -> None:
        """Create it, or go on with the one that is there, as a bot that starts again."""
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        self.path, self._bot = path, bot
        self._connection = sqlite3.connect(path, check_same_thread=False)
        self._connection.execute("PRAGMA synchronous = OFF")
        with self._connection:
            if is_new:
                create(self._connection)
            if bot.desk.controller:
                insert(self._connection, "Controllers", [_controller(bot, now_s)])

    def write(self, happenings: Sequence[Happening]) -> None:
        """Store what happened, in one transaction."""
        with self._connection:
            for happening in happenings:
                order = happening.order
                if happening.kind.endswith("Created"):
                    insert(self._connection, "Order", [order])
                else:
                    self._connection.execute(_UPDATE, (happening.kind, happening.stored_ms, order["id"]))
                if happening.fill is not None:
                    insert(self._connection, "TradeFill", [happening.fill])
                status = {"order_id": order["id"], "timestamp": happening.stored_ms, "status": happening.kind}
                insert(self._connection, "OrderStatus", [status])

    def close(self, now_s: float) -> None:
        """Store the position held, as a bot does when it stops, and close."""
        bot = self._bot
        with self._connection:
            if bot.desk.controller:
                insert(self._connection, "Position", [{
                    "id": f"{bot.name}-{int(now_s * 1000)}", "controller_id": bot.desk.controller,
                    "connector_name": bot.desk.venue.connector, "trading_pair": bot.desk.pair,
                    "side": "BUY" if bot.held_base >= 0.0 else "SELL", "timestamp": int(now_s * 1000),
                    "volume_traded_quote": bot.volume, "amount": abs(bot.held_base),
                    "breakeven_price": bot.average, "unrealized_pnl_quote": bot.unrealized,
                    "realized_pnl_quote": bot.realized, "cum_fees_quote": bot.fees,
                }])  # fmt: skip
        self._connection.close()


def _controller(bot: LiveBot, now_s: float) -> Row:
    desk = bot.desk
    return {
        "id": desk.controller, "timestamp": now_s, "type": "market_making",
        "config": {
            "controller_name": "pmm_simple", "controller_type": "market_making",
            "connector_name": desk.venue.connector, "trading_pair": desk.pair,
            "total_amount_quote": str(12 * desk.size_quote), "leverage": desk.venue.leverage,
        },
    }  # fmt: skip


def told(happening: Happening) -> Row:
    """The event as the bridge publishes it: no venue, seconds, enums by their full name."""
    order, fill = happening.order, happening.fill
    ids = {"order_id": order["id"], "exchange_order_id": order["exchange_order_id"]}
    kind = f"OrderType.{order['order_type']}"
    if fill is not None:
        data: Row = {
            **ids, "trading_pair": order["symbol"], "trade_type": f"TradeType.{fill['trade_type']}",
            "order_type": kind, "price": fill["price"], "amount": fill["amount"],
            "trade_fee": fill["trade_fee"], "exchange_trade_id": fill["exchange_trade_id"],
            "leverage": order["leverage"], "position": order["position"],
        }  # fmt: skip
    elif happening.kind.endswith("Created"):
        data = {
            **ids, "type": kind, "trading_pair": order["symbol"], "amount": order["amount"],
            "price": order["price"], "creation_timestamp": float(happening.event_s),
            "leverage": order["leverage"], "position": order["position"],
        }  # fmt: skip
    elif happening.kind.endswith("Completed"):
        amount, price = float(str(order["amount"])), float(str(order["price"]))
        data = {
            **ids, "base_asset": order["base_asset"], "quote_asset": order["quote_asset"],
            "base_asset_amount": amount, "quote_asset_amount": amount * price, "order_type": kind,
        }  # fmt: skip
    else:
        data = ids
    return {"timestamp": happening.event_s, "type": happening.kind, "data": data}


def availability(now_s: float, *, is_online: bool) -> Word:
    """What a bridge says when it starts and when it stops."""
    said = "online" if is_online else "offline"
    return "status_updates", {"timestamp": int(now_s * 1000), "type": "availability", "msg": said}


def heartbeat(now_s: float) -> Word:
    """What it says every ten seconds."""
    return "hb", {"ts": int((now_s + 0.5) * 1e6)}


def report(bot: LiveBot) -> Iterator[Word]:
    """What a bot with controllers says of them every second."""
    desk = bot.desk
    if not desk.controller:
        return
    held = [] if bot.volume == 0.0 else [{
        "connector_name": desk.venue.connector, "trading_pair": desk.pair, "volume_traded_quote": bot.volume,
        "side": "TradeType.BUY" if bot.held_base > 0.0 else "TradeType.SELL", "amount": abs(bot.held_base),
        "breakeven_price": bot.average, "unrealized_pnl_quote": bot.unrealized,
        "realized_pnl_quote": bot.realized, "cum_fees_quote": bot.fees,
    }]  # fmt: skip
    net, volume = bot.realized + bot.unrealized - bot.fees, max(bot.volume, 1e-9)
    yield "performance", {desk.controller: {
        "performance": {
            "realized_pnl_quote": bot.realized - bot.fees, "unrealized_pnl_quote": bot.unrealized,
            "unrealized_pnl_pct": 100.0 * bot.unrealized / volume,
            "realized_pnl_pct": 100.0 * (bot.realized - bot.fees) / volume, "global_pnl_quote": net,
            "global_pnl_pct": 100.0 * net / volume, "volume_traded": bot.volume, "positions_summary": held,
            "close_type_counts": {},
        },
        "custom_info": {"mid": bot.mid},
    }}  # fmt: skip


def encoded(payload: Row) -> bytes:
    """JSON as the bridge writes it."""
    return json.dumps(payload, separators=(",", ":")).encode()
