"""Cases of Hummingbot's own figures beside ours, and of limits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cases.adapters_ledger import fill_table, more_fees, num
from cases.registry import adapter
from fillbook.analysis.overview import overview
from fillbook.analysis.reconcile import reconcile
from fillbook.conventions import Conventions
from fillbook.metrics.episodes import Threshold, episodes
from fillbook.performance_data_source import PerformanceDataSource

Case = Mapping[str, Any]


def scenario(case: Case) -> Any:
    """Ours, Hummingbot's, and the causes of one scenario."""
    fills: Sequence[Case] = case["fills"]
    tags = {fill.get("position", "NIL") for fill in fills}
    types = [(fill.get("trade_fee") or {}).get("fee_type") for fill in fills]
    rows = fill_table(case, fills, fee_type=types).sort("at", "source", "row", maintain_order=True)
    data = PerformanceDataSource.from_tables({"fills": rows, "flat_fees": more_fees(fills)})
    conventions = Conventions(
        marks={str(case["symbol"]): num(case["cur_price"])},
        market_types={"venue": "spot" if tags <= {"NIL"} else "linear_perp"},
    )
    balances = {"venue": {token: num(amount) for token, amount in case["balances"].items()}}
    peer = reconcile(data, None, conventions, balances=balances)["history"]
    said = {row["figure"]: row["value"] for row in peer.figures.iter_rows(named=True)}
    books = overview(data, None, conventions, metrics=()).books
    sums = {name: float(books[f"{name}_quote"].sum()) for name in ("realized", "unrealized", "fees", "net")}
    assert peer.rest is not None
    assert abs(peer.rest) <= 1e-9
    return {
        "ours": {
            "gross": sums["realized"] + sums["unrealized"], "realised": sums["realized"],
            "unrealised": sums["unrealized"], "fees": sums["fees"], "net": sums["net"],
        },
        "hummingbot": said,
        "difference": {row["cause"]: row["amount"] for row in peer.causes.iter_rows(named=True)},
    }  # fmt: skip


@adapter("hb_reconcile")
def hb_reconcile(case: Case) -> Any:
    """Every scenario of a case."""
    return {name: scenario(given) for name, given in case.items()}


@adapter("limits")
def limits(case: Case) -> Any:
    """Episodes of a series of samples."""
    samples = np.array([math.nan if value is None else num(value) for value in case["samples"]])
    limit = num(case["limit"])
    threshold = Threshold(limit, num(case["clear"]), 0.8 * limit, case["raise_after"], case["clear_after"])
    found = episodes(samples, threshold)
    return {
        "episodes": [
            {name: getattr(one, name) for name in
             ("start_index", "detected_index", "end_index", "cleared_index", "peak")}
            for one in found
        ],
        "n_samples_over_limit": int((samples > limit).sum()),
        "n_missing": int(np.isnan(samples).sum()),
        "open_at_end": bool(found) and found[-1].end_index is None,
    }  # fmt: skip
