"""Cases of attribution: parts of net PnL, fills without a mid, bots against a benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from cases.adapters_ledger import fill_table, moment, num
from cases.adapters_risk import floats
from cases.registry import adapter
from fillbook.analysis.attribution import Attribution, attribution
from fillbook.conventions import Conventions
from fillbook.metrics.contribution import Brinson, Linked, brinson_fachler, linked
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.testing.tables import table

Case = Mapping[str, Any]
APART_MS = 10_000


def _answer(
    case: Case, fills: pl.DataFrame, quotes: list[tuple[int, float]], end_ms: int, *, age_s: float,
    horizon_s: float = 60.0,
) -> Attribution:  # fmt: skip
    """The whole answer of a case's fills, its mids as a file of quotes, and its end mark."""
    tables = {"fills": fills.sort("at", maintain_order=True)}
    if quotes:
        tables["quotes"] = table(
            "quotes", kind="quote_file", connector="venue", pair=str(case["symbol"]),
            at=[moment(ms) for ms, _ in quotes], mid_quote=[mid for _, mid in quotes],
        )  # fmt: skip
    paid = case.get("funding", [])
    if paid:
        tables["funding"] = table(
            "funding", connector="venue", pair=str(case["symbol"]), at=[moment(p["timestamp_ms"]) for p in paid],
            amount_quote=[num(p["amount"]) for p in paid],
        )  # fmt: skip
    first = tables["fills"]["at"].min()
    conventions = Conventions(
        marks={str(case["symbol"]): num(case["end_mark"])}, market_types={"venue": case["market_type"]},
        max_quote_age_s=age_s, run=(first, moment(end_ms)),  # type: ignore[arg-type]
    )  # fmt: skip
    return attribution(PerformanceDataSource.from_tables(tables), None, conventions, horizon_s=horizon_s)


@adapter("attribution")
def attribution_case(case: Case) -> Any:
    """Parts of net PnL, and the inventory part in two."""
    quote = str(case["symbol"]).split("-")[1]
    rows = case["fills"]
    fills = fill_table(case, rows, fee_token=quote, fee_amount=[num(fill["fee_quote"]) for fill in rows])
    quotes = [(int(ms), num(mid)) for ms, mid in case["mids"]]
    answer = _answer(
        case,
        fills,
        quotes,
        int(case["end_ms"]),
        age_s=num(case["max_mid_age_s"]),
        horizon_s=num(case["horizon_s"]),
    )
    parts, sides = answer.parts, answer.by["side"]
    gross = (
        sides["net"].sum() + sides["fees"].sum() - sides["rebates"].sum() - (sides["funding"].sum() or 0.0)
    )
    signed = [num(fill["amount"]) * (1 if fill["trade_type"] == "BUY" else -1) for fill in rows]
    return {
        "spread_capture": parts["spread"], "inventory_pnl": parts["inventory"], "fees_paid": parts["fees"],
        "rebates": parts["rebates"], "funding": parts["funding"], "unattributed": parts["unattributed"],
        "net": answer.net, "adverse_selection_60s": answer.horizon.adverse_selection,
        "positioning_beyond_60s": answer.horizon.positioning, "realised_gross_plus_unrealised": gross,
        "position_end": sum(signed),
    }  # fmt: skip


@adapter("attribution_missing")
def attribution_missing(case: Case) -> Any:
    """Fills in their order, far apart, each with its own mid just before it or none."""
    rows = sorted(case["fills"], key=lambda fill: int(fill["timestamp_ms"]))
    start = int(rows[0]["timestamp_ms"])
    spread_out = [{**fill, "timestamp_ms": start + APART_MS * i} for i, fill in enumerate(rows)]
    quotes = [
        (fill["timestamp_ms"] - 1, num(fill["pre_mid"])) for fill in spread_out if fill["pre_mid"] is not None
    ]
    end = start + APART_MS * len(rows)
    answer = _answer(case, fill_table(case, spread_out), quotes, end, age_s=1.0)
    return {
        "spread_capture": answer.metrics["spread_pnl"], "inventory_pnl": answer.metrics["inventory_pnl"],
        "unattributed": answer.metrics["unattributed_pnl"], "gross": answer.net,
        "mid_coverage_by_notional": answer.coverage, "status": answer.metrics["spread_pnl"].status.value,
    }  # fmt: skip


@adapter("brinson")
def brinson(case: Case) -> Any:
    """Effects of each period, and of all linked."""
    periods = [
        brinson_fachler(
            floats(period["w"]), floats(period["W"]), floats(period["r"]),
            np.array([np.nan if r is None else num(r) for r in period["R"]]),
        )
        for period in case["periods"]
    ]  # fmt: skip
    whole = linked(periods)
    assert isinstance(whole, Linked)
    return {"period": [_effects(period) for period in periods], "linked": _effects(whole)}


def _effects(held: Brinson | Linked) -> dict[str, float]:
    return {
        "rp": held.portfolio, "rb": held.benchmark, "active": held.active,
        "allocation": float(held.allocation.sum()), "selection": float(held.selection.sum()),
        "interaction": float(held.interaction.sum()),
    }  # fmt: skip
