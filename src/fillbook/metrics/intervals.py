"""How far a ratio can be trusted: its 95 % interval, where one holds that, by the way that holds it.

Ratios that are smooth in the days have Student's t with a long-run variance (`long_run`, `influence`), and
where days are skewed, as of many small wins and a few large losses, a resampled t (`studentised`); quantiles
have order statistics (`quantile_intervals`). Ratios of the path (Calmar, Ulcer, recovery) have no truth to
hold: for them stands where 95 % of histories resampled in blocks of days lie (DEFINITIONS E7; Politis &
Romano 1994), a description. Where too few days leave an interval short of its level, there is none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fillbook.arrays import Floats
from fillbook.conventions import ReturnBasis
from fillbook.metrics.bootstrap import ENOUGH, REPLICATES, SEED, at_once, block_length, drawn_places
from fillbook.metrics.influence import OF_BASIS, OF_PNL, OF_RETURNS, Smooth
from fillbook.metrics.interval_limits import LEVEL, lacking
from fillbook.metrics.long_run import MeanError, error_of
from fillbook.metrics.quantile_intervals import Ends, tail_ratio_ends, value_at_risk_ends
from fillbook.metrics.risk import tail_count
from fillbook.metrics.studentised import FIGURES, is_skewed, studentised_ends
from fillbook.metrics.studentised import REPLICATES as T_REPLICATES
from fillbook.results import Status, Undefined

_MOST_UNDEFINED = 0.05
SPELLS = 4  # cosines of a deviation or shortfall: days are wild or calm for weeks, so slow waves alone
SPELLS_OF_QUANTILES = 6  # with four, one interval in five of 250 days has an end before the worst day
Way = Literal["long_run", "studentised", "order", "resampled"]
WAYS: Mapping[Way, str] = {
    "long_run": "Student's t, long-run variance",
    "studentised": "resampled t: days are skewed",
    "order": "order statistics",
    "resampled": "describes: 95 % of resampled histories",
}


@dataclass(frozen=True, slots=True)
class Interval:
    """Interval of one number, and how it was found.

    Parameters
    ----------
    key
        Of the metric.
    low, high
        Ends; None exactly when `status` is ``unavailable``.
    level
        Probability that it holds the truth; of ``resampled`` the share of resamples in it.
    n
        Days.
    interval_by
        Key of `WAYS`.
    freedom
        Degrees of freedom of Student's t; None of ``resampled``.
    block, replicates, undefined, seed
        Of ``resampled`` and ``studentised``: mean length of the blocks of days that stay together, resamples,
        those in which the number does not exist, and what they were drawn by; None else.
    """

    key: str
    low: float | None
    high: float | None
    level: float
    n: int
    interval_by: Way
    freedom: float | None = None
    block: float | None = None
    replicates: int | None = None
    undefined: int | None = None
    seed: int | None = None
    status: Status = Status.OK
    reasons: tuple[str, ...] = ()

    @property
    def is_descriptive(self) -> bool:
        """Whether it says where resamples lie, not where the truth does."""
        return self.interval_by == "resampled"


@dataclass(frozen=True, slots=True)
class Days:
    """What the statistics look at, in every replicate: rows are worlds, columns days.

    `pnl` is money, `basis` returns where there is capital and else PnL, `returns` None without capital.
    """

    pnl: Floats
    basis: Floats
    returns: Floats | None
    capital: float
    periods_per_year: float
    return_basis: ReturnBasis

    def equity(self) -> Floats:
        """Capital (0 where there is none), then after each day."""
        start = np.full((self.pnl.shape[0], 1), self.capital)
        if self.returns is not None and self.return_basis == "compounded":
            return np.hstack([start, self.capital * np.cumprod(1.0 + self.returns, axis=1)])
        return np.hstack([start, self.capital + np.cumsum(self.pnl, axis=1)])


Statistic = Callable[[Days], Floats]


def _over(top: Floats, bottom: Floats) -> Floats:
    """A ratio; NaN where there is nothing to divide by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(bottom > 0.0, top / bottom, np.nan))


def _of_returns(days: Days) -> Floats:
    return np.full(days.pnl.shape, np.nan) if days.returns is None else days.returns


def _falls(equity: Floats) -> tuple[Floats, Floats]:
    """Highest point so far, and the fall from it."""
    peak = np.maximum.accumulate(equity, axis=1)
    return peak, peak - equity


