"""Laws of reconciliation: the causes add up to the difference, whatever the fills."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.random_fills import LAWS, Dealt, dealt, thousandths
from fillbook.analysis.peer import Peer
from fillbook.analysis.reconcile import reconcile
from fillbook.conventions import Conventions
from fillbook.filters import Filter
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Status
from fillbook.testing.tables import table

WHOLE = settings(LAWS, max_examples=60)
Row = Mapping[str, Any]
NO_FEE = {"fee_amount": 0.0, "fee_percent": 0.0}


@st.composite
def labelled(draw: st.DrawFn, **options: Any) -> Dealt:
    """Random fills with orders, tags and percent fees of either kind."""
    held = draw(dealt(**options))
    label = st.tuples(
        st.sampled_from("abcd"), st.sampled_from(["OPEN", "CLOSE", "NIL"]),
        st.sampled_from(["AddedToCost", "DeductedFromReturns", None]), thousandths(-1, 2),
    )  # fmt: skip
    labels = draw(st.lists(label, min_size=len(held.rows), max_size=len(held.rows)))
    rows = [
        {**row, "order_id": order + row["pair"] + row["bot"] + str(row["side"]), "position_action": tag,
         "fee_type": kind, "fee_percent": percent, "trade_id": str(i)}
        for i, (row, (order, tag, kind, percent)) in enumerate(zip(held.rows, labels, strict=True))
    ]  # fmt: skip
    return Dealt(tuple(rows), held.payments, held.marks)


def causes_of(peer: Peer) -> dict[str, float]:
    return dict(peer.causes.select("cause", "amount").iter_rows())


def adds_up(peer: Peer, slack: float) -> None:
    assert peer.ours is not None
    assert peer.theirs is not None
    assert peer.rest is not None
    total = math.fsum([*causes_of(peer).values(), peer.rest])
    assert total == pytest.approx(peer.theirs - peer.ours, abs=slack)
    for row in peer.parts.iter_rows(named=True):
        mine = peer.steps.filter(peer.steps["part"] == row["part"])["amount"].to_list()
        assert math.fsum([*mine, row["rest"]]) == pytest.approx(row["difference"], abs=slack)


@WHOLE
@given(labelled())
def test_causes_of_history_and_api_explain_all_of_the_difference(held: Dealt) -> None:
    answer = reconcile(held.data, None, held.conventions)
    for key in ("history", "api"):
        peer = answer[key]
        assert peer.status is not Status.UNAVAILABLE
        adds_up(peer, held.tolerance)
        assert abs(peer.rest or 0.0) <= held.tolerance
        assert peer.is_explained


def by_hand(rows: Sequence[Row], price: float) -> float:
    """Total PnL of one account as Hummingbot's history adds it up, fill by fill."""
    is_perp = any(
        side and all(row["position_action"] != "NIL" for row in side)
        for side in ([r for r in rows if r["side"] > 0], [r for r in rows if r["side"] < 0])
    )
    orders: dict[tuple[int, str], list[Row]] = defaultdict(list)
    for row in rows:
        orders[row["side"], row["order_id"]].append(row)
    fee = sum(
        row["fee_percent"] * row["price_quote"] * row["amount_base"]
        + row["fee_amount"] * (price if row["fee_token"] == row["base"] else 1.0)
        for row in rows
    )
    if not is_perp:
        gross = sum(row["side"] * row["amount_base"] * (price - row["price_quote"]) for row in rows)
        deducted = sum(
            row["fee_percent"] * row["price_quote"] * row["amount_base"]
            for row in rows if row["fee_type"] == "DeductedFromReturns"
        )  # fmt: skip
        return float(gross - deducted - fee)
    for fills in orders.values():
        first, n = fills[0], len(fills)
        mean, amount = sum(f["price_quote"] for f in fills) / n, sum(f["amount_base"] for f in fills)
        fee += first["fee_percent"] * (mean * amount - first["price_quote"] * first["amount_base"])
    gross = 0.0
    for side in (1, -1):
        opens = [f for (s, _), f in orders.items() if s == side and f[0]["position_action"] == "OPEN"]
        closes = [f for (s, _), f in orders.items() if s == -side and f[0]["position_action"] == "CLOSE"]
        for opened, closed in zip(opens, closes, strict=False):
            entry, leave = (sum(f["price_quote"] for f in fills) / len(fills) for fills in (opened, closed))
            gross += side * (leave - entry) * sum(f["amount_base"] for f in closed)
    return float(gross - fee)


