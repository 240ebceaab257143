"""Every real database has a risk answer in strict JSON; what is not there says why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fillbook.analysis.risk import risk
from fillbook.conventions import Conventions
from fillbook.errors import FillbookError
from fillbook.performance_data_source import open_data
from fillbook.reports.json import to_json
from fillbook.reports.risk import risk_object


def refuse(word: str) -> None:
    pytest.fail(f"{word} in the JSON")


def test_every_database_has_an_answer(shared_data: Path) -> None:
    answered = 0
    for path in sorted((shared_data / "hummingbot").glob("*.sqlite")):
        try:
            data = open_data(path)
        except FillbookError:
            continue  # not a database: tests/real/test_every_file.py says which
        answer = risk(data, None, Conventions(capital=1_000.0))
        said = json.loads(to_json(risk_object(answer, data)), parse_constant=refuse)
        for key, result in said["metrics"].items():
            assert (result["value"] is None) == (result["status"] in ("undefined", "unavailable")), (
                path.name,
                key,
            )
            assert result["value"] is not None or result["reasons"], (path.name, key)
        for interval in said["intervals"].values():
            assert (interval["low"] is None) == bool(interval["reasons"])
        answered += 1
    assert answered > 10
