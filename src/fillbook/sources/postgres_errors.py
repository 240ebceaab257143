"""What a failure of PostgreSQL or of the way to it means to a user, without a password in any word."""

from __future__ import annotations

import re
from typing import NamedTuple

from fillbook.errors import UnreadableSourceError
from fillbook.sources.postgres_address import Address

_ENCRYPTED = "sslmode=require encrypts; verify-full with sslrootcert=ca.pem checks the server as well"


class _Cause(NamedTuple):
    """Words of libpq, what they mean, and the way out."""

    words: str
    why: str
    remedy: str


_WAYS_IN = "set PGPASSWORD, ~/.pgpass or FILLBOOK_POSTGRESQL_PASSWORD, or name another user"
_CONNECTING = (
    _Cause("no password supplied", "asks for a password, and none is known", _WAYS_IN),
    _Cause("password authentication failed|SCRAM", "refuses the name or the password", _WAYS_IN),
    _Cause("could not translate host name", "is on a host that nobody knows", "check the host's name"),
    _Cause(
        "Connection refused|No such file or directory",
        "does not answer: nothing listens there",
        "start the server, or check host and port",
    ),
    _Cause(
        "timeout expired|timed out|No route to host|unreachable",
        "does not answer in time",
        "check host, port and firewall",
    ),
    _Cause(
        "does not support SSL",
        "does not speak TLS, and the address demands it",
        "sslmode=prefer allows plain",
    ),
    _Cause(
        "certificate|SSL|TLS",
        "cannot be spoken to over TLS",
        "name the authority that signed its certificate: sslrootcert=ca.pem",
    ),
    _Cause("no pg_hba.conf entry|pg_hba.conf rejects", "does not let you in from here", _ENCRYPTED),
    _Cause(
        r'database ".*" does not exist', "has no database of that name", "check the last part of the address"
    ),
    _Cause(
        r'role ".*" does not exist', "knows no user of that name", "write postgresql://user@host/database"
    ),
    _Cause(
        "too many clients|connection slots|too many connections",
        "has no connection left",
        "try again, or close others",
    ),
    _Cause("starting up|shutting down|recovery", "is not ready", "try again in a moment"),
    _Cause(
        'invalid connection option|invalid .* value|missing "="',
        "has an option libpq does not know",
        "see the options of libpq, and those in docs/sources.md",
    ),
)
_LOST = re.compile(
    "server closed the connection|terminating connection|no connection to the server|could not receive data|"
    "connection not open|SSL SYSCALL|Connection reset|Broken pipe|EOF detected|connection has been closed|"
    "could not send data|Connection timed out"
)
_NO_RIGHT, _ABSENT, _TOO_LONG = "42501", ("42P01", "42703"), "57014"


def not_connected(address: Address, error: Exception) -> UnreadableSourceError:
    """Error of a connection that could not be made."""
    text = _first(address, error)
    for cause in _CONNECTING:
        if re.search(cause.words, text):
            return UnreadableSourceError(address.uri, f"{cause.why} ({text})", cause.remedy)
    return UnreadableSourceError(address.uri, f"cannot be connected to ({text})", "check the address")


def not_read(address: Address, table: str, error: Exception) -> UnreadableSourceError:
    """Error of a table that could not be read."""
    text, state = _first(address, error), getattr(error, "sqlstate", None)
    if _LOST.search(text) or str(state or "").startswith(("08", "57P")):
        why = f"went away while table {table} was being read ({text})"
        return UnreadableSourceError(address.uri, why, "open it again; nothing of it was used")
    if state == _NO_RIGHT or "permission denied" in text:
        return no_right(address, table)
    if state in _ABSENT:
        why = f"is not a database as Hummingbot writes it: {text}"
        return UnreadableSourceError(address.uri, why, "open it as the bot left it")
    if state == _TOO_LONG:
        why = f"ended the reading of table {table} ({text})"
        return UnreadableSourceError(address.uri, why, "ask for less: from=2024-01-01&to=2024-02-01")
    return UnreadableSourceError(
        address.uri, f"cannot be read at table {table} ({text})", "see the server's log"
    )


def no_right(address: Address, table: str) -> UnreadableSourceError:
    """Error of a table that may not be read."""
    why = f"does not let you read table {table}"
    return UnreadableSourceError(address.uri, why, f'GRANT SELECT ON "{table}" TO your user')


def cut_short(address: Address, table: str, read: int, held: int) -> UnreadableSourceError:
    """Error of a table of which fewer rows came than it holds."""
    why = f"sent {read} of {held} rows of table {table}"
    return UnreadableSourceError(address.uri, why, "open it again; nothing of it was used")


def _first(address: Address, error: Exception) -> str:
    """First telling line of an error, without the query and the password."""
    text = address.clean(str(error)).replace("\n", " ").replace("\t", " ")
    text = re.sub(r"^[A-Z_]+: ", "", text)
    text = re.sub(r"^\[libpq\] ", "", text)
    text = re.sub(r"Failed to (connect|execute query)( '.*?')?: ", "", text)
    text = re.sub(r"(could not begin COPY|Execution error \[\w+\]): ", "", text)
    text = re.split(r" Query was:| LINE \d+:|\. SQLSTATE| Is the server running", text)[0]
    return re.sub(r"^(ERROR|FATAL): +", "", text.strip())
