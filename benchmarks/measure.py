"""One measurement in a process of its own: seconds and peak memory of each step, as JSON."""

import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import fillbook
from fillbook.analysis.overview import overview
from fillbook.testing.databases import write_large_database


def peak() -> int:
    """Most memory this process has held, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def timed(step: Callable[[], object]) -> tuple[float, object]:
    """Seconds a step takes, and what it gives."""
    start = time.perf_counter()
    answer = step()
    return time.perf_counter() - start, answer


def warmed(folder: Path) -> None:
    """Load what a first answer loads, so that only the data is measured."""
    path = folder / "warm.sqlite"
    if not path.exists():
        write_large_database(path, 1_000)
    overview(fillbook.open_data(path))


def ours(path: Path) -> dict[str, float]:
    """Open, first answer, changed filter."""
    base = peak()
    opened, data = timed(lambda: fillbook.open_data(path))
    after_open = peak()
    assert isinstance(data, fillbook.PerformanceDataSource)
    answered, _ = timed(lambda: overview(data))
    after_answer = peak()
    pair = str(data.fills["pair"][0])
    middle = data.fills["at"].sort()[data.fills.height // 2]
    assert isinstance(middle, datetime)
    filters = [
        fillbook.Filter(pairs=(pair,)), fillbook.Filter(sides=("BUY",)), fillbook.Filter(start=middle),
    ]  # fmt: skip
    changes = [timed(lambda f=chosen: overview(data, f, check=False))[0] for chosen in filters]
    return {
        "open_s": opened, "answer_s": answered, "filter_s": max(changes),
        "open_bytes": after_open - base, "all_bytes": after_answer - base,
    }  # fmt: skip


def pandas_way(path: Path) -> dict[str, float]:
    """What a script with pandas does: read the table, parse the fees, sum by pair."""
    import sqlite3

    import pandas as pd

    def read() -> object:
        connection = sqlite3.connect(path)
        frame = pd.read_sql("SELECT * FROM TradeFill", connection)
        fees = frame["trade_fee"].map(json.loads)
        frame["fee"] = fees.map(lambda fee: sum(float(flat["amount"]) for flat in fee["flat_fees"]))
        frame["value"] = frame["price"] * frame["amount"] / 1e12
        connection.close()
        return frame.groupby("symbol")["value"].sum()

    base = peak()
    seconds, _ = timed(read)
    return {"open_s": seconds, "open_bytes": peak() - base}


def main() -> None:
    """Measure what the words ask for."""
    way, path = sys.argv[1], Path(sys.argv[2])
    if way == "ours":
        warmed(path.parent)
        answer = ours(path)
    else:
        answer = pandas_way(path)
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
