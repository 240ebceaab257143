"""A first look at files, without reading their rows: what each is, and whether it can be opened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fillbook.errors import UnreadableSourceError
from fillbook.sources.base import bot_name, checked_path, expand, open_source, scheme_of
from fillbook.sources.credentials import without_secrets
from fillbook.sources.sqlite import HummingbotDatabase
from fillbook.sources.sqlite_reading import is_sqlite, opened

_COUNTED = {"TradeFill": "fills", "trades": "fills", "Order": "orders", "orders": "orders"}


@dataclass(frozen=True, slots=True)
class Glance:
    """One file or address.

    Parameters
    ----------
    uri
        Its address; `shown` is the same without passwords.
    bot
        What its bot would be called.
    size_bytes
        None of an address.
    rows
        Fills and orders of a database; None where only reading tells.
    why, remedy
        Why it cannot be opened and the way out; empty where it can.
    """

    uri: str
    shown: str
    bot: str
    size_bytes: int | None
    rows: dict[str, int] | None
    why: str = ""
    remedy: str = ""

    @property
    def is_healthy(self) -> bool:
        """Whether it looks as if it can be read; reading it may still find it damaged further in."""
        return not self.why


def glances(uris: Iterable[str]) -> list[Glance]:
    """Every file behind the addresses, in their order, each once.

    >>> [(seen.shown, seen.why) for seen in glances(["nowhere.sqlite"])]
    [('nowhere.sqlite', 'there is no such file')]
    """
    found: dict[str, Glance] = {}
    for uri in uris:
        try:
            for path in expand(uri):
                if path not in found:
                    found[path] = _glance(path)
        except UnreadableSourceError as error:
            found[uri] = Glance(uri, without_secrets(uri), "", None, None, error.why, error.remedy)
    return list(found.values())


def _glance(uri: str) -> Glance:
    shown = without_secrets(uri)
    if scheme_of(uri):
        return Glance(uri, shown, "", None, None)
    bot, size = bot_name(Path(uri)), None
    try:
        path = checked_path(uri)
        size = path.stat().st_size
        source = open_source(uri)
        is_database = is_sqlite(path) or isinstance(source, HummingbotDatabase)
        return Glance(uri, shown, bot, size, _counts(uri, path) if is_database else None)
    except UnreadableSourceError as error:
        return Glance(uri, shown, bot, size, None, error.why, error.remedy)


def _counts(uri: str, path: Path) -> dict[str, int]:
    """Fills and orders of a database.

    Raises
    ------
    UnreadableSourceError
        It is damaged, or of somebody else.
    """
    if not is_sqlite(path):
        remedy = "a bot's database begins with the words SQLite format 3; copy it again"
        raise UnreadableSourceError(uri, "is not a SQLite database", remedy)
    with opened(uri, path) as database:
        held = {_COUNTED[table]: n for table, n in database.counts.items() if table in _COUNTED}
        if held:
            return held
        tables = ", ".join(sorted(database.columns)) or "no table at all"
    raise UnreadableSourceError(
        uri, f"is not a Hummingbot database: it holds {tables}", "it needs the tables TradeFill and Order"
    )
