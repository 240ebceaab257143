"""Candles of a venue by address, from a Hummingbot API or by ccxt, kept so that none is asked for twice.

``hummingbot-api://host:8000/candles/<connector>/<BASE-QUOTE>?interval=1m&from=2026-03-01&to=2026-04-01`` and
``ccxt://<connector>/<BASE-QUOTE>?…``, both with Hummingbot's names of venues.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.schema.raw import RawTables, SourceInfo
from fillbook.sources.api_client import SCHEME, TLS_SCHEME, ApiClient, RefusedError
from fillbook.sources.candle_files import INTERVALS
from fillbook.sources.candle_store import SCHEMA, US, Fetch, Kept, Market, candles_of, holes
from fillbook.sources.credentials import without_secrets
from fillbook.sources.hummingbot import us_to_utc
from fillbook.sources.sqlite_trades import canonical

PATH, CCXT = "candles", "ccxt"
_REMEDY = "write …/binance/BTC-USDT?interval=1m&from=2026-03-01&to=2026-04-01"
_QUESTION = "/market-data/historical-candles"
_LAST_S, _HUGE = 253_402_300_799.0, 1e300  # the last second of a calendar, and what a price never is
_API_COLUMNS: Mapping[str, str] = {
    "timestamp": "at", "open": "open_quote", "high": "high_quote", "low": "low_quote", "close": "close_quote",
    "volume": "volume_base", "quote_asset_volume": "volume_quote",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """Candles that an address asks for: open times from `start_us` up to and without `end_us`."""

    market: Market
    interval: str
    start_us: int
    end_us: int


def wanted_of(provider: str, path: str, options: Mapping[str, str], *, uri: str, now_us: int) -> Wanted:
    """Market, interval and period of an address.

    Parameters
    ----------
    provider
        From whom the candles come.
    path, options
        ``<connector>/<BASE-QUOTE>``, and what follows the question mark.
    uri
        As it may be shown.
    now_us
        End where none is named.

    Raises
    ------
    UnreadableSourceError
        One of them is missing or is none.
    """
    connector, _, pair = path.rpartition("/")
    base, dash, counter = pair.partition("-")
    if not (connector and base and dash and counter):
        raise UnreadableSourceError(uri, "names no exchange and pair", _REMEDY)
    interval = options.get("interval") or "1m"
    if interval not in INTERVALS:
        why = f"has the interval {interval}, which is none of {', '.join(INTERVALS)}"
        raise UnreadableSourceError(uri, why, _REMEDY)
    start = _moment(options.get("from", ""), "from", uri)
    end = _moment(options["to"], "to", uri) if options.get("to") else now_us
    if start >= end:
        raise UnreadableSourceError(uri, "names an empty period", _REMEDY)
    return Wanted(Market(provider, connector, pair.upper(), INTERVALS[interval]), interval, start, end)


def candle_address(
    via: str, connector: str, pair: str, start: datetime, end: datetime, *, interval: str = "1m"
) -> str:
    """Address of a market's candles at a provider: ``ccxt``, or a Hummingbot API.

    >>> at = datetime(2026, 3, 1, tzinfo=UTC)
    >>> candle_address("ccxt", "binance", "BTC-USDT", at, at.replace(day=2))
    'ccxt://binance/BTC-USDT?interval=1m&from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z'

    Raises
    ------
    UnreadableSourceError
        No provider of candles.
    """
    parts = urlsplit(via if "://" in via else f"{via}://")
    spans = {name: at.strftime("%Y-%m-%dT%H:%M:%SZ") for name, at in (("from", start), ("to", end))}
    options = {**dict(parse_qsl(parts.query)), "interval": interval, **spans}
    where = f"{quote(connector, safe='/')}/{quote(pair)}"
    query = urlencode(options, safe=":/")
    if parts.scheme == CCXT:
        return f"{CCXT}://{where}?{query}"
    if parts.scheme in (SCHEME, TLS_SCHEME):
        return urlunsplit(parts._replace(path=f"/{PATH}/{where}", query=query))
    raise UnreadableSourceError(
        without_secrets(via), "gives no candles", f"candles come from {CCXT} or {SCHEME}://host:8000"
    )


def _moment(text: str, name: str, uri: str) -> int:
    """Microseconds since 1970 of a date or an ISO time; without a zone it is UTC."""
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))  # an address turns + into a blank
    except ValueError as error:
        why = f"has {name}={text}, which is no time" if text else "does not say from when"
        raise UnreadableSourceError(uri, why, _REMEDY) from error
    plain = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return round(plain.timestamp() * US)


def now_us() -> int:
    """Microseconds since 1970 by the computer's clock."""
    return time.time_ns() // 1000


