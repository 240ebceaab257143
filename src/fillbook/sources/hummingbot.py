"""What Hummingbot calls things: enums, schema versions, connectors, ids. Written down once, here."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from fillbook.conventions import MarketType

SCALE = 1_000_000  # SqliteDecimal(6): what a BIGINT price or amount was multiplied by
KNOWN_VERSIONS = frozenset({"20190614", "20210118", "20210119", "20220130", "20230516"})

CLOSE_TYPES: Mapping[int, str] = {
    1: "TIME_LIMIT", 2: "STOP_LOSS", 3: "TAKE_PROFIT", 4: "EXPIRED", 5: "EARLY_STOP",
    6: "TRAILING_STOP", 7: "INSUFFICIENT_BALANCE", 8: "FAILED", 9: "COMPLETED", 10: "POSITION_HOLD",
}  # fmt: skip
RUNNABLE_STATUS: Mapping[int, str] = {
    1: "NOT_STARTED", 2: "RUNNING", 3: "SHUTTING_DOWN", 4: "TERMINATED",
}  # fmt: skip
ORDER_TYPES = frozenset({"MARKET", "LIMIT", "LIMIT_MAKER", "AMM_SWAP", "AMM_ADD", "AMM_REMOVE"})
ORDER_EVENTS = frozenset({
    "BuyOrderCreated", "SellOrderCreated", "OrderFilled", "BuyOrderCompleted", "SellOrderCompleted",
    "OrderCancelled", "OrderExpired", "OrderFailure",
})  # fmt: skip
POSITION_ACTIONS = frozenset({"OPEN", "CLOSE", "NIL"})
SIDES: Mapping[str, int] = {"BUY": 1, "SELL": -1, "1": 1, "2": -1, "LONG": 1, "SHORT": -1}

_ALIASES: Mapping[str, str] = {
    "WETH": "ETH", "WBNB": "BNB", "WMATIC": "MATIC", "WAVAX": "AVAX", "WONE": "ONE", "WBTC": "BTC",
    "WFTM": "FTM", "WSOL": "SOL", "WXDAI": "XDAI", "WCRO": "CRO", "WPOL": "POL",
}  # fmt: skip

_SPOT = frozenset(
    """
