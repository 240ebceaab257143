"""What the positions held at the end would lose: crashes, a grid of shocks, costs, depegs (DEFINITIONS E9).

Everything here is linear, without re-hedging: positions stand still while prices jump.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from fillbook.analysis.betas import Beta
from fillbook.analysis.crashes import CRASHES, MEASURES, STILL, Measure
from fillbook.analysis.holdings import Margin, moved_value
from fillbook.arrays import Floats
from fillbook.ledger.book_sums import INVERSE
from fillbook.ledger.sums import total

ASSUMPTION = "linear, no re-hedging"
GRID = (-0.20, -0.10, -0.05, -0.02, -0.01, 0.01, 0.02, 0.05, 0.10, 0.20)
_LOWEST = -1.0
_SHOCKS = {
    "scenario": pl.String, "kind": pl.String, "measure": pl.String, "asset": pl.String, "value": pl.Float64,
    "shock": pl.Float64, "change": pl.Float64, "source": pl.String, "beta": pl.Float64, "n_beta": pl.Int64,
    "reason": pl.String,
}  # fmt: skip
_TOTALS = {
    "scenario": pl.String, "kind": pl.String, "measure": pl.String, "change": pl.Float64,
    "known_change": pl.Float64, "coverage": pl.Float64, "is_estimate": pl.Boolean,
    "equity_after": pl.Float64, "maintenance": pl.Float64, "liquidated": pl.Boolean, "reason": pl.String,
    "assumption": pl.String,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Move:
    """How an asset moves in a scenario, and how that is known: ``own``, ``beta``, ``same`` or ``still``."""

    shock: float | None
    source: str
    beta: float | None = None
    n: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A name, what kind it is (``crash``, ``grid``), which of its measures, and the move of every asset."""

    name: str
    kind: str
    measure: str
    moves: Mapping[str, Move]


def crash_scenarios(assets: list[str], beta: Mapping[str, Beta]) -> list[Scenario]:
    """Every crash by both measures: BTC, ETH and what else is recorded by their own, the rest by beta.

    A beta times BTC's move never falls below −100 %; an asset without beta has no move: 1 would be a guess.

    Parameters
    ----------
    assets
        Every asset and quote of the positions.
    beta
        By asset.
    """

    def move(asset: str, btc: float, own: float | None) -> Move:
        if asset in STILL:
            return Move(0.0, "still")
        if own is not None:
            return Move(own, "own")
        known = beta.get(asset)
        if known is None or np.isnan(known.value):
            return Move(None, "beta", None, 0 if known is None else known.n)
        return Move(max(known.value * btc, _LOWEST), "beta", known.value, known.n)

    def scenario(number: int, measure: Measure) -> Scenario:
        crash = CRASHES[number]
        btc = crash.move("BTC", measure) or 0.0
        moves = {asset: move(asset, btc, crash.move(asset, measure)) for asset in assets}
        return Scenario(crash.label, "crash", measure, moves)

    return [scenario(number, measure) for number in range(len(CRASHES)) for measure in MEASURES]


def grid_scenarios(assets: list[str]) -> list[Scenario]:
    """Every asset by the same step, ±1 to ±20 %; stablecoins and cash stay."""
    return [
        Scenario(f"{step:+.0%}", "grid", "all assets", {
            asset: Move(0.0, "still") if asset in STILL else Move(step, "same") for asset in assets
        })
        for step in GRID
    ]  # fmt: skip


def position_changes(holdings: pl.DataFrame, moves: Mapping[str, float], currency: str | None) -> Floats:
    """What each position gains when assets move, in the reporting currency; NaN where a move is unknown.

    A spot or linear position gains X·P·(shock of its asset − shock of its quote); an inverse one its
    contracts' gain in coins, N·(1/P − 1/P′), at the price P′ after the shock (DEFINITIONS A5).

    Parameters
    ----------
    holdings
        Answer of `holdings.holdings_of`.
    moves
        Shock of each asset and quote, as a share; missing where unknown.
    currency
        Reporting currency, whose own shock is taken into account.
    """

    def shock(column: str) -> Floats:
        found = holdings[column].replace_strict(moves, default=None, return_dtype=pl.Float64)
        return found.fill_null(np.nan).to_numpy()

    base, quote = shock("asset"), shock("quote_asset")
    value = holdings["value"].fill_null(np.nan).to_numpy()
    price = holdings["mark_quote"].fill_null(np.nan).to_numpy()
    own = 1.0 + moves.get(currency or "", 0.0)
    linear = value * (base - quote)
    with np.errstate(divide="ignore", invalid="ignore"):
        after = price * (1.0 + base) / (1.0 + quote)
        coins = value * (1.0 / price - 1.0 / after)
        inverse = np.where(after > 0.0, coins * after, -value) * (1.0 + quote)
        is_inverse = (holdings["market_type"] == INVERSE).to_numpy()
        return np.asarray(np.where(is_inverse, inverse, linear) / own)


