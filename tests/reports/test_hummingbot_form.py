"""Checkpoints written in Hummingbot's own forms are read back as the same fills."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cli.command_line import Run
from fillbook.analysis.overview import overview
from fillbook.errors import BadRequestError
from fillbook.performance_data_source import open_data
from fillbook.reports.hummingbot_form import Form, write_hummingbot
from sources.growing import database

SUMS = ("net_pnl", "realized_pnl", "fees", "volume", "n_fills", "fill_rate")


@pytest.mark.parametrize(("form", "ending"), [("hummingbot-sqlite", "sqlite"), ("hummingbot-json", "json")])
def test_what_is_written_is_read_back(tmp_path: Path, form: Form, ending: str) -> None:
    data = open_data(database(tmp_path / "bot.sqlite", 30))
    path = tmp_path / "out" / f"checkpoint_1.{ending}"
    path.parent.mkdir()
    assert write_hummingbot(data, form, path) == {
        "executors": 0,
        "trades": 30,
        "orders": 31,
        "controllers": 0,
    }
    back = open_data(path)
    assert back.lineage.files[0].kind == f"checkpoint_{ending}"
    first, second = overview(data).metrics, overview(back).metrics
    for key in SUMS:
        assert second[key].value == pytest.approx(first[key].value, rel=1e-12), key
    with pytest.raises(BadRequestError, match="is there already"):
        write_hummingbot(data, form, path)


def test_the_demo_keeps_its_executors(demo: Path, tmp_path: Path) -> None:
    data = open_data(demo / "bots")
    written = write_hummingbot(data, "hummingbot-sqlite", tmp_path / "all.sqlite")
    assert written["executors"] == data.executors.height > 0
    back = open_data(tmp_path / "all.sqlite")
    assert back.fills.height == data.fills.height
    assert back.executors.height == data.executors.height
    closes = [frame.executors["close_type"].value_counts().sort("close_type") for frame in (data, back)]
    assert closes[0].equals(closes[1])


def test_as_hummingbot_from_the_command_line(run: Run, tmp_path: Path) -> None:
    bots = [database(tmp_path / f"{name}.sqlite", 5, name) for name in "ab"]
    said = run("merge", *bots, "-o", tmp_path / "all.json", "--as", "hummingbot-json")
    assert said.code == 0
    assert "10 rows of trades" in said.err
    held = json.loads((tmp_path / "all.json").read_text())
    assert set(held) == {"executors", "orders", "trade_fill", "controllers"}
    assert json.loads(held["trade_fill"])["trade_type"]["0"] == "BUY"
    assert run("merge", *bots, "-o", tmp_path / "all.sqlite", "--as", "hummingbot-sqlite").code == 0
    with closing(sqlite3.connect(tmp_path / "all.sqlite")) as connection:
        fees = [row[0] for row in connection.execute("SELECT trade_fee FROM trades")]
    assert fees.count(None) == 2  # the first row of each market
