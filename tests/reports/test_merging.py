"""Whatever was merged, in whatever order and however often, is what opening the files together gives."""

from __future__ import annotations

import random
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.analysis.overview import overview
from fillbook.errors import BadRequestError, UnreadableSourceError
from fillbook.performance_data_source import PerformanceDataSource, open_data
from fillbook.reports import merging
from fillbook.reports.json import to_json
from fillbook.reports.merging import merge
from fillbook.reports.summary import check_object, summary_object
from fillbook.schema.tables import TABLES
from fillbook.sources.checkpoint_form import read_manifest
from fillbook.sources.checkpoint_writing import locked, verified
from fillbook.testing.databases import write_database
from fillbook.testing.tables import CLOCK
from sources.growing import database, fill, snapshots


def said(data: PerformanceDataSource) -> str:
    """Every number of the answer, every finding, and what became of every row."""
    answer = overview(data)
    return to_json([summary_object(answer, data), check_object(answer, data)])


def bytes_of(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_a_checkpoint_is_its_sources_opened_together(tmp_path: Path) -> None:
    files = [database(tmp_path / f"{name}.sqlite", n, name) for name, n in (("a", 40), ("b", 25))]
    merge(files, tmp_path / "both")
    held, plain = open_data(tmp_path / "both"), open_data(*files)
    assert held.stored is not None
    assert said(held) == said(plain)
    assert held.fingerprint == plain.fingerprint
    for name in TABLES:
        assert held.tables[name].equals(plain.tables[name]), name
        assert held.tables[name].schema == plain.tables[name].schema, name


def test_it_opens_beside_other_files_and_inside_a_folder(tmp_path: Path) -> None:
    first, second = (database(tmp_path / f"{name}.sqlite", 20, name) for name in "ab")
    merge([first], tmp_path / "one")
    assert said(open_data(tmp_path / "one", second)) == said(open_data(first, second))
    first.unlink()  # what it read is in the checkpoint
    held = open_data(tmp_path)
    assert held.stored is None
    assert held.fills.height == 40


def test_a_file_that_is_open_and_in_the_checkpoint_counts_once(tmp_path: Path) -> None:
    bot = database(tmp_path / "bot.sqlite", 20)
    merge([bot], tmp_path / "one")
    held = open_data(bot, tmp_path / "one")
    assert held.fills.height == 20
    assert "same_file" in {finding.rule for finding in held.findings}


def test_more_is_added_to_what_was_opened(tmp_path: Path) -> None:
    first, second = (database(tmp_path / f"{name}.sqlite", 20, name) for name in "ab")
    merge([first], tmp_path / "one")
    grown = open_data(tmp_path / "one", clock=CLOCK).append(*open_data(second, clock=CLOCK).raws)
    assert said(grown) == said(open_data(first, second, clock=CLOCK))


def test_the_same_again_writes_nothing(tmp_path: Path) -> None:
    bot = database(tmp_path / "bot.sqlite", 20)
    merge([bot], tmp_path / "one")
    before = bytes_of(tmp_path / "one")
    again = merge([bot, bot], tmp_path / "one")
    assert (again.is_changed, again.added) == (False, ())
    assert again.known == (str(bot),)
    assert bytes_of(tmp_path / "one") == before


def test_what_is_known_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (database(tmp_path / f"{name}.sqlite", 20, name) for name in "ab")
    merge([first], tmp_path / "one")
    opened: list[str] = []
    real = merging.open_source
    monkeypatch.setattr(merging, "open_source", lambda uri: (opened.append(uri), real(uri))[1])
    merge([first, second], tmp_path / "one")
    assert opened == [str(second)]


@settings(max_examples=8, deadline=None)
@given(order=st.permutations(range(4)), again=st.lists(st.integers(0, 3), max_size=3), seed=st.integers(0, 9))
def test_snapshots_in_any_order_and_repeatedly_are_the_last_alone(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], again: list[int], seed: int
) -> None:
    folder = tmp_path_factory.mktemp("growing")
    sizes = sorted(random.Random(seed).sample(range(1, 40), 4))
    files = snapshots(folder, *sizes)
    for number in (*order, *again):
        merge([files[number]], folder / "held", clock=CLOCK)
    held = open_data(folder / "held", clock=CLOCK)
    assert said(held) == said(open_data(files[-1], clock=CLOCK))
    manifest = read_manifest(folder / "held")
    assert len(manifest.sources) == 1
    assert {gone.into for gone in manifest.absorbed} == {manifest.sources[0].info.sha256}
    assert len(manifest.absorbed) == 3


def test_snapshots_together_and_one_after_another_are_the_same(tmp_path: Path) -> None:
    files = snapshots(tmp_path, 5, 12, 30)
    merge(files, tmp_path / "together")
    assert said(open_data(tmp_path / "together")) == said(open_data(files[-1]))


def test_a_copy_that_was_changed_is_no_snapshot(tmp_path: Path) -> None:
    bot = database(tmp_path / "bot.sqlite", 20)
    rows = [fill(i) for i in range(10)]
    rows[3]["price"] = 1.0
    other = write_database(tmp_path / "other.sqlite", {"TradeFill": rows})
    done = merge([bot, other], tmp_path / "one")
    assert len(done.added) == 2
    assert done.absorbed == ()
    assert said(open_data(tmp_path / "one")) == said(open_data(bot, other))


