"""Odd data gets a calm sentence and a way on, never an exception box."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fillbook.testing.databases import write_database
from web.conftest import FEE, Started, fill

WIDTH = 500  # controllers
DAY_MS = 86_400_000


def texts(app: AppTest) -> str:
    """Everything the page says in words."""
    kinds = (app.info, app.error, app.warning, app.caption, app.markdown, app.text)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def shown(app: AppTest) -> AppTest:
    """The page with every fold open, without an exception."""
    assert not app.exception, [e.message for e in app.exception]
    app.session_state["more"] = True
    app.session_state["books"] = True
    app = app.run()
    assert not app.exception, [e.message for e in app.exception]
    return app


def executor(number: int) -> dict[str, object]:
    """An executor of its own controller, tied to order ``o<number>``."""
    return {
        "id": f"e{number}", "timestamp": 1_700_000_000.0, "type": "position_executor", "close_type": 3,
        "close_timestamp": 1_700_000_100, "status": 4, "net_pnl_pct": 0.0, "net_pnl_quote": 0.0,
        "cum_fees_quote": 0.0, "filled_amount_quote": 1.0, "is_active": 0, "is_trading": 0,
        "config": json.dumps({"connector_name": "binance", "trading_pair": "ABC-USDT", "side": 1}),
        "custom_info": json.dumps({"order_ids": [f"o{number}"]}), "controller_id": f"controller_{number:03}",
    }  # fmt: skip


def test_one_fill(started: Started, tmp_path: Path) -> None:
    app = shown(started(write_database(tmp_path / "one.sqlite", {"TradeFill": [fill(0, "BUY", 100.0)]})))
    assert next(card for card in app.metric if card.label.startswith("Net PnL")).value == "\N{MINUS SIGN}0.10"
    assert next(card for card in app.metric if card.label == "Sharpe ratio").value == "\N{EM DASH}"


def test_fills_without_orders(started: Started, bot: Path) -> None:
    app = shown(started(bot))
    assert next(card for card in app.metric if card.label.startswith("Fill rate")).value == "\N{EM DASH}"
    assert "the data has no orders" in texts(app)


def test_a_single_day(started: Started, tmp_path: Path) -> None:
    rows = [fill(number, side, 100.0) for number, side in enumerate(["BUY", "SELL"] * 6)]
    app = shown(started(write_database(tmp_path / "day.sqlite", {"TradeFill": rows})))
    assert "shorter than a day" in texts(app)


def test_five_hundred_controllers(started: Started, tmp_path: Path) -> None:
    rows = [fill(number, "BUY" if number % 2 else "SELL", 100.0) for number in range(WIDTH)]
    tables = {"TradeFill": rows, "Executors": [executor(number) for number in range(WIDTH)]}
    app = shown(started(write_database(tmp_path / "many.sqlite", tables)))
    parts = next(t.value for t in app.dataframe if {"part", "net"} <= set(t.value.columns))
    assert len(parts) == WIDTH


@pytest.mark.parametrize(
    "name", ["<b>bold<i>&amp;", "*star* _under_ `code` [x](y) $a$ :red[z]", "机器人一号"]
)
def test_names_are_text(started: Started, tmp_path: Path, name: str) -> None:
    rows = [fill(0, "BUY", 100.0), fill(30, "SELL", 110.0)]
    app = shown(started(write_database(tmp_path / f"{name}.sqlite", {"TradeFill": rows})))
    parts = next(t.value for t in app.dataframe if {"part", "net"} <= set(t.value.columns))
    assert parts["part"].to_list() == [name]
    for element in (*app.markdown, *app.caption, *app.error, *app.info):
        assert name not in element.value or name.isalnum(), "a name where Markdown is read is escaped"


def test_a_filter_that_leaves_nothing(started: Started, bot: Path) -> None:
    app = started(bot)
    next(box for box in app.multiselect if box.key == "pair").set_value(["XYZ-USDT"])
    next(box for box in app.multiselect if box.key == "side").set_value(["BUY"])
    app.session_state["period"] = "1D"
    app = shown(app.run())
    assert "No fill passes the filter" in texts(app)
    assert "Show everything" in {button.label for button in app.button}
    app = next(button for button in app.button if button.label == "Show everything").click().run()
    assert not app.exception
    assert next(card for card in app.metric if card.label.startswith("Net PnL")).value == "+4.60"


def test_a_file_that_goes_away_while_open(started: Started, bot: Path) -> None:
    app = started(bot)
    bot.unlink()
    app = shown(app.run())
    assert "is no longer there" in texts(app)
    assert next(card for card in app.metric if card.label.startswith("Net PnL")).value == "+4.60"


def test_a_file_that_grows_is_read_again_when_asked(started: Started, bot: Path) -> None:
    app = started(bot)
    bot.unlink()
    write_database(bot, {"TradeFill": [fill(0, "BUY", 100.0), fill(30, "SELL", 120.0)]})
    app = app.run()
    again = next(button for button in app.button if "read them again" in button.label)
    app = again.click().run()
    assert not app.exception
    assert next(card for card in app.metric if card.label.startswith("Net PnL")).value == "+19.80"


def test_a_path_that_is_nothing(started: Started, tmp_path: Path, bot: Path) -> None:
    app = started(bot)
    path = next(box for box in app.text_input if box.label.startswith("Path"))
    app = path.set_value(str(tmp_path / "nowhere.sqlite")).run()
    app = next(button for button in app.button if button.label == "Open").click().run()
    assert not app.exception
    assert "there is no such file" in texts(app)
    assert next(card for card in app.metric if card.label.startswith("Net PnL")).value == "+4.60"


def test_two_quote_currencies_without_a_rate(started: Started, tmp_path: Path) -> None:
    rows = [
        fill(0, "BUY", 100.0), fill(30, "SELL", 110.0), fill(31, "BUY", 0.5, "ABC-BTC"),
        fill(60, "SELL", 0.6, "ABC-BTC"),
    ]  # fmt: skip
    for row in rows[2:]:
        row["trade_fee"] = {**FEE, "flat_fees": [{"token": "BTC", "amount": "0.001"}]}
    app = shown(started(write_database(tmp_path / "two.sqlite", {"TradeFill": rows})))
    assert "no rate joins the quote currencies" in texts(app).lower()


def test_a_link_with_names_the_data_does_not_hold(started: Started, bot: Path) -> None:
    app = started(bot)
    app.query_params["pair"] = ["NO-SUCH"]
    app.query_params["period"] = ["nonsense"]
    app = app.run()
    assert not app.exception
    assert next(card for card in app.metric if card.label.startswith("Net PnL")).value == "+4.60"


def test_a_price_that_is_none_stops_the_numbers_until_it_is_mended(started: Started, bot: Path) -> None:
    app = started(bot)
    given = next(box for box in app.text_input if box.label == "Prices given")
    app = given.set_value("ABC-USDT=0").run()
    assert not app.exception
    assert not app.metric, "no number under conventions that were refused"
    assert "a given price is PAIR=PRICE" in texts(app).replace("\\", "")
    app = next(box for box in app.text_input if box.label == "Prices given").set_value("").run()
    assert next(card for card in app.metric if card.label.startswith("Net PnL")).value == "+4.60"


def test_a_price_of_nothing_in_the_data_is_said_to_be_unused(started: Started, bot: Path) -> None:
    app = started(bot)
    app = next(box for box in app.text_input if box.label == "Prices given").set_value("nix-usdt=3").run()
    assert "NIX-USDT" in texts(app).replace("\\", "")
    assert "is not used" in texts(app)


def test_the_same_bytes_under_another_name_are_another_bot(started: Started, bot: Path) -> None:
    started(bot)
    other = bot.with_name("other_bot.sqlite")
    other.write_bytes(bot.read_bytes())
    broken = bot.with_name("broken.sqlite")
    broken.write_text("no database")
    app = started(other, broken, is_fresh=False)
    assert not app.exception
    parts = next(t.value for t in app.dataframe if {"part", "net"} <= set(t.value.columns))
    assert set(parts["part"]) == {"other_bot"}
    assert "could not be read and is in no number" in texts(app)
    app = started(other, is_fresh=False)
    assert "could not be read" not in texts(app), "what another session opened is not said here"


def test_round_trips_are_told_in_their_own_quote(started: Started, bot: Path) -> None:
    app = started(bot)
    next(box for box in app.text_input if box.label == "Prices given").set_value("BTC-USDT=50000")
    app = next(box for box in app.text_input if box.label == "Reporting currency").set_value("BTC").run()
    assert not app.exception
    assert next(card for card in app.metric if card.label.startswith("Net PnL")).value == "+0.00009200"
    assert "Closed longs made **+4.60 USDT**" in texts(app)


def test_a_period_says_what_was_held_before_it(started: Started, tmp_path: Path) -> None:
    rows = [fill(0, "BUY", 100.0), fill(40, "SELL", 110.0)]  # held over midnight, sold in the period
    app = started(write_database(tmp_path / "held.sqlite", {"TradeFill": rows}))
    app = next(g for g in app.segmented_control if g.label == "Period").set_value("1D").run()
    assert not app.exception
    # from flat: a sale at 110, valued at 110, less its fee; with the unit held since 100, 10 more
    assert next(card for card in app.metric if card.label.startswith("Net PnL")).value == "\N{MINUS SIGN}0.10"
    assert "the period made **+9.90 USDT**" in texts(app)


def test_a_choice_by_hand_can_be_taken_back(started: Started, bot: Path) -> None:
    app = started(bot)
    app = next(box for box in app.multiselect if box.key == "pair").set_value(["XYZ-USDT"]).run()
    app = next(box for box in app.multiselect if box.key == "side").set_value(["BUY"]).run()
    assert "One side alone is no result" in texts(app)
    app = next(button for button in app.button if button.label == "Back one step").click().run()
    chosen = app.session_state["filter_params"].chosen
    assert (chosen.pairs, chosen.sides) == (("XYZ-USDT",), ())
    app = next(button for button in app.button if button.label == "Back one step").click().run()
    assert app.session_state["filter_params"].chosen.is_empty
    assert "Back one step" not in {button.label for button in app.button}
