"""Five snapshots of one real bot's database, as it grew over four weeks, are the last of them."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from fillbook.analysis.overview import overview
from fillbook.performance_data_source import PerformanceDataSource, open_data
from fillbook.reports.json import to_json
from fillbook.reports.merging import merge
from fillbook.reports.summary import check_object, summary_object
from fillbook.sources.checkpoint_form import read_manifest
from fillbook.testing.tables import CLOCK

COMMITS = ("13cdb1e", "f925bad", "fd45c2a", "b89a294", "602ea71")
ORDERS = [COMMITS, COMMITS[::-1], *random.Random(2).sample(list(itertools.permutations(COMMITS)), 4)]


def said(data: PerformanceDataSource) -> str:
    answer = overview(data)
    return to_json([summary_object(answer, data), check_object(answer, data)])


@pytest.fixture(scope="module")
def files(shared_data: Path) -> dict[str, Path]:
    folder = shared_data / "hummingbot"
    return {name: next(folder.glob(f"*conf_pure_mm_7__{name}.sqlite")) for name in COMMITS}


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_merged_in_any_order_and_again_they_are_the_last(
    files: dict[str, Path], tmp_path: Path, order: tuple[str, ...]
) -> None:
    for name in (*order, order[2], order[0]):
        merge([files[name]], tmp_path / "held", clock=CLOCK)
    last = open_data(files["602ea71"], clock=CLOCK)
    assert said(open_data(tmp_path / "held", clock=CLOCK)) == said(last)
    manifest = read_manifest(tmp_path / "held")
    assert [source.info.sha256 for source in manifest.sources] == [file.sha256 for file in last.lineage.files]
    assert len(manifest.absorbed) == 4


def test_merged_together_they_are_the_last(files: dict[str, Path], tmp_path: Path) -> None:
    merge(files.values(), tmp_path / "held", clock=CLOCK)
    assert said(open_data(tmp_path / "held", clock=CLOCK)) == said(open_data(files["602ea71"], clock=CLOCK))


def test_every_real_file_merged_is_every_real_file_opened(shared_data: Path, tmp_path: Path) -> None:
    done = merge([shared_data / "hummingbot", shared_data / "exports"], tmp_path / "held", clock=CLOCK)
    plain = open_data(*(source.info.uri for source in done.manifest.sources), clock=CLOCK)
    assert said(open_data(tmp_path / "held", clock=CLOCK)) == said(plain)
