"""Many files, one set of tables: numbering the files and stacking their rows."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from fillbook.findings import Finding, Severity
from fillbook.schema.raw import RawTables, no_unreadable
from fillbook.schema.tables import dtypes_of, empty

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fillbook.schema.raw import SourceInfo

CHECKPOINT = "checkpoint"
FEED = "mqtt"
CANDLES, QUOTES, MARKET_TRADES = "candles", "quotes", "market_trades"
MARKET_FILES = frozenset({CANDLES, QUOTES, MARKET_TRADES})  # of no bot, whatever their name
_RANK: Mapping[str, int] = {  # whose copy of a row is kept: the database's before its exports
    "hummingbot_sqlite": 0,
    "checkpoint_sqlite": 2,
    "checkpoint_json": 3,
    "trades_csv": 4,
    FEED: 5,  # what a running bot says may be lost on its way
    "export_csv": 6,
    CANDLES: 7,
    QUOTES: 8,
    MARKET_TRADES: 9,
}
_UNKNOWN_RANK = 1
_MANY = 512  # pieces of feeds

# Nothing depends on these words, so their absence is not worth a row.
_BLANK = frozenset({"config", "strategy", "order_id", "trade_id", "order_type", "last_status"})
_ZERO = frozenset({"quantum"})


def numbered(raws: Iterable[RawTables]) -> tuple[tuple[RawTables, ...], tuple[Finding, ...]]:
    """Sources in the one order that does not depend on how they were given, each file once.

    Databases stand before the files exported from them, then by address. A file whose bytes were
    read already is left out, with a finding.
    """
    ordered = sorted(raws, key=_place)
    once: dict[str, RawTables] = {}
    findings = []
    for raw in ordered:
        first = once.setdefault(raw.info.sha256 or f"at {id(raw)}", raw)
        if first is not raw:
            findings.append(_same_file(raw.info, first.info))
    return tuple(once.values()), tuple(findings)


def joined(raws: Iterable[RawTables]) -> tuple[RawTables, ...]:
    """Sources whole: rows that continue those of the same address stand behind them.

    A row that comes again under its number stands for the one before (an order that was filled since).
    """
    whole: dict[object, list[RawTables]] = {}
    last: dict[str, object] = {}
    for raw in raws:
        key = last.get(raw.info.uri) if raw.continues else None
        key = key or (raw.info.uri, id(raw))
        last[raw.info.uri] = key
        whole.setdefault(key, []).append(raw)
    return tuple(parts[0] if len(parts) == 1 else _whole(parts) for parts in whole.values())


def condensed(raws: tuple[RawTables, ...]) -> tuple[RawTables, ...]:
    """The same rows in fewer pieces, once a feed has brought many; what it continues is not copied."""
    pieces = [raw for raw in raws if raw.continues]
    if len(pieces) <= _MANY:
        return raws
    return (*(raw for raw in raws if not raw.continues), *joined(pieces))


def _whole(parts: Sequence[RawTables]) -> RawTables:
    tables = {
        name: _behind([raw.tables[name] for raw in parts if name in raw.tables])
        for name in dict.fromkeys(name for raw in parts for name in raw.tables)
    }
    digest = hashlib.sha256("".join(content_hash(raw) for raw in parts).encode()).hexdigest()
    first = parts[0]
    info = replace(first.info, sha256=digest, rows={name: rows.height for name, rows in tables.items()})
    unreadable = pl.concat([raw.unreadable for raw in parts], how="diagonal_relaxed")
    findings = dict.fromkeys(finding for raw in parts for finding in raw.findings)
    return replace(first, info=info, tables=tables, unreadable=unreadable, findings=tuple(findings))


def _behind(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Frames one behind the other, of each row number the newest."""
    rows = pl.concat(frames, how="diagonal_relaxed")
    if "row" not in rows.columns:
        return rows.unique(maintain_order=True)
    part = np.repeat(np.arange(len(frames)), [frame.height for frame in frames])
    newest = rows.select("row").with_columns(part=pl.Series(part))
    is_newest = newest.select(pl.col("part") == pl.col("part").max().over("row")).to_series()
    return rows if is_newest.all() else rows.filter(is_newest)


def content_hash(raw: RawTables) -> str:
    """Of the file's bytes, else of the rows, in hex."""
    if raw.info.sha256:
        return raw.info.sha256
    sums = [
        (name, rows.height, rows.with_columns(pl.col(pl.Categorical).cast(pl.String)).hash_rows().sum())
        for name, rows in sorted(raw.tables.items())
        if rows.height
    ]
    return hashlib.sha256(repr((raw.info.uri, sums)).encode()).hexdigest()


def _place(raw: RawTables) -> tuple[int, str, str]:
    return (_RANK.get(raw.info.kind, _UNKNOWN_RANK), raw.info.uri, raw.info.sha256)


def _same_file(info: SourceInfo, first: SourceInfo) -> Finding:
    return Finding(
        table="fills",
        rule="same_file",
        severity=Severity.INFO,
        message=f"has the same bytes as {first.uri} and was read once",
        n_rows=sum(info.rows.values()),
        source=info.uri,
        effect="none: every row counts once",
    )


