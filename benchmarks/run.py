"""Time fillbook against the bare floor and against a pandas script, in one run.

``python benchmarks/run.py 10000 100000 1000000 [--write]``; ``--write`` keeps the answer in
``docs/performance.md``.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fillbook.testing.databases import write_large_database

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
RUNS = 3


def built_floor(folder: Path) -> Path | None:
    """The C loop, or None where no compiler or no SQLite header is."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    target = folder / "floor"
    done = subprocess.run(
        [compiler, "-O2", str(HERE / "floor.c"), "-lsqlite3", "-o", str(target)],
        check=False, capture_output=True,
    )  # fmt: skip
    return target if done.returncode == 0 else None


def seconds(words: list[str]) -> float:
    """Seconds of the quickest of a few runs of a whole process."""
    found = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        found.append(time.perf_counter() - start)
    return min(found)


def measured(way: str, path: Path) -> dict[str, float]:
    """The quickest of a few measurements, each in its own process."""
    runs = []
    for _ in range(RUNS):
        words = [sys.executable, str(HERE / "measure.py"), way, str(path)]
        runs.append(json.loads(subprocess.run(words, check=True, capture_output=True).stdout))
    return {key: min(run[key] for run in runs) for key in runs[0]}


def line(n: int, folder: Path, floor: Path | None) -> str:
    """One row of the table."""
    path = folder / f"fills_{n}.sqlite"
    write_large_database(path, n)
    bare = seconds([str(floor), str(path)]) if floor else float("nan")
    ours, pandas = measured("ours", path), measured("pandas", path)
    return (
        f"| {n:,} | {bare:.3f} s | {ours['open_s']:.3f} s = {ours['open_s'] / bare:.1f} × floor "
        f"| {pandas['open_s']:.2f} s | {ours['answer_s']:.3f} s | {ours['filter_s'] * 1000:.0f} ms "
        f"| {ours['open_bytes'] / n:.0f} B | {ours['all_bytes'] / n:.0f} B "
        f"| {pandas['open_bytes'] / n:.0f} B "
        f"| {(ours['open_s'] + ours['answer_s']) / n * 1e6:.2f} µs |"
    )


def answered(script: str, way: str, *sizes: int) -> dict[str, float]:
    """An answer measured one way, in a process of its own."""
    words = [sys.executable, str(HERE / script), way, *map(str, sizes)]
    found: dict[str, float] = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    return found


def answers(sizes: list[int]) -> list[str]:
    """Execution, attribution and risk beside their floors and pandas scripts."""
    rows = ["| answer | of | floor | ours | once more | pandas script | peak, of it data |", "|---" * 7 + "|"]
    asked = [
        *(("execution", f"{n:,} fills, {5 * n:,} orders, {10 * n:,} quotes", (n,)) for n in sizes),
        *(("attribution", f"{n:,} fills, {4 * n:,} quotes, 15 dimensions", (n,)) for n in sizes),
        ("risk", "200 bots, 1,095 days", (200, 1_095)),
    ]
    for name, of, size in asked:
        ours, bare, pandas = (answered(f"{name}.py", way, *size) for way in ("ours", "floor", "pandas"))
        again = f"{ours['again_seconds']:.2f} s" if "again_seconds" in ours else "–"
        held = f", {ours['held_bytes'] / 1e9:.2f}" if "held_bytes" in ours else ""
        rows.append(
            f"| {name} | {of} | {bare['seconds']:.2f} s | {ours['seconds']:.2f} s | {again} "
            f"| {pandas['seconds']:.2f} s | {ours['peak_bytes'] / 1e9:.2f}{held} GB |"
        )
    return rows


def processes(folder: Path) -> list[str]:
    """Whole processes, as a person starts them."""
    program = str(Path(sys.executable).parent / "fillbook")
    small = write_large_database(folder / "small.sqlite", 500)
    return [
        f"* `fillbook --help`: {seconds([program, '--help']):.2f} s",
        f"* `fillbook summary` of 500 fills: {seconds([program, 'summary', str(small)]):.2f} s",
    ]


def app(n: int, folder: Path) -> list[str]:
    """The page on the largest database."""
    words = [sys.executable, str(HERE / "page.py"), str(folder / f"fills_{n}.sqlite")]
    found = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    message = found["message_bytes"]
    return [
        (
            f"* the page of {n:,} fills: first paint {found['first_s']:.2f} s after the data is open, "
            f"a changed filter {found['filter_s']:.2f} s (the slowest of four, on the server)"
        ),
        f"* ten more sessions: {found['session_bytes'] / 1e6:.1f} MB each",
        "* largest message to the browser: "
        + ("not measured, no Chromium" if message is None else f"{message / 1e6:.2f} MB, every tab opened"),
    ]


