"""Samples over time of everything that can be watched; NaN where a quantity is not known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from fillbook.analysis.execution import Execution, execution
from fillbook.analysis.inputs import Days, rate_of
from fillbook.analysis.limit_file import Limit
from fillbook.analysis.view import View
from fillbook.arrays import Bools, Floats, Ints
from fillbook.ledger.equity import STEPS_S, books_at, day_edges, grid
from fillbook.ledger.funding import position_at
from fillbook.ledger.rates import US
from fillbook.metrics.inputs import ORDER_CLASSES
from fillbook.metrics.risk import historic_var
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Undefined

USUAL_STEP_S, FEW_SAMPLES, MOST_SAMPLES, FAR_TOO_MANY = 60.0, 500, 20_000, 500_000
_DAY_US = 86_400 * US
_MINUTE_S = 60
_EVENTS = ("fills", "orders", "order_events", "funding")
_BPS = 1e4


@dataclass(frozen=True, slots=True)
class Samples:
    """One quantity over time.

    Parameters
    ----------
    at
        Times, µs UTC, ascending, shape (n,).
    value
        NaN where it is not known, shape (n,); +inf where equity is used up and something is still held.
    lack
        Why nothing is known at all; None where something may be.
    """

    at: Ints
    value: Floats
    lack: Undefined | None = None


@dataclass(frozen=True)
class Sampled:
    """One narrowed view, looked at regularly; what several limits ask for is computed once.

    Parameters
    ----------
    data, view
        The source, and its view as the limit narrows it.
    when
        Regular times, µs UTC, the end of the period last.
    """

    data: PerformanceDataSource
    view: View
    when: Ints

    @cached_property
    def money(self) -> tuple[Floats, Floats]:
        """Net PnL and signed value of each book at each time, in the reporting currency."""
        return self._money_at(self.when)

    def _money_at(self, when: Ints) -> tuple[Floats, Floats]:
        net, value = books_at(self.view.ledger, when)
        rates = self.view.reporting.rates(when)
        return tuple(np.where(x == 0.0, 0.0, x * rates) for x in (net, value))  # type: ignore[return-value]

    @property
    def net(self) -> Floats:
        """Net PnL of all books."""
        return np.asarray(self.money[0].sum(axis=0))

    @cached_property
    def peak(self) -> Floats:
        """Highest net PnL up to each time, the 0 of the start counted.

        The points of the curve count as well as the samples: a high between two samples is a high, and what
        has fallen since is what the drawdown of the overview says.
        """
        at = np.union1d(grid(self.view.ledger, self.view.start_us)[0], self.when)
        level = self._money_at(at)[0].sum(axis=0)
        highest = np.maximum.accumulate(np.where(np.isnan(level), 0.0, np.maximum(level, 0.0)))
        return np.asarray(highest[np.searchsorted(at, self.when)])

    @property
    def value(self) -> Floats:
        """Signed value of the position of each book, shape (n_books, n)."""
        return self.money[1]

    @property
    def equity(self) -> Floats:
        """Capital plus net PnL."""
        return (self.view.conventions.capital or 0.0) + self.net

    @cached_property
    def executed(self) -> Execution:
        """How the orders of the view were executed."""
        return execution(self.data, self.view.chosen, self.view.conventions)

    def by_asset(self, values: Floats) -> Floats:
        """Sum of a quantity of the books over each asset, shape (n_assets, n)."""
        bases = self.view.ledger.books["base"].cast(pl.String)
        return np.array(
            [values[(bases == name).to_numpy()].sum(axis=0) for name in bases.unique(maintain_order=True)]
        )


def regular(start_us: int, end_us: int, every_s: float | None) -> tuple[Ints, float]:
    """Regular times of a run, its end last, and their step in seconds.

    Parameters
    ----------
    start_us, end_us
        The run, µs UTC.
    every_s
        Step; None takes a minute, a longer one that leaves at most `MOST_SAMPLES`, or a shorter one where the
        run has fewer than `FEW_SAMPLES` minutes.

    Raises
    ------
    ValueError
        A step that gives more than `FAR_TOO_MANY` samples.
    """
    span_s = max(end_us - start_us, 0) / US
    if every_s is None:
        longer = [step for step in STEPS_S if step >= USUAL_STEP_S]
        every_s = float(next((step for step in longer if span_s <= step * MOST_SAMPLES), longer[-1]))
        if span_s < USUAL_STEP_S * FEW_SAMPLES:
            shorter = [step for step in STEPS_S if step <= USUAL_STEP_S and span_s >= step * FEW_SAMPLES]
            every_s = float(max(shorter, default=STEPS_S[0]))
    if span_s / every_s > FAR_TOO_MANY:
        raise ValueError(f"{span_s / every_s:,.0f} samples are too many")
    step = round(every_s * US)
    times = np.arange(-(-start_us // step) * step, end_us, step, dtype=np.int64)
    return np.append(times, end_us), every_s


def samples_of(seen: Sampled, limit: Limit) -> Samples:
    """Samples of what a limit watches.

    Parameters
    ----------
    seen
        The view as the limit narrows it.
    limit
        What is asked for.
    """
    if not seen.view.ledger.rows.size and not _has_orders(seen):
        return _nothing(seen, Undefined.unavailable("empty"))
    kind = limit.kind
    if kind.needs_capital and not seen.view.conventions.capital:
        return _nothing(seen, Undefined.unavailable("no_capital"))
    if limit.what in _MONEY and seen.view.reporting.currency is None:
        return _nothing(seen, seen.view.reporting.lack)
    return _SERIES[limit.what](seen, limit)


def _nothing(seen: Sampled, lack: Undefined) -> Samples:
    return Samples(seen.when, np.full(seen.when.size, np.nan), lack)


def _has_orders(seen: Sampled) -> bool:
    return seen.view.orders is not None and seen.view.orders.height > 0


def _gross(seen: Sampled, _limit: Limit) -> Samples:
    return Samples(seen.when, np.abs(seen.value).sum(axis=0))


def _net(seen: Sampled, _limit: Limit) -> Samples:
    return Samples(seen.when, np.abs(seen.value.sum(axis=0)))


def _inventory(seen: Sampled, limit: Limit) -> Samples:
    """Coins of one asset, from the positions of its books."""
    ledger = seen.view.ledger
    bases = ledger.books["base"].cast(pl.String)
    mine = (bases == limit.asset).to_numpy()
    if not mine.any():
        return _nothing(seen, Undefined.unavailable("asset_not_traded"))
    held = np.zeros(seen.when.size)
    for is_mine, rows in zip(mine, ledger.flow.slices(), strict=True):
        if is_mine:
            held += position_at(seen.when, ledger.flow.at[rows], ledger.flow.position[rows])
    return Samples(seen.when, np.abs(held))


def _over_equity(seen: Sampled, above: Floats) -> Samples:
    """A quantity over equity; beyond any limit where something is held and no equity is left."""
    equity = seen.equity
    gone = (equity <= 0.0) & (above > 0.0)
    ratio = np.where(equity > 0.0, above / np.where(equity > 0.0, equity, 1.0), np.nan)
    return Samples(seen.when, np.where(gone, np.inf, ratio))


def _leverage(seen: Sampled, _limit: Limit) -> Samples:
    return _over_equity(seen, np.abs(seen.value).sum(axis=0))


def _margin(seen: Sampled, _limit: Limit) -> Samples:
    """Margin of the perpetual books at the leverage of their last fill, over equity."""
    ledger = seen.view.ledger
    leverage = ledger.column("leverage").cast(pl.Float64).fill_null(np.nan).to_numpy()
    used = np.zeros(seen.when.size)
    kinds = ledger.books["market_type"].to_list()
    for i, (kind, rows) in enumerate(zip(kinds, ledger.flow.slices(), strict=True)):
        if kind == "spot" or rows.stop == rows.start:
            continue
        by = position_at(seen.when, ledger.flow.at[rows], leverage[rows])
        held = np.abs(seen.value[i])
        used += np.where(held == 0.0, 0.0, held / np.where(by > 0.0, by, np.nan))
    return _over_equity(seen, used)


def _daily_loss(seen: Sampled, _limit: Limit) -> Samples:
    """Net PnL at 00:00 UTC of the day less net PnL."""
    view = seen.view
    edges = day_edges(view.start_us, view.ledger.end_us)[:-1]
    net, _ = books_at(view.ledger, edges, is_open=True)
    rates = view.reporting.rates(edges)
    starts = np.concatenate([[0.0], np.where(net == 0.0, 0.0, net * rates).sum(axis=0)])
    return Samples(seen.when, starts[np.searchsorted(edges, seen.when, side="right")] - seen.net)


def _drawdown(seen: Sampled, _limit: Limit) -> Samples:
    return Samples(seen.when, seen.peak - seen.net)


def _drawdown_fraction(seen: Sampled, _limit: Limit) -> Samples:
    highest = (seen.view.conventions.capital or 0.0) + seen.peak
    return Samples(seen.when, (seen.peak - seen.net) / highest)


def _var(seen: Sampled, limit: Limit) -> Samples:
    """Historic VaR of the whole days up to each midnight; what a day of the run lost, it lost whole."""
    view = seen.view
    days = Days.of(view.ledger, view.reporting, view.start_us)
    pnl = np.diff(days.net.sum(axis=0), prepend=0.0)
    is_whole = days.edges % _DAY_US == 0
    most = max(int((limit.window_s or 0.0) * US) // _DAY_US, 1)
    found = [
        historic_var(pnl[max(i + 1 - most, 0) : i + 1], limit.alpha)
        if not np.isnan(pnl[: i + 1]).any()
        else np.nan
        for i in np.flatnonzero(is_whole)
    ]
    return Samples(days.edges[is_whole], np.array(found, np.float64))


def _concentration(seen: Sampled, _limit: Limit) -> Samples:
    assets = np.abs(seen.by_asset(seen.value))
    total = assets.sum(axis=0)
    shares = assets / np.where(total > 0.0, total, np.nan)
    return Samples(seen.when, (shares**2).sum(axis=0))


def _within(times: Ints, weights: Floats, when: Ints, window_s: float) -> Floats:
    """Sum of weights of what happened in the window that ends at each time, its end counted."""
    order = np.argsort(times, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(weights[order])])
    last = np.searchsorted(times[order], when, side="right")
    first = np.searchsorted(times[order], when - round(window_s * US), side="right")
    return np.asarray(total[last] - total[first])


def _orders(seen: Sampled) -> pl.DataFrame | None:
    return seen.view.orders


def _order_rate(seen: Sampled, limit: Limit) -> Samples:
    orders = _orders(seen)
    if orders is None:
        return _nothing(seen, Undefined.unavailable("no_order_row"))
    at = orders["at"].dt.timestamp("us").to_numpy()
    return Samples(seen.when, _within(at, np.ones(at.size), seen.when, limit.window_s or 0.0))


def _cancel_ratio(seen: Sampled, limit: Limit) -> Samples:
    orders = _orders(seen)
    if orders is None:
        return _nothing(seen, Undefined.unavailable("no_order_row"))
    ended = orders.filter(pl.col("ended_us").is_not_null())
    at = ended["ended_us"].cast(pl.Int64).to_numpy()
    cancelled = (ended["order_class"] == ORDER_CLASSES.index("CANCELLED")).cast(pl.Float64).to_numpy()
    n = _within(at, np.ones(at.size), seen.when, limit.window_s or 0.0)
    gone = _within(at, cancelled, seen.when, limit.window_s or 0.0)
    return Samples(seen.when, gone / np.where(n > 0.5, n, np.nan))


def _mean_bps(seen: Sampled, limit: Limit, at: Ints, cost: Floats, worth: Floats) -> Samples:
    """Cost over value in the window, bps; NaN where nothing with a known price fell into it."""
    known: Bools = np.isfinite(cost) & np.isfinite(worth) & (worth > 0.0)
    if not known.any():
        return _nothing(seen, Undefined.unavailable("no_mid"))
    window_s = limit.window_s or 0.0
    n = _within(at[known], np.ones(int(known.sum())), seen.when, window_s)
    paid, value = (_within(at[known], x[known], seen.when, window_s) for x in (cost, worth))
    return Samples(seen.when, np.where(n > 0.5, _BPS * paid / np.where(n > 0.5, value, 1.0), np.nan))


def _slippage(seen: Sampled, limit: Limit) -> Samples:
    """Average price against the mid at creation, by value, of orders that filled."""
    orders = seen.executed.orders
    if orders.is_empty():
        return _nothing(seen, Undefined.unavailable("no_order_row"))
    filled = orders.filter(pl.col("last_fill_at").is_not_null())
    rate = rate_of(filled, seen.view.reporting)
    arrival, quantity = filled["arrival_quote"].fill_null(np.nan).to_numpy(), filled["filled_base"].to_numpy()
    move = filled["side"].cast(pl.Float64).fill_null(np.nan).to_numpy() * (
        filled["average_quote"].fill_null(np.nan).to_numpy() - arrival
    )
    at = filled["last_fill_at"].dt.timestamp("us").to_numpy()
    return _mean_bps(seen, limit, at, move * quantity * rate, arrival * quantity * rate)


def _adverse(seen: Sampled, limit: Limit) -> Samples:
    """Move of the mid against the fills within a minute, known a minute after each."""
    fills = seen.executed.fills
    if fills.is_empty():
        return _nothing(seen, Undefined.unavailable("empty"))
    now, later = fills["mid_quote"].to_numpy(), fills[f"mid_{_MINUTE_S}s"].to_numpy()
    quantity, rate = fills["amount_base"].to_numpy(), fills["rate"].to_numpy()
    against = -fills["side"].cast(pl.Float64).to_numpy() * (later - now) * quantity * rate
    at = fills["at"].dt.timestamp("us").to_numpy() + _MINUTE_S * US
    return _mean_bps(seen, limit, at, against, now * quantity * rate)


def _funding_rate(seen: Sampled, _limit: Limit) -> Samples:
    """Rate of each payment, above 0 where it was paid; at the payments."""
    rows = seen.view.ledger.funding.filter(pl.col("rate").is_not_null(), pl.col("amount_quote") != 0.0).sort(
        "at"
    )
    if rows.is_empty():
        return _nothing(seen, Undefined.unavailable("funding_unavailable"))
    paid = -np.sign(rows["amount_quote"].to_numpy()) * np.abs(rows["rate"].to_numpy())
    return Samples(rows["at"].dt.timestamp("us").to_numpy(), paid)


def _data_age(seen: Sampled, _limit: Limit) -> Samples:
    """Seconds since the last event of the chosen rows."""
    tables, chosen = seen.data.tables, seen.view.chosen
    times = [chosen.apply(tables[name])["at"].dt.timestamp("us").to_numpy() for name in _EVENTS]
    own = tables["quotes"].filter(pl.col("kind") == "market_data")
    times.append(chosen.apply(own)["at"].dt.timestamp("us").to_numpy())
    events = np.sort(np.concatenate(times))
    last = np.searchsorted(events, seen.when, side="right") - 1
    age = (seen.when - events[np.maximum(last, 0)]) / US if events.size else np.zeros(seen.when.size)
    return Samples(seen.when, np.where(last >= 0, age, np.nan))


def _unreconciled(seen: Sampled, _limit: Limit) -> Samples:
    """Value of completed orders' quantities without a fill, from the end of each order on."""
    orders = _orders(seen)
    if orders is None:
        return _nothing(seen, Undefined.unavailable("no_order_row"))
    lost = orders.filter(
        pl.col("order_class") == ORDER_CLASSES.index("FILLED_INCOMPLETE_DATA"),
        pl.col("ended_us").is_not_null(),
    )
    short = (lost["order_amount"] - lost["order_filled"]).to_numpy()
    value = short * lost["order_price"].to_numpy() * rate_of(lost, seen.view.reporting)
    at = lost["ended_us"].cast(pl.Int64).to_numpy()
    order = np.argsort(at, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(value[order])])
    return Samples(seen.when, total[np.searchsorted(at[order], seen.when, side="right")])


_SERIES: Mapping[str, Callable[[Sampled, Limit], Samples]] = {
    "gross_exposure": _gross, "net_exposure": _net, "inventory": _inventory, "leverage": _leverage,
    "margin_ratio": _margin, "daily_loss": _daily_loss, "drawdown": _drawdown,
    "drawdown_fraction": _drawdown_fraction, "var": _var, "concentration": _concentration,
    "order_rate": _order_rate, "cancel_ratio": _cancel_ratio, "slippage": _slippage,
    "adverse_selection": _adverse, "funding_rate": _funding_rate, "data_age": _data_age,
    "unreconciled": _unreconciled,
}  # fmt: skip
_MONEY = frozenset(_SERIES) - {"inventory", "order_rate", "cancel_ratio", "data_age", "funding_rate"}
