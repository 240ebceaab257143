"""Laws of growing: whatever batches a history comes in, the answer is that of one opening."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.analysis.overview import overview
from fillbook.analysis.view import prepared_of
from fillbook.conventions import Conventions
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.schema.raw import RawTables
from fillbook.testing.tables import CLOCK, fills, orders, raw_tables, table

LAWS = settings(max_examples=60, deadline=None)
_PAIRS = (("binance", "ABC-USDT"), ("binance", "BNB-USDT"), ("bybit_perpetual", "ABC-USDT"))

deal = st.tuples(
    st.sampled_from([0, 1]),  # bot
    st.sampled_from(_PAIRS),
    st.sampled_from([1, -1]),
    st.integers(1, 4_000).map(lambda n: n / 1_000),
    st.integers(9_000, 11_000).map(lambda n: n / 100),
    st.sampled_from(["USDT", "ABC", "BNB", None]),  # fee token
    st.sampled_from(["OPEN", "CLOSE", "NIL"]),
    st.integers(0, 400),  # seconds
    st.booleans(),  # placed by an executor
)
histories = st.lists(deal, min_size=2, max_size=14)


def rows_of(deals: Sequence[tuple[int, Any]]) -> dict[str, pl.DataFrame]:
    """Fills, orders, executors and funding of some numbered deals of one bot."""
    if not deals:
        return {}
    ids = [number for number, _ in deals]
    columns = list(zip(*(one for _, one in deals), strict=True))
    _, markets, side, amount, price, token, action, at, placed = columns
    market = {
        "connector": [connector for connector, _ in markets], "pair": [pair for _, pair in markets],
        "base": [pair[:3] for _, pair in markets], "row": ids, "at": [float(s) for s in at],
        "order_id": [f"o{i // 2}" for i in ids], "side": list(side), "amount_base": list(amount),
    }  # fmt: skip
    done = [i for i, is_placed in zip(ids, placed, strict=True) if is_placed]
    found = {
        "fills": fills(
            **market, price_quote=list(price), trade_id=[f"t{i}" for i in ids], position_action=list(action),
            fee_token=list(token), fee_amount=[0.01 if name else None for name in token],
        ),
        "orders": orders(**market | {"order_id": [f"p{i}" for i in ids]}),
        "funding": table(
            "funding", row=ids, at=[s + 0.5 for s in market["at"]], connector=market["connector"],
            pair=market["pair"], amount_quote=[0.001 * i for i in ids],
        ),
    }  # fmt: skip
    if done:
        names = [f"e{i}" for i in done]
        found["executors"] = table("executors", executor_id=names, row=done, at=0.0)
        found["executor_orders"] = table(
            "executor_orders", executor_id=names, order_id=[f"o{i // 2}" for i in done]
        )
    return found


def piece(bot: int, deals: Sequence[tuple[int, Any]], *, continues: bool) -> RawTables:
    raw = raw_tables(uri=f"bot{bot}.sqlite", bot=f"bot{bot}", **rows_of(deals))
    if not continues:
        return raw
    return replace(raw, info=replace(raw.info, sha256=""), continues=True)


def answer(data: PerformanceDataSource) -> tuple[dict[str, Any], pl.DataFrame]:
    view = overview(data, conventions=Conventions(capital=1_000.0))
    books = view.books.sort("bot", "connector", "pair", "leg").drop("book")
    return {key: result.value for key, result in view.metrics.items()}, books


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9) or (math.isnan(one) and math.isnan(other))
    return bool(one == other)


def differences(one: PerformanceDataSource, other: PerformanceDataSource) -> list[str]:
    (metrics, books), (their_metrics, their_books) = answer(one), answer(other)
    found = [key for key, value in metrics.items() if not same(value, their_metrics[key])]
    found += [
        f"book {name}"
        for name in books.columns
        if not all(map(same, books[name].to_list(), their_books[name].to_list()))
    ]
    found += [
        name for name in one.tables
        if not one.tables[name].drop("executor_id", strict=False).equals(
            other.tables[name].drop("executor_id", strict=False)
        )
    ]  # fmt: skip
    return found


@LAWS
@given(histories, st.data())
def test_batches_equal_one_opening(history: list[Any], data: st.DataObject) -> None:
    """Cut anywhere, in the order of time or not, with rows that come twice."""
    deals = list(enumerate(history, start=1))
    if data.draw(st.booleans(), label="in the order of time"):
        deals = [
            (number, (*one[:7], at, one[8]))
            for (number, one), at in zip(deals, sorted(one[7] for one in history), strict=True)
        ]
    cuts = data.draw(st.lists(st.integers(0, len(deals)), max_size=4), label="cuts")
    edges = [0, *sorted(cuts), len(deals)]
    again = data.draw(st.integers(0, 2), label="rows that come again")
    of_bot = [[pair for pair in deals if pair[1][0] == bot] for bot in (0, 1)]
    whole = PerformanceDataSource.from_raws(
        [piece(bot, of_bot[bot], continues=False) for bot in (0, 1)], clock=CLOCK
    )
    first = deals[: edges[1]]
    grown = PerformanceDataSource.from_raws(
        [piece(bot, [p for p in first if p[1][0] == bot], continues=False) for bot in (0, 1)], clock=CLOCK
    )
    prepared_of(grown, Conventions(capital=1_000.0))
    for start, end in pairwise(edges[1:]):
        batch = deals[max(start - again, 0) : end]
        pieces = [piece(bot, [p for p in batch if p[1][0] == bot], continues=True) for bot in (0, 1)]
        grown = grown.append(*(raw for raw in pieces if raw.tables))
        prepared_of(grown, Conventions(capital=1_000.0))
    assert differences(grown, whole) == []


def test_plain_batches_are_not_cleaned_with_everything() -> None:
    """A batch that is plainly new does not touch the rows before it: only then is growing cheap."""
    deals = [
        (i, (0, _PAIRS[0], 1 if i % 3 else -1, 1.0, 100.0 + i, "USDT", "NIL", i, False)) for i in range(1, 41)
    ]
    grown = PerformanceDataSource.from_raws([piece(0, deals[:20], continues=False)], clock=CLOCK)
    for start in range(20, 40, 5):
        before, grown = grown, grown.append(piece(0, deals[start : start + 5], continues=True))
        assert grown.grown is not None
        assert grown.grown.n_same == before.fills.height
    whole = PerformanceDataSource.from_raws([piece(0, deals, continues=False)], clock=CLOCK)
    assert differences(grown, whole) == []


def test_data_may_grow_two_ways() -> None:
    deals = [(i, (0, _PAIRS[0], 1, 1.0, 100.0, "USDT", "NIL", i, False)) for i in range(1, 7)]
    start = PerformanceDataSource.from_raws([piece(0, deals[:2], continues=False)], clock=CLOCK)
    one = start.append(piece(0, deals[2:4], continues=True))
    other = one.append(piece(0, deals[4:5], continues=True))
    third = one.append(piece(0, deals[5:], continues=True))
    assert [d.fills.height for d in (start, one, other, third)] == [2, 4, 5, 5]
    assert third.fills["row"].to_list() == [1, 2, 3, 4, 6]
