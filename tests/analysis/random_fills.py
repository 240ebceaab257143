"""Random books of several days, so that a law can be tried on what nobody thought of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from hypothesis import settings
from hypothesis import strategies as st

from fillbook.analysis.overview import Overview
from fillbook.conventions import Conventions
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.testing.tables import table

LAWS = settings(max_examples=200, deadline=None)
DAY = 86_400.0
HOUR = 3_600.0
VENUES = {"ABC-USDT": "binance", "XYZ-USDT": "binance_perpetual", "BTC-USD": "binance_coin_perpetual"}
USD = {"USD-USDT": 1.25}  # joins the two quotes, at any time


@dataclass(frozen=True, slots=True)
class Dealt:
    """Canonical rows of fills and funding, and the marks the user gave."""

    rows: tuple[Mapping[str, Any], ...]
    payments: tuple[Mapping[str, Any], ...]
    marks: Mapping[str, float]

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        held = {"fills": _table("fills", self.rows)}
        return held | ({"funding": _table("funding", self.payments)} if self.payments else {})

    @property
    def data(self) -> PerformanceDataSource:
        return PerformanceDataSource.from_tables(self.tables)

    @property
    def conventions(self) -> Conventions:
        return Conventions(marks=self.marks)

    @property
    def tolerance(self) -> float:
        """1e-6 + 1e-12 · Σ|p·q| (DEFINITIONS 0.6)."""
        return 1e-6 + 1e-12 * sum(row["price_quote"] * row["amount_base"] for row in self.rows)

    def scaled(self, k: float) -> Dealt:
        """Every amount, fee and payment k times as large."""
        rows = [
            {**row, "amount_base": k * row["amount_base"], "fee_amount": k * row["fee_amount"]}
            for row in self.rows
        ]
        payments = [{**row, "amount_quote": k * row["amount_quote"]} for row in self.payments]
        return Dealt(tuple(rows), tuple(payments), self.marks)


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    return table(name, **{key: [row[key] for row in rows] for key in rows[0]})


def thousandths(low: int, high: int) -> st.SearchStrategy[float]:
    return st.integers(low, high).map(lambda n: n / 1000)


@st.composite
def dealt(
    draw: st.DrawFn,
    *,
    pairs: Sequence[str] = tuple(VENUES),
    bots: Sequence[str] = ("one", "two"),
    min_size: int = 1,
    max_size: int = 20,
) -> Dealt:
    """Fills one after the other over some days, payments of perpetuals that traded, a few marks."""
    price = st.integers(9_000, 11_000).map(lambda n: n / 100)
    deal = st.tuples(
        st.integers(1, 100_000), st.sampled_from(bots), st.sampled_from(["main", "other", None]),
        st.sampled_from(["TAKE_PROFIT", "STOP_LOSS", None]), st.sampled_from([1, -1]), st.sampled_from(pairs),
        thousandths(1, 5_000), price, thousandths(-50, 100), st.booleans(),
    )  # fmt: skip
    at, rows = 0.0, []
    for wait, bot, controller, close, side, pair, amount, cost, fee, is_in_base in draw(
        st.lists(deal, min_size=min_size, max_size=max_size)
    ):
        at += wait
        base, quote = pair.split("-")
        rows.append({
            "at": at, "bot": bot, "controller_id": controller, "close_type": close, "side": side,
            "pair": pair, "base": base, "quote": quote, "connector": VENUES[pair], "amount_base": amount,
            "price_quote": cost, "fee_token": base if is_in_base else quote,
            "fee_amount": fee * amount / cost if is_in_base else fee,
        })  # fmt: skip
    payments = draw(_payments(rows, at))
    marked = draw(st.dictionaries(st.sampled_from(pairs), price, max_size=len(pairs)))
    return Dealt(tuple(rows), payments, marked | USD)


@st.composite
def _payments(
    draw: st.DrawFn, rows: Sequence[Mapping[str, Any]], last: float
) -> tuple[Mapping[str, Any], ...]:
    perps = [row for row in rows if row["connector"] != "binance"]
    books = sorted({(row["bot"], row["connector"], row["pair"]) for row in perps})
    if not books:
        return ()
    payment = st.tuples(
        st.sampled_from(books), st.integers(0, int(last) + 90_000), thousandths(-2_000, 2_000)
    )
    drawn = draw(st.lists(payment, max_size=4, unique_by=lambda paid: paid[:2]))  # one a book and instant
    return tuple(
        {"at": at, "bot": bot, "connector": venue, "pair": pair, "amount_quote": amount}
        for (bot, venue, pair), at, amount in sorted(drawn, key=lambda paid: paid[1])
    )


def value(answer: Overview, key: str) -> float:
    """A metric that must have a value."""
    found = answer.metrics[key].value
    assert found is not None, f"{key}: {answer.metrics[key].reasons}"
    return found