@WHOLE
@given(labelled(bots=("one",)))
def test_history_is_what_its_arithmetic_gives_by_hand(held: Dealt) -> None:
    peer = reconcile(held.data, None, held.conventions)["history"]
    accounts: dict[str, list[Row]] = defaultdict(list)
    for row in held.rows:
        accounts[row["pair"]].append(row)
    assert peer.parts.height == len(accounts)
    for pair, rows in accounts.items():
        price = held.marks.get(pair, rows[-1]["price_quote"])
        found = peer.parts.filter(peer.parts["part"].str.starts_with(pair + " "))["theirs"].item()
        assert found == pytest.approx(by_hand(rows, price), rel=1e-9, abs=held.tolerance)


@WHOLE
@given(dealt(pairs=("ABC-USDT",), bots=("one",)))
def test_without_fees_spot_is_the_same_to_everyone(held: Dealt) -> None:
    rows = tuple({**row, **NO_FEE} for row in held.rows)
    free = Dealt(rows, (), held.marks)
    answer = reconcile(free.data, None, free.conventions)
    assert answer["history"].difference == pytest.approx(0.0, abs=held.tolerance)
    assert causes_of(answer["history"]) == {}
    last = Dealt(rows, (), {})  # marked at its last fill, as the API does
    assert reconcile(last.data, None, last.conventions)["api"].difference == pytest.approx(
        0.0, abs=held.tolerance
    )


@WHOLE
@given(dealt(pairs=("XYZ-USDT",), bots=("one",)))
def test_positions_opened_and_closed_whole_are_the_same_to_everyone(held: Dealt) -> None:
    """Each order opens a position and the next one closes it, whole and in one fill; no fees, no funding."""
    rows = []
    for i, row in enumerate(held.rows):
        plain = {**row, **NO_FEE, "order_id": f"o{i}", "position_action": "OPEN", "trade_id": f"a{i}"}
        price = held.rows[(i + 1) % len(held.rows)]["price_quote"]
        rows += [plain, {**plain, "side": -row["side"], "price_quote": price, "order_id": f"c{i}",
                         "position_action": "CLOSE", "trade_id": f"b{i}"}]  # fmt: skip
    flat = Dealt(tuple(rows), (), held.marks)
    answer = reconcile(flat.data, None, flat.conventions)
    for key in ("history", "api"):
        assert answer[key].difference == pytest.approx(0.0, abs=2 * held.tolerance)


@WHOLE
@given(labelled(), st.sampled_from([2.0, 0.5]))
def test_causes_scale_with_the_amounts(held: Dealt, k: float) -> None:
    one, other = (reconcile(d.data, None, d.conventions) for d in (held, held.scaled(k)))
    for key in ("history", "api"):
        before, after = causes_of(one[key]), causes_of(other[key])
        for cause in before.keys() | after.keys():
            assert after.get(cause, 0.0) == pytest.approx(k * before.get(cause, 0.0), abs=2 * held.tolerance)


TYPES = ("position_executor", "dca_executor", "grid_executor", "twap_executor", "order_executor",
         "arbitrage_executor", "xemm_executor")  # fmt: skip


@st.composite
def executed(draw: st.DrawFn) -> tuple[Dealt, PerformanceDataSource]:
    """Random fills, some in executors that stored whatever they liked, some positions."""
    held = draw(labelled(pairs=("ABC-USDT", "XYZ-USDT")))
    names = draw(st.lists(st.sampled_from(["e1", "e2", "e3", "gone", None]), min_size=len(held.rows),
                          max_size=len(held.rows)))  # fmt: skip
    rows = [{**row, "executor_id": name} for row, name in zip(held.rows, names, strict=True)]
    one = st.tuples(
        st.sampled_from(TYPES), st.sampled_from(["TAKE_PROFIT", "POSITION_HOLD", None]),
        thousandths(-9_000, 9_000), thousandths(-10, 500), st.sampled_from([1, -1]),
        st.sampled_from(["ABC-USDT", "XYZ-USDT"]),
    )  # fmt: skip
    stored = draw(st.lists(one, min_size=3, max_size=6))
    executors = table(
        "executors", executor_id=[f"e{i + 1}" for i in range(len(stored))],
        type=[s[0] for s in stored], close_type=[s[1] for s in stored],
        net_pnl_quote=[s[2] for s in stored], fees_quote=[s[3] for s in stored],
        side=[s[4] for s in stored], pair=[s[5] for s in stored],
        at=0, closed_at=[float(i) for i in range(len(stored))], volume_quote=1.0, config="{}",
    )  # fmt: skip
    positions = draw(st.booleans())
    tables = {"executors": executors, **Dealt(tuple(rows), held.payments, held.marks).tables}
    if positions:
        tables["positions"] = table(
            "positions", pair="ABC-USDT", at=0, side=[1], amount_base=[2.0], breakeven_quote=[100.0],
            unrealized_pnl_quote=[draw(thousandths(-5_000, 5_000))], realized_pnl_quote=[1.0],
            fees_quote=[0.1], volume_quote=[10.0],
        )  # fmt: skip
    return held, PerformanceDataSource.from_tables(tables)


