"""``fillbook candles`` and ``--candles``: what bots need is fetched once, and used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.command_line import Run
from fillbook.testing.databases import write_database
from sources.api_server import PASSWORD, ApiServer, minutes, serving, status
from sources.rows import AT_MS, fill, order

AT = AT_MS / 1000 // 60 * 60


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FILLBOOK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FILLBOOK_SECRETS", str(tmp_path / "none.toml"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ApiServer]:
    (tmp_path / "served").mkdir()
    with serving(tmp_path / "served") as found:
        found.candles = minutes(AT - 86_400 - 1_800, 2 * 1_440 + 60)
        yield found


@pytest.fixture
def bot(tmp_path: Path) -> Path:
    fills = [fill(i, price=100.0 + i) for i in range(1, 4)]
    return write_database(tmp_path / "bot.sqlite", {"TradeFill": fills, "Order": [order()]})


def test_candles_of_the_bots_markets_are_fetched_and_written(
    run: Run, server: ApiServer, bot: Path, tmp_path: Path
) -> None:
    words = ("candles", bot, "--via", server.uri(), "--before", "0.5", "-o", tmp_path / "out", "--json")
    said = run(*words)
    assert said.code == 0, said.err
    (market,) = json.loads(said.out)["markets"]
    assert (market["connector"], market["pair"]) == ("binance", "ABC-USDT")
    assert market["candles"] == 1.5 * 1_440 + 1  # half a day before, a day after, and the minute between
    assert PASSWORD not in said.out + said.err
    n = len(server.asked)
    assert run(*words).code == 0
    assert len(server.asked) == n
    written = tmp_path / "out" / "candles_binance_ABC-USDT_1m.parquet"
    marked = json.loads(run("summary", bot, written, "--json").out)
    fetched = json.loads(run("summary", bot, "--candles", server.uri(), "--json").out)
    assert [book["mark_kind"] for book in marked["books"]] == ["candle"]
    assert [book["mark_kind"] for book in fetched["books"]] == ["candle"]
    assert marked["metrics"] == fetched["metrics"]
    assert PASSWORD not in json.dumps(fetched)


def test_a_market_without_candles_is_said_and_the_answer_stands(
    run: Run, server: ApiServer, bot: Path
) -> None:
    server.always = status(400, "Unsupported connector")
    said = run("candles", bot, "--via", server.uri())
    assert said.code == 1
    assert "Unsupported connector" in said.out
    assert PASSWORD not in said.out + said.err
    answer = json.loads(run("summary", bot, "--candles", server.uri(), "--json").out)
    assert answer["metrics"]["n_fills"]["value"] == 3
    assert "candles_not_fetched" in [finding["rule"] for finding in answer["findings"]]


@pytest.mark.parametrize(("via", "why"), [("http://x", "gives no candles"), ("nobody", "gives no candles")])
def test_a_provider_that_is_none(run: Run, bot: Path, via: str, why: str) -> None:
    for words in (("candles", bot, "--via", via), ("summary", bot, "--candles", via)):
        said = run(*words)
        assert said.code == 2
        assert why in said.err


def test_nothing_traded_needs_no_candles(run: Run, tmp_path: Path) -> None:
    said = run("candles", write_database(tmp_path / "idle.sqlite", {"Order": [order()]}))
    assert said.code == 2
    assert "no candles are needed" in said.err


@pytest.mark.parametrize("command", ["execution", "attribution", "risk"])
def test_an_answer_is_the_same_from_a_file_of_candles_and_from_fetched_ones(
    run: Run, server: ApiServer, bot: Path, tmp_path: Path, command: str
) -> None:
    out = tmp_path / "out"
    assert run("candles", bot, "--via", server.uri(), "-o", out).code == 0
    filed = json.loads(run(command, bot, out, "--json").out)
    fetched = json.loads(run(command, bot, "--candles", server.uri(), "--json").out)
    for answer in (filed, fetched):
        answer.pop("sources")
        answer["findings"] = [(finding["rule"], finding["message"]) for finding in answer["findings"]]
    assert filed == fetched