def test_an_empty_bot_is_not_swallowed_by_another(tmp_path: Path) -> None:
    bot = database(tmp_path / "bot.sqlite", 20)
    idle = write_database(tmp_path / "idle.sqlite", {})
    assert len(merge([bot, idle], tmp_path / "one").added) == 2


def test_two_bots_with_the_same_ids_stay_apart(tmp_path: Path) -> None:
    controller = {"id": "main", "controller_id": 1, "timestamp": 1_700_000_000.0, "type": "generic"}
    files = [
        write_database(tmp_path / name / "data" / "bot.sqlite", {
            "TradeFill": [fill(i, name) for i in range(6)],
            "Controllers": [{**controller, "config": {"controller_name": name}}],
        })
        for name in ("one", "two")
    ]  # fmt: skip
    merge(files, tmp_path / "both")
    held = open_data(tmp_path / "both")
    assert held.controllers.height == 2
    assert held.controllers["bot"].n_unique() == held.fills["bot"].n_unique() == 2
    assert said(held) == said(open_data(*files))


def test_unreadable_files_are_told_and_the_others_merged(tmp_path: Path) -> None:
    bot, empty, text = database(tmp_path / "bot.sqlite", 9), tmp_path / "empty.sqlite", tmp_path / "no.db"
    empty.touch()
    text.write_text("nothing of ours")
    done = merge([bot, empty, text, tmp_path / "gone.sqlite"], tmp_path / "one")
    assert [info.uri for info in done.added] == [str(bot)]
    assert {refused.uri: bool(refused.why and refused.remedy) for refused in done.refused} == {
        str(empty): True, str(text): True, str(tmp_path / "gone.sqlite"): True,
    }  # fmt: skip


def test_where_nothing_is_readable_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSourceError, match="no such file"):
        merge([tmp_path / "gone.sqlite"], tmp_path / "one")
    assert not (tmp_path / "one").exists()


def test_one_merge_at_a_time(tmp_path: Path) -> None:
    bot, root = database(tmp_path / "bot.sqlite", 5), tmp_path / "one"
    with locked(root), pytest.raises(BadRequestError, match="another merge is writing"):
        merge([bot], root)
    merge([bot], root)


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    bot = database(tmp_path / "bots" / "bot.sqlite", 5)
    with pytest.raises(BadRequestError, match="holds other things"):
        merge([bot], bot.parent)
    with pytest.raises(BadRequestError, match="is a file"):
        merge([bot], bot)


def test_a_damaged_source_is_read_anew_when_it_is_merged_again(tmp_path: Path) -> None:
    first, second = (database(tmp_path / f"{name}.sqlite", 20, name) for name in "ab")
    root = tmp_path / "one"
    merge([first, second], root)
    held = next(source for source in read_manifest(root).sources if source.info.uri == str(first))
    (root / held.tables["fills"][0].path).write_bytes(b"PAR1 no more")
    damage = verified(root)[1]
    assert [found.path for found in damage] == [held.tables["fills"][0].path]
    with pytest.raises(UnreadableSourceError, match=f"merge {first} into the checkpoint again"):
        merge([database(tmp_path / "c.sqlite", 3, "c")], root)
    assert merge([first], root).is_changed
    assert verified(root)[1] == ()
    assert said(open_data(root)) == said(open_data(first, second))


def test_damaged_tables_are_made_anew_from_the_sources(tmp_path: Path) -> None:
    bot, root = database(tmp_path / "bot.sqlite", 20), tmp_path / "one"
    merge([bot], root)
    cleaned = read_manifest(root).cleaned
    assert cleaned is not None
    (root / cleaned.tables["fills"][0].path).write_bytes(b"")
    held = open_data(root)
    with pytest.raises(UnreadableSourceError, match="is damaged"):
        _ = held.fills
    assert merge([bot], root).is_changed
    assert said(open_data(root)) == said(open_data(bot))


def test_tables_of_other_code_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bot, root = database(tmp_path / "bot.sqlite", 20), tmp_path / "one"
    merge([bot], root)
    monkeypatch.setattr("fillbook.sources.checkpoint_reading.code_version", lambda: "another")
    held = open_data(root)
    assert held.stored is None
    assert said(held) == said(open_data(bot))


def test_what_lies_in_the_future_is_asked_anew(tmp_path: Path) -> None:
    bot, root = database(tmp_path / "bot.sqlite", 20), tmp_path / "one"
    early = pl.datetime(2023, 11, 10, time_zone="UTC")
    clock = pl.select(early).item()
    merge([bot], root, clock=clock)  # every fill lies more than two days ahead
    assert open_data(bot, clock=clock).fills.is_empty()
    held = open_data(root, clock=CLOCK)
    assert held.stored is None
    assert held.fills.height == 20
    merge([bot], tmp_path / "two", clock=CLOCK)
    assert open_data(tmp_path / "two", clock=clock).fills.is_empty()


def test_what_a_merge_replaced_is_swept_by_the_next_but_one(tmp_path: Path) -> None:
    root = tmp_path / "one"
    for path in snapshots(tmp_path, 3, 6, 9, 12):
        merge([path], root)
        held = open_data(root)
    folders = {f"{path.parent.name}/{path.name}" for path in (*root.glob("raw/*"), *root.glob("tables/*"))}
    named = read_manifest(root).folders()
    assert named < folders
    assert len(folders) == 2 * len(named)  # the last state is kept for whoever has it open
    assert held.fills.height == 12
