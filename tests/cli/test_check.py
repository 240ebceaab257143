import json
from pathlib import Path

from cli.command_line import Run


def test_findings_lineage_and_checks(run: Run, trades: Path) -> None:
    said = run("check", trades)
    assert said.code == 0
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert lines[0].startswith("findings: ")
    assert "0 fills 2 0 0 2 0" in lines  # file, table, read, duplicates, quarantined, kept, repaired
    assert any(line.startswith("pass Realised + unrealised is cash") for line in lines)


def test_a_quarantined_row_is_named_with_its_place_and_the_way_out(run: Run, bad_trades: Path) -> None:
    said = run("check", bad_trades)
    assert said.code == 1
    assert "error fills.zero_price" in said.out
    assert f"where: {bad_trades} rows 2" in said.out
    assert "way out:" in said.out


def test_json(run: Run, bad_trades: Path) -> None:
    answer = json.loads(run("check", bad_trades, "--json").out)
    assert answer["schema"] == "fillbook.check/1"
    [fills] = [table for table in answer["lineage"] if table["table"] == "fills"]
    assert (fills["read"], fills["kept"], fills["quarantined"]) == (2, 1, 1)
    [error] = [found for found in answer["findings"] if found["severity"] == "error"]
    assert (error["rule"], error["rows"]) == ("zero_price", [2])
