"""Tables of the risk answer: value at risk by method, its backtests, and the Sharpe ratios of the bots."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import polars as pl

from fillbook.arrays import Floats
from fillbook.conventions import RiskConventions
from fillbook.metrics.autocorrelation import autocorrelation, sharpe_ratio_lo
from fillbook.metrics.backtest import Backtest, backtest
from fillbook.metrics.returns import moments
from fillbook.metrics.risk import probabilistic_sharpe
from fillbook.metrics.selection import (
    daily_sharpe,
    deflated_sharpe,
    expected_maximum,
    minimum_track_record,
)
from fillbook.metrics.tails import METHODS
from fillbook.results import Undefined

_DECLARED, _COMPARED = "declared", "lower bound: the bots compared here"


def tail_table(pnl: Floats | Undefined, levels: Sequence[float]) -> pl.DataFrame:
    """``level, method, label, value_at_risk, expected_shortfall, n, reason``: a row a level and method.

    Parameters
    ----------
    pnl
        Daily PnL, or why there is none.
    levels
        0.95 for the worst 5 % of days.
    """
    rows = []
    for level in levels:
        for key, method in METHODS.items():
            lost = isinstance(pnl, Undefined)
            var = pnl if isinstance(pnl, Undefined) else method.var(pnl, alpha=level)
            es = pnl if isinstance(pnl, Undefined) else method.es(pnl, alpha=level)
            rows.append({
                "level": level, "method": key, "label": method.label, "value_at_risk": var,
                "expected_shortfall": es, "n": 0 if lost else pnl.size,  # type: ignore[union-attr]
                "reason": _reason(var) or _reason(es),
            })  # fmt: skip
    return _nulls(pl.DataFrame(rows, schema_overrides={"reason": pl.String}))


def _reason(value: object) -> str | None:
    return value.reason if isinstance(value, Undefined) else None


def backtest_tables(
    pnl: Floats | Undefined, days: pl.Series, levels: Sequence[float], asked: RiskConventions
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Backtests of every method and level, and the 95 % forecasts they rest on.

    Parameters
    ----------
    pnl
        Daily PnL, or why there is none.
    days
        The days of the PnL.
    levels
        The first is that of the forecasts handed back.
    asked
        Window of a forecast.

    Returns
    -------
    ``level, method, label, window, n, exceptions, expected, kupiec, kupiec_p, …, light, reason`` and reasons
    of single tests; ``day, pnl`` and a column a method, NaN-free nulls before there is a forecast.
    """
    values = np.zeros(0) if isinstance(pnl, Undefined) else pnl
    rows, columns = [], {}
    for level in levels:
        for key, method in METHODS.items():
            found, made = backtest(values, key, level, window=asked.backtest_days)
            rows.append(_row(found, method.label, _reason(pnl)))
            if level == levels[0]:
                columns[key] = np.concatenate([np.full(values.size - made.var.size, np.nan), made.var])
    schema = {"reason": pl.String, "light": pl.String} | {
        f"{name}_reason": pl.String for name in ("kupiec", "independence", "z2", "light")
    }
    tested = _nulls(pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None))
    held = {"day": days, "pnl": values, **columns} if values.size else {"day": days.clear()}
    return tested, _nulls(pl.DataFrame(held))


def _row(found: Backtest, label: str, lost: str | None) -> dict[str, object]:
    """A backtest as a row: a test without an answer is empty, its reason beside it."""
    held = {field.name: getattr(found, field.name) for field in fields(found)}
    numbers = {name: None if isinstance(value, Undefined) else value for name, value in held.items()}
    return {
        "level": numbers.pop("alpha"), "method": numbers.pop("method"), "label": label, **numbers,
        "expected": found.n * (1.0 - found.alpha),
        "reason": lost or (None if found.n else _reason(found.kupiec)),
        **{f"{name}_reason": _reason(held[name]) for name in ("kupiec", "independence", "z2", "light")},
    }  # fmt: skip


