"""What each bot of a view added to the whole: in money, or against a benchmark (DEFINITIONS B7, B8)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import polars as pl

from fillbook.analysis.alignment import day_of, number_of
from fillbook.analysis.tagged_days import Moves, daily_net
from fillbook.analysis.view import View, view_of
from fillbook.arrays import Floats, Ints
from fillbook.conventions import Conventions
from fillbook.errors import BadRequestError, no_such
from fillbook.filters import Filter
from fillbook.ledger.codes import label_codes
from fillbook.metrics.contribution import Linked, brinson_fachler, linked
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Undefined

Given = tuple[str, pl.DataFrame]  # a name, and daily returns
EQUAL, OPENING, CURRENT, ZERO = "equal_weight", "opening_weights", "current_weights", "zero"
BENCHMARKS: Mapping[str, str] = {
    EQUAL: "equal weights", OPENING: "the opening weights, set back every month",
    CURRENT: "the weights at the end, held all along", ZERO: "nothing earned",
}  # fmt: skip
_DAY_US = 86_400_000_000
_SCHEMA = {
    "bot": pl.String, "net": pl.Float64, "share": pl.Float64, "capital": pl.Float64, "weight": pl.Float64,
    "bot_return": pl.Float64, "contribution": pl.Float64, "allocation": pl.Float64, "selection": pl.Float64,
    "interaction": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Contributions:
    """Bots of one view, the best first.

    Parameters
    ----------
    table
        A row a bot: ``bot, net`` (null without a common currency), its ``share`` (null where net is 0);
        and, where capital is declared, ``capital``, its ``weight`` at the start, ``bot_return`` over the
        whole view, ``contribution`` to the portfolio's return, and the linked ``allocation, selection,
        interaction``, which sum to the return over the benchmark.
    currency
        Of all money.
    portfolio, benchmark
        Compounded returns; NaN with a reason where there are none (``no_capital``, ``no_mid`` or
        ``equity_non_positive``), and money is then all there is.
    n_periods
        Calendar months (UTC) that were linked.
    against
        What the benchmark is, in words.
    """

    table: pl.DataFrame
    currency: str | None
    portfolio: float
    benchmark: float
    n_periods: int
    against: str


def contributions(
    data: PerformanceDataSource, chosen: Filter | None = None, conventions: Conventions | None = None, *,
    capitals: Mapping[str, float] | None = None, benchmark: str | Given = EQUAL,
) -> Contributions:  # fmt: skip
    """What each bot of `data`, seen through `chosen`, added.

    Parameters
    ----------
    data, chosen, conventions
        As in `overview`.
    capitals
        Capital of each bot of the view, in the reporting currency; None gives contributions in money only.
    benchmark
        The same bots, every month with equal weights (``equal_weight``), with those of the start
        (``opening_weights``) or with those of the end (``current_weights``, which nobody knew before);
        ``zero``: cash of the same weights; or a name with daily returns, ``day, return`` (see
        `sources.return_files`), which each bot might have earned instead. Without capital it changes nothing.

    Raises
    ------
    BadRequestError
        A bot of the view has no capital, or one that is not positive; a capital of a bot that the data does
        not hold; no such benchmark, or one that lacks a day of the view.
    """
    if isinstance(benchmark, str) and benchmark not in BENCHMARKS:
        raise BadRequestError(
            no_such(benchmark, list(BENCHMARKS), "benchmark of bots") + "; or a CSV with date,return"
        )
    _refuse_strange(data, capitals or {})
    view = view_of(data, chosen, conventions)
    code, bots = _bots(view)
    edges = _months(view)
    net = daily_net(view, Moves.of(view, edges), code, len(bots), edges, is_of_books=True)
    held = _declared(capitals, bots)
    whole: Linked | Undefined = Undefined.unavailable("no_capital")
    effects: dict[str, Floats] = {}
    if held is not None:
        theirs = benchmark if isinstance(benchmark, str) else _monthly(benchmark, view.start_us, edges)
        whole, effects = _against(net, held, theirs)
    gained = net.sum(axis=1)
    total = math.fsum(gained.tolist())
    share = gained / total if total else np.full(len(bots), np.nan)
    table = pl.DataFrame(
        {"bot": bots, "net": gained, "share": share, **effects},
        schema_overrides=_SCHEMA,
    )  # fmt: skip
    missing = [
        pl.lit(None, dtype).alias(name) for name, dtype in _SCHEMA.items() if name not in table.columns
    ]
    table = table.with_columns(*missing).select(*_SCHEMA).with_columns(pl.selectors.float().fill_nan(None))
    both = (whole, whole) if isinstance(whole, Undefined) else (whole.portfolio, whole.benchmark)
    return Contributions(
        table.sort("net", descending=True, nulls_last=True), view.reporting.currency, *both, edges.size,
        BENCHMARKS[benchmark] if isinstance(benchmark, str) else benchmark[0],
    )  # fmt: skip


def _refuse_strange(data: PerformanceDataSource, capitals: Mapping[str, float]) -> None:
    """Stop at a capital of a bot that the data does not hold; the filter may leave some out."""
    known = sorted(data.fills["bot"].unique().cast(pl.String).drop_nulls())
    strange = [no_such(bot, known, "bot of this data", most=3) for bot in capitals if bot not in known]
    if strange:
        raise BadRequestError("capital of a bot: " + "; ".join(strange))


def _bots(view: View) -> tuple[Ints, list[str]]:
    """Bot of each fill, and the names."""
    column = view.ledger.column("bot")
    if column.is_empty():
        return np.zeros(0, np.int64), []
    code, first = label_codes([column])
    return code.astype(np.int64), column.gather(first).cast(pl.String).to_list()


def _months(view: View) -> Ints:
    """Ends of the calendar months of a view, µs UTC, the end of the view last."""
    start, end = view.start_us, view.ledger.end_us
    first, last = (datetime.fromtimestamp(us / 1e6, UTC) for us in (start, end))
    months = pl.datetime_range(
        first.replace(day=1, hour=0, minute=0, second=0, microsecond=0), last, "1mo", eager=True
    ).dt.timestamp("us").to_numpy()  # fmt: skip
    return np.append(months[(months > start) & (months < end)], end)


def _declared(capitals: Mapping[str, float] | None, bots: list[str]) -> Floats | None:
    """Capital of each bot; None where none is declared."""
    if capitals is None or not bots:
        return None
    lost = [bot for bot in bots if not (capitals.get(bot, math.nan) > 0.0 and math.isfinite(capitals[bot]))]
    if lost:
        message = f"each bot of the view needs a capital above 0; {', '.join(lost)} has none"
        raise BadRequestError(message)
    return np.array([capitals[bot] for bot in bots])


def _monthly(given: Given, start_us: int, edges: Ints) -> Floats:
    """Return of each period, compounded over its UTC days; the first and the last day count whole.

    Raises
    ------
    BadRequestError
        A day is missing: what it returned is not known, and not 0.
    """
    name, table = given
    known = table.drop_nulls()
    earned = dict(zip(number_of(known["day"]).tolist(), known["return"].to_list(), strict=True))
    last = max(int(edges[-1] - 1) // _DAY_US, start_us // _DAY_US)
    days = range(start_us // _DAY_US, last + 1)
    lost = [day for day in days if day not in earned]
    if lost:
        first = day_of(lost[0])
        raise BadRequestError(
            f"{name} has no return on {len(lost)} of the {len(days)} UTC days of this view, the first of "
            f"them {first}: give every day, weekends too, or choose a period that it covers"
        )
    at = np.minimum(np.searchsorted(edges, np.array(days) * _DAY_US, side="right"), edges.size - 1)
    return np.array([
        math.prod(1.0 + earned[day] for day, place in zip(days, at, strict=True) if place == period) - 1.0
        for period in range(edges.size)
    ])  # fmt: skip


def _against(
    net: Floats, capital: Floats, benchmark: str | Floats
) -> tuple[Linked | Undefined, dict[str, Floats]]:
    """Linked effects over the periods, and the columns a bot; equity at its start is a period's capital.

    Parameters
    ----------
    net
        Net PnL, shape (n_bots, n_periods).
    capital
        At the start, shape (n_bots,).
    benchmark
        By its word, or returns of the periods, shape (n_periods,).
    """
    equity = capital[:, None] + np.cumsum(np.pad(net, ((0, 0), (1, 0))), axis=1)
    start, weight = equity[:, :-1], capital / capital.sum()
    bot_return = net.sum(axis=1) / capital
    columns = {
        "capital": capital,
        "weight": weight,
        "bot_return": bot_return,
        "contribution": weight * bot_return,
    }
    if np.isnan(net).any():
        return Undefined.unavailable("no_mid"), columns
    lasting = equity if isinstance(benchmark, str) and benchmark == CURRENT else start
    if (lasting <= 0.0).any():
        return Undefined("equity_non_positive"), columns
    own, returns = start / start.sum(axis=0), net / start
    theirs, earned = _held(benchmark, own, returns, equity[:, -1])
    whole = linked(
        [brinson_fachler(*period) for period in zip(own.T, theirs.T, returns.T, earned.T, strict=True)]
    )
    if isinstance(whole, Undefined):
        return whole, columns
    effects = {name: getattr(whole, name) for name in ("allocation", "selection", "interaction")}
    return whole, columns | effects


def _held(benchmark: str | Floats, own: Floats, returns: Floats, end: Floats) -> tuple[Floats, Floats]:
    """Weights and returns of the benchmark, a row a bot and a column a period.

    Parameters
    ----------
    benchmark
        By its word, or returns of the periods.
    own, returns
        Weights at the start of each period, and what each bot returned in it.
    end
        Equity of each bot at the end, above 0 where it matters.
    """
    if not isinstance(benchmark, str):
        return own, np.broadcast_to(benchmark, own.shape)
    if benchmark == ZERO:
        return own, np.zeros(own.shape)
    weight = np.full(end.size, 1.0 / end.size)
    if benchmark != EQUAL:
        weight = own[:, 0] if benchmark == OPENING else end / end.sum()
    return np.broadcast_to(weight[:, None], own.shape), returns
