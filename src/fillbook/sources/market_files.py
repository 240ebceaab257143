"""What files of market data share: rows, times, whose market they state, and what they lack."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from itertools import pairwise
from pathlib import Path

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.findings import MAX_LISTED_ROWS, Finding, Severity
from fillbook.schema.raw import UNREADABLE_SCHEMA
from fillbook.sources.csv_files import columns_of_csv, read_text_csv
from fillbook.sources.hummingbot import epoch_us, market_type, us_to_utc
from fillbook.sources.market_columns import market_columns
from fillbook.units import counted

_QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "USD", "EUR", "BTC", "ETH")
_CASH = frozenset({"USDT", "USDC", "USD", "EUR"})
_RECORDED = re.compile(r"(?P<venue>.+)_(?P<pair>[^_]+-[^_]+)_(?:order_book_snapshots|trades)_\d{4}-\d\d-\d\d")
_FORMS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_ZONED = ("%Y-%m-%d %H:%M:%S%.f%z", "%Y-%m-%d %H:%M%z")
_UTC = pl.Datetime("us", "UTC")


def rows_of(uri: str, path: Path, wanted: Collection[str] | None = None) -> pl.DataFrame:
    """Rows with lower-case column names and their row number; only columns of `wanted` where it is given.

    Raises
    ------
    UnreadableSourceError
        Not the CSV or Parquet file it is called.
    """
    if path.suffix.lower() == ".parquet":
        rows = _parquet_rows(uri, path, wanted)
    else:
        chosen = None if wanted is None else _chosen(columns_of_csv(uri, path), wanted)
        rows = read_text_csv(uri, path, chosen)
    return rows.rename({name: name.strip().lower() for name in rows.columns})


def _parquet_rows(uri: str, path: Path, wanted: Collection[str] | None) -> pl.DataFrame:
    try:
        names = None if wanted is None else _chosen(pl.read_parquet_schema(path), wanted)
        frame = pl.read_parquet(path, columns=names)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        why = f"is not a Parquet file that can be read ({str(error).splitlines()[0]})"
        raise UnreadableSourceError(uri, why) from error
    frame = frame.drop("row", strict=False).with_row_index("row", offset=1)
    return frame.with_columns(pl.col("row").cast(pl.Int64))


def _chosen(names: Iterable[str], wanted: Collection[str]) -> list[str]:
    """Names as the file writes them of the wanted columns, each once."""
    once: dict[str, str] = {}
    for name in names:
        plain = name.strip().lower()
        if plain in wanted and plain != "row":
            once.setdefault(plain, name)
    return list(once.values())


def number(rows: pl.DataFrame, *names: str | None) -> pl.Expr:
    """Numbers of the first of the columns that is there, null where they are none."""
    found = [name for name in names if name in rows.columns]
    return _number(rows, found[0]) if found else pl.lit(None, dtype=pl.Float64)


def _number(rows: pl.DataFrame, name: str) -> pl.Expr:
    dtype = rows.schema[name]
    if dtype == pl.String:
        return pl.col(name).str.strip_chars().cast(pl.Float64, strict=False)
    if dtype.is_numeric() or dtype == pl.Boolean:
        return pl.col(name).cast(pl.Float64, strict=False)
    return pl.lit(None, dtype=pl.Float64)


def numbers(rows: pl.DataFrame, names: Iterable[str | None]) -> list[tuple[str, pl.Series]]:
    """Columns that are there, each with the numbers read of it."""
    return [
        (name, rows.select(number(rows, name)).to_series()) for name in names if name in rows.columns and name
    ]


def times(rows: pl.DataFrame, name: str) -> pl.Series:
    """Times in UTC: numbers by magnitude, text by ISO form; without a zone they are taken as UTC."""
    dtype = rows.schema[name]
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return rows.select(at=pl.col(name).dt.convert_time_zone("UTC").cast(_UTC)).to_series()
    if isinstance(dtype, pl.Date | pl.Datetime):
        utc = pl.col(name).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        return rows.select(at=utc).to_series()
    finite = number(rows, name)
    known = pl.when(finite.is_finite()).then(finite)
    at = rows.with_columns(at=us_to_utc(epoch_us(known)))["at"]
    if dtype != pl.String or not at.null_count():
        return at
    text = (
        pl.col(name).str.strip_chars()
        .str.replace(r"^(\d{4}-\d\d-\d\d)[Tt]", "$1 ").str.replace(r" ?(?:[Zz]|UTC)$", "+00:00")
        .str.replace(r"(:\d\d(?:\.\d+)?)([+-]\d\d)$", "$1$2:00")
    )  # fmt: skip
    for form in (*_FORMS, *_ZONED):
        parsed = text.str.to_datetime(form, time_unit="us", strict=False)
        parsed = parsed if form in _ZONED else parsed.dt.replace_time_zone("UTC")
        at = rows.select(at=pl.coalesce(pl.lit(at), parsed.cast(_UTC))).to_series()
        if not at.null_count():
            break
    return at


def pair_in_name(path: Path) -> str | None:
    """BASE-QUOTE as the file's name states it (BTC-USDT, BTCUSDT, btc_usdt), null where it does not."""
    if recorded := _RECORDED.fullmatch(path.stem):
        return recorded["pair"]
    words = re.split(r"[_|. ]", path.stem.upper())
    for word in words:
        base, dash, quote = word.partition("-")
        if dash and base and quote in _QUOTES:
            return word
    parts = re.split(r"[_|. \-]", path.stem.upper())
    return (
        _one_word(word for word in words if "-" not in word)
        or _two_words(words) or _two_words(parts) or _one_word(parts)
    )  # fmt: skip


