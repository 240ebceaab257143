"""What `summarize_results` of Hummingbot's backtester and dashboard says of the stored executors.

Two versions are redone: that of the dashboard (2.2), which counts every executor with a close type, and that
of 2.16, which leaves out positions that were handed over. Both divide PnL that has accumulated by volume
that has accumulated and call mean over deviation of it a Sharpe ratio; profit factor is 1 without losses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import polars as pl

from fillbook.analysis.peer import Cause, Kind, Part, Peer
from fillbook.analysis.peer_executors import EXECUTORS, HELD
from fillbook.arrays import Floats

CAPITAL = 1000.0  # what the dashboard takes for the capital, whatever it was
_NOT_LOADED = "not_loaded"
_NO_CLOSE = "no_close_type"
_NOT_HELD = "held_executors_left_out"
_DASHBOARD, _LATER = "dashboard", "2.16"

DASHBOARD = Kind(
    "dashboard", "Dashboard summary",
    "Net PnL and the figures beside it on Hummingbot's dashboard and in its backtester "
    "(summarize_results).",
    {
        **EXECUTORS.path,
        _NOT_LOADED: Cause("Executors it cannot load", "The loader fails on TWAP executors, so their result "
                           "is not in the sum."),
        _NO_CLOSE: Cause("Without a close type", "XEMM executors end without a close type; the "
                         "summary fails on them, so they are left out before it."),
        _NOT_HELD: Cause("Held executors left out", "Version 2.16 leaves out executors whose position was "
                         "handed over, with the fees they stored."),
    },
    EXECUTORS.lack,
)  # fmt: skip


def dashboard(executors: Peer, stored: pl.DataFrame) -> Peer:
    """Answer of the dashboard's summary, from the answer of the executors.

    Parameters
    ----------
    executors
        What `peer_executors.executors` answered: its steps come first.
    stored
        Canonical executors of the view.
    """
    if executors.reason and executors.theirs is None:
        return DASHBOARD.unavailable(executors.reason, executors.note)
    if executors.parts.height != 1:
        return DASHBOARD.unavailable(
            "several_quotes", "the summary adds up unlike currencies as if they were one"
        )
    loaded = loaded_by_summary(stored)
    summary = summary_of(loaded, version=_DASHBOARD)
    later = summary_of(loaded, version=_LATER)
    fails = summary["sharpe_ratio"] is None and loaded.filter(pl.col("net") != 0.0).height > 1
    part = executors.parts.row(0, named=True)
    steps = dict(executors.steps.select("cause", "amount").iter_rows())
    n = dict(executors.causes.select("cause", "n").iter_rows())
    for cause, rows in (
        (_NOT_LOADED, stored.filter(pl.col("type").cast(pl.String) == "twap_executor")),
        (_NO_CLOSE, loaded_by_summary(stored, with_null=True).filter(pl.col("close_type").is_null())),
        *([(_NOT_HELD, loaded.filter(pl.col("close_type") == HELD))] if fails else []),
    ):  # fmt: skip
        lost = rows["net" if "net" in rows.columns else "net_pnl_quote"].drop_nulls()
        if lost.len() and math.fsum(lost.to_list()) != 0.0:
            steps[cause], n[cause] = -math.fsum(lost.to_list()), lost.len()
    theirs = later["net_pnl_quote"] if fails else summary["net_pnl_quote"]
    figures = dict(later if fails else summary)
    figures |= {f"2.16 {name}": value for name, value in later.items()} if not fails else {}
    found = Part(part["part"], part["currency"], part["ours"], theirs or 0.0, steps, figures, n)
    note = (
        "the dashboard's own version divides by a volume of 0 and fails here: this is 2.16's" if fails else ""
    )
    return DASHBOARD.answered(
        [found], {part["currency"]: 1.0}, executors.currency, reason="their_error" if fails else "", note=note
    )


def loaded_by_summary(stored: pl.DataFrame, *, with_null: bool = False) -> pl.DataFrame:
    """Executors the summary gets, by close and start: ``net, fees, volume, side, close_type``."""
    rows = stored.filter(pl.col("type").cast(pl.String) != "twap_executor").sort(
        "closed_at", "at", maintain_order=True, nulls_last=True
    )
    rows = rows.select(
        net=pl.col("net_pnl_quote").fill_null(0.0), fees=pl.col("fees_quote").fill_null(0.0),
        volume=pl.col("volume_quote").fill_null(0.0), side="side",
        close_type=pl.col("close_type").cast(pl.String),
    )  # fmt: skip
    return rows if with_null else rows.filter(pl.col("close_type").is_not_null())


def summary_of(
    rows: pl.DataFrame, *, version: str = _DASHBOARD, capital: float = CAPITAL
) -> Mapping[str, float | None]:
    """Figures of `summarize_results`, under its own names; None where it gives NaN or fails.

    Parameters
    ----------
    rows
        ``net, fees, volume, side, close_type`` of executors, by close and start.
    version
        ``dashboard`` (2.2) or ``2.16``.
    capital
        What it takes for the capital.
    """
    counted = rows if version == _DASHBOARD else rows.filter(pl.col("close_type") != HELD)
    held = counted.filter(pl.col("net") != 0.0)
    net = held["net"].to_numpy()
    won, lost = net[net > 0.0], net[net < 0.0]
    level, volume = np.cumsum(net), np.cumsum(held["volume"].to_numpy())
    falls = level - np.maximum.accumulate(level) if level.size else level
    fall = float(falls.min()) if falls.size else 0.0
    side = held["side"].to_numpy()
    total_won, total_lost = math.fsum(won), -math.fsum(lost)
    pnl = math.fsum(counted["net"].to_list())
    return {
        "net_pnl": pnl / capital, "net_pnl_quote": pnl, "total_executors": float(rows.height),
        "total_executors_with_position": float(held.height),
        "total_volume": math.fsum(held["volume"].to_list()),
        "total_long": float((side == 1).sum()), "total_short": float((side == -1).sum()),
        "accuracy_long": _share((net > 0.0) & (side == 1), side == 1),
        "accuracy_short": _share((net > 0.0) & (side == -1), side == -1),
        "total_positions": float(held.height), "accuracy": _share(net > 0.0, net != 0.0),
        "max_drawdown_usd": fall, "max_drawdown_pct": fall / (capital + level[0]) if level.size else 0.0,
        "sharpe_ratio": _sharpe(level, volume),
        "profit_factor": total_won / total_lost if total_lost > 0.0 else 1.0,
        "win_signals": float(won.size), "loss_signals": float(lost.size),
        "total_fees_quote": math.fsum(rows["fees"].to_list()),
    }  # fmt: skip


def _share(these: np.ndarray, those: np.ndarray) -> float:
    """Share of those that are these; 0 where there are none, as that summary has it."""
    return float(these.sum()) / float(those.sum()) if those.sum() else 0.0


def _sharpe(level: Floats, volume: Floats) -> float | None:
    """Mean over deviation of PnL so far by volume so far; None where a volume is 0."""
    if level.size <= 1:
        return 0.0
    if not (volume > 0.0).all():
        return None
    returns = level / volume
    deviation = float(returns.std(ddof=1))
    return float(returns.mean()) / deviation if deviation else None
