"""The Hummingbot API: databases of archived bots, and what was traded through the API itself.

``hummingbot-api://host:8000`` stands for all of it; ``…/archived/<path>`` for one database and
``…/accounts/<name>`` for the orders of one account; ``…/candles/…`` are those of a venue.
``hummingbot-api+https://`` asks over TLS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urlsplit, urlunsplit

from fillbook.errors import UnreadableSourceError
from fillbook.findings import Finding, Severity
from fillbook.schema.raw import RawTables
from fillbook.sources.api_account import read_account
from fillbook.sources.api_client import SCHEME, Address, ApiClient, RefusedError, address_of
from fillbook.sources.api_paging import Key, Row, by_offset, listed, told_apart_by
from fillbook.sources.api_rows import FORMS, raw_tables
from fillbook.sources.base import bot_name, say_share
from fillbook.sources.candle_feeds import PATH as CANDLES
from fillbook.sources.candle_feeds import read_api_candles
from fillbook.units import counted

ARCHIVED, ACCOUNTS = "archived", "accounts"
_PATHS = f"{SCHEME}://host:8000/archived/<database>, …/accounts/<name> or …/candles/<exchange>/<pair>?from=…"
_NO_TABLE = "no such table"
_PAGED: Mapping[str, Key] = {
    "trades": told_apart_by("connector_name", "order_id", "exchange_trade_id", "id"),
    "orders": told_apart_by("id"),
    "positions": told_apart_by("id"),
}
_WHOLE = ("executors", "controllers")  # handed out at once
_ESSENTIAL = ("trades", "orders")


class HummingbotApi:
    """One archived database, or one account, of a Hummingbot API."""

    opens = "Hummingbot API: archived bots, what was ordered through it, and candles"
    example = "hummingbot-api://user@host:8000"
    extra, drivers = "api", ("httpx", "filelock")

    def __init__(self, uri: str) -> None:
        """Remember the address; nothing is asked yet."""
        self.uri = uri

    @classmethod
    def matches(cls, path: Path) -> bool:  # noqa: ARG003  (the scheme is its name)
        """Never a file."""
        return False

    @classmethod
    def expand(cls, uri: str) -> list[str]:
        """Addresses of the archived databases and accounts with orders of a server, or below a folder of it.

        Raises
        ------
        UnreadableSourceError
            The server cannot be asked, or holds nothing.
        """
        address = address_of(uri)
        kind, _, name = address.path.partition("/")
        if kind not in ("", ARCHIVED, ACCOUNTS) or (name and (kind != ARCHIVED or _is_database(name))):
            return [uri]
        with ApiClient.opened(address) as client:
            found = []
            if kind in ("", ARCHIVED):
                held = (path for path in archived_databases(client) if path.startswith(name))
                found += [_below(uri, ARCHIVED, path) for path in held]
            if kind in ("", ACCOUNTS):
                found += [_below(uri, ACCOUNTS, account) for account in _accounts(client)]
        if not found:
            why = "holds no archived database and no account with orders"
            raise UnreadableSourceError(address.uri, why, "archive a bot first, or open its file")
        return found

    def read(self) -> RawTables:
        """Tables in canonical columns and units.

        Raises
        ------
        UnreadableSourceError
            Not reachable, refused, of another form, or not to be read whole.
        """
        address = address_of(self.uri)
        kind, _, name = address.path.partition("/")
        reader = _READERS.get(kind)
        if reader is None or not name:
            raise UnreadableSourceError(address.uri, "names nothing that can be read", _PATHS)
        with ApiClient.opened(address) as client:
            return reader(client, name)


def _is_database(path: str) -> bool:
    return PurePosixPath(path).suffix in (".sqlite", ".sqlite3", ".db")


def _below(uri: str, kind: str, name: str) -> str:
    """Address of a part of a server, with its name, password and options."""
    return urlunsplit(urlsplit(uri)._replace(path=f"/{kind}/{quote(name)}"))


def archived_databases(client: ApiClient) -> list[str]:
    """Paths of the archived databases, in stable order."""
    return _texts(client, client.get("/archived-bots/"))


def _accounts(client: ApiClient) -> list[str]:
    """Accounts through which something was ordered; none where the server knows no accounts."""
    try:
        names = _texts(client, client.get("/accounts/"))
    except RefusedError as error:
        if error.status == 404:
            return []
        raise
    return [name for name in names if _has_orders(client, name)]


def _has_orders(client: ApiClient, account: str) -> bool:
    answer = client.search("/trading/orders/search", {"account_names": [account], "limit": 1})
    return bool(listed(client, answer, "data"))


def _texts(client: ApiClient, answer: object) -> list[str]:
    if not isinstance(answer, list) or not all(isinstance(item, str) for item in answer):
        why = "answers with other fields than the API's: no list of names"
        raise UnreadableSourceError(client.address.uri, why, "check that this is a Hummingbot API")
    return sorted(answer)


def _read_archived(client: ApiClient, path: str) -> RawTables:
    """Tables of one archived database."""
    base = f"/archived-bots/{quote(path)}"
    tables: dict[str, list[Row]] = {}
    findings: list[Finding] = []
    for number, name in enumerate(FORMS):
        try:
            tables[name] = _table(client, base, name)
        except RefusedError as error:
            findings += _absent(client.address, path, name, error)
        say_share((number + 1) / (len(FORMS) + 1))
    findings += _lost(client.address.uri, tables)
    return raw_tables(
        client.address.uri, bot_name(Path(path)), tables, size_bytes=client.n_bytes, findings=findings
    )


def _table(client: ApiClient, base: str, name: str) -> list[Row]:
    if name not in _WHOLE:
        return by_offset(client, f"{base}/{name}", name, _PAGED[name])
    answer = client.get(f"{base}/{name}")
    rows = listed(client, answer, name)
    total = answer.get("total", len(rows))
    if total != len(rows):
        why = f"gives no whole table {name}: {len(rows)} rows came and it says it has {total}"
        raise UnreadableSourceError(client.address.uri, why, "open the database's file instead")
    return rows


def _absent(address: Address, path: str, name: str, error: RefusedError) -> list[Finding]:
    """What a refused table means: the bot had none, it cannot be read, or nothing can."""
    table = FORMS[name].table
    if name not in _ESSENTIAL:
        if _NO_TABLE in error.detail:
            return []
        return [Finding(
            table, "damaged_table", Severity.ERROR, f"table {table} could not be read: {error.why}",
            source=address.uri, effect="everything that needs it is missing", remedy=error.remedy,
        )]  # fmt: skip
    if error.status == 404 or "not found" in error.detail:
        raise UnreadableSourceError(
            address.uri, f"has no archived database {path}", f"fillbook check {address.base} lists none by it"
        ) from error
    if "not in index" in error.detail:
        raise UnreadableSourceError(
            address.uri, f"cannot be read through the API: its {table} is of before 2023",
            "open the database's file",
        ) from error  # fmt: skip
    raise error


def _lost(uri: str, tables: Mapping[str, list[Row]]) -> list[Finding]:
    """What the API does not hand out of a database."""
    trades = tables.get("trades", [])
    perpetual = any("_perpetual" in str(row.get("connector_name")) for row in trades)
    found = [Finding(
        "funding" if perpetual else "order_events", "api_tables",
        Severity.WARNING if perpetual else Severity.INFO,
        "the API hands out no funding payments, order events, quotes and orders in flight of a database",
        source=uri,
        effect="funding of perpetuals is in no number" if perpetual else "fewer metrics of orders",
        remedy="open the database's file",
    )]  # fmt: skip
    if trades:
        found.append(fees_lost(uri, trades))
    return found


def fees_lost(uri: str, trades: list[Row]) -> Finding:
    """Fees are in quote only, and those of 0 may be anything."""
    zero = sum(not row.get("trade_fee_in_quote") for row in trades)
    said = (
        f"; {counted(zero, 'fill')} with 0, which it also writes for none, have no known fee" if zero else ""
    )
    return Finding(
        "fills", "api_fees", Severity.WARNING,
        f"the API hands out fees in quote, as the bot converted them; the tokens are lost{said}",
        n_rows=zero or len(trades), source=uri,
        effect="a spot fee paid in base does not reduce the position",
        remedy="open the database's file",
    )  # fmt: skip


_READERS: Mapping[str, Callable[[ApiClient, str], RawTables]] = {
    ARCHIVED: _read_archived, ACCOUNTS: read_account, CANDLES: read_api_candles,
}  # fmt: skip
