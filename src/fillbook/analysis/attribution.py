"""Why it earned or lost: net PnL of one filtered view in parts that add up, by whatever tells fills apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from fillbook.analysis.attribution_facts import MarketFacts, market_facts
from fillbook.analysis.attribution_findings import attribution_findings
from fillbook.analysis.attribution_inputs import attribution_inputs, is_known
from fillbook.analysis.attribution_parts import FillParts, fill_parts
from fillbook.analysis.attribution_rows import Columns, tag_rows
from fillbook.analysis.attribution_tags import DAY_US, DIMENSIONS, Tagged, days_in, tag_of
from fillbook.analysis.attribution_time import accrued, by_time, hour_by_weekday
from fillbook.analysis.drivers import drivers
from fillbook.analysis.execution_facts import clock_tick_s
from fillbook.analysis.inputs import book_funding
from fillbook.analysis.view import View, view_of
from fillbook.conventions import Conventions
from fillbook.filters import Filter
from fillbook.findings import Finding
from fillbook.ledger.equity import day_edges
from fillbook.ledger.sums import total
from fillbook.metrics.evaluate import evaluate
from fillbook.metrics.inputs import AttributionInputs
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Result, Undefined

HORIZON_S = 60.0
PARTS = ("spread", "inventory", "funding", "rebates", "fees", "unattributed")


@dataclass(frozen=True, slots=True)
class Horizon:
    """The inventory part before and after a horizon: the three sum to it.

    Parameters
    ----------
    seconds
        How long after each fill, or to the end of the data where that is sooner.
    adverse_selection, positioning
        What price moves brought until then and from then on; None where not known.
    unattributed
        Of fills whose mid at one of the ends is not known.
    """

    seconds: float
    adverse_selection: float | None
    positioning: float | None
    unattributed: float | None


@dataclass(frozen=True, slots=True)
class Attribution:
    """One filtered view, answered.

    Parameters
    ----------
    currency, period
        As in `Overview`.
    net
        Net PnL: that of the overview of the same filter. None without a common currency, or where an open
        position has no mark.
    parts
        ``spread + inventory + funding + rebates − fees + unattributed = net``. None where not known: spread
        and inventory where mids cover less than half of the value (all of the gross PnL is then
        unattributed), funding where perpetuals were held and nothing is known of it (net then lacks it).
    coverage
        Share of the traded value with a mid just before the fill.
    horizon
        Adverse selection and positioning, the inventory part in two.
    metrics
        By key, in registry order.
    by
        By dimension (`attribution_tags.DIMENSIONS`): a row a tag (`attribution_rows.tag_rows`).
    time
        By day, hour and weekday: what its fills brought beside what accrued in it
        (`attribution_time.by_time`).
    hours
        Hour by weekday (`attribution_time.hour_by_weekday`).
    drivers
        The largest contributions (`drivers.drivers`).
    findings
        What a reader of these numbers must know.
    """

    currency: str | None
    period: tuple[datetime, datetime] | None
    net: float | None
    parts: Mapping[str, float | None]
    coverage: float | None
    horizon: Horizon
    metrics: Mapping[str, Result]
    by: Mapping[str, pl.DataFrame]
    time: Mapping[str, pl.DataFrame]
    hours: pl.DataFrame
    drivers: pl.DataFrame
    findings: tuple[Finding, ...]
    chosen: Filter
    conventions: Conventions


def attribution(
    data: PerformanceDataSource, chosen: Filter | None = None, conventions: Conventions | None = None,
    *, horizon_s: float = HORIZON_S,
) -> Attribution:  # fmt: skip
    """Answer of `data` seen through `chosen`: why it earned or lost.

    Parameters
    ----------
    data
        An opened source.
    chosen
        Which rows count; None takes all.
    conventions
        How to book, and how old a quote may be.
    horizon_s
        Where adverse selection ends; the metrics of a minute are left out where it is not 60.

    Raises
    ------
    BadRequestError
        A filter value that the data does not hold, or a currency without rates.
    MissingMarkError
        Marks are strict and an open position has none.
    """
    seen = view_of(data, chosen, conventions)
    facts = market_facts(data, seen, horizon_s)
    parts = fill_parts(seen, facts)
    lack = _too_coarse(seen, horizon_s)
    inputs = attribution_inputs(seen, facts, parts, too_coarse=lack)
    metrics = evaluate(inputs)
    whole = _whole(seen, parts, inputs, metrics)
    by, tags = _by_tags(data, seen, facts, parts, funding_is_known=whole["funding"] is not None)
    starts, gained = accrued(seen)
    n_days = day_edges(seen.start_us, seen.ledger.end_us).size
    daily = np.asarray(np.bincount(starts // DAY_US - seen.start_us // DAY_US, gained, n_days), float)
    kept = {
        key: result for key, result in metrics.items() if horizon_s == HORIZON_S or not key.endswith("_60s")
    }
    return Attribution(
        seen.reporting.currency, seen.period, whole["net"], {name: whole[name] for name in PARTS},
        metrics["mid_coverage"].value, _horizon(metrics, horizon_s), kept, by,
        by_time(seen, parts, starts, gained), hour_by_weekday(seen, parts),
        drivers(seen, parts, whole, by, tags, daily),
        (*seen.findings, *attribution_findings(seen, facts, parts, metrics)), seen.chosen, seen.conventions,
    )  # fmt: skip


def _too_coarse(view: View, horizon_s: float) -> Undefined | None:
    """Why nothing can be said of so short a horizon, where the fills' clock is too coarse for it."""
    tick = clock_tick_s(view.ledger.flow.at)
    return Undefined.unavailable("resolution_too_coarse") if horizon_s < 2.0 * tick else None


