"""Correlation of parts: what others compute, common days, constant parts, clusters, what is too few."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fillbook.analysis.correlation import (
    DECAY,
    cluster_order,
    correlation_of,
    nearest_correlation,
    rolling_correlation,
    weighted,
)
from fillbook.arrays import Floats

NAMES = ["a", "b", "c", "d"]


def days(n: int = 60, k: int = 3, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n)
    return np.array([common * i + rng.normal(size=n) for i in range(k)])


def test_pearson_and_spearman_are_scipys() -> None:
    daily = days()
    found = correlation_of(NAMES[:3], daily)
    for i in range(3):
        for j in range(3):
            assert found.pearson[i, j] == pytest.approx(stats.pearsonr(daily[i], daily[j]).statistic)
            assert found.pairwise[i, j] == pytest.approx(found.pearson[i, j])
            assert found.spearman[i, j] == pytest.approx(stats.spearmanr(daily[i], daily[j]).statistic)
    assert (found.n, found.days, found.status, found.is_repaired) == (60, 60, "ok", False)
    assert (found.pairwise_n == 60).all()


def test_days_before_and_after_a_part_ran_are_not_common() -> None:
    daily = days(60, 3)
    daily[1, :25] = np.nan
    daily[2, 45:] = np.nan
    found = correlation_of(NAMES[:3], daily)
    assert (found.n, found.status) == (20, "low_n")
    assert found.pairwise_n.tolist() == [[60, 35, 45], [35, 35, 20], [45, 20, 45]]
    assert found.pairwise[0, 1] == pytest.approx(np.corrcoef(daily[0, 25:], daily[1, 25:])[0, 1])
    assert found.pearson[0, 1] == pytest.approx(np.corrcoef(daily[0, 25:45], daily[1, 25:45])[0, 1])
    daily[2, 30:] = np.nan
    few = correlation_of(NAMES[:3], daily)
    assert (few.n, few.status, few.shrunk_reason) == (5, "unavailable", "n_lt_10")
    assert np.isnan(few.pearson).all()
    assert np.isnan(few.pairwise[1, 2])
    assert not np.isnan(few.pairwise[0, 1])


def test_a_part_that_did_not_vary_has_no_row() -> None:
    daily = days(40, 4)
    daily[1] = 0.1 + 0.2
    found = correlation_of(NAMES, daily)
    for matrix in (found.pearson, found.spearman, found.pairwise):
        assert np.isnan(matrix[1]).all()
        assert np.isnan(matrix[:, 1]).all()
        assert np.isnan(matrix).sum() == 7
    assert found.order[-1] == 1


def test_nothing_and_one_part() -> None:
    nothing = correlation_of([], np.zeros((0, 40)))
    assert (nothing.n, nothing.order, nothing.status) == (0, (), "unavailable")
    one = correlation_of(["a"], days(40, 1))
    assert one.pearson.tolist() == [[pytest.approx(1.0)]]
    assert correlation_of(["a", "b"], np.zeros((2, 0))).status == "unavailable"


def test_shrinkage_is_the_librarys() -> None:
    covariance = pytest.importorskip("sklearn.covariance", reason="needs scikit-learn (fillbook[portfolio])")
    daily = days(30, 4) * np.array([[1.0], [100.0], [0.01], [5.0]])
    found = correlation_of(NAMES, daily)
    scaled = ((daily.T - daily.mean(axis=1)) / daily.std(axis=1)).T
    expected, share = covariance.ledoit_wolf(scaled.T)
    size = np.sqrt(np.diag(expected))
    assert found.shrunk is not None
    assert found.shrunk == pytest.approx(expected / np.outer(size, size))
    assert found.shrinkage == pytest.approx(share)
    assert np.abs(found.shrunk[0, 1]) <= np.abs(found.pearson[0, 1])


def test_without_the_library_there_is_no_shrinkage_but_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found = correlation_of(NAMES[:3], days())
    assert (found.shrunk, found.shrunk_reason) == (None, "portfolio_not_installed")


def test_worst_days_together() -> None:
    daily = np.tile(np.arange(40.0), (2, 1))
    daily[1] = daily[1, ::-1]
    found = correlation_of(["a", "b"], daily)
    assert found.worst_days == 2  # 5 % of 40
    assert found.tail.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    daily[1, 0] = -1.0
    assert correlation_of(["a", "b"], daily).tail[0, 1] == 0.5  # day 0 is bad for both
    assert np.isnan(correlation_of(["a", "b"], daily[:, :19]).tail).all()


def test_pairs_that_make_no_matrix_are_mended_and_said() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 20))
    gap = np.full(20, np.nan)
    # a ~ b on the first days, b ~ c on the second, a ~ −c on the third
    daily = np.array([np.r_[x, gap, y], np.r_[x, x, gap], np.r_[gap, x, -y]])
    found = correlation_of(NAMES[:3], daily)
    assert found.is_repaired
    assert np.linalg.eigvalsh(found.pairwise)[0] >= -1e-9
    assert np.diag(found.pairwise) == pytest.approx(1.0)
    # by symmetry ±0.5: the nearest matrix of (1, 1, −1)
    assert found.pairwise[0, 1] == pytest.approx(0.5, abs=1e-6)
    assert found.pairwise[0, 2] == pytest.approx(-0.5, abs=1e-6)


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 6), st.integers(0, 10_000))
def test_the_nearest_correlation_is_one_and_no_other_is_nearer(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    raw = np.triu(rng.uniform(-1.0, 1.0, (k, k)), 1)
    wanted = raw + raw.T + np.eye(k)
    found = nearest_correlation(wanted)
    assert np.linalg.eigvalsh(found)[0] >= -1e-9
    assert np.diag(found) == pytest.approx(1.0)
    assert found == pytest.approx(found.T)
    for _ in range(5):
        made = np.atleast_2d(np.corrcoef(rng.normal(size=(k, k + 2))))
        assert np.linalg.norm(found - wanted) <= np.linalg.norm(made - wanted) + 1e-6


def test_alike_stand_together() -> None:
    groups = np.array([0, 1, 0, 1, 0, 1])
    matrix = np.where(groups[:, None] == groups, 0.9, -0.2) + 0.1 * np.eye(6)
    ordered = groups[list(cluster_order(matrix))]
    assert int(np.abs(np.diff(ordered)).sum()) == 1


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1_000), st.integers(2, 5))
def test_rolling_correlation_is_the_mean_of_pairs(seed: int, k: int) -> None:
    daily = days(25, k, seed)
    daily[0, 3] = np.nan
    found = rolling_correlation(daily, window=10)
    assert np.isnan(found[:9]).all()
    for end in range(10, 26):
        held = daily[:, end - 10 : end]
        held = held[~np.isnan(held).any(axis=1)]
        if held.shape[0] < 2:
            assert np.isnan(found[end - 1])
        else:
            pairs = np.corrcoef(held)[np.triu_indices(held.shape[0], 1)]
            assert found[end - 1] == pytest.approx(pairs.mean())


@given(st.integers(2, 5), st.integers(10, 80), st.integers(0, 1_000))
def test_recent_days_weigh_more_as_in_pandas(k: int, n: int, seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(k, n)) * 10.0 ** np.arange(k)[:, None] + 3.0
    theirs = pd.DataFrame(rows.T).ewm(alpha=1.0 - DECAY, adjust=True).corr().loc[n - 1].to_numpy()
    ours = weighted(rows)
    assert ours == pytest.approx(theirs, abs=1e-9)
    assert weighted(-2.0 * rows) == pytest.approx(ours, abs=1e-9)
    assert np.linalg.eigvalsh(ours).min() > -1e-9, "a correlation matrix"
    assert weighted(rows, decay=1.0) == pytest.approx(np.corrcoef(rows), abs=1e-9)


def test_a_part_that_did_not_vary_has_no_recent_correlation() -> None:
    rows = np.vstack([np.full(40, 2.0), np.random.default_rng(1).normal(size=(2, 40))])
    found = weighted(rows)
    assert np.isnan(found[0]).all()
    assert np.isnan(found[:, 0]).all()
    assert found[1, 1] == found[2, 2] == 1.0
    assert np.isnan(weighted(rows[:, :9])).all()