def _one_word(words: Iterable[str]) -> str | None:
    """BASE-QUOTE of the first word that ends in a quote asset."""
    for word in words:
        quote = next((q for q in _QUOTES if word.endswith(q) and word != q), None)
        if quote is not None:
            return f"{word.removesuffix(quote)}-{quote}"
    return None


def _two_words(words: Iterable[str]) -> str | None:
    """BASE-QUOTE of the first word before a currency that is no venue."""
    for base, quote in pairwise(words):
        if base and quote in _CASH and not market_type(base.lower())[1]:
            return f"{base}-{quote}"
    return None


def connector_in_name(path: Path) -> str | None:
    """The longest connector name Hummingbot knows in the file's name, null where there is none."""
    if recorded := _RECORDED.fullmatch(path.stem):
        return recorded["venue"]
    words = re.split(r"[_|\-.]", path.stem.lower())
    runs = ["_".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, len(words) + 1)]
    known = [run for run in runs if run and market_type(run.removesuffix("_perpetual"))[1]]
    return max(known, key=len, default=None)


def pair_of(text: str) -> str:
    """BASE-QUOTE of a symbol; one whose quote asset is not known stays as it is.

    >>> pair_of("btc/usdt"), pair_of("ETHUSDC"), pair_of("XBTPLN")
    ('BTC-USDT', 'ETH-USDC', 'XBTPLN')
    """
    plain = re.sub(r"[/_:]", "-", text.upper() if text.islower() else text)
    return plain if "-" in plain else _one_word([plain]) or plain


def connector_of(text: str) -> str:
    """A venue under Hummingbot's name for it, where it knows one.

    >>> connector_of("Binance"), connector_of("My Exchange")
    ('binance', 'My Exchange')
    """
    return text.lower() if market_type(text.lower())[1] else text


def markets(rows: pl.DataFrame, path: Path) -> tuple[pl.Series, pl.Series]:
    """Venue and pair of each row: as its columns say, else as the file's name does, else null."""
    venue, pair = market_columns(rows.columns)
    return (
        _labels(rows, venue, connector_in_name(path), connector_of).alias("connector"),
        _labels(rows, pair, pair_in_name(path), pair_of).alias("pair"),
    )


