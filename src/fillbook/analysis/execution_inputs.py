"""The tables of an execution answer as the arrays its metrics eat, with coverage and reasons."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from fillbook.analysis.inputs import order_arrays, rate_of
from fillbook.analysis.mids import KIND_TEXT
from fillbook.analysis.orders import INCOMPLETE
from fillbook.analysis.view import View
from fillbook.arrays import Bools, Floats
from fillbook.ledger.codes import label_codes
from fillbook.metrics.impact import ENOUGH
from fillbook.metrics.inputs import ExecutionInputs
from fillbook.metrics.liquidity import LIQUIDITY
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Status, Undefined
from fillbook.units import format_duration

_MIDS = {"fill_mid": "mid_quote", "fill_bid": "bid_quote", "fill_ask": "ask_quote",
         "fill_mid_5s": "mid_5s", "fill_mid_60s": "mid_60s", "fill_mid_300s": "mid_300s"}  # fmt: skip
_FEW_ORDERS = 30


def execution_inputs(
    data: PerformanceDataSource, seen: View, fills: pl.DataFrame, orders: pl.DataFrame, traded: pl.DataFrame,
    parents: pl.DataFrame, markets: pl.DataFrame, uptime: pl.DataFrame, *, links_omit_cancelled: bool,
) -> ExecutionInputs:  # fmt: skip
    """Every array a metric of execution may ask for.

    Parameters
    ----------
    data, seen
        The source and the booked view.
    fills, orders, traded, parents, markets, uptime
        Tables of the answer.
    links_omit_cancelled
        Executors name only the orders that filled.
    """
    notes: dict[str, dict[str, Any]] = {"coverage": {}, "reasons": {}, "doubts": {}, "used": {}, "method": {}}
    arrays = _fill_arrays(fills, notes)
    has_orders = data.orders.height > 0
    lack = Undefined.unavailable("no_order_row")
    arrays |= (
        _order_arrays(orders, traded, seen, notes, _tick_s(fills))
        if has_orders
        else dict.fromkeys(_ORDER_FIELDS, lack)
    )
    arrays |= _parent_arrays(parents, seen, notes) if has_orders else dict.fromkeys(_PARENT_FIELDS, lack)
    arrays |= (
        {f"uptime_{name}_s": uptime[f"{name}_s"].to_numpy() for name in ("bid", "ask", "both", "window")}
        if has_orders
        else dict.fromkeys(_UPTIME_FIELDS, lack)
    )
    if has_orders and len(seen.chosen.sides) == 1:
        gone = ("ask", "both") if seen.chosen.sides == ("BUY",) else ("bid", "both")
        arrays |= {f"uptime_{name}_s": Undefined.unavailable("side_filtered") for name in gone}
    if links_omit_cancelled and (seen.chosen.controllers or seen.chosen.close_types):
        notes["reasons"]["order_class"] = ("links_omit_cancelled",)
    arrays |= _market_arrays(markets, notes, is_told=not fills["liquidity"].eq("unknown").all())
    if data.candles.select(
        (pl.col("volume_base").is_not_null() & pl.col("volume_quote").is_null()).any()
    ).item():
        notes["method"]["parent_vwap"] = "candles without quote volume: volume × (high + low + close) / 3"
    if seen.reporting.currency is None:
        for name in (
            "fill_qty", "fill_worth", "traded_worth", "parent_filled", "parent_worth", "own_volume",
            "maker_volume",
        ):  # fmt: skip
            if fills.height:
                arrays[name] = seen.reporting.lack
    return ExecutionInputs(
        **arrays, window_s=max(seen.ledger.end_us - seen.start_us, 0) / 1e6, currency=seen.reporting.currency,
        coverage=notes["coverage"], reasons=notes["reasons"], doubts=notes["doubts"], used=notes["used"],
        method=notes["method"],
    )  # fmt: skip


_ORDER_FIELDS = (
    "order_class", "order_amount", "order_filled", "order_price", "order_is_market", "order_wait_s",
    "order_is_filled", "order_live_s", "order_n_fills", "traded_side", "traded_worth", "traded_average",
    "traded_is_market", "traded_limit", "traded_arrival", "traded_touch", "traded_touch_mid",
    "traded_latency_s",
)  # fmt: skip
_PARENT_FIELDS = (
    "parent_side", "parent_filled", "parent_average", "parent_vwap", "parent_twap", "parent_shortfall",
    "parent_worth", "impact_size", "impact_move",
)  # fmt: skip
_UPTIME_FIELDS = ("uptime_bid_s", "uptime_ask_s", "uptime_both_s", "uptime_window_s")


def _fill_arrays(fills: pl.DataFrame, notes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    size = (fills["amount_base"] * fills["rate"]).to_numpy()
    price = fills["price_quote"].to_numpy()
    arrays: dict[str, Any] = {
        "fill_qty": fills["side"].cast(pl.Float64).to_numpy() * size, "fill_price": price,
        "fill_worth": size * price, "fill_is_maker": (fills["liquidity"] == "maker").to_numpy(),
        "fill_is_unknown": (fills["liquidity"] == "unknown").to_numpy(),
        "fill_liquidity": fills["liquidity"]
        .replace_strict({name: i for i, name in enumerate(LIQUIDITY)}, return_dtype=pl.Float64)
        .to_numpy(),
        "fill_pair": label_codes([fills["connector"], fills["pair"]])[0].astype(np.float64)
        if fills.height
        else np.zeros(0),
    }  # fmt: skip
    worth = np.nan_to_num(size * price)
    is_told = ~arrays["fill_is_unknown"]
    if not is_told.all():
        _note(notes, "fill_liquidity", is_told, worth, "liquidity_unknown")
        notes["reasons"]["maker_volume"] = ("liquidity_unknown",)
    maker = arrays["fill_is_maker"]
    for name in ("bid", "ask"):
        values = fills[f"{name}_quote"].to_numpy()
        arrays[f"maker_{name}"] = values
        if maker.any():
            known = ~np.isnan(values[maker])
            arrays[f"maker_{name}"] = values if known.any() else Undefined.unavailable("no_quote")
            _note(notes, f"maker_{name}", known, worth[maker], "no_quote")
    how = _how(fills)
    for name, column in _MIDS.items():
        values = fills[column].to_numpy()
        known = ~np.isnan(values) & ~np.isnan(fills["mid_quote"].to_numpy())
        arrays[name] = values
        if not fills.height:
            continue
        lack = _lack(name, fills)
        if not known.any():
            arrays[name] = Undefined.unavailable(lack)
            continue
        notes["method"][name] = how
        _note(notes, name, known, worth, lack)
    _note_stand_ins(notes, [name for name in _MIDS if name in notes["used"]], fills["mid_from"])
    if "fill_mid" in notes["used"]:
        notes["method"]["fill_mid_5s"] = f"{how}; fills on a clock of {_tick_s(fills):g} s"
    return arrays


def _note_stand_ins(notes: dict[str, dict[str, Any]], names: list[str], kinds: pl.Series) -> None:
    """Say where a mid is not the market's own: a candle's close, or what the bot itself quoted around."""
    for kind, why in (("own_quotes", "own_quote_mid"), ("candles", "candle_mid")):
        if (kinds.cast(pl.String) == kind).any():
            for name in names:
                notes["reasons"][name] = (*notes["reasons"].get(name, ()), why)


def _lack(name: str, fills: pl.DataFrame) -> str:
    """Why a mid is missing: the clock is too coarse, no source at all, or none fresh enough."""
    if name == "fill_mid_5s" and bool((2.0 * fills["tick_s"] > 5.0).all()):
        return "resolution_too_coarse"
    if name in ("fill_bid", "fill_ask"):
        return "no_quote"
    has_any = fills["mid_quote"].is_not_nan().any() or fills["mid_3600s"].is_not_nan().any()
    return "stale_mid" if has_any else "no_mid"


def _how(fills: pl.DataFrame) -> str:
    """Which mids were used, in words, with their age."""
    known = fills["mid_quote"].is_not_nan()
    if not known.any():
        return ""
    parts = [f"{KIND_TEXT[kind]} {share:.0%}" for kind, share in _counted(fills["mid_from"].filter(known))]
    age = fills["mid_age_s"].filter(known)
    half, most = (format_duration(float(age.quantile(share) or 0.0)) for share in (0.5, 0.95))
    return f"mids: {', '.join(parts)}; age p50 {half}, p95 {most}"


def _counted(kinds: pl.Series) -> list[tuple[str, float]]:
    """Each kind with its share, the most frequent first."""
    counts = kinds.value_counts(sort=True)
    return [(str(kind), n / kinds.len()) for kind, n in counts.rows()]


def _order_arrays(
    orders: pl.DataFrame, traded: pl.DataFrame, seen: View, notes: dict[str, dict[str, Any]], tick_s: float
) -> dict[str, Any]:
    """Arrays of the orders, and of those with a fill."""
    if (orders["order_class"] == INCOMPLETE).any():
        notes["reasons"]["order_filled"] = ("fills_missing",)
    return {
        **order_arrays(seen.orders, seen.reporting), **_traded_arrays(traded, seen, notes, tick_s),
        **{f"order_{name}": _numbers(orders, name) for name in ("wait_s", "live_s")},
        **{f"order_{name}": orders[name].to_numpy() for name in ("n_fills", "is_filled")},
    }  # fmt: skip


def _numbers(rows: pl.DataFrame, column: str) -> Floats:
    return rows[column].cast(pl.Float64).fill_null(np.nan).to_numpy()


def _traded_arrays(
    traded: pl.DataFrame, seen: View, notes: dict[str, dict[str, Any]], tick_s: float
) -> dict[str, Any]:
    """What the orders with a fill were filled at, against which benchmarks, and how late."""
    is_market = traded["order_is_market"].to_numpy()
    columns = {"side": "side", "average": "average_quote", "arrival": "arrival_quote",
               "limit": "limit_quote", "touch": "touch_quote", "latency_s": "latency_s"}  # fmt: skip
    found: dict[str, Any] = {name: _numbers(traded, column) for name, column in columns.items()}
    found["worth"] = traded["filled_base"].to_numpy() * rate_of(traded, seen.reporting)
    found |= {"is_market": is_market, "touch_mid": found["arrival"]}
    value = found["worth"] * found["average"]
    for name, mine, why in (
        ("arrival", np.ones(traded.height, bool), "stale_mid"), ("touch", is_market, "no_quote"),
        ("limit", ~is_market, "no_limit_price"),
    ):  # fmt: skip
        _note(notes, f"traded_{name}", ~np.isnan(found[name][mine]), value[mine], why)
    found["limit"] = np.where(is_market, np.nan, found["limit"])
    _note_stand_ins(notes, ["traded_arrival"], traded["arrival_from"])
    notes["method"]["traded_arrival"] = _arrivals(traded)
    by = traded["decided_by"].filter(traded["latency_s"].is_not_null())
    typical = traded["latency_s"].abs().median()
    is_below_clock = isinstance(typical, float) and typical < 2.0 * tick_s
    if not by.len() and _may_have_taken(traded):
        found["latency_s"] = Undefined.unavailable("no_quote")
    if is_below_clock or 2 * int((by == "creation").sum()) > by.len():
        notes["doubts"]["traded_latency_s"] = (Status.LOW_N, "clock_floor")
    elif 0 < by.len() < _FEW_ORDERS:
        notes["doubts"]["traded_latency_s"] = (Status.LOW_N, "few_orders")
    notes["used"]["traded_latency_s"] = by.len()
    notes["method"]["traded_latency_s"] = _latency_method(traded, by)
    return {f"traded_{name}": values for name, values in found.items()}


def _tick_s(fills: pl.DataFrame) -> float:
    """Coarsest clock of the fills, seconds."""
    return float(fills["tick_s"].max() or 0.0)  # type: ignore[arg-type]


def _may_have_taken(traded: pl.DataFrame) -> bool:
    """Whether a limit order that was no maker's for certain filled, and nothing tells the market it met."""
    unknown = (pl.col("order_type") != "LIMIT_MAKER") & pl.col("touch_quote").is_null()
    return bool(traded.select(unknown.any()).item())


