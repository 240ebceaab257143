"""The ETL tool of the page: files chosen, health seen, merged, opened."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fillbook.reports.merging import merge
from fillbook.sources.checkpoint_form import read_manifest
from fillbook.testing.databases import write_database
from web.conftest import Started, fill
from web.test_bot_performance import cards


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FILLBOOK_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


def press(app: AppTest, label: str) -> AppTest:
    app = next(button for button in app.button if button.label == label).click().run()
    while not app.exception and app.title and app.title[0].value == "Opening":
        app = app.run()
    assert not app.exception
    return app


def test_files_are_looked_at_merged_and_opened(started: Started, bot: Path, home: Path) -> None:
    (bot.parent / "broken.sqlite").write_text("nothing")
    app = started()
    area = next(box for box in app.text_area if box.label.startswith("Databases"))
    app = area.set_value(str(bot.parent)).run()
    shown = next(frame.value for frame in app.dataframe if "state" in frame.value)
    broken, healthy = shown["state"]
    assert broken.startswith("✗ is not a SQLite database")
    assert healthy == "✓ healthy"
    assert any(text.value.startswith("1 file can be read, 1 cannot") for text in app.caption)
    app = press(app, "Merge 1 file")
    assert [text.value for text in app.success] == ["checkpoint\\: 1 source added."]
    assert [source.info.uri for source in read_manifest(home / "checkpoint").sources] == [str(bot)]
    app = press(app, "Open checkpoint")
    assert cards(app)["Net PnL, USDT"] == "+4.60"
    assert app.session_state["selected_checkpoint"] == (str(home / "checkpoint"),)


def test_a_checkpoint_that_is_there_is_opened(started: Started, bot: Path, home: Path) -> None:
    merge([bot], home / "mine")
    app = started()
    box = next(box for box in app.selectbox if box.label == "Checkpoints")
    assert box.options[0].startswith("mine: 1 source, 4 fills, changed ")
    app = press(app, "Open the checkpoint")
    assert cards(app)["Net PnL, USDT"] == "+4.60"


def test_the_page_of_a_checkpoint_is_that_of_its_files(started: Started, bot: Path, home: Path) -> None:
    merge([bot], home / "mine")
    plain, held = started(bot), started(home / "mine")
    for app in (plain, held):
        app.session_state["more"] = True
        app.run()
    assert cards(held) == cards(plain)
    assert len(cards(held)) > 20
    pairs = next(box for box in held.multiselect if box.label == "Pairs")
    assert pairs.options == ["ABC-USDT", "XYZ-USDT"]


def test_what_cannot_be_merged_says_why_and_leaves_the_page(started: Started, bot: Path, home: Path) -> None:
    home.mkdir()
    (home / "checkpoint").write_text("a file")
    app = press(started(bot), "Merge 1 file")
    assert any("is a file" in error.value.replace("\\", "") for error in app.error)
    assert cards(app)["Net PnL, USDT"] == "+4.60"
    name = next(box for box in app.text_input if box.label == "Name of the checkpoint")
    app = name.set_value("../elsewhere").run()
    assert next(button for button in app.button if button.label == "Merge 1 file").disabled


def test_a_checkpoint_that_went_away_is_said(started: Started, bot: Path, home: Path) -> None:
    merge([bot], home / "mine")
    app = started("mine")
    assert cards(app)["Net PnL, USDT"] == "+4.60"
    shutil.rmtree(home / "mine")
    app = app.run()
    assert not app.exception
    assert any("there is no such file" in text.value for text in app.error)
    assert app.session_state["performance_data"] is None or not app.metric


def test_more_merged_offers_to_read_again(started: Started, bot: Path, home: Path, tmp_path: Path) -> None:
    merge([bot], home / "mine")
    app = started("mine")
    merge([write_database(tmp_path / "second.sqlite", {"TradeFill": [fill(90, "BUY", 1.0)]})], home / "mine")
    app = app.run()
    label = "The files have changed: read them again"
    assert label in [button.label for button in app.button]
