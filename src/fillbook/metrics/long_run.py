"""How sure the mean of days is that may resemble one another: equal-weighted cosines and Student's t.

The long-run variance is the mean square of the first few cosine coefficients of the days (EWC); Student's t,
from which the interval is read, has as many degrees of freedom. Tests built so keep their level in small
samples where block bootstraps do not (Müller 2004; Sun 2013; Lazarus, Lewis, Stock & Watson 2018, whose
ν = ⌊0.4 n^(2/3)⌋ is used here).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fillbook.arrays import Floats
from fillbook.results import Undefined

LEAST_FREEDOM = 2
_FLAT = 1e-12  # an error below this share of the values is rounding


@dataclass(frozen=True, slots=True)
class MeanError:
    """Variance of the mean of a series, and the degrees of freedom it is known with.

    Parameters
    ----------
    variance
        Of the mean, in the square of the values' unit.
    freedom
        Degrees of freedom of Student's t; not whole where two series were put together.
    """

    variance: float
    freedom: float

    @property
    def deviation(self) -> float:
        """Standard error of the mean."""
        return math.sqrt(self.variance)

    def reach(self, level: float) -> float:
        """Half the width of the interval that holds the truth with probability `level`."""
        return student_quantile(0.5 + level / 2.0, self.freedom) * self.deviation

    def p_value(self, value: float) -> float:
        """Probability of a mean at least as far from 0 as `value` where the truth is 0, two-sided."""
        from scipy.special import stdtr  # noqa: PLC0415  (brings SciPy)

        return float(2.0 * stdtr(self.freedom, -abs(value) / self.deviation))


def student_quantile(probability: float, freedom: float) -> float:
    """Quantile of Student's t.

    >>> round(student_quantile(0.975, 8), 3)
    2.306
    """
    from scipy.special import stdtrit  # noqa: PLC0415  (brings SciPy)

    return float(stdtrit(freedom, probability))


def freedom_of(n: int) -> int:
    """Number of cosines for n days, ν = ⌊0.4 n^(2/3)⌋ (Lazarus, Lewis, Stock & Watson 2018).

    >>> [freedom_of(n) for n in (11, 12, 20, 100, 125, 365)]
    [1, 2, 2, 8, 10, 20]
    """
    return int(0.4 * float(n) ** (2.0 / 3.0) + 1e-9)  # 125^(2/3) is 25, which floats do not say


def long_run_variance(values: Floats, freedom: int) -> float:
    r"""Long-run variance by equal-weighted cosines, ``n · Var(mean)`` for many days.

    .. math::
        \hat\Omega=\frac{1}{\nu}\sum_{j=1}^{\nu}\Lambda_j^2,\quad
        \Lambda_j=\sqrt{\tfrac{2}{n}}\sum_{t=1}^{n}x_t\cos\left(\pi j\,\tfrac{t-1/2}{n}\right)

    Parameters
    ----------
    values
        Days in order without a gap, shape (n,); their mean does not matter.
    freedom
        How many cosines ν, 1 … n − 1; with n − 1 it is the sample variance.
    """
    return float(long_run_variances(values[None], freedom)[0])


def long_run_variances(rows: Floats, freedom: int) -> Floats:
    """`long_run_variance` of each row, shape (k, n) → (k,)."""
    n = rows.shape[1]
    at = math.pi * (np.arange(n) + 0.5) / n
    waves = np.cos(np.arange(1, freedom + 1)[:, None] * at)
    found = (rows - rows.mean(axis=1, keepdims=True)) @ waves.T
    return np.asarray((found**2).sum(axis=1) * 2.0 / n / freedom)


def error_of(
    values: Floats, *, scale: float | None = None, freedom: int | None = None
) -> MeanError | Undefined:
    """Error of the mean of a series of days.

    Parameters
    ----------
    values
        Days in order without a gap, shape (n,).
    scale
        Size of the numbers they came from, for telling rounding from variation; None takes the largest of
        them.
    freedom
        How many cosines; None takes `freedom_of`.

    Returns
    -------
    Unavailable (``few_days_for_interval``) with fewer than two cosines, undefined (``no_variation``) where
    every value is the same but for rounding, or what varies leaves the slow waves still.
    """
    nu = freedom_of(values.size) if freedom is None else freedom
    if nu < LEAST_FREEDOM or values.size <= nu:
        return Undefined.unavailable("few_days_for_interval")
    size = float(np.abs(values).max()) if scale is None else scale
    if float(np.ptp(values)) <= _FLAT * size:
        return Undefined("no_variation")
    variance = long_run_variance(values, nu) / values.size
    return Undefined("no_variation") if variance <= (_FLAT * size) ** 2 else MeanError(variance, nu)


def together(one: MeanError, other: MeanError) -> MeanError:
    """Error of the difference of two independent means (freedoms after Welch 1938, Satterthwaite 1946)."""
    variance = one.variance + other.variance
    spread = one.variance**2 / one.freedom + other.variance**2 / other.freedom
    return MeanError(variance, variance**2 / spread)
