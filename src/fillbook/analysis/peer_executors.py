"""What the bot's executors and its controllers' report say of the same fills (DEFINITIONS A12, H9, H10).

Executors: the sum of the net PnL each stored when it ended. Controllers: that sum without executors whose
position is held, plus what the stored Position rows say of those, which is before fees. Fills are tied to
executors by order id; a two-market executor stores none, so its fills are those of its markets that no
other executor names.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from fillbook.analysis.fill_money import FillMoney, fill_money
from fillbook.analysis.peer import Cause, Kind, Part, Peer
from fillbook.analysis.view import View

HELD = "POSITION_HOLD"
TWO_MARKETS = ("arbitrage_executor", "xemm_executor")
_NEAR = (0.8, 1.25)  # of the lowest and highest price the pair was traded at
FLAT_SHARE = 1e-6  # of what an executor traded: less is rounding
_FUNDING = "funding_ignored"
_UNLINKED = "fills_in_no_executor"
_OUTSIDE = "executors_outside_the_choice"
_CUT = "executors_cut_by_the_choice"
_WHOLE_RUN = "position_rows_of_the_whole_run"
_TWO = "two_market_executors"
_NO_FILLS = "executors_without_fills"
_SIDE = "wrong_side"
_HELD = "held_positions_left_out"
_HELD_FEES = "held_fees"
_ROWS = "position_rows_without_fills"
_BASE = "base_fee_left_in_inventory"
_OPEN = "open_position_ignored"
_WRITE = "mark_at_write_time"
_GRID = "grid_at_order_prices"
_FEES = "fees_stored_differently"
_STORED = {
    _FUNDING: Cause("Funding ignored", "Payments between longs and shorts of a perpetual belong to "
                    "positions; executors never see them."),
    _UNLINKED: Cause("Fills in no executor", "An executor that lost an order, or let a partial fill go, does "
                     "not name it; those fills moved the wallet and stand in no executor's result."),
    _OUTSIDE: Cause("Executors outside", "Fills in the chosen period or market whose executor "
                    "began outside of it."),
    _CUT: Cause("Executors cut in two", "Their stored result is of all their fills; the chosen period or "
                "market holds only some of those."),
    _TWO: Cause("Two-market executors", "Arbitrage and XEMM executors store a result of their own and no "
                "order ids: it is set beside the fills of their markets that no other executor names."),
    _NO_FILLS: Cause("Executors without fills", "These executors stored a result, and none of their orders "
                     "has a fill in this data."),
    _SIDE: Cause("Wrong side", "An XEMM executor whose maker sells subtracts what it earned from what it "
                 "paid, so a gain is stored as a loss."),
    _HELD: Cause("Held positions left out", "An executor that hands its position over stores only its fees; "
                 "what the position gained or lost is not in the figure."),
    _HELD_FEES: Cause("Held fees", "Fees of positions that were handed over are not taken off."),
    _ROWS: Cause("Position rows without fills", "These rows stored a result for a market where no executor "
                 "of their controller handed over a fill."),
    _WHOLE_RUN: Cause("Rows of the whole run", "Position rows are of the whole run, also where only a part "
                      "of it is chosen."),
    _BASE: Cause("Base fee kept in inventory", "A fee paid in the coin that was bought makes the "
                 "position smaller; executors take it at the price of the fill and let the coin stay."),
    _OPEN: Cause("Open position ignored", "What an executor bought and never sold still gains and loses; "
                 "only the closed part is in its result."),
    _WRITE: Cause("Mark at write time", "What was open was valued at the price of the moment when the bot "
                  "stored the row; we value it at the end of the period."),
    _GRID: Cause("Grid at its orders' prices", "A grid counts the price it asked for; we count the price it "
                 "got."),
    _FEES: Cause("Fees stored differently", "The fee each executor added up while it ran, against the fees "
                 "of its fills at the rate of their time."),
}  # fmt: skip
EXECUTORS = Kind(
    "executors", "Executors",
    "The sum of net_pnl_quote over the table Executors, as dashboards and spreadsheets add it up.", _STORED,
    "the prices and fees each executor kept while it ran, which it does not store",
)  # fmt: skip
CONTROLLERS = Kind(
    "controllers", "Controllers' report",
    "Global PnL of the controllers, as the status screen and MQTT show it: closed executors, plus what "
    "the Position rows stored at the stop.", _STORED,
    "which orders each Position row counts, and rows of an earlier session that were not renewed",
)  # fmt: skip


def executors(view: View, tables: Mapping[str, pl.DataFrame]) -> Peer:
    """Answer of the executors' own results.

    Parameters
    ----------
    view
        The booked view.
    tables
        Canonical tables, filtered as the view is.
    """
    why = _lacking(view, tables)
    if why is not None:
        return EXECUTORS.unavailable(*why)
    held = _Sums.of(view, tables["executors"])
    parts = [_part(view, held, quote) for quote in held.quotes]
    return EXECUTORS.answered(parts, _rates(view), view.reporting.currency)


def controllers(view: View, tables: Mapping[str, pl.DataFrame]) -> Peer:
    """Answer of the controllers' report: closed executors and stored positions.

    Parameters
    ----------
    view
        The booked view.
    tables
        Canonical tables, filtered as the view is.
    """
    why = _lacking(view, tables)
    if why is None and tables["positions"].is_empty():
        why = ("no_position_rows", "the bot writes them when it is stopped properly; this one has none")
    if why is not None:
        return CONTROLLERS.unavailable(*why)
    held = _Sums.of(view, tables["executors"])
    stored = _positions(tables["positions"])
    parts = [_part(view, held, quote, stored.filter(pl.col("quote") == quote)) for quote in held.quotes]
    return CONTROLLERS.answered(parts, _rates(view), view.reporting.currency)


def _lacking(view: View, tables: Mapping[str, pl.DataFrame]) -> tuple[str, str] | None:
    """Why executors say nothing of this view; None where they do."""
    if not view.ledger.rows.size:
        return "empty", ""
    if tables["executors"].is_empty():
        return "no_executors", "the bot ran no executors, or crashed before it stored them"
    if view.chosen.sides:
        return "side_filtered", "an executor has both sides: choose no side to see this"
    if view.ledger.books["net_quote"].null_count():
        return "no_mid", "an open position has no price, so we have no figure either"
    return None


def _rates(view: View) -> dict[str, float]:
    if view.reporting.currency is None:
        return {}
    return dict(zip(view.ledger.books["quote"].to_list(), view.reporting.at_end.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class _Sums:
    """What each executor stored beside the sums of its fills, and the sums of the fills of none."""

    each: pl.DataFrame
    loose: pl.DataFrame
    quotes: list[str]

    @classmethod
    def of(cls, view: View, stored: pl.DataFrame) -> _Sums:
        """Sums of a view."""
        money = fill_money(view)
        fills = _fills(view, money)
        quotes = list(dict.fromkeys(view.ledger.books["quote"].to_list()))
        rows = _stored(stored, quotes)
        sums = fills.filter(pl.col("executor_id").is_not_null()).group_by("executor_id").agg(_SUMS)
        each = rows.join(sums, on="executor_id", how="left")
        every = view.prepared.fills.group_by(pl.col("executor_id").cast(pl.String)).agg(n_all=pl.len())
        each = each.join(every, on="executor_id", how="left").with_columns(
            is_cut=(pl.col("n_fills") < pl.col("n_all")).fill_null(value=False)
        )
        return cls(each, _loose(fills, rows), quotes)


_SUMS = [
    pl.col("gross", "linear", "cost", "fee", "signed").sum(),
    pl.col("signed").abs().sum().alias("traded"),
    pl.col("mark", "lowest", "highest").last(),
    *(
        (pl.col("signed").abs() * by).filter(pl.col("signed") * sign > 0).sum().alias(f"{name}_{what}")
        for name, sign in (("bought", 1), ("sold", -1))
        for what, by in (("base", pl.lit(1.0)), ("quote", pl.col("price")))
    ),
    pl.len().alias("n_fills"),
]


def _fills(view: View, money: FillMoney) -> pl.DataFrame:
    """Money of every fill with the names it is grouped by."""
    ledger = view.ledger
    quotes = ledger.books["quote"][ledger.flow.book]
    return pl.DataFrame({
        "executor_id": ledger.column("executor_id").cast(pl.String), "quote": quotes,
        "connector": ledger.column("connector").cast(pl.String),
        "pair": ledger.column("pair").cast(pl.String),
        "gross": money.gross, "linear": money.linear, "cost": money.cost,
        "fee": money.cost - money.since, "signed": money.signed, "price": money.price, "mark": money.mark,
    }).with_columns(
        lowest=pl.col("price").min().over("connector", "pair"),
        highest=pl.col("price").max().over("connector", "pair"),
    )  # fmt: skip


def _stored(rows: pl.DataFrame, quotes: list[str]) -> pl.DataFrame:
    """Executors with their quote, their markets where they have two, and the net an XEMM should have."""
    market = {
        side: pl.col("config").str.json_path_match(f"$.{side}_market.trading_pair")
        for side in ("buying", "selling")
    }
    pair = pl.coalesce(pl.col("pair").cast(pl.String), market["selling"])
    quote = pair.str.split("-").list.last()
    where = {
        f"{side}_connector": pl.col("config").str.json_path_match(f"$.{side}_market.connector_name")
        for side in ("buying", "selling")
    }
    gross = pl.col("net_pnl_quote").fill_null(0.0) + pl.col("fees_quote").fill_null(0.0)
    sells = (pl.col("type").cast(pl.String) == "xemm_executor") & (pl.col("side") < 0)
    return rows.select(
        "executor_id", pl.col("type", "close_type", "controller_id", "connector").cast(pl.String),
        pl.col("net_pnl_quote").fill_null(0.0).alias("net"),
        pl.col("fees_quote").fill_null(0.0).alias("fees"),
        pair.alias("pair"), quote.fill_null(quotes[0]).alias("quote"),
        buying_pair=market["buying"], selling_pair=market["selling"], **where,
        wrong=pl.when(sells).then(2.0 * gross).otherwise(0.0),
    ).unique("executor_id", keep="first", maintain_order=True)  # fmt: skip


def _loose(fills: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Sums of the fills in no executor of the view: ``quote, is_two, is_outside`` and money."""
    two = stored.filter(pl.col("type").is_in(TWO_MARKETS))
    markets = pl.concat([
        two.select(connector=f"{side}_connector", pair=f"{side}_pair") for side in ("buying", "selling")
    ]).drop_nulls().unique().with_columns(is_two=pl.lit(value=True))  # fmt: skip
    ids = stored["executor_id"].implode()
    mine = fills.with_columns(is_outside=pl.col("executor_id").is_not_null()).filter(
        ~pl.col("executor_id").is_in(ids).fill_null(value=False)
    )
    found = mine.join(markets, on=["connector", "pair"], how="left").with_columns(
        pl.col("is_two").fill_null(value=False) & ~pl.col("is_outside")
    )
    return found.group_by("quote", "is_two", "is_outside").agg(pl.col("gross", "cost").sum(), n=pl.len())


