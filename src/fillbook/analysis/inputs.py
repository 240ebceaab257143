"""A kept ledger as the arrays the metrics eat, in the reporting currency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fillbook.analysis.reporting import Reporting
from fillbook.arrays import Bools, Floats, Ints
from fillbook.conventions import Conventions
from fillbook.ledger.book import Ledger
from fillbook.ledger.book_sums import INVERSE, KEPT_OUT
from fillbook.ledger.equity import Curve, books_at, day_edges
from fillbook.ledger.positions import market_types
from fillbook.metrics.inputs import ORDER_CLASSES, Inputs
from fillbook.metrics.returns import compounded_returns, fixed_returns
from fillbook.results import Undefined

_DAY_US = 86_400_000_000
_ROUNDING = 1e-12  # of all that was traded: less is no gain and no loss
CURVE_GAPS = "curve_gaps"  # why a curve is partial
_MONEY_PARTIAL = (
    KEPT_OUT,
    "marked_at_last_fill",
    "fee_unconverted",
    "funding_unavailable",
    "funding_not_covered",
)


_OF_FILLS = (
    "book_realized", "book_volume", "fill_at", "trip_notional", "trip_hold_s", "position_value_s",
    "closed_value", "gross_exposure", "order_filled",
)  # fmt: skip


def _total(net: Floats, rates: Floats) -> Floats:
    """Sum over books of net × rate; a book that has not traded yet needs no rate."""
    return np.asarray(np.where(net == 0.0, 0.0, net * rates).sum(axis=0))


def equity_frame(path: Curve, reporting: Reporting, conventions: Conventions) -> pl.DataFrame:
    """``at, equity, drawdown, is_gap``: capital (0 where undeclared) plus net PnL at each point."""
    equity = (conventions.capital or 0.0) + _total(path.net, reporting.rates(path.at))
    is_gap = np.isnan(equity)
    peak = np.maximum.accumulate(np.maximum(np.where(is_gap, -np.inf, equity), conventions.capital or 0.0))
    return pl.DataFrame({
        "at": pl.Series(path.at).cast(pl.Datetime("us", "UTC")),
        "equity": pl.Series(equity).fill_nan(None),
        "drawdown": pl.Series(peak - equity).fill_nan(None),
        "is_gap": is_gap,
    })  # fmt: skip


@dataclass(frozen=True, slots=True)
class Days:
    """Every book at the end of each UTC day of the run, in the reporting currency.

    Parameters
    ----------
    start_us, edges
        Start of the run and the ends of its days, µs UTC; the last is the end of the run.
    net, value
        Net PnL and signed value of the position, shape (n_books, n_days); NaN without a mark.
    """

    start_us: int
    edges: Ints
    net: Floats
    value: Floats

    @classmethod
    def of(cls, ledger: Ledger, reporting: Reporting, start_us: int) -> Days:
        """Days of a ledger from `start_us` to its end."""
        edges = day_edges(start_us, ledger.end_us)
        net, value = books_at(ledger, edges, is_open=True)
        rates = reporting.rates(edges)
        # a book that has not traded, or holds nothing, needs no rate
        return cls(start_us, edges, *(np.where(x == 0.0, 0.0, x * rates) for x in (net, value)))

    @property
    def days(self) -> pl.Series:
        """The day each edge ends."""
        starts = np.concatenate([[self.start_us], self.edges[:-1]])
        return pl.Series("day", starts).cast(pl.Datetime("us", "UTC")).dt.date()


def daily_frame(ledger: Ledger, reporting: Reporting, days: Days) -> pl.DataFrame:
    """``day, pnl, equity, drawdown, is_partial, volume, n_fills, fees``: a row a UTC day of the run."""
    total = days.net.sum(axis=0)
    capital = ledger.conventions.capital or 0.0
    equity = capital + total
    known = np.where(np.isnan(equity), -np.inf, equity)  # a day without a mark is no peak, and ends none
    peak = np.maximum.accumulate(np.concatenate([[capital], known]))[1:]
    n = days.edges.size
    is_partial = np.zeros(n, bool)
    is_partial[[0, -1]] = days.start_us % _DAY_US != 0, True
    volume, n_fills, fees = _by_day(ledger, reporting, days)
    pnl = np.diff(total, prepend=0.0)
    pnl[np.abs(pnl) <= _ROUNDING * volume.sum()] = 0.0  # no day is won or lost by rounding
    frame = pl.DataFrame({
        "day": days.days, "pnl": pnl, "equity": equity, "drawdown": peak - equity,
        "is_partial": is_partial, "volume": volume, "n_fills": n_fills, "fees": fees,
    })  # fmt: skip
    return frame.with_columns(pl.selectors.float().fill_nan(None))


def book_daily_frame(days: Days) -> pl.DataFrame:
    """``book, day, pnl, value``: a row a book and UTC day; `value` of its position at the day's end."""
    n_books, n_days = days.net.shape
    return pl.DataFrame({
        "book": np.repeat(np.arange(n_books), n_days),
        "day": pl.concat([days.days] * n_books) if n_books else days.days.clear(),
        "pnl": np.diff(days.net, axis=1, prepend=0.0).ravel(),
        "value": days.value.ravel(),
    }).with_columns(pl.selectors.float().fill_nan(None))  # fmt: skip


