"""A bot's database copied while the bot goes on: snapshots, each the beginning of the next."""

from __future__ import annotations

from pathlib import Path

from fillbook.testing.databases import write_database

AT_MS = 1_700_000_000_000
FEE = {"percent": "0.001", "percent_token": "USDT", "flat_fees": []}
STEP_MS = 60_000


def fill(number: int, bot: str = "") -> dict[str, object]:
    return {
        "config_file_path": f"conf{bot}.yml", "market": "binance", "symbol": "ABC-USDT", "base_asset": "ABC",
        "quote_asset": "USDT", "timestamp": AT_MS + STEP_MS * number, "order_id": f"{bot}o{number}",
        "exchange_trade_id": f"{bot}t{number}", "trade_type": "SELL" if number % 3 else "BUY",
        "price": 100.0 + number % 7, "amount": 1.0 + number % 4, "trade_fee": FEE, "trade_fee_in_quote": 0.1,
    }  # fmt: skip


def order(number: int, bot: str = "", *, is_open: bool = False) -> dict[str, object]:
    """An order as the bot stored it: written when placed, and over when it ended."""
    side = "Sell" if number % 3 else "Buy"
    placed = AT_MS + STEP_MS * number - 5_000
    return {
        "id": f"{bot}o{number}", "config_file_path": f"conf{bot}.yml", "market": "binance",
        "symbol": "ABC-USDT", "base_asset": "ABC", "quote_asset": "USDT", "creation_timestamp": placed,
        "amount": 1.0 + number % 4, "price": 100.0 + number % 7,
        "last_status": f"{side}OrderCreated" if is_open else f"{side}OrderCompleted",
        "last_update_timestamp": placed if is_open else placed + 5_000,
    }  # fmt: skip


def database(path: Path, n: int, bot: str = "") -> Path:
    """A database after `n` fills, its next order open; the state of the bot is written over each time."""
    events = [
        {"id": i + 1, "order_id": f"{bot}o{i // 2}", "timestamp": AT_MS + STEP_MS * (i // 2),
         "status": "OrderFilled" if i % 2 else "BuyOrderCreated"}
        for i in range(2 * n)
    ]  # fmt: skip
    return write_database(path, {
        "TradeFill": [fill(i, bot) for i in range(n)],
        "Order": [*(order(i, bot) for i in range(n)), order(n, bot, is_open=True)],
        "OrderStatus": events,
        "MarketState": [{
            "id": 1, "config_file_path": f"conf{bot}.yml", "market": "binance",
            "timestamp": AT_MS + STEP_MS * n, "saved_state": f'{{"n": {n}}}',
        }],
    })  # fmt: skip


def snapshots(folder: Path, *sizes: int, bot: str = "") -> list[Path]:
    """The same file at several times, in folders of their own."""
    return [database(folder / str(n) / f"bot{bot}.sqlite", n, bot) for n in sizes]
