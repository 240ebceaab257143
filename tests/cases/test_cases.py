"""Every worked case through public functions of the library, to its tolerance.

The cases of ``open/`` always run; the environment variable ``FILLBOOK_CASES`` adds folders of more,
separated like ``PATH``. A kind without an adapter is skipped and says so: it is not passed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cases.comparison import differences, tolerance_of
from cases.registry import load_adapters

OPEN = Path(__file__).parent / "open"
MORE = [Path(folder) for folder in os.environ.get("FILLBOOK_CASES", "").split(os.pathsep) if folder]


def case_files() -> list[Path]:
    """Files of all case folders."""
    return [path for folder in [OPEN, *MORE] for path in sorted(folder.glob("*.json"))]


def read(path: Path) -> dict[str, Any]:
    """One case."""
    case: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return case


@pytest.mark.parametrize("path", case_files(), ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = read(path)
    adapters = load_adapters()
    if case["kind"] not in adapters:
        pytest.skip(f"no adapter for kind {case['kind']} yet")
    got = adapters[case["kind"]](case["input"])
    found = differences(got, case["expected"], tolerance_of(case["tolerance"]))
    assert not found, f"{case['id']} ({case['title']}):\n" + "\n".join(found)


@pytest.mark.parametrize("folder", MORE, ids=str)
def test_a_folder_named_in_the_environment_holds_cases(folder: Path) -> None:
    assert list(folder.glob("*.json")), f"FILLBOOK_CASES names {folder}, which holds no case"


def test_the_open_set_is_whole() -> None:
    assert len(list(OPEN.glob("*.json"))) == 33


def test_every_expectation_is_reached() -> None:
    """A case whose answer were empty would be noticed: each expected key is asked for."""
    for path in case_files():
        wanted = [key for key in read(path)["expected"] if not key.startswith("wrong_")]
        assert len(differences({}, read(path)["expected"], 1e-9)) == len(wanted) > 0
