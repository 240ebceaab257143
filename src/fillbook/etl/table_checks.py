"""What orders, executors, funding and the other tables do that a reader must know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from fillbook.etl.checks import Cleaned, Seen, check
from fillbook.etl.link import ambiguous_orders
from fillbook.etl.vocabulary import FILLED_EVENTS, KNOWN_WORDS, PERPETUAL, UNTRUSTED_FUNDING
from fillbook.findings import Severity
from fillbook.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

_MIN_PAIRS_FUNDED = 2


@check(
    table="orders",
    rule="unknown_word",
    severity=Severity.WARNING,
    effect="kept as it is; what depends on its meaning does not count it",
    remedy="the file may come from a newer Hummingbot than this program knows",
)
def unknown_words(cleaned: Cleaned) -> Iterator[Seen]:
    """Order types, states and close types outside Hummingbot's known words."""
    for (table, column), known in KNOWN_WORDS.items():
        found = cleaned.tables[table][column]
        odd = sorted(set(found.unique().drop_nulls().cast(pl.String)) - known - {""})
        if odd:
            n = int(found.cast(pl.String).is_in(odd).sum())
            listed = ", ".join(odd[:5])
            yield Seen(f"{counted(n, 'row')} with {column} {listed}", n_rows=n, table=table)


@check(
    table="fills",
    rule="orphan_fills",
    severity=Severity.INFO,
    effect="booked as they are; fill rates and slippage do not see them",
)
def orphan_fills(cleaned: Cleaned) -> Iterator[Seen]:
    """Fills without their order, of bots that have orders."""
    orders = cleaned.tables["orders"].select("bot", "order_id")
    if orders.is_empty():
        return
    fills = cleaned.tables["fills"].select("source", "row", "bot", "order_id")
    alone = fills.join(orders.select("order_id"), on="order_id", how="anti").join(
        orders.select("bot").unique(), on="bot", how="semi"
    )
    yield from cleaned.by_file(alone, "without an order row", "fill")


@check(
    table="orders",
    rule="filled_without_fill",
    severity=Severity.WARNING,
    effect="fills may be missing; PnL and volume are then incomplete",
    remedy="open the bot's trades_*.csv beside the database",
)
def filled_without_fill(cleaned: Cleaned) -> Iterator[Seen]:
    """Orders whose last word is that they were filled, without any fill."""
    filled = cleaned.tables["orders"].select("source", "row", "order_id", "last_status")
    filled = filled.filter(pl.col("last_status").cast(pl.String).is_in(FILLED_EVENTS))
    if filled.is_empty():
        return
    alone = filled.join(cleaned.tables["fills"], on="order_id", how="anti")
    alone = alone.join(_refused_orders(cleaned), on="order_id", how="anti")
    yield from cleaned.by_file(alone, "filled by their status, without a fill row", "order")


def _refused_orders(cleaned: Cleaned) -> pl.DataFrame:
    """Order ids of quarantined fills."""
    refused = cleaned.tables["quarantine"].filter(pl.col("table") == "fills")
    return refused.select(pl.col("content").str.json_path_match("$.order_id").alias("order_id")).drop_nulls()


@check(
    table="order_events",
    rule="orphan_events",
    severity=Severity.INFO,
    effect="left out of order lifetimes",
)
def orphan_events(cleaned: Cleaned) -> Iterator[Seen]:
    """Events of orders that have no row."""
    events = cleaned.tables["order_events"]
    if events.is_empty():
        return
    alone = events.select("source", "row", "order_id").join(
        cleaned.tables["orders"], on="order_id", how="anti"
    )
    yield from cleaned.by_file(alone, "of orders that have no row", "event")


@check(
    table="orders",
    rule="shared_orders",
    severity=Severity.INFO,
    effect="the files are one bot, and each order counts once with its newest state",
)
def shared_orders(cleaned: Cleaned) -> Iterator[Seen]:
    """Files that hold the same orders."""
    pairs = cleaned.shared_orders.group_by("other", maintain_order=True)
    for other, sources, n in pairs.agg("source", pl.col("n_orders").sum()).iter_rows():
        where = ", ".join(cleaned.name(source) for source in sources)
        yield Seen(f"{counted(n, 'order')} also in {where}", n_rows=n, source=cleaned.uri(other))