@WHOLE
@given(executed())
def test_causes_of_executors_add_up_whatever_they_stored(case: tuple[Dealt, PerformanceDataSource]) -> None:
    held, data = case
    answer = reconcile(data, None, held.conventions)
    stored = data.tables["executors"]
    for key in ("executors", "controllers", "dashboard"):
        if answer[key].status is not Status.UNAVAILABLE:
            adds_up(answer[key], held.tolerance + 1e-9)
    theirs = answer["executors"].theirs
    assert theirs == pytest.approx(math.fsum(stored["net_pnl_quote"].to_list()))
    assert (answer["controllers"].status is Status.UNAVAILABLE) == data.tables["positions"].is_empty()


@WHOLE
@given(dealt(pairs=("ABC-USDT",), bots=("one",), min_size=2))
def test_executors_that_stored_their_cash_agree(held: Dealt) -> None:
    """Each fill bought is sold again at the next price in one executor, without fees: nothing differs."""
    rows, stored = [], []
    for i, row in enumerate(held.rows):
        exit_price = held.rows[(i + 1) % len(held.rows)]["price_quote"]
        name = f"e{i}"
        plain = {**row, **NO_FEE, "executor_id": name}
        rows += [plain, {**plain, "side": -row["side"], "price_quote": exit_price}]
        stored.append(row["side"] * row["amount_base"] * (exit_price - row["price_quote"]))
    executors = table(
        "executors", executor_id=[f"e{i}" for i in range(len(stored))], net_pnl_quote=stored, fees_quote=0.0,
        side=1, pair="ABC-USDT", at=0, closed_at=1.0, volume_quote=1.0,
    )  # fmt: skip
    flat = Dealt(tuple(rows), (), held.marks)
    data = PerformanceDataSource.from_tables({"executors": executors, **flat.tables})
    for key in ("executors", "dashboard"):
        peer = reconcile(data, None, flat.conventions)[key]
        assert peer.difference == pytest.approx(0.0, abs=2 * held.tolerance)
        assert causes_of(peer) == {}


def test_what_the_data_lacks_is_unavailable_and_never_0() -> None:
    rows = ({"at": 0.0, "bot": "one", "side": 1, "pair": "ABC-USDT", "amount_base": 1.0, "price_quote": 100.0,
             "fee_amount": 0.0, "fee_token": "USDT"},)  # fmt: skip
    answer = reconcile(Dealt(rows, (), {}).data)
    for key, reason in (("executors", "no_executors"), ("controllers", "no_executors"),
                        ("dashboard", "no_executors")):  # fmt: skip
        peer = answer[key]
        assert (peer.status, peer.reason) == (Status.UNAVAILABLE, reason)
        assert (peer.ours, peer.theirs, peer.rest, peer.difference) == (None, None, None, None)
    figures = answer["history"].figures
    assert figures.filter(figures["figure"] == "return_pct")["value"].to_list() == [None]


def test_a_side_is_not_enough_to_judge_executors() -> None:
    data = PerformanceDataSource.from_tables({
        "fills": table("fills", at=[0, 1], side=[1, -1], executor_id="e1", price_quote=[100.0, 110.0]),
        "executors": table("executors", executor_id=["e1"], at=0, closed_at=1.0, net_pnl_quote=10.0,
                           fees_quote=0.0, side=1, pair="ABC-USDT", volume_quote=210.0),
    })  # fmt: skip
    assert reconcile(data)["executors"].theirs == pytest.approx(10.0)
    assert reconcile(data, Filter(sides=("BUY",)))["executors"].reason == "side_filtered"


def test_without_a_common_currency_the_parts_stand_alone() -> None:
    data = PerformanceDataSource.from_tables({
        "fills": table("fills", at=[0, 1], side=1, pair=["ABC-USDT", "XYZ-EUR"], base=["ABC", "XYZ"],
                       quote=["USDT", "EUR"]),
    })  # fmt: skip
    peer = reconcile(data)["history"]
    assert (peer.status, peer.reason, peer.theirs) == (Status.UNAVAILABLE, "no_rate", None)
    assert peer.parts["currency"].to_list() == ["USDT", "EUR"]
    joined = reconcile(data, None, Conventions(marks={"EUR-USDT": 1.1}))["history"]
    assert joined.difference == pytest.approx(0.0)
