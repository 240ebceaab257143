"""Value at risk as it was known the evening before, for every day there was a window (DEFINITIONS E5).

Each forecast is that of `tails.METHODS` on the days of its window alone, so it is out of sample; all windows
are found at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from fillbook.arrays import Floats
from fillbook.metrics.risk import is_long_idle, tail_count

LEAST_WINDOW = 100
_NORMAL = NormalDist()
_FLAT = 1e-12
_EWMA_START = 20


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Forecasts of one method for days ``window … n − 1`` of a series; NaN where it has none.

    Parameters
    ----------
    var, es
        Positive losses, shape (n − window,).
    tail
        Losses beyond the VaR that the forecast thinks possible, equally likely, ascending, shape
        (n − window, m): what its backtest draws from.
    weight
        Weight of each column of `tail`, shape (m,).
    """

    var: Floats
    es: Floats
    tail: Floats
    weight: Floats


def windows_of(values: Floats, window: int) -> Floats:
    """The days before each day that has so many, shape (n − window, window); a view."""
    if values.size <= window:
        return np.zeros((0, window))
    return np.lib.stride_tricks.sliding_window_view(values[:-1], window)


def forecasts(values: Floats, method: str, alpha: float, *, window: int = LEAST_WINDOW) -> Forecasts:
    """Out-of-sample forecasts of one of `tails.METHODS`.

    Parameters
    ----------
    values
        Daily PnL or returns without a gap, oldest first.
    method
        Key of `tails.METHODS`.
    alpha
        Level, 0.95 for the worst 5 %.
    window
        Days each forecast knows, the ones just before its day.
    """
    held = windows_of(values, window)
    if method == "historic":
        return _empirical(held, np.ones(held.shape[0]), alpha)
    if method == "filtered":
        path = _ewma_paths(held)
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = held / np.sqrt(path[:, :-1])
        is_told = (path[:, :-1] > 0.0).all(axis=1) & ~is_long_idle(held)
        scale = np.where(is_told, np.sqrt(path[:, -1]), np.nan)
        return _empirical(np.where(np.isnan(scale)[:, None], 0.0, scaled), scale, alpha)
    if method == "ewma":
        return _curved(np.zeros(held.shape[0]), np.sqrt(_ewma_paths(held)[:, -1]), None, alpha)
    mu, sigma = _centres(held)
    shape = _shapes(held, mu, sigma) if method == "cornish_fisher" else None
    return _curved(mu, sigma, shape, alpha)


def _empirical(held: Floats, scale: Floats, alpha: float) -> Forecasts:
    """Order statistics of each window, times a scale."""
    rows, n = held.shape
    exact = tail_count(n, alpha)
    if exact < 1 or rows == 0:
        gap = np.full(rows, np.nan)
        return Forecasts(gap, gap, np.zeros((rows, 1)), np.ones(1))
    place, whole, tail = math.ceil(exact), int(exact), float(exact)
    worst = np.sort(np.partition(held, place - 1, axis=1)[:, :place], axis=1)
    weight = np.ones(place) / tail
    if place > whole:
        weight[-1] = (tail - whole) / tail
    losses = -worst * scale[:, None]
    return Forecasts(losses[:, -1], losses @ weight, losses, weight)


_STEPS = (np.arange(200) + 0.5) / 200.0


def _curved(mu: Floats, sigma: Floats, shape: tuple[Floats, Floats] | None, alpha: float) -> Forecasts:
    """Quantiles of a normal curve, moved by skewness and excess kurtosis where given."""
    z = _NORMAL.inv_cdf(1.0 - alpha)
    inside = np.array([_NORMAL.inv_cdf((1.0 - alpha) * step) for step in _STEPS])
    density = _NORMAL.pdf(z) / (1.0 - alpha)
    if shape is None:
        var, es = -(mu + z * sigma), -mu + sigma * density
        tail = -(mu[:, None] + inside * sigma[:, None])
    else:
        s, k = shape
        a = k / 8.0 - s**2 / 6.0
        is_curve = (a >= 0.0) & ((s / 3.0) ** 2 - 4.0 * a * (1.0 - k / 8.0 + 5.0 * s**2 / 36.0) <= 0.0)
        sigma = np.where(is_curve, sigma, np.nan)
        var = -(mu + _moved(np.full(mu.size, z)[:, None], s, k)[:, 0] * sigma)
        bent = 1.0 + z * s / 6.0 + (z**2 - 1.0) * k / 24.0 - (2.0 * z**2 - 1.0) * s**2 / 36.0
        es = -mu + sigma * density * bent
        tail = -(mu[:, None] + _moved(np.broadcast_to(inside, (mu.size, inside.size)), s, k) * sigma[:, None])
    return Forecasts(var, es, tail, np.full(inside.size, 1.0 / inside.size))


def _moved(z: Floats, skew: Floats, excess: Floats) -> Floats:
    """Cornish–Fisher quantiles of each row's skewness and excess kurtosis."""
    s, k = skew[:, None], excess[:, None]
    return np.asarray(
        z + (z**2 - 1.0) * s / 6.0 + (z**3 - 3.0 * z) * k / 24.0 - (2.0 * z**3 - 5.0 * z) * s**2 / 36.0
    )


def _centres(held: Floats) -> tuple[Floats, Floats]:
    """Mean and sample deviation of each window; 0 where it differs by rounding only."""
    if held.shape[0] == 0:
        return np.zeros(0), np.zeros(0)
    mu, sigma = held.mean(axis=1), held.std(axis=1, ddof=1)
    scale = np.maximum(np.abs(mu), np.abs(held).max(axis=1))
    return mu, np.where(sigma <= _FLAT * scale, 0.0, sigma)


def _shapes(held: Floats, mu: Floats, sigma: Floats) -> tuple[Floats, Floats]:
    """Skewness and excess kurtosis of each window; NaN without variance."""
    away = held - mu[:, None]
    second = np.where(sigma > 0.0, np.mean(away**2, axis=1), np.nan)
    square = away**2
    return np.mean(square * away, axis=1) / second**1.5, np.mean(square**2, axis=1) / second**2 - 3.0


def _ewma_paths(held: Floats, decay: float = 0.94) -> Floats:
    """`risk.ewma_variances` of each window, shape (rows, window + 1)."""
    rows, n = held.shape
    found = np.empty((n + 1, rows))
    square = held.T**2
    found[0] = square[:_EWMA_START].mean(axis=0) if n else 0.0
    for i in range(n):
        found[i + 1] = decay * found[i] + (1.0 - decay) * square[i]
    return np.asarray(found.T)
