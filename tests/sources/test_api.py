"""The Hummingbot API: the same numbers as its files, whole tables, and every failure in its own words."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import shutil
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.analysis.overview import overview
from fillbook.errors import FillbookError, MissingExtraError, UnreadableSourceError
from fillbook.performance_data_source import open_data
from fillbook.reports.json import to_json
from fillbook.reports.summary import summary_object
from fillbook.schema.raw import RawTables
from fillbook.sources import api_client, api_paging
from fillbook.sources.api_rows import raw_tables
from fillbook.sources.base import expand, open_source
from fillbook.testing.databases import insert, write_database
from fillbook.testing.sources import Specimen, conforms
from sources.api_server import (
    PASSWORD,
    ApiServer,
    Handler,
    content,
    cut,
    passing,
    redirect,
    serving,
    slow,
    status,
)
from sources.rows import execute, fill, order

PLACE = "bots/archived/maker-1/data/maker-1.sqlite"
OWN = {"api_fees", "api_tables"}
NOT_SERVED = ("OrderStatus", "FundingPayment", "MarketData", "MarketState", "RangePositionUpdate")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(api_client, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setenv("FILLBOOK_SECRETS", str(tmp_path / "none.toml"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ApiServer]:
    with serving(tmp_path / "served") as found:
        yield found


def archive(server: ApiServer, n: int = 6) -> str:
    """A database of `n` fills below the server, and its address."""
    fills = [
        fill(
            i, price=100.0 + i, trade_type="SELL" if i % 3 == 0 else "BUY", trade_fee_in_quote=0.25,
            trade_fee={"percent": "0", "flat_fees": [{"token": "USDT", "amount": "0.25"}]},
        )
        for i in range(1, n + 1)
    ]  # fmt: skip
    orders = [order(i, price=100.0 + i) for i in range(1, n + 1)]
    write_database(server.root / PLACE, {"TradeFill": fills, "Order": orders})
    return server.uri(f"/archived/{PLACE}")


def read(uri: str) -> RawTables:
    return open_source(uri).read()


def told(server: ApiServer, uri: str) -> str:
    """What is said when `uri` cannot be read; never the password."""
    with pytest.raises(FillbookError) as failed:
        read(uri)
    assert PASSWORD not in str(failed.value)
    assert PASSWORD not in repr(failed.value.__dict__)
    return str(failed.value)


def as_the_api_serves(path: Path, copy: Path) -> Path:
    """The same database without what the API does not hand out."""
    shutil.copyfile(path, copy)
    copy.chmod(0o600)
    execute(copy, "PRAGMA writable_schema = ON", (
        "UPDATE sqlite_master SET sql = replace(sql, 'trade_fee JSON NOT NULL', 'trade_fee JSON') "
        "WHERE name = 'TradeFill'", ()))  # fmt: skip
    execute(
        copy, "UPDATE TradeFill SET trade_fee = NULL",
        "UPDATE TradeFill SET trade_fee_in_quote = NULL WHERE trade_fee_in_quote = 0",
        *(f"DROP TABLE IF EXISTS {table}" for table in NOT_SERVED),
    )  # fmt: skip
    return copy


def summary(*uris: str | Path) -> dict[str, Any]:
    """The object of ``fillbook summary --json`` without what names the source."""
    data = open_data(*uris)
    found = json.loads(to_json(summary_object(overview(data), data)))
    found.pop("sources")
    for check in found["checks"]:
        check.pop("difference")  # a remainder of rounding, which threads add up in any order
    found["findings"] = [
        {k: v for k, v in finding.items() if k != "source"}
        for finding in found["findings"]
        if finding["rule"] not in OWN
    ]
    return found


REAL = ["generated/classic_pmm.sqlite", "generated/v2_multi_controller.sqlite", "generated/mqtt_run.sqlite",
        "generated/perp_oneway.sqlite"]  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_databases_give_the_same_bytes_as_their_files(
    shared_data: Path, tmp_path: Path, name: str
) -> None:
    stem = Path(name).stem
    place = tmp_path / f"served/bots/archived/{stem}/data/{stem}.sqlite"
    place.parent.mkdir(parents=True)
    shutil.copyfile(shared_data / name, place)
    with serving(tmp_path / "served") as server:
        uri = server.uri(f"/archived/bots/archived/{stem}/data/{stem}.sqlite")
        served, file = read(uri), read(str(as_the_api_serves(place, tmp_path / f"{stem}.sqlite")))
        assert set(served.tables) == set(file.tables)
        for table, rows in file.tables.items():
            assert served.tables[table].equals(rows), table
        ours = json.dumps(summary(uri))
    assert ours == json.dumps(summary(tmp_path / f"{stem}.sqlite"))


def test_what_the_api_holds_gives_the_same_bytes_as_the_whole_file(server: ApiServer) -> None:
    uri = archive(server, 40)
    ours, files = summary(uri), summary(server.root / PLACE)
    metrics = {key for key, value in files["metrics"].items() if ours["metrics"][key] == value}
    lost = set(files["metrics"]) - metrics
    assert {"net_pnl", "realized_pnl", "fees", "volume", "n_fills"} <= metrics
    assert not lost, sorted(lost)


def test_pages_are_read_to_the_end_and_nothing_is_ever_deleted(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_paging, "PAGE_ROWS", 7)
    raw = read(archive(server, 50))
    assert raw.tables["fills"]["trade_id"].to_list() == [f"t{i}" for i in range(1, 51)]
    assert raw.tables["orders"].height == 50
    asked = [a["offset"] for _, path, a in server.asked if path.endswith("/trades")]
    assert asked == [str(i) for i in range(0, 50, 7)]
    assert {method for method, *_ in server.asked} == {"GET"}
    assert not [path for _, path, _ in server.asked if path.endswith(("/performance", "/summary"))]


def test_a_server_that_gives_fewer_rows_than_asked_for_is_read_to_the_end(server: ApiServer) -> None:
    uri = archive(server, 10)

    def shorter(path: str, answer: dict[str, Any]) -> dict[str, Any]:
        if path.endswith("/trades"):
            n, offset = answer["pagination"]["total"], answer["pagination"]["offset"]
            answer["trades"] = answer["trades"][:3]
            answer["pagination"]["has_more"] = offset + 3 < n
        return answer

    server.edit = shorter
    assert read(uri).tables["fills"].height == 10


def test_a_database_that_is_archived_stands_under_its_bots_name(server: ApiServer) -> None:
    uri = archive(server)
    (server.root / "bots/archived/sp ce#1").mkdir(parents=True)
    shutil.copyfile(server.root / PLACE, server.root / "bots/archived/sp ce#1/a.sqlite")
    found = expand(server.uri())
    assert [read(each).info.bot for each in found] == ["maker-1", "sp ce#1"]
    assert expand(uri) == [uri]
    assert expand(server.uri("/archived/bots/archived/maker-1")) == [uri]
    data = open_data(server.uri())
    assert all(PASSWORD not in file.uri for file in data.lineage.files)
    assert PASSWORD not in to_json(summary_object(overview(data), data))


def test_zero_may_be_null_so_it_is_no_fee(server: ApiServer) -> None:
    fills = [
        fill(1, trade_fee_in_quote=0.5),
        fill(2, trade_fee_in_quote=None),
        fill(3, trade_fee_in_quote=0.0),
    ]
    write_database(server.root / PLACE, {"TradeFill": fills, "Order": [order(1, position=None)]})
    raw = read(server.uri(f"/archived/{PLACE}"))
    assert raw.tables["fills"]["fee_quote_recorded"].to_list() == [0.5, None, None]
    assert raw.tables["fills"]["fee_percent"].to_list() == [None] * 3
    assert raw.tables["orders"]["position_action"].to_list() == [None]
    fees = next(f for f in raw.findings if f.rule == "api_fees")
    assert fees.n_rows == 2
    assert "2 fills with 0" in fees.message


def test_a_database_without_tables_of_controllers_is_no_fault(server: ApiServer) -> None:
    uri = archive(server)
    execute(server.root / PLACE, *(f"DROP TABLE {t}" for t in ("Executors", "Controllers", "Position")))
    raw = read(uri)
    assert {f.rule for f in raw.findings} == OWN
    assert (
        len([1 for _, path, _ in server.asked if path.endswith("/executors")]) == 1
    )  # asked once, not again


def test_a_database_of_before_2023_is_to_be_opened_itself(server: ApiServer) -> None:
    write_database(server.root / PLACE, {"TradeFill": [fill()], "Order": [order()]}, version="20210119")
    assert "is of before 2023. open the database's file" in told(server, server.uri(f"/archived/{PLACE}"))


def test_a_realised_pnl_that_the_server_divided_already(server: ApiServer) -> None:
    uri = archive(server)
    row = {
        "id": "p1", "controller_id": "c", "connector_name": "binance", "side": "BUY", "trading_pair": "ABC-USDT",
        "timestamp": 1_650_000_000_000, "volume_traded_quote": 10.0, "amount": 2.0, "breakeven_price": 5.0,
        "unrealized_pnl_quote": 1.5, "realized_pnl_quote": 2.25, "cum_fees_quote": 0.5,
    }  # fmt: skip
    with closing(sqlite3.connect(server.root / PLACE)) as connection, connection:
        insert(connection, "Position", [row])
    assert read(uri).tables["positions"]["realized_pnl_quote"].to_list() == [2.25]

    def divided(path: str, answer: dict[str, Any]) -> dict[str, Any]:
        for each in answer.get("positions", []):
            each["realized_pnl_quote"] /= 1e6
        return answer

    server.edit = divided
    assert read(uri).tables["positions"]["realized_pnl_quote"].to_list() == [2.25]


@pytest.mark.parametrize("fault", [status(500), status(503, retry_after="0"), cut, status(429)])
def test_a_passing_fault_is_asked_again(server: ApiServer, fault: Any) -> None:
    uri = archive(server)
    server.faults = [passing, fault, fault, passing]
    assert read(uri).tables["fills"].height == 6


def test_a_slow_server_is_asked_again_and_then_named(server: ApiServer) -> None:
    uri = archive(server).replace("retries=2", "retries=1&timeout=0.15")
    server.faults = [slow(0.4)]
    assert read(uri).tables["fills"].height == 6
    server.always = slow(0.4)
    assert "does not answer within 0.15 s, asked 2 times" in told(server, uri)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (status(500, "boom"), "answers 500 3 times: boom"),
        (status(503, "later", retry_after="3600"), "asks to be left alone for 3600 s"),
        (cut, "loses the connection in mid-answer, asked 3 times"),
        (content(b"<!doctype html><p>Login", "text/html"), "is not JSON (text/html)"),
        (content(b"[]"), "other fields than the API's: no list of rows under 'trades'"),
        (content(b'{"trades": [1]}'), "other fields than the API's"),
        (content(b'{"trades": []}'), "does not say whether there is more"),
        (content(b"[" * 200_000), "is not JSON"),
        (redirect("http://elsewhere.example/archived-bots/"), "redirects to another server (elsewhere.example)"),
        (redirect("/again"), "redirects in a circle"),
        (status(404, "Not Found"), "has no archived database"),
    ],
)  # fmt: skip
def test_each_lasting_fault_has_its_own_words(server: ApiServer, fault: Any, said: str) -> None:
    uri = archive(server)
    server.always = fault
    assert said in told(server, uri)
    assert len(server.asked) <= 4


def test_a_database_that_is_not_there(server: ApiServer) -> None:
    assert "has no archived database gone.sqlite" in told(server, server.uri("/archived/gone.sqlite"))


def test_a_wrong_password_is_said_once_and_never_shown(
    server: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    uri = archive(server)
    secret = "wR0ng-99"
    with pytest.raises(UnreadableSourceError) as failed:
        read(uri.replace(PASSWORD, secret))
    assert "refuses the name and password (401)" in str(failed.value)
    said = str(failed.value) + repr(failed.value.__dict__) + caplog.text
    assert secret not in said
    assert base64.b64encode(f"me:{secret}".encode()).decode() not in said
    assert len(server.asked) == 1
    with pytest.raises(UnreadableSourceError, match="wants a name and password"):
        read(uri.replace(f"me:{PASSWORD}@", ""))


def test_several_addresses_that_all_fail_hide_their_passwords(server: ApiServer) -> None:
    with pytest.raises(UnreadableSourceError) as failed:
        open_data(server.uri("/archived/a.sqlite"), server.uri("/archived/b.sqlite"))
    assert PASSWORD not in str(failed.value) + repr(failed.value.__dict__)


def test_the_password_may_stand_in_the_environment(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = archive(server).replace(f"me:{PASSWORD}@", "")
    monkeypatch.setenv("FILLBOOK_HUMMINGBOT_API_USERNAME", "me")
    monkeypatch.setenv("FILLBOOK_HUMMINGBOT_API_PASSWORD", PASSWORD)
    assert read(uri).tables["fills"].height == 6


def test_a_server_that_repeats_the_password_is_not_repeated(server: ApiServer) -> None:
    uri = archive(server)
    server.always = status(400, f"bad {PASSWORD}")
    assert "answers 400: bad ***" in told(server, uri)


def test_rows_that_change_between_pages_are_read_again_and_then_refused(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_paging, "PAGE_ROWS", 4)
    uri, times = archive(server, 10), [0]

    def grows(path: str, answer: dict[str, Any]) -> dict[str, Any]:
        if path.endswith("/trades") and times[0] < 2:
            times[0] += 1
            answer["pagination"]["total"] += times[0]
        return answer

    server.edit = grows
    assert read(uri).tables["fills"].height == 10

    def repeats(path: str, answer: dict[str, Any]) -> dict[str, Any]:
        if path.endswith("/trades") and answer["pagination"]["offset"]:
            answer["trades"][0]["order_id"], answer["trades"][0]["exchange_trade_id"] = "o1", "t1"
        return answer

    server.edit = repeats
    assert "gives no whole table trades, read 3 times: 1 of 8 rows came twice" in told(server, uri)


def test_rows_that_are_missing_are_an_error(server: ApiServer) -> None:
    uri = archive(server, 10)

    def fewer(path: str, answer: dict[str, Any]) -> dict[str, Any]:
        answer["trades"] = answer.get("trades", [])[1:]
        return answer

    server.edit = fewer
    assert "9 rows came and it says it has 10" in told(server, uri)


def test_a_column_that_is_missing_is_named(server: ApiServer) -> None:
    uri = archive(server)

    def without(path: str, answer: dict[str, Any]) -> dict[str, Any]:
        for row in answer.get("trades", []):
            del row["trade_type"]
        return answer

    server.edit = without
    assert "no trade_type in its TradeFill" in told(server, uri)


def test_a_column_that_is_new_is_said_and_not_read(server: ApiServer) -> None:
    uri = archive(server)

    def more(path: str, answer: dict[str, Any]) -> dict[str, Any]:
        for row in answer.get("trades", []):
            row["mood"] = "fine"
        return answer

    server.edit = more
    found = next(f for f in read(uri).findings if f.rule == "unknown_column")
    assert "mood" in found.message
    assert PASSWORD not in found.source


def test_an_answer_larger_than_can_be_held_is_refused(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = archive(server)
    monkeypatch.setattr(api_client, "RESPONSE_BYTES", 1024 * 1024)
    server.always = content(b"[" + b"1," * 1024 * 1024 + b"1]")
    assert "answers with more than 1 MB at once" in told(server, uri)


def test_a_redirect_on_the_same_server_is_followed(server: ApiServer) -> None:
    uri = archive(server)
    server.faults = [redirect(f"http://127.0.0.1:{server.port}/archived-bots/")]
    assert expand(server.uri()) == [uri]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/archived", "names nothing that can be read"), ("/nowhere/x", "names nothing that can be read"),
        ("/archived/a.sqlite?colour=red", "has the option colour"),
        ("/archived/a.sqlite?timeout=soon", "has timeout=soon, which is no number"),
        ("/archived/a.sqlite?ca=/none.pem", "file of certificates that cannot be read"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_meant(server: ApiServer, path: str, said: str) -> None:
    archive(server)
    uri = server.uri(path, "") if "?" in path else server.uri(path)
    if "ca=" in path:
        uri = uri.replace("hummingbot-api://", "hummingbot-api+https://")
    assert said in told(server, uri)


def test_a_server_without_tls_is_said(server: ApiServer) -> None:
    uri = archive(server).replace("hummingbot-api://", "hummingbot-api+https://")
    assert "has no valid TLS" in told(server, uri)


def test_nobody_listens(server: ApiServer) -> None:
    said = told(server, "hummingbot-api://me:pw@127.0.0.1:9/archived/a.sqlite?retries=1")
    assert "cannot be reached (ConnectionRefusedError), tried 2 times" in said


_ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=3,
)
_COLUMNS = ["timestamp", "price", "amount", "trade_type", "order_id", "connector_name", "trading_pair",
            "exchange_trade_id", "trade_fee_in_quote", "position", "leverage", "realized_pnl_quote"]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.fixed_dictionaries(dict.fromkeys(_COLUMNS, _ODD)), max_size=3))
def test_no_rows_however_odd_end_in_more_than_an_error_of_ours(rows: list[dict[str, Any]]) -> None:
    with contextlib.suppress(FillbookError):
        raw_tables("hummingbot-api://host/a", "a", {"trades": rows, "orders": []}, size_bytes=1, findings=())


def test_an_archived_database_conforms(server: ApiServer) -> None:
    uri = archive(server)
    bad = (server.uri("/archived/bots/archived/gone.sqlite"), uri.replace(PASSWORD, "another"))
    conforms(Specimen(uri, bad=bad, secret=PASSWORD))


def test_a_file_and_the_same_database_from_the_api_count_once(server: ApiServer) -> None:
    uri = archive(server, 12)
    both, alone = open_data(server.root / PLACE, uri), open_data(server.root / PLACE)
    assert both.fills.height == alone.fills.height == 12
    assert both.fills["fee_amount"].to_list() == alone.fills["fee_amount"].to_list()
    assert both.fills["bot"].unique().to_list() == ["maker-1"]
    assert overview(both).metrics["net_pnl"] == overview(alone).metrics["net_pnl"]


def test_an_answer_that_drips_is_not_waited_for(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_client, "RESPONSE_S", 0.1)

    def drips(handler: Handler) -> bool:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n")
        for _ in range(30):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.02)
        handler.close_connection = True
        return True

    server.always = drips
    assert "takes longer than 0.1 s for one answer" in told(server, archive(server))


def test_certificates_that_the_address_names_are_trusted(server: ApiServer, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl, to make a certificate")
    key, own = tmp_path / "key.pem", tmp_path / "own.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", own, "-days", "2",
             "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]  # fmt: skip
    subprocess.run([str(word) for word in words], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    uri = archive(server).replace("hummingbot-api://", "hummingbot-api+https://")
    assert "has no valid TLS (self-signed certificate)" in told(server, uri)
    assert read(f"{uri}&ca={own}").tables["fills"].height == 6


@settings(max_examples=200)
@given(
    ids=st.lists(st.integers(0, 12), max_size=12),
    cuts=st.lists(st.integers(0, 12), max_size=4),
    totals=st.lists(st.none() | st.integers(0, 12), min_size=5, max_size=5),
)
def test_only_a_whole_table_is_handed_on(ids: list[int], cuts: list[int], totals: list[int | None]) -> None:
    bounds = [0, *sorted(cut for cut in cuts if cut <= len(ids)), len(ids)]
    pages = [
        api_paging.Page([{"id": i} for i in ids[a:b]], total)
        for (a, b), total in zip(pairwise(bounds), totals, strict=False)
    ]
    is_whole = len(set(ids)) == len(ids) and {page.total for page in pages} <= {None, len(ids)}
    said = api_paging._joined(pages, api_paging.told_apart_by("id"))[1]
    assert (said == "") == is_whole


@pytest.mark.parametrize(
    ("asked", "seconds"), [("3", 3.0), ("-2", 0.0), (None, None), ("soon", None), ("", None), ("nan", None)]
)
def test_how_long_a_server_asks_to_be_left_alone(asked: str | None, seconds: float | None) -> None:
    assert api_client._retry_after(asked) == seconds
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 80.0 < (api_client._retry_after(later) or 0.0) <= 90.0


def test_what_is_not_installed_is_named(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = archive(server)
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtraError, match=r"fillbook\[api\]"):
        read(uri)
    monkeypatch.setitem(sys.modules, "ccxt", None)
    monkeypatch.setenv("FILLBOOK_CACHE", str(server.root / "cache"))
    with pytest.raises(MissingExtraError, match=r"fillbook\[ccxt\]"):
        read("ccxt://binance/ABC-USDT?from=2026-03-01&to=2026-03-02")
    monkeypatch.setitem(sys.modules, "filelock", None)
    with pytest.raises(MissingExtraError, match=r"fillbook\[api\]"):
        read("ccxt://binance/ABC-USDT?from=2026-03-01&to=2026-03-02")
