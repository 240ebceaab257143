"""Random orders, fills and quotes of some minutes, so that a law can be tried on what nobody thought of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
from hypothesis import strategies as st

from fillbook.analysis.execution import Execution, execution
from fillbook.conventions import Conventions
from fillbook.filters import Filter
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.testing.tables import CLOCK, table

Row = Mapping[str, Any]
VENUES = {
    "ABC-USDT": "binance", "XYZ-USDT": "binance_perpetual", "ABC-BTC": "binance",
    "BTC-USD": "binance_coin_perpetual",
}  # fmt: skip
LINEAR = ("ABC-USDT", "XYZ-USDT", "ABC-BTC")
RATES = {"BTC-USDT": 125.0, "USD-USDT": 1.25}  # join the three quotes, at any time
TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET")
ENDS = (
    ("OrderCancelled",), ("OrderExpired",), ("OrderFailure",), ("BuyOrderCompleted",), (),
    ("OrderCancelled", "BuyOrderCompleted"),
)  # fmt: skip
KINDS = ("position_executor", "order_executor", "twap_executor", "dca_executor", "grid_executor")


@dataclass(frozen=True, slots=True)
class Traded:
    """Canonical rows of orders and all that goes with them."""

    tables: Mapping[str, tuple[Row, ...]]

    @property
    def data(self) -> PerformanceDataSource:
        return PerformanceDataSource.from_tables(
            {name: made(name, rows) for name, rows in self.tables.items() if rows}, clock=CLOCK
        )

    def with_rows(self, **tables: Sequence[Row]) -> Traded:
        """Some tables in the place of others."""
        return replace(self, tables={**self.tables, **{k: tuple(rows) for k, rows in tables.items()}})

    def answer(self, chosen: Filter | None = None, **choices: Any) -> Execution:
        return execution(self.data, chosen, Conventions(marks=RATES, currency="USDT", **choices))


def made(name: str, rows: Sequence[Row]) -> pl.DataFrame:
    """Table of rows that all state the same columns."""
    return table(name, **{key: [row[key] for row in rows] for key in rows[0]})


def names_of(pair: str, bot: str) -> dict[str, Any]:
    base, quote = pair.split("-")
    return {"bot": bot, "connector": VENUES[pair], "pair": pair, "base": base, "quote": quote}


@st.composite
def traded(draw: st.DrawFn, *, pairs: Sequence[str] = tuple(VENUES), max_size: int = 6) -> Traded:
    """Orders of two bots with what became of them, fills that lack an order, quotes, candles, executors."""
    executors = draw(_executors())
    orders, events, fills = [], [], []
    for number, (order, ends, parts) in enumerate(
        draw(st.lists(_order(pairs, executors), max_size=max_size))
    ):
        name = f"o{number}"
        last = ends[-1][0] if ends else "BuyOrderCreated"
        orders.append({**order, "order_id": name, "last_status": last, "row": number})
        events += [{"order_id": name, "status": status, "at": order["at"] + wait} for status, wait in ends]
        fills += [_fill(order, name, part) for part in parts]
    fills += draw(st.lists(_stray(pairs), min_size=0 if fills else 1, max_size=3))
    fills = [{**fill, "row": row} for row, fill in enumerate(sorted(fills, key=lambda fill: fill["at"]))]
    return Traded({
        "orders": tuple(orders), "order_events": tuple(events), "fills": tuple(fills),
        "quotes": draw(_quotes(pairs)), "candles": draw(_candles(pairs)), "executors": executors,
    })  # fmt: skip


@st.composite
def _executors(draw: st.DrawFn) -> tuple[Row, ...]:
    drawn = draw(st.lists(
        st.tuples(st.sampled_from(KINDS), st.integers(0, 300), st.sampled_from([None, 0.5, 3.0])), max_size=3
    ))  # fmt: skip
    return tuple(
        {
            "executor_id": f"e{i}", "type": kind, "at": at, "bot": "one",
            "config": None if amount is None else json.dumps({"amount": amount}),
        }
        for i, (kind, at, amount) in enumerate(drawn)
    )  # fmt: skip


@st.composite
def _order(draw: st.DrawFn, pairs: Sequence[str], executors: Sequence[Row]) -> Any:
    """An order, its terminal events, and its fills: late ones, early ones, more than was asked for."""
    pair, bot = draw(st.sampled_from(pairs)), draw(st.sampled_from(["one", "two"]))
    kind, side = draw(st.sampled_from(TYPES)), draw(st.sampled_from([1, -1]))
    at, amount = draw(st.integers(0, 300)), draw(st.sampled_from([0.5, 1.0, 2.0, 5.0]))
    price = None if kind == "MARKET" or draw(st.booleans()) else draw(_price)
    own = [row["executor_id"] for row in executors] if bot == "one" else []
    executor = draw(st.sampled_from([None, *own]))
    order = {
        **names_of(pair, bot), "at": at, "side": side, "order_type": kind, "amount_base": amount,
        "price_quote": price, "executor_id": executor,
        "controller_id": draw(st.sampled_from(["main", "other", None])),
    }  # fmt: skip
    wait = draw(st.integers(0, 200))
    ends = [(status, wait + 20 * i + 0.25) for i, status in enumerate(draw(st.sampled_from(ENDS)))]
    part = st.tuples(st.integers(-2, 250), st.sampled_from([0.25, 0.5, 1.0]), _price)
    return order, ends, draw(st.lists(part, max_size=3))


_price = st.integers(9_800, 10_200).map(lambda n: n / 100)


def _fill(order: Row, name: str, part: tuple[int, float, float]) -> Row:
    wait, share, price = part
    kept = {k: v for k, v in order.items() if k not in ("at", "amount_base", "price_quote")}
    return {
        **kept, "order_id": name, "at": order["at"] + wait, "amount_base": share * order["amount_base"],
        "price_quote": price, "fee_token": order["quote"], "fee_amount": 0.01 * price * share,
    }  # fmt: skip


@st.composite
def _stray(draw: st.DrawFn, pairs: Sequence[str]) -> Row:
    """A fill whose order nobody recorded."""
    order = {
        **names_of(draw(st.sampled_from(pairs)), "one"), "at": draw(st.integers(0, 400)), "side": 1,
        "order_type": draw(st.sampled_from(TYPES)), "amount_base": 1.0, "executor_id": None,
        "controller_id": "main",
    }  # fmt: skip
    return _fill(order, f"x{draw(st.integers(0, 99))}", (0, 1.0, draw(_price)))


@st.composite
def _quotes(draw: st.DrawFn, pairs: Sequence[str]) -> tuple[Row, ...]:
    """Quotes with gaps, some of them crossed, no two of one market and kind at the same time."""
    step = draw(st.sampled_from([2, 7, 40]))
    rows = []
    for pair in draw(st.sets(st.sampled_from(pairs))):
        shift = draw(st.integers(0, 1_000))
        walk = draw(st.lists(st.tuples(st.integers(-30, 30), st.integers(-2, 20)), min_size=1, max_size=30))
        n = 400 // step
        for i in range(n):
            move, width = walk[i % len(walk)]
            mid = 100 + move / 100 + 0.3 * (i % 5)
            rows.append({
                "connector": VENUES[pair], "pair": pair, "kind": "quote_file" if i % 4 else "market_data",
                "at": i * step + shift / 1_000, "mid_quote": mid, "bid_quote": mid - width / 200,
                "ask_quote": mid + width / 200,
            })  # fmt: skip
    return tuple(rows)


@st.composite
def _candles(draw: st.DrawFn, pairs: Sequence[str]) -> tuple[Row, ...]:
    volumes = draw(st.lists(st.sampled_from([0.0, 2.0, 50.0]), max_size=8))
    pair = draw(st.sampled_from(pairs))
    return tuple(
        {
            "connector": VENUES[pair], "pair": pair, "at": 60 * i, "volume_base": volume,
            "volume_quote": 100.5 * volume,
        }
        for i, volume in enumerate(volumes)
    )  # fmt: skip
