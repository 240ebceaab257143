import json
from pathlib import Path

import polars as pl
import pytest

from cli.command_line import Run


@pytest.mark.parametrize("ending", ["csv", "json", "parquet", "xlsx"])
@pytest.mark.parametrize("table", ["fills", "books", "metrics"])
def test_every_format(run: Run, trades: Path, tmp_path: Path, table: str, ending: str) -> None:
    target = tmp_path / f"out.{ending}"
    said = run("export", trades, "--table", table, "-o", target)
    assert (said.code, said.out) == (0, "")
    assert f"rows of {table}" in said.err
    assert target.stat().st_size > 0


def test_the_filters_are_those_of_the_summary(run: Run, trades: Path, tmp_path: Path) -> None:
    target = tmp_path / "fills.csv"
    run("export", trades, "--table", "fills", "--side", "sell", "-o", target)
    assert pl.read_csv(target)["amount_base"].to_list() == [4.0]


def test_trips_are_booked_as_asked(run: Run, trades: Path, tmp_path: Path) -> None:
    target = tmp_path / "books.json"
    run("export", trades, "--table", "books", "--mark", "ABC-USDT=120", "-o", target)
    held = json.loads(target.read_text())
    assert held["rows"][0]["net_quote"] == pytest.approx(160.0, abs=1e-12)
    assert json.loads(held["about"]["conventions"])["marks"] == {"ABC-USDT": 120.0}


def test_a_file_is_replaced_only_by_force(run: Run, trades: Path, tmp_path: Path) -> None:
    target = tmp_path / "fills.csv"
    target.write_text("mine")
    words = ("export", trades, "--table", "fills", "-o", target)
    said = run(*words)
    assert said.code == 2
    assert "is there already; --force replaces it" in said.err
    assert target.read_text() == "mine"
    assert run(*words, "--force").code == 0


def test_the_format_is_said_or_seen(run: Run, trades: Path, tmp_path: Path) -> None:
    words = ("export", trades, "--table", "fills", "-o", tmp_path / "fills")
    assert "add --format csv|json|parquet|xlsx" in run(*words).err
    assert run(*words, "--format", "csv").code == 0


def test_a_table_that_is_none_is_refused_before_anything_is_read(run: Run, tmp_path: Path) -> None:
    said = run("export", "no such file", "--table", "fils", "-o", tmp_path / "x.csv")
    assert said.code == 2
    assert "there is no table 'fils'" in said.err
