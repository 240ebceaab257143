"""What Hummingbot's command ``history`` (PerformanceMetrics) says of the same fills (DEFINITIONS A12).

Its arithmetic is redone here from our tables, once an account and pair. Spot: what was traded plus what is
left at today's price, less fees as tokens at today's rates; a percent fee of the kind DeductedFromReturns
is taken off twice. Perpetuals, known by their OPEN and CLOSE tags: the i-th opening order with the i-th
closing one, at the plain mean of each order's fill prices; what is open counts nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from fillbook.analysis.fill_money import FeesToday, FillMoney, fees_today, fill_money
from fillbook.analysis.peer import Cause, Kind, Part, Peer
from fillbook.analysis.view import View
from fillbook.arrays import Bools, Codes, Ints
from fillbook.ledger.codes import label_codes
from fillbook.ledger.marks import LAST_FILL
from fillbook.ledger.positions import ACCOUNT
from fillbook.ledger.sums import total

Balances = Mapping[str, Mapping[str, float]]
_Step = Callable[[str, float, int], None]
_DEDUCTED = "DeductedFromReturns"
_TODAY = "fee_tokens_at_todays_rate"
_SKIPPED = "fee_tokens_without_rate_skipped"
_TWICE = "percent_deducted_fee_counted_twice"
_WHOLE_ORDER = "percent_fee_on_the_whole_order"
_INVERSE = "inverse_as_linear"
_OTHER_MARK = "other_mark"
_OPEN = "unrealised_excluded"
_NO_PAIR = "no_open_close_pair_found"
_LEFT = "closes_left_unpaired"
_IN_LIST_ORDER = "paired_in_list_order"
_PLAIN_MEAN = "simple_mean_of_partial_fill_prices"
_FUNDING = "funding_ignored"

HISTORY = Kind(
    "history", "Hummingbot history",
    "What the bot prints when asked for its history, and sends when asked over MQTT or the API.",
    {
        _FUNDING: Cause("Funding ignored", "Payments between longs and shorts of a perpetual were received "
                        "or paid, but that command never looks at them."),
        _TODAY: Cause("Fee tokens at today's rate", "A fee in another coin is valued at today's price of "
                      "that coin; we value it at its price when it was paid."),
        _SKIPPED: Cause("Fee tokens without a rate", "A fee in a coin with no known price today is "
                        "silently left out; we count what the bot recorded for it, or its price then."),
        _INVERSE: Cause("Inverse as linear", "The contract pays in coin, so its value bends "
                        "with the price; that command counts it as if it paid in quote."),
        _OTHER_MARK: Cause("One price for both sides", "Both sides of a hedged pair are valued at one "
                           "price; each of our books has its own last price."),
        _TWICE: Cause("Percent fee counted twice", "A fee that is a share of the trade is first taken off "
                      "what the sale brought, and then subtracted once more with all fees."),
        _OPEN: Cause("Open position ignored", "What is still held at the end has gained or lost since it was "
                     "bought; for perpetuals that gain is left out."),
        _NO_PAIR: Cause("No open and close found", "Every fill carries the tag OPEN, so nothing looks closed "
                        "and the profit of every trade is left out."),
        _LEFT: Cause("Closing orders left over", "More orders close than open in its two lists; those "
                     "without a partner earn nothing there."),
        _IN_LIST_ORDER: Cause("Paired in list order", "The first order that opened is paired with the "
                              "first that closed, whether they belong together or not, for the closing "
                              "amount."),
        _PLAIN_MEAN: Cause("Partial fills not weighted", "The price of an order filled in several pieces is "
                           "the plain mean of their prices, so a tiny piece counts like a large one."),
        _WHOLE_ORDER: Cause("Percent fee, whole orders", "The percent fee of an order's first fill is "
                            "taken of the whole order, and then of its other fills again."),
    },
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Account:
    """Fills of one account and pair, in the order the bot lists them."""

    name: str
    connector: str
    base: str
    quote: str
    rows: Ints
    books: Ints
    price: float
    n_legs: int


@dataclass(frozen=True, slots=True)
class _Paired:
    """PnL of orders paired in list order: at their average prices, and at plain means of them."""

    at_average: float
    at_mean: float
    realized: float
    n: int
    n_several: int


def history(view: View, flat_fees: pl.DataFrame, balances: Balances | None = None) -> Peer:
    """Answer of Hummingbot's history command for a view.

    Parameters
    ----------
    view
        The booked view.
    flat_fees
        Canonical table of the flat fees after the first of a fill.
    balances
        Balance of each token now, by connector; without them there is no `return_pct`.
    """
    if not view.ledger.rows.size:
        return HISTORY.unavailable("empty")
    if view.ledger.books["net_quote"].null_count():
        return HISTORY.unavailable("no_mid", "an open position has no price, so we have no figure either")
    if view.ledger.column("fee_percent").null_count():
        return HISTORY.unavailable("fee_tokens_lost", "the source does not say in which coin fees were paid")
    money = fill_money(view)
    accounts = list(_accounts(view))
    code, price = np.zeros(money.price.size, np.int64), np.zeros(money.price.size)
    for i, account in enumerate(accounts):
        code[account.rows], price[account.rows] = i, account.price
    fees = fees_today(view, flat_fees, code, price)
    parts = [_part(view, money, fees, account, i, balances) for i, account in enumerate(accounts)]
    rates = dict(zip(view.ledger.books["quote"].to_list(), view.reporting.at_end.tolist(), strict=True))
    lost = view.ledger.kept_out.height
    notes = [f"{lost} rows are kept out of our books; Hummingbot counts them, at a price of 0"] * bool(lost)
    return HISTORY.answered(
        parts, rates if view.reporting.currency else {}, view.reporting.currency,
        reason="fills_quarantined" if lost else "",
        note="; ".join(notes + _without_rate(view, fees, accounts)),
    )  # fmt: skip


def _without_rate(view: View, fees: FeesToday, accounts: list[_Account]) -> list[str]:
    """Which fee coins have no rate here, and what to do."""
    token = view.ledger.column("fee_token").cast(pl.String)
    found = sorted({
        f"{name}-{account.quote}"
        for account in accounts
        for name in token[account.rows].filter(pl.Series(fees.skipped[account.rows])).drop_nulls().unique()
    })  # fmt: skip
    if not found:
        return []
    return [
        f"today's rate of {', '.join(found)} is not in this data: give it as a price, like {found[0]}=PRICE"
    ]


def _accounts(view: View) -> Iterator[_Account]:
    """Accounts and pairs in the order of their first fill."""
    ledger, flow = view.ledger, view.ledger.flow
    codes, first = label_codes([ledger.column(name) for name in ACCOUNT])
    is_many = ledger.books["bot"].n_unique() > 1
    for kind, row in enumerate(first):
        mine = np.flatnonzero(codes == kind)
        mine = mine[np.argsort(ledger.rows[mine], kind="stable")]
        bot, config, connector, pair = (str(ledger.column(name)[int(row)]) for name in ACCOUNT)
        books = np.unique(flow.book[mine])
        held = ledger.books[books]
        known = held.filter(~pl.col("mark_kind").is_in([LAST_FILL, "none"]))
        price = known["mark_quote"][0] if known.height else float(flow.price[mine[-1]])
        name = f"{pair} on {connector} ({config}{f', {bot}' * is_many})"
        yield _Account(
            name,
            connector,
            str(held["base"][0]),
            str(held["quote"][0]),
            mine,
            books,
            float(price),
            books.size,
        )


def _part(
    view: View, money: FillMoney, fees: FeesToday, account: _Account, code: int, balances: Balances | None
) -> Part:
    """Ours, theirs, the steps between, and the other figures of one account."""
    ledger, rows = view.ledger, account.rows
    books = ledger.books[account.books]
    funding = float(books["funding_quote"].sum())
    skipped = fees.skipped[rows]
    more = (money.cost - fees.cost)[rows]
    steps: dict[str, float] = {}
    n: dict[str, int] = {}

    slack = 1e-12 * float(books["volume_quote"].sum()) + 1e-12  # what rounding leaves is no cause

    def step(cause: str, amount: float, count: int) -> None:
        if count and abs(amount) > slack:
            steps[cause], n[cause] = amount, count

    step(_FUNDING, -funding, ledger.funding.filter(pl.col("book").is_in(account.books)).height)
    step(_TODAY, total(more[~skipped]), int((~skipped & (np.abs(more) > 1e-12)).sum()))
    step(_SKIPPED, total(more[skipped]), int(skipped.sum()))
    moved = total((money.linear - money.gross)[rows])
    is_inverse = bool((books["market_type"] == "inverse_perp").any())
    step(_INVERSE, moved, rows.size * is_inverse)
    step(_OTHER_MARK, total(money.signed[rows] * (account.price - money.mark[rows])), account.n_legs)
    twice = fees.percent[rows][_is_deducted(view, rows)]
    fee_quote, trade = total(fees.cost[rows]), total(money.signed[rows] * (account.price - money.price[rows]))
    if _is_paired(view, rows):
        trade = _perp_steps(view, money, account, trade, step)
        extra = _whole_orders(view, fees, account)
        step(_WHOLE_ORDER, -extra, rows.size)
        fee_quote += extra
    else:
        step(_TWICE, -total(twice), twice.size)
        trade -= total(twice)
    ours = math.fsum(books["net_quote"].to_list())
    figures = _figures(money, fees, account, code, (trade, fee_quote, total(twice)), balances)
    return Part(account.name, account.quote, ours, trade - fee_quote, steps, figures, n)


def _is_deducted(view: View, rows: Ints) -> Bools:
    return np.asarray((view.ledger.column("fee_type") == _DEDUCTED).fill_null(value=False).to_numpy()[rows])


def _tags(view: View, rows: Ints) -> tuple[Bools, Codes]:
    """Which fills bought, and their tag: 0 NIL, 1 OPEN, 2 CLOSE."""
    action = view.ledger.column("position_action").cast(pl.String).fill_null("NIL")
    tag = action.replace_strict({"OPEN": 1, "CLOSE": 2}, default=0, return_dtype=pl.Int8).to_numpy()[rows]
    return view.ledger.column("side").to_numpy()[rows] > 0, tag


def _is_paired(view: View, rows: Ints) -> bool:
    """Whether Hummingbot takes the account for a perpetual: one of its sides carries tags throughout."""
    bought, tag = _tags(view, rows)
    return any(side.any() and (tag[side] != 0).all() for side in (bought, ~bought))


def _perp_steps(view: View, money: FillMoney, account: _Account, gross: float, add: _Step) -> float:
    """Steps from what the fills earned to the PnL of paired orders; returns that PnL."""
    rows = account.rows
    realized = total(money.realized[rows])
    is_open = view.ledger.books[account.books]["position_base"] != 0.0
    add(_OPEN, realized - gross, int(is_open.sum()))
    paired = _paired(view, money, account)
    if not paired.n:
        add(_NO_PAIR, -realized, rows.size)
        return 0.0
    add(_LEFT, paired.realized - realized, rows.size)
    add(_IN_LIST_ORDER, paired.at_average - paired.realized, paired.n)
    add(_PLAIN_MEAN, paired.at_mean - paired.at_average, paired.n_several)
    return paired.at_mean


def _orders(view: View, money: FillMoney, account: _Account) -> pl.DataFrame:
    """Orders of an account in the order of their first fill, as Hummingbot gathers them."""
    rows = account.rows
    bought, tag = _tags(view, rows)
    fills = pl.DataFrame({
        "order_id": view.ledger.column("order_id")[rows], "bought": bought, "tag": tag,
        "amount": np.abs(money.signed[rows]), "price": money.price[rows], "realized": money.realized[rows],
    })  # fmt: skip
    return fills.group_by("bought", "order_id", maintain_order=True).agg(
        pl.col("tag").first(), amount=pl.col("amount").sum(), mean=pl.col("price").mean(),
        average=(pl.col("price") * pl.col("amount")).sum() / pl.col("amount").sum(),
        realized=pl.col("realized").sum(), n=pl.len(),
    )  # fmt: skip


def _paired(view: View, money: FillMoney, account: _Account) -> _Paired:
    """The i-th opening order with the i-th closing one, longs and shorts apart."""
    orders = _orders(view, money, account)
    at_average: list[float] = []
    at_mean: list[float] = []
    realized, n, several = [], 0, 0
    for is_long in (True, False):
        opens = orders.filter(pl.col("bought") == is_long, pl.col("tag") == 1)
        closes = orders.filter(pl.col("bought") != is_long, pl.col("tag") == 2)
        pairs = min(opens.height, closes.height)
        opens, closes = opens.head(pairs), closes.head(pairs)
        sign = 1.0 if is_long else -1.0
        for price, into in (("average", at_average), ("mean", at_mean)):
            into.append(sign * float(((closes[price] - opens[price]) * closes["amount"]).sum()))
        realized.append(float(closes["realized"].sum()))
        n += pairs
        several += opens.filter(pl.col("n") > 1).height + closes.filter(pl.col("n") > 1).height
    return _Paired(math.fsum(at_average), math.fsum(at_mean), math.fsum(realized), n, several)


def _whole_orders(view: View, fees: FeesToday, account: _Account) -> float:
    """Percent fees that are counted on whole orders, beyond those of the fills."""
    if not fees.percent[account.rows].any():
        return 0.0
    ledger, rows = view.ledger, account.rows
    share = ledger.column("fee_percent").to_numpy()[rows]
    amount, price = (ledger.column(name).to_numpy()[rows] for name in ("amount_base", "price_quote"))
    fills = pl.DataFrame({
        "order_id": ledger.column("order_id")[rows], "bought": ledger.column("side").to_numpy()[rows] > 0,
        "share": share, "amount": amount, "price": price,
    })  # fmt: skip
    orders = fills.group_by("bought", "order_id", maintain_order=True).agg(
        extra=pl.col("share").first() * (
            pl.col("price").mean() * pl.col("amount").sum()
            - pl.col("price").first() * pl.col("amount").first()
        ),
    )  # fmt: skip
    return total(orders["extra"].to_numpy())


def _figures(
    money: FillMoney, fees: FeesToday, account: _Account, code: int,
    said: tuple[float, float, float], balances: Balances | None,
) -> dict[str, float | None]:  # fmt: skip
    """The figures of its report, under its own names; None where balances are not known."""
    trade, fee_quote, deducted = said
    rows = account.rows
    signed, price = money.signed[rows], money.price[rows]
    bought = signed > 0.0
    base = {"b": total(signed[bought]), "s": total(signed[~bought])}
    quote = {"b": -total((signed * price)[bought]), "s": -total((signed * price)[~bought]) - deducted}
    net_base, net_quote = base["b"] + base["s"], quote["b"] + quote["s"]
    volume = abs(base["b"]) + abs(base["s"])
    found: dict[str, float | None] = {
        "num_buys": float(bought.sum()), "num_sells": float((~bought).sum()), "num_trades": float(rows.size),
        "b_vol_base": base["b"], "s_vol_base": base["s"], "tot_vol_base": net_base,
        "b_vol_quote": quote["b"], "s_vol_quote": quote["s"], "tot_vol_quote": net_quote,
        "avg_b_price": _over(abs(quote["b"]), abs(base["b"])),
        "avg_s_price": _over(abs(quote["s"]), abs(base["s"])),
        "avg_tot_price": _over(abs(quote["b"]) + abs(quote["s"]), volume),
        "start_price": float(price[0]), "cur_price": account.price,
        "trade_pnl": trade, "fee_in_quote": fee_quote, "total_pnl": trade - fee_quote,
        **dict.fromkeys(_OF_BALANCES),
    }  # fmt: skip
    held = None if balances is None else balances.get(account.connector, {})
    if held is not None:
        found |= _of_balances(held, account, (net_base, net_quote), (trade - fee_quote, float(price[0])))
    paid = fees.tokens.filter(pl.col("account") == code)
    return found | {f"fees {row[1]}": row[2] for row in paid.iter_rows()}


_OF_BALANCES = (
    "start_base_bal", "start_quote_bal", "cur_base_bal", "cur_quote_bal", "start_base_ratio_pct",
    "cur_base_ratio_pct", "hold_value", "cur_value", "return_pct",
)  # fmt: skip


def _of_balances(
    held: Mapping[str, float], account: _Account, net: tuple[float, float], said: tuple[float, float]
) -> dict[str, float | None]:
    """What it derives from today's balances: a start that never was, and a return over it."""
    base, quote = held.get(account.base, 0.0), held.get(account.quote, 0.0)
    start_base, start_quote = base - net[0], quote - net[1]
    total_pnl, first = said
    now = account.price
    hold, value = start_base * now + start_quote, base * now + quote
    return {
        "start_base_bal": start_base, "start_quote_bal": start_quote,
        "cur_base_bal": base, "cur_quote_bal": quote,
        "start_base_ratio_pct": _over(start_base * first, start_base * first + start_quote),
        "cur_base_ratio_pct": _over(base * now, value),
        "hold_value": hold, "cur_value": value, "return_pct": _over(total_pnl, hold),
    }  # fmt: skip


def _over(above: float, below: float) -> float:
    """A ratio as that command writes it: 0 where there is nothing to divide by."""
    return above / below if below else 0.0
