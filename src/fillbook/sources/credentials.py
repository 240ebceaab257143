"""Who logs in where: names and passwords of servers, never shown.

A password may stand in the address, in the environment, or in a file that only its owner may read; nothing
that fillbook says, logs, links or writes carries it (`without_secrets`).
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fillbook.errors import UnreadableSourceError

HIDDEN = "***"
SECRETS_FILE = "~/.config/fillbook/secrets.toml"
_USERINFO = re.compile(r"(?<=://).*(?=@)")
_SECRET_OPTION = re.compile(
    r"([?&][^=?&]*(?:password|passwd|pwd|token|secret|api_?key)[^=&]*=)[^&]*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Name and password for a server; empty where none is known. Its `repr` hides the password."""

    username: str = ""
    password: str = field(default="", repr=False)


def without_secrets(uri: str) -> str:
    """An address as it may be shown: passwords and tokens are stars.

    >>> without_secrets("postgresql://me:hush@db.example/bot?sslmode=require")
    'postgresql://me:***@db.example/bot?sslmode=require'
    >>> without_secrets("bots/a.sqlite")
    'bots/a.sqlite'
    """
    if "://" not in uri:
        return uri
    named = _USERINFO.sub(lambda found: _hidden(found.group()), uri)
    return _SECRET_OPTION.sub(rf"\g<1>{HIDDEN}", named)


def refuse_secrets(uri: str) -> None:
    """Stop where an address carries a password that a link, or a list of processes, would show.

    Raises
    ------
    UnreadableSourceError
        It carries one.
    """
    if without_secrets(uri) != uri:
        raise UnreadableSourceError(
            without_secrets(uri), "carries a password, which links of the page would show",
            f"leave it out, and write it into {SECRETS_FILE} or FILLBOOK_<SCHEME>_PASSWORD",
        )  # fmt: skip


def _hidden(userinfo: str) -> str:
    name, colon, _ = userinfo.partition(":")
    return f"{name}:{HIDDEN}" if colon else name


def linkable(uri: str) -> str:
    """An address for a link or a name: without its passwords and tokens, which are looked for elsewhere.

    >>> linkable("postgresql://me:hush@db.example/bot?sslmode=require&password=x")
    'postgresql://me@db.example/bot?sslmode=require'
    >>> linkable("bots/a.sqlite")
    'bots/a.sqlite'
    """
    shown = without_secrets(uri)
    if "://" not in shown:
        return shown
    place, mark, options = shown.replace(f":{HIDDEN}@", "@").partition("?")
    kept = [option for option in options.split("&") if not option.endswith(f"={HIDDEN}")]
    return f"{place}{mark if kept[0] else ''}{'&'.join(kept)}" if kept else place


def credentials_for(uri: str) -> Credentials:
    """Name and password for the server of `uri`.

    Looked for, the first that has one: the address itself; ``FILLBOOK_<SCHEME>_USERNAME`` and
    ``FILLBOOK_<SCHEME>_PASSWORD`` (``FILLBOOK_HUMMINGBOT_API_PASSWORD``); the table
    ``["scheme://host:port"]`` or ``["scheme://host"]`` with ``username`` and ``password`` in the file that
    ``FILLBOOK_SECRETS`` names, else in ``~/.config/fillbook/secrets.toml``.

    Raises
    ------
    UnreadableSourceError
        The file of secrets is no TOML, or others than its owner may read it.
    """
    parts = urlsplit(uri)
    filed = _from_file(f"{parts.scheme}://{parts.hostname or ''}", _port(uri))
    prefix = f"FILLBOOK_{parts.scheme.upper().replace('-', '_').replace('+', '_')}_"
    places = (
        (unquote(parts.username or ""), unquote(parts.password or "")),
        (os.environ.get(f"{prefix}USERNAME", ""), os.environ.get(f"{prefix}PASSWORD", "")),
        (filed.username, filed.password),
    )
    username = next((name for name, _ in places if name), "")
    return Credentials(username, next((secret for _, secret in places if secret), ""))


def _port(uri: str) -> int | None:
    try:
        return urlsplit(uri).port
    except ValueError as error:
        raise UnreadableSourceError(without_secrets(uri), "names no port", "write host:5432") from error


def _from_file(host: str, port: int | None) -> Credentials:
    path = Path(os.path.expanduser(os.environ.get("FILLBOOK_SECRETS", SECRETS_FILE)))  # noqa: PTH111  (as `plain_path`)
    if not path.is_file():
        return Credentials()
    if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        raise UnreadableSourceError(
            str(path), "holds passwords and may be read by others", f"chmod 600 {path}"
        )
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        remedy = '["postgresql://db.example"], then username = "…" and password = "…"'
        raise UnreadableSourceError(str(path), "is no TOML file of secrets", remedy) from error
    table = tables.get(f"{host}:{port}") or tables.get(host) or {}
    return Credentials(str(table.get("username", "")), str(table.get("password", "")))
