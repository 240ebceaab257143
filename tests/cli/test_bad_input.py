"""Whatever is wrong with a file: a clear word, an honest code, and not a byte of it changed."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cli.command_line import Run
from fillbook.testing.databases import write_database

AT_MS = 1_700_000_000_000


def fill(number: int, **more: object) -> dict[str, object]:
    return {
        "market": "binance", "symbol": "ABC-USDT", "base_asset": "ABC", "quote_asset": "USDT",
        "timestamp": AT_MS + 1_000 * number, "order_id": f"o{number}", "exchange_trade_id": f"t{number}",
        "trade_type": "BUY" if number % 2 else "SELL", "price": 100.0 + number % 7, "amount": 2.0,
        "trade_fee": {"percent": 0.001, "percent_token": None, "flat_fees": []}, **more,
    }  # fmt: skip


@pytest.fixture
def bot(tmp_path: Path) -> Path:
    """A healthy database of 400 fills."""
    return write_database(tmp_path / "bot.sqlite", {"TradeFill": [fill(n) for n in range(400)]})


@contextmanager
def unchanged(folder: Path) -> Iterator[None]:
    """Every file of a folder, by name and bytes, before and after."""

    def seen() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}

    before = seen()
    yield
    assert seen() == before


def summary(run: Run, path: Path) -> tuple[int, dict[str, Any] | None, str]:
    """Exit code, answer if there is one, and what was said to the user."""

    def refuse(word: str) -> None:
        pytest.fail(f"{word} in the JSON")

    with unchanged(path if path.is_dir() else path.parent):
        said = run("summary", path, "--json")
    assert "Traceback" not in said.err
    return said.code, json.loads(said.out, parse_constant=refuse) if said.out else None, said.err


def rules(answer: dict[str, Any] | None) -> set[str]:
    assert answer is not None
    return {finding["rule"] for finding in answer["findings"]}


def execute(path: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql, values)


NOTHING: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "empty": ("bot.sqlite", lambda path: path.write_bytes(b""), "empty (0 bytes)"),
    "text named like a database": (
        "bot.sqlite",
        lambda path: path.write_text("hello"),
        "is not a SQLite database",
    ),
    "binary noise": (
        "bot.sqlite",
        lambda path: path.write_bytes(random.Random(1).randbytes(5_000)),
        "is not a SQLite database",
    ),
    "a head and no more": ("bot.sqlite", lambda path: path.write_bytes(b"SQLite format 3\0"), "bot.sqlite"),
    "no tables": ("bot.sqlite", lambda path: execute(path, "CREATE TABLE birds (name TEXT)"), "birds"),
    "JSON that does not parse": (
        "checkpoint.json",
        lambda path: path.write_text('{"executors": '),
        "not JSON",
    ),
    "JSON of something else": (
        "checkpoint.json",
        lambda path: path.write_text('{"a": 1}'),
        "not a Hummingbot",
    ),
    "a folder without data": ("bots", lambda path: path.mkdir(), "bots"),
    "nothing at all": ("nowhere.sqlite", lambda _path: None, "nowhere.sqlite"),
}


@pytest.mark.parametrize("what", NOTHING)
def test_what_cannot_be_read_is_named(run: Run, tmp_path: Path, what: str) -> None:
    name, make, word = NOTHING[what]
    make(tmp_path / name)
    code, answer, said = summary(run, tmp_path / name)
    assert (code, answer) == (2, None)
    assert name in said.replace("\n", "")
    assert word in " ".join(said.split())


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may read everything")
def test_no_permission_is_said(run: Run, bot: Path) -> None:
    bot.chmod(0)
    said = run("summary", bot)
    assert (said.code, "permission" in said.err) == (2, True)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_cut_file_is_an_error_or_says_what_is_lost(run: Run, bot: Path, kept: float) -> None:
    whole = bot.read_bytes()
    bot.write_bytes(whole[: int(len(whole) * kept)])
    code, answer, said = summary(run, bot)
    assert code in (1, 2)
    assert "bot.sqlite" in said if code == 2 else "damaged_table" in rules(answer)


def test_a_schema_that_is_no_text_is_damage(run: Run, bot: Path) -> None:
    bot.write_bytes(bot.read_bytes().replace(b'CREATE TABLE "TradeFill" (', b'CREATE \xa8BLE "TradeFill" ('))
    code, answer, said = summary(run, bot)
    assert (code, answer) == (2, None)
    assert "is damaged" in " ".join(said.split())


@pytest.mark.parametrize("seed", range(10))
def test_a_parquet_file_with_a_hole_is_read_or_said(run: Run, tmp_path: Path, seed: int) -> None:
    path = tmp_path / "candles_binance_ABC-USDT_1m.parquet"
    chance = random.Random(seed)
    n = 5_000
    prices = [100.0 + chance.random() for _ in range(n)]
    times = [AT_MS + 60_000 * i for i in range(n)]
    rows = {"timestamp": times, **dict.fromkeys(("open", "high", "low", "close", "volume"), prices)}
    pl.DataFrame(rows).write_parquet(path)
    whole = bytearray(path.read_bytes())
    start = chance.randrange(len(whole) - 200)
    whole[start : start + 200] = bytes(200)
    path.write_bytes(bytes(whole))
    code, _, said = summary(run, path)
    assert code in (0, 1) or "Parquet" in said or "candle" in said


@pytest.mark.parametrize("seed", range(25))
def test_flipped_bits_never_go_unsaid(run: Run, bot: Path, seed: int) -> None:
    """A page overwritten: rows are lost with an error, or what is read is still exact."""
    whole = bytearray(bot.read_bytes())
    chance = random.Random(seed)
    page = 4096 * chance.randrange(1, len(whole) // 4096)
    whole[page : page + 64] = chance.randbytes(64)
    bot.write_bytes(bytes(whole))
    code, answer, _said = summary(run, bot)
    if code == 0:
        assert answer is not None
        n = answer["metrics"]["n_fills"]["value"]
        assert n == 400 or "damaged_table" in rules(answer)


def test_mixed_types_lose_the_row_not_the_answer(run: Run, bot: Path) -> None:
    execute(bot, "UPDATE TradeFill SET price = 'a lot' WHERE order_id = 'o7'")
    code, answer, _ = summary(run, bot)
    assert code == 1
    assert answer is not None
    assert answer["metrics"]["n_fills"]["value"] == 399
    (finding,) = [f for f in answer["findings"] if f["severity"] == "error"]
    assert finding["n_rows"] == 1
    assert "bot.sqlite" in json.dumps(finding)


@pytest.mark.parametrize(("word", "rule"), [("HOLD", "unknown_side"), ("RANGE", "lp_trade")])
def test_a_side_that_is_none_is_no_pool_trade(run: Run, bot: Path, word: str, rule: str) -> None:
    execute(bot, "UPDATE TradeFill SET trade_type = ? WHERE order_id = 'o7'", word)
    _, answer, _ = summary(run, bot)
    assert answer is not None
    assert answer["metrics"]["n_fills"]["value"] == 399
    assert {f["rule"] for f in answer["findings"] if f["rows"] == [8]} - {"unreadable_value"} == {rule}


def test_a_fee_that_does_not_parse_is_unknown_not_zero(run: Run, bot: Path) -> None:
    execute(bot, "UPDATE TradeFill SET trade_fee = '{\"percent\": ' WHERE order_id = 'o7'")
    _, answer, _ = summary(run, bot)
    assert answer is not None
    assert answer["metrics"]["n_fills"]["value"] == 400
    assert answer["metrics"]["net_pnl"]["status"] == "partial"
    assert rules(answer) & {"fees_unknown", "fee_unconverted", "unreadable_value"}


ODD_FEES = {
    "no JSON": "{broken",
    "a list": "[]",
    "nothing": "null",
    "a percent that is no number": '{"percent": "much", "flat_fees": []}',
    "fees that are no list": '{"percent": "0", "flat_fees": "none"}',
    "an amount that is no number": '{"percent": "0", "flat_fees": [{"token": "USDT", "amount": "much"}]}',
    "a second fee that is none": (
        '{"percent": "0", "flat_fees": [{"token": "USDT", "amount": "0.2"}, {"token": "BNB", "amount": "x"}]}'
    ),
    "a list of words": '{"percent": "0", "flat_fees": ["a", "b"]}',
    "a fee of no token": '{"percent": "0", "flat_fees": [{"token": null, "amount": "0.2"}]}',
}


@pytest.mark.parametrize("what", ODD_FEES)
def test_a_fee_that_is_not_understood_is_unknown_not_zero(run: Run, bot: Path, what: str) -> None:
    # the bot recorded nothing in quote either, so the fee is not known at all
    execute(bot, "UPDATE TradeFill SET trade_fee = ? WHERE order_id = 'o7'", ODD_FEES[what])
    code, answer, _ = summary(run, bot)
    assert code == 1
    assert answer is not None
    assert answer["metrics"]["n_fills"]["value"] == 400
    assert "fee_unconverted" in answer["metrics"]["net_pnl"]["reasons"]
    (finding,) = [f for f in answer["findings"] if f["rule"] == "unreadable_value"]
    assert (finding["rows"], finding["n_rows"]) == ([8], 1)


def test_json_of_an_executor_that_does_not_parse_is_said(run: Run, tmp_path: Path) -> None:
    executor = {
        "id": "e1", "timestamp": AT_MS / 1000, "type": "position_executor", "config": {}, "custom_info": {},
        "net_pnl_quote": 0.0, "cum_fees_quote": 0.0, "filled_amount_quote": 0.0, "controller_id": "main",
    }  # fmt: skip
    controller = {"id": "main", "controller_id": 1, "timestamp": 0.0, "type": "generic", "config": {}}
    tables = {"TradeFill": [fill(1)], "Executors": [executor], "Controllers": [controller]}
    path = write_database(tmp_path / "bot.sqlite", tables)
    execute(path, "UPDATE Executors SET config = '{oops', custom_info = '['")
    execute(path, "UPDATE Controllers SET config = 'x'")
    _, answer, _ = summary(run, path)
    assert answer is not None
    said = {(f["table"], f["message"]) for f in answer["findings"] if f["rule"] == "unreadable_value"}
    assert said == {
        ("executors", "1 cell of config not readable, first '{oops'"),
        ("executors", "1 cell of custom_info not readable, first '['"),
        ("controllers", "1 cell of config not readable, first 'x'"),
    }


@pytest.mark.parametrize(
    ("table", "column"), [("TradeFill", "price"), ("TradeFill", "trade_fee"), ("Order", "amount")]
)
def test_a_column_that_is_not_there_is_named(run: Run, tmp_path: Path, table: str, column: str) -> None:
    order = {**fill(1), "id": "o1", "creation_timestamp": AT_MS, "last_update_timestamp": AT_MS}
    path = write_database(tmp_path / "bot.sqlite", {"TradeFill": [fill(1)], "Order": [order]})
    execute(path, f'ALTER TABLE "{table}" RENAME COLUMN {column} TO other')
    code, answer, said = summary(run, path)
    assert (code, answer) == (2, None)
    assert f"table {table} has no column {column}" in " ".join(said.split())


def test_fills_kept_out_make_the_figures_partial(run: Run, bot: Path) -> None:
    execute(bot, "UPDATE TradeFill SET price = 0 WHERE order_id IN ('o7', 'o8')")
    said = run("summary", bot, "--json", "--mark", "ABC-USDT=100")
    answer = json.loads(said.out)
    for key in ("net_pnl", "volume", "n_fills", "fees"):
        assert answer["metrics"][key]["status"] == "partial", key
        assert answer["metrics"][key]["reasons"] == ["fills_quarantined"], key
    assert answer["books"][0]["reasons"] == ["fills_quarantined"]
    assert answer["trust"] == "the book balances; 2 fills quarantined, 2 of unknown value"
    later = run("summary", bot, "--json", "--mark", "ABC-USDT=100", "--from", "2023-11-14T22:14:00")
    assert json.loads(later.out)["metrics"]["net_pnl"]["status"] == "ok"  # they lie before


def test_without_fills_there_is_nothing_to_balance(run: Run, tmp_path: Path) -> None:
    path = write_database(tmp_path / "bot.sqlite", {})
    code, answer, _ = summary(run, path)
    assert answer is not None
    assert (code, answer["trust"]) == (0, "nothing to balance")


@pytest.mark.parametrize("name", ["a" * 300 + ".sqlite", "~nobody_of_this_name/bot.sqlite"])
@pytest.mark.parametrize("command", ["summary", "serve"])
def test_a_path_that_leads_nowhere_is_said(run: Run, name: str, command: str) -> None:
    said = run(command, name)
    assert said.code == 2
    assert name[:60] in said.err


def test_a_name_that_is_not_utf8_is_said(run: Run, bot: Path) -> None:
    odd = os.fsencode(bot.parent) + b"/bad\xff.sqlite"
    bot.rename(os.fsdecode(odd))
    said = run("summary", os.fsdecode(odd))
    assert said.code == 2
    assert "not UTF-8" in said.err


def test_text_that_is_no_utf8_is_read_and_said(run: Run, bot: Path) -> None:
    execute(bot, "UPDATE TradeFill SET order_id = CAST(x'ff6f37' AS TEXT) WHERE order_id = 'o7'")
    code, answer, _ = summary(run, bot)
    assert code in (0, 1)
    assert answer is not None
    assert answer["metrics"]["n_fills"]["value"] == 400 or rules(answer) & {
        "unreadable_value",
        "damaged_table",
    }


@pytest.mark.parametrize("stamp", [0, 7, -5, 9_999_999_999_999, 2**63 - 1, -(2**63)])
def test_times_out_of_this_world_are_put_aside(run: Run, bot: Path, stamp: int) -> None:
    execute(bot, "UPDATE TradeFill SET timestamp = ? WHERE order_id = 'o7'", stamp)
    code, answer, _ = summary(run, bot)
    assert code == 1
    assert answer is not None
    assert answer["metrics"]["n_fills"]["value"] == 399
    assert answer["period"]["start"].startswith("2023-11-14")


def test_a_bot_that_writes_is_read_and_not_disturbed(run: Run, bot: Path) -> None:
    """WAL, an open transaction, rows not yet committed: what was committed is the answer."""
    with closing(sqlite3.connect(bot, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("DELETE FROM TradeFill WHERE order_id = 'o0'")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM TradeFill WHERE order_id = 'o1'")
        said = run("summary", bot, "--json")
        answer = json.loads(said.out)
        assert answer["metrics"]["n_fills"]["value"] == 399
        writer.execute("COMMIT")
        assert writer.execute("SELECT count(*) FROM TradeFill").fetchone() == (398,)
        assert writer.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_bot_that_holds_the_lock_is_waited_for_or_said(
    run: Run, bot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fillbook.sources.sqlite_reading._BUSY_MS", 300)
    with closing(sqlite3.connect(bot, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        code, answer, said = summary(run, bot)
        assert (code == 0 and answer is not None) or (code == 2 and "lock" in said)
        writer.execute("ROLLBACK")


def test_one_bad_file_of_several_is_an_error_beside_the_answer(run: Run, bot: Path) -> None:
    (bot.parent / "broken.sqlite").write_bytes(b"SQLite format 3\0" + b"\1" * 5_000)
    code, answer, _ = summary(run, bot.parent)
    assert code == 1
    assert answer is not None
    assert answer["metrics"]["n_fills"]["value"] == 400
    assert any("broken.sqlite" in json.dumps(finding) for finding in answer["findings"])


@pytest.mark.parametrize(
    ("missing", "words", "extra"),
    [
        ("streamlit", ["serve"], "web"),
        ("xlsxwriter", ["export", "--table", "books", "--format", "xlsx", "-o", "books.xlsx"], "excel"),
    ],
)
def test_a_missing_extra_is_named(
    bot: Path, tmp_path: Path, missing: str, words: list[str], extra: str
) -> None:
    """In a Python where the library cannot be imported, the command says what to install."""
    command, *options = words
    code = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv = {['fillbook', command, str(bot), *options]!r};"
        "from fillbook.cli.main import main; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 2, ended.stderr
    assert f"fillbook[{extra}]" in ended.stderr.replace("\n", "")
    assert "Traceback" not in ended.stderr
