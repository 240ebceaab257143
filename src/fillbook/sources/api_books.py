"""What a Hummingbot API keeps of its bots beside their trades: when they ran, and what the accounts held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.sources.api import archived_databases
from fillbook.sources.api_client import ApiClient, address_of
from fillbook.sources.api_paging import CURSOR_ROWS, Page, Row, listed, moment_of, settled, told_apart_by

_RUNS, _HISTORY = "/bot-orchestration/bot-runs", "/portfolio/history"
_AT = pl.Datetime("us", "UTC")
RUN_SCHEMA: Mapping[str, pl.DataType] = {
    "bot": pl.String(), "instance": pl.String(), "deployed_at": _AT, "stopped_at": _AT,
    "strategy_type": pl.String(), "strategy": pl.String(), "config": pl.String(), "account": pl.String(),
    "image": pl.String(), "deployment_status": pl.String(), "run_status": pl.String(), "error": pl.String(),
    "archived": pl.String(),
}  # fmt: skip
BALANCE_SCHEMA: Mapping[str, pl.DataType] = {
    "at": _AT, "account": pl.String(), "connector": pl.String(), "token": pl.String(), "units": pl.Float64(),
    "price": pl.Float64(), "value": pl.Float64(),
}  # fmt: skip
_THEIRS = {
    "bot": "bot_name", "instance": "instance_name", "strategy": "strategy_name", "config": "config_name",
    "account": "account_name", "image": "image_version", "error": "error_message",
}  # fmt: skip


def bot_runs(uri: str) -> pl.DataFrame:
    """Every run of a bot that a Hummingbot API started, the newest first.

    Parameters
    ----------
    uri
        ``hummingbot-api://host:8000``.

    Returns
    -------
    polars.DataFrame
        `RUN_SCHEMA`: names, times in UTC (null where it runs or is not known), states in the API's words, and
        the path of the archived database, null where there is none.

    Raises
    ------
    UnreadableSourceError
        The server cannot be asked, or gives no whole table.
    """
    with ApiClient.opened(address_of(uri)) as client:
        rows = settled(client, _RUNS, lambda: _pages(client), told_apart_by("id"))
        paths = archived_databases(client)
    places = {part: path for path in reversed(paths) for part in PurePosixPath(path).parts[:-1]}
    shown = client.address.uri
    return pl.DataFrame([
        {
            **{name: _text(row.get(_THEIRS.get(name, name))) for name in RUN_SCHEMA},
            "deployed_at": _time(shown, row, "deployed_at"), "stopped_at": _time(shown, row, "stopped_at"),
            "archived": places.get(str(row.get("instance_name"))) or places.get(str(row.get("bot_name"))),
        }
        for row in rows
    ], schema=RUN_SCHEMA)  # fmt: skip


def _pages(client: ApiClient) -> Iterator[Page]:
    """Pages of runs: the server states the rows of the page as its total, and not whether there is more."""
    offset = 0
    while True:
        rows = listed(client, client.get(_RUNS, limit=CURSOR_ROWS, offset=offset), "data")
        yield Page(rows, None)
        offset += len(rows)
        if len(rows) < CURSOR_ROWS:
            return


def portfolio_history(uri: str) -> pl.DataFrame:
    """What the accounts of a Hummingbot API held, as it looked every few minutes, by time.

    Prices and values are the API's, in its own currency (USDT if it is not set otherwise); they are shown,
    and no number of a bot is computed from them.

    Parameters
    ----------
    uri
        ``hummingbot-api://host:8000``.

    Returns
    -------
    polars.DataFrame
        `BALANCE_SCHEMA`, a row a minute, account, venue and token; null where the API writes no number.

    Raises
    ------
    UnreadableSourceError
        The server cannot be asked, or gives no whole table.
    """
    with ApiClient.opened(address_of(uri)) as client:
        found = _states(client)
        rows = [
            _balance(at, account, connector, token)
            for (at, account, connector), tokens in sorted(found.items())
            for token in tokens
        ]
    return pl.DataFrame(rows, schema=BALANCE_SCHEMA, orient="row")


def _states(client: ApiClient) -> dict[tuple[datetime, str, str], list[Row]]:
    """Tokens by minute, account and venue.

    The server counts rows and calls them minutes, so where it has several venues it says that there is no
    more when there is. Each window therefore ends with the oldest minute of the one before, which it must
    hold again, until none is older.
    """
    found: dict[tuple[datetime, str, str], list[Row]] = {}
    end: datetime | None = None
    while True:
        body: dict[str, object] = {"limit": CURSOR_ROWS, "interval": "5m"}
        if end is not None:
            body["end_time"] = int((end + timedelta(seconds=60)).timestamp() * 1000) - 1
        rows = listed(client, client.search(_HISTORY, body), "data")
        minutes = [moment_of(client.address.uri, row, "timestamp") for row in rows]
        if end is not None and end not in minutes:
            why = f"gives not all rows of {_HISTORY}: two windows of time do not meet"
            raise UnreadableSourceError(client.address.uri, why, "open the API's database: postgresql://…")
        for at, row in zip(minutes, rows, strict=True):
            found |= _held(client, at, row)
        oldest = min(minutes, default=None)
        if oldest is None or oldest == end:
            break
        end = oldest
    if sum(at == end for at, _, _ in found) > CURSOR_ROWS:
        why = f"gives not all rows of {_HISTORY}: more than {CURSOR_ROWS} of one minute"
        raise UnreadableSourceError(client.address.uri, why, "open the API's database: postgresql://…")
    return found


def _held(client: ApiClient, at: datetime, row: Row) -> dict[tuple[datetime, str, str], list[Row]]:
    """Tokens of one minute by account and venue."""
    try:
        return {
            (at, str(account), str(connector)): [dict(token) for token in tokens]
            for account, connectors in row["state"].items()
            for connector, tokens in connectors.items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        why = "answers with other fields than the API's: no balances by account and exchange"
        raise UnreadableSourceError(client.address.uri, why, "has it another version?") from error


def _balance(at: datetime, account: str, connector: str, token: Row) -> tuple[object, ...]:
    return at, account, connector, _text(token.get("token")), *(
        _number(token.get(name)) for name in ("units", "price", "value")
    )  # fmt: skip


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None  # type: ignore[arg-type]


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _time(uri: str, row: Row, column: str) -> datetime | None:
    return moment_of(uri, row, column).astimezone(UTC) if row.get(column) else None
