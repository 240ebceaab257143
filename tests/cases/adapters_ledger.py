"""Cases of the ledger: lots, round trips, fees, hedge mode, inverse contracts, activity."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl

from cases.registry import adapter, null
from fillbook.analysis.overview import overview
from fillbook.conventions import Conventions
from fillbook.etl import performance_etl
from fillbook.filters import Filter
from fillbook.ledger.book import Ledger, keep_ledger, prepare
from fillbook.ledger.fees import METHODS, Fees, fees_in_quote
from fillbook.ledger.kernels import SNAP
from fillbook.ledger.rates import Prices
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.schema.raw import RawTables
from fillbook.schema.tables import empty
from fillbook.sources.hummingbot import limit_price
from fillbook.testing.tables import raw_tables, table

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Case = Mapping[str, Any]


def num(value: object) -> float:
    """A case's number: string, decimal or fraction."""
    return float(Fraction(str(value)))


def moment(ms: object) -> datetime:
    """UTC time of milliseconds."""
    return EPOCH + timedelta(milliseconds=int(str(ms)))


def fill_table(case: Case, fills: Sequence[Case], **more: object) -> pl.DataFrame:
    """Canonical fills of a case, in source order."""
    symbol = str(case.get("symbol", "ABC-USDT"))
    base, quote = symbol.split("-")
    fees = [fill.get("trade_fee") or {} for fill in fills]
    flat = [(fee.get("flat_fees") or [None])[0] for fee in fees]
    recorded = [num(fill.get("trade_fee_in_quote", 0)) for fill in fills]
    columns: dict[str, object] = {
        "connector": "venue",
        "pair": symbol, "base": base, "quote": quote,
        "at": [moment(fill["timestamp_ms"]) for fill in fills],
        "order_id": [fill["order_id"] for fill in fills],
        "trade_id": [fill["exchange_trade_id"] for fill in fills],
        "side": [1 if fill["trade_type"] == "BUY" else -1 for fill in fills],
        "amount_base": [num(fill["amount"]) for fill in fills],
        "price_quote": [num(fill["price"]) for fill in fills],
        "position_action": [fill.get("position", "NIL") for fill in fills],
        "order_type": [fill.get("order_type", "LIMIT") for fill in fills],
        "fee_percent": [num(fee.get("percent", 0)) for fee in fees],
        "fee_token": [f and f["token"] for f in flat],
        "fee_amount": [f and num(f["amount"]) for f in flat],
        "fee_quote_recorded": recorded,
    }  # fmt: skip
    return table("fills", **{**columns, **more})


def more_fees(fills: Sequence[Case]) -> pl.DataFrame:
    """Flat fees after the first of each fill."""
    rows = [
        (i + 1, fee["token"], num(fee["amount"]))
        for i, fill in enumerate(fills)
        for fee in ((fill.get("trade_fee") or {}).get("flat_fees") or [])[1:]
    ]
    if not rows:
        return empty("flat_fees")
    return table(
        "flat_fees",
        row=[row[0] for row in rows],
        token=[row[1] for row in rows],
        amount=[row[2] for row in rows],
    )


def kept(case: Case, fills: Sequence[Case], **conventions: Any) -> Ledger:
    """Ledger of a case's fills in time order, marked at its mark."""
    rows = fill_table(case, fills).sort("at", "source", "row", maintain_order=True)
    return kept_tables(case, {"fills": rows, "flat_fees": more_fees(fills)}, **conventions)


def kept_tables(
    case: Case,
    tables: Mapping[str, pl.DataFrame],
    *,
    rates: pl.DataFrame | None = None,
    contract_value: float = 1.0,
    **conventions: Any,
) -> Ledger:
    """Ledger of canonical tables, marked at the case's mark."""
    names = ("fills", "flat_fees", "funding", "quotes", "candles", "quarantine")
    whole = {name: tables.get(name, empty(name)) for name in names}
    last = [whole[name]["at"].max() for name in ("fills", "funding") if whole[name].height]
    marks = {str(case["symbol"]): num(case["mark_price"])} if "mark_price" in case else {}
    chosen = Conventions(marks=marks, market_types={"venue": case.get("market_type", "spot")}, **conventions)
    values = {str(case["symbol"]): contract_value}
    prepared = prepare(whole, chosen, rates=rates, contract_value=values)
    return keep_ledger(prepared, end=max(last))


