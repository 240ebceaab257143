"""Following running bots: whether anything is lost, how old the numbers are, and what it costs, as JSON.

``python benchmarks/live.py HISTORY_FILLS BOTS EVENTS_PER_S SECONDS``. Bots and broker run in a process
of their own; the one that follows has a single core. Half-way the broker is away for three seconds. An
answer is as old as the last event in it that a bot had stored when the answer was there.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("POLARS_MAX_THREADS", "1")
if hasattr(os, "sched_setaffinity") and len(sys.argv) > 1:
    others = os.sched_getaffinity(0) - {0}
    os.sched_setaffinity(0, (others or {0}) if sys.argv[1] == "bots" else {0})

import fillbook
from fillbook.analysis.live import live
from fillbook.testing.databases import write_large_database

LOOK_S = 1.0
AWAY_S = 3.0


def trade(folder: Path, bots: int, events_per_s: float, seconds: float) -> None:
    """Run bots and broker, and say their address; the broker is restarted half-way."""
    from fillbook.demo.live import LiveDemo, Pace
    from fillbook.testing.broker import LocalBroker

    with LocalBroker() as broker:
        pace = Pace(n_bots=bots, events_per_s=events_per_s, seed=1)
        with LiveDemo(pace, folder=folder, broker=broker.uri) as demo:
            print(demo.address, flush=True)
            time.sleep(seconds / 2)
            broker.restart(away_s=AWAY_S)
            time.sleep(seconds / 2 - AWAY_S)
            print(demo.n_events, flush=True)
        sys.stdin.readline()  # the broker stays until the last look


def resident_gb() -> float:
    """Memory held now."""
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    return pages * resource.getpagesize() / 1e9


def followed(history: int, bots: int, events_per_s: float, seconds: float, folder: Path) -> dict[str, float]:
    """Follow for so many seconds, and compare with what was written."""
    past = write_large_database(folder / "past.sqlite", history)
    words = [
        sys.executable,
        __file__,
        "bots",
        str(folder / "live"),
        str(bots),
        str(events_per_s),
        str(seconds),
    ]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        address = process.stdout.readline().strip()
        time.sleep(1.0)
        following = fillbook.follow(past, folder / "live", address)
        live(following.refresh(), datetime.now(UTC))  # the history is booked once
        began, looks, memory = time.monotonic(), [], []
        processor = time.process_time()
        while time.monotonic() - began < seconds - 1.0:
            start = time.monotonic()
            now = datetime.now(UTC)
            answer = live(following.refresh(now), now)
            took = time.monotonic() - start
            looks.append(took)
            memory.append(resident_gb())
            assert answer.total["n_fills_today"] is not None
            time.sleep(max(LOOK_S - took, 0.0))
        processor = time.process_time() - processor
        events = int(process.stdout.readline())
        time.sleep(2.0)
        data = following.refresh()
        process.stdin.write("\n")
        process.stdin.flush()
    fresh = fillbook.open_data(past, folder / "live")
    half = len(memory) // 2
    feed = next(one.health for one in following.feeds() if one.uri == address)
    following.close()
    assert data is not None
    return {
        "events": events, "looks": len(looks), "slowest_look_s": max(looks),
        "median_look_s": sorted(looks)[len(looks) // 2], "slow_looks": sum(x > 1.0 for x in looks),
        "oldest_s": max(a + b for a, b in pairwise([LOOK_S, *(max(x, LOOK_S) for x in looks)])),
        "busy": processor / seconds, "fills": data.fills.height, "fills_written": fresh.fills.height,
        "orders": data.orders.height, "orders_written": fresh.orders.height,
        "memory_half_gb": max(memory[: half + 1]), "memory_end_gb": max(memory[half:]),
        "reconnects": feed.counts.get("reconnects", 0), "heard": feed.counts.get("received", 0),
    }  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1] == "bots":
        trade(Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5]))
    else:
        with tempfile.TemporaryDirectory(prefix="fillbook-bench-") as scratch:
            found = followed(
                int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]), Path(scratch)
            )
        sys.stdout.write(json.dumps(found) + "\n")
