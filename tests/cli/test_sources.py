"""``fillbook sources``."""

from __future__ import annotations

import json

from cli.command_line import Run
from fillbook.sources.base import OWN, REMOTE


def test_every_source_is_listed_with_an_example(run: Run) -> None:
    said = run("sources")
    assert said.code == 0
    for name in (*OWN, *REMOTE):
        assert name in said.out
    assert "postgresql://user@host" in said.out


def test_the_list_as_json(run: Run) -> None:
    found = json.loads(run("sources", "--json").out)
    names = [name for source in found for name in (source["name"], *source["also"])]
    assert sorted(names) == sorted({*OWN, *REMOTE})
    keys = {"name", "also", "opens", "example", "package", "extra", "installed", "why"}
    assert all(set(source) == keys and source["opens"] for source in found)
    assert {source["extra"] for source in found if source["name"] == "postgresql"} == {"postgres"}
