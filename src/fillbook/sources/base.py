"""What a source is, and how an address finds its source.

A path finds the source whose `matches` knows the head of the file; an address ``scheme://…`` the one that is
registered under the name of the scheme.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from fillbook.errors import UnreadableSourceError
from fillbook.schema.raw import RawTables
from fillbook.sources.checkpoint_form import MANIFEST, SOURCE, folder_of, is_checkpoint, read_manifest
from fillbook.sources.credentials import without_secrets

GROUP = "fillbook.sources"
OWN = {
    "checkpoint_folder": "fillbook.sources.checkpoint_reading:CheckpointRaw",
    "hummingbot": "fillbook.sources.sqlite:HummingbotDatabase",
    "checkpoint": "fillbook.sources.checkpoint:CheckpointFile",
    "trades_csv": "fillbook.sources.csv_files:TradesCsv",
    "candles": "fillbook.sources.candle_files:CandleFile",
    "quotes": "fillbook.sources.quote_files:QuoteFile",
    "market_trades": "fillbook.sources.market_trade_files:MarketTradeFile",
}
REMOTE: dict[str, str] = {  # sources of an address, by its scheme
    "postgresql": "fillbook.sources.postgres:PostgresDatabase",
    "postgres": "fillbook.sources.postgres:PostgresDatabase",
    "hummingbot-api": "fillbook.sources.api:HummingbotApi",
    "hummingbot-api+https": "fillbook.sources.api:HummingbotApi",
    "ccxt": "fillbook.sources.ccxt_candles:CcxtCandles",
    "mqtt": "fillbook.sources.mqtt:LiveBots",
    "mqtts": "fillbook.sources.mqtt:LiveBots",
}
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+)://")
_LOCAL = "sqlite"  # ``sqlite:///path`` is how Hummingbot's API names a file
_DATABASES = (".sqlite", ".sqlite3", ".db")
_READABLE = (*_DATABASES, ".csv", ".json", ".parquet")
_BY_PRODUCTS = (".sqlite.new", "-journal", "-wal", "-shm")
_CHUNK = 1 << 20
_WATCHED: ContextVar[Callable[[float], None]] = ContextVar("watched", default=lambda _share: None)


class Source(Protocol):
    """Where tables come from. A source converts names, units and types, and nothing else.

    One that stands for several bots or files has a class method ``expand(uri)`` as well, which lists their
    addresses.
    """

    uri: str

    @classmethod
    def matches(cls, path: Path) -> bool:
        """Whether the file looks like one this source reads (its head decides, not its name).

        Not asked of a source of an address: the scheme is its name.
        """
        ...

    def __init__(self, uri: str) -> None:
        """Remember the address; nothing is read yet."""
        ...

    def read(self) -> RawTables:
        """All tables of the source in canonical columns and units, unchecked.

        Raises
        ------
        UnreadableSourceError
            The file cannot be read; the text says why and what to do.
        """
        ...


def bot_name(path: Path) -> str:
    """Instance folder below ``bots/instances`` or ``bots/archived``, else the file's stem.

    >>> bot_name(Path("bots/instances/maker-1/data/conf.sqlite"))
    'maker-1'
    """
    parts = path.parts
    for i, part in enumerate(parts[:-1]):
        if part in ("instances", "archived") and i > 0 and parts[i - 1] == "bots":
            return parts[i + 1]
    return path.stem


def sha256_of(path: Path) -> str:
    """Hash of a file's bytes, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def plain_path(uri: str) -> Path:
    """Path of an address, with the home folder of ``~``.

    Raises
    ------
    UnreadableSourceError
        The name is not UTF-8, so that no table could carry it.
    """
    try:
        uri.encode()
    except UnicodeEncodeError as error:
        shown = uri.encode("utf-8", "replace").decode()
        why = "has a name that is not UTF-8"
        raise UnreadableSourceError(shown, why, "rename the file, or read a copy") from error
    return Path(os.path.expanduser(uri.removeprefix(f"{_LOCAL}:///")))  # noqa: PTH111  (Path's own fails where there is no such user)


def checked_path(uri: str) -> Path:
    """Path of a file that exists, can be read and is not empty.

    Raises
    ------
    UnreadableSourceError
        It is not there, is a folder, is empty, or may not be read.
    """
    path = plain_path(uri)
    try:
        if not path.exists():
            raise UnreadableSourceError(uri, "there is no such file", "check the path")
        if path.is_dir():
            raise UnreadableSourceError(uri, "is a folder", "name a file in it, or open the folder")
        if path.stat().st_size == 0:
            why = "is empty (0 bytes): the bot wrote nothing yet, or the copy failed"
            raise UnreadableSourceError(uri, why, "copy the file again")
        with path.open("rb") as file:
            file.read(1)
    except PermissionError as error:
        raise UnreadableSourceError(uri, "may not be read by you", f"chmod +r {uri}") from error
    except OSError as error:
        raise UnreadableSourceError(uri, f"cannot be opened ({error.strerror})", "check the path") from error
    return path


@functools.cache
def _classes() -> dict[str, str]:
    """Addresses of all source classes: registered ones, ours among them."""
    found = {point.name: point.value for point in entry_points(group=GROUP)}
    return {**OWN, **REMOTE, **found}


def load_class(address: str) -> type[Source]:
    """The class at ``module:Name``; raises what importing it raises."""
    from importlib import import_module  # noqa: PLC0415

    module, name = address.split(":")
    loaded: type[Source] = getattr(import_module(module), name)
    return loaded