def _calmar(days: Days) -> Floats:
    equity = days.equity()
    peak, fall = _falls(equity)
    deepest = (fall / peak).max(axis=1)
    if days.return_basis == "compounded":
        end = equity[:, -1] / days.capital
        power = days.periods_per_year / days.pnl.shape[1]
        grown = np.where((equity > 0.0).all(axis=1), np.abs(end) ** power - 1.0, np.nan)
    else:
        grown = _of_returns(days).mean(axis=1) * days.periods_per_year
    return _over(grown, deepest)


def _ulcer(days: Days) -> Floats:
    peak, fall = _falls(days.equity())
    return np.asarray(np.sqrt(np.mean((fall / peak)[:, 1:] ** 2, axis=1)))


def _recovery(days: Days) -> Floats:
    equity = days.equity()
    return _over(equity[:, -1] - equity[:, 0], _falls(equity)[1].max(axis=1))


STATISTICS: Mapping[str, Statistic] = {  # by key of the metric: what is resampled
    "calmar_ratio": _calmar,
    "ulcer_index": _ulcer,
    "recovery_factor": _recovery,
}
KEYS = (
    "sharpe_ratio", "sortino_ratio", "calmar_ratio", "omega_ratio", "period_profit_factor", "tail_ratio",
    "winning_days", "average_daily_pnl", "volatility", "kelly_continuous", "ulcer_index", "recovery_factor",
    "value_at_risk", "expected_shortfall",
)  # fmt: skip
NEED_CAPITAL = frozenset({"calmar_ratio", "volatility", "kelly_continuous", "ulcer_index"})


