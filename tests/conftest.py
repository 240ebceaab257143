"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real databases and exports, which users do not have."""
    folder = Path(os.environ.get("FILLBOOK_SHARED", BESIDE))
    if not folder.is_dir():
        pytest.skip(f"needs real data, and {folder} is no folder (FILLBOOK_SHARED names another)")
    return folder
