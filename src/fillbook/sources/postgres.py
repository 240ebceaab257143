"""PostgreSQL: bots that write to an external database, and the tables of Hummingbot's API server."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.findings import Finding, Severity
from fillbook.schema.raw import RawTables, SourceInfo
from fillbook.sources import postgres_bots, postgres_server
from fillbook.sources.credentials import without_secrets
from fillbook.sources.postgres_address import BOTS, SERVER, Address, address_of, with_option
from fillbook.sources.postgres_reading import Table, snapshot, tables_seen

_HASHED_ROWS = 65_536


class PostgresDatabase:
    """A database of bots or of the API server, read-only and in one snapshot."""

    opens = "PostgreSQL: Hummingbot's own tables (db_mode), and those of the Hummingbot API server"
    example = "postgresql://user@host:5432/database?sslmode=require"
    extra, drivers = "postgres", ("adbc_driver_postgresql", "pyarrow")

    def __init__(self, uri: str) -> None:
        """Remember the address; nothing is read yet."""
        self.uri = without_secrets(uri)
        self._given = uri

    @classmethod
    def matches(cls, _path: Path) -> bool:
        """No file is a server."""
        return False

    @classmethod
    def expand(cls, uri: str) -> list[str]:
        """An address a bot or account: several bots may write to one database.

        Raises
        ------
        UnreadableSourceError
            The server or the database cannot be reached, or holds nothing of Hummingbot.
        """
        address = address_of(uri)
        with snapshot(address) as taken:
            seen = tables_seen(taken)
            kinds = _kinds(address, seen)
            if len(kinds) > 1 and (address.bot or not address.is_split):
                return [with_option(uri, tables=kind) for kind in kinds]
            if address.bot or not address.is_split:
                return [uri]
            names = {kind: _NAMES[kind](taken, seen) for kind in kinds}
        if sum(map(len, names.values())) <= 1 and len(kinds) == 1:
            return [uri]
        which = {kind: {"tables": kind} if len(kinds) > 1 and not address.tables else {} for kind in kinds}
        return [with_option(uri, **which[kind], bot=name) for kind in kinds for name in names[kind]]

    def read(self) -> RawTables:
        """All rows that the address asks for, in canonical columns and units.

        Raises
        ------
        UnreadableSourceError
            The server cannot be reached, does not let you in or goes away, or holds nothing of Hummingbot.
        """
        address = address_of(self._given)
        with snapshot(address) as taken:
            seen = tables_seen(taken)
            kinds = _kinds(address, seen)
            if len(kinds) > 1:
                why = "holds the tables of bots and those of the API server"
                raise UnreadableSourceError(address.uri, why, f"add tables={BOTS} or tables={SERVER}")
            reader = postgres_bots.read_bots if kinds == [BOTS] else postgres_server.read_server
            found = reader(taken, seen)
        digest, size = _content(found.tables)
        info = SourceInfo(
            uri=address.uri, kind=f"postgresql_{kinds[0]}", bot=found.bot, schema_version=found.version,
            layout=found.layout, size_bytes=size, sha256=digest,
            rows={name: frame.height for name, frame in found.tables.items()},
        )  # fmt: skip
        return RawTables(info, found.tables, found.unreadable, (*found.findings, *_period(address)))


_NAMES = {BOTS: postgres_bots.configs, SERVER: postgres_server.accounts}


def _kinds(address: Address, seen: Mapping[str, Table]) -> list[str]:
    """Whose tables the database holds, as far as they are asked for."""
    held = {BOTS: postgres_bots.is_here(seen), SERVER: postgres_server.is_here(seen)}
    kinds = [kind for kind, is_held in held.items() if is_held and address.tables in ("", kind)]
    if kinds:
        return kinds
    tables = sorted(seen)
    named = ", ".join(tables[:10]) + (f" and {len(tables) - 10} more" if len(tables) > 10 else "")
    why = f"is not a Hummingbot database: it holds {named or 'no table you can see'}"
    remedy = "it needs the tables TradeFill and Order of a bot, or orders and trades of the API server"
    raise UnreadableSourceError(address.uri, why, remedy)


def _period(address: Address) -> list[Finding]:
    """That only a period was asked for."""
    if address.start is None and address.end is None:
        return []
    sides = [
        f"{word} {at:%Y-%m-%d %H:%M:%S}" for word, at in (("from", address.start), ("to", address.end)) if at
    ]
    return [Finding(
        "fills", "period_asked_for", Severity.INFO,
        f"only rows {' '.join(sides)} UTC were asked for, as the address says", source=address.uri,
        effect="books start flat; what was held before is not known",
    )]  # fmt: skip


def _content(tables: Mapping[str, pl.DataFrame]) -> tuple[str, int]:
    """SHA-256 of the rows, the same for the same rows wherever they are kept; and their size in bytes."""
    digest, size = hashlib.sha256(), 0
    for name in sorted(tables):
        rows = tables[name].with_columns(pl.col(pl.Categorical).cast(pl.String))
        digest.update(f"{name} {rows.height}\n".encode())
        for part in rows.iter_slices(_HASHED_ROWS):
            held = io.BytesIO()
            part.rechunk().write_ipc(held, compression="uncompressed")
            digest.update(held.getbuffer())
            size += held.tell()
    return digest.hexdigest(), size
