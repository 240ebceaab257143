"""Whether parts lose together: correlation of their daily PnL, by several measures (DEFINITIONS E10)."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass

import numpy as np

from fillbook.analysis.parts import Parts
from fillbook.arrays import Bools, Floats, Ints
from fillbook.metrics.returns import deviation

LEAST, ENOUGH = 10, 30
DECAY = 0.97  # weight of a day over that of the day after it: half after 23 days
_WORST = 0.05
_LEAST_TAIL = 20  # days below which the worst 5 % are not one
_SHRINKER = "sklearn"


@dataclass(frozen=True, slots=True)
class Correlation:
    """Correlations of parts, in the order `order` puts alike beside alike.

    Parameters
    ----------
    names
        Parts, in their own order; every matrix has them as rows and columns.
    days
        Days of the view.
    n
        Days all parts have in common: what the listwise measures rest on.
    pairwise_n
        Days each pair has in common, shape (k, k).
    pearson, spearman
        Listwise; NaN in the row of a part that did not vary, and everywhere with fewer than 10 days.
    ewma
        Pearson of the listwise days, each weighing 0.97 of the day after it (RiskMetrics 1996): how parts
        move together lately; NaN as `pearson`.
    pairwise
        Pearson of each pair's own days; NaN where they are fewer than 10 or one did not vary.
    is_repaired
        `pairwise` was no correlation matrix, and is the nearest one (Higham 2002).
    shrunk, shrinkage
        Ledoit–Wolf estimate of the listwise correlation and how far it was drawn to its target; None where
        `shrunk_reason` says why.
    tail, worst_days
        Share of the worst 5 % of the common days of one part that are among those of the other (5 % by chance
        alone), and how many days those are; NaN below 20 common days.
    order
        Places of the parts as a cluster tree has them.
    status
        ``ok``, ``low_n`` below 30 common days, ``unavailable`` below 10.
    """

    names: tuple[str, ...]
    days: int
    n: int
    pairwise_n: Ints
    pearson: Floats
    spearman: Floats
    ewma: Floats
    pairwise: Floats
    is_repaired: bool
    shrunk: Floats | None
    shrinkage: float | None
    shrunk_reason: str | None
    tail: Floats
    worst_days: int
    order: tuple[int, ...]
    status: str


def daily_of(parts: Parts) -> Floats:
    """Daily PnL of each part within its own run, shape (parts, days); NaN outside it and without a mark.

    A part runs from its first day with a gain or a loss to its last: idle days between are zeros, days before
    and after are none.
    """
    lists = parts.table["daily"]
    n = int(lists.list.len().max() or 0)  # type: ignore[arg-type]
    if not n:
        return np.zeros((parts.table.height, 0))
    rows = lists.explode().fill_null(np.nan).to_numpy().reshape(parts.table.height, n)
    moved = ~(rows == 0.0)
    began = np.logical_or.accumulate(moved, axis=1)
    goes_on = np.logical_or.accumulate(moved[:, ::-1], axis=1)[:, ::-1]
    return np.where(began & goes_on, rows, np.nan)


def correlation_of(names: list[str], daily: Floats) -> Correlation:
    """Every measure of how parts move together.

    Parameters
    ----------
    names
        Of the parts.
    daily
        Answer of `daily_of`.
    """
    k, days = daily.shape
    known = ~np.isnan(daily)
    common = known.all(axis=0) if k else np.zeros(days, bool)
    n = int(common.sum())
    both = known.astype(np.int64) @ known.T.astype(np.int64)
    held = daily[:, common]
    pearson, spearman = (_listwise(values) for values in (held, _ranks(held)))
    pairwise = _pairwise(daily, known, both)
    pairwise, is_repaired = _repaired(pairwise)
    shrunk, shrinkage, why = _shrunk(held)
    status = "unavailable" if n < LEAST else "low_n" if n < ENOUGH else "ok"
    order = cluster_order(pearson if n >= LEAST else pairwise)
    return Correlation(
        tuple(names), days, n, both, pearson, spearman, weighted(held), pairwise, is_repaired, shrunk,
        shrinkage, why, *_tails(held), order, status,
    )  # fmt: skip


def _varies(rows: Floats) -> Bools:
    """Which rows are more than a constant and rounding."""
    return np.array([not math.isnan(d) and d > 0.0 for d in map(deviation, rows)], dtype=bool)


def _listwise(rows: Floats) -> Floats:
    """Pearson correlation of rows without gaps; NaN for a constant, and of fewer than 10 columns."""
    k = rows.shape[0]
    found = np.full((k, k), np.nan)
    varies = _varies(rows)
    if rows.shape[1] < LEAST or not varies.any():
        return found
    inside = np.ix_(varies, varies)
    found[inside] = np.atleast_2d(np.corrcoef(rows[varies]))
    return np.asarray(np.clip(found, -1.0, 1.0))


def weighted(rows: Floats, decay: float = DECAY) -> Floats:
    """Correlation of rows whose days weigh the less the older they are, means by the same weights.

    Parameters
    ----------
    rows
        Parts, days oldest first, no NaN, shape (k, n).
    decay
        λ: weight of a day over that of the next.

    Returns
    -------
    Shape (k, k); NaN for a row that hardly varied in the days that weigh, and of fewer than 10 days.
    """
    k, n = rows.shape
    if n < LEAST or k == 0:
        return np.full((k, k), np.nan)
    weight = decay ** np.arange(n - 1.0, -1.0, -1.0)
    weight /= weight.sum()
    away = rows - (rows @ weight)[:, None]
    covariance = (away * weight) @ away.T
    variance = np.diag(covariance).copy()
    largest = np.abs(rows).max(axis=1)
    variance[variance <= (1e-12 * largest) ** 2] = np.nan
    size = np.sqrt(variance)
    found = np.clip(covariance / np.outer(size, size), -1.0, 1.0)
    np.fill_diagonal(found, np.where(np.isnan(variance), np.nan, 1.0))
    return np.asarray(found)


def _ranks(rows: Floats) -> Floats:
    """Ranks within each row, ties at their mean."""
    from scipy.stats import rankdata  # noqa: PLC0415  (brings SciPy)

    return np.asarray(rankdata(rows, axis=1), dtype=float) if rows.size else rows


def _pairwise(daily: Floats, known: Bools, both: Ints) -> Floats:
    """Pearson correlation of the days each pair has in common."""
    scale = np.nanmax(np.abs(daily), axis=1, initial=0.0, keepdims=True, where=known)
    x = np.where(known, daily / np.where(scale > 0.0, scale, 1.0), 0.0)
    seen = known.astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        sums, squares, products = x @ seen.T, (x**2) @ seen.T, x @ x.T
        cov = products - sums * sums.T / both
        var = squares - sums**2 / both
        floor = 1e-12 * squares
        is_flat = (var <= floor) | (var.T <= floor.T)
        found = cov / np.sqrt(var * var.T)
    found = np.where((both < LEAST) | is_flat, np.nan, np.clip(found, -1.0, 1.0))
    place = np.arange(found.shape[0])
    found[place, place] = np.where(np.isnan(found[place, place]), np.nan, 1.0)
    return np.asarray(found)


def _repaired(matrix: Floats) -> tuple[Floats, bool]:
    """The matrix, or the nearest correlation matrix where pairs of their own days do not make one."""
    keeps = ~np.isnan(np.diag(matrix))
    inside = np.ix_(keeps, keeps)
    part = matrix[inside]
    if part.size == 0 or np.isnan(part).any() or np.linalg.eigvalsh(part)[0] >= -1e-10:
        return matrix, False
    mended = matrix.copy()
    mended[inside] = nearest_correlation(part)
    return mended, True


def nearest_correlation(matrix: Floats, *, steps: int = 200) -> Floats:
    """Nearest correlation matrix in the Frobenius norm, by alternating projections (Higham 2002).

    Parameters
    ----------
    matrix
        Symmetric with a unit diagonal, no NaN.
    steps
        Projections at most.
    """
    found, fix = matrix.copy(), np.zeros_like(matrix)
    for _ in range(steps):
        away = found - fix
        values, vectors = np.linalg.eigh(away)
        inside = (vectors * np.maximum(values, 0.0)) @ vectors.T
        fix = inside - away
        before, found = found, inside.copy()
        np.fill_diagonal(found, 1.0)
        if np.abs(found - before).max() < 1e-12:
            break
    values, vectors = np.linalg.eigh(found)  # the last projection leaves a rounding below zero
    inside = (vectors * np.maximum(values, 0.0)) @ vectors.T
    size = np.sqrt(np.diag(inside))
    return np.asarray(inside / np.outer(size, size))


def _shrunk(rows: Floats) -> tuple[Floats | None, float | None, str | None]:
    """Ledoit–Wolf correlation of rows without gaps (2004, J. Multivariate Analysis 88(2))."""
    varies = _varies(rows)
    if rows.shape[1] < LEAST or varies.sum() < 2:
        return None, None, "n_lt_10" if rows.shape[1] < LEAST else "zero_variance"
    if importlib.util.find_spec(_SHRINKER) is None:
        return None, None, "portfolio_not_installed"
    from sklearn.covariance import ledoit_wolf  # noqa: PLC0415  (optional, and slow to load)

    spread = rows[varies].std(axis=1, ddof=0)
    scaled = (rows[varies] - rows[varies].mean(axis=1, keepdims=True)) / spread[:, None]
    covariance, share = ledoit_wolf(scaled.T)
    size = np.sqrt(np.diag(covariance))
    found = np.full((rows.shape[0],) * 2, np.nan)
    found[np.ix_(varies, varies)] = covariance / np.outer(size, size)
    return found, float(share), None


def _tails(rows: Floats) -> tuple[Floats, int]:
    """Share of the worst 5 % of days that two parts have in common, and how many days those are."""
    k, n = rows.shape
    if n < _LEAST_TAIL:
        return np.full((k, k), np.nan), 0
    worst = max(1, math.ceil(n * _WORST - 1e-9))
    is_worst = np.zeros((k, n), bool)
    np.put_along_axis(is_worst, np.argsort(rows, axis=1, kind="stable")[:, :worst], True, axis=1)  # noqa: FBT003
    share = is_worst.astype(float) @ is_worst.T.astype(float) / worst
    varies = _varies(rows)
    share[~varies] = share[:, ~varies] = np.nan
    return np.asarray(share), worst


def cluster_order(matrix: Floats) -> tuple[int, ...]:
    """Places of the parts so that those alike stand together; parts without a correlation come last.

    Average linkage of √((1 − ρ)/2), leaves turned so that neighbours are near.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering  # noqa: PLC0415
    from scipy.spatial.distance import squareform  # noqa: PLC0415

    keeps = np.flatnonzero(~np.isnan(np.diag(matrix)))
    part = matrix[np.ix_(keeps, keeps)]
    rest = [i for i in range(matrix.shape[0]) if i not in set(keeps.tolist())]
    if keeps.size < 3:
        return (*keeps.tolist(), *rest)
    far = np.sqrt(np.clip((1.0 - np.nan_to_num(part, nan=0.0)) / 2.0, 0.0, 1.0))
    np.fill_diagonal(far, 0.0)
    apart = squareform((far + far.T) / 2.0, checks=False)
    tree = optimal_leaf_ordering(linkage(apart, "average"), apart)
    return (*keeps[leaves_list(tree)].tolist(), *rest)


def rolling_correlation(daily: Floats, *, window: int) -> Floats:
    """Mean pairwise correlation of the days of each window, at its last day, shape (days,).

    NaN before there are enough days, and where a window has fewer than two parts that vary without a gap.
    """
    days = daily.shape[1]
    found = np.full(days, np.nan)
    for end in range(window, days + 1):
        held = daily[:, end - window : end]
        whole = held[~np.isnan(held).any(axis=1)]
        spread = whole.std(axis=1) if whole.size else np.zeros(0)
        whole = whole[spread > 1e-12 * np.abs(whole).max(axis=1, initial=0.0)] if whole.size else whole
        k = whole.shape[0]
        if k >= 2:
            # Σ of all correlations is the squared length of the sum of the standardised rows
            unit = whole - whole.mean(axis=1, keepdims=True)
            unit /= np.sqrt((unit**2).sum(axis=1, keepdims=True))
            found[end - 1] = (float((unit.sum(axis=0) ** 2).sum()) - k) / (k * (k - 1))
    return found
