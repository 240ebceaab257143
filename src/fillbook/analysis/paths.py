"""Paths: a crash's own minutes over the positions of today, and futures made of the days there were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from fillbook.analysis.crashes import CRASHES, STILL, Crash
from fillbook.analysis.holdings import Margin
from fillbook.analysis.stress import ASSUMPTION, position_changes
from fillbook.arrays import Floats, Ints
from fillbook.metrics.bootstrap import ENOUGH, REPLICATES, SEED
from fillbook.metrics.intervals import worlds_of
from fillbook.results import Undefined
from fillbook.sources.hummingbot import canonical_token

_COARSEST_S = 3_600.0
_STALE = 2.0  # candle intervals after which a price is none
_FAN = (0.05, 0.25, 0.5, 0.75, 0.95)
_SHARES, _MULTIPLES = (0.01, 0.05, 0.10, 0.20, 0.50), (1.0, 2.0, 3.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Replay:
    """The positions of today through a crash, candle by candle.

    `path` is ``at, change`` (in the reporting currency, from the close before the window on); `worst` and
    `end` its lowest and last; `missing` names assets without candles of those days: there is then no path.
    """

    scenario: str
    interval_s: float
    path: pl.DataFrame
    worst: float | None
    end: float | None
    liquidated: bool | None
    missing: tuple[str, ...]
    assumption: str = ASSUMPTION


def replays(
    candles: pl.DataFrame, holdings: pl.DataFrame, margin: Margin, currency: str | None
) -> list[Replay]:
    """Every crash whose candles are given, of an hour or finer.

    Parameters
    ----------
    candles
        Canonical table; candles of any venue count, against a stablecoin or cash.
    holdings
        Answer of `holdings.holdings_of`.
    margin
        Equity behind the positions.
    currency
        Reporting currency.
    """
    fine = candles.filter(pl.col("interval_s") <= _COARSEST_S)
    if fine.is_empty() or holdings.is_empty():
        return []
    found = (_replay(fine, holdings, margin, currency, crash) for crash in CRASHES)
    return [one for one in found if one is not None]


def _replay(
    candles: pl.DataFrame, holdings: pl.DataFrame, margin: Margin, currency: str | None, crash: Crash
) -> Replay | None:
    """One crash; None where no held asset has candles of it."""
    start = datetime.combine(crash.first, datetime.min.time(), UTC)
    end = datetime.combine(crash.last, datetime.min.time(), UTC) + timedelta(days=1)
    span = candles.filter(pl.col("at") >= start - timedelta(hours=2), pl.col("at") < end)
    named = {*holdings["asset"], *holdings["quote_asset"]} - STILL
    courses = {asset: course for asset in named if (course := _course(span, asset, start)) is not None}
    if not courses:
        return None
    missing = tuple(sorted(named - set(courses)))
    interval = max(course.interval_s for course in courses.values())
    times = np.arange(_us(start), _us(end) + 1, int(interval * 1e6), dtype=np.int64)
    if missing:
        empty = pl.DataFrame(schema={"at": pl.Datetime("us", "UTC"), "change": pl.Float64})
        return Replay(crash.label, interval, empty, None, None, None, missing)
    moves = {asset: course.moves(times) for asset, course in courses.items()}
    changes = _changes(holdings, moves, times.size, currency)
    path = pl.DataFrame({
        "at": pl.Series(times).cast(pl.Datetime("us", "UTC")), "change": pl.Series(changes).fill_nan(None),
    })  # fmt: skip
    known = changes[~np.isnan(changes)]
    worst = float(known.min()) if known.size else None
    liquidated = None if worst is None else _liquidated(holdings, margin, worst)
    return Replay(
        crash.label, interval, path, worst, float(known[-1]) if known.size else None, liquidated, ()
    )


def _liquidated(holdings: pl.DataFrame, margin: Margin, worst: float) -> bool | None:
    """Whether the worst moment leaves less than the maintenance margin of the positions as they stand."""
    if margin.kind == "leverage" and not holdings["is_perp"].all():
        return None
    gross = float(holdings.filter("is_perp")["value"].abs().sum())
    return margin.is_liquidated(worst, gross)


def _us(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


@dataclass(frozen=True, slots=True)
class _Course:
    """Closes of one asset by the end of their candles, and the close before the window."""

    end_us: Ints
    close: Floats
    before: float
    interval_s: float

    def moves(self, times: Ints) -> Floats:
        """Move since before the window at each time; NaN where the last candle is too old."""
        index = np.searchsorted(self.end_us, times, side="right") - 1
        place = np.maximum(index, 0)
        is_fresh = (index >= 0) & (times - self.end_us[place] <= _STALE * self.interval_s * 1e6)
        return np.where(is_fresh, self.close[place] / self.before - 1.0, np.nan)


def _course(span: pl.DataFrame, asset: str, start: datetime) -> _Course | None:
    """The finest candles of an asset that reach back before the window."""
    pairs = [
        pair for pair in span["pair"].cast(pl.String).unique().drop_nulls().sort()
        if canonical_token(pair.partition("-")[0]) == asset and pair.partition("-")[2] in STILL
    ]  # fmt: skip
    best: _Course | None = None
    for (_, _, interval), rows in span.filter(pl.col("pair").cast(pl.String).is_in(pairs)).partition_by(
        ["connector", "pair", "interval_s"], as_dict=True
    ).items():  # fmt: skip
        ordered = rows.sort("at")
        end = ordered["at"].dt.timestamp("us").to_numpy() + int(float(str(interval)) * 1e6)
        close = ordered["close_quote"].to_numpy()
        before = np.flatnonzero(end <= _us(start))
        if before.size and end.size > before.size:
            found = _Course(end, close, float(close[before[-1]]), float(str(interval)))
            best = found if best is None or found.interval_s < best.interval_s else best
    return best


def _changes(holdings: pl.DataFrame, moves: Mapping[str, Floats], n: int, currency: str | None) -> Floats:
    """Sum over positions at each time: each gains by its asset's move less its quote's."""
    still = np.zeros(n)
    own = 1.0 + moves.get(currency or "", still)
    unit = dict.fromkeys((*holdings["asset"], *holdings["quote_asset"]), 0.0)
    whole = np.zeros(n)
    for row in range(holdings.height):
        one = holdings[row]
        asset, quote = str(one["asset"][0]), str(one["quote_asset"][0])
        # a position is linear in the two moves, so one unit of each tells all (DEFINITIONS A5 for inverse)
        gain = position_changes(one, unit | {asset: 1.0}, None)[0]
        whole = whole + gain * (moves.get(asset, still) - moves.get(quote, still)) / own
    return np.asarray(whole)


@dataclass(frozen=True, slots=True)
class Futures:
    """Paths ahead, drawn in blocks from the days there were; empty where `reason` says why.

    Parameters
    ----------
    fan
        ``day, p05, p25, p50, p75, p95, mean``: cumulative PnL by day ahead.
    losses
        ``loss, loss_share, p_loss, p_drawdown, error``: how likely the loss at the end, and a drawdown on the
        way, exceeds each amount; `error` is one standard error of the larger by simulation alone.
    horizon_days, block, replicates, seed
        How they were drawn.
    """

    fan: pl.DataFrame
    losses: pl.DataFrame
    horizon_days: int
    block: float
    replicates: int
    seed: int
    reason: str | None
    assumption: str = "days like those there were, positions of the same size"


def futures(
    pnl: Floats | Undefined, *, days: int, amounts: tuple[float, ...], capital: float | None, var: float
) -> Futures:
    """Paths of PnL so many days ahead.

    Parameters
    ----------
    pnl
        Daily PnL, or why there is none; at least 20 days.
    days
        Horizon.
    amounts
        Losses asked for; none takes shares of the capital, else multiples of the VaR.
    capital, var
        Capital base and one-day value at risk.
    """
    names = [f"p{round(100 * share):02d}" for share in _FAN]
    if isinstance(pnl, Undefined) or pnl.size < ENOUGH:
        why = pnl.reason if isinstance(pnl, Undefined) else "n_lt_20"
        fan = pl.DataFrame(schema={"day": pl.Int64, **dict.fromkeys([*names, "mean"], pl.Float64)})
        return Futures(fan, _losses(np.zeros((0, 1)), (), capital), days, 1.0, 0, SEED, why)
    paths, block = worlds_of(pnl, days)
    fan = pl.DataFrame({
        "day": np.arange(days + 1),
        **{
            name: np.concatenate([[0.0], line])
            for name, line in zip(names, np.quantile(paths, _FAN, axis=0), strict=True)
        },
        "mean": np.concatenate([[0.0], paths.mean(axis=0)]),
    })  # fmt: skip
    asked = amounts or _amounts(capital, var)
    return Futures(fan, _losses(paths, asked, capital), days, block, REPLICATES, SEED, None)


def _amounts(capital: float | None, var: float) -> tuple[float, ...]:
    """Losses worth asking for."""
    if capital is not None and capital > 0.0:
        return tuple(share * capital for share in _SHARES)
    return tuple(times * var for times in _MULTIPLES) if var > 0.0 else ()


def _losses(paths: Floats, amounts: tuple[float, ...], capital: float | None) -> pl.DataFrame:
    """How often each amount is lost at the end, and fallen by on the way."""
    schema = dict.fromkeys(("loss", "loss_share", "p_loss", "p_drawdown", "error"), pl.Float64)
    if not amounts:
        return pl.DataFrame(schema=schema)
    peak = np.maximum(np.maximum.accumulate(paths, axis=1), 0.0)
    deepest = (peak - paths).max(axis=1)
    rows = []
    for amount in sorted(amounts):
        lost, fell = float((paths[:, -1] < -amount).mean()), float((deepest > amount).mean())
        worse = max(lost, fell)
        rows.append({
            "loss": amount, "loss_share": amount / capital if capital is not None and capital > 0.0 else None,
            "p_loss": lost, "p_drawdown": fell,
            "error": float(np.sqrt(worse * (1.0 - worse) / paths.shape[0])),
        })  # fmt: skip
    return pl.DataFrame(rows, schema=schema)
