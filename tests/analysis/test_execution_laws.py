"""Laws of execution: what must hold of any orders, fills and quotes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.random_fills import LAWS
from analysis.random_orders import LINEAR, VENUES, Row, Traded, traded
from fillbook.analysis.execution import Execution
from fillbook.analysis.execution_tags import order_tags
from fillbook.analysis.mids import KINDS, MarketMids, Samples
from fillbook.filters import Filter
from fillbook.metrics.timing import uptime
from fillbook.results import Status
from fillbook.sources.hummingbot import decision_us, decisions_us

PARTS = ("delay", "timing", "spread", "opportunity", "fees")
NO_VALUE = (Status.UNDEFINED, Status.UNAVAILABLE)

# two whole answers an example; their formulas have laws of their own, of 200 examples, in tests/metrics
WHOLE = settings(LAWS, max_examples=60)


def values(answer: Execution) -> dict[str, float | None]:
    return {key: result.value for key, result in answer.metrics.items()}


def near(a: float | None, b: float | None, *, rel: float = 1e-9, absolute: float = 1e-7) -> bool:
    if a is None or b is None:
        return a is None and b is None
    return abs(a - b) <= absolute + rel * max(abs(a), abs(b))


def same(one: Mapping[str, float | None], other: Mapping[str, float | None]) -> None:
    assert one.keys() == other.keys()
    assert not {k: (one[k], other[k]) for k in one if not near(one[k], other[k])}


def rows_of(table: pl.DataFrame, by: tuple[str, ...]) -> dict[tuple[Any, ...], Row]:
    return {tuple(row[name] for name in by): row for row in table.iter_rows(named=True)}


def same_rows(one: pl.DataFrame, other: pl.DataFrame, by: tuple[str, ...]) -> None:
    """The same rows, in any order; floats within rounding."""
    left, right = rows_of(one, by), rows_of(other, by)
    assert left.keys() == right.keys()
    for key, row in left.items():
        for name, value in row.items():
            if isinstance(value, float):
                assert near(value, right[key][name]), (key, name)
            else:
                assert value == right[key][name], (key, name)


@LAWS
@given(traded())
def test_every_number_is_one_or_says_why_not(book: Traded) -> None:
    """Status, reason, n and coverage of every metric agree; shares lie in [0, 1]; nothing is infinite."""
    answer = book.answer()
    for key, result in answer.metrics.items():
        assert (result.value is None) == (result.status in NO_VALUE), key
        assert result.status is Status.OK or result.reasons, key
        assert result.value is None or np.isfinite(result.value), key
        assert result.n_used <= result.n, key
        if result.coverage is not None:
            assert 0.0 <= result.coverage <= 1.0 + 1e-9, key
            assert result.coverage > 1.0 - 1e-9 or result.status in (Status.PARTIAL, Status.INCONSISTENT), key
        if key.endswith(("_ratio", "_share", "_uptime")) or key.startswith("fill_rate"):
            assert result.value is None or -1e-12 <= result.value <= 1.0 + 1e-12, key
    tables = (answer.spreads, answer.markouts, answer.orders, answer.fills, answer.parents, answer.latency,
              answer.uptime, answer.markets, *answer.by_fill.values(), *answer.by_order.values())  # fmt: skip
    for table in tables:
        assert not any(
            table[name].is_infinite().any() for name in table.columns if table[name].dtype.is_float()
        )
    effective_is_realized_and_impact(answer)
    parts_sum_to_paper_less_real(answer)
    groups_weigh_to_their_total(answer)


def effective_is_realized_and_impact(answer: Execution) -> None:
    effective, realized, impact = (
        answer.metrics[key].value for key in ("effective_spread", "realized_spread", "price_impact")
    )
    assert (effective is None) == (realized is None) == (impact is None)
    if effective is not None:
        assert effective == pytest.approx(realized + impact, rel=1e-9, abs=1e-7)
    for row in answer.spreads.iter_rows(named=True):
        if row["effective_bps"] is not None:
            assert row["effective_bps"] == pytest.approx(row["realized_bps"] + row["impact_bps"], abs=1e-7)
            assert row["markout_60s_bps"] == pytest.approx(row["realized_bps"] / 2, abs=1e-7)


def parts_sum_to_paper_less_real(answer: Execution) -> None:
    for row in answer.parents.iter_rows(named=True):
        parts = [row[f"{name}_quote"] for name in PARTS]
        assert (row["total_quote"] is None) == (None in parts)
        if None not in (*parts, row["paper_quote"], row["real_quote"]):
            size = sum(abs(part) for part in parts) + abs(row["paper_quote"])
            assert abs(sum(parts) - (row["paper_quote"] - row["real_quote"])) <= 1e-9 * (1.0 + 1e3 * size)
        if not row["is_directional"]:
            assert row["opportunity_quote"] == 0.0


def groups_weigh_to_their_total(answer: Execution) -> None:
    """Of tables in which every order has a tag: the whole is the mean of the groups by their numbers."""
    omits = any(finding.rule == "links_omit_cancelled" for finding in answer.findings)
    tags = dict(order_tags(answer.orders, links_omit_cancelled=omits))
    for by, table in answer.by_order.items():
        for row in table.iter_rows(named=True):
            if row["fill_rate"] is not None:
                assert 0.0 <= row["low"] <= row["fill_rate"] <= row["high"] <= 1.0, (by, row)
        if (tags[by].code < 0).any():
            continue
        n = table["n_terminal"].to_numpy()
        for column, key in (("fill_rate", "fill_rate"), ("fill_rate_full", "fill_rate_full"),
                            ("cancel_ratio", "cancel_ratio"), ("expired_ratio", "expired_ratio")):  # fmt: skip
            whole = answer.metrics[key].value
            if n.sum():
                weighed = float(np.nansum(table[column].fill_null(0.0).to_numpy() * n)) / n.sum()
                assert whole == pytest.approx(weighed, abs=1e-12), by
            else:
                assert whole is None


@WHOLE
@given(traded(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(book: Traded, random: Any) -> None:
    mixed = {name: list(rows) for name, rows in book.tables.items()}
    for rows in mixed.values():
        random.shuffle(rows)
    one, other = book.answer(), book.with_rows(**mixed).answer()
    same(values(one), values(other))
    assert {k: r.status for k, r in one.metrics.items()} == {k: r.status for k, r in other.metrics.items()}
    same_rows(one.parents, other.parents, ("order_id", "side"))
    same_rows(one.orders.drop("order_row"), other.orders.drop("order_row"), ("order_id",))
    same_rows(one.spreads, other.spreads, ("connector", "pair"))
    same_rows(one.uptime, other.uptime, ("bot", "connector", "pair"))
    same_rows(one.markets, other.markets, ("connector", "pair"))
    same_rows(one.latency, other.latency, ("by", "tag", "what"))
    for by, table in one.by_order.items():
        same_rows(table, other.by_order[by], ("tag",))
    for by, table in one.by_fill.items():
        same_rows(table, other.by_fill[by], ("tag",))
    assert sorted(f.rule for f in one.findings) == sorted(f.rule for f in other.findings)


MONEY = ("spread_earned", "adverse_selection")


@WHOLE
@given(traded(), st.sampled_from([0.5, 3.0, 1e4]))
def test_size_scales_money_and_leaves_rates_and_times(book: Traded, k: float) -> None:
    tables = {
        name: [
            {key: k * value if key in ("amount_base", "fee_amount", "volume_base", "volume_quote") and value
             is not None else value for key, value in row.items()}
            for row in rows
        ]
        for name, rows in book.tables.items() if name != "executors"
    }  # fmt: skip
    plain = book.with_rows(executors=[{**row, "config": None} for row in book.tables["executors"]])
    one, other = values(plain.answer()), values(plain.with_rows(**tables).answer())
    same(
        {key: value if value is None or key not in MONEY else k * value for key, value in one.items()}, other
    )


@WHOLE
@given(traded(pairs=LINEAR), st.sampled_from([0.5, 4.0]))
def test_prices_scale_money_and_leave_bps(book: Traded, k: float) -> None:
    prices = {"price_quote", "mid_quote", "bid_quote", "ask_quote", "fee_amount", "volume_quote"}
    tables = {
        name: [{key: k * value if key in prices and value is not None else value for key, value in row.items()}
               for row in rows]
        for name, rows in book.tables.items()
    }  # fmt: skip
    one, other = values(book.answer()), values(book.with_rows(**tables).answer())
    same(
        {key: value if value is None or key not in MONEY else k * value for key, value in one.items()}, other
    )


@WHOLE
@given(traded(), st.data())
def test_splitting_a_fill_changes_no_spread_and_no_slippage(book: Traded, data: st.DataObject) -> None:
    fills = list(book.tables["fills"])
    place = data.draw(st.integers(0, len(fills) - 1), label="fill")
    half = {**fills[place], "amount_base": fills[place]["amount_base"] / 2,
            "fee_amount": fills[place]["fee_amount"] / 2}  # fmt: skip
    cut = [*fills[:place], half, half, *fills[place + 1 :]]
    one, other = book.answer(), book.with_rows(fills=[{**f, "row": i} for i, f in enumerate(cut)]).answer()
    left, right = values(one), values(other)
    del left["fills_per_order_hour"], right["fills_per_order_hour"]
    same(left, right)
    drop = ("n", "n_used", "n_crossed")
    same_rows(one.spreads.drop(drop), other.spreads.drop(drop), ("connector", "pair"))
    names = ["horizon_s", "markout_bps", "markout", "coverage", "balanced_bps"]
    same_rows(one.markouts.select(names), other.markouts.select(names), ("horizon_s",))


TAGS = {
    "pairs": ("pair", tuple(VENUES)), "bots": ("bot", ("one", "two")), "sides": ("side", ("BUY", "SELL")),
}  # fmt: skip


@WHOLE
@given(traded(), st.sampled_from(sorted(TAGS)))
def test_a_filter_shows_what_the_whole_shows(book: Traded, by: str) -> None:
    """Fills, orders and parents of a pair, a bot or a side are those of the whole; sums add up."""
    column, tags = TAGS[by]
    held = set(book.data.fills[column].cast(pl.String)) if by != "sides" else set(tags)
    whole = book.answer()
    shown = [book.answer(Filter(**{by: (tag,)})) for tag in tags if tag in held]
    assert sum(part.fills.height for part in shown) == whole.fills.height
    assert earned(whole) == pytest.approx(sum(map(earned, shown)), abs=1e-6)
    for part in shown:
        same_orders(part, whole)
        if by != "sides":  # of an executor's legs a side shows one
            same_parents(part, whole)


def earned(answer: Execution) -> float:
    """Spread earned by the fills with a mid, in the reporting currency."""
    fills = answer.fills
    gain = fills["side"] * fills["amount_base"] * (fills["mid_quote"] - fills["price_quote"]) * fills["rate"]
    total = float(gain.fill_nan(None).sum())
    found = answer.metrics["spread_earned"].value
    assert found is None or found == pytest.approx(total, abs=1e-6)
    return total


def same_orders(part: Execution, whole: Execution) -> None:
    """Nothing about an order depends on what else is shown."""
    names = ["order_id", "decision_quote", "arrival_quote", "class", "filled_base", "is_two_sided", "is_late_fill",
             "slippage_arrival_bps", "latency_s", "level"]  # fmt: skip
    every = rows_of(whole.orders.select(names), ("order_id",))
    for key, row in rows_of(part.orders.select(names), ("order_id",)).items():
        assert row == every[key]


def same_parents(part: Execution, whole: Execution) -> None:
    names = ["order_id", "side", "asked_base", "filled_base", "delay_quote", "spread_quote", "is_directional"]
    every = rows_of(whole.parents.select(names), ("order_id", "side"))
    for key, row in rows_of(part.parents.select(names), ("order_id", "side")).items():
        if key in every and row["filled_base"] == every[key]["filled_base"]:
            assert row == every[key]


@WHOLE
@given(traded(pairs=LINEAR), st.integers(9_000, 11_000))
def test_what_comes_later_changes_nothing_before(book: Traded, price: int) -> None:
    """A quote after all others: no arrival, no mid before a fill, no mid within the old quotes changes."""
    if not book.tables["quotes"]:
        return
    last = max(row["at"] for row in book.tables["quotes"])
    late = {**book.tables["quotes"][-1], "at": last + 0.001, "mid_quote": price / 100, "bid_quote": price / 100,
            "ask_quote": price / 100}  # fmt: skip
    one, other = book.answer(), book.with_rows(quotes=[*book.tables["quotes"], late]).answer()
    ends = {
        key: max(row["at"] for row in rows)
        for key, rows in _by(book.tables["quotes"], ("connector", "pair", "kind")).items()
    }
    until = {market[:2]: min(e for m, e in ends.items() if m[:2] == market[:2]) for market in ends}
    start = one.fills["at"].dt.timestamp("us")
    epoch = 1_767_225_600_000_000  # 2026-01-01, `testing.tables.START`
    for horizon in ("mid_quote", "mid_5s", "mid_60s"):
        span = 0 if horizon == "mid_quote" else int(horizon[4:-1])
        for i, row in enumerate(one.fills.iter_rows(named=True)):
            at = (start[i] - epoch) / 1e6
            if at + span <= until.get((row["connector"], row["pair"]), -1.0):
                assert near(_number(row[horizon]), _number(other.fills[horizon][i])), horizon


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def _by(rows: tuple[Row, ...], names: tuple[str, ...]) -> dict[tuple[Any, ...], list[Row]]:
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in names), []).append(row)
    return found


@WHOLE
@given(traded())
def test_a_quote_at_the_fill_is_not_the_state_it_met(book: Traded) -> None:
    """Quotes stamped exactly at every fill: no mid before a fill moves, and no age is 0."""
    fills = book.tables["fills"]
    extra = [
        {"connector": f["connector"], "pair": f["pair"], "kind": "quote_file", "at": f["at"], "mid_quote": 50.0,
         "bid_quote": 49.0, "ask_quote": 51.0} for f in fills
    ]  # fmt: skip
    answer = book.with_rows(quotes=[*book.tables["quotes"], *extra]).answer()
    ages = answer.fills["mid_age_s"].fill_nan(None).drop_nulls()
    assert (ages > 0.0).all()
    first = answer.fills.sort("at").group_by("connector", "pair", maintain_order=True).first()
    if not book.tables["quotes"]:
        assert first["mid_quote"].is_nan().all()


times = st.integers(0, 40).map(float)


@LAWS
@given(st.lists(st.tuples(st.sampled_from([1, -1]), times, times), max_size=8), times, times)
def test_uptime_is_a_count_of_seconds(spans: list[tuple[int, float, float]], a: float, b: float) -> None:
    begin, end = min(a, b), max(a, b)
    side, start, stop = (np.array([span[i] for span in spans]) for i in range(3))
    found = uptime(side.astype(np.int64), start.astype(float), stop.astype(float), (begin, end))
    live = {
        sign: {s for s in range(int(begin), int(end)) if any(k == sign and x <= s < y for k, x, y in spans)}
        for sign in (1, -1)
    }
    assert (found.bid_s, found.ask_s) == (len(live[1]), len(live[-1]))
    assert found.both_s == len(live[1] & live[-1])
    assert found.window_s == end - begin


@LAWS
@given(st.lists(st.integers(0, 100), unique=True, min_size=1, max_size=12), st.lists(st.integers(-5, 120)))
def test_the_mid_before_is_the_last_strictly_before(at: list[int], asked: list[int]) -> None:
    """Against a loop: before is strictly earlier, at is not later, none is older than allowed."""
    at = sorted(at)
    mids = np.array([100.0 + i for i in range(len(at))])
    nan = np.full(len(at), np.nan)
    seconds = 1_000_000
    market = MarketMids.of(Samples(KINDS.index("trades"), np.array(at) * seconds, mids, nan, nan))
    when = np.array(asked, np.int64) * seconds
    before, now = market.before(when, 10.0), market.at(when, 10.0)
    for i, t in enumerate(asked):
        earlier = [k for k, s in enumerate(at) if s < t and t - s <= 10]
        not_later = [k for k, s in enumerate(at) if s <= t and t - s <= 10]
        assert near(_number(before.mid[i]), mids[earlier[-1]] if earlier else None)
        assert near(_number(now.mid[i]), mids[not_later[-1]] if not_later else None)


ids = st.one_of(
    st.text("BSx0123456789abcdef-_://", max_size=40),
    st.builds(
        "{}{}{}{:013x}{}".format, st.text("xHBOTBS-", max_size=8), st.sampled_from("BSX"),
        st.text("BSUACT05af", min_size=3, max_size=5), st.integers(1_400_000_000_000_000, 4_300_000_000_000_000),
        st.text("BS0af_-/", max_size=6),
    ),
)  # fmt: skip


@LAWS
@given(st.lists(ids, max_size=20))
def test_decisions_of_many_ids_are_those_of_each(names: list[str]) -> None:
    assert decisions_us(pl.Series(names, dtype=pl.String)).to_list() == [decision_us(name) for name in names]
