"""Cases of execution: orders against quotes, shortfall, markouts, benchmarks, impact, uptime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cases.adapters_ledger import moment, num
from cases.adapters_risk import floats
from cases.registry import adapter
from fillbook.analysis.execution import Execution, execution, markout_curve
from fillbook.analysis.market_volume import market_volumes
from fillbook.analysis.mids import KINDS, MarketMids, Samples
from fillbook.conventions import Conventions
from fillbook.metrics import spreads
from fillbook.metrics.impact import fit_impact
from fillbook.metrics.liquidity import twap, vwap
from fillbook.metrics.risk import ewma_variances
from fillbook.metrics.shortfall import Intents, Pieces, implementation_shortfall, shortfall, slippage
from fillbook.metrics.timing import uptime
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Undefined
from fillbook.testing.tables import table

Case = Mapping[str, Any]
SIDES = {"BUY": 1, "SELL": -1}
MS = 1_000


def _traded(case: Case) -> PerformanceDataSource:
    """The case's order with its fills, events and quotes, as a bot's executor would leave them."""
    order, quotes = case["order"], case["quotes"]
    side, events = SIDES[order["trade_type"]], order["events"]
    fills = case["fills"]
    tables = {
        "orders": table(
            "orders", strategy="script", order_id=[order["id"]], side=side, order_type=order["order_type"],
            amount_base=num(order["amount"]), price_quote=num(order["price"]) or None,
            at=[moment(order["creation_ms"])], last_status=events[-1][0] if events else "", executor_id="e1",
        ),
        "executors": table("executors", executor_id=["e1"], type="order_executor", at=[moment(order["decision_ms"])]),
        "order_events": table(
            "order_events", order_id=[order["id"]] * len(events), status=[name for name, _ in events],
            at=[moment(ms) for _, ms in events],
        ),
        "fills": table(
            "fills", order_id=[order["id"]] * len(fills), at=[moment(f["timestamp_ms"]) for f in fills],
            side=[SIDES[f["trade_type"]] for f in fills], amount_base=[num(f["amount"]) for f in fills],
            price_quote=[num(f["price"]) for f in fills], order_type=order["order_type"], fee_token="USDT",
            fee_amount=[num(f["fee_quote"]) for f in fills], executor_id="e1",
        ),
        "quotes": table(
            "quotes", kind="market_data", connector="binance", pair="ABC-USDT",
            at=[moment(ms) for ms, _, _ in quotes], bid_quote=[num(b) for _, b, _ in quotes],
            ask_quote=[num(a) for _, _, a in quotes], mid_quote=[(num(b) + num(a)) / 2 for _, b, a in quotes],
        ),
    }  # fmt: skip
    return PerformanceDataSource.from_tables(tables)


@adapter("order_exec")
def order_exec(case: Case) -> Any:
    """One order through the whole answer."""
    answer = execution(_traded(case), None, Conventions(max_quote_age_s=float(case["max_quote_age_s"])))
    order, metrics = answer.orders.row(0, named=True), answer.metrics
    got = _parts_of(answer)
    filled = order["filled_base"]
    return {
        "terminal": order["class"], "partially_filled": 0.0 < filled < order["amount_base"], "filled_qty": filled,
        "fill_fraction": filled / order["amount_base"], "avg_fill_price": order["average_quote"],
        "time_to_first_fill_s": order["create_to_fill_s"], "arrival_mid": order["arrival_quote"],
        "slippage_vs_arrival_quote": slippage(*(
            np.array([order[name]], float) for name in ("side", "filled_base", "average_quote", "arrival_quote")
        ))[0],
        "slippage_vs_arrival_bps": metrics["average_slippage_arrival"],
        "slippage_vs_limit_bps": metrics["average_slippage_limit"],
        **got, "is_total_bps": metrics["implementation_shortfall"], "fill_rate_any": metrics["fill_rate"],
        "fill_rate_full": metrics["fill_rate_full"], "fill_rate_qty": metrics["fill_rate_quantity"],
        "partial_fill_ratio": metrics["partial_fill_ratio"],
    }  # fmt: skip


def _parts_of(answer: Execution) -> dict[str, object]:
    """Parts of the only parent's shortfall."""
    parent = answer.parents.row(0, named=True)
    parts = {
        name: parent[f"{name}_quote"]
        for name in ("delay", "timing", "spread", "opportunity", "fees", "total")
    }
    known = parts["timing"] is not None and parts["spread"] is not None
    parts["trading"] = parts["timing"] + parts["spread"] if known else None
    return {f"is_{name}": value for name, value in parts.items()}


