"""Reading a table of the Hummingbot API to its end, or saying why that is not possible."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fillbook.errors import UnreadableSourceError
from fillbook.sources.api_client import ApiClient

PAGE_ROWS = 5_000  # the server reads the whole table for each page
CURSOR_ROWS = 1_000  # the most it takes
_READINGS = 3
_OTHER = "has it another version? fillbook reads that of 2026"

Row = dict[str, Any]
Key = Callable[[Row], Hashable]


def told_apart_by(*names: str) -> Key:
    """What tells rows apart: the words in some of their columns."""
    return lambda row: tuple(str(row.get(name)) for name in names)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one answer, and how many the server says there are in all; None where it does not say."""

    rows: list[Row]
    total: int | None


def listed(client: ApiClient, answer: object, name: str) -> list[Row]:
    """Rows that an answer holds under `name`.

    Raises
    ------
    UnreadableSourceError
        It holds none: the server speaks otherwise than the API does.
    """
    found = answer.get(name) if isinstance(answer, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        why = f"answers with other fields than the API's: no list of rows under {name!r}"
        raise UnreadableSourceError(client.address.uri, why, _OTHER)
    return found


def by_offset(client: ApiClient, path: str, name: str, key: Key) -> list[Row]:
    """Every row of a table that is paged by ``limit`` and ``offset``, each once, in the server's order.

    Parameters
    ----------
    client, path, name
        Whom to ask, for what, and under which name the rows come.
    key
        What tells two rows apart.

    Raises
    ------
    UnreadableSourceError
        Refused, of another form, or other rows at every reading.
    """

    def pages() -> Iterator[Page]:
        offset = 0
        while True:
            answer = client.get(path, limit=PAGE_ROWS, offset=offset)
            rows = listed(client, answer, name)
            paging = _paging(client, answer)
            yield Page(rows, _whole(paging.get("total")))
            offset += len(rows)
            if not rows or not paging.get("has_more"):
                return

    return settled(client, name, pages, key)


def by_cursor(client: ApiClient, path: str, body: Mapping[str, object], key: Key) -> list[Row]:
    """Every row of a search that is paged by a cursor; arguments, order and errors as `by_offset`.

    Only the first page's total counts: those of later pages may be of what is left.
    """

    def pages() -> Iterator[Page]:
        cursor: object = None
        seen: set[object] = set()
        while True:
            asked = {**body, "limit": CURSOR_ROWS, **({"cursor": cursor} if cursor else {})}
            answer = client.search(path, asked)
            rows = listed(client, answer, "data")
            paging = _paging(client, answer)
            yield Page(rows, None if seen else _whole(paging.get("total_count")))
            cursor = paging.get("next_cursor")
            if not paging.get("has_more"):
                return
            if not cursor or cursor in seen:
                why = f"says that there is more under {path} and not where"
                raise UnreadableSourceError(client.address.uri, why, _OTHER)
            seen.add(cursor)

    return settled(client, path, pages, key)


def settled(client: ApiClient, name: str, pages: Callable[[], Iterable[Page]], key: Key) -> list[Row]:
    """Rows of the first reading in which none came twice and none is missing.

    Raises
    ------
    UnreadableSourceError
        There was no such reading.
    """
    trouble = ""
    for _ in range(_READINGS):
        rows, trouble = _joined(pages(), key)
        if not trouble:
            return rows
    raise UnreadableSourceError(
        client.address.uri, f"gives no whole table {name}, read {_READINGS} times: {trouble}",
        "try again when nothing writes, or open the database's file",
    )  # fmt: skip


def _joined(pages: Iterable[Page], key: Key) -> tuple[list[Row], str]:
    """Rows of all pages, and what is wrong with them."""
    rows: list[Row] = []
    totals: set[int] = set()
    keys: set[Hashable] = set()
    for page in pages:
        rows += page.rows
        keys.update(map(key, page.rows))
        totals |= {page.total} if page.total is not None else set()
        if len(keys) != len(rows):
            return rows, f"{len(rows) - len(keys)} of {len(rows)} rows came twice"
    if len(totals) > 1:
        return rows, f"its number of rows changed from {min(totals)} to {max(totals)} meanwhile"
    if totals and len(rows) != max(totals):
        return rows, f"{len(rows)} rows came and it says it has {max(totals)}"
    return rows, ""


def _paging(client: ApiClient, answer: Any) -> Mapping[str, object]:  # noqa: ANN401
    found = answer.get("pagination")
    if not isinstance(found, Mapping) or "has_more" not in found:
        why = "answers with other fields than the API's: it does not say whether there is more"
        raise UnreadableSourceError(client.address.uri, why, _OTHER)
    return found


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def moment_of(uri: str, row: Row, column: str) -> datetime:
    """Time of a row; without a zone it is UTC."""
    try:
        at = datetime.fromisoformat(str(row.get(column)))
    except ValueError as error:
        why = f"answers with a {column} that is no time: {row.get(column)!r}"
        raise UnreadableSourceError(
            uri, why, "has it another version? fillbook reads that of 2026"
        ) from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
