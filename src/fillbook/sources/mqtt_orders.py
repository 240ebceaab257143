"""Orders of bots as their events tell them: what each was, what became of it, and what is missing."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from fillbook.sources.hummingbot import UNKNOWN_CONNECTOR

MAX_OPEN = 100_000  # orders remembered while nothing ended them, of all bots
MAX_ENDED = 10_000  # and after their end, for what comes late
_RANK = {"BuyOrderCreated": 0, "SellOrderCreated": 0, "OrderFilled": 1}  # any other event is an end
_SAME = 1e-9

Key = tuple[str, str]  # bot, client order id


@dataclass(slots=True)
class Order:
    """One order.

    Parameters
    ----------
    connector, pair, action
        Where it was placed, as far as known, and whether it opens or closes.
    asked
        ``at, exchange_order_id, side, order_type, price, amount, leverage`` of its creation; None while
        that was not heard.
    status, updated_at
        Its last event and the time of that, seconds since 1970.
    filled, completed
        Base the fills heard so far add up to, and what the bot said at completion.
    is_changed
        Whether anything came since its row was last given out.
    row
        Number of its row; 0 while it has none.
    """

    connector: str = UNKNOWN_CONNECTOR
    pair: str = ""
    action: str = ""
    asked: tuple[object, ...] | None = None
    status: str = ""
    updated_at: float = -math.inf
    filled: float = 0.0
    completed: float | None = None
    is_changed: bool = False
    row: int = 0

    @property
    def is_ended(self) -> bool:
        """Whether nothing more is expected of it."""
        return self.status != "" and self.status not in _RANK

    @property
    def is_short(self) -> bool:
        """Whether the bot said more was filled than the fills heard add up to."""
        return self.completed is not None and self.completed - self.filled > _SAME * abs(self.completed)


class Orders:
    """The orders of all bots of a feed; bounded, the longest silent are forgotten first."""

    def __init__(self) -> None:
        """Know no order."""
        self._open: OrderedDict[Key, Order] = OrderedDict()
        self._ended: OrderedDict[Key, Order] = OrderedDict()
        self._changed: dict[Key, Order] = {}
        self._short: dict[Key, None] = {}
        self.n_forgotten = 0

    def __len__(self) -> int:
        """How many orders are remembered."""
        return len(self._open) + len(self._ended)

    @property
    def n_short(self) -> int:
        """Completed orders of which fills are missing."""
        return len(self._short)

    def get(self, key: Key) -> Order | None:
        """The order, or None where it was never heard of."""
        return self._open.get(key) or self._ended.get(key)

    def met(self, key: Key) -> Order:
        """The order, a new one where it was never heard of."""
        found = self.get(key)
        if found is None:
            found = self._open[key] = Order()
            self._forget(self._open, MAX_OPEN)
        return found

    def turned(self, key: Key, status: str, at_s: float) -> None:
        """An event of an order; the later one, or the one further on, is its state."""
        order = self.met(key)
        newer = (at_s, _RANK.get(status, 2)) >= (order.updated_at, _RANK.get(order.status, 2))
        is_known_end = order.is_ended and status in _RANK
        if (newer and not is_known_end) or not order.status:
            order.status, order.updated_at = status, at_s
        self.touched(key, order)

    def touched(self, key: Key, order: Order) -> None:
        """Remember that an order changed, and whether it is over or short of fills."""
        if not order.is_changed:
            order.is_changed = True
            self._changed[key] = order
        if order.is_short:
            self._short[key] = None
            self._forget_short()
        else:
            self._short.pop(key, None)
        if order.is_ended and key in self._open:
            del self._open[key]
            self._ended[key] = order
            self._forget(self._ended, MAX_ENDED)

    def changed(self) -> Iterator[tuple[Key, Order]]:
        """Orders that changed since last asked."""
        changed, self._changed = self._changed, {}
        for key, order in changed.items():
            order.is_changed = False
            yield key, order

    def _forget(self, orders: OrderedDict[Key, Order], most: int) -> None:
        while len(orders) > most:
            orders.popitem(last=False)
            self.n_forgotten += orders is self._open

    def _forget_short(self) -> None:
        while len(self._short) > MAX_ENDED:
            self._short.pop(next(iter(self._short)))