altmarkets ascend_ex ascendex binance binance_us beaxy bitfinex bitget bitmart bitrue bitso
bitstamp bittrex blocktane btc_markets bybit bybit_testnet coinbase_advanced_trade coinbase_pro coinex
coinzoom crypto_com cube decibel derive digifinex dolomite dydx evedex eterbase foxbit ftx ftx_us
gate_io gateway hashkey hitbtc htx huobi hyperliquid idex injective_v2 k2 kraken kucoin latoken lbank
liquid loopring mad_meerkat mexc ndax ndax_testnet nonkyc okex okx openware peatio polkadex probit
probit_kr radar_relay southxchange tegro terra uniswap uniswap_v3 vertex wazirx whitebit woo_x
woo_x_testnet xrpl zebpay balancer bamboo_relay perpetual_finance pancakeswap sushiswap traderjoe
quickswap ref vvs openocean spookyswap pangolin plenty tinyman jupiter raydium meteora orca architect
backpack grvt lighter pacifica aevo dexalot
""".split()
)
_GATEWAY = ("/router", "/amm", "/clmm")
_INVERSE = frozenset({"bybit_inverse_perpetual", "binance_coin_perpetual", "bitmex_perpetual_inverse"})
_TESTNETS = ("_testnet", "_paper_trade", "_PaperTrade")

# What client order ids begin with, and the connectors that write it: several share one (constants of each)
ORDER_ID_PREFIXES: Mapping[str, frozenset[str]] = {
    "x-MG43PCSN": frozenset({"binance", "binance_us"}),
    "x-nbQe1H39": frozenset({
        "binance_perpetual", "binance_perpetual_testnet", "bitmart_perpetual", "aster_perpetual",
        "aster_perpetual_testnet",
    }),
    "93027a12dac34fBC": frozenset({"okx", "okx_perpetual"}),
    "BYBIT-": frozenset({"bybit", "bybit_testnet", "bybit_perpetual", "bybit_perpetual_testnet"}),
    "t-HBOT": frozenset({
        "gate_io", "gate_io_perpetual", "bitget", "bing_x", "decibel_perpetual", "ourbit", "changelly",
    }),
    "latoken-hbot-": frozenset({"latoken"}),
    "x-HBOT": frozenset({"backpack", "backpack_perpetual"}),
}  # fmt: skip
UNKNOWN_CONNECTOR = "unknown"  # of a fill whose source names none

# Connectors that store funding as rate × size in base, unsigned (DEFINITIONS H5, A7)
FUNDING_NOT_TRUSTED = frozenset({
    "bybit_perpetual", "bybit_perpetual_testnet", "kucoin_perpetual", "kucoin_perpetual_testnet",
})  # fmt: skip


def canonical_token(token: str) -> str:
    """Token under its plain name: wrapped coins count as the coin, stablecoins stay apart.

    >>> canonical_token("WETH")
    'ETH'
    """
    return _ALIASES.get(token, token)


def is_perpetual(connector: str) -> bool:
    """True for a connector of perpetuals, by its name.

    >>> is_perpetual("binance_perpetual_testnet")
    True
    """
    return "_perpetual" in connector


def connectors_of(order_id: str) -> frozenset[str] | None:
    """Connectors that may have written a client order id; None where its beginning says nothing.

    >>> sorted(connectors_of("x-MG43PCSNBWDUT660d880e1b9b544c4"))
    ['binance', 'binance_us']
    """
    named = (names for prefix, names in ORDER_ID_PREFIXES.items() if order_id.startswith(prefix))
    return next(named, None)


def is_paper(connector: str) -> bool:
    """True for a simulated venue of Hummingbot's paper trade."""
    return connector.lower().endswith(("_papertrade", "_paper_trade"))


_PAPER = re.compile(r"_paper_?trade$", re.IGNORECASE)


def venue_of(connector: str) -> str:
    """Venue whose market a connector sees: that of a paper trade is the real one.

    >>> venue_of("kucoin_PaperTrade")
    'kucoin'
    """
    return _PAPER.sub("", connector)


def market_type(connector: str) -> tuple[MarketType, bool]:
    """Market type of a connector, and whether Hummingbot's list knows it.

    An id ending in ``_perpetual`` is a linear perpetual; inverse only where known; a paper-trade
    id is its venue's spot market.

    >>> market_type("binance_perpetual")
    ('linear_perp', True)
    >>> market_type("my_own_exchange")
    ('spot', False)
    """
    name = connector
    for suffix in _TESTNETS:
        name = name.removesuffix(suffix)
    if name in _INVERSE:
        return "inverse_perp", True
    if name.endswith("_perpetual"):
        return "linear_perp", True
    known = name in _SPOT or name.split("/", 1)[0] in _SPOT or name.endswith(_GATEWAY)
    return "spot", known


# What a calendar can say, years 1 to 9999; a time beyond is cut to it, and refused by the ETL.
_CALENDAR_US = (-62_135_596_800_000_000, 253_402_300_799_000_000)


def epoch_us(value: pl.Expr) -> pl.Expr:
    """Microseconds since 1970 of a number of seconds, ms, µs or ns, told apart by magnitude.

    Used only where Hummingbot mixes units in one column (DEFINITIONS 0.4): below 1e11 seconds,
    below 1e14 milliseconds, below 1e17 microseconds, else nanoseconds.
    """
    number = value.cast(pl.Float64, strict=False)
    factor = (
        pl.when(number.abs() < 1e11).then(1e6)
        .when(number.abs() < 1e14).then(1e3)
        .when(number.abs() < 1e17).then(1.0)
        .otherwise(1e-3)
    )  # fmt: skip
    return (number * factor).round().clip(*_CALENDAR_US).cast(pl.Int64)


def us_to_utc(microseconds: pl.Expr) -> pl.Expr:
    """UTC times of microseconds since 1970."""
    return pl.from_epoch(microseconds, time_unit="us").dt.replace_time_zone("UTC")


