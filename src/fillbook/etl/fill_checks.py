"""What the fills do that a reader of the numbers must know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from fillbook.etl.checks import Cleaned, Seen, check, share
from fillbook.etl.vocabulary import PAPER_TRADE
from fillbook.findings import Severity
from fillbook.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

QUANTISED = 1e-4  # error bound of the notional, as a fraction, from which it is said (H1)
_TICKED = 0.95  # share of fills on whole seconds from which the bot's clock is what they carry
_FAR = 10.0  # no market moves so much between three fills
_MIN_EVENTS = 20  # below it a bot has no rhythm
_GAP_FACTOR = 20.0
_MIN_GAP_S = 6 * 3600.0
_US = 1_000_000


@check(
    table="fills",
    rule="duplicate_across_files",
    severity=Severity.INFO,
    effect="none: dropped, each fill counts once",
)
def duplicates_across_files(cleaned: Cleaned) -> Iterator[Seen]:
    """Fills that another file holds too."""
    rows = cleaned.duplicates.dropped
    yield from _duplicates(cleaned, rows, is_across=True)


@check(
    table="fills",
    rule="duplicate_within_file",
    severity=Severity.INFO,
    effect="none: dropped, each fill counts once",
)
def duplicates_within_file(cleaned: Cleaned) -> Iterator[Seen]:
    """Fills that a file holds twice."""
    rows = cleaned.duplicates.dropped
    yield from _duplicates(cleaned, rows, is_across=False)


def _duplicates(cleaned: Cleaned, rows: pl.DataFrame, *, is_across: bool) -> Iterator[Seen]:
    if rows.is_empty():
        return
    wanted = rows.filter((pl.col("source") != pl.col("first_source")) == is_across)
    counts = wanted.group_by("source", maintain_order=True).agg(
        pl.len().alias("n"), pl.col("first_source").unique().sort()
    )
    for source, n, firsts in counts.iter_rows():
        where = ", ".join(cleaned.name(first) for first in firsts)
        yield Seen(
            f"{counted(n, 'fill')} also in {where}" if is_across else f"{counted(n, 'fill')} twice",
            n_rows=n,
            source=cleaned.uri(source),
        )


@check(
    table="fills",
    rule="self_trade_pair",
    severity=Severity.INFO,
    effect="both are booked; volume and participation count the trade twice",
)
def self_trades(cleaned: Cleaned) -> Iterator[Seen]:
    """Trades of the exchange with one's own orders on both sides."""
    n = cleaned.duplicates.n_self_trades
    if n:
        yield Seen(f"{counted(n, 'trade')} with one's own orders on both sides", n_rows=n)


@check(
    table="fills",
    rule="out_of_order",
    severity=Severity.INFO,
    effect="none: sorted by time before booking",
)
def out_of_order(cleaned: Cleaned) -> Iterator[Seen]:
    """Fills that stand in their file before an earlier one."""
    for source, n in sorted(cleaned.n_out_of_order.items()):
        yield Seen(f"{counted(n, 'fill')} behind a later one", n_rows=n, source=cleaned.uri(source))


@check(
    table="fills",
    rule="repaired_from_csv",
    severity=Severity.INFO,
    effect="PnL, volume and fees of these fills use the exact values",
)
def repaired_fills(cleaned: Cleaned) -> Iterator[Seen]:
    """Truncated values restored from a more exact file."""
    rows = cleaned.duplicates.restored
    if rows.is_empty():
        return
    counts = rows.group_by("source", "donor_source", maintain_order=True).agg(
        pl.len().alias("n"), pl.col("is_changed").sum()
    )
    for source, donor, n, changed in counts.iter_rows():
        yield Seen(
            f"{changed:,} of {counted(n, 'fill')} took exact values from {cleaned.name(donor)}, "
            "the rest agree with it to the last digit",
            n_rows=changed,
            source=cleaned.uri(source),
        )


@check(
    table="fills",
    rule="quantised_prices",
    severity=Severity.WARNING,
    effect="PnL and volume of this pair are only as exact as the stored digits",
    remedy="open the bot's trades_*.csv beside the database",
)
def quantised(cleaned: Cleaned) -> Iterator[Seen]:
    """Pairs whose stored digits leave more than a basis point of the notional open."""
    rows = cleaned.books.filter(pl.col("bound") > QUANTISED * pl.col("notional"))
    sums = rows.select("bot", "connector", "pair", "bound", "notional", "n")
    for bot, connector, pair, bound, notional, n in sums.iter_rows():
        yield Seen(
            f"{pair} on {connector} ({bot}): prices and amounts are cut to 1e-6, "
            f"up to {share(bound, notional)} of the notional",
            n_rows=n,
        )


@check(
    table="fills",
    rule="price_far_off",
    severity=Severity.WARNING,
    effect="booked as they are; PnL and volume may be wrong by their value",
    remedy="compare with the exchange's own record",
)
def prices_far_off(cleaned: Cleaned) -> Iterator[Seen]:
    """Fills whose price is far from that of the fills before and after, in one market."""
    market = ["connector", "pair"]
    wide = cleaned.books.filter(pl.col("highest") > _FAR * pl.col("lowest")).select(market).unique()
    if wide.is_empty():
        return
    price = pl.col("price_quote")
    columns = ["source", "row", *market, "price_quote"]
    fills = cleaned.tables["fills"].select(columns).join(wide, on=market, how="semi", maintain_order="left")
    near = {"before": (1, -2), "after": (-1, 2)}  # the first and the last fill have two on one side
    fills = fills.with_columns(
        pl.coalesce(price.shift(one).over(market), price.shift(other).over(market)).alias(name)
        for name, (one, other) in near.items()
    )
    off = [(price > _FAR * pl.col(name)) | (price * _FAR < pl.col(name)) for name in ("before", "after")]
    far = fills.filter(pl.all_horizontal(one.fill_null(value=True) for one in off))
    yield from cleaned.by_file(far, f"at a price {_FAR:g} times off the fills before and after", "fill")