def raw_candles(wanted: Wanted, fetch: Fetch, uri: str, *, now: int) -> RawTables:
    """Canonical candles of what an address asks for.

    Parameters
    ----------
    wanted, fetch, uri, now
        What, from whom, by which address, and when.

    Raises
    ------
    UnreadableSourceError
        Nothing could be fetched and nothing is kept, or there is nothing.
    """
    kept = candles_of(wanted.market, wanted.start_us, wanted.end_us, fetch, uri=uri, now_us=now)
    market = wanted.market
    if kept.rows.is_empty():
        why = f"has no closed candle of {market.pair} on {market.connector} in that period"
        raise UnreadableSourceError(uri, why, "check pair, exchange and period")
    candles = _canonical(kept.rows, market)
    info = SourceInfo(
        uri=uri, kind="candles", bot=f"{market.connector}_{market.pair}_{wanted.interval}",
        schema_version=None, layout=f"candles of {market.interval_s:g} s from {market.provider}",
        size_bytes=int(candles.estimated_size()), sha256=_sha256(market, kept),
        rows={"candles": candles.height},
    )  # fmt: skip
    return RawTables(info, {"candles": candles}, findings=(*kept.findings, *holes(kept.rows, market, uri)))


def _canonical(rows: pl.DataFrame, market: Market) -> pl.DataFrame:
    numbered = rows.with_row_index("row", offset=1).with_columns(pl.col("row").cast(pl.Int64))
    return canonical(
        "candles", numbered, connector=pl.lit(market.connector), pair=pl.lit(market.pair),
        interval_s=pl.lit(float(market.interval_s)), at=us_to_utc(pl.col("at")),
        **{name: pl.col(name) for name in SCHEMA if name != "at"},
    )  # fmt: skip


def _sha256(market: Market, kept: Kept) -> str:
    found = hashlib.sha256(repr(market).encode())
    found.update(kept.rows.write_csv().encode())
    return found.hexdigest()


def read_api_candles(client: ApiClient, path: str) -> RawTables:
    """Candles of a venue as a Hummingbot API fetches them."""
    uri, now = client.address.uri, now_us()
    wanted = wanted_of("hummingbot-api", path, client.address.options, uri=uri, now_us=now)

    def fetch(start: int, end: int) -> pl.DataFrame:
        body = {
            "connector_name": wanted.market.connector, "trading_pair": wanted.market.pair,
            "interval": wanted.interval, "start_time": start // US, "end_time": end // US - 1,
        }  # fmt: skip
        try:
            answer = client.search(_QUESTION, body)
        except RefusedError as error:
            if error.status == 404 and "No historical data" in error.detail:
                return pl.DataFrame(schema=SCHEMA)
            raise
        return _rows(answer, uri)

    return raw_candles(wanted, fetch, uri, now=now)


def _rows(answer: object, uri: str) -> pl.DataFrame:
    """Candles of the API's answer."""
    if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
        raise UnreadableSourceError(uri, "answers with other fields than the API's: no list of candles")
    if not answer:
        return pl.DataFrame(schema=SCHEMA)
    if missing := [name for name in ("timestamp", "open", "high", "low", "close") if name not in answer[0]]:
        raise UnreadableSourceError(
            uri, f"answers with other fields than the API's: no {', '.join(missing)} in its candles"
        )
    held = {ours: [_number(row.get(theirs)) for row in answer] for theirs, ours in _API_COLUMNS.items()}
    times = held.pop("at")
    if any(seconds is None or abs(seconds) > _LAST_S for seconds in times):
        raise UnreadableSourceError(uri, "answers with a candle whose time is none")
    at = [round(seconds * US) for seconds in times if seconds is not None]
    return pl.DataFrame({"at": at, **held}, schema={name: SCHEMA[name] for name in ("at", *held)})


def _number(value: object) -> float | None:
    """A number of JSON; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and abs(value) < _HUGE else None
