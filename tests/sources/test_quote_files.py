"""Quotes and public trades from files: every format as it is met, and what is wrong with some of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from fillbook.analysis.view import view_of
from fillbook.errors import UnreadableSourceError
from fillbook.performance_data_source import PerformanceDataSource, open_data
from fillbook.schema.raw import RawTables
from fillbook.sources import recorder
from fillbook.sources.base import expand, open_source
from fillbook.sources.candle_files import CandleFile
from fillbook.sources.csv_files import TradesCsv
from fillbook.sources.market_trade_files import MarketTradeFile
from fillbook.sources.quote_files import QuoteFile
from fillbook.testing.databases import write_database
from sources.rows import AT_MS, fill, order

AT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)  # 1,700,000,000
SECOND = timedelta(seconds=1)
RECORDED = "binance_BTC-USDT_order_book_snapshots_2023-11-14.txt"
RECORDED_TRADES = "binance_BTC-USDT_trades_2023-11-14.txt"
MQTT = '{"topic": "hbot/x/notify", "payload": {"timestamp": 1700000000, "msg": "buy"}}\n'


def read(path: Path, content: str = "") -> RawTables:
    if content:
        path.write_text(content)
    return open_source(str(path)).read()


def quotes_of(path: Path, content: str = "") -> pl.DataFrame:
    return read(path, content).tables["quotes"]


def rules(raw: RawTables | PerformanceDataSource) -> set[str]:
    return {finding.rule for finding in raw.findings}


def book(second: float, bids: object, asks: object) -> str:
    return json.dumps({"ts": 1_700_000_000.0 + second, "bids": bids, "asks": asks})


# --- quotes in columns ------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_bid_and_ask_make_a_mid(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"quotes_binance_BTC-USDT{ending}"
    content = "timestamp,bid,ask\n1700000000,99,101\n1700000001,100,103\n"
    if ending == ".csv":
        path.write_text(content)
    else:
        pl.read_csv(content.encode()).write_parquet(path)
    raw = read(path)
    quotes = raw.tables["quotes"]
    assert quotes.select("row", "at", "mid_quote", "bid_quote", "ask_quote").rows() == [
        (1, AT, 100.0, 99.0, 101.0),  # (99 + 101) / 2
        (2, AT + SECOND, 101.5, 100.0, 103.0),
    ]
    labels = quotes.select(pl.col("kind", "connector", "pair").cast(pl.String)).rows()
    assert labels == [("quote_file", "binance", "BTC-USDT")] * 2
    assert (raw.info.kind, raw.info.rows) == ("quotes", {"quotes": 2})
    assert not raw.findings
    assert raw.unreadable.is_empty()


@pytest.mark.parametrize(
    "header",
    [
        "ts,best_bid,best_ask", "time,bid_price,ask_price", "Date,Bid_Px,Ask_Px", "datetime,b,a",
        "event_time,best_bid_price,best_ask_price",
    ],
)  # fmt: skip
def test_columns_go_by_several_names(tmp_path: Path, header: str) -> None:
    quotes = quotes_of(tmp_path / "x.csv", f"{header}\n1700000000,1,3\n")
    assert quotes.select("at", "mid_quote").rows() == [(AT, 2.0)]


@pytest.mark.parametrize(
    "written",
    [
        "1700000000", "1700000000.0", "1700000000000", "1700000000000000", "1700000000000000000",
        "2023-11-14 22:13:20", "2023-11-14T22:13:20.000", "2023-11-14T22:13:20Z", "2023-11-14T23:13:20+01:00",
        "2023-11-14 22:13:20+00", "2023-11-14 17:13:20.000000-0500", "2023-11-14 22:13:20 UTC",
    ],
)  # fmt: skip
def test_a_time_is_a_number_of_any_unit_or_iso(tmp_path: Path, written: str) -> None:
    assert quotes_of(tmp_path / "x.csv", f"timestamp,mid\n{written},5\n")["at"].to_list() == [AT]


def test_times_of_several_forms_in_one_file(tmp_path: Path) -> None:
    content = "timestamp,mid\n1700000000,1\n2023-11-14T22:13:20Z,2\n2023-11-14,3\n2023-11-14 22:13,4\n"
    midnight, minute = AT.replace(hour=0, minute=0, second=0), AT.replace(second=0)
    assert quotes_of(tmp_path / "x.csv", content)["at"].to_list() == [AT, AT, midnight, minute]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_times_of_parquet_are_what_they_are(tmp_path: Path, unit: str, zone: str | None) -> None:
    path = tmp_path / "x.parquet"
    at = pl.Series([AT]).dt.convert_time_zone(zone) if zone else pl.Series([AT.replace(tzinfo=None)])
    pl.DataFrame({"timestamp": at.dt.cast_time_unit(unit), "mid": [5]}).write_parquet(path)  # type: ignore[arg-type]
    assert quotes_of(path)["at"].to_list() == [AT]


def test_a_given_mid_is_taken_and_a_missing_one_made(tmp_path: Path) -> None:
    content = "timestamp,mid,bid,ask\n1700000000,100.4,99,101\n1700000001,,99,101\n1700000002,7,0,\n"
    quotes = quotes_of(tmp_path / "x.csv", content)
    assert quotes.select("mid_quote", "bid_quote", "ask_quote").rows() == [
        (100.4, 99.0, 101.0), (100.0, 99.0, 101.0), (7.0, None, None),  # a bid of 0 is none
    ]  # fmt: skip


def test_several_markets_in_one_file(tmp_path: Path) -> None:
    content = (
        "timestamp,exchange,trading_pair,bid,ask\n1,Binance,BTC-USDT,1,3\n1,kucoin,ETHUSDC,1,3\n"
        "1,kraken,ltc/eur,1,3\n1,my exchange,XBTPLN,1,3\n1,,,1,3\n"
    )
    raw = read(tmp_path / "binance_DOGE-USDT.csv", content)
    assert raw.tables["quotes"].select(pl.col("connector", "pair").cast(pl.String)).rows() == [
        ("binance", "BTC-USDT"), ("kucoin", "ETH-USDC"), ("kraken", "LTC-EUR"), ("my exchange", "XBTPLN"),
        (None, None),
    ]  # fmt: skip
    (finding,) = raw.findings
    assert (finding.rule, finding.n_rows) == ("quotes_unnamed", 1)
    assert finding.message == "the file states neither exchange nor pair in 1 row"


def test_market_is_the_pair_where_the_venue_has_a_column(tmp_path: Path) -> None:
    quotes = quotes_of(tmp_path / "x.csv", "timestamp,exchange,market,mid\n1,binance,BTC-USDT,1\n")
    assert quotes.select(pl.col("connector", "pair").cast(pl.String)).rows() == [("binance", "BTC-USDT")]


@pytest.mark.parametrize(
    ("name", "lacks", "effect"),
    [
        ("quotes.csv", "neither exchange nor pair", "mark nothing"),
        ("quotes_BTC-USDT.csv", "no exchange", "on any exchange"),
        ("quotes_binance.csv", "no pair", "mark nothing"),
    ],
)
def test_a_name_that_says_too_little_is_said(tmp_path: Path, name: str, lacks: str, effect: str) -> None:
    (finding,) = read(tmp_path / name, "timestamp,mid\n1700000000,1\n").findings
    assert (finding.rule, finding.message) == ("quotes_unnamed", f"the file's name states {lacks}")
    assert effect in finding.effect
    assert "quotes_<connector>_<BASE-QUOTE>" in finding.remedy


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("timestamp,mid_price,bid,ask,bid_size,ask_size", "quote_file"),
        ("timestamp,exchange,pair,mid,best_bid_qty,update_id", "quote_file"),
        ("timestamp,mid_price,spread", "status_log"),
        ("timestamp,mid_price,best_bid,best_ask,reservation_price,inventory", "status_log"),
        ("timestamp,bid,ask,spread", "quote_file"),  # no mid: nobody's state
    ],
)
def test_a_log_of_a_bot_is_told_from_quotes(tmp_path: Path, header: str, kind: str) -> None:
    cells = ",".join("1700000000" if n == "timestamp" else "2" for n in header.split(","))
    assert quotes_of(tmp_path / "x.csv", f"{header}\n{cells}\n")["kind"].to_list() == [kind]


def test_mids_without_a_time_are_refused_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "debug.csv"
    path.write_text("mid_price,best_bid,best_ask,reservation_price,optimal_spread\n1,0.9,1.1,1,0.2\n")
    with pytest.raises(UnreadableSourceError, match="no time") as failed:
        open_source(str(path)).read()
    assert "aligned" in failed.value.why
    assert "Avellaneda" in failed.value.why
    assert "timestamp" in failed.value.remedy


def test_open_time_is_no_time_of_a_quote(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("open_time,bid,ask\n1700000000,1,3\n")
    assert not QuoteFile.matches(path)


def test_of_a_book_with_levels_the_first_is_read(tmp_path: Path) -> None:
    content = "timestamp,level,bid,ask\n1,1,9,11\n1,0,10,12\n2,0,10,14\n2,1,9,15\n"
    raw = read(tmp_path / "binance_BTC-USDT.csv", content)
    assert raw.tables["quotes"]["mid_quote"].to_list() == [11.0, 12.0]
    assert [(f.rule, f.n_rows) for f in raw.findings] == [("deeper_levels", 2)]


def test_text_in_prices_and_times_is_listed_and_quarantined(tmp_path: Path) -> None:
    path = tmp_path / "binance_BTC-USDT.csv"
    path.write_text(
        "timestamp,bid,ask\n1700000000,1,3\nsoon,1,3\n1700000002,much,3\n1700000003,,\n1700000004,nan,3\n"
        "1700000005,-1e999,1e999\n1e300,1,3\n"
    )
    raw = read(path)
    assert raw.unreadable.rows() == [
        ("quotes", 2, "timestamp", "soon"), ("quotes", 3, "bid", "much"),
    ]  # fmt: skip
    data = open_data(path)
    assert data.quotes["row"].to_list() == [1]
    assert dict(data.quarantine.select("row", pl.col("reason").cast(pl.String)).rows()) == {
        2: "unreadable_cell", 3: "unreadable_cell", 4: "missing_value", 5: "non_finite", 6: "missing_value",
        7: "bad_time",
    }  # fmt: skip
    assert sum(file.kept + file.quarantined for file in data.lineage.tables) == 7


def test_an_empty_file_and_one_with_a_header_only(tmp_path: Path) -> None:
    empty, bare = tmp_path / "empty.csv", tmp_path / "binance_BTC-USDT.csv"
    empty.touch()
    with pytest.raises(UnreadableSourceError, match="is empty"):
        open_source(str(empty))
    raw = read(bare, "timestamp,bid,ask\n")
    assert raw.tables["quotes"].height == 0
    assert rules(raw) == {"no_rows"}
    assert open_data(bare).quotes.is_empty()


def test_a_cut_csv_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("timestamp,bid,ask\n1,2,3,4,5\n")
    with pytest.raises(UnreadableSourceError, match="is not a CSV"):
        open_source(str(path)).read()


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        (["timestamp", "close", "mid"], CandleFile),
        (["timestamp", "bid", "ask"], QuoteFile),
        (["timestamp", "mid"], QuoteFile),
        (["timestamp", "price", "amount", "side"], MarketTradeFile),
        (["timestamp", "bid", "price"], CandleFile),  # unknown: told what candles need, as ever
    ],
)
def test_parquet_is_told_by_its_columns(tmp_path: Path, columns: list[str], kind: type) -> None:
    path = tmp_path / "x.parquet"
    pl.DataFrame({name: [1.0] for name in columns}).write_parquet(path)
    assert isinstance(open_source(str(path)), kind)
    assert [c.matches(path) for c in (CandleFile, QuoteFile, MarketTradeFile)].count(True) == 1


def test_parquet_that_is_none_or_unknown_says_what_it_said(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    with pytest.raises(UnreadableSourceError, match="is not a Parquet file"):
        read(path, "no parquet")
    pl.DataFrame({"a": [1]}).write_parquet(path)
    with pytest.raises(UnreadableSourceError, match="holds no candles"):
        read(path)


# --- the recorder's lines ---------------------------------------------------------------------------------


def test_recorded_books_give_the_best_of_each_side(tmp_path: Path) -> None:
    first = book(0, [[99, 1], [100, 2]], [[103, 1], [102.0, 1]])  # in any order
    second = book(1, [["100.5", "1"]], [["101.5", "2"]])  # numbers as texts
    raw = read(tmp_path / RECORDED, first + "\n" + second)
    assert raw.tables["quotes"].select("row", "at", "mid_quote", "bid_quote", "ask_quote").rows() == [
        (1, AT, 101.0, 100.0, 102.0), (2, AT + SECOND, 101.0, 100.5, 101.5),
    ]  # fmt: skip
    labels = raw.tables["quotes"].select(pl.col("kind", "connector", "pair").cast(pl.String)).row(0)
    assert labels == ("quote_file", "binance", "BTC-USDT")
    assert not raw.findings


@pytest.mark.parametrize("block", [7, 1 << 20])
def test_batches_without_a_newline_between_them(
    tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "_BLOCK", block)
    batch = "\n".join(book(s, [[100 + s, 1]], [[102 + s, 1]]) for s in range(3))
    quotes = quotes_of(tmp_path / RECORDED, batch + batch.replace("1700000", "1700001"))
    assert quotes["mid_quote"].to_list() == [101.0, 102.0, 103.0] * 2
    assert quotes["row"].to_list() == [1, 2, 3, 4, 5, 6]


def test_an_empty_side_is_no_sample_and_counted(tmp_path: Path) -> None:
    lines = [
        book(0, [], [[2, 1]]),
        book(1, [[1, 1]], [[3, 1]]),
        book(2, [[1, 1]], []),
        '{"ts": 3, "bids": []}',
    ]
    raw = read(tmp_path / RECORDED, "\n".join(lines))
    assert raw.tables["quotes"]["row"].to_list() == [2]
    (finding,) = raw.findings
    assert (finding.rule, finding.n_rows, finding.rows) == ("empty_side", 3, (1, 3, 4))


def test_objects_that_are_cut_or_odd_are_quarantined(tmp_path: Path) -> None:
    good = book(0, [[1, 1]], [[3, 1]])
    lines = [
        good, '{"ts": 1, "bids": [[1, 1], [', '{"ts": 1700000002, "bids": "none", "asks": true}',
        '{"ts": 1, "bids": [[NaN, 1]], "asks": [[2, 1]]}', book(4, [[1, 1]], [[3, 1]]), '{"ts": 170',
    ]  # fmt: skip
    path = tmp_path / RECORDED
    path.write_text("".join(lines))
    data = open_data(path)
    assert data.quotes["row"].to_list() == [1, 5]
    assert 2 in data.quarantine["row"]
    n_empty = sum(f.n_rows for f in data.findings if f.rule == "empty_side")
    assert data.quotes.height + data.quarantine.height + n_empty == len(lines)
    assert "unreadable_value" in rules(data)


def test_recorded_trades(tmp_path: Path) -> None:
    one = '{"ts": 1700000000.5, "price": 100.25, "q_base": 0.5, "side": "buy"}'
    two = '{"ts": 1700000001, "price": 100.5, "q_base": 2, "side": "sell"}'
    raw = read(tmp_path / RECORDED_TRADES, one + two + "\n" + one)
    trades = raw.tables["market_trades"]
    assert trades.select("at", "price_quote", "amount_base", "side").rows() == [
        (AT + SECOND / 2, 100.25, 0.5, 1), (AT + SECOND, 100.5, 2.0, -1), (AT + SECOND / 2, 100.25, 0.5, 1),
    ]  # fmt: skip
    assert (raw.info.kind, raw.info.layout) == ("market_trades", "order book recorder")
    data = open_data(tmp_path / RECORDED_TRADES)
    assert data.market_trades["row"].to_list() == [1, 3, 2]  # by time; what repeats inside a file stays


def test_paper_trade_and_pairs_of_any_quote_are_in_a_recorders_name(tmp_path: Path) -> None:
    name = "binance_paper_trade_HBOT-TRY_order_book_snapshots_2024-05-01.txt"
    quotes = quotes_of(tmp_path / name, book(0, [[1, 1]], [[3, 1]]))
    assert quotes.select(pl.col("connector", "pair").cast(pl.String)).row(0) == (
        "binance_paper_trade",
        "HBOT-TRY",
    )


@pytest.mark.parametrize("ending", [".jsonl", ".ndjson", ".txt"])
def test_lines_are_read_under_any_of_their_endings(tmp_path: Path, ending: str) -> None:
    quotes = quotes_of(tmp_path / f"book_BTC-USDT{ending}", "\n " + book(0, [[1, 1]], [[3, 1]]) + "\n\n")
    assert quotes["mid_quote"].to_list() == [2.0]


@pytest.mark.parametrize("content", [MQTT, "notes\n", "{}", '{"ts": 1}', "[1]", '{"price": 1, "q_base": 2}'])
@pytest.mark.parametrize("ending", [".jsonl", ".txt"])
def test_other_lines_are_nobodys(tmp_path: Path, content: str, ending: str) -> None:
    path = tmp_path / f"x{ending}"
    path.write_text(content)
    with pytest.raises(UnreadableSourceError, match="neither"):
        open_source(str(path))


def test_a_folder_lists_only_what_looks_like_the_recorders(tmp_path: Path) -> None:
    whole = book(0, [[1, 1]], [[3, 1]])
    held = {
        RECORDED: whole, RECORDED_TRADES: "{}", "capture.jsonl": MQTT, "notes.txt": whole, "b.ndjson": whole,
        "c.jsonl": '{"ts": 1, "price": 2, "q_base": 3, "side": "buy"}', "requirements.txt": "polars\n",
    }  # fmt: skip
    for name, content in held.items():
        (tmp_path / name).write_text(content)
    assert {Path(path).name for path in expand(str(tmp_path))} == {
        RECORDED,
        RECORDED_TRADES,
        "b.ndjson",
        "c.jsonl",
    }


# --- public trades in columns -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "side"),
    [
        ("timestamp,price,amount,side\n1700000000,100,2,BUY\n", 1),
        ("timestamp,price,amount,side\n1700000000,100,2,sell\n", -1),
        ("ts,price,qty,side\n1700000000,100,2,1\n", 1),
        ("ts,price,size,side\n1700000000,100,2,2\n", -1),
        ("time,price,volume,side\n1700000000,100,2,unknown\n", None),
        ("time,price,quantity,taker_side\n1700000000,100,2,b\n", 1),
        (
            "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
            "1,100,2,1,1,1700000000000,true\n",
            -1,  # the buyer had his order in the book: the taker sold
        ),
        ("id,price,qty,quote_qty,time,is_buyer_maker\n1,100,2,200,1700000000000,False\n", 1),
    ],
)
def test_trades_in_columns(tmp_path: Path, content: str, side: int | None) -> None:
    raw = read(tmp_path / "BTCUSDT-aggTrades-2023-11.csv", content)
    trade = raw.tables["market_trades"].row(0, named=True)
    assert (trade["at"], trade["price_quote"], trade["amount_base"], trade["side"]) == (AT, 100.0, 2.0, side)
    assert (trade["connector"], trade["pair"]) == (None, "BTC-USDT")
    assert [f.message for f in raw.findings] == ["the file's name states no exchange"]
    assert raw.unreadable.is_empty()


def test_trades_of_parquet(tmp_path: Path) -> None:
    path = tmp_path / "trades_binance_BTC-USDT.parquet"
    frame = {"timestamp": [AT, AT], "price": [1.0, 2.0], "qty": [3, 4], "is_buyer_maker": [True, False]}
    pl.DataFrame(frame).write_parquet(path)
    trades = quotes = read(path).tables["market_trades"]
    assert trades.select("at", "price_quote", "amount_base", "side").rows() == [
        (AT, 1.0, 3.0, -1),
        (AT, 2.0, 4.0, 1),
    ]
    assert quotes["connector"].cast(pl.String).to_list() == ["binance"] * 2


def test_odd_cells_of_trades_are_said(tmp_path: Path) -> None:
    path = tmp_path / "trades_binance_BTC-USDT.csv"
    path.write_text(
        "timestamp,price,amount,side\n1700000000,100,2,buy\n1700000001,cheap,2,buy\n1700000002,100,lots,buy\n"
        "1700000003,100,0,buy\n1700000004,100,2,upwards\n,100,2,buy\n1700000006,0,2,buy\n"
    )
    data = open_data(path)
    assert data.market_trades.select("row", "amount_base", "side").rows() == [
        (1, 2.0, 1), (3, None, 1), (4, None, 1), (5, 2.0, None),
    ]  # fmt: skip
    assert dict(data.quarantine.select("row", pl.col("reason").cast(pl.String)).rows()) == {
        2: "unreadable_cell", 6: "missing_value", 7: "not_positive",
    }  # fmt: skip
    said = {(f.rule, f.n_rows) for f in data.findings}
    assert ("no_amount", 2) in said
    assert {"unreadable_value", "no_amount"} <= rules(data)


def test_trades_without_a_header_are_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-aggTrades-2023-11-14.csv"
    path.write_text("27893,42314.0,0.01,27893,27893,1700000000000,True,True\n")
    with pytest.raises(UnreadableSourceError, match="without a header") as failed:
        open_source(str(path)).read()
    assert "is_buyer_maker" in failed.value.remedy


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("market,symbol,timestamp,order_id,trade_type,price,amount", TradesCsv),
        ("Id,Timestamp,Exchange,Market,Order_type,Side,Price,Amount,Leverage,Position,Age", TradesCsv),
        ("timestamp,open,high,low,close,volume", CandleFile),
        ("timestamp,price,volume", None),  # nobody's side: a series of prices
        ("timestamp,symbol,side,price,amount,fee", None),  # an account's own
        ("bot,at,side,price_quote,amount_base", None),  # fillbook's own export
        ("bot,timestamp,side,price,amount", None),
    ],
)
def test_what_is_no_public_trade_stays_what_it_is(tmp_path: Path, header: str, kind: type | None) -> None:
    path = tmp_path / "x.csv"
    path.write_text(header + "\n")
    assert not MarketTradeFile.matches(path)
    assert not QuoteFile.matches(path)
    if kind is None:
        with pytest.raises(UnreadableSourceError, match="neither"):
            open_source(str(path))
    else:
        assert isinstance(open_source(str(path)), kind)


# --- together with a bot ----------------------------------------------------------------------------------


def bot_with(tmp_path: Path, name: str, content: str) -> PerformanceDataSource:
    """A bot that bought 2.5 ABC at 100 and never sold, with a file beside it."""
    folder = tmp_path / "bots"
    folder.mkdir()
    write_database(folder / "maker.sqlite", {"TradeFill": [fill()], "Order": [order()]})
    (folder / name).write_text(content)
    return open_data(folder)


def seconds(offset: float) -> float:
    return AT_MS / 1_000 + 1 + offset  # of the fill


@pytest.mark.parametrize("name", ["quotes_binance_ABC-USDT.csv", "ABC-USDT.csv"])  # its venue, or any
def test_a_quote_file_marks_an_open_position_and_is_no_bot(tmp_path: Path, name: str) -> None:
    content = f"timestamp,bid,ask\n{seconds(-1)},109,111\n{seconds(0)},119,121\n{seconds(86_400 * 900)},1,3\n"
    data = bot_with(tmp_path, name, content)
    view = view_of(data)
    last = view.ledger.books.row(0, named=True)
    assert (last["mark_quote"], last["mark_kind"]) == (120.0, "mid")  # (119 + 121) / 2, not the later
    assert view.period is not None
    assert view.period[1] == datetime.fromtimestamp(seconds(0), UTC)  # the run is not longer for it
    assert "no_fills" not in rules(data)
    assert [file.kind for file in data.lineage.files] == ["hummingbot_sqlite", "quotes"]


def test_the_bots_own_quotes_and_a_files_are_one_series(tmp_path: Path) -> None:
    market = {"exchange": "binance", "trading_pair": "ABC-USDT", "best_bid": 1.0, "best_ask": 1.0}
    database = write_database(
        tmp_path / "maker.sqlite",
        {
            "TradeFill": [fill()], "Order": [order()],
            "MarketData": [{**market, "timestamp": AT_MS * 1_000_000, "mid_price": 105.0}],
        },
    )  # fmt: skip
    file = tmp_path / "quotes_binance_ABC-USDT.csv"
    file.write_text(f"timestamp,mid\n{seconds(0)},130\n{seconds(-30)},90\n{seconds(-1)},91\n")
    data = open_data(database, file)
    kinds = data.quotes.select(pl.col("kind").cast(pl.String), "mid_quote").rows()
    assert kinds == [
        ("quote_file", 90.0),
        ("market_data", 105.0),
        ("quote_file", 91.0),
        ("quote_file", 130.0),
    ]
    assert view_of(data).ledger.books["mark_quote"].to_list() == [130.0]


def test_crossed_quotes_are_kept_and_said(tmp_path: Path) -> None:
    path = tmp_path / "quotes_binance_ABC-USDT.csv"
    path.write_text("timestamp,bid,ask\n1700000002,1,3\n1700000001,4,3\n1700000000,3,3\n")
    data = open_data(path)
    assert data.quotes["row"].to_list() == [3, 2, 1]  # by time
    (finding,) = [f for f in data.findings if f.rule == "crossed_quotes"]
    assert (finding.n_rows, finding.rows, finding.table) == (1, (2,), "quotes")
    assert finding.effect
    assert finding.remedy


def test_the_same_time_of_a_market_counts_once_and_the_same_file_too(tmp_path: Path) -> None:
    first, second = tmp_path / "binance_ABC-USDT_a.csv", tmp_path / "binance_ABC-USDT_b.csv"
    first.write_text("timestamp,mid\n1700000000,1\n1700000000,1\n1700000001,2\n")
    second.write_text(first.read_text())
    data = open_data(first, second)
    assert data.quotes["mid_quote"].to_list() == [1.0, 2.0]
    assert "same_file" in rules(data)


def test_many_rows_are_read_in_columns(tmp_path: Path) -> None:
    path, n = tmp_path / "binance_ABC-USDT.csv", 200_000
    at = pl.Series("timestamp", range(n)) + 1_700_000_000
    pl.DataFrame({"timestamp": at, "bid": at * 0.0 + 99.0, "ask": at * 0.0 + 101.0}).write_csv(path)
    assert quotes_of(path)["mid_quote"].sum() == 100.0 * n
