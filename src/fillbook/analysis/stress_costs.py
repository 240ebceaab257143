"""What getting out and holding on cost; a stablecoin's fall; wilder days (DEFINITIONS E9)."""

from __future__ import annotations

import numpy as np
import polars as pl

from fillbook.analysis.crashes import STABLECOINS
from fillbook.analysis.market_volume import market_volumes, volume_of
from fillbook.analysis.stress import ASSUMPTION
from fillbook.arrays import Floats
from fillbook.ledger.book_sums import INVERSE
from fillbook.ledger.sums import total
from fillbook.metrics.risk import historic_es, historic_var
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Undefined
from fillbook.sources.hummingbot import venue_of

SPREADS = (1.0, 2.0, 5.0, 10.0)
WILDER = (1.0, 2.0, 3.0)
FUNDING_RATES = (-0.003, 0.003)  # for 8 hours
DEPEGS = (-0.05, -0.10)
_PAYMENTS_A_DAY = 3
_LATEST_DAY_US = 86_400_000_000


def wilder_days(pnl: Floats | Undefined, level: float) -> pl.DataFrame:
    """``factor, value_at_risk, expected_shortfall, reason``: historic risk of days around the same mean.

    Each day's distance from the mean is multiplied by the factor.

    Parameters
    ----------
    pnl
        Daily PnL, or why there is none.
    level
        Of value at risk.
    """
    rows = []
    for factor in WILDER:
        if isinstance(pnl, Undefined):
            var, es = pnl, pnl
        else:
            worlds = pnl.mean() + factor * (pnl - pnl.mean()) if pnl.size else pnl
            var, es = historic_var(worlds, level), historic_es(worlds, level)  # type: ignore[assignment]
        rows.append({
            "factor": factor, "value_at_risk": var, "expected_shortfall": es,
            "reason": getattr(var, "reason", None),
        })  # fmt: skip
    return _nulls(pl.DataFrame(rows, schema_overrides={"reason": pl.String}))


def flattening(
    data: PerformanceDataSource, holdings: pl.DataFrame, end_us: int, *, impact: float
) -> pl.DataFrame:
    """What closing each position at once costs: the half-spread times a factor, and the market's answer.

    Cost = |X|P·k·half-spread + Y·σ·√(|X|/V)·|X|P, σ and V of the 30 days before.

    Parameters
    ----------
    data
        Quotes and candles.
    holdings
        Answer of `holdings.holdings_of`.
    end_us
        When, µs UTC; nothing later is known.
    impact
        Y.

    Returns
    -------
    A row a position and factor: ``book, bot, connector, pair, factor, half_spread`` (share of the mid, median
    of the last day with quotes), ``spread_cost, impact_cost, cost, reason``; `cost` is null where a part is.
    """
    volumes = market_volumes(data.candles)
    markets = holdings.select("connector", "pair").unique().iter_rows()
    spreads = {(venue, pair): _half_spread(data.quotes, venue, pair, end_us) for venue, pair in markets}
    rows = []
    for row in holdings.iter_rows(named=True):
        half = spreads[(row["connector"], row["pair"])]
        value = abs(row["value"]) if row["value"] is not None else np.nan
        held = volume_of(volumes, str(row["connector"]), str(row["pair"]))
        sigma, volume = (np.nan, np.nan) if held is None else _depth(held.of_day(np.array([end_us / 1e6])))
        size = abs(row["position_base"])
        size = size / (row["mark_quote"] or np.nan) if row["market_type"] == INVERSE else size
        deep = impact * sigma * np.sqrt(size / volume) * value if volume > 0.0 else np.nan
        for factor in SPREADS:
            crossed = value * factor * half
            lack = (
                "no_mid" if np.isnan(value) else "no_quote" if np.isnan(half)
                else "no_depth" if np.isnan(deep) else None
            )  # fmt: skip
            rows.append({
                **{name: row[name] for name in ("book", "bot", "connector", "pair")}, "factor": factor,
                "half_spread": half, "spread_cost": crossed, "impact_cost": deep, "cost": crossed + deep,
                "reason": lack,
            })  # fmt: skip
    schema = {
        "book": pl.Int64, "bot": pl.String, "connector": pl.String, "pair": pl.String, "factor": pl.Float64,
        "half_spread": pl.Float64, "spread_cost": pl.Float64, "impact_cost": pl.Float64,
        "cost": pl.Float64, "reason": pl.String,
    }  # fmt: skip
    return _nulls(pl.DataFrame(rows, schema=schema))


