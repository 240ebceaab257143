import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from cli.command_line import Run
from fillbook.cli import serve
from fillbook.errors import BadRequestError, MissingExtraError


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def test_the_command_runs_the_page_by_its_path() -> None:
    words = serve.page_command(["/data/bot.sqlite"], host="localhost", port=8600)
    assert words[:4] == [sys.executable, "-m", "streamlit", "run"]
    assert Path(words[4]).parts[-3:] == ("fillbook", "web", "app.py")
    assert words[words.index("--server.port") + 1] == "8600"
    assert words[words.index("--server.address") + 1] == "localhost"
    assert words[-2:] == ["--", "/data/bot.sqlite"]


def test_a_port_in_use_is_refused(run: Run, trades: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        said = run("serve", trades, "--host", "127.0.0.1", "--port", port, "--no-open")
    assert said.code == 2
    assert f"port {port} on 127.0.0.1 cannot be used" in said.err
    assert f"try --port {port + 1}" in said.err


def test_an_address_of_another_computer_is_refused() -> None:
    with pytest.raises(BadRequestError, match="no address of this computer"):
        serve.refuse_busy("no.such.host.invalid", 8501)


def test_a_source_that_is_not_there_is_said_before_the_page_starts(run: Run, tmp_path: Path) -> None:
    said = run("serve", tmp_path / "none.sqlite", "--no-open")
    assert said.code == 2
    assert "there is no such file" in said.err


def test_addresses_are_absolute(tmp_path: Path, trades: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert serve.readable([trades.name, "."]) == [str(trades), str(tmp_path)]


def test_streamlit_absent_is_a_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "fillbook\[web\]"'):
        serve.run_page([], port=8501, host="localhost", is_opened=False)


def stub(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(serve, "page_command", lambda *_, **__: [sys.executable, "-c", program])
    monkeypatch.setattr(signal, "signal", lambda *_: None)


_SERVER = (
    "import http.server, sys, threading\n"
    "class Page(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n"
    "        self.send_response(200); self.end_headers()\n"
    "        threading.Thread(target=self.server.shutdown).start()\n"
    "    def log_message(self, *_): pass\n"
    "http.server.HTTPServer(('127.0.0.1', {port}), Page).serve_forever()\n"
)


def test_the_address_is_said_and_opened_once_the_page_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port, opened = free_port(), []
    stub(monkeypatch, _SERVER.format(port=port))
    monkeypatch.setattr(typer, "launch", opened.append)
    with pytest.raises(typer.Exit) as ended:
        serve.run_page([], port=port, host="127.0.0.1", is_opened=True)
    address = f"http://127.0.0.1:{port}/bot_performance"
    assert ended.value.exit_code == 0
    assert capsys.readouterr().out == f"fillbook is at {address} (Ctrl-C ends it)\n"
    assert opened == [address]


def test_a_server_that_fails_hands_on_its_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub(monkeypatch, "raise SystemExit(3)")
    with pytest.raises(typer.Exit) as ended:
        serve.run_page([], port=free_port(), host="127.0.0.1", is_opened=True)
    assert ended.value.exit_code == 3
    assert capsys.readouterr().out == ""


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_ending_the_program_ends_the_server(tmp_path: Path) -> None:
    port, mark = free_port(), tmp_path / "pid"
    server = (
        f"import os, pathlib, time; pathlib.Path({str(mark)!r}).write_text(str(os.getpid())); time.sleep(60)"
    )
    program = (
        "import sys; from fillbook.cli import serve\n"
        f"serve.page_command = lambda *a, **k: [sys.executable, '-c', {server!r}]\n"
        f"serve.run_page([], port={port}, host='127.0.0.1', is_opened=False)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL) as parent:
        until = time.monotonic() + 20.0
        while not (mark.exists() and mark.read_text()) and time.monotonic() < until:
            time.sleep(0.05)
        parent.terminate()
        parent.wait(timeout=20.0)
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)
