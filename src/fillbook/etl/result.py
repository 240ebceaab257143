"""From what the sources read to the canonical tables, with every oddity said and none hidden."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from fillbook.etl import file_checks, fill_checks, merge, table_checks
from fillbook.etl.checks import Cleaned, book_sums, findings_of
from fillbook.etl.clean import CONFLICT, order_prices, quarantined, split
from fillbook.etl.duplicates import Duplicates, fill_duplicates
from fillbook.etl.feeds import in_the_databases_words
from fillbook.etl.lineage import Lineage, TableLineage, file_lineage, rows_by_source, table_lineage
from fillbook.etl.link import executor_tags, linked
from fillbook.etl.repair import repaired
from fillbook.etl.repeats import shared_orders, without_repeats
from fillbook.schema.tables import TABLES, empty

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from fillbook.findings import Finding
    from fillbook.schema.raw import RawTables, SourceInfo

_BY_TIME = ("fills", "funding", "quotes", "market_trades", "candles")
_RULES = (file_checks, fill_checks, table_checks)  # importing them registers their rules
_NO_PRICES = pl.DataFrame(schema={"order_id": pl.String, "order_price_quote": pl.Float64})


@dataclass(frozen=True, slots=True)
class EtlResult:
    """The canonical tables, what a reader must know of them, and where they came from.

    Parameters
    ----------
    tables
        Every table of `fillbook.schema.tables.TABLES` by name, empty where no file has it.
    findings
        What the data does that a reader of the numbers must know.
    lineage
        Files, and what became of their rows.
    """

    tables: Mapping[str, pl.DataFrame]
    findings: tuple[Finding, ...]
    lineage: Lineage


@dataclass(slots=True)
class _Work:
    """Tables on their way, and the rows that left it; belongs to one run of `performance_etl`."""

    infos: tuple[SourceInfo, ...]
    unreadable: pl.DataFrame
    clock: datetime
    tables: dict[str, pl.DataFrame]
    bots: tuple[str, ...] = ()
    duplicates: Duplicates = field(default_factory=Duplicates)
    shared_orders: pl.DataFrame = field(default_factory=pl.DataFrame)
    read: dict[tuple[int, str], int] = field(default_factory=dict)
    dropped: dict[tuple[int, str], int] = field(default_factory=dict)
    n_out_of_order: dict[int, int] = field(default_factory=dict)
    refused: list[pl.DataFrame] = field(default_factory=list)


def performance_etl(raws: Sequence[RawTables], *, clock: datetime) -> EtlResult:
    """Canonical tables, findings and lineage of `raws`, whatever their order.

    Parameters
    ----------
    raws
        What the sources read: one a file, and behind it the rows that continue it.
    clock
        Now, UTC: rows more than two days after it are quarantined as ``bad_time``.
    """
    ordered, same_files = merge.numbered(merge.joined(raws))
    work = _Work(
        infos=tuple(raw.info for raw in ordered),
        unreadable=merge.unreadable_cells(ordered),
        clock=clock,
        tables={name: merge.stacked(name, ordered) for name in TABLES if name != "quarantine"},
    )
    work.read = {
        key: n for name, rows in work.tables.items() for key, n in rows_by_source(name, rows).items()
    }
    work.tables = dict(in_the_databases_words(work.tables, work.infos))
    _name_bots(work)
    _book_fills_once(work)
    _drop_repeats(work)
    _put_aside(work)
    _tie_together(work)
    said = tuple(_of_file(f, raw.info) for raw in ordered for f in raw.findings)
    return _result(work, (*same_files, *said))


def _of_file(finding: Finding, info: SourceInfo) -> Finding:
    return finding if finding.source else replace(finding, source=info.uri)


def _name_bots(work: _Work) -> None:
    """Find the rows that files share, and so which files are one bot."""
    work.duplicates = fill_duplicates(work.tables["fills"], work.infos)
    work.shared_orders = shared_orders(work.tables["orders"])
    pairs = work.shared_orders.select("source", "other").iter_rows()
    work.bots = merge.bot_names(work.infos, [*work.duplicates.shared, *pairs])
    renamed = {n: bot for n, bot in enumerate(work.bots) if bot != work.infos[n].bot}
    if renamed:
        work.tables = {name: merge.renamed(rows, renamed) for name, rows in work.tables.items()}


def _book_fills_once(work: _Work) -> None:
    """Restore truncated fills and take out those that repeat or contradict another."""
    fills, found = work.tables["fills"], work.duplicates
    work.n_out_of_order = _out_of_order(fills)
    if found.restored.height:
        work.tables["flat_fees"] = _moved_fees(work.tables["flat_fees"], fills, found.restored)
        fills = repaired(fills, found.restored)
    gone = pl.concat([found.dropped["position"], found.conflicts["position"]])
    if gone.len():
        work.refused.append(_refused(work, "fills", fills[found.conflicts["position"]], CONFLICT))
        fills = fills.filter(merge.all_but(gone, fills.height))
    work.dropped |= rows_by_source("fills", found.dropped)
    work.tables["fills"] = fills


def _out_of_order(fills: pl.DataFrame) -> dict[int, int]:
    """Fills by file that stand before an earlier one in the file."""
    if fills["at"].is_sorted():
        return {}
    goes_back = pl.col("at").diff() < pl.duration()
    is_same_file = pl.col("source").diff() == 0
    counts = fills.select("source", (goes_back & is_same_file).alias("back")).filter("back")
    return {source: n for (source, _), n in rows_by_source("fills", counts).items()}


def _moved_fees(fees: pl.DataFrame, fills: pl.DataFrame, restored: pl.DataFrame) -> pl.DataFrame:
    """Flat fees of the rows whose fee was taken over, under the fill that took it."""
    taken = restored.filter("takes_flat_fees")
    if fees.is_empty() or taken.is_empty():
        return fees
    place = fills.select("source", "row")
    moved = pl.concat(
        [
            place[taken["donor_position"]],
            place[taken["position"]].rename({"source": "new_source", "row": "new_row"}),
        ],
        how="horizontal",
    )
    joined = fees.join(moved, on=["source", "row"], how="left", maintain_order="left")
    return joined.select(
        pl.coalesce("new_source", "source").alias("source"),
        pl.coalesce("new_row", "row").alias("row"),
        "token",
        "amount",
    )


def _drop_repeats(work: _Work) -> None:
    """Take out what several files hold of the tables beside the fills."""
    for name, rows in work.tables.items():
        kept, repeated, conflicts = without_repeats(name, rows)
        work.tables[name] = kept
        work.dropped |= rows_by_source(name, repeated)
        if conflicts.height:
            work.refused.append(_refused(work, name, conflicts, CONFLICT))


def _put_aside(work: _Work) -> None:
    """Quarantine what cannot be true."""
    for name, rows in work.tables.items():
        good, bad = split(name, rows, unreadable=work.unreadable, clock=work.clock)
        work.tables[name] = good
        if bad.height:
            work.refused.append(_refused(work, name, bad))


def _refused(work: _Work, table: str, rows: pl.DataFrame, reason: str = "") -> pl.DataFrame:
    if reason:
        rows = rows.with_columns(pl.lit(reason).alias("reason"))
    prices = _NO_PRICES
    if table == "fills" and rows.height:
        prices = order_prices(work.tables["fills"], work.tables["orders"], rows)
    return quarantined(table, rows, unreadable=work.unreadable, prices=prices)


def _tie_together(work: _Work) -> None:
    """Order the fills, tag them with their executors, keep the fees of kept fills."""
    tables = work.tables
    tables["quarantine"] = pl.concat([empty("quarantine"), *work.refused])
    for name in _BY_TIME:
        if not tables[name]["at"].is_sorted():
            tables[name] = tables[name].sort("at", maintain_order=True)
    if tables["flat_fees"].height:
        at = ["source", "row"]
        tables["flat_fees"] = tables["flat_fees"].join(tables["fills"], on=at, how="semi")
    tags = executor_tags(tables, dict(enumerate(work.bots)))
    for name in ("fills", "orders"):
        tables[name] = linked(tables[name], tags)


def _result(work: _Work, said: tuple[Finding, ...]) -> EtlResult:
    tables = {name: work.tables[name] for name in TABLES}
    lineage = Lineage(file_lineage(work.infos, work.bots), _counted(work))
    cleaned = Cleaned(
        tables=tables,
        infos=work.infos,
        bots=work.bots,
        unreadable=work.unreadable,
        duplicates=work.duplicates,
        shared_orders=work.shared_orders,
        n_out_of_order=work.n_out_of_order,
        books=book_sums(tables["fills"]),
    )
    findings = (*said, *findings_of(cleaned))
    return EtlResult(tables=MappingProxyType(tables), findings=findings, lineage=lineage)


def _counted(work: _Work) -> tuple[TableLineage, ...]:
    """Rows by file and table: what was read and what became of it."""
    quarantine = work.tables["quarantine"]
    refused = quarantine.group_by("source", "table").len()
    quarantined_rows = {(int(s), str(t)): int(n) for s, t, n in refused.iter_rows()}
    changed = work.duplicates.restored
    changed = changed.filter("is_changed") if changed.height else changed
    kept = {
        key: n
        for name, rows in work.tables.items()
        if name != "quarantine"
        for key, n in rows_by_source(name, rows).items()
    }
    return table_lineage(
        work.read,
        duplicates=work.dropped,
        repaired=rows_by_source("fills", changed),
        quarantined=quarantined_rows,
        kept=kept,
    )
