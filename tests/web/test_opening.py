"""Sources opened beside the page: shared, tried anew, watched and stopped."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from fillbook.errors import UnreadableSourceError
from fillbook.testing.databases import write_database
from fillbook.web import opening
from fillbook.web.opening import CancelledError, Opening, Shelf, stamp_of
from web.conftest import fill

WAIT_S = 60.0


def test_what_is_opened_is_the_data(bot: Path) -> None:
    job = Opening((str(bot),))
    assert job.is_done(WAIT_S)
    assert job.error is None
    assert job.data().fills.height == 4
    assert (job.stage, job.share) == ("ready", 1.0)


def test_two_sessions_share_one_opening_until_the_file_changes(bot: Path) -> None:
    shelf = Shelf()
    first = shelf.of((str(bot),))
    assert first.is_done(WAIT_S)
    assert shelf.of((str(bot),)) is first
    bot.unlink()
    write_database(bot, {"TradeFill": [fill(0, "BUY", 1.0)]})
    assert shelf.of((str(bot),)) is not first


def test_a_failed_opening_is_tried_anew(tmp_path: Path) -> None:
    path = tmp_path / "late.sqlite"
    path.write_text("not yet")
    shelf = Shelf()
    failed = shelf.of((str(path),))
    assert failed.is_done(WAIT_S)
    assert isinstance(failed.error, UnreadableSourceError)
    with pytest.raises(UnreadableSourceError):
        failed.data()
    assert shelf.of((str(path),)) is not failed


def test_cancelling_ends_it_at_the_next_step(bot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started, goes_on = threading.Event(), threading.Event()
    real = opening.open_data

    def slow(*uris: str, progress: object) -> object:
        started.set()
        goes_on.wait(WAIT_S)
        return real(*uris, progress=progress)  # type: ignore[arg-type]

    monkeypatch.setattr(opening, "open_data", slow)
    job = Opening((str(bot),))
    assert started.wait(WAIT_S)
    assert not job.is_done()
    job.cancel()
    goes_on.set()
    assert job.is_done(WAIT_S)
    assert isinstance(job.error, CancelledError)


def test_only_the_newest_openings_are_held(tmp_path: Path) -> None:
    shelf = Shelf()
    paths = [write_database(tmp_path / f"{n}.sqlite", {"TradeFill": [fill(0, "BUY", 1.0)]}) for n in range(5)]
    jobs = [shelf.of((str(path),)) for path in paths]
    assert all(job.is_done(WAIT_S) for job in jobs)
    assert shelf.of((str(paths[4]),)) is jobs[4]
    assert shelf.of((str(paths[0]),)) is not jobs[0]


def test_the_stamp_tells_a_file_that_grew_or_went_away(bot: Path) -> None:
    before = stamp_of((str(bot),))
    wal = bot.with_name(bot.name + "-wal")
    wal.write_bytes(b"x")  # what a running bot writes beside it
    assert stamp_of((str(bot),)) != before
    wal.unlink()
    assert stamp_of((str(bot),)) == before
    bot.unlink()
    assert stamp_of((str(bot),)) == ()
