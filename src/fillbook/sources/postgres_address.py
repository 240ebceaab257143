"""Address of a PostgreSQL database: where it is, who logs in, and which rows are asked for.

``postgresql://user@host:5432/database?sslmode=verify-full&sslrootcert=ca.pem&bot=conf_a.yml&from=2024-01-01``:
what libpq does not know (`OWN`) says which rows; everything else goes to libpq as it is, and what the address
leaves out libpq takes from its environment (``PGPASSWORD``, ``~/.pgpass``, ``PGSSLMODE``, …).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit, urlunsplit

from fillbook.errors import UnreadableSourceError
from fillbook.sources.credentials import Credentials, credentials_for, without_secrets

OWN = ("bot", "split", "tables", "from", "to")
BOTS, SERVER = "hummingbot", "api"  # whose tables: those of bots, or those of Hummingbot's API server
_PATIENCE: Mapping[str, str] = {  # a server that does not answer is not waited for
    "connect_timeout": "10", "keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3",
    "tcp_user_timeout": "60000", "application_name": "fillbook", "client_encoding": "UTF8",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Address:
    """An address taken apart.

    Parameters
    ----------
    uri
        As it may be shown.
    options
        What libpq is told, without the password.
    credentials
        Name and password; its `repr` hides the password.
    database
        Name of the database; empty where libpq's default is meant.
    bot
        The one bot (its config) or account that is asked for; empty for all.
    is_split
        Whether several bots in it are several sources.
    tables
        Whose tables: `BOTS`, `SERVER`, or empty where the database tells.
    start, end
        Period asked for, half-open; None where it is open.
    """

    uri: str
    options: Mapping[str, str]
    credentials: Credentials = field(repr=False)
    database: str = ""
    bot: str = ""
    is_split: bool = True
    tables: str = ""
    start: datetime | None = None
    end: datetime | None = None

    def conninfo(self) -> str:
        """Connection string of libpq; it holds the password."""
        named = {**_PATIENCE, **self.options}
        if self.credentials.username:
            named["user"] = self.credentials.username
        if self.credentials.password:
            named["password"] = self.credentials.password
        return " ".join(f"{name}='{_quoted(value)}'" for name, value in named.items())

    def clean(self, text: str) -> str:
        """A text of the driver without the password."""
        secret = self.credentials.password
        for shown in (secret, _quoted(secret), quote(secret), quote(secret, safe="")):
            text = text.replace(shown, "***") if shown else text
        return text


def address_of(uri: str) -> Address:
    """Address of `uri`.

    Raises
    ------
    UnreadableSourceError
        It is none: a port that is no number, an option that means nothing.
    """
    shown, parts = without_secrets(uri), _parts(uri)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    own = {name: query.pop(name) for name in OWN if name in query}
    password = query.pop("password", "")
    found = credentials_for(urlunsplit(("postgresql", parts.netloc, "", "", "")))
    credentials = Credentials(query.pop("user", "") or found.username, password or found.password)
    database = unquote(parts.path.lstrip("/"))
    named = {"host": unquote(parts.hostname or ""), "port": str(parts.port or ""), "dbname": database}
    options = {name: value for name, value in named.items() if value} | query
    if any("\0" in value for value in (*options.values(), credentials.username, credentials.password)):
        raise UnreadableSourceError(shown, "holds a NUL character", "check the address")
    return Address(
        shown, options, credentials, options.get("dbname", ""), own.get("bot", ""),
        _is_split(shown, own.get("split", "yes")), _whose(shown, own.get("tables", "")),
        _moment(shown, "from", own.get("from", "")), _moment(shown, "to", own.get("to", "")),
    )  # fmt: skip


def _parts(uri: str) -> SplitResult:
    """Parts of an address, whose port is a number and whose password has no sign that ends it early."""
    try:
        parts = urlsplit(uri)
        is_clear = parts.port is None or parts.port > 0
    except ValueError:
        is_clear = False
    else:
        rest = [
            parts.path,
            parts.fragment,
            *(name for name, _ in parse_qsl(parts.query, keep_blank_values=True)),
        ]
        is_clear = is_clear and not any("@" in part for part in rest)
    if is_clear:
        return parts
    remedy = "write postgresql://user@host:5432/database, and @ / ? # of a password as %40 %2F %3F %23"
    raise UnreadableSourceError(without_secrets(uri), "is no address of a database", remedy)


def with_option(uri: str, **options: str) -> str:
    """`uri` with further options.

    >>> with_option("postgresql://db.example/bots?sslmode=require", bot="conf a.yml")
    'postgresql://db.example/bots?sslmode=require&bot=conf%20a.yml'
    """
    named = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
    return f"{uri}{'&' if '?' in uri else '?'}{named}"


def _quoted(value: str) -> str:
    """Value between quotes of a connection string."""
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _is_split(uri: str, text: str) -> bool:
    if text not in ("yes", "no"):
        why = f"asks for split={text}"
        raise UnreadableSourceError(
            uri, why, "split=no takes all bots of a database as one; split=yes does not"
        )
    return text == "yes"


def _whose(uri: str, text: str) -> str:
    if text not in ("", BOTS, SERVER):
        why = f"asks for tables={text}"
        raise UnreadableSourceError(uri, why, f"tables={BOTS} or tables={SERVER} (Hummingbot's API server)")
    return text


def _moment(uri: str, name: str, text: str) -> datetime | None:
    """UTC time of an option; a date means its midnight."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        why = f"asks for {name}={text}, which is no time"
        remedy = f"write {name}=2024-01-31 or {name}=2024-01-31T12:00:00Z"
        raise UnreadableSourceError(uri, why, remedy) from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
