"""Addresses: which files lie behind one, which source reads them, and whose bot they are."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from fillbook.errors import UnreadableSourceError
from fillbook.performance_data_source import open_data
from fillbook.sources.base import bot_name, checked_path, expand, is_by_product, open_source, sha256_of
from fillbook.testing.databases import write_database, write_large_database
from sources.rows import execute

TRADES = "market,symbol,timestamp,order_id,trade_type,price,amount\n"
EXPORT = "Id,Timestamp,Exchange,Market,Order_type,Side,Price,Amount,Leverage,Position,Age\n"
CANDLES = "timestamp,open,high,low,close,volume\n"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("conf_pmm_1.sqlite", "conf_pmm_1"),
        ("bots/instances/maker-1/data/conf.sqlite", "maker-1"),
        ("/x/bots/archived/old-20251015-155015/data/a.sqlite", "old-20251015-155015"),
        ("bots/instances/conf.sqlite", "conf"),
        ("instances/maker-1/conf.sqlite", "conf"),
        ("bots/data/checkpoint_1.sqlite", "checkpoint_1"),
    ],
)
def test_a_bot_is_called_after_its_instance(path: str, name: str) -> None:
    if path == "bots/instances/conf.sqlite":
        pytest.xfail("a database straight below bots/instances is called after the whole file name")
    assert bot_name(Path(path)) == name


def test_the_hash_is_that_of_all_bytes(tmp_path: Path) -> None:
    path = tmp_path / "large"
    content = bytes(range(256)) * 10_000  # 2.56 MB: more than one piece
    path.write_bytes(content)
    assert sha256_of(path) == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("name", "why"), [("gone", "no such file"), ("folder", "is a folder"), ("empty", "is empty")]
)
def test_paths_that_hold_nothing_to_read(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    with pytest.raises(UnreadableSourceError, match=why) as failed:
        checked_path(str(tmp_path / name))
    assert failed.value.uri == str(tmp_path / name)
    assert failed.value.remedy


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("trades.csv", TRADES, "TradesCsv"),
        ("TRADES.CSV", TRADES.upper(), "TradesCsv"),
        ("bom.csv", "\ufeff" + TRADES, "TradesCsv"),
        ("export.csv", EXPORT, "TradesCsv"),
        ("candles.csv", CANDLES, "CandleFile"),
        ("daily.csv", "Date,Close\n", "CandleFile"),
        ("checkpoint.json", '{"trade_fill": "{}"}', "CheckpointFile"),
        ("bot.sqlite", "no database at all", "HummingbotDatabase"),
    ],
)
def test_the_head_of_a_file_finds_its_source(tmp_path: Path, name: str, content: str, kind: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert type(open_source(str(tmp_path / name))).__name__ == kind


def test_a_checkpoint_is_told_from_a_bots_database(tmp_path: Path) -> None:
    bot, both = write_database(tmp_path / "a.sqlite", {}), tmp_path / "b.sqlite"
    execute(both, "CREATE TABLE trades (x)", "CREATE TABLE orders (x)")
    assert type(open_source(str(bot))).__name__ == "HummingbotDatabase"
    assert type(open_source(str(both))).__name__ == "CheckpointFile"


def test_a_database_needs_no_ending(tmp_path: Path) -> None:
    bare = write_database(tmp_path / "database", {})
    assert type(open_source(str(bare))).__name__ == "HummingbotDatabase"


def test_what_nobody_reads_is_said_with_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("when,what\n1,2\n")
    with pytest.raises(UnreadableSourceError, match="neither a Hummingbot database") as failed:
        open_source(str(path))
    assert ".sqlite" in failed.value.remedy


def test_a_folder_is_every_bot_below_it(tmp_path: Path) -> None:
    wanted = [
        "bots/archived/b/data/b.sqlite", "bots/instances/a/data/a.sqlite", "candles/x.parquet", "trades_a.csv",
    ]  # fmt: skip
    left = [
        "a.sqlite-wal",
        "a.sqlite-journal",
        "a.sqlite.new",
        "a.sqlite.backup_20240101-000000",
        "logs/a.log",
        "a.yml",
    ]
    for name in (*wanted, *left):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert expand(str(tmp_path)) == [str(tmp_path / name) for name in wanted]


def test_a_file_is_itself_whether_it_is_there_or_not(tmp_path: Path) -> None:
    assert expand(str(tmp_path / "gone.sqlite")) == [str(tmp_path / "gone.sqlite")]


@pytest.mark.parametrize(
    ("held", "why", "remedy"),
    [
        ("x_archive.tar.gz", "only packed archives", "tar -xzf"),
        ("bot.log", "holds no database", "bots/instances"),
        (None, "holds no", "data"),
    ],
)
def test_a_folder_without_data_says_so(tmp_path: Path, held: str | None, why: str, remedy: str) -> None:
    if held:
        (tmp_path / held).write_bytes(b"x")
    with pytest.raises(UnreadableSourceError, match=why) as failed:
        expand(str(tmp_path))
    assert remedy in failed.value.remedy


@pytest.mark.parametrize(
    ("name", "is_left"),
    [
        ("a.sqlite", False),
        ("a.sqlite-wal", True),
        ("a.sqlite-shm", True),
        ("a.sqlite.backup_1", True),
        ("a.sqlite.new", True),
    ],
)
def test_by_products(name: str, is_left: bool) -> None:
    assert is_by_product(Path(name)) is is_left


def test_json_that_is_no_object_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "number.json"
    path.write_text(json.dumps(17))
    with pytest.raises(UnreadableSourceError, match="neither"):
        open_source(str(path))


def test_reading_says_how_far_it_is_and_can_be_ended(tmp_path: Path) -> None:
    path = write_large_database(tmp_path / "large.sqlite", 70_000)  # several blocks
    shares: list[float] = []
    whole = open_data(path, progress=lambda _stage, share: shares.append(share))
    assert shares == sorted(shares)
    assert len([share for share in shares if 0.0 < share < 0.8]) >= 2
    assert shares[-1] == 1.0
    assert whole.fills.height == 70_000

    class EnoughError(Exception):
        pass

    def enough(_stage: str, share: float) -> None:
        if share > 0.0:
            raise EnoughError

    before = path.read_bytes()
    with pytest.raises(EnoughError):
        open_data(path, progress=enough)
    assert path.read_bytes() == before


def test_an_unknown_scheme_is_said_without_its_password() -> None:
    with pytest.raises(UnreadableSourceError, match=r"scheme gopher://") as failed:
        open_source("gopher://me:hush@host/x")
    assert "hush" not in str(failed.value)


def test_a_file_may_be_named_as_sqlalchemy_does(tmp_path: Path) -> None:
    write_database(tmp_path / "a.sqlite", {})
    assert type(open_source(f"sqlite:///{tmp_path}/a.sqlite")).__name__ == "HummingbotDatabase"