def unscaled(integers: pl.Expr) -> pl.Expr:
    """Plain values of ×1e6 integers, each the nearest float (dividing in Polars may miss it by a digit)."""
    return integers.map_batches(_divided, return_dtype=pl.Float64, is_elementwise=True)


def _divided(integers: pl.Series) -> pl.Series:
    return pl.Series(integers.name, integers.to_numpy() / SCALE, nan_to_null=True)


def ms_to_utc(milliseconds: pl.Expr) -> pl.Expr:
    """UTC times of the millisecond columns of Hummingbot's tables."""
    first, last = _CALENDAR_US
    possible = milliseconds.cast(pl.Float64, strict=False).clip(first / 1_000, last / 1_000)
    return us_to_utc(possible.cast(pl.Int64) * 1_000)


def seconds_to_utc(seconds: pl.Expr) -> pl.Expr:
    """UTC times of the epoch seconds of executors and controllers (float, sub-second kept)."""
    microseconds = seconds.cast(pl.Float64, strict=False) * 1_000_000
    return us_to_utc(microseconds.round().clip(*_CALENDAR_US).cast(pl.Int64))


def limit_price(stored: pl.Expr, order_type: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Limit price of an order, null where 0 is stored, and why it is null."""
    reason = (
        pl.when(stored != 0.0).then(None)
        .when(order_type == "MARKET").then(pl.lit("market_order_no_price"))
        .otherwise(pl.lit("truncated_below_1e-6"))
    )  # fmt: skip
    return pl.when(stored != 0.0).then(stored), reason


def truncation_bound(price: pl.Expr, amount: pl.Expr, quantum: pl.Expr) -> pl.Expr:
    """What truncating price and amount to `quantum` may have taken from their product, in quote."""
    return (price.abs() + amount.abs()) * quantum


_NONCE = re.compile(r"[BS][0-9A-Za-z]{4}([0-9a-f]{13})[0-9A-Za-z_\-]*$")
_LIKELY = r"[BS][0-9A-Za-z]{4}([5-9a-e][0-9a-f]{12})[0-9A-Za-z_\-]*$"
_EARLIEST_US, _LATEST_US = 1_546_300_800_000_000, 4_102_444_800_000_000  # 2019 … 2100


def decision_us(order_id: str) -> int | None:
    """Microseconds since 1970 at which the bot decided on an order, read from its client id.

    Hummingbot writes ``prefix + B|S + 4 characters of the pair + 13 hex digits``; ids of paper
    trades (``buy://…``) and of exchanges with short ids carry no time: None.

    >>> decision_us("t-HBOTBEHUC6143f19f4a43d71c2")
    1711111111222333
    >>> decision_us("sell://ETH-USDC/0187a2b4c6d8e0f1a2b3c4d5e6") is None
    True
    """
    if "://" in order_id:
        return None
    for start in range(len(order_id) - 17):
        found = _NONCE.match(order_id, start)
        if found:
            moment = int(found.group(1), 16)
            if _EARLIEST_US <= moment < _LATEST_US:
                return moment
    return None


def decisions_us(order_ids: pl.Series) -> pl.Series:
    """`decision_us` of many ids at once: Int64, null where an id carries no time."""
    name = pl.col("id")
    found = pl.when(~name.str.contains("://", literal=True)).then(name.str.extract(_LIKELY))
    moment = found.str.to_integer(base=16, strict=False)
    frame = pl.DataFrame({"id": order_ids.cast(pl.String)}).select("id", us=moment)
    is_odd = frame.select(
        (~pl.col("us").is_between(_EARLIEST_US, _LATEST_US, closed="left")).fill_null(value=False)
    ).to_series()
    odd = is_odd.arg_true()  # the leftmost of two places that look like a time was not one
    if odd.len() == 0:
        return frame["us"]
    again = [decision_us(text) for text in frame["id"].gather(odd)]
    return frame["us"].scatter(odd, pl.Series(again, dtype=pl.Int64))