@check(
    table="executor_orders",
    rule="ambiguous_link",
    severity=Severity.WARNING,
    effect="their fills are shown under the first of the executors",
)
def ambiguous_links(cleaned: Cleaned) -> Iterator[Seen]:
    """Orders that several executors claim."""
    n = ambiguous_orders(cleaned.tables)
    if n:
        yield Seen(f"{counted(n, 'order')} claimed by more than one executor", n_rows=n)


@check(
    table="funding",
    rule="funding_untrusted",
    severity=Severity.WARNING,
    effect="funding of these books, and net PnL with it, is not to be trusted",
    remedy="give the exchange's funding statement",
)
def untrusted_funding(cleaned: Cleaned) -> Iterator[Seen]:
    """Funding of connectors that store rate times size without a sign."""
    name = pl.col("connector").cast(pl.String)
    rows = cleaned.tables["funding"].filter(name.is_in(UNTRUSTED_FUNDING))
    for (connector,), part in rows.group_by("connector", maintain_order=True):
        yield Seen(
            f"{counted(part.height, 'payment')} of {connector}, which stores rate times size, unsigned",
            n_rows=part.height,
        )


@check(
    table="funding",
    rule="funding_collision",
    severity=Severity.WARNING,
    effect="funding is incomplete: Hummingbot stores one payment an instant, of one pair",
    remedy="give the exchange's funding statement",
)
def funding_collisions(cleaned: Cleaned) -> Iterator[Seen]:
    """Bots with several perpetual pairs, of which an instant holds only one payment."""
    is_perpetual = pl.col("connector").cast(pl.String).str.contains(PERPETUAL, literal=True)
    pairs = cleaned.books.filter(is_perpetual)
    funding = cleaned.tables["funding"]
    for bot in sorted(set(funding["bot"].unique())):
        paid = funding.filter(pl.col("bot") == bot)
        traded = pairs.filter(pl.col("bot") == bot)
        if traded.height < _MIN_PAIRS_FUNDED:
            continue
        instants = paid.select(pl.col("at").unique())
        due = traded.join(instants, how="cross").filter(pl.col("at") >= pl.col("first")).height
        if due > paid.height:
            yield Seen(
                f"bot {bot} traded {traded.height} perpetual pairs; of up to {due} payments at "
                f"{instants.height} instants {paid.height} are stored",
                n_rows=due - paid.height,
            )


@check(
    table="quotes",
    rule="crossed_quotes",
    severity=Severity.WARNING,
    effect="kept, and their mid marks as any other; what needs a spread leaves them out",
    remedy="check that bid and ask of the file are of one exchange and one instant",
)
def crossed_quotes(cleaned: Cleaned) -> Iterator[Seen]:
    """Quotes whose bid lies above their ask."""
    quotes = cleaned.tables["quotes"]
    crossed = quotes.filter(pl.col("bid_quote") > pl.col("ask_quote"))
    yield from cleaned.by_file(crossed, "with the bid above the ask", "quote")


@check(
    table="market_states",
    rule="open_orders_at_stop",
    severity=Severity.INFO,
    effect="fills of these orders after the stop are not in the file",
)
def open_orders_at_stop(cleaned: Cleaned) -> Iterator[Seen]:
    """Orders still in flight when the bot last saved its state."""
    saved = cleaned.tables["market_states"].filter(
        pl.col("saved_state").str.len_bytes().fill_null(0) > len("{}")
    )
    yield from cleaned.by_file(saved, "saved with orders in flight", "market")


@check(
    table="lp_updates",
    rule="lp_not_booked",
    severity=Severity.WARNING,
    effect="liquidity-pool gains and losses are in no number",
)
def lp_updates(cleaned: Cleaned) -> Iterator[Seen]:
    """Liquidity-pool events, which are listed only."""
    n = cleaned.tables["lp_updates"].height
    if n:
        yield Seen(f"{counted(n, 'liquidity-pool event')} listed and not booked", n_rows=n)
