"""Kept candles: the venue's own, none asked for twice, and no file that a kill or a flipped bit can spoil."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.errors import UnreadableSourceError
from fillbook.sources.candle_store import (
    GRACE_US,
    SCHEMA,
    SETTLED_US,
    US,
    Kept,
    Market,
    cache_folder,
    candles_of,
    left_of,
    united,
)

MINUTE = 60 * US
MARKET = Market("venue", "binance", "ABC-USDT", 60)
START = int(datetime(2026, 1, 31, 23, tzinfo=UTC).timestamp()) * US  # an hour before a month's end
NOW = START + 40 * SETTLED_US


class Venue:
    """An exchange with some minutes without a trade, which gives few candles at once and counts what is asked."""

    def __init__(self, gaps: set[int] = frozenset(), at_once: int = 1_000, first: int = START) -> None:
        self.gaps, self.at_once, self.first = gaps, at_once, first
        self.given: list[int] = []
        self.n_asked = 0
        self.fails_after = 10**9

    def candles(self, start: int, end: int) -> pl.DataFrame:
        at = [
            t for t in range(start, end, MINUTE) if t >= self.first and (t - START) // MINUTE not in self.gaps
        ]
        return rows(at)

    def __call__(self, start: int, end: int) -> pl.DataFrame:
        self.n_asked += 1
        if self.n_asked > self.fails_after:
            raise UnreadableSourceError("venue", "is gone")
        found = self.candles(start, end).head(self.at_once)
        self.given += found["at"].to_list()
        return found


def rows(at: list[int]) -> pl.DataFrame:
    price = [100.0 + (t // MINUTE) % 17 for t in at]
    return pl.DataFrame(
        [at, price, [p + 1 for p in price], [p - 1 for p in price], price, [1.0] * len(at), [None] * len(at)],
        schema=SCHEMA,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FILLBOOK_CACHE", str(tmp_path))
    return tmp_path


def asked(venue: Venue, first: int, last: int, now: int = NOW) -> Kept:
    """Candles of minutes `first` to `last` after `START`."""
    return candles_of(MARKET, START + first * MINUTE, START + last * MINUTE, venue, uri="venue", now_us=now)


def minutes(kept: Kept) -> list[int]:
    return [(t - START) // MINUTE for t in kept.rows["at"].to_list()]


_STRETCHES = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 150)), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None)
@given(
    stretches=_STRETCHES, gaps=st.sets(st.integers(0, 450), max_size=60), at_once=st.sampled_from([7, 1000])
)
def test_what_comes_is_the_venues_and_no_candle_is_given_twice(
    tmp_path_factory: pytest.TempPathFactory, stretches: list[tuple[int, int]], gaps: set[int], at_once: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("cache")
        patch.setenv("FILLBOOK_CACHE", str(home))
        venue = Venue(gaps, at_once)
        for first, length in stretches:
            kept = asked(venue, first, first + length)
            assert minutes(kept) == [m for m in range(first, first + length) if m not in gaps]
            truth = venue.candles(START + first * MINUTE, START + (first + length) * MINUTE)
            assert kept.rows.equals(truth)
        assert len(venue.given) == len(set(venue.given))
        n = venue.n_asked
        for first, length in stretches:
            asked(venue, first, first + length)
        assert venue.n_asked == n
        shutil.rmtree(home)


@settings(max_examples=200)
@given(
    stretch=st.tuples(st.integers(0, 40), st.integers(0, 40)),
    covered=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6),
)
def test_stretches_are_sets_of_instants(stretch: tuple[int, int], covered: list[tuple[int, int]]) -> None:
    def instants(parts: list[tuple[int, int]]) -> set[int]:
        return {i for a, b in parts for i in range(a, b)}

    assert instants(united(covered)) == instants(covered)
    assert instants(left_of(stretch, covered)) == instants([stretch]) - instants(covered)
    joined = united(covered)
    assert all(a[1] < b[0] for a, b in pairwise(joined))


def test_a_candle_that_has_not_closed_is_neither_given_nor_kept() -> None:
    venue = Venue()
    now = START + 10 * MINUTE + GRACE_US
    assert minutes(asked(venue, 0, 20, now=now)) == list(range(10))
    assert minutes(asked(venue, 0, 20, now=now + 3 * MINUTE)) == list(range(13))
    assert len(venue.given) == len(set(venue.given)) == 13


def test_an_end_that_may_still_come_is_asked_for_again_and_an_old_one_is_not() -> None:
    venue = Venue(gaps=set(range(5, 60)))
    now = START + 60 * MINUTE
    assert minutes(asked(venue, 0, 50, now=now)) == list(range(5))
    venue.gaps = set()  # the venue was late
    assert minutes(asked(venue, 0, 50, now=now)) == list(range(50))
    quiet = Venue(gaps=set(range(100, 200)))
    asked(quiet, 90, 150)
    n = quiet.n_asked
    asked(quiet, 90, 150)
    assert quiet.n_asked == n


def test_a_market_that_began_later_is_asked_for_once() -> None:
    venue = Venue(first=START + 2_500 * MINUTE)
    assert minutes(asked(venue, 0, 3_000)) == list(range(2_500, 3_000))
    n = venue.n_asked
    asked(venue, 0, 3_000)
    assert venue.n_asked == n


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "words"])
def test_a_damaged_file_is_fetched_anew_and_that_is_said(folder: Path, damage: str) -> None:
    venue = Venue()
    first = asked(venue, 0, 30)
    path = next(folder.rglob("2026-01.parquet"))
    content = path.read_bytes()
    if damage == "words":
        content = content.replace(b"covered", b"coverEd")
    path.write_bytes({"cut": content[:200], "empty": b"", "text": b"no parquet"}.get(damage, content))
    again = asked(venue, 0, 30)
    assert again.rows.equals(first.rows)
    assert [finding.rule for finding in again.findings] == ["cache_damaged"]
    assert not asked(venue, 0, 30).findings


def test_a_flipped_bit_changes_no_candle(folder: Path) -> None:
    venue = Venue()
    first = asked(venue, 0, 30)
    path = next(folder.rglob("2026-01.parquet"))
    content = path.read_bytes()
    n_said = 0
    for place in range(4, len(content), 37):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :])
        again = asked(venue, 0, 30)
        assert again.rows.equals(first.rows), place
        assert {finding.rule for finding in again.findings} <= {"cache_damaged"}
        n_said += len(again.findings)
    assert n_said > 10


def test_what_came_before_a_failure_is_kept_and_the_rest_is_said() -> None:
    venue = Venue()
    venue.fails_after = 2
    kept = asked(venue, 0, 5_000)  # 60 minutes of January, then pieces of 1,000 of February
    assert minutes(kept) == list(range(1_060))
    assert [finding.rule for finding in kept.findings] == ["candles_unfinished"]
    venue.fails_after = 10**9
    assert minutes(asked(venue, 0, 5_000)) == list(range(5_000))
    assert len(venue.given) == len(set(venue.given))


def test_nothing_kept_and_nothing_to_be_had_is_an_error() -> None:
    venue = Venue()
    venue.fails_after = 0
    with pytest.raises(UnreadableSourceError, match="is gone"):
        asked(venue, 0, 10)


def test_candles_of_another_interval_are_refused() -> None:
    def fetch(start: int, _end: int) -> pl.DataFrame:
        return rows([start, start + MINUTE // 2])

    with pytest.raises(UnreadableSourceError, match="another interval than 60 s"):
        candles_of(MARKET, START, START + 10 * MINUTE, fetch, uri="venue", now_us=NOW)


def test_a_folder_that_cannot_be_written_costs_a_finding_and_no_candle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("FILLBOOK_CACHE", str(tmp_path / "file"))
    kept = asked(Venue(), 0, 100)
    assert minutes(kept) == list(range(100))
    assert [finding.rule for finding in kept.findings] == ["cache_not_written"]


def test_no_name_leads_out_of_the_folder(folder: Path) -> None:
    odd = Market("venue", "..", "../../A-B/../C", 60)
    candles_of(odd, START, START + 10 * MINUTE, Venue(), uri="venue", now_us=NOW)
    files = list(folder.rglob("2026-01.parquet"))
    assert [path.parents[3] for path in files] == [folder / "candles" / "venue"]


def test_the_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FILLBOOK_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert cache_folder() == tmp_path / "fillbook"
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache_folder().parts[-3:] == ("Library", "Caches", "fillbook")
