"""Bots of the live demo: what they write and what they say are the same trades."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fillbook
from fillbook import open_data
from fillbook.demo.live import LiveDemo, Pace
from fillbook.demo.live_bots import DESKS, LiveBot, live_bots
from fillbook.errors import BadRequestError
from fillbook.etl import performance_etl
from fillbook.sources.mqtt import LiveBots
from fillbook.testing.broker import LocalBroker, free_port
from fillbook.testing.sources import numbers_of


def decisions(bot: LiveBot, n: int) -> list:
    return [one for step in range(n) for one in bot.act(1_800_000_000.0 + step / 7)]


@pytest.mark.parametrize("number", range(len(DESKS)))
def test_the_same_seed_decides_the_same(number: int) -> None:
    first, second, other = (live_bots(3, seed)[number] for seed in (1, 1, 2))
    assert decisions(first, 300) == decisions(second, 300) != decisions(other, 300)


@pytest.mark.parametrize("desk", DESKS, ids=lambda desk: desk.name)
def test_fills_of_an_order_add_up_and_the_report_to_the_cash(desk) -> None:
    """Realised and unrealised PnL are cash and holdings at the mid: −Σ side·p·q + held·mid."""
    bot = LiveBot("bot", desk, np.random.default_rng(7))
    told = decisions(bot, 3_000)
    cash, filled = 0.0, {}
    for one in told:
        if one.fill is not None:
            side = 1 if one.fill["trade_type"] == "BUY" else -1
            cash -= side * one.fill["price"] * one.fill["amount"]
            filled[one.order["id"]] = filled.get(one.order["id"], 0.0) + one.fill["amount"]
        elif one.kind.endswith("Completed"):
            assert filled[one.order["id"]] == pytest.approx(one.order["amount"], rel=1e-9)
    assert bot.realized + bot.unrealized == pytest.approx(cash + bot.held_base * bot.mid, abs=1e-6)
    ids = [one.order["id"] for one in told if one.kind.endswith("Created")]
    assert len(ids) == len(set(ids)) > 300
    assert abs(bot.held_base * bot.mid) < 20 * desk.size_quote


def test_what_is_heard_is_what_is_written(tmp_path: Path) -> None:
    running = LiveDemo(Pace(n_bots=4, events_per_s=400.0, seed=3), folder=tmp_path)
    with running as demo, LiveBots(f"{demo.address}?connector=none").follow() as feed:
        began, batches = time.monotonic(), []
        while time.monotonic() - began < 4.0:
            time.sleep(0.2)
            batches += feed.poll()
        n_before = demo.n_events
        demo.stop()
        time.sleep(0.5)
        batches += feed.poll()
        health, statuses = feed.health(), feed.bots()
    assert 500 < n_before < 2_000
    assert set(statuses) == {"maker_sol", "perp_eth", "maker_avax", "maker_sol_2"}
    assert not any(status.is_online for status in statuses.values())
    assert health.counts["malformed"] == health.counts["incomplete_orders"] == 0
    data = open_data(tmp_path)
    assert data.orders.height + data.order_events.height > n_before
    raws = [*batches, *data.raws]
    both, alone = (performance_etl(some, clock=data.clock).tables for some in (raws, data.raws))
    for name in ("fills", "orders", "order_events", "positions", "controllers"):
        ours, theirs = (tables[name].drop("quantum", "source", strict=False) for tables in (both, alone))
        assert ours.equals(theirs), name
    n_heard = performance_etl(batches, clock=data.clock).tables["fills"].height
    n_at_first = alone["fills"].height - n_heard  # told before the feed was connected
    assert 0 <= n_at_first < 100


def test_a_feed_heard_whole_gives_the_numbers_of_the_database(tmp_path: Path) -> None:
    """Metrics and books of the feed's fills are those of the database's, to the last byte of their JSON.

    Orders are left out: the database ends them at a millisecond, the bridge tells the second.
    """
    with LocalBroker() as broker, LiveBots(f"{broker.uri}/+?connector=binance").follow() as feed:
        while not feed.health().message.startswith("connected"):
            time.sleep(0.05)
        with LiveDemo(Pace(n_bots=1, events_per_s=300.0, seed=5), folder=tmp_path, broker=broker.uri):
            time.sleep(3.0)
        time.sleep(0.5)
        batches = feed.poll()
    whole = open_data(tmp_path)
    heard, stored = (
        fillbook.PerformanceDataSource.from_raws(
            [replace(raw, tables={"fills": raw.tables["fills"]}) for raw in raws], clock=whole.clock
        )
        for raws in (batches, whole.raws)
    )
    assert heard.fills.height == whole.fills.height > 50
    assert numbers_of(heard) == numbers_of(stored)


def test_followed_together_they_are_what_the_databases_hold(tmp_path: Path) -> None:
    """Databases and broker at once: each fill comes twice and is booked once."""
    with LocalBroker() as broker:
        with LiveDemo(Pace(n_bots=3, events_per_s=300.0, seed=4), folder=tmp_path, broker=broker.uri) as demo:
            time.sleep(0.5)
            live = fillbook.follow(tmp_path, demo.address)
            until = time.monotonic() + 4.0
            while time.monotonic() < until:
                live.refresh()
                time.sleep(0.1)
        time.sleep(1.5)
        data = live.refresh()
        states = [feed.health.state for feed in live.feeds()]
        live.close()
    whole = open_data(tmp_path)
    assert data is not None
    assert states == ["live"] * 4
    assert set(data.fills["bot"].unique()) == {"maker_sol", "perp_eth", "maker_avax"}
    for name in ("fills", "orders", "order_events"):
        ours, theirs = (one.tables[name].drop("quantum", "source", strict=False) for one in (data, whole))
        assert ours.sort(ours.columns).equals(theirs.sort(theirs.columns)), name


def test_a_bot_that_starts_again_goes_on_in_its_database(tmp_path: Path) -> None:
    broker = LocalBroker()
    with broker:
        for seed in (1, 2):
            with LiveDemo(Pace(1, 100.0, seed), folder=tmp_path, broker=broker.uri) as demo:
                time.sleep(0.7)
            (path,) = demo.databases
            with closing(sqlite3.connect(path)) as connection:
                n = connection.execute("SELECT count(*), count(DISTINCT id) FROM 'Order'").fetchone()
            assert n[0] == n[1] > 20 * seed


def test_no_broker_is_said() -> None:
    with pytest.raises(BadRequestError, match="no broker answers"):
        LiveDemo(broker=f"mqtt://me:hush@127.0.0.1:{free_port()}").start()


def test_the_command_runs_until_it_is_interrupted(tmp_path: Path) -> None:
    words = [
        sys.executable,
        "-c",
        "from fillbook.cli.main import main; main()",
        "demo",
        "--live",
        "--no-page",
        "--rate",
        "50",
    ]
    running = subprocess.Popen(
        [*words, "--folder", tmp_path], stdout=subprocess.PIPE, text=True, env={**os.environ}
    )  # fmt: skip
    assert running.stdout is not None
    said = [running.stdout.readline() for _ in range(3)]
    time.sleep(1.5)
    running.send_signal(signal.SIGINT)
    rest, _ = running.communicate(timeout=30)
    assert running.returncode == 0
    assert said[0].startswith("3 bots trade now, 50 events a second")
    assert said[1].split()[1].startswith("mqtt://127.0.0.1:")
    assert "ended after" in rest
    assert len(list((tmp_path / "bots").rglob("*.sqlite"))) == 3
