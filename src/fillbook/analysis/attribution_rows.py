"""Parts of net PnL by tag: one row a tag, rows of any dimension add up to the whole (DEFINITIONS B4, B5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from fillbook.analysis.attribution_parts import FillParts
from fillbook.analysis.attribution_tags import COLUMN_OF, OF_BOOKS, OF_TIME, UNALLOCATED, Tagged
from fillbook.analysis.kernels import sum_rows
from fillbook.analysis.view import View
from fillbook.arrays import Bools, Codes, Floats, Ints
from fillbook.metrics.attribution import ENOUGH

MONEY = ("net", "spread", "inventory", "funding", "fees", "rebates", "unattributed")
ENOUGH_DAYS = 10
_FLAT = 1e-9
_SCHEMA = {
    "tag": pl.String, **dict.fromkeys(MONEY, pl.Float64), "n_fills": pl.Int64, "volume": pl.Float64,
    "coverage": pl.Float64, "status": pl.String, "currency": pl.String,
}  # fmt: skip


def tag_rows(
    dimension: str,
    tagged: Tagged,
    parts: FillParts,
    columns: Columns,
    view: View,
    *,
    n_days: int,
    funding_is_known: bool,
) -> pl.DataFrame:
    """Parts by tag: ``tag, net, spread, inventory, funding, fees, rebates, unattributed, n_fills, volume,
    coverage, status, currency``.

    Where mids cover less than half of a tag's value it has no spread and no inventory, and its whole gross
    PnL is unattributed. Null where money is of several quotes without a rate, or a position has no mark.

    Parameters
    ----------
    dimension, tagged
        What tells fills apart.
    parts, columns, view
        Parts of each fill, their `Columns`, and the view they are of.
    n_days
        Distinct UTC days with fills: below 10 the classes of a time of day, week or market are ``low_n``.
    funding_is_known
        False where perpetuals were held and nothing is known of their funding.
    """  # noqa: D205
    names, sums = _sums(tagged, columns)
    names, sums = _with_left(dimension, names, sums, parts, view)
    quotes, currency = _quotes(names.size, tagged.code, view, sums["n_fills"])
    gross = sums["spread"] + sums["inventory"] + sums["unattributed"]
    net = gross - sums["fees"] + sums["rebates"] + sums["funding"]
    is_split = (sums["known"] >= ENOUGH * sums["volume"]) & (sums["known"] > 0.0)
    is_split |= sums["n_fills"] == 0
    is_open = _is_open(tagged.code, names.size, parts.unmarked)
    money = {
        "net": np.where(is_open, np.nan, net),
        "spread": np.where(is_split, sums["spread"], np.nan),
        "inventory": np.where(is_split & ~is_open, sums["inventory"], np.nan),
        "funding": sums["funding"] if funding_is_known else np.full(names.size, np.nan),
        "fees": sums["fees"], "rebates": sums["rebates"],
        "unattributed": np.where(is_open, np.nan, np.where(is_split, sums["unattributed"], gross)),
    }  # fmt: skip
    with np.errstate(invalid="ignore", divide="ignore"):
        coverage = sums["known"] / sums["volume"]
    table = pl.DataFrame({
        "tag": names, **money, "n_fills": sums["n_fills"].astype(np.int64), "volume": sums["volume"],
        "coverage": coverage, "status": _status(dimension, coverage, n_days), "currency": currency,
    }, schema=_SCHEMA).with_columns(
        pl.when(pl.Series(quotes)).then(pl.selectors.float())
    ).with_columns(pl.selectors.float().fill_nan(None))  # fmt: skip
    table = table.filter(pl.Series((sums["n_fills"] > 0) | (sums["funding"] != 0.0)))
    return (
        table
        if tagged.is_ordered or dimension == "level"
        else table.sort("net", descending=True, nulls_last=True, maintain_order=True)
    )


@dataclass(frozen=True, slots=True)
class Columns:
    """What is added up by tag, made once for all dimensions.

    Parameters
    ----------
    names
        Of every column; those that are 0 in every fill stand in no row.
    moved
        Places of the others.
    rows
        Their values, a row a fill.
    """

    names: tuple[str, ...]
    moved: tuple[int, ...]
    rows: Floats

    @classmethod
    def of(cls, parts: FillParts) -> Columns:
        """Columns of the parts of the fills."""
        held = {
            "spread": parts.spread, "inventory": parts.inventory, "unattributed": parts.unattributed,
            "fees": np.maximum(parts.fees, 0.0), "rebates": np.maximum(-parts.fees, 0.0),
            "funding": parts.funding, "volume": parts.worth, "known": parts.worth * parts.has_mid,
        }  # fmt: skip
        moved = tuple(i for i, values in enumerate(held.values()) if values.any())
        values = [column for i, column in enumerate(held.values()) if i in moved]
        rows = np.column_stack(values) if values else np.zeros((parts.fees.size, 0))
        return cls(tuple(held), moved, rows)


def _sums(tagged: Tagged, columns: Columns) -> tuple[np.ndarray, dict[str, Floats]]:
    """Sum of each column over the fills of each tag."""
    n = len(tagged.names)
    moved, counts = sum_rows(tagged.code.astype(np.int64, copy=False), columns.rows, n)
    sums = dict.fromkeys(columns.names, np.zeros(n))
    sums |= {columns.names[place]: moved[:, k] for k, place in enumerate(columns.moved)}
    return np.array(tagged.names, dtype=object), {**sums, "n_fills": counts.astype(np.float64)}


def _with_left(
    dimension: str, names: np.ndarray, sums: dict[str, Floats], parts: FillParts, view: View
) -> tuple[np.ndarray, dict[str, Floats]]:
    """Funding that no position got: of the book's own name where the dimension is one, else unallocated."""
    left = np.flatnonzero(parts.funding_left)
    if not left.size:
        return names, sums
    held = list(names)
    place = {name: i for i, name in enumerate(held)}
    funding = dict(enumerate(sums["funding"].tolist()))
    for book in left:
        name = UNALLOCATED
        if dimension in OF_BOOKS:
            name = str(view.ledger.books[COLUMN_OF[dimension]][int(book)])
        if name not in place:
            place[name] = len(held)
            held.append(name)
        i = place[name]
        funding[i] = funding.get(i, 0.0) + float(parts.funding_left[book])
    more = len(held) - names.size
    sums = {name: np.pad(values, (0, more)) for name, values in sums.items()}
    sums["funding"] = np.array([funding.get(i, 0.0) for i in range(len(held))])
    return np.array(held, dtype=object), sums