def intervals(
    pnl: Floats | Undefined,
    *,
    returns: Floats | Undefined,
    capital: float,
    periods_per_year: float,
    return_basis: ReturnBasis = "fixed_capital",
    keys: Sequence[str] = KEYS,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> dict[str, Interval]:
    """Intervals of ratios of the same days.

    Parameters
    ----------
    pnl, returns
        Daily PnL and returns, oldest first, shape (n,); an `Undefined` leaves what is made of it without one.
    capital
        Capital base; NaN where none is declared.
    periods_per_year, return_basis
        As of the metrics.
    keys
        Which of `KEYS`.
    replicates, seed
        Histories drawn for ratios of the path, and the seed they are drawn by.
    """
    if isinstance(pnl, Undefined):
        return {key: _none(key, pnl.reason, 0) for key in keys}
    if pnl.size < ENOUGH:
        return {key: _none(key, "n_lt_20", pnl.size) for key in keys}
    known = None if isinstance(returns, Undefined) else returns
    start = 0.0 if math.isnan(capital) else capital
    days = Days(
        pnl[None], pnl[None] if known is None else known[None], None if known is None else known[None],
        start, periods_per_year, return_basis,
    )  # fmt: skip
    paths = [key for key in keys if key in STATISTICS and (known is not None or key not in NEED_CAPITAL)]
    found = _resampled(days, paths, replicates, seed) if paths else {}
    for key in keys:
        if isinstance(returns, Undefined) and key in NEED_CAPITAL:
            found[key] = _none(key, returns.reason, pnl.size)
        elif key not in STATISTICS:
            found[key] = _of_days(key, days, seed)
    return {key: found[key] for key in keys}


def _of_days(key: str, days: Days, seed: int) -> Interval:
    """Interval of a ratio that has a truth."""
    pnl, basis, n = days.pnl[0], days.basis[0], days.pnl.shape[1]
    why = lacking(key, pnl)
    if why is not None:
        return _none(key, why, n)
    nu = SPELLS_OF_QUANTILES
    if key == "value_at_risk":
        return _ordered(key, value_at_risk_ends(pnl, LEVEL, freedom=nu, level=LEVEL), n, nu)
    if key == "tail_ratio":
        return _ordered(key, tail_ratio_ends(basis, freedom=nu, level=LEVEL), n, 2 * nu)
    if key in OF_PNL:
        values, functions = pnl, OF_PNL
    elif key in OF_BASIS:
        values, functions = basis, OF_BASIS
    else:
        values, functions = _of_returns(days)[0], OF_RETURNS
    return _smooth(key, values, functions[key](values, days.periods_per_year), seed)


def _smooth(key: str, values: Floats, smooth: Smooth | Undefined, seed: int) -> Interval:
    """Student's t around a smooth ratio, on its scale; its own quantiles where days are skewed."""
    n = values.size
    if isinstance(smooth, Undefined):
        return _none(key, smooth.reason, n)
    error = error_of(smooth.influence, freedom=SPELLS if smooth.scale == "precision" else None)
    if isinstance(error, Undefined):
        return _none(key, error.reason, n)
    if key in FIGURES and is_skewed(values):
        return _studentised(key, values, smooth, error, seed)
    if key == "expected_shortfall":  # its error is itself that of so few tail days
        of_tail = float(tail_count(n, LEVEL)) - 1.0
        error = MeanError(error.variance, 1.0 / (1.0 / error.freedom + 1.0 / of_tail))
    low, high = smooth.ends(error.reach(LEVEL))
    if not math.isfinite(high):
        return _none(key, "open_ended", n)
    return Interval(key, low, high, LEVEL, n, "long_run", error.freedom)


def _studentised(key: str, values: Floats, smooth: Smooth, error: MeanError, seed: int) -> Interval:
    """The resampled t of skewed days."""
    found = studentised_ends(key, values, smooth, error, level=LEVEL, seed=seed)
    status, reasons = Status.OK, tuple[str, ...]()
    low, high = None, None
    if isinstance(found.ends, Undefined):
        status, reasons = Status.UNAVAILABLE, (found.ends.reason,)
    else:
        low, high = found.ends
    return Interval(
        key, low, high, LEVEL, values.size, "studentised", error.freedom, found.block, T_REPLICATES,
        found.undefined, seed, status, reasons,
    )  # fmt: skip


def _ordered(key: str, ends: Ends | Undefined, n: int, freedom: float) -> Interval:
    """Interval between order statistics."""
    if isinstance(ends, Undefined):
        return _none(key, ends.reason, n)
    return Interval(key, *ends, LEVEL, n, "order", freedom)


def _resampled(days: Days, keys: Sequence[str], replicates: int, seed: int) -> dict[str, Interval]:
    """Where the ratios of resampled histories lie, all of the same resamples."""
    pnl, mine = days.pnl[0], None if days.returns is None else days.returns[0]
    n, rng = pnl.size, np.random.default_rng(seed)
    block = block_length(pnl if mine is None else mine)
    drawn: dict[str, list[Floats]] = {key: [] for key in keys}
    for begin in range(0, replicates, at_once(n)):
        place = drawn_places(rng, min(at_once(n), replicates - begin), n, block)
        held = None if mine is None else mine[place]
        worlds = Days(
            pnl[place], pnl[place] if held is None else held, held, days.capital, days.periods_per_year,
            days.return_basis,
        )  # fmt: skip
        with np.errstate(all="ignore"):
            for key in keys:
                drawn[key].append(STATISTICS[key](worlds))
    return {key: _described(key, np.concatenate(drawn[key]), n, block, seed) for key in keys}


def _described(key: str, worlds: Floats, n: int, block: float, seed: int) -> Interval:
    """Percentiles of the resamples in which the number exists, where those are nearly all."""
    known = worlds[np.isfinite(worlds)]
    undefined = worlds.size - known.size
    status, reasons = Status.OK, tuple[str, ...]()
    low, high = None, None
    if undefined > _MOST_UNDEFINED * worlds.size:
        status, reasons = Status.UNAVAILABLE, ("often_undefined",)
    else:
        tail = (1.0 - LEVEL) / 2.0
        low, high = (float(end) for end in np.quantile(known, [tail, 1.0 - tail]))
    return Interval(
        key, low, high, LEVEL, n, "resampled", None, block, worlds.size, undefined, seed, status, reasons
    )


def _none(key: str, reason: str, n: int) -> Interval:
    way: Way = (
        "resampled" if key in STATISTICS
        else "order" if key in {"value_at_risk", "tail_ratio"} else "long_run"
    )  # fmt: skip
    return Interval(key, None, None, LEVEL, n, way, status=Status.UNAVAILABLE, reasons=(reason,))


def worlds_of(
    pnl: Floats, days: int, *, replicates: int = REPLICATES, seed: int = SEED
) -> tuple[Floats, float]:
    """Cumulative PnL of so many days ahead, drawn in blocks from the days there were, and the block length.

    Parameters
    ----------
    pnl
        Daily PnL, oldest first, at least 20.
    days
        Horizon.

    Returns
    -------
    Shape (replicates, days).
    """
    rng = np.random.default_rng(seed)
    block = block_length(pnl)
    paths = np.empty((replicates, days))
    for begin in range(0, replicates, at_once(days)):
        rows = min(at_once(days), replicates - begin)
        place = drawn_places(rng, rows, pnl.size, block, length=days)
        paths[begin : begin + rows] = np.cumsum(pnl[place], axis=1)
    return paths, block