def _depth(known: tuple[Floats, Floats]) -> tuple[float, float]:
    return float(known[0][0]), float(known[1][0])


def _half_spread(quotes: pl.DataFrame, connector: object, pair: object, end_us: int) -> float:
    """Median of (ask − bid) / 2 over the mid on the last day with quotes of a market; NaN without any."""
    bid, ask, at = pl.col("bid_quote"), pl.col("ask_quote"), pl.col("at").dt.timestamp("us")
    mine = quotes.filter(
        pl.col("pair") == pair,
        pl.col("connector").is_null() | pl.col("connector").is_in([connector, venue_of(str(connector))]),
        bid.is_not_null(), ask >= bid, bid > 0.0, at <= end_us,
    ).select(at=at, half=(ask - bid) / (ask + bid))  # fmt: skip
    if mine.is_empty():
        return np.nan
    last = mine["at"].max()
    recent = mine.filter(pl.col("at") > int(str(last)) - _LATEST_DAY_US)
    return float(str(recent["half"].median()))


def funding_costs(holdings: pl.DataFrame) -> pl.DataFrame:
    """``rate, per_payment, per_day, reason``: what a funding rate of 8 hours brings, received positive.

    Parameters
    ----------
    holdings
        Answer of `holdings.holdings_of`; longs pay a positive rate.
    """
    perps = holdings.filter("is_perp")
    lack = "no_perps" if perps.is_empty() else "no_mid" if perps["value"].null_count() else None
    net = None if lack else total(perps["value"].to_numpy())
    rows = [
        {
            "rate": rate, "per_payment": None if net is None else -net * rate,
            "per_day": None if net is None else -net * rate * _PAYMENTS_A_DAY, "reason": lack,
        }
        for rate in FUNDING_RATES
    ]  # fmt: skip
    return pl.DataFrame(rows, schema={
        "rate": pl.Float64, "per_payment": pl.Float64, "per_day": pl.Float64, "reason": pl.String,
    })  # fmt: skip


def depegs(holdings: pl.DataFrame, quotes: list[str], equity: float, currency: str | None) -> pl.DataFrame:
    """What the account loses in dollars when a stablecoin that is a quote falls and coins keep their price.

    The equity in the stablecoin is K + net; positions priced in it rise in it, so what is lost is
    shock × (equity − net value of the positions).

    Parameters
    ----------
    holdings
        Answer of `holdings.holdings_of`.
    quotes
        Quote currencies of all books.
    equity
        Capital and net PnL, or an `Undefined`.
    currency
        Reporting currency.

    Returns
    -------
    ``asset, shock, change, reason, assumption``; without a change where capital is not declared, or where
    several quotes share it and nobody says how.
    """
    rows = []
    for asset in sorted({quote for quote in quotes if quote in STABLECOINS}):
        alone = set(quotes) == {asset} and currency == asset
        lack = (
            "not_all_in_one_quote" if not alone
            else getattr(equity, "reason", None) or ("no_mid" if holdings["value"].null_count() else None)
        )  # fmt: skip
        held = 0.0 if lack else total(holdings["value"].to_numpy())
        rows += [
            {"asset": asset, "shock": shock, "change": None if lack else shock * (equity - held),
             "reason": lack, "assumption": ASSUMPTION}
            for shock in DEPEGS
        ]  # fmt: skip
    return pl.DataFrame(rows, schema={
        "asset": pl.String, "shock": pl.Float64, "change": pl.Float64, "reason": pl.String,
        "assumption": pl.String,
    })  # fmt: skip


def _nulls(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.selectors.float().fill_nan(None))
