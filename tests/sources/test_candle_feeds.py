"""Candles by address over real HTTP: from a Hummingbot API and through ccxt, each asked for once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest

import fillbook
from fillbook.analysis.overview import overview
from fillbook.errors import UnreadableSourceError
from fillbook.performance_data_source import open_data
from fillbook.sources import api_client, ccxt_candles
from fillbook.sources.base import expand, open_source
from fillbook.testing.databases import write_database
from fillbook.testing.sources import Specimen, conforms
from sources.api_server import PASSWORD, ApiServer, content, minutes, serving, status
from sources.rows import AT_MS, fill, order

START = 1_772_323_200.0  # 2026-03-01 00:00:00 UTC
PERIOD = "interval=1m&from=2026-03-01&to=2026-03-02"
QUESTION = "/market-data/historical-candles"


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(api_client, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(ccxt_candles, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setenv("FILLBOOK_SECRETS", str(tmp_path / "none.toml"))
    monkeypatch.setenv("FILLBOOK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ApiServer]:
    (tmp_path / "served").mkdir()
    with serving(tmp_path / "served") as found:
        found.candles = minutes(START, 1_440)
        yield found


def address(server: ApiServer, pair: str = "ABC-USDT", period: str = PERIOD) -> str:
    return server.uri(f"/candles/binance/{pair}", f"retries=2&{period}")


def given(server: ApiServer) -> list[float]:
    """Open times of the candles that were handed out, as often as they were."""
    return [
        row["timestamp"]
        for _, path, asked in server.asked
        if path == QUESTION
        for row in server.candles
        if asked["start_time"] <= row["timestamp"] <= asked["end_time"]
    ]


def test_candles_of_a_day_are_asked_for_once(server: ApiServer) -> None:
    uri = address(server)
    assert expand(uri) == [uri]
    raw = open_source(uri).read()
    candles = raw.tables["candles"]
    assert candles.select(pl.col("connector", "pair").cast(pl.String)).unique().rows() == [
        ("binance", "ABC-USDT")
    ]
    assert (candles.height, raw.info.kind, raw.info.layout) == (
        1_440,
        "candles",
        "candles of 60 s from hummingbot-api",
    )
    first = candles.row(0, named=True)
    assert first["at"].timestamp() == START
    assert (first["open_quote"], first["high_quote"], first["volume_quote"]) == (100.0, 102.0, 1000.0)
    assert {asked["interval"] for *_, asked in server.asked} == {"1m"}
    n = len(server.asked)
    assert open_source(uri).read().tables["candles"].equals(candles)
    assert len(server.asked) == n
    open_source(address(server, period="interval=1m&from=2026-03-01T06:00&to=2026-03-01T07:00")).read()
    assert len(server.asked) == n
    assert len(given(server)) == 1_440
    assert PASSWORD not in raw.info.uri


def test_only_what_is_missing_is_asked_for(server: ApiServer) -> None:
    open_source(address(server, period="interval=1m&from=2026-03-01T06:00&to=2026-03-01T07:00")).read()
    server.asked.clear()
    assert open_source(address(server)).read().tables["candles"].height == 1_440
    asked = [
        (a["start_time"] - START, a["end_time"] + 1 - START) for _, p, a in server.asked if p == QUESTION
    ]
    assert asked == [(0, 6 * 3600), (7 * 3600, 7 * 3600 + 60_000), (7 * 3600 + 60_000, 86_400)]


def test_candles_mark_a_book_and_are_no_bot(server: ApiServer, tmp_path: Path) -> None:
    bot = write_database(tmp_path / "bot.sqlite", {"TradeFill": [fill()], "Order": [order()]})
    server.candles = minutes(AT_MS / 1000 // 60 * 60 - 600, 30)
    uri = address(server, period="from=2022-04-15T05:00&to=2022-04-15T06:00")
    data = open_data(bot, uri)
    answer = overview(data)
    assert answer.books["mark_kind"].cast(pl.String).to_list() == ["candle"]
    assert answer.books["bot"].n_unique() == 1


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("binance/ABCUSDT?from=2026-03-01", "names no exchange and pair"),
        ("binance/ABC-USDT?interval=1m", "does not say from when"),
        ("binance/ABC-USDT?from=soon", "has from=soon, which is no time"),
        ("binance/ABC-USDT?from=2026-03-01&interval=2w", "has the interval 2w"),
        ("binance/ABC-USDT?from=2026-03-02&to=2026-03-01", "names an empty period"),
        ("binance/ABC-USDT?from=2020-03-01&to=2020-03-02", "has no closed candle of ABC-USDT on binance"),
    ],
)
def test_an_address_that_means_no_candles(server: ApiServer, path: str, said: str) -> None:
    with pytest.raises(UnreadableSourceError) as failed:
        open_source(server.uri(f"/candles/{path}", "")).read()
    assert said in str(failed.value)
    assert PASSWORD not in str(failed.value)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (status(400, "Unsupported connector 'binance'"), "answers 400: Unsupported connector 'binance'"),
        (status(504, "too large"), "answers 504 3 times: too large"),
        (content(b"{}"), "no list of candles"),
        (content(b'[{"time": 1}]'), "no timestamp, open, high, low, close in its candles"),
        (
            content(b'[{"timestamp": "x", "open": 1, "high": 1, "low": 1, "close": 1}]'),
            "a candle whose time is none",
        ),
        (
            content(b'[{"timestamp": 1772323205, "open": 1, "high": 1, "low": 1, "close": 1}]'),
            "another interval",
        ),
    ],
)
def test_a_server_that_gives_no_candles(server: ApiServer, fault: Any, said: str) -> None:
    server.always = fault
    with pytest.raises(UnreadableSourceError) as failed:
        open_source(address(server)).read()
    assert said in str(failed.value)


def test_what_is_kept_stays_when_the_server_is_gone(server: ApiServer) -> None:
    open_source(address(server, period="from=2026-03-01&to=2026-03-01T12:00")).read()
    server.always = status(500, "boom")
    raw = open_source(address(server)).read()
    assert raw.tables["candles"].height == 720
    assert [finding.rule for finding in raw.findings] == ["candles_unfinished"]
    assert "boom" in raw.findings[0].message


READ = "import sys; from fillbook.sources.base import open_source; print(open_source(sys.argv[1]).read().tables['candles'].height)"


def started(uri: str) -> subprocess.Popen[str]:
    held = {**os.environ, "PYTHONPATH": str(Path(fillbook.__file__).parents[1]), "POLARS_MAX_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", READ, uri], env=held, stdout=subprocess.PIPE, text=True)


def test_two_programs_at_once_ask_for_each_candle_once(server: ApiServer) -> None:
    both = [started(address(server)) for _ in range(2)]
    assert [int(one.communicate(timeout=120)[0]) for one in both] == [1_440] * 2
    assert len(given(server)) == 1_440


def test_a_program_that_is_killed_leaves_whole_files(server: ApiServer, cache: Path) -> None:
    server.candles = minutes(START - 86_400.0, 4 * 1_440)  # over a month's end: several files
    uri = address(server, period="from=2026-02-28&to=2026-03-04")
    chance = random.Random(7)
    for _ in range(5):
        n, one = len(server.asked), started(uri)
        until = time.monotonic() + 30
        while len(server.asked) == n and one.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(chance.random() * 0.15)
        one.send_signal(signal.SIGKILL)
        one.wait()
    raw = open_source(uri).read()
    assert raw.tables["candles"].height == 4 * 1_440
    assert raw.tables["candles"]["at"].n_unique() == 4 * 1_440
    assert not [finding for finding in raw.findings if finding.rule == "cache_damaged"]
    assert (
        sorted(path.suffix for path in cache.rglob("*") if path.is_file()) == [".lock"] * 2 + [".parquet"] * 2
    )


# ccxt, told by its own options to ask a server here


class Venue(BaseHTTPRequestHandler):
    """Binance's public candles: a spot market and a linear perpetual."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_words: Any) -> None:
        """Nothing is logged."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {k: v[-1] for k, v in parse_qs(parts.query).items()}
        self.server.asked.append((parts.path, asked))
        if self.server.faults:
            code, body = self.server.faults.pop(0)
        elif parts.path.endswith("/exchangeInfo"):
            code, body = 200, {"symbols": [symbol(is_future=parts.path.startswith("/fapi"))]}
        else:
            start, end = int(asked["startTime"]), int(asked.get("endTime", 10**15))
            held = [row for row in self.server.rows if start <= row[0] <= end]
            code, body = 200, held[: int(asked["limit"])]
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def symbol(*, is_future: bool) -> dict[str, Any]:
    filters = [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "minQty": "0.1", "maxQty": "1000", "stepSize": "0.1"},
    ]
    plain = {"symbol": "ABCUSDT", "pair": "ABCUSDT", "status": "TRADING", "baseAsset": "ABC",
             "quoteAsset": "USDT", "filters": filters, "baseAssetPrecision": 8, "quotePrecision": 8}  # fmt: skip
    if is_future:
        return {**plain, "contractType": "PERPETUAL", "marginAsset": "USDT", "deliveryDate": 4133404800000,
                "pricePrecision": 2, "quantityPrecision": 1}  # fmt: skip
    return {**plain, "isSpotTradingAllowed": True, "permissions": ["SPOT"], "orderTypes": ["LIMIT"]}


class VenueServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Venue)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.faults: list[tuple[int, Any]] = []
        self.rows = [
            [int(row["timestamp"] * 1000), *(str(row[k]) for k in ("open", "high", "low", "close", "volume")),
             int(row["timestamp"] * 1000) + 59_999, "1000", 5, "1", "100", "0"]
            for row in minutes(START, 2_880)
        ]  # fmt: skip


@pytest.fixture
def venue() -> Iterator[VenueServer]:
    server = VenueServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def config(venue: VenueServer, tmp_path: Path) -> str:
    base = f"http://127.0.0.1:{venue.server_address[1]}"
    path = tmp_path / "ccxt.json"
    path.write_text(json.dumps({
        "urls": {"api": {"public": f"{base}/api/v3", "fapiPublic": f"{base}/fapi/v1"}},
        "options": {"fetchMarkets": {"types": ["spot", "linear"]}}, "enableRateLimit": False,
        "apiKey": "kEy-5", "secret": "sEcret-5",
    }))  # fmt: skip
    return f"config={path}"


def test_candles_through_ccxt_are_asked_for_once(venue: VenueServer, config: str) -> None:
    uri = f"ccxt://binance/ABC-USDT?interval=1m&from=2026-03-01&to=2026-03-02T12:00&{config}"
    raw = open_source(uri).read()
    candles = raw.tables["candles"]
    assert candles.height == 2_160
    assert candles["at"].to_list()[0].timestamp() == START
    assert candles.select(pl.col("connector", "pair").cast(pl.String)).unique().rows() == [
        ("binance", "ABC-USDT")
    ]
    assert candles["volume_base"].to_list()[:2] == [10.0, 11.0]
    assert candles["volume_quote"].null_count() == candles.height
    asked = [a for path, a in venue.asked if path == "/api/v3/klines"]
    assert [(int(a["startTime"]) / 1000 - START) / 60 for a in asked] == [0, 1_000, 2_000]
    n = len(venue.asked)
    assert open_source(uri).read().tables["candles"].equals(candles)
    assert len(venue.asked) == n  # not even the list of markets


def test_a_perpetual_is_asked_for_at_the_futures_exchange(venue: VenueServer, config: str) -> None:
    uri = f"ccxt://binance_perpetual/ABC-USDT?from=2026-03-01&to=2026-03-01T01:00&{config}"
    candles = open_source(uri).read().tables["candles"]
    assert candles["connector"].cast(pl.String).unique().to_list() == ["binance_perpetual"]
    assert {path for path, _ in venue.asked if path.endswith("klines")} == {"/fapi/v1/klines"}


@pytest.mark.parametrize(
    ("head", "faults", "said"),
    [
        ("binance/XYZ-USDT", [], "means a spot market XYZ-USDT that binance does not have"),
        ("binance_perpetual/XYZ-USDT", [], "means a linear perpetual XYZ-USDT"),
        ("nowhere/ABC-USDT", [], "names the exchange nowhere, which ccxt does not know"),
        ("binance/ABC-USDT", [(503, b"<html>busy")] * 20, "is not answered by the exchange"),
        ("binance/ABC-USDT", [(200, b"<html>login</html>")] * 20, "by the exchange"),
        ("binance/ABC-USDT", [(200, {"symbols": 5})] * 20, "by the exchange"),
    ],
)  # fmt: skip
def test_what_ccxt_cannot_give_is_said(
    venue: VenueServer, config: str, head: str, faults: list[Any], said: str
) -> None:
    venue.faults = list(faults)
    with pytest.raises(UnreadableSourceError) as failed:
        open_source(f"ccxt://{head}?from=2026-03-01&to=2026-03-02&{config}").read()
    assert said in str(failed.value)
    assert not any(secret in str(failed.value) for secret in ("kEy-5", "sEcret-5"))


def test_a_passing_fault_of_an_exchange_is_asked_again(venue: VenueServer, config: str) -> None:
    venue.faults = [(503, b"busy")] * 2
    uri = f"ccxt://binance/ABC-USDT?from=2026-03-01&to=2026-03-01T01:00&{config}"
    assert open_source(uri).read().tables["candles"].height == 60


@pytest.mark.parametrize("text", [None, "no json", "[1]"])
def test_options_of_ccxt_that_are_none(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "odd.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UnreadableSourceError, match="names a file of options"):
        open_source(f"ccxt://binance/ABC-USDT?from=2026-03-01&to=2026-03-02&config={path}").read()


def test_candles_of_servers_conform(server: ApiServer, venue: VenueServer, config: str) -> None:
    conforms(Specimen(address(server), secret=PASSWORD, bad=(server.uri("/candles/binance"),)))
    asked = f"ccxt://binance/ABC-USDT?from=2026-03-01&to=2026-03-01T01:00&{config}"
    conforms(Specimen(asked, bad=("ccxt://nowhere/ABC-USDT?from=2026-03-01&to=2026-03-02",)))