def _quotes(n: int, code: Ints | Codes, view: View, n_fills: Floats) -> tuple[Bools, list[str | None]]:
    """Whether the money of each tag is of one currency, and which."""
    currency = view.reporting.currency
    if currency is not None:
        return np.ones(n, bool), [currency] * n
    quotes = view.ledger.books["quote"].cast(pl.String)
    kinds = quotes.unique().sort().to_list()
    of_book = np.array([kinds.index(quote) for quote in quotes], np.int64)
    counts = np.zeros((n, max(len(kinds), 1)), np.int64)
    if code.size:
        both = code.astype(np.int64) * len(kinds) + of_book[view.ledger.flow.book]
        counted = np.bincount(both, minlength=n * len(kinds))
        counts.ravel()[: counted.size] = counted
    one = ((counts > 0).sum(axis=1) == 1) & (n_fills > 0)
    return one, [kinds[int(counts[i].argmax())] if one[i] else None for i in range(n)]


def _is_open(code: Ints | Codes, n: int, unmarked: Floats | None) -> Bools:
    """Whether a tag holds anything in a book without a mark."""
    if unmarked is None:
        return np.zeros(n, bool)
    held, most = np.bincount(code, unmarked, n), np.bincount(code, np.abs(unmarked), n)
    return np.asarray(np.abs(held) > _FLAT * most)


def _status(dimension: str, coverage: Floats, n_days: int) -> list[str]:
    """How far each row can be trusted."""
    if dimension in OF_TIME and n_days < ENOUGH_DAYS:
        return ["low_n"] * coverage.size
    return ["partial" if share < 1.0 else "ok" for share in coverage]