def _positions(rows: pl.DataFrame) -> pl.DataFrame:
    """Position rows with their quote, and the price the bot valued them at."""
    amount = pl.col("side").fill_null(1).cast(pl.Float64) * pl.col("amount_base").fill_null(0.0)
    open_pnl = pl.col("unrealized_pnl_quote").fill_null(0.0)
    return rows.select(
        pl.col("controller_id", "connector", "pair").cast(pl.String),
        quote=pl.col("pair").cast(pl.String).str.split("-").list.last(),
        amount=amount, pnl=pl.col("realized_pnl_quote").fill_null(0.0) + open_pnl,
        mark=pl.when(amount != 0.0).then(pl.col("breakeven_quote") + open_pnl / amount),
    )  # fmt: skip


def _part(view: View, held: _Sums, quote: str, positions: pl.DataFrame | None = None) -> Part:
    """Steps from our net to what was stored, for the books of one quote currency."""
    books = view.ledger.books.filter(pl.col("quote") == quote)
    each = held.each.filter(pl.col("quote") == quote)
    loose = held.loose.filter(pl.col("quote") == quote)
    has_fills = pl.col("n_fills").is_not_null()
    two = each.filter(pl.col("type").is_in(TWO_MARKETS))
    linked = each.filter(has_fills, ~pl.col("is_cut"))
    without = each.filter(~has_fills, ~pl.col("type").is_in(TWO_MARKETS), pl.col("net") != 0.0)
    walk = _Walk(1e-12 * float(books["volume_quote"].sum()) + 1e-12)
    funding = view.ledger.funding.filter(pl.col("book").is_in(books["book"].implode()))
    walk.step(_FUNDING, -_sum(books["funding_quote"]), funding.height)
    theirs = loose.filter("is_two")
    for cause, mine in (
        (_UNLINKED, loose.filter(~pl.col("is_two"), ~pl.col("is_outside"))),
        (_OUTSIDE, loose.filter("is_outside")),
    ):
        walk.step(cause, -(_sum(mine["gross"]) - _sum(mine["cost"])), int(mine["n"].sum()))
    right = _sum(two["net"]) - _sum(two["wrong"])
    walk.step(_TWO, right - (_sum(theirs["gross"]) - _sum(theirs["cost"])), two.height)
    walk.step(_SIDE, _sum(two["wrong"]), two.filter(pl.col("wrong") != 0.0).height)
    if positions is not None:
        without = without.filter(pl.col("close_type").ne_missing(HELD))
    walk.step(_NO_FILLS, _sum(without["net"]), without.height)
    is_held = pl.col("close_type").eq_missing(HELD)
    cut = each.filter("is_cut")
    counted = cut if positions is None else cut.filter(~is_held)
    walk.step(_CUT, _sum(counted["net"]) - (_sum(cut["gross"]) - _sum(cut["cost"])), cut.height)
    _linked_steps(walk, linked.filter(~is_held))
    handed = linked.filter(is_held)
    if positions is None:
        stored = _sum(each["net"])
        walk.step(_HELD, -_sum(handed["gross"] - handed["cost"] + handed["fee"]), handed.height)
        unpaid = handed.filter(pl.col("net") == 0.0)
        walk.step(_HELD_FEES, _sum(unpaid["fee"]), unpaid.height)
        paid = handed.filter(pl.col("net") != 0.0)
        walk.step(_FEES, _sum(paid["net"] + paid["fee"]), paid.height)
    else:
        stored = _sum(each.filter(~is_held)["net"]) + _sum(positions["pnl"])
        _held_steps(walk, handed, positions, is_whole=view.chosen.start is None and cut.is_empty())
    figures: dict[str, float | None] = {
        "executors": float(each.height), "executors_with_fills": float(linked.height),
        "net_pnl_quote": _sum(each["net"]), "fees_quote": _sum(each["fees"]),
        "net_pnl_quote_without_held": _sum(each.filter(~is_held)["net"]),
    }  # fmt: skip
    if positions is not None:
        figures["positions_pnl_before_fees"] = _sum(positions["pnl"])
    return Part(quote, quote, _sum(books["net_quote"]), stored, walk.amounts, figures, walk.counts)


