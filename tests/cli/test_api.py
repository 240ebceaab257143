"""``fillbook runs``, ``fillbook balances``, and every other command on the address of a Hummingbot API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.command_line import Run
from fillbook.cli.serve import readable
from fillbook.errors import UnreadableSourceError
from fillbook.testing.databases import write_database
from fillbook.web.opening import stamp_of
from sources.api_server import PASSWORD, USER, ApiServer, serving
from sources.rows import fill, order

PLACE = "bots/archived/maker-1/data/maker-1.sqlite"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setenv("FILLBOOK_SECRETS", str(tmp_path / "none.toml"))
    write_database(tmp_path / "served" / PLACE, {"TradeFill": [fill(1), fill(2)], "Order": [order(1)]})
    with serving(tmp_path / "served") as found:
        found.lists["/bot-orchestration/bot-runs"] = [{
            "id": 1, "bot_name": "maker-1", "instance_name": "maker-1", "deployed_at": "2026-03-01T12:00:00",
            "stopped_at": None, "strategy_name": "v2", "run_status": "ERROR", "error_message": "no funds",
        }]  # fmt: skip
        found.lists["/portfolio/history"] = [
            {"timestamp": datetime(2026, 3, 1, 12, 5 * i, 9, tzinfo=UTC).isoformat(), "state": {"master": {
                "binance": [{"token": "USDT", "units": 1000.5 + i, "price": 1.0, "value": 1000.5 + i}]}}}
            for i in range(3)
        ]  # fmt: skip
        yield found


def test_runs_and_their_archives(run: Run, server: ApiServer) -> None:
    said = run("runs", server.uri())
    assert said.code == 0, said.err
    line = " ".join(said.out.splitlines()[-1].split())
    assert line == f"maker-1 2026-03-01 12:00:00 v2 ERROR no funds {PLACE}"
    (found,) = json.loads(run("runs", server.uri(), "--json").out)["runs"]
    assert (found["bot"], found["archived"], found["stopped_at"]) == ("maker-1", PLACE, None)


def test_balances_last_and_all(run: Run, server: ApiServer) -> None:
    said = run("balances", server.uri())
    assert "balances at 2026-03-01 12:10:00 UTC" in said.out
    assert "1002.5" in said.out.replace("\N{THIN SPACE}", "").replace(",", "")
    assert "3 snapshots since 2026-03-01 12:00:00 UTC" in said.out
    found = json.loads(run("balances", server.uri(), "--json").out)["balances"]
    assert [row["units"] for row in found] == [1000.5, 1001.5, 1002.5]


def test_every_command_opens_the_address(run: Run, server: ApiServer, tmp_path: Path) -> None:
    for words in (
        ("summary",),
        ("check",),
        ("execution",),
        ("export", "--table", "fills", "-o", tmp_path / "f.csv"),
    ):
        said = run(words[0], server.uri(), *words[1:])
        assert said.code in (0, 1), said.err
        assert PASSWORD not in said.out + said.err
    assert PASSWORD not in (tmp_path / "f.csv").read_text()


def test_a_wrong_password_is_one_line(run: Run, server: ApiServer) -> None:
    said = run("summary", server.uri().replace(PASSWORD, "S3cret-1"))
    assert said.code == 2
    assert said.err.startswith("fillbook: hummingbot-api://me:***@127.0.0.1:")
    assert "refuses the name and password (401)" in said.err
    assert "S3cret-1" not in said.out + said.err


def test_the_page_takes_an_address_without_its_password(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnreadableSourceError, match="carries a password") as failed:
        readable([server.uri()])
    assert PASSWORD not in str(failed.value)
    monkeypatch.setenv("FILLBOOK_HUMMINGBOT_API_USERNAME", USER)
    monkeypatch.setenv("FILLBOOK_HUMMINGBOT_API_PASSWORD", PASSWORD)
    plain = f"hummingbot-api://127.0.0.1:{server.port}"
    assert readable([plain]) == [plain]
    n = len(server.asked)
    assert stamp_of((plain,)) == ()
    assert len(server.asked) == n  # the page looks at its sources often, and asks no server for that


def test_sides_of_a_comparison_are_named_without_the_password(run: Run, server: ApiServer) -> None:
    said = run("compare", server.uri(), server.uri(f"/archived/{PLACE}"), "--json")
    assert PASSWORD not in said.out + said.err
    assert "maker-1" in said.out