def _whole(
    view: View, parts: FillParts, inputs: AttributionInputs, metrics: Mapping[str, Result]
) -> dict[str, float | None]:
    """Net PnL and its parts over all fills."""
    if view.reporting.currency is None:
        return dict.fromkeys(("net", *PARTS))
    fees, left = parts.fees, float(parts.funding_left.sum())
    paid, rebates = total(np.maximum(fees, 0.0)), total(np.maximum(-fees, 0.0))
    funding = total(parts.funding) + left
    net = total(parts.gross) - paid + rebates + funding
    received = view.ledger.books["funding_quote"].fill_null(np.nan).to_numpy()
    has_funding = not isinstance(book_funding(view.ledger, received, view.reporting), Undefined)
    return {
        "net": net if is_known(view) and np.isfinite(net) else None,
        "spread": metrics["spread_pnl"].value, "inventory": metrics["inventory_pnl"].value,
        "funding": funding if has_funding else None, "rebates": _finite(rebates), "fees": _finite(paid),
        "unattributed": metrics["unattributed_pnl"].value if inputs.part_has_mid.size else 0.0,
    }  # fmt: skip


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _by_tags(
    data: PerformanceDataSource, view: View, facts: MarketFacts, parts: FillParts, *, funding_is_known: bool
) -> tuple[dict[str, pl.DataFrame], dict[str, Tagged]]:
    """Rows of every dimension, and the tags they are of."""
    n_days = days_in(view.ledger.flow.at)
    columns = Columns.of(parts)
    tags = {dimension: tag_of(dimension, view, facts, data.executors) for dimension in DIMENSIONS}
    rows = {
        dimension: tag_rows(
            dimension, tagged, parts, columns, view, n_days=n_days, funding_is_known=funding_is_known
        )
        for dimension, tagged in tags.items()
    }
    return rows, tags


def _horizon(metrics: Mapping[str, Result], horizon_s: float) -> Horizon:
    names = ("adverse_selection_pnl_60s", "positioning_pnl_60s", "unattributed_horizon_pnl_60s")
    return Horizon(horizon_s, *(metrics[name].value for name in names))