class _Walk:
    """Amounts of the steps, by cause; those no larger than rounding are left to the rest."""

    def __init__(self, slack: float) -> None:
        self.slack = slack
        self.amounts: dict[str, float] = {}
        self.counts: dict[str, int] = {}

    def step(self, cause: str, amount: float, n: int) -> None:
        """Add to a cause."""
        if n and abs(amount) > self.slack:
            self.amounts[cause] = self.amounts.get(cause, 0.0) + amount
            self.counts[cause] = self.counts.get(cause, 0) + n


def _sum(values: pl.Series) -> float:
    """Sum of money."""
    return math.fsum(values.drop_nulls().to_list())


def _linked_steps(walk: _Walk, rows: pl.DataFrame) -> None:
    """Steps of executors that ended with a result of their own, from their fills to it."""
    base = rows["gross"] - rows["cost"] + rows["fee"]  # what fees left in the wallet, at the end
    walk.step(_BASE, _sum(rows["gross"] - base), rows.filter(pl.col("cost") != pl.col("fee")).height)
    walk.step(_FEES, _sum(rows["fee"] - rows["fees"]), rows.height)
    stored = rows["net"] + rows["fees"]
    is_open = rows["signed"].abs() > FLAT_SHARE * rows["traded"]
    is_twap = rows["type"] == "twap_executor"
    late = (stored - rows["gross"]).filter(is_twap & is_open & _is_likely(rows, stored))
    walk.step(_WRITE, _sum(late), late.len())
    others = rows.filter(~is_twap)
    closed = _closed_part(others)
    left_open = others.filter(is_open.filter(~is_twap))
    walk.step(_OPEN, _sum(closed - others["linear"]), left_open.height)
    is_grid = others["type"] == "grid_executor"
    grid = (others["net"] + others["fees"] - closed).filter(is_grid)
    walk.step(_GRID, _sum(grid), grid.len())


