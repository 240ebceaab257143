"""Months, runs and configuration versions, and whether a change changed anything."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from analysis.daily_bots import DAY, earning, opened, rows_of
from fillbook.analysis.compare import compare
from fillbook.analysis.trends import flat
from fillbook.testing.tables import START, table

FIRST = START.date()


def configured(pnl: list[float], starts: list[tuple[float, dict[str, object] | str | None]]) -> pl.DataFrame:
    return table(
        "controllers", at=[day * DAY for day, _ in starts], controller_id=["grid"] * len(starts),
        bot=["a"] * len(starts),
        config=[json.dumps(c) if isinstance(c, dict) else c for _, c in starts],
    )  # fmt: skip


def test_months_are_those_of_the_calendar() -> None:
    """40 days from 1 January: 31 of January, 9 of February, which is not whole."""
    answer = compare(earning(a=[1.0] * 31 + [-2.0] * 9), by="bot")
    rows = answer.months.select("month", "is_whole", "n_days", "net", "winning_days").rows()
    assert rows == [(date(2026, 1, 1), True, 31, 31.0, 1.0), (date(2026, 2, 1), False, 9, -18.0, 0.0)]
    assert answer.months["volume"][0] == pytest.approx(31 * 201.0)  # bought at 100, sold at 101


PNL = [1.0, -1.0] * 15 + [3.0, 1.0] * 15
OLD = {"id": "grid", "spread": "0.01", "risk": {"stop": 0.02}}
NEW = {"id": "other", "spread": "0.02", "risk": {"stop": 0.02}, "leverage": 3}


def test_a_change_that_changed_something() -> None:
    """60 days, changed on day 30 at noon: 30 days before, 29 after, the day itself in neither."""
    starts: list[tuple[float, dict[str, object] | str | None]] = [(-0.1, OLD), (10.0, OLD), (30.5, NEW)]
    data = opened(rows_of("a", PNL, controller="grid"), controllers=configured(PNL, starts))
    answer = compare(data)
    assert answer.versions.select("version", "n_starts", "n_days", "first", "last").rows() == [
        (1, 2, 30, FIRST, FIRST + timedelta(days=29)),
        (2, 1, 29, FIRST + timedelta(days=31), FIRST + timedelta(days=59)),
    ]
    assert answer.versions["changed"][1].to_list() == ["leverage: not set → 3", "spread: 0.01 → 0.02"]
    mean = answer.changes.row(0, named=True)
    assert (mean["what"], mean["n_before"], mean["n_after"], mean["status"]) == ("mean", 30, 29, "ok")
    # after: day 31 … 59 is 1, 3, …, 1: fifteen 1 and fourteen 3, so 57/29; before: 0
    assert mean["difference"] == pytest.approx(57 / 29)
    assert mean["low"] > 0.0
    assert mean["p_value"] < 0.01
    by_config = compare(data, by="config")
    assert by_config.names == ("grid v1", "grid v2")
    (found,) = by_config.measured
    assert found.differences[0].value == pytest.approx(57 / 29)
    runs = answer.runs.select("run", "is_recorded", "n_days", "net").rows()
    assert runs == [(1, True, 10, 0.0), (2, True, 20, 0.0), (3, True, 30, 60.0)]


def test_a_change_that_changed_nothing_one_can_see() -> None:
    rng = np.random.default_rng(8)
    pnl = rng.normal(1.0, 3.0, 60).round(2).tolist()
    data = opened(rows_of("a", pnl, controller="grid"), controllers=configured(pnl, [(-1, OLD), (30.0, NEW)]))
    mean = compare(data).changes.row(0, named=True)
    assert mean["low"] < 0.0 < mean["high"]
    assert mean["n_before"] == mean["n_after"] == 30  # changed at midnight: no day is of both


def test_few_days_after_a_change_have_no_interval() -> None:
    data = opened(
        rows_of("a", PNL[:40], controller="grid"), controllers=configured(PNL, [(-1, OLD), (30.0, NEW)])
    )
    mean = compare(data).changes.row(0, named=True)
    assert (mean["difference"], mean["low"], mean["status"], mean["reason"]) == (
        2.0, None, "low_n", "few_days_for_interval",
    )  # fmt: skip
    none = opened(
        rows_of("a", PNL[:30], controller="grid"), controllers=configured(PNL, [(-1, OLD), (30.0, NEW)])
    )
    lost = compare(none).changes.row(0, named=True)
    assert (lost["difference"], lost["status"], lost["reason"]) == (None, "unavailable", "no_days")


def test_a_bot_without_controllers_has_the_names_of_its_files() -> None:
    rows = [{**row, "config": "old.yml" if i < 60 else "new.yml"} for i, row in enumerate(rows_of("a", PNL))]
    answer = compare(opened(rows))
    assert answer.versions["version"].to_list() == [1, 2]
    assert answer.versions["changed"][1].to_list() == ["configuration file: old.yml → new.yml"]
    assert answer.versions["n_days"].to_list() == [30, 29]  # the first fill of the new file is on day 30
    assert answer.runs.select("is_recorded", "n_days").rows() == [(False, 60)]


@pytest.mark.parametrize("config", ["[1, 2]", "not json", "NaN", ""])
def test_a_configuration_of_another_form_is_one_setting(config: str) -> None:
    assert flat(config) == {"configuration": config}


def test_settings_have_paths_and_names_of_rows_are_none() -> None:
    assert flat('{"id": "x", "a": {"id": "y", "b": [1, null]}}') == {"a.b": "[1, null]", "a.id": "y"}
