"""Breaches as messages, and sending them to a real address on this machine."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from fillbook.analysis.limit_file import read_limits
from fillbook.analysis.limits import Limits, limits
from fillbook.errors import BadRequestError, MissingExtraError
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.reports.alerts import messages_of, send
from fillbook.testing.tables import fills

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")  # Apprise imports it itself
TEXT = """
[sampling]
every_s = 60
[[limit]]
what = "gross_exposure"
max = 150
clear_after = 1
[[limit]]
name = "slump"
what = "drawdown"
max = 15
"""


@pytest.fixture
def answer() -> Limits:
    """Buys 2 at 100 and sells them at 90: exposure comes and goes, the drawdown stays."""
    data = PerformanceDataSource.from_tables({
        "fills": fills(at=[0, 120], side=[1, -1], amount_base=2.0, price_quote=[100.0, 90.0]),
    })  # fmt: skip
    return limits(data, read_limits(TEXT))


class _Inbox(HTTPServer):
    """A web hook that keeps what it is sent."""

    def __init__(self, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), _Hook)
        self.status = status
        self.got: list[dict[str, Any]] = []


class _Hook(BaseHTTPRequestHandler):
    server: _Inbox

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(json.loads(body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(params=[200, 500])
def inbox(request: pytest.FixtureRequest) -> Iterator[_Inbox]:
    server = _Inbox(request.param)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_each_episode_is_told_when_it_is_raised_and_when_it_ends(answer: Limits) -> None:
    told = [(message.limit, message.event) for message in messages_of(answer)]
    assert told == [("gross exposure", "raised"), ("slump", "raised"), ("gross exposure", "ended")] or told == [
        ("gross exposure", "raised"), ("gross exposure", "ended"), ("slump", "raised"),
    ]  # fmt: skip
    first = messages_of(answer)[0]
    assert first.title == "Limit exceeded: gross exposure"
    assert (
        first.text
        == "Gross exposure is above 150.00 USDT since 01 Jan 2026 00:00:00 UTC; at most 200.00 USDT."
    )


def test_what_was_told_is_not_told_again(answer: Limits) -> None:
    every = messages_of(answer)
    assert messages_of(answer, known=[message.key for message in every]) == ()
    assert messages_of(answer, known=[every[0].key]) == every[1:]


def test_messages_arrive_and_what_did_not_is_said(answer: Limits, inbox: _Inbox) -> None:
    pytest.importorskip("apprise", reason='needs pip install "fillbook[alerts]"')
    every = messages_of(answer)
    (delivery,) = send(every, [f"json://secret:word@127.0.0.1:{inbox.server_port}/hidden"])
    assert [got["title"] for got in inbox.got] == [message.title for message in every]
    assert [got["message"] for got in inbox.got] == [message.text for message in every]
    assert {got["type"] for got in inbox.got} == {"warning", "success"}
    assert delivery.where == f"json://127.0.0.1:{inbox.server_port}"
    assert delivery.is_whole == (inbox.status == 200)


def test_an_address_must_be_one(answer: Limits) -> None:
    pytest.importorskip("apprise", reason='needs pip install "fillbook[alerts]"')
    with pytest.raises(BadRequestError, match="nowhere to send to"):
        send(messages_of(answer), [])
    with pytest.raises(BadRequestError) as error:
        send(messages_of(answer), ["nothing://user:secret@host/token"])
    assert "secret" not in str(error.value)
    assert "token" not in str(error.value)


def test_without_apprise_the_way_to_it_is_said(answer: Limits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(MissingExtraError, match=r'pip install "fillbook\[alerts\]"'):
        send(messages_of(answer), ["json://127.0.0.1"])
