"""Laws of attribution: parts add up to net PnL, whatever is chosen and however fills are told apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.random_fills import LAWS, Dealt, dealt
from fillbook.analysis.attribution import Attribution, attribution
from fillbook.analysis.attribution_tags import DIMENSIONS
from fillbook.analysis.contributions import BENCHMARKS, contributions
from fillbook.analysis.overview import overview
from fillbook.conventions import Conventions
from fillbook.etl import performance_etl
from fillbook.filters import UNLINKED, Filter
from fillbook.metrics.attribution import split
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.testing.tables import CLOCK, START, raw_tables, table

WHOLE = settings(LAWS, max_examples=60)
SIGNS = {"spread": 1, "inventory": 1, "funding": 1, "rebates": 1, "fees": -1, "unattributed": 1}
MARKS = {"ABC-USDT": 101.0, "XYZ-USDT": 98.5, "BTC-USD": 103.0}
ADDITIVE = ("net", "funding", "fees", "rebates", "volume", "n_fills")


@dataclass(frozen=True, slots=True)
class Seen:
    """Fills, payments, and the mids somebody recorded a second before some of the fills."""

    book: Dealt
    mids: tuple[float | None, ...]

    def data(self, rows: Sequence[Mapping[str, Any]] | None = None) -> PerformanceDataSource:
        return PerformanceDataSource.from_tables(self.tables(rows), clock=CLOCK)

    def tables(self, rows: Sequence[Mapping[str, Any]] | None = None) -> dict[str, pl.DataFrame]:
        book = self.book if rows is None else replace(self.book, rows=tuple(rows))
        quotes = [
            {"kind": "quote_file", "connector": row["connector"], "pair": row["pair"], "at": row["at"] - 0.5,
             "mid_quote": mid}
            for row, mid in zip(self.book.rows, self.mids, strict=True) if mid is not None
        ]  # fmt: skip
        found = {key: [quote[key] for quote in quotes] for key in quotes[0]} if quotes else None
        return book.tables | ({"quotes": table("quotes", **found)} if found else {})

    @property
    def marked(self) -> Conventions:
        """Every pair has a given mark, so that a part is marked as the whole is."""
        return Conventions(marks=self.book.marks | MARKS)

    def answer(self, chosen: Filter | None = None, conventions: Conventions | None = None) -> Attribution:
        return attribution(self.data(), chosen, conventions or self.book.conventions)


@st.composite
def seen(draw: st.DrawFn, **how: Any) -> Seen:
    book = draw(dealt(**{"max_size": 15, **how}))
    mid = st.one_of(st.none(), st.integers(9_000, 11_000).map(lambda n: n / 100))
    n = len(book.rows)
    few = draw(st.booleans())
    drawn = draw(st.lists(st.none() if few and n > 3 else mid, min_size=n, max_size=n))
    return Seen(book, tuple(drawn))


@st.composite
def filters(draw: st.DrawFn) -> Filter:
    def some(values: Sequence[str]) -> tuple[str, ...]:
        return tuple(draw(st.sets(st.sampled_from(values), max_size=1)))

    first, last = sorted(draw(st.tuples(st.integers(0, 900_000), st.integers(0, 900_000))))
    at = pl.Series([first, last + 1]).cast(pl.Float64).to_list()
    start, end = (START + pl.Series([int(s * 1e6)]).cast(pl.Duration("us"))[0] for s in at)
    is_cut = draw(st.booleans())
    return Filter(
        bots=some(["one", "two"]), controllers=some(["main", "other", UNLINKED]),
        close_types=some(["TAKE_PROFIT", "STOP_LOSS", UNLINKED]), sides=some(["BUY", "SELL"]),
        start=start if is_cut else None, end=end if is_cut else None,
    )  # fmt: skip


def held(book: Dealt, chosen: Filter) -> Filter:
    """The filter without names the data does not hold."""
    names = {column: {row[column] for row in book.rows} | {UNLINKED}
             for column in ("bot", "controller_id", "close_type")}  # fmt: skip
    return replace(
        chosen, bots=tuple(b for b in chosen.bots if b in names["bot"]),
        controllers=tuple(c for c in chosen.controllers if c in names["controller_id"]),
        close_types=tuple(c for c in chosen.close_types if c in names["close_type"]),
    )  # fmt: skip


def assert_adds_up(answer: Attribution, net: float | None, tolerance: float) -> None:
    """Parts sum to net, rows to the whole in every dimension, and the inventory part to its two and a rest."""
    assert (answer.net is None) == (net is None)
    if answer.net is None or net is None:
        return
    assert abs(answer.net - net) <= tolerance
    assert abs(signed(answer.parts) - net) <= tolerance
    assert tuple(answer.by) == DIMENSIONS
    for dimension, rows in answer.by.items():
        assert abs(sum(rows["net"].to_list()) - net) <= tolerance, dimension
        for row in rows.iter_rows(named=True):
            assert abs(signed(row) - row["net"]) <= tolerance, (dimension, row)
            assert (row["spread"] is None) == (row["inventory"] is None)
        for part in ("fees", "rebates", "funding"):
            if answer.parts[part] is not None:
                assert abs(rows[part].sum() - answer.parts[part]) <= tolerance, (dimension, part)
    for by, rows in answer.time.items():
        for name in ("originated", "accrued"):
            if not rows[name].null_count():
                assert abs(rows[name].sum() - net) <= tolerance, (by, name)
    after = answer.horizon
    if after.positioning is not None:
        both = after.adverse_selection + after.positioning + after.unattributed
        assert abs(both - answer.parts["inventory"]) <= tolerance
    assert answer.hours.is_empty() or abs(answer.hours["net"].sum() - net) <= tolerance + abs(
        sum(row["net"] for row in answer.by["hour"].iter_rows(named=True) if row["tag"] == "unallocated")
    )


def signed(parts: Mapping[str, Any]) -> float:
    return sum(sign * (parts[name] or 0.0) for name, sign in SIGNS.items())


@WHOLE
@given(seen(), filters())
def test_parts_add_up_to_the_overviews_net(book: Seen, chosen: Filter) -> None:
    for asked in (Filter(), held(book.book, chosen)):
        data = book.data()
        answer = attribution(data, asked, book.book.conventions)
        whole = overview(data, asked, book.book.conventions, metrics=["net_pnl"], check=False)
        assert_adds_up(answer, whole.metrics["net_pnl"].value, book.book.tolerance)


@WHOLE
@given(seen(), st.sampled_from(["controller", "bot", "pair", "close_type", "side"]))
def test_a_tags_row_is_the_answer_filtered_to_it(book: Seen, dimension: str) -> None:
    """With the marks given, what a tag got of the whole is what it gets alone."""
    name = {"controller": "controllers", "bot": "bots", "pair": "pairs", "close_type": "close_types",
            "side": "sides"}[dimension]  # fmt: skip
    whole = book.answer(conventions=book.marked)
    for row in whole.by[dimension].iter_rows(named=True):
        if row["tag"] == "unallocated" or whole.net is None:
            continue
        alone = book.answer(Filter(**{name: (row["tag"],)}), replace(book.marked, currency=whole.currency))
        assert alone.net == pytest.approx(row["net"], abs=book.book.tolerance)
        assert (alone.parts["spread"] is None) == (row["spread"] is None)
        for part in ("spread", "inventory", "fees", "unattributed"):
            if row[part] is not None:
                assert alone.parts[part] == pytest.approx(row[part], abs=book.book.tolerance), part


@WHOLE
@given(seen(), st.sampled_from([0.5, 3.0, 1e3]))
def test_size_scales_every_part(book: Seen, k: float) -> None:
    one = book.answer(conventions=book.marked)
    other = replace(book, book=book.book.scaled(k)).answer(conventions=book.marked)
    for name, value in one.parts.items():
        expected = None if value is None else pytest.approx(k * value, rel=1e-9, abs=1e-9 * max(k, 1.0))
        assert other.parts[name] == expected, name
    assert other.coverage == pytest.approx(one.coverage, abs=1e-12)


@WHOLE
@given(seen(), st.data())
def test_splitting_a_fill_and_the_order_of_rows_change_nothing(book: Seen, drawn: st.DataObject) -> None:
    rows = list(book.book.rows)
    place = drawn.draw(st.integers(0, len(rows) - 1), label="fill")
    half = {
        **rows[place],
        "amount_base": rows[place]["amount_base"] / 2,
        "fee_amount": rows[place]["fee_amount"] / 2,
    }
    how = replace(book.book.conventions, currency="USDT")  # else the pair with the most fills chooses it
    one = book.answer(conventions=how)
    same_parts(
        one,
        attribution(book.data([*rows[:place], half, half, *rows[place + 1 :]]), None, how),
    )
    order = drawn.draw(st.permutations(range(len(rows))), label="order of the rows")
    if len({row["bot"] for row in rows}) == 1:
        tables = book.tables()
        raw = raw_tables(bot=rows[0]["bot"], **tables | {"fills": tables["fills"][order]})
        shuffled = PerformanceDataSource.from_tables(performance_etl([raw], clock=CLOCK).tables)
        same_parts(one, attribution(shuffled, None, how))


def same_parts(one: Attribution, other: Attribution) -> None:
    for name, value in one.parts.items():
        expected = None if value is None else pytest.approx(value, rel=1e-9, abs=1e-6)
        assert other.parts[name] == expected, name
    for dimension, rows in one.by.items():
        got = {row["tag"]: row for row in other.by[dimension].iter_rows(named=True)}
        for row in rows.iter_rows(named=True):
            for name in SIGNS:
                expected = None if row[name] is None else pytest.approx(row[name], rel=1e-9, abs=1e-6)
                assert got[row["tag"]][name] == expected, (dimension, row["tag"], name)


@WHOLE
@given(seen(pairs=("ABC-USDT", "XYZ-USDT")), st.data())
def test_a_mid_more_or_less_moves_money_between_parts_only(book: Seen, drawn: st.DataObject) -> None:
    gone = drawn.draw(st.lists(st.booleans(), min_size=len(book.mids), max_size=len(book.mids)))
    less = replace(book, mids=tuple(None if g else m for g, m in zip(gone, book.mids, strict=True)))
    one, other = book.answer(conventions=book.marked), less.answer(conventions=less.marked)
    assert other.net == pytest.approx(one.net, abs=book.book.tolerance)
    assert other.coverage <= one.coverage + 1e-12
    if other.parts["spread"] is not None:
        assert one.parts["spread"] is not None


many = st.integers(1, 30)


@LAWS
@given(st.integers(0, 10**6), many)
def test_the_split_of_a_fill_is_exact(seed: int, n: int) -> None:
    """``(x − f)(P − p) = spread + inventory + unattributed + fee gain``, with any mids missing."""
    rng = np.random.default_rng(seed)
    qty, price = rng.normal(0.0, 5.0, n), rng.uniform(90.0, 110.0, n)
    fee = np.abs(qty) * rng.uniform(-0.001, 0.002, n)
    mid = np.where(rng.random(n) < 0.3, np.nan, rng.uniform(90.0, 110.0, n))
    following, mark = rng.uniform(90.0, 110.0, (2, n))
    found = split(qty, fee, price, mid, following, mark)
    whole = found.spread + found.inventory + found.unattributed + found.fee_gain
    assert np.abs(whole - (qty - fee) * (mark - price)).max() <= 1e-9
    assert (found.unattributed[~np.isnan(mid)] == 0.0).all()
    assert (found.spread[np.isnan(mid)] == 0.0).all()


@WHOLE
@given(dealt(max_size=12), st.sampled_from([*BENCHMARKS, "index"]), st.integers(-100, 100))
def test_effects_of_bots_sum_to_the_return_over_any_benchmark(book: Dealt, word: str, bps: int) -> None:
    slow = replace(book, rows=tuple(row | {"at": 4.0 * row["at"]} for row in book.rows), payments=())
    conventions = Conventions(marks=slow.marks | MARKS, currency="USDT")
    bots = sorted({str(row["bot"]) for row in slow.rows})
    capitals = {bot: 1e6 * (i + 1) for i, bot in enumerate(bots)}
    days = pl.date_range(START.date(), CLOCK.date(), eager=True)
    index = ("index", pl.DataFrame({"day": days, "return": [bps / 1e4] * days.len()}))
    found = contributions(
        slow.data, None, conventions, capitals=capitals, benchmark=index if word == "index" else word
    )
    net = overview(slow.data, None, conventions).metrics["net_pnl"].value
    if net is None:
        assert found.portfolio.reason == "no_mid"  # type: ignore[attr-defined]
        return
    table = found.table
    assert abs(math.fsum(table["net"]) - net) <= slow.tolerance
    assert found.portfolio == pytest.approx(net / math.fsum(capitals.values()), abs=1e-12)
    assert math.fsum(table["contribution"]) == pytest.approx(found.portfolio, abs=1e-12)
    effects = [math.fsum(table[name]) for name in ("allocation", "selection", "interaction")]
    assert math.fsum(effects) == pytest.approx(found.portfolio - found.benchmark, abs=1e-9)
    if word in ("zero", "index"):  # weights are the bots' own
        assert effects[0] == pytest.approx(0.0, abs=1e-15)
    else:  # bots are the benchmark's own
        assert effects[1:] == [0.0, 0.0]