def _labels(
    rows: pl.DataFrame, column: str | None, otherwise: str | None, plain: Callable[[str], str]
) -> pl.Series:
    if column is None:
        return pl.repeat(otherwise, rows.height, dtype=pl.String, eager=True)
    texts = rows[column].cast(pl.String).str.strip_chars()
    known = [text for text in texts.unique().drop_nulls() if text]
    return texts.replace_strict(known, list(map(plain, known)), default=None, return_dtype=pl.String)


def unnamed(
    table: str,
    uri: str,
    *,
    pair: bool,
    connector: bool,
    effects: tuple[str, str],
    remedy: str,
    n_rows: int = 0,
) -> tuple[Finding, ...]:
    """Finding of a file that does not say its pair or its venue; none where it says both.

    Parameters
    ----------
    table, uri
        What the file holds, and where it lies.
    pair, connector
        Whether it states them.
    effects
        What it means that there is no pair, and that there is only no venue.
    remedy
        How to name them.
    n_rows
        Rows that do not, where columns name the others; 0 where the name speaks for all.
    """
    if pair and connector:
        return ()
    lacks = "no exchange" if pair else "no pair" if connector else "neither exchange nor pair"
    message = (
        f"the file states {lacks} in {counted(n_rows, 'row')}"
        if n_rows
        else (f"the file's name states {lacks}")
    )
    return (
        Finding(
            table, f"{table}_unnamed", Severity.WARNING, message, n_rows=n_rows, source=uri,
            effect=effects[1] if pair else effects[0], remedy=remedy,
        ),
    )  # fmt: skip


def unnamed_rows(
    frame: pl.DataFrame, table: str, uri: str, *, effects: tuple[str, str], remedy: str, by_row: bool
) -> tuple[Finding, ...]:
    """Finding of rows without venue or pair; `by_row` where columns of the file name them."""
    lacking = frame.select(
        pair=pl.col("pair").is_null().sum(), connector=pl.col("connector").is_null().sum(),
        any=(pl.col("pair").is_null() | pl.col("connector").is_null()).sum(),
    ).row(0, named=True)  # fmt: skip
    n_rows = int(lacking["any"]) if by_row else 0
    return unnamed(
        table, uri, pair=not lacking["pair"], connector=not lacking["connector"], effects=effects,
        remedy=remedy, n_rows=n_rows,
    )  # fmt: skip


def unreadable(table: str, rows: pl.DataFrame, read: Iterable[tuple[str, pl.Series]]) -> pl.DataFrame:
    """Cells that are there and could not be read, and whole objects that could not (``line``).

    Parameters
    ----------
    table, rows
        Where the cells belong, and the rows as they are written.
    read
        Columns of `rows`, each with what was read of it.
    """
    lines = [("line", pl.repeat(None, rows.height, dtype=pl.String, eager=True))]
    found: list[tuple[str, int, str, str]] = []
    for column, values in (*read, *(lines if "line" in rows.columns else ())):
        text = rows[column].cast(pl.String, strict=False)
        is_lost = values.is_null() & text.is_not_null() & (text.str.strip_chars() != "")
        lost = rows.select("row", text.str.slice(0, 200)).filter(is_lost).head(MAX_LISTED_ROWS * 50)
        found += [(table, row, column, value) for row, value in lost.iter_rows()]
    return pl.DataFrame(found, schema=UNREADABLE_SCHEMA, orient="row")


def no_rows(table: str, uri: str, *, n_rows: int) -> tuple[Finding, ...]:
    """Finding of a file with a header and nothing below it."""
    if n_rows:
        return ()
    message = "the file has a header and no rows"
    return (Finding(table, "no_rows", Severity.WARNING, message, source=uri, effect="it adds nothing"),)