def checkpoints(sizes: list[int], folder: Path) -> list[str]:
    """Checkpoints of the same databases: merged, merged again, shown, narrowed to a day and to a month."""
    rows = [
        (
            "| checkpoint of | merge | again | on disk | open, overview | a day | a month "
            "| peak: merge, overview, day |"
        ),
        "|---" * 8 + "|",
    ]
    for n in sizes:
        merged, shown, day, month = (
            _asked("checkpoint.py", way, str(folder), str(n)) for way in ("merge", "overview", "day", "month")
        )
        peaks = ", ".join(f"{found['peak_bytes'] / 1e9:.2f}" for found in (merged, shown, day))
        rows.append(
            f"| {n:,} fills | {merged['seconds']:.1f} s | {merged['again_seconds']:.2f} s "
            f"| {merged['bytes'] / 1e6:.0f} MB | {shown['seconds']:.2f} s | {day['seconds'] * 1000:.0f} ms "
            f"| {month['seconds'] * 1000:.0f} ms | {peaks} GB |"
        )
    return rows


def _asked(script: str, *words: str) -> dict[str, float]:
    """What a script measures, in a process of its own."""
    call = [sys.executable, str(HERE / script), *words]
    found: dict[str, float] = json.loads(subprocess.run(call, check=True, capture_output=True).stdout)
    return found


def page(sizes: list[int]) -> str:
    """The whole answer as Markdown."""
    with tempfile.TemporaryDirectory(prefix="fillbook-bench-") as name:
        folder = Path(name)
        floor = built_floor(folder)
        head = [
            (
                "| fills | floor | open | pandas script | ledger, metrics | filter | peak, open | peak, all "
                "| peak, pandas | time a fill |"
            ),
            "|---" * 10 + "|",
        ]
        rows = [line(n, folder, floor) for n in sizes]
        machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
        return "\n".join(
            [
                *head,
                *rows,
                "",
                *processes(folder),
                *app(sizes[-1], folder),
                "",
                *answers(sizes),
                "",
                *checkpoints(sizes, folder),
                "",
                f"Measured with {machine}.",
            ]
        )


ABOUT = """\
# Speed and memory

`make bench` builds databases of 10⁴, 10⁵ and 10⁶ fills and times, in one run (`FILLS=10000000` for more):

* **floor**: a C loop over `sqlite3_step` that reads the same columns, whole process;
* **open**: read, fees taken apart, validated, deduplicated, hashed;
* **ledger and all metrics**: the first answer after opening, with the book's checks of itself;
* **a filter change**: the slowest of three (one pair, one side, half the period), without the checks,
  as the page asks for them of the whole;
* **pandas script**: `read_sql`, `json.loads` a fee, one sum by pair: no validation, no books;
* **peak**: most memory above what the loaded program holds, a fill.

For the answers beyond PnL, on tables made in memory:

* **execution**: `fillbook.execution`: mids, orders, shortfall, markouts, groups, intervals; its floor is the
  look-ups alone, every fill among its market's quotes at ten horizons; its script `merge_asof` for the mid
  before and one markout, and one fill rate;
* **attribution**: `fillbook.attribution` of a view that is booked; its floor is the look-ups before and a
  minute after each fill; its script `merge_asof` and a `groupby` for seven dimensions;
* **risk**: `fillbook.risk`, booking included; its floor is the daily sums, a correlation and one quantile;
  its script a Sharpe ratio bootstrapped in a loop, a rolling quantile and a correlation;
* **checkpoint**: the same databases merged into a [checkpoint](checkpoints.md) (read, cleaned, answered once,
  written), and merged again; then, each in a process of its own, opened with its overview shown, and narrowed
  to the slowest of four days, or months;
* **once more**: the same asked again, as after a change of the filter; **peak**: most memory the process
  held, and how much of it the tables are.

Each figure is the best of three processes; the page and these answers are measured once. Read them against
the floor and the pandas script of the same run: where the machine is slow, all of them are.

"""


def main() -> None:
    """Print the table; keep it with ``--write``."""
    sizes = [int(word) for word in sys.argv[1:] if not word.startswith("-")]
    text = page(sizes or [10_000, 100_000, 1_000_000])
    print(text)
    if "--write" in sys.argv:
        PAGE.write_text(ABOUT + text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
