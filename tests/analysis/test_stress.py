"""Stress: the table of crashes by hand, inverse contracts exactly, liquidation, what is not known is not 1."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.analysis.betas import betas, daily_closes
from fillbook.analysis.crashes import CRASHES
from fillbook.analysis.holdings import concentration_of, holdings_of
from fillbook.analysis.risk import Risk, risk
from fillbook.analysis.stress import ASSUMPTION, GRID, crash_scenarios, position_changes, shocked
from fillbook.analysis.view import view_of
from fillbook.conventions import Conventions, RiskConventions
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Undefined
from fillbook.testing.tables import START, table

DAY = 86_400.0
BTC, ETH, SOL, DOGE = 60_000.0, 3_000.0, 150.0, 0.2


def closes(asset: str, moves: list[float], first: float) -> dict[str, list[object]]:
    """Daily candles of a pair that end the day before `START`."""
    prices = first * np.cumprod([1.0, *(1.0 + move for move in moves)])
    n = prices.size
    return {
        "at": [DAY * (i - n) for i in range(n)], "pair": [f"{asset}-USDT"] * n,
        "close_quote": prices.tolist(), "interval_s": [DAY] * n,
    }  # fmt: skip


def candles(*parts: dict[str, list[object]]) -> pl.DataFrame:
    joined = {name: [value for part in parts for value in part[name]] for name in parts[0]}
    return table("candles", **joined, connector="binance")


def moves_of(n: int = 70) -> list[float]:
    return [round(0.02 * np.sin(i * i), 4) for i in range(n)]


def book(*, days: int = 70, doge: bool = True) -> PerformanceDataSource:
    """Long 0.5 BTC and short 4 ETH as perpetuals; 100 SOL as spot, twice as lively as BTC; DOGE unheard of."""
    rows = [
        ("BTC-USDT", "binance_perpetual", 1, 0.5, BTC), ("ETH-USDT", "binance_perpetual", -1, 4.0, ETH),
        ("SOL-USDT", "binance", 1, 100.0, SOL), ("DOGE-USDT", "kucoin", 1, 5_000.0, DOGE),
    ][: 4 if doge else 3]  # fmt: skip
    fills = table(
        "fills", at=[float(i) for i in range(len(rows))], pair=[r[0] for r in rows],
        base=[r[0].split("-")[0] for r in rows], connector=[r[1] for r in rows], side=[r[2] for r in rows],
        amount_base=[r[3] for r in rows], price_quote=[r[4] for r in rows],
    )  # fmt: skip
    moves = moves_of(days)
    held = candles(closes("BTC", moves, 50_000.0), closes("SOL", [2.0 * move for move in moves], 100.0))
    return PerformanceDataSource.from_tables({"fills": fills, "candles": held})


MARKS = {"BTC-USDT": BTC, "ETH-USDT": ETH, "SOL-USDT": SOL, "DOGE-USDT": DOGE}


def answered(
    data: PerformanceDataSource, asked: RiskConventions | None = None, *, capital: float | None = 40_000.0
) -> Risk:
    return risk(data, None, Conventions(capital=capital, marks=MARKS), asked)


def total_of(answer: Risk, crash: str, measure: str) -> dict[str, object]:
    rows = answer.stress.crashes.totals.filter(pl.col("scenario").str.contains(crash), measure=measure)
    return rows.row(0, named=True)


def test_the_table_of_crashes_by_hand() -> None:
    answer = answered(book(doge=False))
    # worst day of 2020-03-12: BTC −39.50 %, ETH −44.60 %, SOL 2 × −39.50 % = −79 %
    # 0.5·60,000·(−.395) = −11,850; −4·3,000·(−.446) = +5,352; 100·150·(−.79) = −11,850
    found = total_of(answer, "2020-03-12", "worst_day")
    assert found["change"] == pytest.approx(-11_850.0 + 5_352.0 - 11_850.0, rel=1e-9)
    assert found["is_estimate"]
    assert found["assumption"] == ASSUMPTION == "linear, no re-hedging"
    # to the low: SOL 2 × −52.33 % is floored at −100 %: −15,699 + 6,697.2 − 15,000
    low = total_of(answer, "2020-03-12", "to_low")
    assert low["change"] == pytest.approx(-15_699.0 + 6_697.2 - 15_000.0, rel=1e-9)
    # FTX to the low: BTC −26.81 %, ETH −34.02 %, SOL −53.62 %: −8,043 + 4,082.4 − 8,043
    assert total_of(answer, "FTX", "to_low")["change"] == pytest.approx(-8_043.0 + 4_082.4 - 8_043.0)
    # 2025-10-10 to the low: SOL has its own −23.60 %: −4,848 + 2,563.2 − 3,540
    own = total_of(answer, "2025-10-10", "to_low")
    assert own["change"] == pytest.approx(-4_848.0 + 2_563.2 - 3_540.0)
    assert not own["is_estimate"]


def test_the_shipped_table_is_that_of_the_definition() -> None:
    btc = [(str(c.first), c.worst_day["BTC"], c.to_low["BTC"]) for c in CRASHES]
    assert btc == [
        ("2020-03-12", -0.3950, -0.5233), ("2021-05-19", -0.1438, -0.2999), ("2022-05-09", -0.1164, -0.2156),
        ("2022-06-10", -0.1538, -0.4147), ("2022-11-06", -0.1415, -0.2681), ("2024-08-02", -0.0712, -0.2502),
        ("2025-10-10", -0.0731, -0.1616),
    ]  # fmt: skip
    eth = [(c.worst_day["ETH"], c.to_low["ETH"]) for c in CRASHES]
    assert eth == [
        (-0.4460, -0.5581), (-0.2774, -0.4406), (-0.1156, -0.2856), (-0.1568, -0.5072), (-0.1738, -0.3402),
        (-0.1002, -0.3410), (-0.1233, -0.2136),
    ]  # fmt: skip
    for crash in CRASHES:  # the prices of the notes say the same
        head, _, tail = crash.note.partition("BTC ")[2].partition(" → ")
        low = tail.replace(";", "").split()[0]
        before, after = (float(text.replace(",", "")) for text in (head, low))
        assert after / before - 1.0 == pytest.approx(crash.to_low["BTC"], abs=6e-5)


def test_an_asset_without_a_beta_has_no_loss_and_the_sum_is_none() -> None:
    answer = answered(book())
    found = total_of(answer, "FTX", "worst_day")
    assert (found["change"], found["reason"], found["liquidated"]) == (None, "no_beta", None)
    # 1,000 of DOGE in 30,000 + 12,000 + 15,000 + 1,000
    assert found["coverage"] == pytest.approx(57_000.0 / 58_000.0)
    doge = answer.stress.crashes.by_asset.filter(pl.col("scenario").str.contains("FTX"), asset="DOGE")
    assert doge["shock"].to_list() == doge["change"].to_list() == [None, None]
    assert set(doge["reason"]) == {"no_beta"}
    assert any(finding.rule == "no_beta" and "DOGE" in finding.message for finding in answer.findings)
    own = answer.stress.crashes.by_asset.filter(
        pl.col("scenario").str.contains("2025"), asset="DOGE", measure="to_low"
    )
    assert own["change"].to_list() == pytest.approx([-617.7])  # DOGE's own low of that day is recorded
    grid = answer.stress.grid.totals.filter(scenario="-10%")
    assert grid["change"].to_list() == pytest.approx([-3_000.0 + 1_200.0 - 1_500.0 - 100.0])


def test_59_returns_are_no_beta_and_60_are() -> None:
    for n, is_known in ((60, True), (59, False)):
        found = betas(daily_closes(book(days=n).candles), ["SOL", "BTC", "ETH"])
        assert found["SOL"].n == n
        assert isinstance(found["SOL"].value, Undefined) is not is_known
        assert found["BTC"].value == 1.0
        assert isinstance(found["ETH"].value, Undefined)
    assert betas(daily_closes(book().candles), ["SOL"])["SOL"].value == pytest.approx(2.0)


def test_what_closes_after_the_view_is_not_known() -> None:
    known = daily_closes(book(days=70).candles, START - timedelta(days=5))
    assert known["BTC"]["day"].max() == (START - timedelta(days=6)).date()


def test_liquidation_is_flagged() -> None:
    asked = RiskConventions(maintenance_margin=0.05)
    rich = total_of(answered(book(doge=False), asked), "2020-03-12", "to_low")
    assert rich["liquidated"] is False
    assert rich["equity_after"] == pytest.approx(40_000.0 - 24_001.8)
    # perpetuals left: 30,000 · .4767 + 12,000 · .4419 = 19,603.8; 5 % of it is 980.19
    assert rich["maintenance"] == pytest.approx(980.19)
    poor = answered(book(doge=False), asked, capital=24_900.0)
    found = total_of(poor, "2020-03-12", "to_low")
    assert found["equity_after"] == pytest.approx(898.2)  # above nothing, below 980.19
    assert found["liquidated"] is True
    assert any(finding.rule == "liquidated_in_a_crash" for finding in poor.findings)
    assert (
        total_of(answered(book(doge=False), capital=24_900.0), "2020-03-12", "to_low")["liquidated"] is False
    )
    assert total_of(answered(book(doge=False), capital=None), "2020-03-12", "to_low")["liquidated"] is None
    # 42,000 / 10 of margin against −15,699 + 6,697.2 of the perpetuals alone
    levered = answered(book(), RiskConventions(leverage=10.0), capital=None)
    low = total_of(levered, "2020-03-12", "to_low")
    assert low["equity_after"] == pytest.approx(4_200.0 - 9_001.8)
    assert low["liquidated"] is True
    assert low["change"] is None, "DOGE is not known, the perpetuals are"


def test_inverse_contracts_by_the_exact_formula() -> None:
    fills = table(
        "fills", at=[0.0], side=[1], amount_base=[1_000.0], price_quote=[20_000.0], pair="BTC-USD",
        base="BTC", quote="USD", connector="binance_coin_perpetual",
    )  # fmt: skip
    view = view_of(PerformanceDataSource.from_tables({"fills": fills}))
    held = holdings_of(view)
    assert held["value"].to_list() == [1_000.0]
    # 1,000 · (1/20,000 − 1/10,000) = −0.05 BTC, at 10,000: −500 USD
    assert position_changes(held, {"BTC": -0.5, "USD": 0.0}, "USD").tolist() == pytest.approx([-500.0])
    assert position_changes(held, {"BTC": -1.0, "USD": 0.0}, "USD").tolist() == [-1_000.0]


SHOCKS = st.floats(-0.9, 2.0)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["BTC-USDT", "ETH-USDT", "ETH-BTC"]), st.sampled_from([1, -1]), st.floats(0.1, 9.0)),
        min_size=1, max_size=6, unique_by=lambda deal: deal[0],
    ),
    SHOCKS, SHOCKS, st.floats(0.5, 4.0),
)  # fmt: skip
def test_a_shock_is_what_the_book_would_be_worth(
    deals: list[tuple[str, int, float]], btc: float, eth: float, k: float
) -> None:
    """Net PnL revalued at the prices after, coins accumulated aside, is the change; k times held, k times lost."""
    price = {"BTC-USDT": 100.0, "ETH-USDT": 10.0, "ETH-BTC": 0.1}
    held = pl.DataFrame({
        "asset": [pair.split("-")[0] for pair, _, _ in deals],
        "quote_asset": [pair.split("-")[1] for pair, _, _ in deals],
        "value": [s * q * price[pair] * (100.0 if pair == "ETH-BTC" else 1.0) for pair, s, q in deals],
        "mark_quote": [price[pair] for pair, _, _ in deals], "market_type": ["spot"] * len(deals),
    })  # fmt: skip
    moves = {"BTC": btc, "ETH": eth, "USDT": 0.0}
    found = position_changes(held, moves, "USDT")
    for (pair, side, qty), change in zip(deals, found, strict=True):
        base, quote = pair.split("-")
        after = price[pair] * (1.0 + moves[base]) / (1.0 + moves[quote])
        worth = 100.0 * (1.0 + btc) if quote == "BTC" else 1.0
        assert change == pytest.approx(side * qty * (after - price[pair]) * worth, rel=1e-9, abs=1e-9)
    larger = held.with_columns(pl.col("value") * k)
    assert position_changes(larger, moves, "USDT") == pytest.approx(k * found, rel=1e-9, abs=1e-9)


def test_costs_of_getting_out_holding_on_and_a_depeg() -> None:
    data = book(doge=False)
    at = [-60.0, -30.0, -10.0]
    quotes = table(
        "quotes", at=at, pair="SOL-USDT", connector="binance", mid_quote=150.0,
        bid_quote=[149.7, 149.85, 149.925], ask_quote=[150.3, 150.15, 150.075],
    )  # fmt: skip
    end = candles(closes("SOL", moves_of(), 100.0))
    volume = end.with_columns(volume_base=pl.lit(10_000.0), volume_quote=pl.lit(1e6))
    today = table(
        "candles", at=[0.0], pair="SOL-USDT", connector="binance", interval_s=DAY, close_quote=150.0,
        volume_base=10_000.0, volume_quote=1e6,
    )  # fmt: skip
    whole = {"fills": data.fills, "quotes": quotes, "candles": pl.concat([volume, today])}
    found = risk(PerformanceDataSource.from_tables(whole), None, Conventions(capital=40_000.0, marks=MARKS))
    costs = found.stress.flattening
    sol = costs.filter(pair="SOL-USDT")
    # the median half-spread is 0.15 / 150 = 10 bps of 15,000: 15, twice that, …
    assert sol["spread_cost"].to_list() == pytest.approx([15.0, 30.0, 75.0, 150.0])
    known = [np.log1p(move) for move in moves_of()[-30:]]
    # Y = 1: σ · √(100 / 10,000) · 15,000
    assert sol["impact_cost"][0] == pytest.approx(np.std(known, ddof=1) * 0.1 * 15_000.0, rel=1e-9)
    assert costs.filter(pair="BTC-USDT")["reason"].unique().to_list() == ["no_quote"]
    assert costs.filter(pair="BTC-USDT")["cost"].null_count() == 4
    # perpetuals: 30,000 − 12,000 long on balance; a rate of 0.3 % costs 54 each time, 162 a day
    funding = {row["rate"]: row for row in found.stress.funding.iter_rows(named=True)}
    assert (funding[0.003]["per_payment"], funding[0.003]["per_day"]) == pytest.approx((-54.0, -162.0))
    # 40,000 of which 30,000 − 12,000 + 15,000 follow the coins: 7,000 fall with USDT
    assert found.stress.depegs["change"].to_list() == pytest.approx([-350.0, -700.0])
    undeclared = answered(data, capital=None).stress.depegs
    assert undeclared["reason"].unique().to_list() == ["no_capital"]


def test_a_crash_whose_candles_are_given_is_replayed() -> None:
    first = datetime(2022, 11, 6, tzinfo=UTC)
    hours = [first + timedelta(hours=h) for h in range(-1, 96)]
    path = [1.0, *np.linspace(0.99, 0.7, 50), *np.linspace(0.7, 0.8, 46)]
    held = pl.concat([
        table("candles", at=hours, pair=f"{asset}-USDT", interval_s=3_600.0, connector="binance",
              close_quote=[price * share for share in path])
        for asset, price in (("BTC", 20_000.0), ("ETH", 1_500.0), ("SOL", 30.0))
    ])  # fmt: skip
    data = PerformanceDataSource.from_tables({"fills": book(doge=False).fills, "candles": held})
    (found,) = answered(data).stress.replays
    # every asset falls alike: 30,000 − 12,000 + 15,000 lose 30 %, then 20 %
    assert found.scenario == "2022-11-06 FTX"
    assert found.worst == pytest.approx(-0.3 * 33_000.0)
    assert found.end == pytest.approx(-0.2 * 33_000.0)
    assert found.path["change"][0] == pytest.approx(0.0)
    assert found.liquidated is False
    (with_doge,) = answered(
        PerformanceDataSource.from_tables({"fills": book().fills, "candles": held})
    ).stress.replays
    assert (with_doge.worst, with_doge.missing) == (None, ("DOGE",))


def test_nothing_held_is_nothing_lost() -> None:
    fills = table("fills", side=[1, -1], amount_base=1.0, price_quote=[100.0, 101.0])
    answer = risk(PerformanceDataSource.from_tables({"fills": fills}))
    assert answer.stress.crashes.totals.is_empty()
    assert answer.stress.grid.totals.is_empty()
    assert answer.holdings.is_empty()
    assert answer.concentration.gross == 0.0
    assert answer.concentration.hhi_books.reason == "no_positions"  # type: ignore[attr-defined]


def test_exposure_is_one_number_an_asset_over_venues() -> None:
    fills = table(
        "fills", pair=["ABC-USDT", "ABC-USDT", "XYZ-USDT"], base=["ABC", "ABC", "XYZ"], side=[1, -1, 1],
        connector=["binance", "kucoin_perpetual", "binance"], amount_base=[3.0, 1.0, 2.0], price_quote=100.0,
    )  # fmt: skip
    answer = risk(PerformanceDataSource.from_tables({"fills": fills}), None, Conventions(capital=100.0))
    abc = answer.assets.filter(asset="ABC").row(0, named=True)
    assert (abc["long"], abc["short"], abc["gross"], abc["net"]) == (300.0, -100.0, 400.0, 200.0)
    assert (abc["n_venues"], abc["share"]) == (2, pytest.approx(400.0 / 600.0))
    held = answer.concentration
    assert (held.gross, held.net, held.gross_over_capital) == (600.0, 400.0, 6.0)
    # books 3, 1, 2 of 6: (9 + 1 + 4)/36; assets 4 and 2 of 6: (16 + 4)/36
    assert (held.hhi_books, held.hhi_assets) == pytest.approx((14 / 36, 20 / 36))
    assert concentration_of(answer.holdings, -5.0).gross_over_capital.reason == "non_positive_capital"  # type: ignore[attr-defined]


def test_every_step_of_the_grid_is_of_the_same_positions() -> None:
    answer = answered(book())
    steps = answer.stress.steps
    assert steps["step"].unique().sort().to_list() == sorted(GRID)
    alone = steps.group_by("step").agg(pl.col("change").sum()).sort("step")["change"]
    together = answer.stress.grid.totals["change"]
    assert alone.to_list() == pytest.approx(together.to_list()), "linear: one by one is all at once"


def test_scenarios_of_nothing_known() -> None:
    (first, *_) = crash_scenarios(["ABC", "USDT"], {})
    assert first.moves["ABC"].shock is None
    assert first.moves["USDT"].shock == 0.0
    nothing = holdings_of(view_of(PerformanceDataSource.from_tables({})))
    assert shocked(nothing, [first], answered(book()).stress.margin, "USDT").totals.is_empty()