def _is_likely(rows: pl.DataFrame, stored: pl.Series) -> pl.Series:
    """Whether the price at which a stored result must have been marked is one the pair was near."""
    implied = rows["mark"] + (stored - rows["gross"]) / rows["signed"]
    return (implied >= _NEAR[0] * rows["lowest"]) & (implied <= _NEAR[1] * rows["highest"])


def _closed_part(rows: pl.DataFrame) -> pl.Series:
    """PnL of what was both bought and sold, at the mean prices of each side."""
    both = np.minimum(rows["bought_base"].to_numpy(), rows["sold_base"].to_numpy())
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = (
            rows["sold_quote"] / rows["sold_base"] - rows["bought_quote"] / rows["bought_base"]
        ).to_numpy()
    return pl.Series(np.where(both > 0.0, both * spread, 0.0))


def _held_steps(walk: _Walk, handed: pl.DataFrame, positions: pl.DataFrame, *, is_whole: bool) -> None:
    """Steps from the fills of positions that were handed over to the stored Position rows."""
    base = handed["gross"] - handed["cost"] + handed["fee"]
    walk.step(_BASE, _sum(handed["gross"] - base), handed.filter(pl.col("cost") != pl.col("fee")).height)
    walk.step(_HELD_FEES, _sum(handed["fee"]), handed.height)
    if not is_whole:
        walk.step(_WHOLE_RUN, _sum(positions["pnl"]) - _sum(handed["gross"]), positions.height)
        return
    keys = ["controller_id", "connector", "pair"]
    marks = handed.group_by(keys).agg(pl.col("mark").last().alias("end"))
    alone = positions.join(marks, on=keys, how="anti", nulls_equal=True)
    walk.step(_ROWS, _sum(alone["pnl"]), alone.height)
    lost = handed.join(positions, on=keys, how="anti", nulls_equal=True)
    walk.step(_HELD, -_sum(lost["gross"]), lost.height)
    priced = positions.join(marks, on=keys, nulls_equal=True).filter(pl.col("mark").is_not_null())
    moved = priced["amount"] * (priced["mark"] - priced["end"])
    walk.step(_WRITE, _sum(moved), priced.height)
