"""The sides of a comparison: a source, a bot, a controller or a pair, as daily PnL over its own run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import polars as pl

from fillbook.analysis.alignment import number_of
from fillbook.analysis.overview import Overview
from fillbook.analysis.parts import Tag, parts
from fillbook.analysis.view import View, view_of
from fillbook.arrays import Bools, Floats, Ints
from fillbook.conventions import Conventions
from fillbook.errors import BadRequestError
from fillbook.metrics.drawdown import falls
from fillbook.metrics.returns import (
    compounded_returns,
    deviation,
    fixed_returns,
    mean,
    sharpe_ratio,
    sortino_ratio,
    winning_days,
)
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Status, Undefined

By = Literal["bot", "controller", "pair"]
TAGS: Mapping[By, tuple[Tag, ...]] = {
    "bot": ("bot",), "controller": ("controller_id", "bot"), "pair": ("pair",),
}  # fmt: skip
Capital = float | Mapping[str, float] | None
_DAY_US = 86_400_000_000
_DAYS_ENOUGH = 30
FIGURES: dict[str, type[pl.DataType]] = {
    "n_days": pl.Int64, "n_unknown": pl.Int64, "net": pl.Float64, "mean": pl.Float64,
    "deviation": pl.Float64, "sharpe": pl.Float64, "sortino": pl.Float64, "winning_days": pl.Float64,
    "max_drawdown": pl.Float64, "worst_day": pl.Float64, "volume": pl.Float64, "n_fills": pl.Int64,
    "net_bps": pl.Float64, "status": pl.String, "reason": pl.String,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Side:
    """Daily PnL of one side, over the days it ran.

    Parameters
    ----------
    name
        For people, different from every other side's.
    days
        Days since 1970, each UTC day of its run, shape (n,).
    pnl
        In `currency`; NaN where an open position had no mark.
    returns
        The same over `capital`, or why there are none.
    volume, n_fills
        Of each day.
    currency, capital
        Unit of the money; what returns are over.
    reasons
        Why its PnL is partial.
    tags
        Of a part: bot, controller or pair by the name of the column.
    """

    name: str
    days: Ints
    pnl: Floats
    returns: Floats | Undefined
    volume: Floats
    n_fills: Ints
    currency: str | None
    capital: float | Undefined
    reasons: tuple[str, ...] = ()
    tags: Mapping[str, str | None] = field(default_factory=dict)

    def within(self, first: int, last: int, name: str) -> Side:
        """The same on the days from `first` to `last`, both included."""
        return replace(self._at((self.days >= first) & (self.days <= last)), name=name)

    def on(self, days: Ints) -> Side:
        """The same on some of its days."""
        return self._at(np.isin(self.days, days))

    def _at(self, at: Bools) -> Side:
        returns = self.returns if isinstance(self.returns, Undefined) else self.returns[at]
        return replace(
            self, days=self.days[at], pnl=self.pnl[at], returns=returns, volume=self.volume[at],
            n_fills=self.n_fills[at],
        )  # fmt: skip

    @property
    def basis(self) -> Floats:
        """Returns where known, else PnL."""
        return self.pnl if isinstance(self.returns, Undefined) else self.returns


def whole_side(name: str, answer: Overview, capital: Capital) -> Side:
    """What an answer shows, as one side."""
    days, daily = number_of(answer.daily["day"]), answer.daily
    if answer.period is None or answer.currency is None:
        days, daily = days[:0], daily.clear()
    held = _base(name, capital)
    pnl = daily["pnl"].fill_null(np.nan).to_numpy()
    return Side(
        name, days, pnl, _returns(pnl, held, answer.conventions),
        daily["volume"].fill_null(np.nan).to_numpy(), daily["n_fills"].cast(pl.Int64).to_numpy(),
        answer.currency, held, _doubts(answer),
    )  # fmt: skip


def _doubts(answer: Overview) -> tuple[str, ...]:
    """Why a net PnL that is known is partial."""
    result = answer.metrics.get("net_pnl")
    return () if result is None or result.value is None else result.reasons


def part_sides(data: PerformanceDataSource, answer: Overview, by: By, capital: Capital) -> tuple[Side, ...]:
    """Parts of one answer as sides, the best first.

    A part runs from its first order or fill to its last, or as long as what it holds moves: before and
    after there is no day of it, rather than a day without PnL (DEFINITIONS E1).
    """
    view = view_of(data, answer.chosen, answer.conventions)
    tags = TAGS[by]
    found = parts(data, answer, tags)
    activity = _activity(view, tags)
    table = found.table.join(activity, on=list(tags), how="left", nulls_equal=True, maintain_order="left")
    first = view.start_us // _DAY_US
    sides, taken = [], set[str]()
    for row in table.iter_rows(named=True):
        name = _unlike(str(row["part"]), taken)
        pnl = np.array([np.nan if x is None else x for x in row["daily"]], float)
        days = first + np.arange(pnl.size, dtype=np.int64)
        volume, n_fills = _by_day(row, days)
        held = _base(name, capital)
        lone = str(row["pair"]).partition("-")[2] if "pair" in tags else None
        side = Side(
            name, days, pnl, Undefined.unavailable("no_capital"), volume, n_fills,
            found.currency or lone, held, _doubts(answer), {tag: row[tag] for tag in tags},
        )  # fmt: skip
        side = side.within(*_span(row, days, pnl), name)
        sides.append(replace(side, returns=_returns(side.pnl, held, answer.conventions)))
    return tuple(sides)


def _activity(view: View, tags: tuple[Tag, ...]) -> pl.DataFrame:
    """A row a part: first and last day with an order or a fill; days, volume and fills of its fills."""
    flow = view.ledger.flow
    is_own = view.reporting.currency is None and "pair" in tags  # each pair in its own quote
    rate = np.ones(view.ledger.books.height) if is_own else view.reporting.at_end
    worth = flow.notional * rate[flow.book] if flow.at.size else np.zeros(0)
    columns: dict[str, pl.Series] = {tag: view.ledger.column(tag) for tag in tags}
    days = pl.Series(flow.at // _DAY_US, dtype=pl.Int64)
    fills = pl.DataFrame(columns | {"day": days, "worth": pl.Series(worth)}).with_columns(
        pl.col(tags).cast(pl.String)
    )
    by_day = fills.group_by(*tags, "day", maintain_order=True).agg(pl.col("worth").sum(), n=pl.len())
    lists = by_day.sort("day").group_by(tags, maintain_order=True).agg(
        filled="day", worth="worth", n="n"
    )  # fmt: skip
    seen = [fills.select(*tags, "day")]
    if view.orders is not None:
        day = pl.col("at").dt.timestamp("us") // _DAY_US
        seen.append(view.orders.select(pl.col(tags).cast(pl.String), day=day))
    spans = pl.concat(seen).group_by(tags, maintain_order=True).agg(
        first=pl.col("day").min(), last=pl.col("day").max()
    )  # fmt: skip
    return spans.join(lists, on=list(tags), how="left", nulls_equal=True)


def _by_day(row: Mapping[str, object], days: Ints) -> tuple[Floats, Ints]:
    """Volume and number of fills of one part on each day."""
    volume, n_fills = np.zeros(days.size), np.zeros(days.size, np.int64)
    filled = row["filled"]
    if isinstance(filled, list):
        place = np.clip(np.array(filled, np.int64) - days[0], 0, days.size - 1)
        np.add.at(volume, place, np.array(row["worth"], float))
        np.add.at(n_fills, place, np.array(row["n"], np.int64))
    return volume, n_fills


def _span(row: Mapping[str, object], days: Ints, pnl: Floats) -> tuple[int, int]:
    """First and last day of a part."""
    if not days.size:
        return 0, -1
    moved = days[(pnl != 0.0)]  # a day without a mark is one on which something was held
    known = [int(x) for x in (row["first"], row["last"]) if isinstance(x, int)]
    first = min([*known, *moved[:1].tolist()], default=int(days[0]))
    last = max([*known, *moved[-1:].tolist()], default=int(days[-1]))
    return first, last


def _base(name: str, capital: Capital) -> float | Undefined:
    """Capital of one side."""
    found = capital.get(name) if isinstance(capital, Mapping) else capital
    return Undefined.unavailable("no_capital") if found is None else found


def refuse_unknown(capital: Capital, names: list[str]) -> None:
    """Stop at a capital of a side that there is none of.

    Raises
    ------
    BadRequestError
        Names the side, and those there are.
    """
    unknown = sorted(set(capital) - set(names)) if isinstance(capital, Mapping) else []
    if unknown:
        raise BadRequestError(
            f"capital of {', '.join(unknown)}: no side is called so; there are {', '.join(names) or 'none'}"
        )


def _returns(pnl: Floats, capital: float | Undefined, conventions: Conventions) -> Floats | Undefined:
    """Daily returns by the chosen basis; undefined where equity fell to zero."""
    if isinstance(capital, Undefined):
        return capital
    if conventions.return_basis == "fixed_capital":
        return fixed_returns(pnl, capital)
    if np.isnan(pnl).any():
        return Undefined.unavailable("no_mid")
    found = compounded_returns(pnl, capital)
    if isinstance(found, Undefined):
        return found
    return Undefined("equity_non_positive") if np.isnan(found).any() else found


def figures(side: Side, periods_per_year: float) -> dict[str, object]:
    """Figures of a side's days by the names in `FIGURES`; None where there is none, with status and reason.

    Money is in the side's currency; `max_drawdown` is of the days' ends, `net_bps` net over volume. A day
    without a mark leaves all of them but the counts unknown.
    """
    n_unknown = int(np.isnan(side.pnl).sum())
    volume = float(side.volume.sum())
    found: dict[str, float] = {"volume": volume}
    if side.days.size and not n_unknown:
        level = np.concatenate([[0.0], np.cumsum(side.pnl)])
        net = float(level[-1])
        found |= {
            "net": net, "mean": mean(side.pnl), "deviation": deviation(side.pnl),
            "sharpe": sharpe_ratio(side.basis, periods_per_year=periods_per_year),
            "sortino": sortino_ratio(side.basis, periods_per_year=periods_per_year),
            "winning_days": winning_days(side.pnl), "max_drawdown": float(falls(level).max()),
            "worst_day": float(side.pnl.min()), "net_bps": 1e4 * net / volume if volume > 0.0 else np.nan,
        }  # fmt: skip
    counts = {"n_days": side.days.size, "n_unknown": n_unknown, "n_fills": int(side.n_fills.sum())}
    numbers = {name: None if np.isnan(value) else value for name, value in found.items()}
    status, reason = _trust(side, n_unknown)
    return {**dict.fromkeys(FIGURES), **counts, **numbers, "status": status, "reason": reason}


def _trust(side: Side, n_unknown: int) -> tuple[Status, str]:
    """How far figures of a side's days can be trusted, and the first reason against it."""
    if not side.days.size:
        return Status.UNDEFINED, "empty"
    if n_unknown:
        return Status.UNAVAILABLE, "no_mid"
    if side.reasons:
        return Status.PARTIAL, side.reasons[0]
    return (Status.LOW_N, "few_days") if side.days.size < _DAYS_ENOUGH else (Status.OK, "")


def _unlike(name: str, taken: set[str]) -> str:
    """A name no other side has."""
    number, found = 2, name
    while found in taken:
        found, number = f"{name} ({number})", number + 1
    taken.add(found)
    return found


def named_apart(names: list[str]) -> list[str]:
    """Names of which each is like no other.

    >>> named_apart(["a", "b", "a"])
    ['a', 'b', 'a (2)']
    """
    taken = set[str]()
    return [_unlike(name, taken) for name in names]
