"""A server's address on the command line: what may be shown of it, and where it may go."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.command_line import Run
from fillbook.cli.opening import named
from fillbook.cli.serve import readable
from fillbook.errors import UnreadableSourceError
from fillbook.sources.credentials import linkable
from fillbook.testing.databases import write_database

NOWHERE = "postgresql://me:hush-hush@127.0.0.1:1/bots?password=hush-too"


@pytest.mark.parametrize("command", ["summary", "check", "execution", "risk", "attribution", "watch"])
def test_no_command_shows_the_password(run: Run, command: str) -> None:
    words = ["--once"] if command == "watch" else []
    said = run(command, NOWHERE, *words)
    assert said.code == 2
    assert "hush" not in said.out + said.err
    assert "nothing listens there" in said.err


def test_nor_among_several(run: Run, tmp_path: Path) -> None:
    said = run("summary", NOWHERE, NOWHERE + "-2", tmp_path / "gone.sqlite")
    assert said.code == 2
    assert "hush" not in said.out + said.err
    good = write_database(tmp_path / "bot.sqlite", {})
    said = run("check", NOWHERE, good)
    assert "hush" not in said.out + said.err
    assert "nothing listens there" in said.out


def test_sides_of_a_comparison_are_named_without_it() -> None:
    names = named([NOWHERE, NOWHERE.replace("127.0.0.1", "other")])
    assert len(set(names)) == 2
    assert "hush" not in "".join(names)


def test_the_page_is_told_of_files_by_their_whole_path(tmp_path: Path) -> None:
    good = write_database(tmp_path / "bot.sqlite", {})
    assert readable([str(good)]) == [str(good)]
    with pytest.raises(UnreadableSourceError, match="no such file"):
        readable([str(tmp_path / "gone.sqlite")])


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://me:hush@host/db", "postgresql://me@host/db"),
        ("postgresql://host/db?password=hush", "postgresql://host/db"),
        ("postgresql://host/db?password=hush&sslmode=require", "postgresql://host/db?sslmode=require"),
        ("postgresql://me:hu@sh@host/db?a=1&api_token=hush", "postgresql://me@host/db?a=1"),
        ("bots/a:b@c.sqlite", "bots/a:b@c.sqlite"),
    ],
)
def test_an_address_in_a_link_has_no_password(uri: str, shown: str) -> None:
    assert linkable(uri) == shown