def total(ledger: Ledger, column: str) -> float:
    """Sum of a money column over the books."""
    return float(ledger.books[column].sum())


@adapter("lots")
def lots(case: Case) -> Any:
    """Realised and unrealised PnL under each cost method."""
    answer: dict[str, Any] = {}
    for method in ("wac", "fifo", "lifo", "hifo"):
        ledger = kept(case, case["fills"], method=method)
        book = ledger.books.row(0, named=True)
        answer[method] = {
            "realised": book["realized_quote"],
            "unrealised": book["unrealized_quote"],
        }
        if method == "wac":
            answer["wac"]["avg_entry"] = book["average_quote"]
        else:
            _, left = ledger.flow.realized(method)  # type: ignore[arg-type]
            answer[method]["open_lots"] = [[abs(q), p] for q, p in zip(left.qty, left.price, strict=True)]
    answer["position"] = book["position_base"]
    answer["cash"] = float(ledger.flow.sums(ledger.flow.cash_moves)[0])
    answer["gross_total"] = book["realized_quote"] + book["unrealized_quote"]
    answer["matched_average"] = matched_average(book)
    return answer


def matched_average(book: Mapping[str, Any]) -> dict[str, float]:
    """The hummingbot-api's way, for reconciliation only: lifetime averages of both sides."""
    bought, sold = book["bought_base"], book["sold_base"]
    buy = book["bought_quote"] / bought if bought else 0.0
    sell = book["sold_quote"] / sold if sold else 0.0
    open_at = buy if book["position_base"] > 0 else sell
    return {
        "realised": min(bought, sold) * (sell - buy),
        "unrealised": book["position_base"] * (book["mark_quote"] - open_at),
    }


@adapter("round_trips")
def round_trips(case: Case) -> Any:
    """Flat-to-flat trips with fees pro rata and funding by time."""
    fills = case["fills"]
    funding = empty("funding")
    if case.get("funding"):
        rows = case["funding"]
        funding = table(
            "funding",
            connector="venue",
            pair=case["symbol"],
            at=[moment(r["timestamp_ms"]) for r in rows],
            rate=[num(r["rate"]) for r in rows],
            amount_quote=[num(r["amount"]) for r in rows],
        )
    tables = {
        "fills": fill_table(case, fills).sort("at", maintain_order=True),
        "funding": funding,
        "flat_fees": more_fees(fills),
    }
    ledger = kept_tables(case, tables, dust_base=num(case["dust_qty"]))
    ids = ledger.column("trade_id")
    trips = ledger.trips.filter(~pl.col("is_open")).sort("exit_at", maintain_order=True)
    answer = [
        {
            "side": "LONG" if trip["side"] > 0 else "SHORT", "qty": trip["closed_base"],
            "entry_vwap": trip["entry_quote"], "exit_vwap": trip["exit_quote"], "gross": trip["gross"],
            "fees": trip["fees"], "funding": trip["funding"],
            "net": trip["gross"] - trip["fees"] + trip["funding"], "hold_s": trip["hold_s"],
            "entry_fill": ids[trip["entry_fill"]], "exit_fill": ids[trip["exit_fill"]],
        }
        for trip in trips.iter_rows(named=True)
    ]  # fmt: skip
    return {
        "position": total(ledger, "position_base"), "realised_gross": total(ledger, "realized_quote"),
        "fees": total(ledger, "fees_quote"), "net": total(ledger, "net_quote"),
        "funding_total": total(ledger, "funding_quote"), "funding_unattributed": ledger.funding_left_over,
        "funding_sign_suspect": int(ledger.funding["is_sign_suspect"].sum()),
        "funding_without_position": int(ledger.funding["is_without_position"].sum()),
        "round_trips": answer,
    }  # fmt: skip


