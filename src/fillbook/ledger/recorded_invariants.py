"""What Hummingbot wrote about itself against the fills. It is often Hummingbot that is wrong.

Sums keep the order of the rows, so that the same data gives the same digits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import polars as pl

from fillbook.ledger.book import Ledger
from fillbook.ledger.fees import METHODS
from fillbook.ledger.invariants import Outcome, Verdict, compared, invariant, missing

SHARE = 0.001  # of the larger figure: what six stored decimals and tick times may explain
_FULL = 1e-9
_RELIABLE = (
    "position_executor",
    "dca_executor",
    "grid_executor",
)  # types that store order ids and PnL


def _about(first: float, second: float, what: str) -> Outcome:
    return compared(first, second, 1e-6 + SHARE * max(abs(first), abs(second)), what)


@invariant(label="Completed orders were filled for the amount they asked", is_own=False)
def orders_match_fills(ledger: Ledger, tables: Mapping[str, pl.DataFrame]) -> Outcome:
    """Filled base of completed orders against their amount."""
    orders = tables["orders"].filter(pl.col("last_status").cast(pl.String).str.ends_with("Completed"))
    if orders.is_empty():
        return missing("no completed orders")
    filled = tables["fills"].group_by("order_id", maintain_order=True).agg(filled=pl.col("amount_base").sum())
    both = orders.join(filled, on="order_id", how="left", maintain_order="left")
    both = both.with_columns(pl.col("filled").fill_null(0.0))
    slack = 2e-6 + _FULL * both["amount_base"]
    wrong = both.filter((both["filled"] - both["amount_base"]).abs() > slack)
    asked, got = float(both["amount_base"].sum()), float(both["filled"].sum())
    detail = f"{wrong.height} of {both.height} completed orders differ from their fills"
    verdict = Verdict.FAIL if wrong.height else Verdict.PASS
    return Outcome(verdict, detail, got - asked)


@invariant(label="Recorded fees agree with fees converted at the fill", is_own=False)
def recorded_fees_agree(ledger: Ledger, tables: Mapping[str, pl.DataFrame]) -> Outcome:
    """Sum of recorded fees in quote against the same fees converted."""
    recorded = ledger.column("fee_quote_recorded").to_numpy()
    independent = ~np.isin(ledger.fee_method, [METHODS.index("recorded"), METHODS.index("unconverted")])
    use = independent & (np.nan_to_num(recorded) != 0.0)
    if not use.any():
        return missing("no fee was recorded in quote beside its own token")
    return _about(
        float(ledger.flow.fee[use].sum()),
        float(recorded[use].sum()),
        f"{int(use.sum())} fees in quote",
    )


def _linked(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Cash, net base, fees and volume of the fills tied to each executor that is done."""
    fills = tables["fills"].filter(pl.col("executor_id").is_not_null())
    signed = pl.col("side") * pl.col("amount_base")
    return fills.group_by(pl.col("executor_id").cast(pl.String), maintain_order=True).agg(
        cash=-(signed * pl.col("price_quote")).sum(),
        net_base=signed.sum(),
        traded_base=pl.col("amount_base").sum(),
        volume=(pl.col("amount_base") * pl.col("price_quote")).sum(),
    )


