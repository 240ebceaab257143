"""JSON lines of Hummingbot's recorder of order books and trades (download_order_book_and_trades).

Its batches end without a newline, so that two objects may stand on one line, and a crash may cut
one in the middle. No object holds another, so each ``{`` begins one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.sources.base import say_share

Recording = Literal["books", "trades"]
ENDINGS = (".txt", ".jsonl", ".ndjson")
_NAME = re.compile(r".+_(?:order_book_snapshots|trades)_\d{4}-\d\d-\d\d\.txt", re.IGNORECASE)
_KEY = re.compile(rb'"(\w+)"\s*:')
_HEAD, _BLOCK = 1 << 16, 1 << 25
_TRADE = {"ts", "price", "q_base"}
_BOOK_SIDES = ("bids", "asks")
_FIELDS: dict[Recording, tuple[str, ...]] = {
    "books": ("ts", *_BOOK_SIDES),
    "trades": ("ts", "price", "q_base", "side"),
}


def recording_of(path: Path) -> Recording | None:
    """What the recorder wrote into a file, by its first object; None where it is not the recorder's."""
    if path.suffix.lower() not in ENDINGS:
        return None
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD).removeprefix(b"\xef\xbb\xbf").lstrip()
    except OSError:
        return None
    first = head.partition(b"}")[0]
    if not first.startswith(b"{"):
        return None
    keys = {key.decode("utf-8", "replace") for key in _KEY.findall(first)}
    if keys >= _TRADE:
        return "trades"
    return "books" if "ts" in keys and keys & set(_BOOK_SIDES) else None


def is_worth_opening(path: Path) -> bool:
    """Whether a file of a folder is the recorder's: a .txt by its name, JSON lines by their head."""
    if path.suffix.lower() == ".txt":
        return _NAME.fullmatch(path.name) is not None
    return recording_of(path) is not None


def recorded_rows(uri: str, path: Path, recording: Recording) -> pl.DataFrame:
    """An object a row: ``row`` (its number in the file), its numbers, and ``line`` where it is none.

    Books come as ``ts, bid, ask`` (highest bid, lowest ask; null on an empty side), trades as
    ``ts, price, q_base, side``. ``line`` is the text of an object that cannot be read.

    Raises
    ------
    UnreadableSourceError
        The file went away or cannot be read to its end.
    """
    parts: list[pl.DataFrame] = []
    n_rows = 0
    try:
        for lines in _blocks(path):
            part = _decoded(lines, recording).with_row_index("row", offset=n_rows + 1)
            parts.append(part.with_columns(pl.col("row").cast(pl.Int64)))
            n_rows += part.height
    except OSError as error:
        raise UnreadableSourceError(uri, f"cannot be read to its end ({error.strerror})") from error
    return pl.concat(parts)


def _blocks(path: Path) -> Iterator[pl.Series]:
    """Objects of the file as texts, a block at a time; what stands before the first ``{`` is left out."""
    size = max(path.stat().st_size, 1)
    done, rest = 0, b""
    with path.open("rb") as file:
        while chunk := file.read(_BLOCK):
            done += len(chunk)
            whole, brace, rest = (rest + chunk).rpartition(b"{")
            rest = brace + rest
            if whole:
                yield _objects(whole)
                say_share(done / size)
    yield _objects(rest)


def _objects(block: bytes) -> pl.Series:
    text = block.decode("utf-8-sig", "replace")
    lines = pl.Series("line", [text]).str.split("{").explode().str.strip_chars()
    return ("{" + lines.filter(lines != "")).alias("line")


def _decoded(lines: pl.Series, recording: Recording) -> pl.DataFrame:
    """Numbers of objects, null with their text as ``line`` where they are none."""
    objects = _json(lines, recording)
    rows = objects.struct.unnest().with_columns(pl.when(objects.is_null()).then(lines).alias("line"))
    if recording == "trades":
        return rows
    return rows.select(
        "ts", _best("bids").list.max().alias("bid"), _best("asks").list.min().alias("ask"), "line"
    )


def _best(side: str) -> pl.Expr:
    """Prices of a side of the book above 0."""
    price = pl.element().list.get(0, null_on_oob=True)
    return pl.col(side).list.eval(pl.when(price.is_finite() & (price > 0.0)).then(price))


def _dtype(recording: Recording, number: pl.DataType) -> pl.Struct:
    levels = pl.List(pl.List(number))
    kinds: dict[str, pl.DataType] = {"bids": levels, "asks": levels, "side": pl.String()}
    return pl.Struct({name: kinds.get(name, number) for name in _FIELDS[recording]})


def _json(lines: pl.Series, recording: Recording) -> pl.Series:
    """Objects of texts; null where one is no JSON, or of another shape: halved until these are alone."""
    wanted = _dtype(recording, pl.Float64())
    for dtype in (wanted, _dtype(recording, pl.String())):  # numbers may be written as texts
        try:
            return lines.str.json_decode(dtype).cast(wanted, strict=False)
        except pl.exceptions.ComputeError:
            continue
    line = pl.col("line")
    is_json = (
        lines.to_frame().select(line.is_null() | line.str.json_path_match("$").is_not_null()).to_series()
    )
    if not is_json.all():
        return _json(
            lines.to_frame().select(pl.when(is_json).then(line).alias("line")).to_series(), recording
        )
    if lines.len() == 1:
        return pl.Series("line", [None], dtype=wanted)
    half = lines.len() // 2
    return pl.concat([_json(lines[:half], recording), _json(lines[half:], recording)])
