"""Strategies side by side: each controller, or each bot without one, as a book of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from fillbook.analysis.overview import Overview, overview
from fillbook.arrays import Floats
from fillbook.metrics.drawdown import falls
from fillbook.metrics.returns import deviation, sharpe_ratio, winning_days
from fillbook.performance_data_source import PerformanceDataSource

_LEAST_DAYS = 3  # below it a correlation says nothing


@dataclass(frozen=True, slots=True)
class Comparison:
    """Strategies of one view.

    Parameters
    ----------
    table
        A row a strategy, the best first: ``strategy, bot, net, fees, volume, n_fills, days, sharpe,
        deviation, max_drawdown, winning_days, daily`` in the reporting currency; `daily` is its PnL
        of each day, null figures are undefined.
    correlation
        Pearson correlation of daily PnL, strategies in the order of the table; NaN where a strategy
        did not vary or there are too few days.
    currency
        Of every money column; None leaves the table empty.
    """

    table: pl.DataFrame
    correlation: Floats
    currency: str | None


def compare(data: PerformanceDataSource, answer: Overview) -> Comparison:
    """Strategies of the view an answer was given for.

    A controller's fills form a book of their own, so its net PnL is what it would have been alone;
    the nets add up to the view's. Figures by day use the PnL of UTC days.

    Parameters
    ----------
    data
        The source the answer came from.
    answer
        What is shown.
    """
    parted = _parted(data)
    own = answer if parted is data else overview(
        parted, answer.chosen, replace(answer.conventions, run=answer.period), metrics=(), check=False
    )  # fmt: skip
    if own.currency is None or own.period is None:
        return Comparison(_row("", "", np.zeros(0), pl.DataFrame(_EMPTY)).clear(), np.zeros((0, 0)), None)
    books = own.books.with_columns(strategy=pl.col("bot" if parted is data else "config").cast(pl.String))
    daily = own.book_daily.join(books.select("book", "bot", "strategy"), on="book")
    pnl = daily.group_by("strategy", "bot", "day", maintain_order=True).agg(pl.col("pnl").sum())
    rows = []
    for (strategy, bot), days in pnl.group_by("strategy", "bot", maintain_order=True):
        mine = books.filter(pl.col("strategy") == strategy, pl.col("bot") == bot)
        rows.append(_row(str(strategy), str(bot), days.sort("day")["pnl"].fill_null(0.0).to_numpy(), mine))
    table = pl.concat(rows).sort("net", descending=True, nulls_last=True)
    return Comparison(table, _correlation(table), own.currency)


_EMPTY = {"fees_quote": [0.0], "volume_quote": [0.0], "n_fills": [0]}


def _parted(data: PerformanceDataSource) -> PerformanceDataSource:
    """The data with a controller's fills in a book of their own; itself where there are none.

    Funding goes to the one controller that traded the pair, else to the bot.
    """
    fills = data.fills
    if fills["controller_id"].null_count() == fills.height:
        return data
    named = fills.with_columns(config=_named(pl.col("controller_id")))
    market = ("bot", "connector", "pair")
    only = named.group_by(market).agg(
        only=pl.when(pl.col("config").n_unique() == 1).then(pl.col("config").first())
    )
    paid = data.funding.join(only, on=market, how="left").with_columns(config=_named(pl.col("only")))
    tables = {name: data.tables[name] for name in ("flat_fees", "quotes", "candles")}
    return PerformanceDataSource.from_tables(
        {**tables, "fills": named, "funding": paid.drop("only")}, clock=data.clock
    )


def _named(controller: pl.Expr) -> pl.Expr:
    """The controller, else the bot itself."""
    return pl.coalesce(controller.cast(pl.String), pl.col("bot").cast(pl.String)).cast(pl.Categorical)


def _row(strategy: str, bot: str, daily: Floats, books: pl.DataFrame) -> pl.DataFrame:
    """One strategy's figures."""
    equity = np.concatenate([[0.0], np.cumsum(daily)])
    figures: dict[str, float] = {
        "net": float(daily.sum()), "fees": float(books["fees_quote"].sum()),
        "volume": float(books["volume_quote"].sum()),
        "sharpe": sharpe_ratio(daily, periods_per_year=365.0), "deviation": deviation(daily),
        "max_drawdown": float(falls(equity).max()), "winning_days": winning_days(daily),
    }  # fmt: skip
    known = {name: None if np.isnan(value) else float(value) for name, value in figures.items()}
    return pl.DataFrame({
        "strategy": [strategy], "bot": [bot], "n_fills": [int(books["n_fills"].sum())], "days": [daily.size],
        **{name: pl.Series([value], dtype=pl.Float64) for name, value in known.items()},
        "daily": pl.Series([daily.tolist()], dtype=pl.List(pl.Float64)),
    })  # fmt: skip


def _correlation(table: pl.DataFrame) -> Floats:
    daily = np.array(table["daily"].to_list(), dtype=float)
    n = table.height
    if n == 0 or daily.shape[1] < _LEAST_DAYS:
        return np.full((n, n), np.nan)
    away = daily - daily.mean(axis=1, keepdims=True)
    length = np.sqrt((away**2).sum(axis=1))
    scale = np.where(length > 1e-12 * np.abs(daily).max(initial=1.0), length, np.nan)
    return np.asarray((away @ away.T) / np.outer(scale, scale))