@adapter("round_trips_dust")
def round_trips_dust(case: Case) -> Any:
    """The same trips under several dust settings."""
    answer: dict[str, Any] = {}
    for setting in case["dust_qty_settings"]:
        ledger = kept(case, case["fills"], dust_base=num(setting))
        trips = ledger.trips.filter(~pl.col("is_open")).sort("exit_at", maintain_order=True)
        left = [abs(float(ledger.flow.position[i])) for i in trips["exit_fill"]]
        carried = [q for q in left if q > SNAP]
        answer[str(setting)] = {
            "n_trips": trips.height, "gross": trips["gross"].to_list(), "hold_s": trips["hold_s"].to_list(),
            "carried_dust_qty": carried[0] if carried else 0.0,
        }  # fmt: skip
        answer["position"] = total(ledger, "position_base")
        answer["gross_total"] = total(ledger, "realized_quote") + total(ledger, "unrealized_quote")
    return answer


@adapter("hedge")
def hedge(case: Case) -> Any:
    """The same fills in hedge mode and netted."""
    hedged = kept(case, case["fills"])
    netted = kept_tables(case, {"fills": fill_table(case, case["fills"], position_action="OPEN")})
    answer: dict[str, Any] = {"hedge": {}}
    for book in hedged.books.iter_rows(named=True):
        answer["hedge"][book["leg"].lower()] = _three(book)
    answer["hedge"]["realised"] = total(hedged, "realized_quote")
    answer["hedge"]["unrealised"] = total(hedged, "unrealized_quote")
    answer["net"] = _three(netted.books.row(0, named=True))
    answer["gross_total"] = answer["hedge"]["realised"] + answer["hedge"]["unrealised"]
    return answer


def _three(book: Mapping[str, Any]) -> dict[str, float]:
    return {
        "position": book["position_base"], "realised": book["realized_quote"],
        "unrealised": book["unrealized_quote"],
    }  # fmt: skip


def fees_of(
    case: Case, tables: Mapping[str, pl.DataFrame], rates: pl.DataFrame | None, chosen: Conventions
) -> Fees:
    """Fees of a case's fills alone."""
    whole = {name: tables.get(name, empty(name)) for name in ("fills", "flat_fees", "quotes", "candles")}
    prices = Prices.of(whole, max_mid_age_s=5.0, max_rate_age_s=chosen.max_rate_age_s, rates=rates)
    spot = np.full(whole["fills"].height, case.get("market_type", "spot") == "spot")
    return fees_in_quote(whole["fills"], whole["flat_fees"], is_spot=spot, prices=prices, conventions=chosen)


@adapter("fees")
def fees(case: Case) -> Any:
    """Fees converted at the fill, recorded, or unconverted."""
    rates = pl.DataFrame(
        {
            "pair": [rate["pair"] for rate in case["rates"]],
            "at": pl.Series(
                [moment(rate["timestamp_ms"]) for rate in case["rates"]], dtype=pl.Datetime("us", "UTC")
            ),
            "price": [num(rate["price"]) for rate in case["rates"]],
        }
    )
    tables = {"fills": fill_table(case, case["fills"]), "flat_fees": more_fees(case["fills"])}
    via = tuple(case.get("cross_via", ()))
    age = float(case["max_rate_age_s"])
    ledger = kept_tables(case, tables, rates=rates, max_rate_age_s=age, cross_via=via)
    found = fees_of(case, tables, rates, Conventions(max_rate_age_s=age, cross_via=via))
    methods = [METHODS[i] for i in ledger.fee_method]
    book = ledger.books.row(0, named=True)
    return {
        "realised_gross": book["realized_quote"],
        "unrealised": book["unrealized_quote"],
        "position": book["position_base"],
        "fees_quote_known": book["fees_quote"],
        "net_known": book["net_quote"],
        "net_status": book["status"],
        "fees_quote_by_fill": [
            None if m == "unconverted" else float(f) for m, f in zip(methods, found.quote, strict=True)
        ],
        "fee_method_by_fill": methods,
        "fees_unconverted": dict(found.unconverted),
        "n_recorded_fee_disagrees_gt_1pct": int(found.disagrees.sum()),
    }