@adapter("is_decomp")
def is_decomp(case: Case) -> Any:
    """The five parts from stated mids."""
    order, fills = case["order"], case["fills"]
    wants = Intents(
        np.array([float(SIDES[order["trade_type"]])]),
        *(floats([order[name]]) for name in ("amount", "decision_mid", "arrival_mid", "end_mid")),
    )
    columns = (floats([f[name] for f in fills]) for name in ("amount", "price", "pre_mid", "fee_quote"))
    parts = shortfall(wants, Pieces(np.zeros(len(fills), np.int64), *columns))
    names = ("delay", "timing", "spread", "trading", "opportunity", "fees", "total")
    return {
        **{name: float(getattr(parts, name)[0]) for name in names},
        "total_bps": implementation_shortfall(parts.total, wants.asked * wants.decision), "paper_pnl": float(parts.paper[0]),
        "real_pnl": float(parts.real[0]),
    }  # fmt: skip


@adapter("markout")
def markouts(case: Case) -> Any:
    """Markouts and spreads from a series of mids."""
    fills, nan = case["fills"], np.full(len(case["mids"]), np.nan)
    at_us = np.array([int(f["timestamp_ms"]) * MS for f in fills])
    qty = np.array([SIDES[f["trade_type"]] * num(f["amount"]) for f in fills])
    price = floats([f["price"] for f in fills])
    samples = Samples(
        KINDS.index("quote_file"), np.array([int(ms) * MS for ms, _ in case["mids"]]),
        floats([mid for _, mid in case["mids"]]), nan, nan,
    )  # fmt: skip
    market, end = MarketMids.of(samples), int(case["data_end_ms"]) * MS
    before = market.before(at_us, Conventions().max_quote_age_s).mid
    tick = num(case["fill_ts_resolution_ms"]) / MS
    later = {
        float(h): market.after(at_us, float(h), end) if h >= 2.0 * tick else np.full(at_us.size, np.nan)
        for h in {*case["horizons_s"], 5}
    }
    curve = markout_curve(at_us, qty, price, before, later, np.full(at_us.size, tick))
    rows = {f"{row['horizon_s']:g}": row for row in curve.iter_rows(named=True)}
    five = later[5.0]
    return {
        "edge_quote": spreads.spread_earned(qty, price, before), "edge_bps": spreads.markout(qty, price, before, before),
        "effective_spread_earned_bps": 2.0 * spreads.markout(qty, price, before, before),
        "realised_spread_5s_bps": spreads.realized_spread(qty, price, before, five),
        "price_impact_5s_bps": spreads.price_impact(qty, before, five),
        "markout": {str(h): _point(rows[f"{h:g}"], at_us, h, end) for h in case["horizons_s"]},
    }  # fmt: skip


def _point(row: Mapping[str, Any], at_us: Any, horizon: float, end: int) -> Any:
    """One point of the curve, or why there is none."""
    lack = Undefined.unavailable(row["reason"]) if row["markout_bps"] is None else None
    return {
        "quote": row["markout"] if lack is None else lack, "bps": row["markout_bps"] if lack is None else lack,
        "n": row["n"], "notional_coverage": row["coverage"],
        "excluded_past_end": int((at_us + int(horizon * 1e6) > end).sum()),
    }  # fmt: skip


