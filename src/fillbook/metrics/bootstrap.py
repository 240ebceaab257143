"""Intervals of ratios by the stationary bootstrap (DEFINITIONS E7; Politis & Romano 1994)."""

from __future__ import annotations

import math

import numpy as np

from fillbook.arrays import Floats, Ints

REPLICATES, SEED = 2_000, 20_261_124
ENOUGH = 20  # blocks of time below which there is no interval
_AT_ONCE = 2_000_000  # draws
_SPARSE = 100  # a row: buckets further apart are sorted instead


def block_length(values: Floats) -> float:
    """Mean block of the stationary bootstrap (Politis & White 2004, corrected 2009)."""
    n = values.size
    x = values - values.mean()
    variance = float(x @ x) / n
    if n < ENOUGH or variance <= 0.0:
        return 1.0
    look = max(5, math.ceil(math.log10(n)))
    most = min(math.ceil(math.sqrt(n)) + look, n - 1)
    rho = np.array([float(x[: n - k] @ x[k:]) / n / variance for k in range(1, most + 1)])
    limit = 2.0 * math.sqrt(math.log10(n) / n)
    is_small = np.abs(rho) < limit
    runs = np.convolve(is_small, np.ones(look), mode="valid")
    first = np.flatnonzero(runs == look)
    last = int(first[0]) if first.size else int(np.flatnonzero(~is_small)[-1]) + 1
    width = min(2 * max(last, 1), most)
    lags = np.arange(1, width + 1)
    flat = np.clip(2.0 * (1.0 - lags / width), 0.0, 1.0)
    gamma = variance * rho[:width]
    spread = 2.0 * float(np.sum(flat * lags * gamma))
    level = variance + 2.0 * float(np.sum(flat * gamma))
    if level <= 0.0:
        return 1.0
    best = (2.0 * spread**2 / (2.0 * level**2)) ** (1.0 / 3.0) * n ** (1.0 / 3.0)
    return float(min(max(best, 1.0), math.ceil(min(3.0 * math.sqrt(n), n / 3.0))))


def resampled_sums(
    values: Floats, mean_block: float, *, replicates: int = REPLICATES, seed: int = SEED
) -> Floats:
    """Sums of the columns over `replicates` resamples of the rows, shape (replicates, columns).

    Parameters
    ----------
    values
        Rows in time, shape (n, columns).
    mean_block
        Mean length of the blocks of rows that stay together.
    replicates, seed
        How many resamples; the same seed, the same rows.
    """
    n, rng = values.shape[0], np.random.default_rng(seed)
    sums = np.empty((replicates, values.shape[1]))
    step = at_once(n)
    for begin in range(0, replicates, step):
        rows = min(step, replicates - begin)
        sums[begin : begin + rows] = _counts(rng, rows, n, mean_block) @ values
    return sums


def resampled_rows(n: int, mean_block: float, *, replicates: int, seed: int = SEED) -> Ints:
    """Rows drawn in each of `replicates` resamples of `n` rows, shape (replicates, n)."""
    return drawn_places(np.random.default_rng(seed), replicates, n, mean_block)


def drawn_places(
    rng: np.random.Generator, rows: int, n: int, mean_block: float, *, length: int | None = None
) -> Ints:
    """Which row of the data stands at each place of each replicate, in blocks that run on from end to start.

    Parameters
    ----------
    rng, rows
        Where chance comes from, and how many replicates.
    n, length
        Rows of the data, and of a replicate (as many where None).
    mean_block
        Mean length of the blocks.

    Returns
    -------
    Shape (rows, length).
    """
    long = n if length is None else length
    starts = rng.random((rows, long)) < 1.0 / mean_block
    starts[:, 0] = True
    place = np.arange(long)
    begin: Ints = np.maximum.accumulate(np.where(starts, place, 0), axis=1)
    first = rng.integers(0, n, size=(rows, long))
    return np.asarray((np.take_along_axis(first, begin, axis=1) + place - begin) % n)


def _counts(rng: np.random.Generator, rows: int, n: int, mean_block: float) -> Floats:
    """How often each row of the data is drawn, in each replicate."""
    flat = (drawn_places(rng, rows, n, mean_block) + np.arange(rows)[:, None] * n).ravel()
    return np.bincount(flat, minlength=rows * n).reshape(rows, n).astype(np.float64)


def at_once(n: int) -> int:
    """Replicates of n rows that are drawn together."""
    return max(1, _AT_ONCE // max(n, 1))


def places(bucket: Ints) -> tuple[Ints, Ints]:
    """Buckets that occur, ascending, and the place of each row's among them; those of time lie close."""
    if bucket.size == 0:
        return bucket, bucket
    low = int(bucket.min())
    if int(bucket.max()) - low > _SPARSE * bucket.size:
        return np.unique(bucket, return_inverse=True)
    present = np.flatnonzero(np.bincount(bucket - low))
    table = np.zeros(int(present[-1]) + 1, np.int64)
    table[present] = np.arange(present.size)
    return present + low, table[bucket - low]


def ratio_intervals(
    bucket: Ints, gains: Floats, worths: Floats, *, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Percentile intervals of several ratios of sums over the same buckets of time.

    Parameters
    ----------
    bucket
        Time bucket (hour) of each row, any order, shape (n,).
    gains, worths
        Numerators and denominators, shape (n, columns), 0 where a row does not count.
    level
        Probability of each interval.

    Returns
    -------
    Low and high ends, shape (columns,), all from the same resamples, in blocks as long as the most
    dependent of the ratios needs; NaN with fewer than 20 buckets, or where more than 5 % of the
    resamples have no denominator.
    """
    columns = gains.shape[1]
    names, place = places(bucket)
    if names.size < ENOUGH:
        return np.full(columns, np.nan), np.full(columns, np.nan)
    tops = _by_bucket(place, gains, names.size)
    bottoms = _by_bucket(place, worths, names.size)
    block = max(block_length(_influence(tops[:, i], bottoms[:, i])) for i in range(columns))
    sums = resampled_sums(np.hstack([tops, bottoms]), block)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(sums[:, columns:] > 0.0, sums[:, :columns] / sums[:, columns:], np.nan)
    tail = (1.0 - level) / 2.0
    low, high = np.full(columns, np.nan), np.full(columns, np.nan)
    for i in range(columns):
        known = ratios[~np.isnan(ratios[:, i]), i]
        is_enough = (bottoms[:, i] > 0.0).sum() >= ENOUGH
        if is_enough and known.size >= 0.95 * ratios.shape[0]:
            low[i], high[i] = np.quantile(known, [tail, 1.0 - tail])
    return low, high


def _influence(tops: Floats, bottoms: Floats) -> Floats:
    """What each bucket adds to the error of the ratio: ``top − ratio × bottom``."""
    worth = math.fsum(bottoms)
    return tops - math.fsum(tops) / worth * bottoms if worth > 0.0 else np.zeros(tops.size)


def _by_bucket(place: Ints, values: Floats, n: int) -> Floats:
    return np.stack(
        [np.bincount(place, weights=values[:, i], minlength=n) for i in range(values.shape[1])], axis=1
    )
