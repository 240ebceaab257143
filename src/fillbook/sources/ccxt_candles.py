"""Candles of more than a hundred exchanges through ccxt.

``ccxt://binance_perpetual/ETH-USDT?interval=1m&from=2026-03-01``, with Hummingbot's names of venues.
``config=FILE`` names a JSON file of ccxt's own options, as a proxy or another host; keys in it are left
alone, since candles are public.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import polars as pl

from fillbook.errors import MissingExtraError, UnreadableSourceError
from fillbook.schema.raw import RawTables
from fillbook.sources.candle_feeds import CCXT, now_us, raw_candles, wanted_of
from fillbook.sources.candle_store import PER_REQUEST, SCHEMA
from fillbook.sources.credentials import without_secrets
from fillbook.sources.hummingbot import venue_of

ATTEMPTS = 4
FIRST_PAUSE_S = 1.0
_OPTIONS = frozenset({"interval", "from", "to", "config"})
_PERPETUAL = "_perpetual"
_KEYS = frozenset(
    {"apiKey", "secret", "uid", "login", "password", "twofa", "privateKey", "walletAddress", "token"}
)
_SAME: Mapping[str, str] = {  # Hummingbot's name of a venue → ccxt's, where they are not alike
    "ascend_ex": "ascendex", "binance_us": "binanceus", "btc_markets": "btcmarkets",
    "crypto_com": "cryptocom", "coinbase_advanced_trade": "coinbase", "gate_io": "gate", "huobi": "htx",
    "okex": "okx", "woo_x": "woo", "kraken_perpetual": "krakenfutures", "kucoin_perpetual": "kucoinfutures",
}  # fmt: skip


class CcxtCandles:
    """Candles of one pair on one exchange."""

    opens = "candles of exchanges through ccxt, kept so that none is asked for twice"
    example = "ccxt://binance/SOL-USDT?interval=1m&from=2026-03-01"
    extra, drivers = "ccxt", ("ccxt", "filelock")

    def __init__(self, uri: str) -> None:
        """Remember the address; nothing is asked yet."""
        self.uri = uri

    @classmethod
    def matches(cls, path: Path) -> bool:  # noqa: ARG003  (the scheme is its name)
        """Never a file."""
        return False

    def read(self) -> RawTables:
        """Candles of the period, from the kept ones and, where they lack some, from the exchange.

        Raises
        ------
        MissingExtraError
            ccxt is not installed.
        UnreadableSourceError
            The address means no market, or the exchange gives nothing.
        """
        shown, parts = without_secrets(self.uri), urlsplit(self.uri)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        if unknown := sorted(set(options) - _OPTIONS):
            why = f"has the option {unknown[0]}, which candles do not take"
            raise UnreadableSourceError(shown, why, f"options are {', '.join(sorted(_OPTIONS))}")
        path, now = unquote(f"{parts.netloc.rpartition('@')[2]}{parts.path}"), now_us()
        wanted = wanted_of(CCXT, path, options, uri=shown, now_us=now)
        asked = _Exchange(shown, wanted.market.connector, wanted.market.pair, options.get("config", ""))

        def fetch(start: int, end: int) -> pl.DataFrame:
            return asked.candles(wanted.interval, start, end)

        return raw_candles(wanted, fetch, shown, now=now)


class _Exchange:
    """One market of an exchange, loaded when something is asked."""

    def __init__(self, uri: str, connector: str, pair: str, config: str) -> None:
        self.uri, self.connector, self.pair, self.config = uri, connector, pair, config
        self._loaded: tuple[Any, str, float] | None = None

    def candles(self, interval: str, start_us: int, end_us: int) -> pl.DataFrame:
        """Candles of a stretch, from its beginning as many as the exchange gives at once."""
        exchange, symbol, size = self._market()
        rows = self._patient(
            lambda: exchange.fetch_ohlcv(symbol, interval, since=start_us // 1000, limit=PER_REQUEST),
        )
        columns = list(SCHEMA)
        held = [row[:6] for row in rows if row[0] is not None and start_us <= int(row[0]) * 1000 < end_us]
        frame = pl.DataFrame(
            [[int(row[0]) * 1000, *row[1:]] for row in held], orient="row",
            schema={name: SCHEMA[name] for name in columns[:6]}, strict=False,
        )  # fmt: skip
        volume = pl.col("volume_base") * size if size > 0.0 else pl.lit(None, dtype=pl.Float64)
        return frame.with_columns(
            volume_base=volume, volume_quote=pl.lit(None, dtype=pl.Float64)
        ).select(*SCHEMA)  # fmt: skip

    def _market(self) -> tuple[Any, str, float]:
        """Exchange, its symbol of the pair, and base per unit of volume; 0 where that is not known."""
        if self._loaded is None:
            exchange = self._exchange()
            self._patient(exchange.load_markets)
            if not exchange.has.get("fetchOHLCV"):
                raise UnreadableSourceError(self.uri, f"means {exchange.id}, which has no candles")
            if not exchange.markets:
                why = "is answered by the exchange with no market at all"
                raise UnreadableSourceError(self.uri, why, "try again later")
            self._loaded = exchange, *self._symbol(exchange)
        return self._loaded

    def _exchange(self) -> Any:  # noqa: ANN401  (ccxt is loaded when used)
        try:
            import ccxt  # noqa: PLC0415  (loads when used)
        except ImportError as error:
            raise MissingExtraError("ccxt", "candles of an exchange") from error
        venue = venue_of(self.connector)
        name = _SAME.get(venue) or _SAME.get(venue.removesuffix(_PERPETUAL)) or venue.removesuffix(_PERPETUAL)
        if name not in ccxt.exchanges:
            why = f"names the exchange {self.connector}, which ccxt does not know"
            raise UnreadableSourceError(self.uri, why, "https://docs.ccxt.com lists the exchanges")
        return getattr(ccxt, name)({"enableRateLimit": True, **self._config()})

    def _config(self) -> dict[str, Any]:
        if not self.config:
            return {}
        path = Path(os.path.expanduser(self.config))  # noqa: PTH111  (Path's own fails where there is no such user)
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            why = f"names a file of options that cannot be read: {self.config}"
            raise UnreadableSourceError(
                self.uri, why, "config= names a JSON file of ccxt's options"
            ) from error
        if not isinstance(held, dict):
            raise UnreadableSourceError(self.uri, f"names a file of options that is no object: {self.config}")
        return {name: value for name, value in held.items() if name not in _KEYS}

    def _symbol(self, exchange: Any) -> tuple[str, float]:  # noqa: ANN401
        """The exchange's market of the pair: spot, or the linear perpetual."""
        base, _, quote = self.pair.partition("-")
        is_perpetual = self.connector.endswith(_PERPETUAL)
        for symbol, market in exchange.markets.items():
            is_kind = (market.get("swap") and market.get("linear")) if is_perpetual else market.get("spot")
            if is_kind and market.get("base") == base and market.get("quote") == quote:
                size = float(market.get("contractSize") or 1.0) if is_perpetual else 1.0
                return str(symbol), 1.0 if size == 1.0 else 0.0  # contracts, or base: exchanges differ
        kind = "linear perpetual" if is_perpetual else "spot market"
        raise UnreadableSourceError(self.uri, f"means a {kind} {self.pair} that {exchange.id} does not have")

    def _patient(self, ask: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Answer of the exchange, asked again where it was the network's fault."""
        import ccxt  # noqa: PLC0415  (loaded before)

        for attempt in range(1, ATTEMPTS + 1):
            try:
                return ask()
            except ccxt.NetworkError as error:
                if attempt == ATTEMPTS:
                    why = f"is not answered by the exchange ({type(error).__name__}), asked {attempt} times"
                    raise UnreadableSourceError(self.uri, why, "try again later") from error
                time.sleep(FIRST_PAUSE_S * 2 ** (attempt - 1))
            except ccxt.BaseError as error:
                why = f"is refused by the exchange ({type(error).__name__})"
                raise UnreadableSourceError(self.uri, why, "check pair, exchange and period") from error
            except (TypeError, ValueError, LookupError, AttributeError) as error:  # ccxt reads it as it comes
                why = f"is answered by the exchange with what ccxt cannot read ({type(error).__name__})"
                raise UnreadableSourceError(self.uri, why, "a newer ccxt may") from error
        raise AssertionError  # the last attempt returns or raises
