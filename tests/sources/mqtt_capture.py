"""The capture of a real bot's bridge, and events made up in its form."""

from __future__ import annotations

import json
from pathlib import Path

from fillbook.sources.mqtt_messages import Message, placed

BOT = "pmm_bot-20231116-0001"
CAPTURE, DATABASE = "generated/mqtt_capture.jsonl", "generated/mqtt_run.sqlite"
AT_S = 1_795_332_851
PAIR = "ABC-USDT"
FEE = {
    "fee_type": "DeductedFromReturns", "percent": "0", "percent_token": "USDT",
    "flat_fees": [{"token": "USDT", "amount": "0.10"}],
}  # fmt: skip


def captured(folder: Path) -> list[dict]:
    """Lines of the capture: ``t, topic, qos, retain, raw``."""
    return [json.loads(line) for line in (folder / CAPTURE).read_text("utf-8").splitlines()]


def events_of(lines: list[dict]) -> list[Message]:
    """The events among them."""
    found = [(placed(line["topic"]), line) for line in lines]
    return [
        Message(where[0], where[1], line["raw"].encode(), line["t"])
        for where, line in found
        if where is not None and where[1] == "events"
    ]


def event(kind: str, at_s: object = AT_S, bot: str = "bot", **data: object) -> Message:
    """An event of a bot, received when it happened."""
    payload = json.dumps({"timestamp": at_s, "type": kind, "data": data}).encode()
    return Message(bot, "events", payload, float(AT_S))


def filled(number: int = 1, at_s: object = AT_S, bot: str = "bot", **more: object) -> Message:
    """Buy 2 ABC at 50 USDT."""
    data: dict[str, object] = {
        "order_id": f"o{number}", "trading_pair": PAIR, "trade_type": "TradeType.BUY",
        "order_type": "OrderType.LIMIT", "price": 50.0, "amount": 2.0, "trade_fee": FEE,
        "exchange_trade_id": f"t{number}", "exchange_order_id": f"x{number}", "leverage": 1,
        "position": "NIL", **more,
    }  # fmt: skip
    return event("OrderFilled", at_s, bot, **data)


def created(number: int = 1, at_s: int = AT_S, bot: str = "bot", **more: object) -> Message:
    """The order of that fill."""
    data: dict[str, object] = {
        "type": "OrderType.LIMIT", "trading_pair": PAIR, "amount": 2.0, "price": 50.0,
        "order_id": f"o{number}", "creation_timestamp": float(at_s), "exchange_order_id": f"x{number}",
        "leverage": 1, "position": "NIL", **more,
    }  # fmt: skip
    return event("BuyOrderCreated", at_s, bot, **data)


def completed(number: int = 1, at_s: int = AT_S + 1, bot: str = "bot", **more: object) -> Message:
    """Its completion."""
    data: dict[str, object] = {
        "order_id": f"o{number}", "base_asset": "ABC", "quote_asset": "USDT", "base_asset_amount": 2.0,
        "quote_asset_amount": 100.0, "order_type": "OrderType.LIMIT", "exchange_order_id": f"x{number}", **more,
    }  # fmt: skip
    return event("BuyOrderCompleted", at_s, bot, **data)