def scheme_of(uri: str) -> str:
    """Scheme of an address, in small letters; empty for a path.

    >>> scheme_of("postgresql://db.example/bot"), scheme_of("bots/a.sqlite"), scheme_of("sqlite:///a.sqlite")
    ('postgresql', '', '')
    """
    found = _SCHEME.match(uri)
    return found[1].lower() if found and found[1].lower() != _LOCAL else ""


def source_class(scheme: str, uri: str = "") -> type[Source]:
    """The source that is registered for a scheme.

    Raises
    ------
    UnreadableSourceError
        There is none.
    """
    address = _classes().get(scheme)
    if address is None:
        known = ", ".join(sorted(f"{name}://" for name in REMOTE))
        why = f"has the scheme {scheme}://, which no installed source reads"
        raise UnreadableSourceError(
            without_secrets(uri or f"{scheme}://"), why, f"fillbook knows paths and {known}"
        )
    return load_class(address)


def open_source(uri: str) -> Source:
    """Source that reads what is at `uri`.

    Raises
    ------
    UnreadableSourceError
        The file cannot be read, or no source knows its format or its scheme.
    """
    if scheme := scheme_of(uri):
        return source_class(scheme, uri)(uri)
    path = checked_path(uri)
    broken = []
    for name, address in _classes().items():
        if name in REMOTE:
            continue
        try:
            source = load_class(address)
        except (ImportError, AttributeError, ValueError) as error:
            broken.append(f"; the source {name} cannot be loaded ({error})")
            continue
        if source.matches(path):
            return source(uri)
    raise UnreadableSourceError(
        uri,
        "is neither a Hummingbot database, a checkpoint, a trade CSV nor a file of candles, quotes or market "
        f"trades{''.join(broken)}",
        "fillbook reads .sqlite, trades_*.csv, checkpoint .json, candles, quotes and market trades as .csv "
        "and .parquet, and the lines of Hummingbot's order book recorder",
    )  # fmt: skip


def expand(uri: str) -> list[str]:
    """What lies behind an address: itself, its parts, or every readable file below a folder, in stable order.

    A checkpoint, by its folder or its name, stands for the sources that were merged into it.

    Raises
    ------
    UnreadableSourceError
        A folder that holds nothing to read, or a scheme no source reads.
    """
    if scheme := scheme_of(uri):
        parts = getattr(source_class(scheme, uri), "expand", None)
        return parts(uri) if parts else [uri]
    folder = named_path(uri)
    if not os.path.isdir(folder):  # noqa: PTH112  (false for a name too long, where Path's fails)
        return [uri]
    if is_checkpoint(folder):
        return _sources_of(folder)
    if not os.access(folder, os.R_OK | os.X_OK):
        raise UnreadableSourceError(uri, "may not be read by you", f"chmod +rx {uri}")
    files = [path for path in sorted(folder.rglob("*")) if os.path.isfile(path)]  # noqa: PTH113  (as above)
    merged = [path.parent for path in files if path.name == MANIFEST and is_checkpoint(path.parent)]
    within = tuple(f"{root}{os.sep}" for root in merged)
    found = [str(path) for path in files if not str(path).startswith(within) and _is_readable(path)]
    for root in merged:
        try:
            found += _sources_of(root)
        except UnreadableSourceError:
            found.append(str(root / MANIFEST))  # opening says why
    if found:
        return found
    if any(path.name.endswith(".tar.gz") for path in files):
        remedy = "unpack the archives first: tar -xzf NAME_archive.tar.gz"
        raise UnreadableSourceError(uri, "holds only packed archives", remedy)
    remedy = "bots keep their database in bots/instances/NAME/data or data/"
    raise UnreadableSourceError(uri, "holds no database, CSV, JSON or Parquet file", remedy)


def named_path(uri: str) -> Path:
    """Path of an address, or the checkpoint of that name where there is no such path."""
    path = plain_path(uri)
    if os.path.lexists(path):
        return path
    named = folder_of(uri)
    return named if is_checkpoint(named) else path


def _sources_of(folder: Path) -> list[str]:
    """Addresses of the sources that were merged into a checkpoint."""
    return [str(folder / source.folder / SOURCE) for source in read_manifest(folder).sources]


def _is_readable(path: Path) -> bool:
    """Whether a file of a folder is worth opening: by its ending, or as the order book recorder's."""
    from fillbook.sources.recorder import ENDINGS, is_worth_opening  # noqa: PLC0415  (it imports this)

    if path.suffix.lower() in ENDINGS:
        return is_worth_opening(path)
    return path.name.endswith(_READABLE) and not is_by_product(path)


def is_by_product(path: Path) -> bool:
    """True for what Hummingbot's migrator and SQLite leave beside a database."""
    return ".sqlite.backup_" in path.name or path.name.endswith(_BY_PRODUCTS)


@contextmanager
def watched(said: Callable[[float], None]) -> Iterator[None]:
    """Hear how much of a file has been read, from 0 to 1, while in here; an error `said` raises ends it."""
    token = _WATCHED.set(said)
    try:
        yield
    finally:
        _WATCHED.reset(token)


def say_share(share: float) -> None:
    """Tell who listens how much of the file being read has been read; a source of large files calls it."""
    _WATCHED.get()(share)
