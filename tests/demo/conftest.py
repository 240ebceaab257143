"""What the tests of the demo share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import fillbook
from fillbook.demo.folder import SEED
from fillbook.demo.markets import Market, simulate


@pytest.fixture(scope="session")
def data(demo: Path) -> fillbook.PerformanceDataSource:
    """The demo, read."""
    return fillbook.open_data(demo)


@pytest.fixture(scope="session")
def markets() -> dict[str, Market]:
    """The markets the demo's bots traded on."""
    return simulate(np.random.default_rng(SEED))
