"""Laws every ledger obeys, whatever the fills (at least 200 examples each)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.conventions import Conventions
from fillbook.ledger.book import Ledger, keep_ledger, prepare
from fillbook.ledger.invariants import Verdict, run_checks
from fillbook.schema.tables import TABLES, empty
from fillbook.testing.tables import table

LAWS = settings(max_examples=200, deadline=None)
MARK = 101.0

amounts = st.integers(1, 5_000).map(lambda cents: cents / 1000)
prices = st.integers(9_000, 11_000).map(lambda cents: cents / 100)
sides = st.sampled_from([1, -1])
fees = st.integers(-50, 100).map(lambda cents: cents / 1000)
rows = st.lists(
    st.tuples(sides, amounts, prices, fees, st.sampled_from(["USDT", "ABC", None])),
    min_size=1,
    max_size=40,
)
methods = st.sampled_from(["wac", "fifo", "lifo", "hifo"])

Row = tuple[int, float, float, float, str | None]


def fills_of(given_rows: list[Row], **more: object) -> pl.DataFrame:
    """Canonical fills of (side, amount, price, fee, fee token)."""
    return table("fills", **{
        "side": [r[0] for r in given_rows], "amount_base": [r[1] for r in given_rows],
        "price_quote": [r[2] for r in given_rows], "fee_amount": [r[3] for r in given_rows],
        "fee_token": [r[4] for r in given_rows], **more,
    })  # fmt: skip


def tables_of(fills: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    """All canonical tables, empty but for the fills."""
    return {**{name: empty(name) for name in TABLES}, "fills": fills}


def keep(fills: pl.DataFrame, mark: float = MARK, **conventions: object) -> Ledger:
    """Ledger of fills, marked at `mark` after the last of them."""
    chosen = Conventions(marks={"ABC-USDT": mark}, **conventions)  # type: ignore[arg-type]
    return keep_ledger(prepare(tables_of(fills), chosen), end=fills["at"].max())  # type: ignore[arg-type]


def sums(ledger: Ledger) -> tuple[float, float, float, float]:
    """Realised, unrealised, fees and net over all books."""
    names = ("realized_quote", "unrealized_quote", "fees_quote", "net_quote")
    return tuple(float(ledger.books[name].sum()) for name in names)  # type: ignore[return-value]


@LAWS
@given(rows, methods)
def test_net_is_cash_and_inventory_at_the_mark_less_fees(given_rows: list[Row], method: str) -> None:
    realized, unrealized, paid, net = sums(keep(fills_of(given_rows), method=method))
    cash = -math.fsum(s * q * p for s, q, p, _, _ in given_rows)
    held = math.fsum(s * q for s, q, _, _, _ in given_rows)
    in_quote = math.fsum(f for _, _, _, f, token in given_rows if token == "USDT")
    in_base = math.fsum(f for _, _, _, f, token in given_rows if token == "ABC")
    assert net == pytest.approx(cash + (held - in_base) * MARK - in_quote, abs=1e-6)
    assert net == pytest.approx(realized + unrealized - paid, abs=1e-6)


@LAWS
@given(rows)
def test_every_own_check_passes(given_rows: list[Row]) -> None:
    fills = fills_of(given_rows)
    checks = run_checks(keep(fills), tables_of(fills))
    assert [check for check in checks if check.is_own and check.verdict is not Verdict.PASS] == []


@LAWS
@given(rows, st.integers(0, 39), st.integers(1, 9))
def test_a_fill_split_in_two_changes_nothing(given_rows: list[Row], place: int, tenths: int) -> None:
    place %= len(given_rows)
    side, amount, price, fee, token = given_rows[place]
    share = tenths / 10
    halves = [(side, amount * part, price, fee * part, token) for part in (share, 1 - share)]
    at = [*range(place + 1), *range(place, len(given_rows))]
    # the halves follow each other inside one tick, as the exchange reports partial fills
    split = fills_of([*given_rows[:place], *halves, *given_rows[place + 1 :]], at=[float(t) for t in at])
    whole = sums(keep(fills_of(given_rows), base_fee="value"))
    assert sums(keep(split, base_fee="value")) == pytest.approx(whole, abs=1e-6)


@LAWS
@given(rows, methods)
def test_short_mirrors_long(given_rows: list[Row], method: str) -> None:
    # prices reflected about the mark and sides turned: every gain stays the same gain
    no_fees = [(s, q, p, 0.0, None) for s, q, p, _, _ in given_rows]
    mirrored = [(-s, q, 2 * MARK - p, 0.0, None) for s, q, p, _, _ in given_rows]
    there, here = (
        sums(keep(fills_of(mirrored), method=method)),
        sums(keep(fills_of(no_fees), method=method)),
    )
    assert there == pytest.approx(here, abs=1e-6)


@LAWS
@given(rows, st.sampled_from([0.001, 0.5, 3.0, 1e4]), methods)
def test_scaling_prices_scales_pnl(given_rows: list[Row], k: float, method: str) -> None:
    scaled = [(s, q, p * k, f * k if t == "USDT" else f, t) for s, q, p, f, t in given_rows]
    there, here = (
        keep(fills_of(scaled), MARK * k, method=method),
        keep(fills_of(given_rows), method=method),
    )
    assert sums(there) == pytest.approx([k * value for value in sums(here)], rel=1e-9, abs=1e-6 * k)


@LAWS
@given(rows, st.sampled_from([0.001, 0.5, 3.0, 1e4]))
def test_scaling_quantities_scales_pnl(given_rows: list[Row], k: float) -> None:
    scaled = [(s, q * k, p, f * k, t) for s, q, p, f, t in given_rows]
    there, here = keep(fills_of(scaled)), keep(fills_of(given_rows))
    assert sums(there) == pytest.approx([k * value for value in sums(here)], rel=1e-9, abs=1e-6 * k)
    assert there.trips.height == here.trips.height


def exact_average(given_rows: list[Row]) -> tuple[Fraction, Fraction]:
    """Realised and unrealised PnL at weighted average cost in exact fractions, fees left out."""
    held, cost, realized = Fraction(0), Fraction(0), Fraction(0)
    for side, q, p, _, _ in given_rows:
        x, price = side * Fraction(str(q)), Fraction(str(p))
        if held * x >= 0:
            cost = (abs(held) * cost + abs(x) * price) / (abs(held) + abs(x))
        else:
            part = min(abs(held), abs(x))
            realized += (1 if held > 0 else -1) * part * (price - cost)
            if abs(x) > abs(held):
                cost = price
        held += x
    return realized, held * (Fraction(str(MARK)) - cost)


@LAWS
@given(rows)
def test_floats_agree_with_exact_fractions(given_rows: list[Row]) -> None:
    no_fees = [(s, q, p, 0.0, None) for s, q, p, _, _ in given_rows]
    realized, unrealized, _, net = sums(keep(fills_of(no_fees)))
    exact_realized, exact_unrealized = exact_average(no_fees)
    assert realized == pytest.approx(float(exact_realized), rel=1e-9, abs=1e-9)
    assert unrealized == pytest.approx(float(exact_unrealized), rel=1e-9, abs=1e-9)
    assert net == pytest.approx(float(exact_realized + exact_unrealized), rel=1e-9, abs=1e-9)


@LAWS
@given(rows, st.integers(1, 39))
def test_filter_then_sum_is_the_sum_of_filters(given_rows: list[Row], cut: int) -> None:
    # two periods, each booked from flat and marked at the same price, add up to the whole
    fills = fills_of(given_rows)
    cut = min(cut, len(given_rows))
    parts = [part for part in (fills[:cut], fills[cut:]) if part.height]
    nets = [sums(keep(part))[3] for part in parts]
    assert math.fsum(nets) == pytest.approx(sums(keep(fills))[3], abs=1e-6)


@LAWS
@given(rows)
def test_trips_add_up_to_realised_less_fees(given_rows: list[Row]) -> None:
    ledger = keep(fills_of(given_rows))
    gross = float(ledger.trips["gross"].sum()) - float(ledger.trips["fees"].sum())
    realized, _, paid, _ = sums(ledger)
    assert gross == pytest.approx(realized - paid, abs=1e-6)


def test_a_long_run_ends_exactly_flat() -> None:
    # 0.1 + 0.2 − 0.3 is not 0 in floats; the position is, 30,000 times over
    fills = table("fills", side=[1, 1, -1] * 30_000, amount_base=[0.1, 0.2, 0.3] * 30_000, price_quote=100.0)
    ledger = keep(fills)
    assert ledger.books["position_base"].to_list() == [0.0]
    assert ledger.trips.height == 30_000
    assert np.isfinite(ledger.books["net_quote"].to_numpy()).all()
