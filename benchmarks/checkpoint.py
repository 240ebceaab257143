"""Merge, open and narrow a checkpoint of many fills: seconds and peak memory of each, as JSON.

``python benchmarks/checkpoint.py merge|overview|day|month FOLDER FILLS``; each in a process of its own, and
``merge`` first: it writes the database where it is not there yet.
"""

import json
import sys
import time
from datetime import timedelta
from pathlib import Path

from measure import peak

from fillbook.testing.databases import write_large_database


def merged(folder: Path, n: int) -> dict[str, float]:
    """A database merged into a checkpoint, and once more."""
    from fillbook.reports.merging import merge

    path = folder / f"fills_{n}.sqlite"
    if not path.exists():
        write_large_database(path, n)
    root = folder / f"checkpoint_{n}"
    start = time.perf_counter()
    first = merge([path], root)
    between = time.perf_counter()
    merge([path], root)
    size = sum(part.size_bytes for part in first.manifest.parts())
    again = time.perf_counter() - between
    return {"seconds": between - start, "again_seconds": again, "bytes": size, "peak_bytes": peak()}


def shown(folder: Path, n: int) -> dict[str, float]:
    """The checkpoint opened and its overview answered, imports included."""
    start = time.perf_counter()
    import fillbook

    data = fillbook.open_data(folder / f"checkpoint_{n}")
    answer = fillbook.overview(data)
    assert answer.metrics["n_fills"].value == n
    return {"seconds": time.perf_counter() - start, "peak_bytes": peak()}


def narrowed(folder: Path, n: int, days: int) -> dict[str, float]:
    """The slowest of five filters of so many days on an opened checkpoint."""
    import fillbook

    data = fillbook.open_data(folder / f"checkpoint_{n}")
    fillbook.overview(data)
    span = data.span("fills")
    assert span is not None
    found = []
    for share in (0.5, 0.05, 0.31, 0.77, 0.95):
        begins = span[0] + share * (span[1] - span[0])
        start = time.perf_counter()
        chosen = fillbook.Filter(start=begins, end=begins + timedelta(days=days))
        fillbook.overview(data, chosen, check=False)
        found.append(time.perf_counter() - start)
    return {"first_seconds": found[0], "seconds": max(found[1:]), "peak_bytes": peak()}


def main() -> None:
    """Measure what the words ask for."""
    way, folder, n = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    ways = {
        "merge": lambda: merged(folder, n), "overview": lambda: shown(folder, n),
        "day": lambda: narrowed(folder, n, 1), "month": lambda: narrowed(folder, n, 30),
    }  # fmt: skip
    sys.stdout.write(json.dumps(ways[way]()) + "\n")


if __name__ == "__main__":
    main()
