"""What each bot of a view added to the whole: in money, or against a benchmark (DEFINITIONS B7, B8)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import polars as pl

from fillbook.analysis.tagged_days import Moves, daily_net
from fillbook.analysis.view import View, view_of
from fillbook.arrays import Floats, Ints
from fillbook.conventions import Conventions
from fillbook.errors import BadRequestError
from fillbook.filters import Filter
from fillbook.ledger.codes import label_codes
from fillbook.metrics.contribution import Brinson, Linked, brinson_fachler, linked
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Undefined

Benchmark = Literal["equal_weight", "zero"]
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
    """

    table: pl.DataFrame
    currency: str | None
    portfolio: float
    benchmark: float
    n_periods: int


def contributions(
    data: PerformanceDataSource, chosen: Filter | None = None, conventions: Conventions | None = None, *,
    capitals: Mapping[str, float] | None = None, benchmark: Benchmark = "equal_weight",
) -> Contributions:  # fmt: skip
    """What each bot of `data`, seen through `chosen`, added.

    Parameters
    ----------
    data, chosen, conventions
        As in `overview`.
    capitals
        Capital of each bot of the view, in the reporting currency; None gives contributions in money only.
    benchmark
        ``equal_weight``: the same bots with equal weights; ``zero``: cash of the same weights.

    Raises
    ------
    BadRequestError
        A bot of the view has no capital, or one that is not positive.
    """
    view = view_of(data, chosen, conventions)
    code, bots = _bots(view)
    edges = _months(view)
    net = daily_net(view, Moves.of(view, edges), code, len(bots), edges, is_of_books=True)
    held = _declared(capitals, bots)
    whole: Linked | Undefined = Undefined.unavailable("no_capital")
    effects: dict[str, Floats] = {}
    if held is not None:
        whole, effects = _against(net, held, benchmark)
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
        table.sort("net", descending=True, nulls_last=True), view.reporting.currency, *both, edges.size
    )


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


def _against(
    net: Floats, capital: Floats, benchmark: Benchmark
) -> tuple[Linked | Undefined, dict[str, Floats]]:
    """Linked effects over the periods, and the columns a bot; equity at its start is a period's capital.

    Parameters
    ----------
    net
        Net PnL, shape (n_bots, n_periods).
    """
    start = capital[:, None] + np.cumsum(np.pad(net, ((0, 0), (1, 0))), axis=1)[:, :-1]
    weight = capital / capital.sum()
    bot_return = net.sum(axis=1) / capital
    columns = {
        "capital": capital,
        "weight": weight,
        "bot_return": bot_return,
        "contribution": weight * bot_return,
    }
    if np.isnan(net).any():
        return Undefined.unavailable("no_mid"), columns
    if (start <= 0.0).any():
        return Undefined("equity_non_positive"), columns
    whole = linked([_period(gain, held, benchmark) for gain, held in zip(net.T, start.T, strict=True)])
    if isinstance(whole, Undefined):
        return whole, columns
    effects = {name: getattr(whole, name) for name in ("allocation", "selection", "interaction")}
    return whole, columns | effects


def _period(gain: Floats, held: Floats, benchmark: Benchmark) -> Brinson:
    """Effects of one period."""
    weights, returns = held / held.sum(), gain / held
    if benchmark == "zero":
        return brinson_fachler(weights, weights, returns, np.zeros(held.size))
    return brinson_fachler(weights, np.full(held.size, 1.0 / held.size), returns, returns)