@adapter("ledger")
def ledger_case(case: Case) -> Any:
    """A spot fee in base as a deemed trade."""
    answers = {}
    for mode in (case["base_fee_mode"], "value"):
        answers[mode] = kept(case, case["fills"], base_fee=mode)
    ledger = answers[case["base_fee_mode"]]
    book = ledger.books.row(0, named=True)
    wallet_cash = float((-ledger.flow.qty * ledger.flow.price).sum())
    quote_fees = float((ledger.flow.fee - ledger.flow.fee_base * ledger.flow.price).sum())
    return {
        "position": book["position_base"], "realised_gross": book["realized_quote"],
        "unrealised": book["unrealized_quote"], "fees": book["fees_quote"],
        "fees_paid": book["fees_paid_quote"], "rebates": book["rebates_quote"], "net": book["net_quote"],
        "cash_actual": wallet_cash - quote_fees + book["position_base"] * book["mark_quote"],
        "wrong_value_mode_net": total(answers["value"], "net_quote"),
    }  # fmt: skip


@adapter("inverse")
def inverse(case: Case) -> Any:
    """Coin-margined contracts: harmonic entry, PnL in base."""
    fills = case["fills"]
    base = case["symbol"].split("-")[0]
    rows = fill_table(case, fills, fee_token=base, fee_amount=[num(f["fee_base"]) for f in fills])
    value = num(case["contract_value_quote"])
    answer: dict[str, Any] = {}
    for method in ("wac", "fifo"):
        ledger = kept_tables(case, {"fills": rows}, contract_value=value, method=method)
        realized, left = ledger.flow.realized(method)  # type: ignore[arg-type]
        answer[method] = {
            "realised_base": float(ledger.flow.sums(realized)[0]),
            "unrealised_base": float(ledger.flow.unrealized(left, ledger.unit_marks)[0]),
        }
    book = ledger.books.row(0, named=True)
    gross = answer["fifo"]["realised_base"] + answer["fifo"]["unrealised_base"]
    paid = float(ledger.flow.fee.sum())
    return {
        **answer, "position_contracts": book["position_base"] / value,
        "avg_entry_after_buys": -1.0 / float(ledger.flow.average[1]), "gross_base": gross,
        "fees_base": paid, "net_base": gross - paid, "net_quote_at_mark": book["net_quote"],
    }  # fmt: skip


@adapter("mae_mfe")
def mae_mfe(case: Case) -> Any:
    """Best and worst point of a trip's PnL path, mids between fills included."""
    fills, mids = [], []
    for i, step in enumerate(case["path"]):
        if step[0] == "fill":
            fills.append({
                "exchange_trade_id": f"T{i}", "order_id": f"o{i}", "timestamp_ms": 1000 * i,
                "trade_type": step[1], "amount": step[2], "price": step[3],
            })  # fmt: skip
        else:
            mids.append((moment(1000 * i), num(step[1])))
    quotes = table(
        "quotes",
        connector="venue",
        pair=case["symbol"],
        at=[m[0] for m in mids],
        mid_quote=[m[1] for m in mids],
    )
    ledger = kept_tables(case, {"fills": fill_table(case, fills), "quotes": quotes})
    trip = ledger.trips.row(0, named=True)
    entry = trip["entry_value"]
    return {
        "gross": trip["gross"], "mae_quote": trip["mae"], "mfe_quote": trip["mfe"],
        "entry_notional": entry, "mae_pct": trip["mae"] / entry, "mfe_pct": trip["mfe"] / entry,
        "exit_efficiency": trip["gross"] / trip["mfe"] if trip["mfe"] else null("undefined", "zero_mfe"),
    }  # fmt: skip


@adapter("normalise")
def normalise(case: Case) -> Any:
    """Merged files: duplicates dropped, conflicts kept out, self-trades counted."""
    raws: list[RawTables] = []
    rows = case["rows_in_source_order"]
    for source in dict.fromkeys(row["src"] for row in rows):
        mine = [row for row in rows if row["src"] == source]
        markets = [row["market"] for row in mine]
        raws.append(raw_tables(uri=source, bot=source, fills=fill_table(case, mine, connector=markets)))
    done = performance_etl(raws, clock=datetime(2030, 1, 1, tzinfo=UTC))
    fills = done.tables["fills"]
    counts = {finding.rule: finding.n_rows for finding in done.findings}
    chosen = Conventions(
        marks={case["symbol"]: num(case["mark_price"])}, market_types={"m": case["market_type"]}
    )
    ledger = keep_ledger(prepare(done.tables, chosen), end=fills["at"].max())  # type: ignore[arg-type]
    book = ledger.books.row(0, named=True)
    dropped = sum(n for rule, n in counts.items() if rule.startswith("duplicate"))
    conflicts = counts.get("conflicting_duplicate", 0)
    return {
        "kept_in_ledger_order": [list(pair) for pair in fills.select("order_id", "trade_id").rows()],
        "n_fills": fills.height, "n_duplicates_dropped": dropped, "n_conflicts": conflicts,
        "n_self_trade_pairs": counts.get("self_trade_pair", 0), "position": book["position_base"],
        "realised_gross": book["realized_quote"], "status": book["status"],
    }  # fmt: skip


