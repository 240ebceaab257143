"""Every real database has a risk answer in strict JSON; what is not there says why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fillbook.analysis.overview import overview
from fillbook.analysis.risk import risk
from fillbook.conventions import Conventions
from fillbook.errors import FillbookError
from fillbook.performance_data_source import open_data
from fillbook.reports.json import to_json
from fillbook.reports.risk import risk_object
from fillbook.results import Status


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


def test_one_point_without_a_rate_hides_no_drawdown(shared_data: Path) -> None:
    """Coins against BTC were traded a second before BTC had its first price: 1 of 4,909 points is a gap."""
    path = next((shared_data / "exports").glob("*trades_nim*.csv"))
    answer = overview(open_data(path), check=False)
    assert answer.equity["is_gap"].sum() == 1
    found = answer.metrics["max_drawdown"]
    assert found.value == pytest.approx(answer.equity["drawdown"].max())
    assert found.coverage == pytest.approx(1.0 - 1.0 / answer.equity.height)
    assert (found.status, found.reasons[-1]) == (Status.PARTIAL, "curve_gaps")
    assert answer.metrics["current_drawdown"].value is not None
