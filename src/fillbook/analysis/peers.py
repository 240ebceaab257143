"""Where each side stands among others: percentiles of figures that need neither capital nor currency.

The others are all sides that are open, or a file of results that others gave: a row each, without a name,
a pair or a date in it. Such a file is JSON, ``{"schema": "fillbook.peers/1", "rows": [{…}]}``, or a CSV with
the same columns; `own_rows` writes one's own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from fillbook.analysis.sides import Side, figures
from fillbook.arrays import Floats
from fillbook.metrics.returns import omega_ratio
from fillbook.results import Status

PEERS_SCHEMA = "fillbook.peers/1"
PEER_METRICS = {  # whether more is better
    "sharpe": True, "sortino": True, "winning_days": True, "profit_factor_of_days": True, "net_bps": True,
    "recovery": True, "fills_per_day": None,
}  # fmt: skip
PEER_COLUMNS = ("n_days", *PEER_METRICS)
PEERS = {
    "side": pl.String, "metric": pl.String, "value": pl.Float64, "percentile": pl.Float64,
    "n_peers": pl.Int64, "status": pl.String, "reason": pl.String,
}  # fmt: skip
_FEW = 5  # peers below which a percentile says little
_DAYS_ENOUGH = 30


def own_rows(sides: Sequence[Side], periods_per_year: float) -> pl.DataFrame:
    """A row a side with the columns of `PEER_COLUMNS`, and nothing that tells whose it is.

    ``recovery`` is net PnL over the largest fall of the days' ends, ``net_bps`` net PnL over volume. Null
    where there is none.
    """
    rows = [_row(side, periods_per_year) for side in sides]
    return pl.DataFrame(rows, schema={"n_days": pl.Int64} | dict.fromkeys(PEER_METRICS, pl.Float64))


def _row(side: Side, periods_per_year: float) -> dict[str, object]:
    found = figures(side, periods_per_year)
    net, fall, n = found["net"], found["max_drawdown"], side.days.size
    factor = np.nan if np.isnan(side.pnl).any() else omega_ratio(side.pnl)
    recovery = None
    if isinstance(net, float) and isinstance(fall, float) and fall > 0.0:
        recovery = net / fall
    return {
        "n_days": n, **{name: found[name] for name in ("sharpe", "sortino", "winning_days", "net_bps")},
        "profit_factor_of_days": None if np.isnan(factor) else factor, "recovery": recovery,
        "fills_per_day": float(side.n_fills.sum()) / n if n else None,
    }  # fmt: skip


def peer_table(sides: Sequence[Side], peers: pl.DataFrame | None, periods_per_year: float) -> pl.DataFrame:
    """Percentile of each side and metric among its peers.

    Parameters
    ----------
    sides
        What is placed.
    peers
        Columns of `PEER_COLUMNS`, each optional; None takes the other sides.
    periods_per_year
        Days a year.

    Returns
    -------
    pl.DataFrame
        ``side, metric, value, percentile, n_peers, status, reason``; the percentile is the share of peers
        that are worse (for ``fills_per_day``: fewer), those that are equal counting half. Null without a
        value or a peer; ``low_n`` with fewer than five peers or thirty days.
    """
    own = own_rows(sides, periods_per_year)
    rows = []
    for i, side in enumerate(sides):
        for metric in PEER_METRICS:
            if peers is None:
                others = own.filter(pl.int_range(pl.len()) != i)[metric]
            else:
                others = peers[metric] if metric in peers.columns else pl.Series(metric, [], pl.Float64)
            value = own[metric][i]
            held = others.drop_nulls().drop_nans().to_numpy()
            rows.append(_placed(side, metric, value, held))
    return pl.DataFrame(rows, schema=PEERS)


def _placed(side: Side, metric: str, value: float | None, others: Floats) -> dict[str, object]:
    row: dict[str, object] = {
        "side": side.name,
        "metric": metric,
        "value": value,
        "n_peers": int(others.size),
    }
    if value is None:
        return row | {"percentile": None, "status": Status.UNDEFINED, "reason": "undefined"}
    if not others.size:
        return row | {"percentile": None, "status": Status.UNAVAILABLE, "reason": "no_peers"}
    status, reason = Status.OK, ""
    if others.size < _FEW:
        status, reason = Status.LOW_N, "few_peers"
    elif side.days.size < _DAYS_ENOUGH:
        status, reason = Status.LOW_N, "few_days"
    return row | {"percentile": percentile(value, others), "status": status, "reason": reason}


def percentile(value: float, others: Floats) -> float:
    """Share of `others` below a value, those equal to it counting half.

    >>> percentile(2.0, np.array([1.0, 2.0, 3.0, 4.0]))
    0.375
    """
    return float(((others < value).sum() + 0.5 * (others == value).sum()) / others.size)
