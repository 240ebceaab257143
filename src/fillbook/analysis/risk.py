"""What could be lost, and can the ratios be trusted: tails, backtests, stress, correlation of one view."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime

import numpy as np
import polars as pl

from fillbook.analysis.betas import Beta, betas, daily_closes
from fillbook.analysis.correlation import Correlation, correlation_of, daily_of, rolling_correlation
from fillbook.analysis.holdings import (
    Concentration,
    Margin,
    by_asset,
    concentration_of,
    holdings_of,
    margin_of,
)
from fillbook.analysis.inputs import metric_inputs
from fillbook.analysis.overview import Overview, overview
from fillbook.analysis.parts import Parts, Tag, parts
from fillbook.analysis.paths import Futures, Replay, futures, replays
from fillbook.analysis.risk_findings import risk_findings
from fillbook.analysis.risk_tables import backtest_tables, sharpe_table, tail_table, trial_spread
from fillbook.analysis.stress import (
    ASSUMPTION,
    Shocks,
    crash_scenarios,
    grid_scenarios,
    shocked,
    step_changes,
)
from fillbook.analysis.stress_costs import depegs, flattening, funding_costs, wilder_days
from fillbook.analysis.view import View, view_of
from fillbook.arrays import Floats
from fillbook.conventions import Conventions, RiskConventions
from fillbook.filters import Filter
from fillbook.findings import Finding
from fillbook.metrics.evaluate import evaluate, load_metrics
from fillbook.metrics.inputs import Inputs, RiskInputs
from fillbook.metrics.intervals import Interval, intervals
from fillbook.metrics.risk import historic_var
from fillbook.metrics.rolling import rolling_ratios
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Result, Undefined

LEVEL, LEVELS = 0.95, (0.95, 0.99)
BY: Mapping[str, tuple[Tag, ...]] = {
    "bot": ("bot",), "controller": ("bot", "controller_id"), "pair": ("pair",),
}  # fmt: skip
_BESIDE = ("net_pnl", "average_daily_pnl", "winning_days", "roi", "exposure")


@dataclass(frozen=True, slots=True)
class Stress:
    """What the positions at the end would lose; all of it linear, without re-hedging.

    Parameters
    ----------
    betas
        Of every held asset to BTC, by asset.
    crashes, grid
        Historic crashes, and every asset by the same step (`stress.Shocks`).
    steps
        ``asset, step, change``: each asset alone.
    wilder
        Historic risk of days two and three times as wild (`stress_costs.wilder_days`).
    flattening, funding, depegs
        Cost of closing at once, of funding, of a stablecoin's fall (`stress_costs`).
    replays
        Crashes whose candles are given, run over the positions.
    futures
        Paths ahead, made of the days there were.
    margin
        Equity behind the positions.
    """

    betas: Mapping[str, Beta]
    crashes: Shocks
    grid: Shocks
    steps: pl.DataFrame
    wilder: pl.DataFrame
    flattening: pl.DataFrame
    funding: pl.DataFrame
    depegs: pl.DataFrame
    replays: tuple[Replay, ...]
    futures: Futures
    margin: Margin
    assumption: str = ASSUMPTION


@dataclass(frozen=True, slots=True)
class Risk:
    """One filtered view, answered.

    Parameters
    ----------
    currency, period
        As in `Overview`.
    metrics
        Those of the group risk, and what they are read beside, by key in registry order.
    intervals
        95 % intervals (`metrics.intervals`), by key of the metric; those of the path only describe.
    daily, equity, drawdowns
        As in `Overview`.
    rolling
        ``day, volatility, sharpe, sortino, correlation``: of the last 30 days (or as asked); volatility is
        a share where capital is declared, else money; correlation is the mean over pairs of bots.
    tails
        A row a level and method: ``level, method, label, value_at_risk, expected_shortfall, reason``.
    backtests
        A row a level and method (`risk_tables.backtest_tables`).
    forecasts
        ``day, pnl``, and a column a method: the 95 % value at risk known the evening before.
    sharpes
        A row a bot: ``part, n, sharpe_daily, sharpe, autocorrelation, sharpe_lo, psr, trials, trials_kind,
        best_by_luck, deflated, min_track_record, reason`` (`risk_tables.sharpe_table`).
    holdings, assets, concentration
        What is held at the end, by book and by asset over all venues, and how concentrated it is.
    stress
        What that would lose.
    correlations
        By ``bot``, ``controller`` and ``pair``: whether they lose together.
    findings
        What a reader of these numbers must know.
    """

    currency: str | None
    period: tuple[datetime, datetime] | None
    metrics: Mapping[str, Result]
    intervals: Mapping[str, Interval]
    daily: pl.DataFrame
    equity: pl.DataFrame
    drawdowns: pl.DataFrame
    rolling: pl.DataFrame
    tails: pl.DataFrame
    backtests: pl.DataFrame
    forecasts: pl.DataFrame
    sharpes: pl.DataFrame
    holdings: pl.DataFrame
    assets: pl.DataFrame
    concentration: Concentration
    stress: Stress
    correlations: Mapping[str, Correlation]
    findings: tuple[Finding, ...]
    chosen: Filter
    conventions: Conventions
    asked: RiskConventions


def risk(
    data: PerformanceDataSource,
    chosen: Filter | None = None,
    conventions: Conventions | None = None,
    asked: RiskConventions | None = None,
) -> Risk:
    """Answer of `data` seen through `chosen`: what could be lost, and can the ratios be trusted.

    Parameters
    ----------
    data
        An opened source; candles of the assets and of BTC give betas, volumes and replays.
    chosen
        Which rows count; None takes all.
    conventions
        How to book; capital gives percentages and the margin check.
    asked
        Trials, leverage, horizon and the like; None takes the defaults.

    Raises
    ------
    BadRequestError
        A filter value that the data does not hold, or a currency without rates.
    MissingMarkError
        Marks are strict and an open position has none.
    """
    asked = asked or RiskConventions()
    view = view_of(data, chosen, conventions)
    answer = overview(data, chosen, conventions, metrics=(), check=False)
    inputs = metric_inputs(
        view.ledger, view.orders, view.reporting, answer.daily, answer.equity, answer.trips, view.start_us
    )
    found = {name: parts(data, answer, by) for name, by in _kinds(view).items()}
    daily = {name: daily_of(one) for name, one in found.items()}
    sharpes = sharpe_table(_names(found["bot"]), daily["bot"], inputs.periods_per_year, asked)
    metrics = evaluate(_with_trials(inputs, sharpes, asked), _keys())
    tested, forecasts = backtest_tables(inputs.daily_pnl, answer.daily["day"], LEVELS, asked)
    holdings = holdings_of(view)
    each = {name: correlation_of(_names(found[name]), values) for name, values in daily.items()}
    correlations = {name: each.get(name, each["bot"]) for name in BY}
    stress = _stressed(data, view, holdings, inputs, metrics, asked)
    capital = view.conventions.capital
    spread = intervals(
        inputs.daily_pnl, returns=inputs.daily_return, capital=math.nan if capital is None else capital,
        periods_per_year=inputs.periods_per_year, return_basis=view.conventions.return_basis,
    )  # fmt: skip
    return Risk(
        view.reporting.currency, view.period, metrics, spread, answer.daily, answer.equity,
        answer.drawdowns, _rolling(answer, inputs, daily["bot"], asked),
        tail_table(inputs.daily_pnl, LEVELS), tested, forecasts, sharpes, holdings, by_asset(holdings),
        concentration_of(holdings, capital), stress, correlations,
        (*view.findings, *risk_findings(metrics, tested, stress.crashes, correlations, answer.daily, asked)),
        view.chosen, view.conventions, asked,
    )  # fmt: skip


def _kinds(view: View) -> dict[str, tuple[Tag, ...]]:
    """What parts are told apart by; where no fill has a controller, controllers are the bots."""
    has_controllers = view.ledger.column("controller_id").null_count() < view.ledger.rows.size
    return {name: by for name, by in BY.items() if name != "controller" or has_controllers}


def _names(found: Parts) -> list[str]:
    return found.table["part"].to_list()


def _keys() -> list[str]:
    """Metrics of this answer."""
    return [key for key, metric in load_metrics().items() if metric.group == "risk" or key in _BESIDE]


def _with_trials(inputs: Inputs, sharpes: pl.DataFrame, asked: RiskConventions) -> RiskInputs:
    """The same arrays, and how many trials stand behind them."""
    held = {field.name: getattr(inputs, field.name) for field in fields(inputs)}
    n = 0 if isinstance(inputs.daily_pnl, Undefined) else inputs.daily_pnl.size
    trials = Undefined.unavailable("trials_not_declared") if asked.trials is None else float(asked.trials)
    return RiskInputs(**held, trials=trials, trial_variance=trial_spread(sharpes["sharpe_daily"], n, asked))


def _rolling(answer: Overview, inputs: Inputs, bots: Floats, asked: RiskConventions) -> pl.DataFrame:
    """Ratios and mean correlation of the last days, at each day."""
    basis = inputs.daily_basis
    if isinstance(basis, Undefined):
        basis = answer.daily["pnl"].fill_null(np.nan).to_numpy()
        capital = answer.conventions.capital
        basis = basis / capital if capital is not None and capital > 0.0 else basis
    names = ("volatility", "sharpe", "sortino")
    ratios = rolling_ratios(basis, periods_per_year=inputs.periods_per_year, window=asked.rolling_days)
    together = rolling_correlation(bots, window=asked.rolling_days)
    return pl.DataFrame({
        "day": answer.daily["day"], **dict(zip(names, ratios, strict=True)),
        "correlation": together if bots.shape[0] else np.full(basis.size, np.nan),
    }).with_columns(pl.selectors.float().fill_nan(None))  # fmt: skip


def _stressed(
    data: PerformanceDataSource, view: View, holdings: pl.DataFrame, inputs: Inputs,
    metrics: Mapping[str, Result], asked: RiskConventions,
) -> Stress:  # fmt: skip
    """Every stress of the positions at the end."""
    currency, capital = view.reporting.currency, view.conventions.capital
    pnl = inputs.daily_pnl
    net = metrics["net_pnl"].value
    margin = margin_of(holdings, net, capital, asked)
    named = {*holdings["asset"].to_list(), *holdings["quote_asset"].to_list()}
    assets = sorted(named | ({currency} if currency else set()))
    until = None if view.period is None else view.period[1]
    known = betas(daily_closes(data.candles, until), assets)
    equity: float = (
        Undefined.unavailable("no_capital") if capital is None
        else Undefined.unavailable("no_mid") if net is None else capital + net
    )  # fmt: skip
    quotes = view.ledger.books["quote"].cast(pl.String).unique().sort().to_list()
    at_risk = math.nan if isinstance(pnl, Undefined) else historic_var(pnl, LEVEL)
    return Stress(
        {asset: known[asset] for asset in sorted(set(holdings["asset"]))},
        shocked(holdings, crash_scenarios(assets, known), margin, currency),
        shocked(holdings, grid_scenarios(assets), margin, currency),
        step_changes(holdings, currency), wilder_days(pnl, LEVEL),
        flattening(data, holdings, view.ledger.end_us, impact=asked.impact), funding_costs(holdings),
        depegs(holdings, quotes, equity, currency),
        tuple(replays(data.candles, holdings, margin, currency)),
        futures(pnl, days=asked.horizon_days, amounts=asked.losses, capital=capital, var=at_risk), margin,
    )  # fmt: skip
