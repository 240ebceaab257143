"""What each fill cost in fees, in quote, at the fill's own time (DEFINITIONS A2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from fillbook.arrays import Bools, Codes, Floats, Ints
from fillbook.conventions import Conventions
from fillbook.ledger.codes import label_codes
from fillbook.ledger.rates import Prices, given_rate
from fillbook.sources.hummingbot import canonical_token

METHODS = ("exact", "percent_exact", "rate", "recorded", "unconverted")
_EXACT, _PERCENT, _RATE, _RECORDED, _UNCONVERTED = range(5)
DISAGREES = 0.01  # recorded and converted fee differ by more than this share


@dataclass(frozen=True, slots=True)
class ThirdToken:
    """Fees of one token against one quote: rows of the fills, tokens paid, value at the fill."""

    token: str
    quote: str
    rows: Ints
    paid: Floats
    value: Floats

    def taken(self, which: Bools) -> ThirdToken:
        """Some of them."""
        return replace(self, rows=self.rows[which], paid=self.paid[which], value=self.value[which])


@dataclass(frozen=True, slots=True)
class Fees:
    """Fees of fills, arrays of shape (n,) in the order of the fills.

    Parameters
    ----------
    quote
        Fee in quote, + paid, − rebate; where a part has no rate, only the known part.
    base
        Base that left the wallet as fee (spot, base-fee mode ``inventory``): a deemed trade.
    method
        Index into `METHODS`.
    third
        Fees in tokens that are neither base nor quote, to be valued once more at the end.
    disagrees
        Recorded and converted fee both exist and differ by more than 1 %.
    """

    quote: Floats
    base: Floats
    method: Codes
    third: tuple[ThirdToken, ...]
    disagrees: Bools

    @property
    def unconverted(self) -> Mapping[str, float]:
        """Amount by token that no rate was found for."""
        lost: dict[str, float] = {}
        for group in self.third:
            gone = np.isnan(group.value) & (self.method[group.rows] != _RECORDED)
            if gone.any():
                lost[group.token] = lost.get(group.token, 0.0) + float(group.paid[gone].sum())
        return lost

    def followed_by(self, new: Fees, n_same: int) -> Fees:
        """The first `n_same` of these fees, then `new` ones."""
        third = [group.taken(group.rows < n_same) for group in self.third]
        third += [replace(group, rows=group.rows + n_same) for group in new.third]
        quote, base, method, disagrees = (
            np.concatenate([getattr(self, name)[:n_same], getattr(new, name)])
            for name in ("quote", "base", "method", "disagrees")
        )
        return Fees(quote, base, method, tuple(third), disagrees)


@dataclass(slots=True)
class _Tally:
    """Arrays being filled while the flat fees are walked through."""

    quote: Floats
    base: Floats
    known: Bools
    third: Bools
    groups: list[ThirdToken]


def fees_in_quote(
    fills: pl.DataFrame,
    flat_fees: pl.DataFrame,
    *,
    is_spot: Bools,
    prices: Prices,
    conventions: Conventions,
) -> Fees:
    """Fees of `fills`, each flat fee by the first way that works.

    In quote as it stands; in base at the fill's own price; else the newest rate before the fill
    (direct, inverse, one hop); else what the bot recorded, where that is not 0; else unconverted.
    A percent fee is a share of the quote value whatever token it names.

    Parameters
    ----------
    fills
        Canonical fills in ledger order.
    flat_fees
        Flat fees after the first of a fill.
    is_spot
        Per fill: whether a fee in base changes the position.
    prices
        Where rates come from.
    conventions
        Rate age, hops and base-fee mode.
    """
    price = fills["price_quote"].to_numpy()
    percent = fills["fee_percent"].to_numpy()
    percent_fee = np.nan_to_num(percent) * price * fills["amount_base"].to_numpy()
    n = price.size
    tally = _Tally(percent_fee.copy(), np.zeros(n), ~np.isnan(percent), np.zeros(n, bool), [])
    for rows, token, amount in flat_fees_of(fills, flat_fees):
        _convert(tally, fills, rows, token, amount, is_spot, prices, conventions)
    return _settle(tally, fills, percent_fee)


def flat_fees_of(fills: pl.DataFrame, more: pl.DataFrame) -> list[tuple[Ints, pl.Series, Floats]]:
    """Row numbers, tokens and amounts of every flat fee that is not 0.

    Parameters
    ----------
    fills
        Canonical fills, which hold the first flat fee of each.
    more
        Flat fees after the first.
    """
    first = fills["fee_amount"].fill_null(0.0).to_numpy()
    has = np.flatnonzero((first != 0.0) & fills["fee_token"].is_not_null().to_numpy())
    found = [(has, fills["fee_token"][has], first[has])]
    if more.height:
        index = fills.select("source", "row").with_row_index("fill")
        extra = more.join(index, on=["source", "row"]).filter(pl.col("amount") != 0.0)
        found.append((extra["fill"].cast(pl.Int64).to_numpy(), extra["token"], extra["amount"].to_numpy()))
    return [part for part in found if part[0].size]


def _distinct(*columns: pl.Series) -> list[tuple[tuple[str, ...], Ints]]:
    """Distinct combinations of labels, and the places of each."""
    codes, first = label_codes([column.cast(pl.Categorical) for column in columns])
    return [
        (tuple(str(column[int(i)]) for column in columns), np.flatnonzero(codes == kind))
        for kind, i in enumerate(first)
    ]


def _convert(
    tally: _Tally,
    fills: pl.DataFrame,
    rows: Ints,
    token: pl.Series,
    amount: Floats,
    is_spot: Bools,
    prices: Prices,
    conventions: Conventions,
) -> None:
    """Add flat fees to the tally, one pass a distinct (token, base, quote)."""
    price = fills["price_quote"].to_numpy()
    for (name, base, quote), place in _distinct(token, fills["base"][rows], fills["quote"][rows]):
        at, paid = rows[place], amount[place]
        if canonical_token(name) == canonical_token(quote):
            np.add.at(tally.quote, at, paid)  # a fill may pay one token twice
        elif canonical_token(name) == canonical_token(base):
            np.add.at(tally.quote, at, paid * price[at])
            leaves = is_spot[at] & (conventions.base_fee == "inventory")
            np.add.at(tally.base, at, np.where(leaves, paid, 0.0))
        else:
            _third_token(tally, fills, at, paid, (name, quote), prices, conventions)


def _third_token(
    tally: _Tally,
    fills: pl.DataFrame,
    at: Ints,
    paid: Floats,
    names: tuple[str, str],
    prices: Prices,
    conventions: Conventions,
) -> None:
    """Convert fees in a token that is neither base nor quote, at the fill's time.

    Where no rate is known, the recorded fee implies one, if it is the fill's only fee.
    """
    when = fills["at"].dt.timestamp("us").to_numpy()[at]
    rate = prices.rate(*names, when, max_age_s=conventions.max_rate_age_s, via=conventions.cross_via)
    recorded = fills["fee_quote_recorded"].to_numpy()[at]
    alone = (np.nan_to_num(fills["fee_percent"].to_numpy()[at]) == 0.0) & ~tally.third[at]
    implied = np.where(alone & (np.nan_to_num(recorded) != 0.0), recorded, np.nan)
    value = np.where(np.isnan(rate), implied, paid * rate)
    np.add.at(tally.quote, at, np.nan_to_num(value))
    tally.third[at] = True
    tally.known[at[np.isnan(rate)]] = False
    tally.groups.append(ThirdToken(*names, at, paid, value))


def _settle(tally: _Tally, fills: pl.DataFrame, percent_fee: Floats) -> Fees:
    """Fall back to recorded fees, name the method, and compare recorded with converted."""
    recorded = fills["fee_quote_recorded"].fill_null(0.0).fill_nan(0.0).to_numpy()
    known = tally.known
    use_recorded = ~known & (recorded != 0.0)
    both = known & (recorded != 0.0) & (tally.quote != 0.0)
    disagrees = both & (np.abs(recorded - tally.quote) > DISAGREES * np.abs(tally.quote) + 2e-6)
    tally.quote[use_recorded] = recorded[use_recorded]
    method = np.full(known.size, _EXACT, np.int8)
    for code, rows in (
        (_PERCENT, percent_fee != 0.0),
        (_RATE, tally.third),
        (_UNCONVERTED, ~known),
        (_RECORDED, use_recorded),
    ):
        method[rows] = code
    return Fees(tally.quote, tally.base, method, tuple(tally.groups), disagrees)


def revalued(
    third: tuple[ThirdToken, ...],
    is_chosen: Bools,
    prices: Prices,
    conventions: Conventions,
    end_us: int,
) -> Floats:
    """Per fill: third-token fees at the fill's rate minus the same tokens at `end_us`, in quote.

    0 where there are none; NaN where no fresh rate at the end is known. A rate the user gave counts
    first.
    """
    gain = np.zeros(is_chosen.size)
    for group in third:
        rate = given_rate(conventions.marks, group.token, group.quote)
        if np.isnan(rate):
            when = np.array([end_us])
            rate = float(prices.rate(
                group.token, group.quote, when, max_age_s=conventions.max_rate_age_s,
                via=conventions.cross_via,
            )[0])  # fmt: skip
        rows = is_chosen[group.rows]
        np.add.at(gain, group.rows[rows], group.value[rows] - group.paid[rows] * rate)
    return gain
