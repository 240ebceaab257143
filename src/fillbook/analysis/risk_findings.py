"""What a reader of the risk must know: each with a number, an effect and a way on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from fillbook.analysis.correlation import ENOUGH, Correlation
from fillbook.analysis.stress import Shocks
from fillbook.conventions import RiskConventions
from fillbook.findings import Finding, Severity
from fillbook.metrics.autocorrelation import TOLD_FROM, autocorrelation
from fillbook.results import Result
from fillbook.units import counted

_FEW_DAYS, _REJECTED = 30, 0.05


def risk_findings(
    metrics: Mapping[str, Result],
    backtests: pl.DataFrame,
    crashes: Shocks,
    correlations: Mapping[str, Correlation],
    daily: pl.DataFrame,
    asked: RiskConventions,
) -> list[Finding]:
    """Findings of the tables of a risk answer, those that have something to say."""
    return [
        *_of_days(daily), *_of_trials(metrics, asked), *_of_backtests(backtests), *_of_stress(crashes),
        *_of_correlations(correlations),
    ]  # fmt: skip


def _of_days(daily: pl.DataFrame) -> Iterator[Finding]:
    pnl, n = daily["pnl"], daily.height
    gaps = pnl.null_count()
    if gaps:
        yield Finding(
            "ledger", "days_without_mark", Severity.WARNING,
            f"{counted(gaps, 'day')} of {n:,} have no mark for an open position", n_rows=gaps,
            effect="no ratio, no value at risk and no interval of the whole; rolling ratios have gaps",
            remedy="add candles of the pair, or let positions be marked at their last fill",
        )  # fmt: skip
        return
    if n < _FEW_DAYS:
        yield Finding(
            "ledger", "few_days_of_risk", Severity.WARNING,
            f"there are {counted(n, 'day')}; 30 say little, 100 more", n_rows=n,
            effect="ratios and tails of so few days are mostly chance: look at the intervals",
        )  # fmt: skip
        return
    rho = autocorrelation(pnl.to_numpy())
    if abs(rho) > TOLD_FROM:
        grow = "larger" if rho > 0.0 else "smaller"
        yield Finding(
            "ledger", "days_depend", Severity.INFO, f"days depend on the day before: correlation {rho:+.2f}",
            n_rows=n,
            effect=f"√365 annualises as if they did not: a year's deviation is {grow}, the Sharpe ratio the "
            "other way; it stands beside, corrected (Lo 2002), and the intervals take it into account",
        )  # fmt: skip


def _of_trials(metrics: Mapping[str, Result], asked: RiskConventions) -> Iterator[Finding]:
    if asked.trials is None and metrics["sharpe_ratio"].value is not None:
        yield Finding(
            "ledger", "trials_not_declared", Severity.INFO,
            "how many configurations were tried before this one is not declared",
            effect="the deflated Sharpe ratio of the whole is not given: the best of many looks good by luck",
            remedy="declare it: --trials N, or the field on the page Risk",
        )  # fmt: skip


def _of_backtests(backtests: pl.DataFrame) -> Iterator[Finding]:
    """Methods whose exceptions are too many, too few or too clustered."""
    bad = backtests.filter(pl.col("verdict_p") < _REJECTED)
    for row in bad.iter_rows(named=True):
        yield Finding(
            "ledger", "var_rejected", Severity.WARNING,
            f"{row['label']} {row['level']:.0%}: {counted(row['exceptions'], 'day')} of {row['n']:,} lost "
            f"more than forecast, {row['expected']:.1f} were to be expected", n_rows=row["exceptions"],
            effect="this method's value at risk is refuted at 5 %: do not rely on it",
            remedy="take a method that passes, or fewer assumptions about the days to come",
        )  # fmt: skip


def _of_stress(crashes: Shocks) -> Iterator[Finding]:
    lost = crashes.by_asset.filter(pl.col("reason") == "no_beta")["asset"].unique().sort()
    if lost.len():
        yield Finding(
            "candles", "no_beta", Severity.WARNING,
            f"no beta to BTC is known for {', '.join(lost)}", n_rows=lost.len(),
            effect="crashes have no total: what these positions would lose is not known; 1 would be a guess",
            remedy="add candles of at least 61 days of these assets and of BTC",
        )  # fmt: skip
    gone = crashes.totals.filter(pl.col("liquidated").fill_null(value=False))
    if gone.height:
        yield Finding(
            "ledger", "liquidated_in_a_crash", Severity.WARNING,
            f"{counted(gone.height, 'scenario')} of {crashes.totals.height} would take equity below the "
            f"maintenance margin, {gone['scenario'][0]} first", n_rows=gone.height,
            effect="the loss shown is then not the whole of it: the exchange closes the positions",
        )  # fmt: skip


def _of_correlations(correlations: Mapping[str, Correlation]) -> Iterator[Finding]:
    for by, found in correlations.items():
        if len(found.names) < 2 or found.status == "ok":
            continue
        known = found.pearson[~np.isnan(found.pearson)]
        yield Finding(
            "ledger", "few_common_days", Severity.INFO,
            f"by {by}: {counted(found.n, 'day')} in common, of {ENOUGH} that correlations need",
            n_rows=found.n, effect="correlations are uncertain" if known.size else "no correlation is given",
        )  # fmt: skip
