"""Cases of risk and return: ratios, degenerate series, ruin, tails, drawdowns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from cases.adapters_ledger import num
from cases.registry import adapter
from fillbook.arrays import Floats
from fillbook.metrics import drawdown, execution, returns, risk, selection
from fillbook.metrics.backtest import christoffersen_lr, kupiec_lr, transitions
from fillbook.metrics.inputs import ORDER_CLASSES
from fillbook.results import Undefined

Case = Mapping[str, Any]
DAY_MS = 86_400_000


def floats(values: object) -> Floats:
    """Array of a case's numbers."""
    return np.array([num(value) for value in values], dtype=float)  # type: ignore[attr-defined]


def equity_of(pnl: Floats, capital: float) -> Floats:
    """Capital, and after each day."""
    return np.concatenate([[capital], capital + np.cumsum(pnl)])


@adapter("risk")
def of_days(case: Case) -> Any:
    """Ratios of daily PnL on a fixed capital."""
    pnl, capital = floats(case["daily_pnl"]), num(case["capital"])
    year = {"periods_per_year": float(case["periods_per_year"])}
    day = returns.fixed_returns(pnl, capital)
    equity = equity_of(pnl, capital)
    skew, kurtosis = returns.moments(day)
    return {
        "n": int(day.size), "mean_return": returns.mean(day), "std_return": returns.deviation(day),
        "sharpe_daily": returns.sharpe_ratio(day, periods_per_year=1.0, risk_free=num(case["rf"])),
        "sharpe_ann": returns.sharpe_ratio(day, **year, risk_free=num(case["rf"])),
        "downside_dev": returns.downside_deviation(day, num(case["mar"])),
        "sortino_ann": returns.sortino_ratio(day, **year, target=num(case["mar"])),
        "max_drawdown_quote": drawdown.max_drawdown(equity),
        "max_drawdown_pct": drawdown.max_drawdown_fraction(equity, capital=capital),
        "calmar": drawdown.calmar_ratio(day, equity, capital=capital, **year),
        "ulcer_index": drawdown.ulcer_index(equity, capital=capital),
        "omega_0": returns.omega_ratio(day), "period_profit_factor": returns.period_profit_factor(pnl),
        "tail_ratio": returns.tail_ratio(day), "kelly_continuous": returns.kelly_continuous(day),
        "recovery_factor": drawdown.recovery_factor(equity), "skew": skew, "kurtosis": kurtosis,
        "psr_0": risk.probabilistic_sharpe_ratio(day),
    }  # fmt: skip


@adapter("sharpe_capital")
def sharpe_capital(case: Case) -> Any:
    """Sharpe ratio by capital, on fixed and on compounded returns."""
    pnl, year = floats(case["daily_pnl"]), float(case["periods_per_year"])
    ways = {"fixed": returns.fixed_returns, "compound": returns.compounded_returns}
    return {
        name: {
            text: returns.sharpe_ratio(way(pnl, num(text)), periods_per_year=year)
            for text in case["capitals"]
        }
        for name, way in ways.items()
    }


@adapter("degenerate")
def degenerate(case: Case) -> Any:
    """Statistics of series that have none."""
    return {name: of_series(floats(values)) for name, values in case["series"].items()}


def of_series(values: Floats) -> Any:
    """What can be said of daily returns on a capital of 1."""
    equity = equity_of(values, 1.0)
    return {
        "mean": returns.mean(values), "std": returns.deviation(values),
        "sharpe": returns.sharpe_ratio(values, periods_per_year=1.0),
        "sortino": returns.sortino_ratio(values, periods_per_year=1.0),
        "omega": returns.omega_ratio(values), "profit_factor": returns.period_profit_factor(values),
        "max_drawdown_pct": drawdown.max_drawdown_fraction(equity, capital=1.0),
        "calmar": drawdown.calmar_ratio(values, equity, capital=1.0, periods_per_year=1.0),
        "win_rate": returns.winning_days(values), "n_flat": int((values == 0.0).sum()),
    }  # fmt: skip


@adapter("ruin")
def ruin(case: Case) -> Any:
    """Capital that is none, and equity that crosses zero."""
    pnl, year = floats(case["daily_pnl"]), float(case["periods_per_year"])
    return {text: of_capital(pnl, num(text), year) for text in case["capitals"]}


def of_capital(pnl: Floats, capital: float, year: float) -> Any:
    """Returns, growth and drawdown on one capital."""
    equity = equity_of(pnl, capital)
    fixed, grown = returns.fixed_returns(pnl, capital), returns.compounded_returns(pnl, capital)
    ruined = returns.first_ruin(pnl, capital) if capital > 0.0 else None
    calmar = fixed if isinstance(fixed, Undefined) else drawdown.calmar_ratio(
        fixed, equity, capital=capital, periods_per_year=year)  # fmt: skip
    return {
        "fixed_returns": fixed if isinstance(fixed, Undefined) else fixed.tolist(),
        "compound_returns": grown
        if isinstance(grown, Undefined)
        else [None if math.isnan(r) else r for r in grown],
        "compound_status": "ok" if ruined is None else f"undefined:equity_non_positive_after_index_{ruined}",
        "cagr": returns.cagr(pnl, capital=capital, periods_per_year=year),
        "max_drawdown_quote": drawdown.max_drawdown(equity),
        "max_drawdown_pct": drawdown.max_drawdown_fraction(equity, capital=capital),
        "calmar": calmar,
        "sharpe_from_pnl_daily": returns.sharpe_ratio(pnl, periods_per_year=1.0),
        "flags": [] if ruined is None else ["equity_non_positive"],
    }


