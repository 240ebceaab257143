"""Attribution of what real bots left behind: parts sum to net, whatever is chosen."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from fillbook.analysis.attribution import attribution
from fillbook.analysis.overview import overview
from fillbook.conventions import Conventions
from fillbook.errors import FillbookError
from fillbook.filters import UNLINKED, Filter
from fillbook.performance_data_source import PerformanceDataSource, open_data

TRIALS = 20
SIGNS = {"spread": 1, "inventory": 1, "funding": 1, "rebates": 1, "fees": -1, "unattributed": 1}


def files(folder: Path) -> list[Path]:
    """Everything that may hold fills."""
    return sorted(
        path for kind in ("sqlite", "csv") for path in folder.rglob(f"*.{kind}") if path.stat().st_size
    )


def some_filter(data: PerformanceDataSource, rng: random.Random) -> Filter:
    """A filter of names and times the data holds."""

    def some(column: str) -> tuple[str, ...]:
        names = [UNLINKED if name is None else str(name) for name in data.fills[column].unique().to_list()]
        return tuple(rng.sample(names, rng.randint(1, len(names)))) if rng.random() < 0.3 else ()

    at = data.fills["at"].sort()
    first, last = sorted(rng.sample(range(at.len()), 2)) if at.len() > 1 else (0, 0)
    is_cut = rng.random() < 0.5 and at[first] < at[last]
    return Filter(
        bots=some("bot"), connectors=some("connector"), pairs=some("pair"), controllers=some("controller_id"),
        close_types=some("close_type"), sides=rng.choice([(), (), ("BUY",), ("SELL",)]),
        start=at[first] if is_cut else None, end=at[last] if is_cut else None,
    )  # fmt: skip


def assert_adds_up(data: PerformanceDataSource, chosen: Filter, how: Conventions) -> bool:
    """Whether there was a net PnL; its parts, and the rows of every dimension, sum to it."""
    answer = attribution(data, chosen, how)
    whole = overview(data, chosen, how, metrics=["net_pnl", "volume"], check=False).metrics
    net = whole["net_pnl"].value
    if net is None:
        assert answer.net is None
        return False
    tolerance = 1e-6 + 1e-12 * (whole["volume"].value or 0.0)
    assert answer.net == pytest.approx(net, abs=tolerance, rel=0.0)
    parts = sum(sign * (answer.parts[name] or 0.0) for name, sign in SIGNS.items())
    assert parts == pytest.approx(net, abs=tolerance, rel=0.0)
    for dimension, rows in answer.by.items():
        assert sum(rows["net"].to_list()) == pytest.approx(net, abs=tolerance, rel=0.0), dimension
        for row in rows.iter_rows(named=True):
            mine = sum(sign * (row[name] or 0.0) for name, sign in SIGNS.items())
            assert mine == pytest.approx(row["net"], abs=tolerance, rel=0.0), (dimension, row["tag"])
    for by, rows in answer.time.items():
        for name in ("originated", "accrued"):
            assert rows[name].null_count() or rows[name].sum() == pytest.approx(net, abs=tolerance), (
                by,
                name,
            )
    return True


def test_parts_sum_to_net_on_every_file(shared_data: Path) -> None:
    """Twenty filters a file, half of them cut in time, with quotes of any age up to ten minutes."""
    n = 0
    for path in files(shared_data):
        try:
            data = open_data(path)
        except FillbookError:
            continue
        if data.fills.is_empty():
            continue
        rng = random.Random(path.name)
        how = Conventions(max_quote_age_s=600.0)
        n += assert_adds_up(data, Filter(), how)
        for _ in range(TRIALS):
            assert_adds_up(data, some_filter(data, rng), how)
    assert n >= 15
