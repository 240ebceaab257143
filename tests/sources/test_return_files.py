"""Benchmarks and peers from files: what is read, and what is refused with its place."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from fillbook.analysis.peers import PEER_COLUMNS, PEERS_SCHEMA
from fillbook.errors import UnreadableSourceError
from fillbook.sources.peer_files import read_peers
from fillbook.sources.return_files import read_returns


def written(folder: Path, text: str | bytes, name: str = "index.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_days_in_any_order_and_empty_cells(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeffDate, Return\n2026-01-03,0.01\n2026-01-01T00:00:00Z,-1\n2026-01-02,\n")
    found = read_returns(path)
    assert found.rows() == [(date(2026, 1, 1), -1.0), (date(2026, 1, 2), None), (date(2026, 1, 3), 0.01)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("day,ret\n2026-01-01,0.1\n", "has the columns day, ret"),
        ("date,return\n", "has no row"),
        ("date,return\n2026-01-01,0.1\n2026-13-01,0.1\n", "line 3: '2026-13-01' is no date"),
        ("date,return\n2026-01-01 12:00,0.1\n", "is a time within a day"),
        ("date,return\n2026-01-01,1 %\n", "line 2: '1 %' is no number"),
        ("date,return\n2026-01-01,-1.5\n", "Returns are fractions, not percent"),
        ("date,return\n2026-01-01,inf\n", "has no end"),
        ("date,return\n2026-01-01,0.1\n2026-01-01,0.2\n", "2026-01-01 more than once"),
        ("", "is empty"),
        (b"\xff\xfe\x00\x01", "A benchmark is a CSV"),
    ],
)  # fmt: skip
def test_what_is_no_benchmark_says_where(tmp_path: Path, text: str | bytes, says: str) -> None:
    with pytest.raises(UnreadableSourceError, match=says):
        read_returns(written(tmp_path, text))


def test_no_file(tmp_path: Path) -> None:
    for read in (read_returns, lambda path: read_peers(path, PEER_COLUMNS, PEERS_SCHEMA)):
        with pytest.raises(UnreadableSourceError):
            read(tmp_path / "none.csv")
        with pytest.raises(UnreadableSourceError):
            read(tmp_path)


def test_peers_as_json_and_as_csv(tmp_path: Path) -> None:
    rows = [{"n_days": 40, "sharpe": 1.5, "label": "mine"}, {"sharpe": None, "net_bps": -2}]
    said = json.dumps({"schema": PEERS_SCHEMA, "rows": rows})
    found = read_peers(written(tmp_path, said, "p.json"), PEER_COLUMNS, PEERS_SCHEMA)
    assert found.to_dict(as_series=False) == {
        "n_days": [40, None],
        "sharpe": [1.5, None],
        "net_bps": [None, -2],
    }
    text = "sharpe,NET_BPS,who\n1.5,,x\n,-2,y\n"
    same = read_peers(written(tmp_path, text, "p.csv"), PEER_COLUMNS, PEERS_SCHEMA)
    assert same.to_dict(as_series=False) == {"sharpe": [1.5, None], "net_bps": [None, -2.0]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"schema": "fillbook.summary/1", "rows": []}', "is no fillbook.peers/1"),
        ('{"schema": "fillbook.peers/1", "rows": []}', "has no rows"),
        ('{"schema": "fillbook.peers/1", "rows": [3]}', "has no rows"),
        ('{"schema": "fillbook.peers/1", "rows": [{"sharpe": "high"}]}', "row 1: 'high' is no number"),
        ('{"schema": "fillbook.peers/1", "rows": [{"sharpe": true}]}', "row 1: True is no number"),
        ('{"schema": "fillbook.peers/1", "rows": [{"sharpe": NaN}]}', "row 1: nan is no number"),
        ("{", "is no JSON"),
        ("name,age\na,3\n", "has none of the columns n_days, sharpe"),
    ],
)
def test_what_is_no_peer_file_says_why(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UnreadableSourceError, match=says):
        read_peers(written(tmp_path, text, "peers"), PEER_COLUMNS, PEERS_SCHEMA)