@adapter("spread_capture")
def spread_capture(case: Case) -> Any:
    """Edge over the half spread of the quote before each fill."""
    fills = case["fills"]
    qty = np.array([SIDES[f["trade_type"]] * num(f["amount"]) for f in fills])
    price, bid, ask = (floats([f[name] for f in fills]) for name in ("price", "bid", "ask"))
    maker = np.array([f["order_type"] == "LIMIT_MAKER" for f in fills])
    crossed = spreads.is_crossed(bid, ask)
    good = ~crossed
    return {
        "spread_capture_pct_all": 100.0 * spreads.capture(qty, price, bid, ask, np.ones(qty.size, bool))
        if good.any() else spreads.capture(qty, price, bid, ask, good),
        "spread_capture_pct_maker": _times(100.0, spreads.spread_capture(qty, price, bid, ask, maker)),
        "n_excluded_crossed": int(crossed.sum()),
        "edge_quote_all": spreads.spread_earned(qty[good], price[good], ((bid + ask) / 2.0)[good]),
        "half_spread_quote_all": float(np.sum((np.abs(qty) * (ask - bid) / 2.0)[good])),
    }  # fmt: skip


def _times(factor: float, value: float) -> float:
    return value if isinstance(value, Undefined) else factor * value


@adapter("benchmarks")
def benchmarks(case: Case) -> Any:
    """VWAP, TWAP and participation over a window."""
    fills, candles = case["fills"], case["candles_1m"]
    start, end = (np.array([num(ms) / 1e3]) for ms in case["window_ms"])
    qty, price = floats([f["amount"] for f in fills]), floats([f["price"] for f in fills])
    average = float((qty * price).sum() / qty.sum())
    held = table(
        "candles", connector="binance", pair="ABC-USDT", interval_s=60.0,
        at=[moment(c["open_ms"]) for c in candles], volume_base=[num(c["volume"]) for c in candles],
        volume_quote=[num(c["quote_volume"]) for c in candles],
    )  # fmt: skip
    market = market_volumes(held)[("binance", "ABC-USDT")]
    mids = case["mids"]
    at, mid = np.array([int(ms) / 1e3 for ms, _ in mids]), floats([m for _, m in mids])
    paid = float(vwap(market.volume, market.value, start, end)[0])
    mean = float(twap(at, mid, start, end, np.inf)[0][0])
    exceeded, _ = market.exceeded(np.array([int(f["timestamp_ms"]) / 1e3 for f in fills]), qty)
    volume = float(market.volume.between(start, end)[0])
    sign = SIDES[case["side"]]

    def cost(benchmark: float) -> object:
        return (
            Undefined("no_volume") if np.isnan(benchmark) else sign * (average - benchmark) / benchmark * 1e4
        )

    return {
        "avg_fill_price": average, "market_vwap": paid, "twap": mean, "cost_vs_vwap_bps": cost(paid),
        "cost_vs_twap_bps": cost(mean), "market_volume_prorated": volume, "participation": float(qty.sum()) / volume,
        "own_exceeds_market_candles": exceeded, "participation_status": "inconsistent" if exceeded else "ok",
    }  # fmt: skip


@adapter("impact")
def impact(case: Case) -> Any:
    """The square-root fit."""
    orders = case["orders"]
    fit = fit_impact(
        floats([o["q_over_v"] for o in orders]), floats([o["impact_over_sigma"] for o in orders])
    )
    return {"Y": fit.coefficient, "se_Y": fit.se, "n": fit.n, "status": fit.status.value}


@adapter("uptime_ewma")
def uptime_ewma(case: Case) -> Any:
    """Live quotes in a window, and the EWMA of a few returns."""
    orders, window = case["orders"], case["window_s"]
    live = uptime(
        np.array([SIDES[o["side"]] for o in orders], np.int64), floats([o["live"][0] for o in orders]),
        floats([o["live"][1] for o in orders]), (float(window[0]), float(window[1])),
    )  # fmt: skip
    returns = floats(case["ewma"]["returns"])
    variances = ewma_variances(returns, num(case["ewma"]["lambda"]))
    return {
        "uptime_bid": live.bid_s / live.window_s, "uptime_ask": live.ask_s / live.window_s,
        "uptime_two_sided": live.both_s / live.window_s, "ewma_var_init": float(variances[0]),
        "ewma_var_next": float(variances[-1]), "ewma_vol_next": float(np.sqrt(variances[-1])),
    }  # fmt: skip