def _by_day(ledger: Ledger, reporting: Reporting, days: Days) -> tuple[Floats, Ints, Floats]:
    """Volume, number of fills and fees of each day, a book at a time."""
    flow, first, n = ledger.flow, days.start_us // _DAY_US, days.edges.size
    volume, n_fills, fees = np.zeros(n), np.zeros(n, np.int64), np.zeros(n)
    inverse = ledger.books["market_type"] == INVERSE
    to_quote = np.where(inverse, ledger.books["mark_quote"].fill_null(np.nan), 1.0)
    for rate, unit, rows in zip(reporting.at_end, to_quote, flow.slices(), strict=True):
        day = np.clip(flow.at[rows] // _DAY_US - first, 0, n - 1)
        traded = np.abs(flow.qty[rows]) * np.where(flow.unit[rows] < 0.0, 1.0, flow.price[rows])
        n_fills += np.bincount(day, minlength=n)
        volume += np.bincount(day, traded, n) * rate
        fees += np.bincount(day, flow.fee[rows], n) * unit * rate
    return volume, n_fills, fees


def order_arrays(
    orders: pl.DataFrame | None, reporting: Reporting
) -> dict[str, Ints | Floats | Bools | Undefined]:
    """Class, amount, fill, price and kind of every order; unavailable without an Order table.

    Prices are in the reporting currency where orders are in several; without one there is no price.
    """
    names = ("order_class", "order_amount", "order_filled", "order_is_market")
    if orders is None:
        return dict.fromkeys((*names, "order_price"), Undefined.unavailable("no_order_row"))
    arrays = {name: orders[name].to_numpy() for name in names}
    is_inverse = inverse_of(orders, reporting.ledger.conventions).to_numpy()
    price = orders["order_price"].to_numpy()
    if is_inverse.any():
        price = np.where(is_inverse, 1.0, price)  # contracts are in quote already
    if orders["quote"].n_unique() > 1:
        if reporting.currency is None:
            return {**arrays, "order_price": reporting.lack}
        price = price * rate_of(orders, reporting)
    return {**arrays, "order_price": price}


def inverse_of(rows: pl.DataFrame, conventions: Conventions) -> pl.Series:
    """Whether the amounts of each row are inverse contracts, by its connector."""
    types, _ = market_types(rows["connector"].unique().cast(pl.String).to_list(), conventions)
    inverse = pl.Series([name for name in types if types[name] == INVERSE], dtype=pl.Categorical)
    return rows["connector"].is_in(inverse.implode())


def rate_of(rows: pl.DataFrame, reporting: Reporting) -> Floats:
    """Reporting rate of each row's quote currency at the end; NaN where no book is in that quote."""
    quotes = reporting.ledger.books["quote"].cast(pl.String).to_list()
    by_quote = dict(zip(quotes, reporting.at_end.tolist(), strict=True))
    found = np.full(rows.height, np.nan)
    labels = rows["quote"]
    for quote, rate in by_quote.items():
        found[(labels == quote).to_numpy()] = rate
    return found


def _in_market_s(ledger: Ledger) -> float:
    """Seconds in which any book held more than dust: the union of its round trips."""
    trips = ledger.trips
    begins = trips["entry_at"].dt.timestamp("us").to_numpy()
    ends = trips["exit_at"].dt.timestamp("us").fill_null(ledger.end_us).to_numpy()
    if not begins.size:
        return 0.0
    order = np.argsort(begins, kind="stable")
    begins, reached = begins[order], np.maximum.accumulate(ends[order])
    begins[1:] = np.maximum(begins[1:], reached[:-1])
    return float(np.maximum(reached - begins, 0).sum()) / 1e6


def _money(values: Floats, reporting: Reporting) -> Floats | Undefined:
    """Book money in the reporting currency; an open book without a mark leaves no total."""
    if reporting.currency is None:
        return reporting.lack
    converted = values * reporting.at_end
    return Undefined.unavailable("no_mid") if np.isnan(converted).any() else converted


def _days(daily: pl.DataFrame, conventions: Conventions) -> dict[str, Floats | Undefined]:
    """Daily PnL, returns and equity; a day without a mark leaves none of them."""
    capital = conventions.capital
    pnl = daily["pnl"].to_numpy()
    if daily["pnl"].null_count() or np.isnan(pnl).any():
        gap = Undefined.unavailable("no_mid")
        return dict.fromkeys(("daily_pnl", "daily_return", "daily_basis", "equity"), gap)
    equity = np.concatenate([[capital or 0.0], (capital or 0.0) + np.cumsum(pnl)])
    if capital is None:
        returns: Floats | Undefined = Undefined.unavailable("no_capital")
    elif capital <= 0.0:
        returns = Undefined("non_positive_capital")
    elif conventions.return_basis == "fixed_capital":
        returns = fixed_returns(pnl, capital)
    else:
        returns = compounded_returns(pnl, capital)
        if np.isnan(returns).any():
            returns = Undefined("equity_non_positive")
    basis = returns if isinstance(returns, np.ndarray) else pnl
    return {"daily_pnl": pnl, "daily_return": returns, "daily_basis": basis, "equity": equity}


def _curve(equity: pl.DataFrame, conventions: Conventions, lack: Undefined | None) -> dict[str, Any]:
    """Points of the equity curve after its start, those without a price or rate left out, and their share.

    What is so now is not known where the last point is missing; without any point there is no curve.
    """
    is_gap = equity["is_gap"].to_numpy()
    gap = Undefined.unavailable("no_mid") if lack is None else lack
    if lack is not None or (is_gap.all() and is_gap.size):
        return {"curve": gap, "curve_now": gap, "coverage": {}}
    points = equity.filter(~pl.col("is_gap"))["equity"].to_numpy()
    curve = np.concatenate([[conventions.capital or 0.0], points])
    share = points.size / is_gap.size if is_gap.size else 1.0
    ends = is_gap.size == 0 or not is_gap[-1]
    return {
        "curve": curve, "curve_now": curve if ends else gap,
        "coverage": {"curve": share, "curve_now": share} if share < 1.0 else {},
    }  # fmt: skip


def metric_inputs(
    ledger: Ledger,
    orders: pl.DataFrame | None,
    reporting: Reporting,
    daily: pl.DataFrame,
    equity: pl.DataFrame,
    trips: pl.DataFrame,
    start_us: int,
) -> Inputs:
    """Every array a metric may ask for.

    Parameters
    ----------
    ledger
        The kept ledger.
    orders
        What `order_facts` says of the orders of the view; None where the data has no orders.
    reporting
        Reporting currency.
    daily, equity, trips
        Frames of the same view.
    start_us
        Start of the run, µs UTC.
    """
    lacks_money = reporting.currency is None
    money = _without_money(reporting.lack) if lacks_money else _in_money(ledger, reporting, daily, trips)
    arrays: dict[str, Any] = money | order_arrays(orders, reporting)
    capital = ledger.conventions.capital
    path = _curve(equity, ledger.conventions, reporting.lack if lacks_money else None)
    return Inputs(
        **arrays,
        fill_at=ledger.flow.at,
        **path,
        trip_hold_s=trips.filter(~pl.col("is_open"))["hold_s"].to_numpy(),
        window_s=max(ledger.end_us - start_us, 0) / 1e6,
        in_market_s=_in_market_s(ledger),
        capital=Undefined.unavailable("no_capital") if capital is None else capital,
        periods_per_year=ledger.conventions.periods_per_year,
        currency=reporting.currency,
        reasons=_reasons(ledger, has_gaps=bool(path["coverage"])) | _order_reasons(orders),
        method=_methods(ledger),
    )


_MONEY = (
    "book_net", "book_realized", "book_unrealized", "book_fees_paid", "book_rebates", "book_volume",
    "book_funding", "book_revalued", "gross_exposure", "trip_pnl", "trip_notional", "position_value_s",
    "closed_value", "daily_pnl", "daily_return", "daily_basis", "equity",
)  # fmt: skip


def _without_money(lack: Undefined) -> dict[str, Any]:
    """Every array in money, missing for one reason."""
    return dict.fromkeys(_MONEY, lack)


def _in_money(
    ledger: Ledger, reporting: Reporting, daily: pl.DataFrame, trips: pl.DataFrame
) -> dict[str, Any]:
    """Every array in money, in the reporting currency."""
    books, rate = ledger.books, reporting.at_end
    column = {
        name: books[name].fill_null(np.nan).to_numpy()
        for name in books.columns
        if name.endswith(("_quote", "_base"))
    }
    closed = trips.filter(~pl.col("is_open"))
    trip_rate = rate[closed["book"].to_numpy()]
    traded = column["bought_base"] + column["sold_base"]
    mean_price = column["volume_quote"] / np.where(traded > 0.0, traded, 1.0) * rate
    sums = ("net", "realized", "unrealized", "fees_paid", "rebates", "volume")
    return {
        **{f"book_{name}": _money(column[f"{name}_quote"], reporting) for name in sums},
        **_days(daily, ledger.conventions),
        "book_funding": book_funding(ledger, column["funding_quote"], reporting),
        "book_revalued": _revalued(column["fee_tokens_revalued_quote"], reporting),
        "gross_exposure": _exposure(ledger, rate),
        "trip_pnl": closed["net_quote"].to_numpy() * trip_rate,
        "trip_notional": (closed["entry_quote"] * closed["qty_base"]).to_numpy() * trip_rate,
        "position_value_s": ledger.flow.held_s(ledger.end_us) * mean_price,
        "closed_value": column["closed_base"] * mean_price,
    }


def book_funding(ledger: Ledger, values: Floats, reporting: Reporting) -> Floats | Undefined:
    """Funding of all books; unavailable where perpetuals were held and nothing is known."""
    perps = ledger.books.filter(pl.col("market_type") != "spot")
    unknown = perps.filter(
        pl.col("reasons").list.set_intersection(["funding_unavailable", "funding_not_covered"]).list.len() > 0
    )
    if unknown.height and unknown.height == perps.height:
        return Undefined.unavailable(str(unknown["reasons"][0][0]))
    return _money(values, reporting)


def _revalued(values: Floats, reporting: Reporting) -> Floats | Undefined:
    """Fee tokens at the end; unavailable where the end has no rate for one of them."""
    if np.isnan(values).any():
        return Undefined.unavailable("no_rate")
    return _money(values, reporting)


def _exposure(ledger: Ledger, rate: Floats) -> Floats:
    """Value of each book's position at the end."""
    return np.abs(position_values(ledger) * rate)


def position_values(ledger: Ledger) -> Floats:
    """Signed value of each book's position at the end, in its quote; NaN for an open one without a mark.

    An inverse contract is worth its quantity in quote, at any price.
    """
    held = ledger.flow.last_position
    mark = ledger.books["mark_quote"].fill_null(np.nan).to_numpy()
    unit = np.where((ledger.books["market_type"] == INVERSE).to_numpy(), 1.0, mark)
    return np.asarray(np.where(held == 0.0, 0.0, held * unit))


def _order_reasons(orders: pl.DataFrame | None) -> dict[str, tuple[str, ...]]:
    """What was filled is not the whole truth where an order completed and its fills are not there."""
    lost = ORDER_CLASSES.index("FILLED_INCOMPLETE_DATA")
    has_lost = orders is not None and bool((orders["order_class"] == lost).any())
    return {"order_filled": ("fills_missing",)} if has_lost else {}


def _methods(ledger: Ledger) -> dict[str, str]:
    """By input: how it was booked."""
    is_open = bool((ledger.books["position_base"] != 0.0).any())
    held = {"position_value_s": "a position is open at the end"} if is_open else {}
    return dict.fromkeys(("book_realized", "book_unrealized"), ledger.conventions.method) | held


def _reasons(ledger: Ledger, *, has_gaps: bool) -> dict[str, tuple[str, ...]]:
    """By input: why it is partial."""
    found = {reason for reasons in ledger.books["reasons"] for reason in reasons}
    found |= {KEPT_OUT} if ledger.kept_out.height else set()
    money = tuple(reason for reason in _MONEY_PARTIAL if reason in found)
    only = {
        name: tuple(r for r in money if r.startswith(prefixes))
        for name, prefixes in (
            ("book_unrealized", ("marked", KEPT_OUT)),
            ("book_fees_paid", ("fee_", KEPT_OUT)),
            ("book_rebates", ("fee_", KEPT_OUT)),
            ("book_funding", "funding"),
        )
    }
    counted = dict.fromkeys(_OF_FILLS, tuple(reason for reason in money if reason == KEPT_OUT))
    whole = dict.fromkeys(("book_net", "daily_pnl", "daily_return", "daily_basis", "equity"), money)
    path = dict.fromkeys(("curve", "curve_now"), (*money, *((CURVE_GAPS,) if has_gaps else ())))
    return {
        **counted,
        **only,
        **whole,
        **path,
        "trip_pnl": tuple(r for r in money if not r.startswith("marked")),
    }
