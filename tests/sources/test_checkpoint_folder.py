"""A checkpoint that is damaged, newer, or not ours says so, and what to do."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbook.errors import BadRequestError, UnreadableSourceError
from fillbook.performance_data_source import open_data
from fillbook.reports.merging import merge
from fillbook.sources import checkpoint_form, checkpoint_writing
from fillbook.sources.base import expand, open_source
from fillbook.sources.checkpoint_form import (
    checkpoints_home,
    folder_of,
    is_checkpoint,
    read_manifest,
    sealed,
    unsealed,
)
from fillbook.sources.checkpoint_writing import delete, listed, verified
from sources.growing import database


@pytest.fixture
def held(tmp_path: Path) -> Path:
    """A checkpoint of one bot."""
    root = tmp_path / "held"
    merge([database(tmp_path / "bots" / "bot.sqlite", 12)], root)
    return root


def test_every_way_in_names_a_damaged_manifest(held: Path) -> None:
    manifest = held / "manifest.json"
    whole = manifest.read_text()
    for text in ("", "{", whole[:-40], whole.replace('"fills"', '"spills"', 1), "[1]", '{"a": 1}'):
        manifest.write_text(text)
        for ask in (read_manifest, verified, open_data, lambda root: merge([root], root)):
            with pytest.raises(UnreadableSourceError, match=r"manifest|not a checkpoint") as said:
                ask(held)
            assert said.value.remedy
    manifest.write_text(whole)
    assert verified(held)[1] == ()


@given(content=st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8,
))  # fmt: skip
def test_what_is_sealed_comes_back(tmp_path_factory: pytest.TempPathFactory, content: object) -> None:
    path = tmp_path_factory.mktemp("seal") / "file.json"
    path.write_text(sealed(content))
    assert unsealed(path, "it") == content


def test_no_flipped_byte_is_read_as_a_number(held: Path) -> None:
    rng = random.Random(3)
    plain = open_data(held)
    expected = {name: plain.tables[name] for name in plain.tables}
    files = [path for path in held.rglob("*") if path.is_file() and path.stat().st_size]
    for path in files:
        before = path.read_bytes()
        place = rng.randrange(len(before))
        path.write_bytes(
            before[:place] + bytes([before[place] ^ (1 << rng.randrange(8))]) + before[place + 1 :]
        )
        try:
            data = open_data(held)
            assert all(data.tables[name].equals(expected[name]) for name in expected)
        except UnreadableSourceError as error:
            assert error.why  # noqa: PT017
        path.write_bytes(before)


def test_a_newer_version_is_refused(held: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint_form, "FORMAT", 2)
    content = unsealed(held / "manifest.json", "it")
    (held / "manifest.json").write_text(sealed(content))
    monkeypatch.undo()
    with pytest.raises(UnreadableSourceError, match=r"newer fillbook .format 2, this one reads 1"):
        open_data(held)
    with pytest.raises(UnreadableSourceError, match="newer fillbook"):
        merge([held.parent / "bots"], held)


def test_a_missing_file_is_named(held: Path) -> None:
    part = read_manifest(held).sources[0].tables["fills"][0]
    (held / part.path).unlink()
    with pytest.raises(UnreadableSourceError, match=part.path):
        open_data(held)
    assert [(found.path, found.why) for found in verified(held)[1]] == [(part.path, "is not there")]


def test_a_damaged_checkpoint_among_others_is_a_finding(held: Path) -> None:
    (held / "manifest.json").write_text("{")
    data = open_data(held.parent)
    assert data.fills.height == 12
    assert [f.message for f in data.findings if f.rule == "unreadable_source"] == [
        "has a damaged manifest.json"
    ]


def test_files_of_a_checkpoint_are_not_taken_one_by_one(held: Path) -> None:
    found = expand(str(held.parent))
    assert [Path(path).name for path in found] == ["bot.sqlite", "source.json"]
    assert found[1:] == expand(str(held))
    with pytest.raises(UnreadableSourceError, match="open its folder"):
        open_source(str(held / "manifest.json")).read()


def test_a_name_stands_for_a_checkpoint(held: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert checkpoints_home() == Path("checkpoints")
    merge([held], folder_of("mine"))
    assert is_checkpoint(tmp_path / "checkpoints" / "mine")
    assert open_data("mine").fills.height == 12
    assert [root.name for root in listed()] == ["mine"]
    monkeypatch.setenv("FILLBOOK_CHECKPOINTS", str(tmp_path))
    assert [root.name for root in listed()] == ["held"]
    assert folder_of("held") == held.relative_to(tmp_path)  # as it lies there


def test_deleting_removes_what_is_ours_alone(held: Path) -> None:
    (held / "notes.txt").write_text("mine")
    delete(held)
    assert [path.name for path in held.iterdir()] == ["notes.txt"]
    with pytest.raises(BadRequestError, match="no checkpoint; nothing was removed"):
        delete(held.parent / "bots")
    assert (held.parent / "bots" / "bot.sqlite").exists()


def test_what_the_file_system_refuses_is_one_clear_error(held: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = database(held.parent / "bots" / "other.sqlite", 5, "b")
    before = (held / "manifest.json").read_bytes()

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(checkpoint_writing, "_write", refuse)
    with pytest.raises(BadRequestError, match="may not be written to by you: chmod"):
        merge([other], held)
    assert (held / "manifest.json").read_bytes() == before
    assert json.loads(before)["fillbook"] == "checkpoint"
