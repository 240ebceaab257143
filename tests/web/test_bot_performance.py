"""The page answers, narrows with the filter, and says what is wrong where something is."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

from fillbook.testing.databases import write_database
from fillbook.web import narrowing
from web.conftest import Started


def cards(app: AppTest) -> dict[str, str]:
    return {card.label: card.value for card in app.metric}


def more_figures(app: AppTest) -> AppTest:
    """The page with its further cards unfolded."""
    app.session_state["more"] = True
    return app.run()


def test_the_cards_say_what_the_fills_earned(started: Started, bot: Path) -> None:
    app = started(bot)
    assert not app.exception
    assert app.title[0].value == "Bot performance"
    shown = cards(app)
    assert shown["Net PnL, USDT"] == "+4.60"  # 10 − 0.2 − 5 − 0.2
    assert shown["Fees, USDT"] == "0.40"
    assert shown["Win rate"] == "50.00\N{THIN SPACE}%"
    assert any("4 fills" in caption.value for caption in app.caption)


def test_the_five_sections_stand_in_order(started: Started, bot: Path) -> None:
    app = started(bot)
    assert [header.value for header in app.header] == ["Overview", "Global results", "Execution", "Export"]
    assert any(box.label.startswith("Data source: 4 fills of 1 bot from 1 file") for box in app.expander)


def test_the_session_holds_exactly_its_keys(started: Started, bot: Path) -> None:
    app = started(bot)
    held = set(app.session_state._state._state.filtered_state)
    own = {
        "selected_checkpoint", "performance_data", "filter_params", "chart_settings", "export_config",
    }  # fmt: skip
    widgets = {
        *narrowing.KEYS, "method", "capital", "currency", "marks", "strict", "quote_age", "mid_proxy", "zone",
        "more", "books", "quality",
    }  # fmt: skip
    assert own <= held
    buttons = {key for key in held if key.startswith("how_")}  # "How computed", one a card
    assert {key for key in held - own - buttons if not key.rsplit("_", 1)[-1].isdigit()} <= widgets


def test_a_pair_narrows_everything(started: Started, bot: Path) -> None:
    app = started(bot)
    pairs = next(box for box in app.multiselect if box.label == "Pairs")
    app = pairs.select("XYZ-USDT").run()
    assert not app.exception
    assert cards(app)["Net PnL, USDT"] == "\N{MINUS SIGN}5.20"
    assert app.session_state["filter_params"].chosen.pairs == ("XYZ-USDT",)


def test_capital_opens_the_percentages(started: Started, bot: Path) -> None:
    app = started(bot)
    app = more_figures(app)
    assert cards(app)["ROI"] == "\N{EM DASH}"
    app = more_figures(app.number_input[0].set_value(1000.0).run())
    assert cards(app)["ROI"] == "+0.46\N{THIN SPACE}%"


def test_without_data_it_says_how_to_open_some(started: Started) -> None:
    app = started()
    assert not app.exception
    assert any("after every fee" in text.value for text in app.markdown)
    assert {button.label for button in app.button} == {"Open", "Open the demo"}


def test_a_file_that_cannot_be_read_is_an_error_not_a_traceback(started: Started, tmp_path: Path) -> None:
    broken = tmp_path / "broken.sqlite"
    broken.write_text("no database")
    app = started(broken)
    assert not app.exception
    assert "is not a SQLite database" in app.error[0].value.replace("\\", "")
    assert {button.label for button in app.button} == {"Open", "Open the demo"}, "a way on"


def test_a_database_without_fills_says_so(started: Started, tmp_path: Path) -> None:
    app = started(write_database(tmp_path / "idle.sqlite", {}))
    assert not app.exception
    assert any("no fill" in info.value for info in app.info)


def test_an_unknown_currency_is_an_error(started: Started, bot: Path) -> None:
    app = started(bot)
    currency = next(box for box in app.text_input if box.label == "Reporting currency")
    app = currency.set_value("EUR").run()
    assert not app.exception
    assert "no rate from USDT to EUR" in app.error[0].value