@check(
    table="fills",
    rule="fees_unknown",
    severity=Severity.WARNING,
    effect="fees of these fills are missing; net PnL is partial",
    remedy="open the bot's database or its trades_*.csv",
)
def fees_unknown(cleaned: Cleaned) -> Iterator[Seen]:
    """Fills whose source carries no fee."""
    fills = cleaned.tables["fills"]
    if fills["fee_percent"].null_count() == 0:
        return
    recorded = pl.col("fee_percent").is_null() & pl.col("fee_amount").is_null()
    missing = fills.filter(recorded & pl.col("fee_quote_recorded").is_null())
    yield from cleaned.by_file(missing, "without any fee", "fill")


@check(
    table="fills",
    rule="paper_trade_fees",
    severity=Severity.WARNING,
    effect="net PnL of these books subtracts fees that a paper exchange need not have charged",
    remedy="compare with the balances of the paper account",
)
def paper_trade_fees(cleaned: Cleaned) -> Iterator[Seen]:
    """Paper-trade books with recorded fees."""
    is_paper = pl.col("connector").cast(pl.String).str.contains(PAPER_TRADE)
    connectors = cleaned.books.filter(is_paper)["connector"].unique()
    has_fee = (pl.col("fee_percent").fill_null(0.0) != 0.0) | (pl.col("fee_amount").fill_null(0.0) != 0.0)
    for name in sorted(connectors.cast(pl.String)):
        n = cleaned.tables["fills"].filter((pl.col("connector") == name) & has_fee).height
        if n:
            yield Seen(f"{counted(n, 'fill')} with fees on {name}, a simulated exchange", n_rows=n)


@check(
    table="fills",
    rule="clock_floor",
    severity=Severity.INFO,
    effect="durations and latencies under 2 s mean nothing; order within a second is the file's",
)
def clock_floor(cleaned: Cleaned) -> Iterator[Seen]:
    """Fill times that are the bot's clock ticks, not the exchange's times."""
    fills = cleaned.tables["fills"]
    if fills.is_empty():
        return
    ticked = int(fills.select((pl.col("at").to_physical() % _US == 0).sum()).item())
    if ticked >= _TICKED * fills.height:
        yield Seen(
            f"{share(ticked, fills.height)} of fill times are whole seconds: the bot's clock tick, "
            "not the exchange's time",
            n_rows=ticked,
        )


@check(
    table="fills",
    rule="gap",
    severity=Severity.INFO,
    effect="the bot may have been stopped, or a file is missing; daily figures count the days",
)
def gaps(cleaned: Cleaned) -> Iterator[Seen]:
    """Quiet spans far beyond a bot's usual rhythm."""
    for bot in sorted(set(cleaned.bots)):
        times = _times(cleaned, bot)
        if times.len() < _MIN_EVENTS:
            continue
        spans = times.diff().slice(1)
        usual = float(spans.quantile(0.95) or 0.0)
        long = spans > max(_MIN_GAP_S * _US, _GAP_FACTOR * usual)
        if long.any():
            position = spans.arg_max() or 0
            start = times.cast(pl.Datetime("us", "UTC"))[position]
            longest = float(spans[position]) / _US / 3600.0
            yield Seen(
                f"bot {bot}: {counted(int(long.sum()), 'silence')} far beyond its rhythm, "
                f"the longest {longest:.1f} h from {start:%Y-%m-%d %H:%M}",
                n_rows=int(long.sum()),
            )


def _times(cleaned: Cleaned, bot: str) -> pl.Series:
    """Sorted times of what a bot did, in microseconds: its orders, or else its fills."""
    for table in ("orders", "fills"):
        rows = cleaned.tables[table]
        if rows.height and len(set(cleaned.bots)) > 1:
            rows = rows.filter(pl.col("bot") == bot)
        if rows.height:
            return rows["at"].to_physical().sort()
    return pl.Series([], dtype=pl.Int64)


@check(
    table="fills",
    rule="leverage_tags",
    severity=Severity.INFO,
    effect="none on PnL: leverage never multiplies it; margin figures follow the last tag",
)
def leverage_tags(cleaned: Cleaned) -> Iterator[Seen]:
    """Books whose fills carry more than one leverage."""
    books = cleaned.books.filter(pl.col("least") != pl.col("most"))
    books = books.select("bot", "connector", "pair", "least", "most")
    for bot, connector, pair, least, most in books.iter_rows():
        yield Seen(f"{pair} on {connector} ({bot}) carries leverage from {least} to {most}")


@check(
    table="fills",
    rule="unlinked_fills",
    severity=Severity.INFO,
    effect="they are in every total, and under `unlinked` by controller and close type",
)
def unlinked_fills(cleaned: Cleaned) -> Iterator[Seen]:
    """Fills that no executor names, of bots that have executors."""
    bots = cleaned.tables["executors"]["bot"].unique()
    if bots.is_empty():
        return
    fills = cleaned.tables["fills"].select("bot", "executor_id")
    counts = (
        fills.filter(pl.col("bot").is_in(bots.implode()))
        .group_by("bot")
        .agg(pl.len().alias("n"), pl.col("executor_id").null_count().alias("unlinked"))
        .filter(pl.col("unlinked") > 0)
        .sort("bot")
    )
    for bot, n, unlinked in counts.iter_rows():
        yield Seen(
            f"{unlinked:,} of {counted(n, 'fill')} of bot {bot} ({share(unlinked, n)}) with no executor",
            n_rows=unlinked,
        )
