"""How running bots stand now: what each earned today, what it holds, and since when it is silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from fillbook.analysis.reporting import Reporting, reporting_of
from fillbook.analysis.view import prepared_of
from fillbook.arrays import Floats, Ints
from fillbook.conventions import Conventions
from fillbook.filters import Filter
from fillbook.ledger.book import Ledger, keep_ledger
from fillbook.ledger.book_sums import INVERSE
from fillbook.ledger.equity import books_at
from fillbook.ledger.rates import US
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.sources.following import BotStatus

STEPS_S = (5, 15, 60, 300)  # of the curve of the day, the first that gives few enough points
_POINTS = 400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Live:
    """Running bots at one moment.

    Parameters
    ----------
    at, since
        The moment, and the midnight before it in the reader's zone; both UTC.
    currency
        Reporting currency; None where the quote currencies have no known rate, and then money over several
        of them is null.
    bots
        A row a bot, the last to trade first: ``bot, last_fill_at, n_fills_today, volume_today, fees_today,
        pnl_today, net, exposure, n_open, status``; money in `currency`. ``exposure`` is the sum of the
        unsigned values of its positions; ``status`` ``ok``, ``partial`` or ``unavailable`` as of its books.
    positions
        A row an open position: ``bot, connector, pair, leg, base, quote, position_base, average_quote,
        mark_quote, mark_kind, mark_age_s, value, unrealized, pnl_today, net``; the last four in `currency`.
    total
        Sums of `bots`: ``n_fills_today, volume_today, fees_today, pnl_today, net, exposure, n_open``; null
        where a part is.
    curve
        ``at, pnl``: PnL since `since`, or since the first fill where that came later, in regular steps, and
        now; null where a book has no mark.
    """

    at: datetime
    since: datetime
    currency: str | None
    bots: pl.DataFrame
    positions: pl.DataFrame
    total: dict[str, float | None]
    curve: pl.DataFrame


def live(
    data: PerformanceDataSource,
    now: datetime,
    chosen: Filter | None = None,
    conventions: Conventions | None = None,
    *,
    zone: str = "UTC",
) -> Live:
    """How the bots of `data` stand at `now`.

    PnL since midnight is the difference of the net PnL at both ends, each marked by the prices known then
    (DEFINITIONS A9): positions carried over the night count from their value at midnight.

    Parameters
    ----------
    data
        Opened sources, which may have grown.
    now
        The moment, UTC; events after it (a clock ahead of ours) move it to the last of them.
    chosen
        Which rows count; None takes all.
    conventions
        How to book; None takes the defaults.
    zone
        Whose midnight the day begins at.

    Raises
    ------
    BadRequestError
        A currency without rates.
    """
    conventions = conventions or Conventions()
    prepared = prepared_of(data, conventions)
    last = prepared.fills.select(pl.col("at").max()).item()
    at = max(now, last) if last else now
    ledger = keep_ledger(prepared, end=at, chosen=chosen)
    reporting = reporting_of(ledger)
    midnight = at.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    since = midnight.astimezone(UTC)
    grid = _grid(ledger, _us(since))
    net, value = (rates * part for rates, part in _in_currency(ledger, reporting, grid))
    books = _books(ledger, reporting, net, value[:, -1], _us(since))
    bots = _bots(books)
    total = {name: _sum(bots[name]) for name in _SUMS}
    path = pl.DataFrame({
        "at": pl.Series(grid).cast(pl.Datetime("us", "UTC")), "pnl": net.sum(axis=0) - net[:, 0].sum(),
    }).fill_nan(None)  # fmt: skip
    return Live(at, since, reporting.currency, bots, _positions(books), total, path)


def with_status(bots: pl.DataFrame, said: Mapping[str, BotStatus], now: datetime) -> pl.DataFrame:
    """`Live.bots` with what their feeds know: ``seen_at, word, message`` behind them.

    ``word``: ``live`` (heard within its patience), ``silent`` (not so), ``offline`` (as it said),
    ``not heard`` (since following began). A bot that has not traded yet has a row as well, with no fills and
    no money.
    """
    names = [*bots["bot"].to_list(), *(bot for bot in said if bot not in set(bots["bot"].to_list()))]
    rows = pl.DataFrame({"bot": names}, schema={"bot": pl.String}).join(
        bots, on="bot", how="left", maintain_order="left"
    )
    known = [said.get(name) for name in names]
    return rows.with_columns(
        pl.col("n_fills_today", "n_open").fill_null(0),
        pl.Series("seen_at", [one and one.seen_at for one in known], dtype=pl.Datetime("us", "UTC")),
        pl.Series("word", [_word(one, now) for one in known], dtype=pl.String),
        pl.Series("message", [one.message if one else "" for one in known], dtype=pl.String),
    )


def _word(said: BotStatus | None, now: datetime) -> str:
    if said is None:
        return "not heard"
    if said.is_online is False:
        return "offline"
    return "live" if (now - said.seen_at).total_seconds() <= said.patience_s else "silent"


_SUMS = ("n_fills_today", "volume_today", "fees_today", "pnl_today", "net", "exposure", "n_open")


def _grid(ledger: Ledger, since: int) -> Ints:
    """Times of the curve: from midnight, or the first fill where that came later, to the end."""
    begin = max(since, int(ledger.flow.at.min())) if ledger.flow.at.size else since
    span = (ledger.end_us - begin) / US
    step = US * next((s for s in STEPS_S if span / s <= _POINTS), STEPS_S[-1])
    first = max(since, begin - begin % step)
    return np.append(np.arange(first, ledger.end_us, step), ledger.end_us)


def _us(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _in_currency(ledger: Ledger, reporting: Reporting, when: Ints) -> list[tuple[Floats, Floats]]:
    """Rate of each book at each time beside its net PnL, and beside its position's value."""
    rates = reporting.rates(when)
    return [(np.where(part == 0.0, 1.0, rates), part) for part in books_at(ledger, when, is_open=True)]