def _arrivals(traded: pl.DataFrame) -> str:
    """Where the mids at creation of the filled orders came from, in words."""
    kinds = _counted(traded["arrival_from"].filter(traded["arrival_quote"].is_not_null()))
    parts = [f"{KIND_TEXT[kind]} {share:.0%}" for kind, share in kinds]
    return f"mids at creation: {', '.join(parts)}" if parts else ""


def _latency_method(traded: pl.DataFrame, by: pl.Series) -> str:
    """How decisions were known, and what the clock leaves open."""
    if not by.len():
        return ""
    names = {
        "order_id": "time in the order id",
        "executor": "the executor's start",
        "creation": "a clock tick",
    }
    parts = [f"{names[kind]} {share:.0%}" for kind, share in _counted(by)]
    negative = int((traded["latency_s"] < 0.0).sum())
    shown = f"; {negative} negative, the fill's tick lies before" if negative else ""
    return f"decision by {', '.join(parts)}; the truth lies up to one tick above{shown}"


def _parent_arrays(parents: pl.DataFrame, seen: View, notes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Arrays of the decisions."""

    def numbers(column: str) -> Floats:
        return _numbers(parents, column)

    rate = rate_of(parents, seen.reporting)
    shortfall = numbers("total_quote") * rate
    wanted = np.where(parents["is_directional"].to_numpy(), numbers("asked_base"), numbers("filled_base"))
    worth = wanted * numbers("decision_quote") * rate
    about = parents.select(pl.coalesce("decision_quote", "arrival_quote", "average_quote", "end_quote"))
    value = wanted * about.to_series().fill_null(np.nan).to_numpy() * rate  # also where a mid is missing
    _note(notes, "parent_shortfall", ~np.isnan(shortfall + worth), value, "stale_mid")
    traded = np.where(numbers("filled_base") > 0.0, numbers("filled_base") * numbers("average_quote"), 0.0)
    for name, why in (("vwap", "candles_missing"), ("twap", "stale_mid")):
        found = ~np.isnan(numbers(f"{name}_quote"))
        has_fill = traded > 0.0
        _note(notes, f"parent_{name}", found[has_fill], (traded * rate)[has_fill], why)
    taker = parents["is_taker"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(taker, numbers("filled_base") / numbers("day_base"), np.nan)
        arrival = numbers("arrival_quote")
        move = numbers("side") * (numbers("end_quote") - arrival) / arrival / numbers("sigma")
    both = ~np.isnan(size + move) & (size > 0.0)
    if both.sum() < ENOUGH or np.unique(size[both]).size == 1:
        notes["doubts"]["impact_size"] = (Status.LOW_N, "few_orders")
    filled = np.where(numbers("filled_base") > 0.0, numbers("filled_base") * rate, 0.0)
    return {
        "parent_side": numbers("side"), "parent_filled": filled, "parent_average": numbers("average_quote"),
        "parent_vwap": _or_lack(numbers("vwap_quote"), "no_candles"),
        "parent_twap": _or_lack(numbers("twap_quote"), "no_mid"),
        "parent_shortfall": shortfall, "parent_worth": worth,
        "impact_size": size[both] if both.any() or not taker.any() else Undefined.unavailable("no_candles"),
        "impact_move": move[both],
    }  # fmt: skip


def _note(notes: dict[str, dict[str, Any]], name: str, known: Bools, worth: Floats, why: str) -> None:
    """Say how many values of an array are known, of what share of the worth, and what the others lack."""
    notes["used"][name] = int(known.sum())
    if known.any() and not known.all():
        notes["reasons"][name] = (why,)
        whole = float(np.nansum(worth))
        if whole > 0.0:  # 0 without a common currency
            notes["coverage"][name] = float(np.nansum(worth[known])) / whole


def _or_lack(values: Floats, why: str) -> Floats | Undefined:
    """The values, unless there are some and none is known."""
    return Undefined.unavailable(why) if values.size and np.isnan(values).all() else values


def _market_arrays(
    markets: pl.DataFrame, notes: dict[str, dict[str, Any]], *, is_told: bool
) -> dict[str, Any]:
    """Own and market volume in the reporting currency, of the markets with candles."""
    known = markets.filter(pl.col("status") != "no_candles")
    if known.is_empty():
        lack = Undefined("empty") if markets.is_empty() else Undefined.unavailable("no_candles")
        return dict.fromkeys(("own_volume", "maker_volume", "market_volume"), lack)
    if known.height < markets.height or float(known["coverage"].min()) < 1.0:  # type: ignore[arg-type]
        worth, covered = (
            float((rows["worth_quote"] * rows["rate"] * share).sum())
            for rows, share in ((markets, 1.0), (known, known["coverage"]))
        )
        notes["reasons"]["market_volume"] = ("candles_missing",)
        notes["coverage"]["market_volume"] = covered / worth if worth > 0.0 else 0.0
    if (known["status"] == "inconsistent").any():
        notes["doubts"]["market_volume"] = (Status.INCONSISTENT, "own_exceeds_market")
    elif (known["status"] == "hypothetical").any():
        notes["method"]["market_volume"] = "hypothetical: paper trade"
    price = (known["price_quote"] * known["rate"]).to_numpy()
    return {
        "own_volume": known["own_base"].to_numpy() * price,
        "maker_volume": known["maker_base"].to_numpy() * price
        if is_told
        else Undefined.unavailable("liquidity_unknown"),
        "market_volume": known["market_base"].to_numpy() * price,
    }  # fmt: skip
