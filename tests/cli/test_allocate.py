"""``fillbook allocate``: the terminal, strict JSON equal to the library, and what it refuses."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from cli.command_line import Run
from cli.test_compare import bot, refuse
from fillbook.analysis.allocation import allocate
from fillbook.performance_data_source import open_data


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(9)
    return [bot(tmp_path, f"bot{i}", rng.normal(0.2, 1.0 + i, 60).round(2).tolist()) for i in range(3)]


def test_the_terminal_says_first_whether_it_would_have_helped(run: Run, three: list[Path]) -> None:
    pytest.importorskip("skfolio")
    said = run("allocate", *three, "--capital", "100")
    assert said.code == 0, said.err
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert lines[0].startswith("Nothing beats equal weights: on 30 days")
    assert "Equal weights 33 % 33 % 33 %" in lines
    assert any("never an order" in line for line in lines)


def test_json_is_strict_and_equals_the_library(run: Run, three: list[Path]) -> None:
    pytest.importorskip("skfolio")
    words = [w for path in three for w in ("--capital", f"{path.stem}=100")]
    said = json.loads(run("allocate", *three, *words, "--json").out, parse_constant=refuse)
    answer = allocate(open_data(*three), capital={path.stem: 100.0 for path in three})
    assert said["schema"] == "fillbook.allocate/1"
    assert [row["weight"] for row in said["weights"]] == answer.weights["weight"].to_list()
    assert [row["low"] for row in said["out_of_sample"]] == answer.out_of_sample["low"].to_list()
    assert said["winners"] == list(answer.winners)
    assert (said["n_days"], said["n_unseen"], said["capital"]) == (60, 30, 300.0)


def test_what_is_missing_is_said_and_is_no_error(run: Run, three: list[Path]) -> None:
    said = run("allocate", *three, "--capital", "bot0=100")
    assert said.code == 0
    assert said.out.startswith("There is no suggestion: no capital declared (")
    lone = json.loads(run("allocate", three[0], "--capital", "100", "--json").out, parse_constant=refuse)
    assert (lone["status"], lone["reason"], lone["weights"]) == ("unavailable", "few_bots", [])


def test_without_skfolio_it_names_the_command(
    run: Run, three: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "skfolio", None)
    said = run("allocate", *three, "--capital", "100")
    assert said.code == 2
    assert 'pip install "fillbook[portfolio]"' in said.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--capital", "bot0"], "--capital is an amount or NAME=AMOUNT"),
        (["--capital", "nobody=1"], "capital of nobody"),
        (["--cap", "0"], "the largest weight is above 0"),
    ],
)
def test_what_it_refuses(run: Run, three: list[Path], words: list[str], says: str) -> None:
    said = run("allocate", *three, *words)
    assert (said.code, says in said.err) == (2, True)
