"""What the Hummingbot API's performance of an archived bot says of the same fills.

Its reader goes through the fills of a file by time and market, and its summary is the last row of all: the
market traded last, marked at that trade, with the fee of that one fill taken off.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from fillbook.analysis.fill_money import FillMoney, fill_money
from fillbook.analysis.peer import Cause, Kind, Part, Peer
from fillbook.analysis.view import View
from fillbook.arrays import Ints
from fillbook.ledger.codes import label_codes
from fillbook.ledger.sums import total

_LAST_PAIR = "last_pair_only"
_FUNDING = "funding_ignored"
_INVERSE = "inverse_as_linear"
_BASE = "base_fee_left_in_inventory"
_LAST_FEE = "fee_of_the_last_fill_only"
_RECORDED = "recorded_fee_differs"
_MARK = "marked_at_the_last_trade"

API = Kind(
    "api", "API, archived bots",
    "final_net_pnl_quote of /archived-bots/…/performance in the Hummingbot API.",
    {
        _LAST_PAIR: Cause("Last pair only", "The summary is the last row of its table, which is that of the "
                          "market traded last; what other markets earned is not in it."),
        _FUNDING: Cause("Funding ignored", "Payments between longs and shorts are not read."),
        _INVERSE: Cause("Inverse as linear", "The contract pays in coin, so its value bends "
                        "with the price; it is counted as if it paid in quote."),
        _BASE: Cause("Base fee kept in inventory", "A fee paid in the coin that was bought makes the "
                     "position smaller; here the coin stays."),
        _LAST_FEE: Cause("Fee of the last fill only", "Each row takes off the fee of its own fill, so the "
                         "last row takes off one fee and leaves all others."),
        _RECORDED: Cause("Recorded fee of that fill", "That one fee is as the bot recorded it in quote; we "
                         "value its coin at its price then."),
        _MARK: Cause("Marked at the last trade", "What is left is valued at the price of the last trade; we "
                     "take the price of the end of the period."),
    },
)  # fmt: skip

_TIED = (
    "several fills share the last instant, and its table is sorted by time alone: which of them is last "
    "there is chance, here the last of the file"
)


def api(view: View) -> Peer:
    """Answer of the API's performance of archived bots, a part a file.

    Parameters
    ----------
    view
        The booked view.
    """
    if not view.ledger.rows.size:
        return API.unavailable("empty")
    if view.ledger.books["net_quote"].null_count():
        return API.unavailable("no_mid", "an open position has no price, so we have no figure either")
    ledger = view.ledger
    money = fill_money(view)
    codes, first = label_codes([ledger.column("bot")])
    rates = view.reporting.at_end
    if view.reporting.currency is None:
        return API.unavailable("no_rate", "the summary is of one currency, and no rate joins those here")
    parts = [
        _part(view, money, str(ledger.column("bot")[int(row)]), np.flatnonzero(codes == i), rates)
        for i, row in enumerate(first)
    ]
    parts += _paid_only(view, parts)
    is_tied = any(part.figures.get("fills_at_the_last_instant", 1.0) != 1.0 for part in parts)
    return API.answered(
        parts, {view.reporting.currency: 1.0}, view.reporting.currency,
        reason="same_instant" if is_tied else "", note=_TIED if is_tied else "",
    )  # fmt: skip


def _paid_only(view: View, parts: list[Part]) -> list[Part]:
    """Bots that were paid funding and traded nothing: the API has no row of theirs."""
    books = view.ledger.books.with_columns(rate=pl.Series(view.reporting.at_end))
    alone = books.filter(~pl.col("bot").cast(pl.String).is_in([part.name for part in parts]))
    currency = str(view.reporting.currency)
    return [
        Part(str(row["bot"]), currency, row["net_quote"] * row["rate"], 0.0,
             {_FUNDING: -row["net_quote"] * row["rate"]}, {}, {_FUNDING: 1})
        for row in alone.iter_rows(named=True)
    ]  # fmt: skip


def _part(view: View, money: FillMoney, name: str, rows: Ints, rates: np.ndarray) -> Part:
    """Ours, theirs and the steps of one file's fills, in the reporting currency."""
    ledger, flow = view.ledger, view.ledger.flow
    at, line = flow.at[rows], ledger.rows[rows]
    last = rows[np.lexsort((line, at))[-1]]
    market = [(ledger.column("connector") == ledger.column("connector")[int(last)]),
              (ledger.column("pair") == ledger.column("pair")[int(last)])]  # fmt: skip
    mine = rows[(market[0] & market[1]).fill_null(value=False).to_numpy()[rows]]
    rate = float(rates[flow.book[last]])
    books = ledger.books.with_columns(rate=pl.Series(rates)).filter(pl.col("bot") == name)
    ours = math.fsum((books["net_quote"] * books["rate"]).to_list())
    here = books.filter(
        pl.col("connector") == ledger.column("connector")[int(last)],
        pl.col("pair") == ledger.column("pair")[int(last)],
    )
    price = float(money.price[last])
    signed, prices = money.signed[mine], money.price[mine]
    fee = float(ledger.column("fee_quote_recorded").fill_null(0.0)[int(last)])
    paid = float((money.cost - money.since)[last])
    gross = total(signed * (price - prices))
    amounts = {
        _LAST_PAIR: -(ours - math.fsum((here["net_quote"] * here["rate"]).to_list())),
        _FUNDING: -math.fsum(here["funding_quote"].to_list()) * rate,
        _INVERSE: total((money.linear - money.gross)[mine]) * rate,
        _BASE: total(money.since[mine]) * rate,
        _LAST_FEE: (total((money.cost - money.since)[mine]) - paid) * rate,
        _RECORDED: (paid - fee) * rate,
        _MARK: total(signed * (price - money.mark[mine])) * rate,
    }
    slack = 1e-12 * total(np.abs(signed * prices)) + 1e-12
    steps = {cause: amount for cause, amount in amounts.items() if abs(amount) > slack}
    n = {_LAST_PAIR: books.height - here.height, _LAST_FEE: mine.size - 1, _RECORDED: 1, _MARK: 1}
    n = {cause: n.get(cause, mine.size) for cause in steps}
    return Part(
        name, str(view.reporting.currency), ours, (gross - fee) * rate, steps,
        _figures(view, money, rows, mine, price, fee), n,
    )  # fmt: skip