@dataclass(frozen=True, slots=True)
class Shocks:
    """Scenarios applied to the positions.

    Parameters
    ----------
    by_asset
        A row a scenario and asset: ``scenario, kind, measure, asset, value`` (signed), ``shock, change,
        source, beta, n_beta, reason``; null where the move is not known, with the reason.
    totals
        A row a scenario: ``scenario, kind, measure, change`` (null where a part is unknown), ``known_change``
        and its ``coverage`` of the gross exposure, ``is_estimate`` (a beta is in it), ``equity_after,
        maintenance, liquidated`` (null where no equity is known), ``reason, assumption``.
    """

    by_asset: pl.DataFrame
    totals: pl.DataFrame


def shocked(
    holdings: pl.DataFrame, scenarios: list[Scenario], margin: Margin, currency: str | None
) -> Shocks:
    """Apply scenarios to positions.

    Parameters
    ----------
    holdings
        Answer of `holdings.holdings_of`.
    scenarios
        What moves how.
    margin
        Equity behind the positions.
    currency
        Reporting currency.
    """
    if holdings.is_empty():
        return Shocks(pl.DataFrame(schema=_SHOCKS), pl.DataFrame(schema=_TOTALS))
    rows: list[dict[str, object]] = []
    totals = []
    for scenario in scenarios:
        moves = {asset: move.shock for asset, move in scenario.moves.items() if move.shock is not None}
        changes = position_changes(holdings, moves, currency)
        rows += _asset_rows(holdings, scenario, changes)
        totals.append(_total_row(holdings, scenario, changes, moves, margin, currency))
    return Shocks(pl.DataFrame(rows, schema=_SHOCKS), pl.DataFrame(totals, schema=_TOTALS))


def _asset_rows(holdings: pl.DataFrame, scenario: Scenario, changes: Floats) -> list[dict[str, object]]:
    """A row an asset; its change is unknown where that of one of its positions is."""
    named = holdings.select("asset", "value", change=pl.Series(changes)).with_columns(
        pl.col("change").fill_nan(None)
    )
    sums = named.group_by("asset", maintain_order=True).agg(
        *(pl.when(pl.col(x).null_count() == 0).then(pl.col(x).sum()) for x in ("value", "change"))
    )
    rows = []
    for row in sums.iter_rows(named=True):
        move = scenario.moves[row["asset"]]
        lack = None if row["change"] is not None else "no_beta" if row["value"] is not None else "no_mid"
        rows.append({
            "scenario": scenario.name, "kind": scenario.kind, "measure": scenario.measure, **row,
            "shock": move.shock, "source": move.source, "beta": move.beta,
            "n_beta": move.n if move.source == "beta" else None, "reason": lack,
        })  # fmt: skip
    return rows


def _total_row(
    holdings: pl.DataFrame, scenario: Scenario, changes: Floats, moves: Mapping[str, float],
    margin: Margin, currency: str | None,
) -> dict[str, object]:  # fmt: skip
    """The whole of a scenario: a sum that lacks a part is no sum."""
    known = ~np.isnan(changes)
    gross = np.abs(holdings["value"].fill_null(np.nan).to_numpy())
    part = total(changes[known])
    whole = part if known.all() else None
    is_perp = holdings["is_perp"].to_numpy()
    after = moved_value(holdings, moves, currency)[is_perp]
    counts = total(changes[is_perp]) if margin.kind == "leverage" else part
    is_known = bool(known[is_perp].all()) if margin.kind == "leverage" else bool(known.all())
    equity = margin.equity + counts if is_known and not np.isnan(margin.equity) else None
    lack = "no_mid" if np.isnan(gross).any() else "no_beta" if whole is None else None
    return {
        "scenario": scenario.name, "kind": scenario.kind, "measure": scenario.measure, "change": whole,
        "known_change": part if known.any() else None,
        "coverage": None if np.isnan(gross).any() else total(gross[known]) / total(gross),
        "is_estimate": any(m.source == "beta" and m.shock is not None for m in scenario.moves.values()),
        "equity_after": equity,
        "maintenance": margin.maintenance * total(after) if is_known else None,
        "liquidated": margin.is_liquidated(counts, total(after)) if is_known else None,
        "reason": lack, "assumption": ASSUMPTION,
    }  # fmt: skip


def step_changes(holdings: pl.DataFrame, currency: str | None) -> pl.DataFrame:
    """``asset, step, change``: each asset moves alone, by each step of the grid.

    Parameters
    ----------
    holdings
        Answer of `holdings.holdings_of`.
    currency
        Reporting currency.
    """
    assets = holdings["asset"].unique(maintain_order=True).to_list()
    names = {*assets, *holdings["quote_asset"].unique()}
    rows = []
    for asset in (name for name in assets if name not in STILL):
        for step in GRID:
            moves = dict.fromkeys(names, 0.0) | {asset: step}
            changes = position_changes(holdings, moves, currency)
            found = None if np.isnan(changes).any() else total(changes)
            rows.append({"asset": asset, "step": step, "change": found})
    return pl.DataFrame(rows, schema={"asset": pl.String, "step": pl.Float64, "change": pl.Float64})
