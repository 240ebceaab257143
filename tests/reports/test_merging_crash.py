"""A merge that dies, or a disk that is full: the checkpoint is what it was, and the next merge completes it.

``FILLBOOK_KILLS=200`` kills more often.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fillbook.analysis.overview import overview
from fillbook.performance_data_source import open_data
from fillbook.reports.json import to_json
from fillbook.reports.merging import merge
from fillbook.reports.summary import summary_object
from fillbook.sources.checkpoint_writing import verified
from sources.growing import database, snapshots

KILLS = int(os.environ.get("FILLBOOK_KILLS", "12"))
CHILD = """
import sys
from pathlib import Path
from fillbook.errors import FillbookError
from fillbook.reports.merging import merge
from fillbook.warm import warm
warm()
print("ready", flush=True)
if sys.argv[1] != "0":
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), -1))
sys.stdin.readline()
try:
    merge(sys.argv[3:], Path(sys.argv[2]))
except FillbookError as error:
    sys.exit(f"refused: {error}")
"""


def child(root: Path, files: list[Path], largest_file: int = 0) -> subprocess.Popen[str]:
    """A process that is about to merge, and starts when it is told to."""
    words = [sys.executable, "-c", CHILD, str(largest_file), str(root), *map(str, files)]
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def begin(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def said(*uris: Path) -> str:
    data = open_data(*uris)
    return to_json(summary_object(overview(data), data))


def test_killed_at_any_moment_it_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    old, new = snapshots(tmp_path, 400, 3_000)
    other = database(tmp_path / "other.sqlite", 1_500, "b")
    held, root = tmp_path / "held", tmp_path / "root"
    merge([old], held)
    before, after = said(old), said(new, other)
    shutil.copytree(held, root)
    process, start = child(root, [new, other]), time.monotonic()
    begin(process)
    assert process.wait() == 0
    whole_s = time.monotonic() - start
    assert said(root) == after
    rng, seen = random.Random(6), []
    for _ in range(KILLS):
        shutil.rmtree(root)
        shutil.copytree(held, root)
        process = child(root, [new, other])
        begin(process)
        time.sleep(rng.uniform(0.0, 1.1 * whole_s))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert verified(root)[1] == ()
        found = said(root)
        assert found in (before, after)
        seen.append(found == after)
        merge([new, other], root)
        assert said(root) == after
        assert verified(root)[1] == ()
    assert not all(seen)


def test_killed_in_its_first_merge_it_is_no_checkpoint_and_then_one(tmp_path: Path) -> None:
    bot, root = database(tmp_path / "bot.sqlite", 3_000), tmp_path / "root"
    process = child(root, [bot])
    begin(process)
    while not (root / "raw").exists():
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    merge([bot], root)
    assert verified(root)[1] == ()
    assert said(root) == said(bot)


@pytest.mark.parametrize("largest_file", [2_000, 20_000, 60_000])
def test_a_full_disk_leaves_the_old_one(tmp_path: Path, largest_file: int) -> None:
    old, new = snapshots(tmp_path, 100, 6_000)
    root = tmp_path / "root"
    merge([old], root)
    process = child(root, [new], largest_file)
    begin(process)
    _, error = process.communicate()
    assert process.returncode == 1
    assert error.strip().startswith(f"refused: {root} cannot be written")
    assert "what it held before is whole" in error
    assert verified(root)[1] == ()
    assert said(root) == said(old)
    merge([new], root)
    assert said(root) == said(new)
