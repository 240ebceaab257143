"""Every real file answers in strict JSON, or says clearly why it cannot."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from cli.command_line import Run

FOLDERS = ("hummingbot", "exports", "generated")
UNREADABLE = {
    "hummingbot__hummingbot__my_grid_strike__e69de29.sqlite",  # an empty file in its repository
}
NO_SOURCE = (".expected.json", ".provenance.json", ".venue.json", ".engine.json", ".jsonl")
ANSWERED = 38


def answer_of(text: str) -> dict[str, Any]:
    """The one JSON object of a summary; NaN and infinities are no JSON."""

    def refuse(word: str) -> None:
        pytest.fail(f"{word} in the JSON")

    answer: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return answer


def data_files(shared_data: Path) -> list[Path]:
    return [path for name in FOLDERS for path in sorted((shared_data / name).iterdir())]


def test_every_file_answers_or_says_why_not(shared_data: Path, run: Run) -> None:
    answered, refused = [], []
    for path in data_files(shared_data):
        before = hashlib.sha256(path.read_bytes()).digest()
        said = run("summary", path, "--json")
        assert hashlib.sha256(path.read_bytes()).digest() == before, path.name
        assert "Traceback" not in said.err, path.name
        if said.code == 2:
            refused.append(path.name)
            assert not said.out, f"{path.name}: half an answer with an error"
            assert path.name in said.err, f"{path.name}: {said.err}"
            continue
        answer = answer_of(said.out)
        errors = [f for f in answer["findings"] if f["severity"] == "error"]
        assert said.code == (1 if errors else 0), path.name
        own = {check["verdict"] for check in answer["checks"] if check["is_own"]}
        assert "fail" not in own, (path.name, answer["checks"])
        answered.append(path.name)
    assert len(answered) == ANSWERED
    assert all(name.endswith(NO_SOURCE) or name in UNREADABLE for name in refused)
