"""``fillbook merge`` and ``fillbook checkpoints``, as a person and a program ask them."""

from __future__ import annotations

import json
import os
import pwd
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.command_line import Run
from fillbook.sources.checkpoint_form import read_manifest
from sources.growing import database, snapshots


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FILLBOOK_CHECKPOINTS", raising=False)
    return tmp_path


@pytest.fixture
def bot(tmp_path: Path) -> Path:
    return database(tmp_path / "bot.sqlite", 20)


def test_a_checkpoint_and_its_database_give_the_same_bytes(run: Run, bot: Path) -> None:
    assert run("merge", bot, "-o", "mine").code == 0
    for words in ((), ("--to", "2023-11-14T22:20:00"), ("--capital", "100"), ("--side", "BUY")):
        held, plain = (run("summary", uri, *words, "--json") for uri in ("mine", bot))
        assert held == plain
    assert run("check", "mine", "--json") == run("check", bot, "--json")
    for command in ("execution", "attribution", "risk"):
        assert run(command, "mine", "--json") == run(command, bot, "--json"), command


def test_merge_says_what_it_did(run: Run, bot: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    said = run("merge", bot, tmp_path / "empty.db", "-o", "mine")
    assert said.code == 1
    assert "checkpoints/mine: 1 source added" in said.out
    assert "is empty (0 bytes)" in said.out
    again = run("merge", bot, "-o", "mine")
    assert again.code == 0
    assert "nothing new, nothing written" in again.out
    assert "in it already" in again.out


def test_merge_as_an_object(run: Run, tmp_path: Path) -> None:
    older, newer = snapshots(tmp_path, 5, 9)
    run("merge", older, "-o", "mine")
    said = json.loads(run("merge", newer, tmp_path / "gone.db", "-o", "mine", "--json").out)
    assert said["schema"] == "fillbook.merge/1"
    assert said["is_changed"] is True
    assert (
        [info["uri"] for info in said["added"]] == [info["uri"] for info in said["sources"]] == [str(newer)]
    )
    assert [gone["uri"] for gone in said["absorbed"]] == [str(older)]
    assert said["refused"] == [
        {"uri": str(tmp_path / "gone.db"), "why": "there is no such file", "remedy": "check the path"}
    ]


def test_list_show_verify_delete(run: Run, bot: Path) -> None:
    assert "no checkpoint in checkpoints" in run("checkpoints", "list").out
    run("merge", bot, "-o", "mine")
    assert "mine" in run("checkpoints", "list").out
    listed = json.loads(run("checkpoints", "list", "--json").out)
    assert [(row["checkpoint"], row["rows"]["fills"]) for row in listed["checkpoints"]] == [
        ("checkpoints/mine", 20)
    ]
    assert "checkpoints/mine · 1 source · 20 fills" in run("checkpoints", "show", "mine").out
    shown = json.loads(run("checkpoints", "show", "mine", "--json").out)
    assert shown["bots"] == ["bot"]
    assert shown["period"]["first"] == "2023-11-14T22:13:20+00:00"
    assert run("checkpoints", "verify", "mine").code == 0
    assert run("checkpoints", "delete", "mine", "--yes").code == 0
    assert not Path("checkpoints/mine").exists()
    assert bot.exists()


def test_verify_names_what_is_damaged_and_the_way_out(run: Run, bot: Path) -> None:
    run("merge", bot, "-o", "mine")
    root = Path("checkpoints/mine")
    part = read_manifest(root).sources[0].tables["orders"][0]
    (root / part.path).write_bytes(b"PAR1")
    said = run("checkpoints", "verify", "mine")
    assert said.code == 1
    assert "is damaged" in said.out
    assert f"merge again: {bot}" in said.out
    found = json.loads(run("checkpoints", "verify", "mine", "--json").out)
    assert (found["is_whole"], found["damage"][0]["path"]) == (False, part.path)
    assert run("merge", bot, "-o", "mine").code == 0
    assert run("checkpoints", "verify", "mine").code == 0


def test_a_damaged_one_does_not_hide_the_others(run: Run, bot: Path) -> None:
    run("merge", bot, "-o", "mine")
    run("merge", bot, "-o", "other")
    Path("checkpoints/mine/manifest.json").write_text("{")
    said = run("checkpoints", "list")
    assert said.code == 0
    assert "damaged manifest" in said.out
    for words in (("show", "mine"), ("verify", "mine"), ("show", "nowhere")):
        assert run("checkpoints", *words).code == 2


@contextmanager
def without_rights() -> Iterator[None]:
    """Somebody else for a moment, where the administrator runs the tests: he may do everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may look into."""
    with tempfile.TemporaryDirectory(prefix="fillbook-rights-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_without_rights_it_says_so(run: Run, open_folder: Path) -> None:
    bots = [database(open_folder / f"{name}.sqlite", 4, name) for name in "ab"]
    root, manifest = open_folder / "mine", open_folder / "mine" / "manifest.json"
    assert run("merge", bots[0], "-o", root).code == 0
    before = manifest.read_bytes()
    for path in (root, root / ".lock", root / "raw", root / "tables"):
        path.chmod(0o444 if path.is_file() else 0o555)
    with without_rights():
        said = run("merge", bots[1], "-o", root)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"fillbook: {root} may not be written to by you: chmod")
    assert manifest.read_bytes() == before
    manifest.chmod(0o000)
    with without_rights():
        said = run("checkpoints", "show", root)
    assert said.code == 2
    assert "may not be read by you" in said.err
    for path in (root, root / "raw", root / "tables"):
        path.chmod(0o755)