def _books(ledger: Ledger, reporting: Reporting, net: Floats, value: Floats, since: int) -> pl.DataFrame:
    """The books with what they did since a time, in the reporting currency."""
    flow, books = ledger.flow, ledger.books
    inverse = (books["market_type"] == INVERSE).to_numpy()
    rate = reporting.at_end * np.where(inverse, books["mark_quote"].fill_null(np.nan).to_numpy(), 1.0)
    today = [slice(s.start + int(np.searchsorted(flow.at[s], since)), s.stop) for s in flow.slices()]
    fees = np.array([flow.fee[rows].sum() for rows in today])
    notional = flow.notional
    traded = np.array([notional[rows].sum() for rows in today])
    position = books["position_base"].to_numpy()
    unrealized = books["unrealized_quote"].fill_null(np.nan).to_numpy() * reporting.at_end
    return books.with_columns(
        n_fills_today=pl.Series([rows.stop - rows.start for rows in today], dtype=pl.Int64),
        volume_today=pl.Series(np.where(traded == 0.0, 0.0, traded * reporting.at_end)),
        fees_today=pl.Series(np.where(fees == 0.0, 0.0, fees * rate)),
        pnl_today=pl.Series(net[:, -1] - net[:, 0]),
        net=pl.Series(net[:, -1]),
        value=pl.Series(value),
        exposure=pl.Series(np.where(position == 0.0, 0.0, np.abs(value))),
        unrealized=pl.Series(np.where(position == 0.0, 0.0, unrealized)),
    ).with_columns(pl.selectors.float().fill_nan(None))


def _bots(books: pl.DataFrame) -> pl.DataFrame:
    """Sums of each bot; null where a book has none."""
    parts = ("volume_today", "fees_today", "pnl_today", "net", "exposure")
    whole = [pl.when(pl.col(n).is_not_null().all()).then(pl.col(n).sum()).alias(n) for n in parts]
    order = {"ok": 0, "partial": 1, "unavailable": 2}
    worst = pl.col("status").replace_strict(order, return_dtype=pl.Int8).max()
    return (
        books.group_by("bot", maintain_order=True)
        .agg(
            pl.col("last_at").max().alias("last_fill_at"), pl.col("n_fills_today").sum(), *whole,
            (pl.col("position_base") != 0.0).sum().cast(pl.Int64).alias("n_open"),
            worst.replace_strict({code: name for name, code in order.items()}, return_dtype=pl.String)
            .alias("status"),
        )
        .with_columns(pl.col("bot").cast(pl.String))
        .sort("last_fill_at", descending=True, nulls_last=True, maintain_order=True)
        .select(
            "bot", "last_fill_at", "n_fills_today", "volume_today", "fees_today", "pnl_today", "net",
            "exposure", "n_open", "status",
        )
    )  # fmt: skip


def _positions(books: pl.DataFrame) -> pl.DataFrame:
    """Open books, the largest value first."""
    return (
        books.filter(pl.col("position_base") != 0.0)
        .select(
            pl.col("bot", "connector", "pair").cast(pl.String), "leg", "base", "quote", "position_base",
            "average_quote", "mark_quote", "mark_kind", "mark_age_s", "value", "unrealized",
            "pnl_today", "net",
        )
        .sort(pl.col("value").abs(), descending=True, nulls_last=True, maintain_order=True)
    )  # fmt: skip


def _sum(values: pl.Series) -> float | None:
    """Sum; None where a part is unknown."""
    return None if values.null_count() else float(values.sum())
