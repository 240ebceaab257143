"""Rules that turn daily returns into weights: those of skfolio, long only, adding up to 1, capped.

skfolio is an optional part; nothing here is imported before a suggestion is asked for.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fillbook.arrays import Floats
from fillbook.errors import MissingExtraError
from fillbook.results import Undefined

if TYPE_CHECKING:
    from collections.abc import Callable

EQUAL, CURRENT = "equal", "current"
RULES: Mapping[str, str] = {
    "min_variance": "Minimum variance", "inverse_volatility": "Inverse volatility",
    "risk_parity": "Risk parity", "hierarchical_risk_parity": "Hierarchical risk parity",
    "max_sharpe": "Maximum Sharpe",
}  # fmt: skip
SOURCES: Mapping[str, str] = {
    "min_variance": "Markowitz (1952), covariance after Ledoit & Wolf (2004)",
    "inverse_volatility": "1/σ, each bot for itself",
    "risk_parity": "each bot the same share of the variance; Maillard et al. (2010), Spinu (2013)",
    "hierarchical_risk_parity": "López de Prado (2016), √((1 − ρ)/2), single linkage",
    "max_sharpe": "Bayes–Stein means, Jorion (1986), covariance after Ledoit & Wolf (2004)",
}  # fmt: skip
_NOTHING = 1e-12  # a weight below is an optimiser's rounding
PURPOSE = "a portfolio suggestion"


def require_skfolio() -> None:
    """Stop where skfolio is not installed.

    Raises
    ------
    MissingExtraError
        Names the command that installs it.
    """
    if importlib.util.find_spec("skfolio") is None:
        raise MissingExtraError("portfolio", PURPOSE)


def weights_of(rule: str, returns: Floats, cap: float) -> Floats | Undefined:
    """Weights by one rule, shape (n_bots,), each in [0, cap], adding up to 1.

    Parameters
    ----------
    rule
        Key of `RULES`.
    returns
        Daily returns, shape (n_days, n_bots), every column varying.
    cap
        Largest weight; at least 1/n_bots.

    Returns
    -------
    Weights; undefined (``no_positive_mean``) where no portfolio under the cap has a positive shrunk mean,
    ``solver_failed`` where the optimiser found no answer.
    """
    from skfolio.exceptions import SkfolioError  # noqa: PLC0415  (optional)

    if rule == "max_sharpe" and _best_mean(returns, cap) <= 0.0:
        return Undefined("no_positive_mean")
    try:
        raw = np.asarray(_MADE[rule](cap).fit(returns).weights_, float)
    except SkfolioError:
        return Undefined("solver_failed")
    if not np.isfinite(raw).all() or raw.sum() <= 0.0:
        return Undefined("solver_failed")
    return capped(raw, cap)


def capped(weights: Floats, cap: float) -> Floats:
    """Weights none of which is above `cap`, adding up to 1; what is cut goes to the others in proportion.

    >>> capped(np.array([0.8, 0.1, 0.1]), 0.4).tolist()
    [0.4, 0.3, 0.3]
    """
    n = weights.size
    if n * cap <= 1.0:
        return np.full(n, 1.0 / n)
    found = np.maximum(weights, 0.0)
    found = found / found.sum()
    found[found < _NOTHING] = 0.0
    is_full = np.zeros(n, bool)
    while (found > cap * (1.0 + 1e-12)).any():
        is_full |= found >= cap
        rest = 1.0 - cap * is_full.sum()
        open_sum = found[~is_full].sum()
        share = found / open_sum if open_sum > 0.0 else np.full(n, 1.0 / (~is_full).sum())
        found = np.where(is_full, cap, share * rest)
    return np.asarray(np.minimum(found, cap))


def _best_mean(returns: Floats, cap: float) -> float:
    """Largest mean a capped portfolio can have, by the shrunk means; 0 for what is rounding."""
    from skfolio.moments import ShrunkMu  # noqa: PLC0415

    means = np.sort(np.asarray(_bayes_stein(ShrunkMu).fit(returns).mu_, float))[::-1]
    left = np.clip(1.0 - cap * np.arange(means.size), 0.0, cap)
    best = float(left @ means)
    return best if best > 1e-9 * float(np.abs(returns).mean()) else 0.0


def _bayes_stein(shrunk: Any) -> Any:  # noqa: ANN401  (classes of an optional library)
    from skfolio.moments import LedoitWolf, ShrunkMuMethods  # noqa: PLC0415

    return shrunk(method=ShrunkMuMethods.BAYES_STEIN, covariance_estimator=LedoitWolf())


def _min_variance(cap: float) -> Any:  # noqa: ANN401
    from skfolio.moments import LedoitWolf  # noqa: PLC0415
    from skfolio.optimization import MeanRisk  # noqa: PLC0415
    from skfolio.prior import EmpiricalPrior  # noqa: PLC0415

    return MeanRisk(prior_estimator=EmpiricalPrior(covariance_estimator=LedoitWolf()), max_weights=cap)


def _inverse_volatility(_cap: float) -> Any:  # noqa: ANN401
    from skfolio.optimization import InverseVolatility  # noqa: PLC0415

    return InverseVolatility()


def _risk_parity(cap: float) -> Any:  # noqa: ANN401
    from skfolio.moments import LedoitWolf  # noqa: PLC0415
    from skfolio.optimization import RiskBudgeting  # noqa: PLC0415
    from skfolio.prior import EmpiricalPrior  # noqa: PLC0415

    return RiskBudgeting(prior_estimator=EmpiricalPrior(covariance_estimator=LedoitWolf()), max_weights=cap)


def _hierarchical(cap: float) -> Any:  # noqa: ANN401
    from skfolio.cluster import HierarchicalClustering, LinkageMethod  # noqa: PLC0415
    from skfolio.optimization import HierarchicalRiskParity  # noqa: PLC0415
    from skfolio.seriation import HierarchicalSeriation  # noqa: PLC0415

    tree = HierarchicalClustering(linkage_method=LinkageMethod.SINGLE)
    return HierarchicalRiskParity(
        max_weights=cap, seriation_estimator=HierarchicalSeriation(hierarchical_clustering_estimator=tree)
    )


def _max_sharpe(cap: float) -> Any:  # noqa: ANN401
    from skfolio.moments import LedoitWolf, ShrunkMu  # noqa: PLC0415
    from skfolio.optimization import MeanRisk, ObjectiveFunction  # noqa: PLC0415
    from skfolio.prior import EmpiricalPrior  # noqa: PLC0415

    prior = EmpiricalPrior(mu_estimator=_bayes_stein(ShrunkMu), covariance_estimator=LedoitWolf())
    return MeanRisk(
        objective_function=ObjectiveFunction.MAXIMIZE_RATIO, prior_estimator=prior, max_weights=cap
    )


_MADE: Mapping[str, Callable[[float], Any]] = {
    "min_variance": _min_variance, "inverse_volatility": _inverse_volatility, "risk_parity": _risk_parity,
    "hierarchical_risk_parity": _hierarchical, "max_sharpe": _max_sharpe,
}  # fmt: skip