def trial_spread(sharpes: pl.Series, n: int, asked: RiskConventions) -> float:
    """Variance of the daily Sharpe ratios of the trials.

    As declared; else that of the bots compared, where there are at least two; else 1 / (n − 1), that of
    trials without skill over as many days.
    """
    if asked.trial_variance is not None:
        return asked.trial_variance
    known = sharpes.drop_nulls().to_numpy()
    if known.size >= 2:
        return float(known.var(ddof=1))
    return 1.0 / (n - 1) if n > 1 else Undefined("n_lt_2")


def sharpe_table(
    names: Sequence[str], daily: Floats, periods_per_year: float, asked: RiskConventions
) -> pl.DataFrame:
    """Sharpe ratio of each bot in its own run, and whether it is more than the luck of the best.

    Parameters
    ----------
    names, daily
        Bots, and their daily PnL (`correlation.daily_of`).
    periods_per_year
        Days a year.
    asked
        Declared trials; comparing k bots gives at least k, which is said.

    Returns
    -------
    ``part, n, sharpe_daily, sharpe`` (annualised), ``autocorrelation`` (of a day with the day before),
    ``sharpe_lo`` (annualised for it, null where it is within ±0.1), ``psr, trials, trials_kind,
    best_by_luck`` (annualised), ``deflated, min_track_record`` (days), ``reason`` of what is missing.
    """
    held = [days[~np.isnan(days)] for days in daily]
    ratios = [daily_sharpe(days) for days in held]
    known = pl.Series([None if math.isnan(ratio) else ratio for ratio in ratios], dtype=pl.Float64)
    longest = max((days.size for days in held), default=0)
    variance = trial_spread(known, longest, asked)
    trials, kind = _trials(len(names), asked)
    year = math.sqrt(periods_per_year)
    rows = []
    for name, days, ratio in zip(names, held, ratios, strict=True):
        shape = moments(days)
        luck = (
            Undefined.unavailable("trials_not_declared")
            if trials is None
            else expected_maximum(trials, variance)
        )
        deflated = ratio if math.isnan(ratio) else deflated_sharpe(
            ratio, days.size, *shape, trials=trials, variance=variance
        )  # fmt: skip
        record = ratio if math.isnan(ratio) else minimum_track_record(ratio, *shape)
        psr = ratio if math.isnan(ratio) else probabilistic_sharpe(ratio, days.size, *shape)
        reasons = dict.fromkeys(filter(None, map(_reason, (ratio, psr, deflated, record))))
        rows.append({
            "part": name, "n": days.size, "sharpe_daily": ratio, "sharpe": ratio * year,
            "autocorrelation": autocorrelation(days),
            "sharpe_lo": sharpe_ratio_lo(days, periods_per_year=periods_per_year), "psr": psr,
            "trials": trials, "trials_kind": kind, "best_by_luck": luck * year, "deflated": deflated,
            "min_track_record": record, "reason": ", ".join(reasons) or None,
        })  # fmt: skip
    schema = {
        "part": pl.String, "n": pl.Int64, "sharpe_daily": pl.Float64, "sharpe": pl.Float64,
        "autocorrelation": pl.Float64, "sharpe_lo": pl.Float64,
        "psr": pl.Float64, "trials": pl.Int64, "trials_kind": pl.String, "best_by_luck": pl.Float64,
        "deflated": pl.Float64, "min_track_record": pl.Float64, "reason": pl.String,
    }  # fmt: skip
    return _nulls(pl.DataFrame(rows, schema=schema))


def _trials(k: int, asked: RiskConventions) -> tuple[int | None, str | None]:
    """How many trials, and how that is known."""
    if asked.trials is not None and asked.trials >= k:
        return asked.trials, _DECLARED
    return (k, _COMPARED) if k > 1 else (None, None)


def _nulls(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.selectors.float().fill_nan(None))
