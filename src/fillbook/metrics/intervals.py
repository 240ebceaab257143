"""How far a ratio can be trusted: 95 % intervals by the stationary bootstrap of days (DEFINITIONS E7)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fillbook.arrays import Floats
from fillbook.conventions import ReturnBasis
from fillbook.metrics.bootstrap import ENOUGH, REPLICATES, SEED, at_once, block_length, drawn_places
from fillbook.metrics.risk import tail_count
from fillbook.results import Status, Undefined

_FLAT = 1e-12
_MOST_UNDEFINED = 0.05
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """Percentile interval of one number, and how it was drawn.

    `low` and `high` are None exactly when `status` is ``unavailable``; `block` is the mean length of the
    blocks of days that stay together, `undefined` counts replicates in which the number does not exist.
    """

    key: str
    low: float | None
    high: float | None
    level: float
    n: int
    block: float
    replicates: int
    undefined: int
    seed: int
    status: Status = Status.OK
    reasons: tuple[str, ...] = ()


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


def _deviation(values: Floats) -> Floats:
    found = values.std(axis=1, ddof=1)
    return np.where(found <= _FLAT * np.abs(values).max(axis=1), 0.0, found)


def _sharpe(days: Days) -> Floats:
    return _over(days.basis.mean(axis=1), _deviation(days.basis)) * math.sqrt(days.periods_per_year)


def _sortino(days: Days) -> Floats:
    below = np.sqrt(np.mean(np.minimum(days.basis, 0.0) ** 2, axis=1))
    below = np.where(below <= _FLAT * np.abs(days.basis).max(axis=1), 0.0, below)
    return _over(days.basis.mean(axis=1), below) * math.sqrt(days.periods_per_year)


def _gain_to_loss(values: Floats) -> Floats:
    return _over(np.maximum(values, 0.0).sum(axis=1), np.maximum(-values, 0.0).sum(axis=1))


def _tail_ratio(days: Days) -> Floats:
    low, high = np.quantile(days.basis, [0.05, 0.95], axis=1)
    return _over(np.abs(high), np.abs(low))


def _of_returns(days: Days) -> Floats:
    return np.full(days.pnl.shape, np.nan) if days.returns is None else days.returns


def _kelly(days: Days) -> Floats:
    returns = _of_returns(days)
    return _over(returns.mean(axis=1), _deviation(returns) ** 2)


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


def _worst(days: Days, alpha: float = 0.95) -> tuple[Floats, float]:
    """The worst n(1 − α) days of each world, the mildest last, and their exact number."""
    exact = tail_count(days.pnl.shape[1], alpha)
    place = math.ceil(exact)
    return np.sort(np.partition(days.pnl, place - 1, axis=1)[:, :place], axis=1), float(exact)


def _value_at_risk(days: Days) -> Floats:
    return -_worst(days)[0][:, -1]


def _expected_shortfall(days: Days) -> Floats:
    worst, exact = _worst(days)
    weight = np.ones(worst.shape[1])
    weight[-1] -= worst.shape[1] - exact
    return -(worst @ weight) / exact


STATISTICS: Mapping[str, Statistic] = {  # by key of the metric they are worlds of
    "sharpe_ratio": _sharpe,
    "sortino_ratio": _sortino,
    "calmar_ratio": _calmar,
    "omega_ratio": lambda days: _gain_to_loss(days.basis),
    "period_profit_factor": lambda days: _gain_to_loss(days.pnl),
    "tail_ratio": _tail_ratio,
    "winning_days": lambda days: (days.pnl > 0.0).mean(axis=1),
    "average_daily_pnl": lambda days: days.pnl.mean(axis=1),
    "volatility": lambda days: _deviation(_of_returns(days)) * math.sqrt(days.periods_per_year),
    "kelly_continuous": _kelly,
    "ulcer_index": _ulcer,
    "recovery_factor": _recovery,
    "value_at_risk": _value_at_risk,
    "expected_shortfall": _expected_shortfall,
}
NEED_CAPITAL = frozenset({"calmar_ratio", "volatility", "kelly_continuous", "ulcer_index"})


def intervals(
    pnl: Floats | Undefined,
    *,
    returns: Floats | Undefined,
    capital: float,
    periods_per_year: float,
    return_basis: ReturnBasis = "fixed_capital",
    keys: Sequence[str] | None = None,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> dict[str, Interval]:
    """Intervals of every statistic of the same days, all from the same replicates.

    Parameters
    ----------
    pnl, returns
        Daily PnL and returns, oldest first, shape (n,); an `Undefined` leaves what is made of it without one.
    capital
        Capital base; NaN where none is declared.
    periods_per_year, return_basis
        As of the metrics.
    keys
        Which of `STATISTICS`; None takes all.
    replicates, seed
        Worlds drawn, and the seed they are drawn by.
    """
    if isinstance(pnl, Undefined):
        return {key: _none(key, pnl.reason, 0, replicates, seed) for key in STATISTICS}
    n = pnl.size
    if n < ENOUGH:
        return {key: _none(key, "n_lt_20", n, replicates, seed) for key in STATISTICS}
    known = None if isinstance(returns, Undefined) else returns
    lost = returns.reason if isinstance(returns, Undefined) else ""
    block = block_length(pnl if known is None else known)
    wanted = [key for key in keys or STATISTICS if known is not None or key not in NEED_CAPITAL]
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[Floats]] = {key: [] for key in wanted}
    start = 0.0 if math.isnan(capital) else capital
    for begin in range(0, replicates, at_once(n)):
        place = drawn_places(rng, min(at_once(n), replicates - begin), n, block)
        mine = None if known is None else known[place]
        worlds = Days(
            pnl[place], pnl[place] if mine is None else mine, mine, start, periods_per_year, return_basis
        )
        with np.errstate(all="ignore"):
            for key in wanted:
                drawn[key].append(STATISTICS[key](worlds))
    found = {key: _interval(key, np.concatenate(drawn[key]), n, block, seed) for key in wanted}
    return {
        key: found.get(key) or _none(key, lost, n, replicates, seed, block=block)
        for key in keys or STATISTICS
    }


def _interval(key: str, worlds: Floats, n: int, block: float, seed: int) -> Interval:
    """Percentiles of the worlds in which the number exists, where those are nearly all."""
    known = worlds[np.isfinite(worlds)]
    undefined = worlds.size - known.size
    if undefined > _MOST_UNDEFINED * worlds.size:
        return _none(key, "often_undefined", n, worlds.size, seed, block=block, undefined=undefined)
    tail = (1.0 - LEVEL) / 2.0
    low, high = np.quantile(known, [tail, 1.0 - tail])
    return Interval(key, float(low), float(high), LEVEL, n, block, worlds.size, undefined, seed)


def _none(
    key: str, reason: str, n: int, replicates: int, seed: int, *, block: float = 1.0, undefined: int = 0
) -> Interval:
    return Interval(
        key, None, None, LEVEL, n, block, replicates, undefined, seed, Status.UNAVAILABLE, (reason,)
    )


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