@adapter("var")
def tails(case: Case) -> Any:
    """Value at risk, expected shortfall and their backtests."""
    values = floats(case["returns"])
    hits = np.array(case["hits"], dtype=bool)
    return {
        "historic": {text: historic(values, num(text)) for text in case["alphas"]},
        "cf": [cornish_fisher(row) for row in case["cf"]],
        "kupiec_lr": [kupiec_lr(row["n"], row["x"], num(row["p"])) for row in case["kupiec"]],
        "christoffersen_ind_lr": christoffersen_lr(hits),
        "transitions": asdict(transitions(hits)),
    }


def historic(values: Floats, alpha: float) -> Any:
    """Value at risk and expected shortfall of one level."""
    at_risk = risk.historic_var(values, alpha)
    if math.isnan(at_risk):
        return at_risk
    return {"var": at_risk, "es": risk.historic_es(values, alpha)}


def cornish_fisher(row: Case) -> Any:
    """Value at risk by the expansion, with its status."""
    found = risk.cornish_fisher_var(
        num(row["mu"]),
        num(row["sigma"]),
        num(row["skew"]),
        num(row["excess_kurt"]),
        num(row["alpha"]),
    )
    return found if math.isnan(found) else {"var": found, "status": "ok"}


@adapter("drawdown")
def drawdowns(case: Case) -> Any:
    """The drawdown table of an equity curve, its start included."""
    equity = floats(case["equity"])
    days = case["step_s"] * 1000 / DAY_MS
    rows = [
        {
            "depth_quote": row.depth, "depth_pct": row.depth_fraction, "peak_index": row.peak_index,
            "valley_index": row.valley_index, "recovery_index": row.recovery_index,
            "length_days": row.length * days, "to_valley_days": row.to_valley * days,
        }
        for row in drawdown.drawdown_table(equity)
    ]  # fmt: skip
    return {
        "rows": rows,
        "max_drawdown_pct": drawdown.max_drawdown_fraction(equity, capital=equity[0]),
        "current_drawdown_pct": float(drawdown.fall_fractions(equity)[-1]),
        "time_under_water_fraction": drawdown.time_under_water(equity),
    }


@adapter("psr")
def sharpe_by_luck(case: Case) -> Any:
    """Probabilistic and deflated Sharpe ratio, and the record it needs."""
    ratio, n = num(case["sr"]), int(case["n"])
    skew, kurtosis, variance = num(case["skew"]), num(case["kurtosis"]), num(case["var_trial_sr"])
    deflated = {
        key: selection.deflated_sharpe(ratio, n, skew, kurtosis, trials=trials, variance=variance)
        for key, trials in (
            ("dsr", case["trials"]), ("dsr_if_trials_1", 1), ("dsr_if_trials_unknown", None)
        )
    }  # fmt: skip
    return deflated | {
        "psr_0": risk.probabilistic_sharpe(ratio, n, skew, kurtosis),
        "psr_benchmark": risk.probabilistic_sharpe(ratio, n, skew, kurtosis, num(case["sr_benchmark"])),
        "sr0_expected_max": selection.expected_maximum(case["trials"], variance),
        "min_trl": selection.minimum_track_record(ratio, skew, kurtosis, confidence=num(case["confidence"])),
    }


@adapter("fill_rate")
def fill_rates(case: Case) -> Any:
    """Classes of orders, and the rates of limit and market orders."""
    orders = case["orders"]
    filled = np.array([sum(num(part) for part in order["fills"]) for order in orders])
    amount = floats([order["amount"] for order in orders])
    flags = (
        np.array([any(event.endswith(word) for event in order["events"]) for order in orders])
        for word in ("Completed", "OrderCancelled", "OrderExpired", "OrderFailure")
    )
    codes = execution.classify_orders(filled, amount, *flags)
    is_market = np.array([order["type"] == "MARKET" for order in orders])
    price = np.ones(amount.size)
    answer: dict[str, Any] = {
        "terminal_class": {
            order["id"]: ORDER_CLASSES[code] for order, code in zip(orders, codes, strict=True)
        }
    }
    for kind, chosen in (("limit", ~is_market), ("market", is_market)):
        is_open = codes == ORDER_CLASSES.index("OPEN")
        answer[kind] = {
            "n_terminal": int((chosen & ~is_open).sum()),
            "n_open_censored": int((chosen & is_open).sum()),
            "fill_rate_any": execution.fill_rate(codes, filled, is_market, kind=kind),
            "fill_rate_full": execution.fill_rate_full(codes, is_market, kind=kind),
            "fill_rate_qty": execution.fill_rate_quantity(codes, amount, filled, price, is_market, kind=kind),
            "partial_fill_ratio": execution.partial_fill_ratio(codes, filled, is_market, kind=kind),
            "cancel_ratio": execution.cancel_ratio(codes, is_market, kind=kind),
            "expired_ratio": execution.expired_ratio(codes, is_market, kind=kind),
            "failed_ratio": execution.failed_ratio(codes, is_market, kind=kind),
            "overfill_qty": float(np.maximum(filled - amount * (1 + 1e-9), 0.0)[chosen].sum()),
            "status": "ok",
        }
    return answer