def _figures(
    view: View, money: FillMoney, rows: Ints, mine: Ints, price: float, fee: float
) -> dict[str, float | None]:
    """Its summary under its own names; money in the quote of the last pair."""
    signed, prices = money.signed[mine], money.price[mine]
    bought = signed > 0.0
    base = total(signed[bought]), -total(signed[~bought])
    quote = total((signed * prices)[bought]), -total((signed * prices)[~bought])
    average = tuple(money_ / amount if amount else 0.0 for money_, amount in zip(quote, base, strict=True))
    realized = min(base) * (average[1] - average[0])
    held = base[0] - base[1]
    open_pnl = held * (price - (average[0] if held > 0.0 else average[1]))
    tied = view.ledger.flow.at[rows] == view.ledger.flow.at[rows].max()
    recorded = view.ledger.column("fee_quote_recorded").fill_null(0.0).to_numpy()[rows]
    return {
        "total_trades": float(rows.size), "final_net_pnl_quote": realized + open_pnl - fee,
        "final_realized_pnl_quote": realized, "final_unrealized_pnl_quote": open_pnl,
        "total_fees_quote": total(recorded), "total_volume_quote": sum(quote), "final_net_position": held,
        "fills_at_the_last_instant": float(tied.sum()), "buy_avg_price": average[0],
        "sell_avg_price": average[1],
    }  # fmt: skip