@adapter("zero_price")
def zero_price(case: Case) -> Any:
    """A price of 0 kept out of the books, or booked because the user says it was one."""
    rows = fill_table(case, case["fills"])
    orders = {order["id"]: order_price(num(order["price"]), order["order_type"]) for order in case["orders"]}
    done = performance_etl([raw_tables(fills=rows)], clock=datetime(2030, 1, 1, tzinfo=UTC))
    clean = kept_tables(case, done.tables).books.row(0, named=True)
    refused = done.tables["quarantine"]
    taken = kept(case, case["fills"]).books.row(0, named=True)
    amounts = [json.loads(content)["amount_base"] for content in refused["content"]]
    return {
        "quarantine": {
            "n_quarantined": refused.height, "quarantined_qty": sum(amounts),
            "position": clean["position_base"], "realised_gross": clean["realized_quote"],
            "unrealised": clean["unrealized_quote"], "status": clean["status"],
        },
        "accept": {
            "position": taken["position_base"], "realised_gross": taken["realized_quote"],
            "unrealised": taken["unrealized_quote"], "avg_entry": taken["average_quote"],
            "gross_total": taken["realized_quote"] + taken["unrealized_quote"],
        },
        "order_limit_price": {key: price for key, (price, _) in orders.items()},
        "order_price_reason": {key: reason for key, (_, reason) in orders.items()},
    }  # fmt: skip


def order_price(stored: float, order_type: str) -> tuple[float | None, str | None]:
    """Limit price of an order as it is read, and why there is none."""
    row = pl.DataFrame({"price": [stored], "order_type": [order_type]})
    price, reason = limit_price(pl.col("price"), pl.col("order_type"))
    return row.select(price, reason.alias("reason")).row(0)


@adapter("activity")
def activity(case: Case) -> Any:
    """Holding times, turnover and frequency of a declared window."""
    start, end = (moment(ms) for ms in case["window_ms"])
    fills = fill_table(case, case["fills"])
    mark = num(case["price_all"])
    data = PerformanceDataSource.from_tables({"fills": fills})
    answer = overview(
        data, Filter(),
        Conventions(
            capital=num(case["capital"]), marks={"ABC-USDT": mark}, market_types={"venue": "spot"},
            run=(start, end),
        ),
    )  # fmt: skip
    ledger = kept({"mark_price": mark, "symbol": "ABC-USDT"}, case["fills"])
    closed = total(ledger, "closed_base")
    got = {key: result.value for key, result in answer.metrics.items()}
    hours = (end - start).total_seconds() / 3600
    held_h = got["average_position_duration"] * closed / 3600
    return {
        "unit_hours": held_h, "closed_qty": closed,
        "avg_holding_h_littles": got["average_position_duration"] / 3600,
        "avg_holding_h_fifo_units": float(ledger.flow.closed_base_s("fifo").sum()) / closed / 3600,
        "avg_holding_h_lifo_units": float(ledger.flow.closed_base_s("lifo").sum()) / closed / 3600,
        "avg_round_trip_h": got["average_trade_duration"] / 3600,
        "n_round_trips": int(got["n_round_trips"]), "mean_abs_position": held_h / hours,
        "inventory_turnover_per_day": got["inventory_turnover"],
        "time_in_market": got["time_in_market"], "volume_quote": got["volume"],
        "turnover_two_sided": got["turnover"], "capital_utilisation": got["capital_utilisation"],
        "fills_per_day": got["trade_frequency"],
    }  # fmt: skip
