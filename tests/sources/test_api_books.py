"""Runs of bots and balances of accounts: whole, though the server says that there is no more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fillbook.errors import UnreadableSourceError
from fillbook.sources import api_books, api_client
from fillbook.sources.api_books import bot_runs, portfolio_history
from fillbook.testing.databases import write_database
from sources.api_server import PASSWORD, ApiServer, content, serving

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUNS, HISTORY = "/bot-orchestration/bot-runs", "/portfolio/history"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(api_client, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(api_books, "CURSOR_ROWS", 5)
    monkeypatch.setenv("FILLBOOK_SECRETS", str(tmp_path / "none.toml"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ApiServer]:
    (tmp_path / "served").mkdir()
    with serving(tmp_path / "served") as found:
        yield found


def run(i: int, **more: Any) -> dict[str, Any]:
    return {
        "id": i, "bot_name": f"maker-{i}", "instance_name": f"maker-{i}-20260301-120000",
        "deployed_at": (START + timedelta(hours=i)).isoformat(), "stopped_at": None, "strategy_type": "controller",
        "strategy_name": "v2_with_controllers", "config_name": "c.yml", "account_name": "master_account",
        "image_version": "2.16", "deployment_status": "DEPLOYED", "run_status": "RUNNING",
        "deployment_config": "{}", "final_status": None, "error_message": None, **more,
    }  # fmt: skip


def snapshot(i: int, venues: int) -> dict[str, Any]:
    """Balances of minute `5 i`, a few seconds into it."""
    held = [{"token": "USDT", "units": 100.0 + i, "price": 1.0, "value": 100.0 + i, "available_units": 100.0}]
    at = (START + timedelta(minutes=5 * i, seconds=7)).isoformat()
    return {"timestamp": at, "state": {"master_account": {f"venue_{v}": held for v in range(venues)}}}


@pytest.mark.parametrize("n", [0, 4, 5, 10, 13])
def test_every_run_of_a_bot(server: ApiServer, n: int) -> None:
    server.lists[RUNS] = [run(i) for i in range(n, 0, -1)]
    found = bot_runs(server.uri())
    assert found["bot"].to_list() == [f"maker-{i}" for i in range(n, 0, -1)]


def test_a_run_leads_to_its_archive(server: ApiServer) -> None:
    path = "bots/archived/maker-1-20260301-120000/data/maker-1.sqlite"
    write_database(server.root / path, {})
    server.lists[RUNS] = [
        run(2, run_status="ERROR", error_message="no funds", stopped_at="2026-03-02T00:00:00"), run(1),
    ]  # fmt: skip
    found = bot_runs(server.uri())
    assert found["archived"].to_list() == [None, path]
    assert found["error"].to_list() == ["no funds", None]
    assert found["stopped_at"].to_list() == [datetime(2026, 3, 2, tzinfo=UTC), None]
    assert found["deployed_at"].to_list()[1] == START + timedelta(hours=1)


@pytest.mark.parametrize("venues", [1, 2, 3, 4])
@pytest.mark.parametrize("n", [0, 1, 3, 4, 17])
def test_every_balance_though_the_server_miscounts(server: ApiServer, n: int, venues: int) -> None:
    server.lists[HISTORY] = [snapshot(i, venues) for i in range(n)]
    found = portfolio_history(server.uri())
    assert found.height == n * venues
    assert found["at"].unique().sort().to_list() == [START + timedelta(minutes=5 * i) for i in range(n)]
    assert found.filter(connector="venue_0")["units"].to_list() == [100.0 + i for i in range(n)]


def test_windows_that_do_not_meet_are_an_error(server: ApiServer) -> None:
    server.lists[HISTORY] = [snapshot(i, 2) for i in range(9)]

    def shifted(path: str, answer: dict[str, Any]) -> dict[str, Any]:
        if "end_time" in server.asked[-1][2]:
            answer["data"] = answer["data"][1:]
        return answer

    server.edit = shifted
    with pytest.raises(UnreadableSourceError, match="two windows of time do not meet") as failed:
        portfolio_history(server.uri())
    assert PASSWORD not in str(failed.value)


@pytest.mark.parametrize(
    "answer", [b'{"data": [{"timestamp": "2026-03-01"}]}', b'{"data": [{"timestamp": "x"}]}', b"[]"]
)
def test_balances_of_another_form(server: ApiServer, answer: bytes) -> None:
    server.always = content(answer)
    with pytest.raises(UnreadableSourceError):
        portfolio_history(server.uri())


def test_balances_of_too_many_venues_are_an_error(server: ApiServer) -> None:
    server.lists[HISTORY] = [snapshot(i, 9) for i in range(3)]
    with pytest.raises(UnreadableSourceError, match="more than 5 of one minute"):
        portfolio_history(server.uri())
