"""Where a bot trades, which none of its order events says.

What is known beforehand, what its reports and funding payments name, and how its order ids begin are put
together; where that leaves more than one venue, or none, the venue is unknown and said to be.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import polars as pl

from fillbook.sources.hummingbot import (
    UNKNOWN_CONNECTOR,
    connectors_of,
    is_paper,
    is_perpetual,
)

_PAPER_ID = "://"  # ``buy://SOL-USDT/…``: only paper trade writes such ids
_OPEN = ("BuyOrderCreated", "SellOrderCreated", "OrderFilled")
_MANY = 100_000  # orders that are looked up one by one
_ACTIONS = frozenset({"OPEN", "CLOSE"})  # only connectors of perpetuals open and close


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a bot's venues before it says anything.

    Parameters
    ----------
    markets
        ``(connector, pair)`` of markets it trades; the pair ``""`` stands for any.
    orders
        Connector by client order id.
    bots
        The markets of single bots, by name; a bot that is not there may trade any of `markets`.
    """

    markets: Collection[tuple[str, str]] = ()
    orders: Mapping[str, str] = field(default_factory=dict)
    bots: Mapping[str, Collection[tuple[str, str]]] = field(default_factory=dict)


def known_of(tables: Mapping[str, pl.DataFrame]) -> Known:
    """What the tables of a history say: markets of its fills and orders, and the venue of each open order.

    Parameters
    ----------
    tables
        Canonical tables; reads ``fills`` and ``orders``.
    """
    rows = [tables[name].select("bot", "connector", "pair") for name in ("fills", "orders") if name in tables]
    markets = pl.concat(rows).unique().drop_nulls() if rows else pl.DataFrame()
    bots: dict[str, set[tuple[str, str]]] = {}
    for bot, connector, pair in markets.iter_rows():
        bots.setdefault(bot, set()).add((connector, pair))
    orders = tables["orders"] if "orders" in tables else pl.DataFrame({"order_id": [], "connector": []})
    if "last_status" in orders.columns:
        orders = orders.filter(pl.col("last_status").cast(pl.String).is_in(_OPEN)).tail(_MANY)
    named = orders.select("order_id", pl.col("connector").cast(pl.String))
    return Known(
        markets=frozenset().union(*bots.values()),
        orders=dict(named.iter_rows()),
        bots=bots,
    )


class Venues:
    """What one bot has shown of its venues so far."""

    __slots__ = ("_by_pair", "_orders")

    def __init__(self, known: Known, bot: str) -> None:
        """Begin with what is known of a bot."""
        self._by_pair: dict[str, set[str]] = {}
        self._orders = known.orders
        told = {market for market in known.markets if not market[1]}  # of any pair: the user's own word
        for connector, pair in {*known.bots[bot], *told} if bot in known.bots else known.markets:
            self.saw(connector, pair)

    def saw(self, connector: str, pair: str) -> None:
        """Remember a market that the bot named."""
        self._by_pair.setdefault(pair, set()).add(connector)

    def of(self, order_id: str, pair: str, action: str) -> str:
        """Connector of an order, or `UNKNOWN_CONNECTOR`.

        Parameters
        ----------
        order_id
            Client order id.
        pair
            BASE-QUOTE; empty where the event does not say.
        action
            OPEN, CLOSE or NIL: only perpetuals open and close.
        """
        if named := self._orders.get(order_id):
            return named
        shown = self._by_pair.get(pair, set()) | self._by_pair.get("", set())
        shown = {name for name in shown if is_paper(name) == (_PAPER_ID in order_id)}
        if action in _ACTIONS:
            shown = {name for name in shown if is_perpetual(name)}
        by_id = connectors_of(order_id)
        if by_id is not None:
            if action in _ACTIONS:
                by_id = frozenset(name for name in by_id if is_perpetual(name))
            shown = shown & by_id or set(by_id)
        return shown.pop() if len(shown) == 1 else UNKNOWN_CONNECTOR