def _closed_executors(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Executors that ended flat, with their own figures and those of their fills."""
    done = tables["executors"].filter(
        pl.col("type").cast(pl.String).is_in(_RELIABLE),
        pl.col("close_type").cast(pl.String) != "POSITION_HOLD",
    )
    joined = done.join(_linked(tables), on="executor_id", how="inner", maintain_order="left")
    return joined.filter(pl.col("net_base").abs() <= 1e-6 * pl.col("traded_base"))


def _sum(values: pl.Series) -> float:
    """Sum of what is known, the same in any order."""
    return math.fsum(values.drop_nulls())


@invariant(label="Executors' volume agrees with their fills", is_own=False)
def executor_volume_agrees(ledger: Ledger, tables: Mapping[str, pl.DataFrame]) -> Outcome:
    """Filled amount of closed executors against the notional of their fills."""
    closed = _closed_executors(tables)
    if closed.is_empty():
        return missing("no closed executor is tied to fills")
    what = f"{closed.height} executors, volume"
    return _about(_sum(closed["volume_quote"]), _sum(closed["volume"]), what)


@invariant(label="Executors' PnL agrees with their fills", is_own=False)
def executor_pnl_agrees(ledger: Ledger, tables: Mapping[str, pl.DataFrame]) -> Outcome:
    """Gross PnL (net + fees) of closed executors against the cash of their fills."""
    closed = _closed_executors(tables)
    if closed.is_empty():
        return missing("no closed executor is tied to fills")
    stated = _sum(closed["net_pnl_quote"] + closed["fees_quote"])
    return _about(stated, _sum(closed["cash"]), f"{closed.height} executors, gross PnL")


@invariant(label="Positions stored at the stop agree with the fills", is_own=False)
def positions_agree(ledger: Ledger, tables: Mapping[str, pl.DataFrame]) -> Outcome:
    """Volume of stored positions against the notional of the controllers' fills."""
    positions = tables["positions"]
    if positions.is_empty():
        return missing("the bot stored no Position rows")
    keys = ["controller_id", "connector", "pair"]
    traded = (
        tables["fills"].filter(pl.col("controller_id").is_not_null())
        .group_by(keys, maintain_order=True).agg(volume=(pl.col("amount_base") * pl.col("price_quote")).sum())
    )  # fmt: skip
    stored = positions.group_by(keys, maintain_order=True).agg(pl.col("volume_quote").sum())
    both = stored.join(traded, on=keys, how="inner", maintain_order="left")
    if both.is_empty():
        return missing("no stored position belongs to a controller with linked fills")
    more = both.filter(pl.col("volume_quote") > pl.col("volume") * (1.0 + SHARE) + 1e-6)
    verdict = Verdict.FAIL if more.height else Verdict.PASS
    detail = f"{more.height} of {both.height} stored positions traded more than their controller's fills"
    gap = _sum(both["volume_quote"] - both["volume"])
    return Outcome(verdict, detail, gap)


@invariant(label="CLOSE tags reduce the position, and spot carries no leverage", is_own=False)
def tags_agree(ledger: Ledger, tables: Mapping[str, pl.DataFrame]) -> Outcome:
    """Tagged closes that opened instead, and leveraged spot fills."""
    flow = ledger.flow
    closes = (ledger.column("position_action") == "CLOSE").fill_null(value=False).to_numpy()
    kinds = ledger.books["market_type"].to_numpy()
    spot = kinds[flow.book] == "spot" if flow.book.size else closes
    leveraged = spot & (ledger.column("leverage").fill_null(1).to_numpy() > 1)
    opened = closes & (flow.closed == 0.0)
    wrong = int(opened.sum() + leveraged.sum())
    if not closes.any() and not leveraged.any():
        return missing("no fill carries a CLOSE tag or leverage on spot")
    verdict = Verdict.FAIL if wrong else Verdict.PASS
    return Outcome(
        verdict,
        f"{int(opened.sum())} CLOSE fills opened, {int(leveraged.sum())} spot fills leveraged",
    )


@invariant(label="Nothing is kept out of the books", is_own=False)
def quarantined_share(ledger: Ledger, tables: Mapping[str, pl.DataFrame]) -> Outcome:
    """Quarantined fills as a share of all, by notional where it is known."""
    out = tables["quarantine"].filter(pl.col("table").cast(pl.String) == "fills")
    if out.is_empty():
        return Outcome(Verdict.PASS, "no fill is quarantined", 0.0)
    known = out["notional_quote"].drop_nulls()
    booked = float((tables["fills"]["amount_base"] * tables["fills"]["price_quote"]).sum())
    unknown = out.height - known.len()
    worth = (
        [f"{float(known.sum()) / (booked + float(known.sum())):.2%} of the notional"] if known.len() else []
    )
    worth += [f"{unknown} of unknown value"] if unknown else []
    detail = f"{out.height:,} fill{'s'[: out.height != 1]} quarantined, {' and '.join(worth)}"
    return Outcome(Verdict.FAIL, detail, -float(known.sum()))