def stacked(table: str, raws: Sequence[RawTables], numbers: Sequence[int] = ()) -> pl.DataFrame:
    """Rows of `table` of all sources, numbered by `source` and in the order of each file.

    Columns are those of the data model; what a source does not have is null, or blank where
    nothing depends on it. Columns that are right already are not copied. `numbers` are those of the
    sources where they are not counted from 0.
    """
    parts = [
        _conformed(table, raw.tables[table], number)
        for number, raw in zip(numbers or range(len(raws)), raws, strict=True)
        if table in raw.tables and raw.tables[table].height
    ]
    if not parts:
        return empty(table)
    return parts[0] if len(parts) == 1 else pl.concat(parts, rechunk=True)


def _conformed(table: str, frame: pl.DataFrame, number: int) -> pl.DataFrame:
    """`frame` with the columns and dtypes of the data model, from file `number`."""
    columns = dtypes_of(table)
    expressions = []
    for name, dtype in columns.items():
        if name == "source":
            expressions.append(pl.lit(number, dtype=pl.Int64).alias(name))
        elif name not in frame.columns:
            expressions.append(_filled(name, pl.lit(None, dtype=dtype).alias(name)))
        else:
            column = frame[name]
            cell = pl.col(name) if column.dtype == dtype else pl.col(name).cast(dtype)
            expressions.append(_filled(name, cell) if column.null_count() else cell)
    result = frame.select(expressions)
    if "row" in columns and not result["row"].is_sorted():
        result = result.sort("row", maintain_order=True)
    return result


def _filled(name: str, cell: pl.Expr) -> pl.Expr:
    if name in _BLANK:
        return cell.fill_null("")
    return cell.fill_null(0.0) if name in _ZERO else cell


def unreadable_cells(raws: Sequence[RawTables]) -> pl.DataFrame:
    """Cells no source could read: source, table, row, column, value."""
    return pl.concat(
        [no_unreadable().with_columns(pl.lit(0, dtype=pl.Int64).alias("source")).clear()]
        + [
            raw.unreadable.with_columns(pl.lit(number, dtype=pl.Int64).alias("source"))
            for number, raw in enumerate(raws)
        ],
        how="diagonal_relaxed",
    )


def bot_names(infos: Sequence[SourceInfo], shared: Iterable[tuple[int, int]]) -> tuple[str, ...]:
    """Name of the bot of each file: files that share rows are one bot, any others are two.

    A checkpoint may hold several bots, so it joins a bot only where it shares rows with one alone. A feed
    is of the bot whose name it has, where one alone has it.

    Parameters
    ----------
    infos
        The files, by number.
    shared
        Pairs of files that hold the same fill or order.
    """
    parent = list(range(len(infos)))
    pairs = sorted({(min(pair), max(pair)) for pair in shared})
    is_checkpoint = [info.kind.startswith(CHECKPOINT) for info in infos]
    for a, b in pairs:
        if not (is_checkpoint[a] or is_checkpoint[b]):
            _unite(parent, a, b)
    for number in range(len(infos)):
        if is_checkpoint[number]:
            others = {a + b - number for a, b in pairs if number in (a, b)}
            if len({_root(parent, other) for other in others}) == 1:
                _unite(parent, number, min(others))
    _unite_feeds(parent, infos)
    roots = [_root(parent, number) for number in range(len(infos))]
    names = _distinct(infos, sorted({r for r in roots if infos[r].kind not in MARKET_FILES}))
    return tuple(names.get(root, infos[root].bot) for root in roots)


def _unite_feeds(parent: list[int], infos: Sequence[SourceInfo]) -> None:
    """Put a feed that shares no row with another source to the bot of its name."""
    for number, info in enumerate(infos):
        if info.kind != FEED or _root(parent, number) != number:
            continue
        named = {
            _root(parent, other)
            for other, one in enumerate(infos)
            if one.bot == info.bot and one.kind not in MARKET_FILES and other != number
        }
        if len(named) == 1:
            _unite(parent, number, named.pop())


def _root(parent: list[int], node: int) -> int:
    while parent[node] != node:
        node = parent[node]
    return node


def _unite(parent: list[int], a: int, b: int) -> None:
    low, high = sorted((_root(parent, a), _root(parent, b)))
    parent[high] = low  # the first file of a bot is its root, and names it


def _distinct(infos: Sequence[SourceInfo], roots: Sequence[int]) -> dict[int, str]:
    """Bot names by first file, made distinct by the file's folder, or else by a number."""
    plain = [infos[root].bot for root in roots]
    names: dict[int, str] = {}
    for root in roots:
        info = infos[root]
        folder = PurePath(info.uri).parent.name
        is_shared = plain.count(info.bot) > 1 and folder not in {"", info.bot}
        name = f"{info.bot} ({folder})" if is_shared else info.bot
        candidate, number = name, 1
        while candidate in names.values():
            number += 1
            candidate = f"{name} {number}"
        names[root] = candidate
    return names


def renamed(rows: pl.DataFrame, bots: Mapping[int, str]) -> pl.DataFrame:
    """`rows` with the bot of some files replaced; tables without a bot are left alone."""
    if "bot" not in rows.columns or rows.is_empty():
        return rows
    new = pl.col("source").replace_strict(
        list(bots), list(bots.values()), default=None, return_dtype=pl.String
    )
    return rows.with_columns(pl.coalesce(new.cast(pl.Categorical), "bot").alias("bot"))


def all_but(positions: pl.Series, height: int) -> pl.Series:
    """Mask of `height` rows that is false at `positions`."""
    mask = pl.repeat(value=True, n=height, eager=True)
    return mask.scatter(positions, False)  # noqa: FBT003
