"""The words a Hummingbot database is known to use; any other is a finding, never an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ORDER_TYPES = frozenset({"MARKET", "LIMIT", "LIMIT_MAKER", "AMM_SWAP"})
POSITION_ACTIONS = frozenset({"OPEN", "CLOSE", "NIL", "NILL"})
ORDER_EVENTS = frozenset(
    {
        "BuyOrderCreated",
        "SellOrderCreated",
        "OrderFilled",
        "BuyOrderCompleted",
        "SellOrderCompleted",
        "OrderCancelled",
        "OrderExpired",
        "OrderFailure",
    }
)
FILLED_EVENTS = frozenset({"OrderFilled", "BuyOrderCompleted", "SellOrderCompleted"})
EXECUTOR_STATES = frozenset({"NOT_STARTED", "RUNNING", "SHUTTING_DOWN", "TERMINATED"})
CLOSE_TYPES = frozenset(
    {
        "TIME_LIMIT",
        "STOP_LOSS",
        "TAKE_PROFIT",
        "EXPIRED",
        "EARLY_STOP",
        "TRAILING_STOP",
        "INSUFFICIENT_BALANCE",
        "FAILED",
        "COMPLETED",
        "POSITION_HOLD",
    }
)

KNOWN_WORDS: Mapping[tuple[str, str], frozenset[str]] = {
    ("fills", "order_type"): ORDER_TYPES,
    ("fills", "position_action"): POSITION_ACTIONS,
    ("orders", "order_type"): ORDER_TYPES | {"AMM_ADD", "AMM_REMOVE"},
    ("orders", "last_status"): ORDER_EVENTS,
    ("order_events", "status"): ORDER_EVENTS,
    ("executors", "status"): EXECUTOR_STATES,
    ("executors", "close_type"): CLOSE_TYPES,
}

PERPETUAL = "_perpetual"
PAPER_TRADE = r"(?i)_paper_?trade$"
UNTRUSTED_FUNDING = frozenset(
    {
        "bybit_perpetual",
        "bybit_perpetual_testnet",
        "kucoin_perpetual",
        "kucoin_perpetual_testnet",
    }
)
LP_TRADE_TYPE = "RANGE"
