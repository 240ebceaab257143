"""fillbook: what a trading bot earned, read from what it wrote, every fill booked once.

>>> import fillbook
>>> data = fillbook.open_data("my_bot.sqlite")  # doctest: +SKIP
>>> fillbook.overview(data).metrics["net_pnl"]  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fillbook.analysis.allocation import Allocation, allocate
    from fillbook.analysis.attribution import Attribution, attribution
    from fillbook.analysis.compare import Comparison, compare
    from fillbook.analysis.execution import Execution, execution
    from fillbook.analysis.limit_file import read_limits
    from fillbook.analysis.limits import Limits, limits
    from fillbook.analysis.live import Live, live
    from fillbook.analysis.overview import Overview, overview
    from fillbook.analysis.reconcile import Reconciliation, reconcile
    from fillbook.analysis.risk import Risk, risk
    from fillbook.conventions import Conventions, RiskConventions
    from fillbook.errors import FillbookError
    from fillbook.filters import Filter
    from fillbook.live_data import LiveData, follow
    from fillbook.metrics.evaluate import evaluate
    from fillbook.metrics.registry import METRICS
    from fillbook.performance_data_source import PerformanceDataSource, open_data

__version__ = "0.1.0"

# Polars' allocator holds freed memory for ten seconds unless it is told otherwise before its import: a third
# of the peak of a large database; and it keeps four stores a core, each with leftovers. NumPy asks for huge
# pages, which the system clears before they are used: a tenth of the time of a large answer.
os.environ.setdefault(
    "_RJEM_MALLOC_CONF", f"narenas:{os.cpu_count() or 1},dirty_decay_ms:100,muzzy_decay_ms:0"
)
os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")

_HOME = {
    "Attribution": "fillbook.analysis.attribution",
    "METRICS": "fillbook.metrics.registry",
    "Allocation": "fillbook.analysis.allocation",
    "Comparison": "fillbook.analysis.compare",
    "Conventions": "fillbook.conventions",
    "Execution": "fillbook.analysis.execution",
    "Filter": "fillbook.filters",
    "FillbookError": "fillbook.errors",
    "Limits": "fillbook.analysis.limits",
    "Live": "fillbook.analysis.live",
    "LiveData": "fillbook.live_data",
    "Overview": "fillbook.analysis.overview",
    "PerformanceDataSource": "fillbook.performance_data_source",
    "attribution": "fillbook.analysis.attribution",
    "Reconciliation": "fillbook.analysis.reconcile",
    "Risk": "fillbook.analysis.risk",
    "RiskConventions": "fillbook.conventions",
    "allocate": "fillbook.analysis.allocation",
    "compare": "fillbook.analysis.compare",
    "evaluate": "fillbook.metrics.evaluate",
    "execution": "fillbook.analysis.execution",
    "follow": "fillbook.live_data",
    "limits": "fillbook.analysis.limits",
    "live": "fillbook.analysis.live",
    "open_data": "fillbook.performance_data_source",
    "overview": "fillbook.analysis.overview",
    "read_limits": "fillbook.analysis.limit_file",
    "reconcile": "fillbook.analysis.reconcile",
    "risk": "fillbook.analysis.risk",
}

__all__ = [
    "METRICS",
    "Allocation",
    "Attribution",
    "Comparison",
    "Conventions",
    "Execution",
    "FillbookError",
    "Filter",
    "Limits",
    "Live",
    "LiveData",
    "Overview",
    "PerformanceDataSource",
    "Reconciliation",
    "Risk",
    "RiskConventions",
    "allocate",
    "attribution",
    "compare",
    "evaluate",
    "execution",
    "follow",
    "limits",
    "live",
    "open_data",
    "overview",
    "read_limits",
    "reconcile",
    "risk",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that `fillbook --help` is quick."""
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    message = f"module 'fillbook' has no attribute {name!r}"
    raise AttributeError(message)
