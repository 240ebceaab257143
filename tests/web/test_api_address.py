"""A Hummingbot API opened on the page: by its address, never with its password."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from sources.api_server import PASSWORD, USER, ApiServer, serving, status
from web.conftest import Started, small_bot

PLACE = "bots/archived/small/data"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setenv("FILLBOOK_SECRETS", str(tmp_path / "none.toml"))
    monkeypatch.setenv("FILLBOOK_HUMMINGBOT_API_USERNAME", USER)
    monkeypatch.setenv("FILLBOOK_HUMMINGBOT_API_PASSWORD", PASSWORD)
    (tmp_path / "served" / PLACE).mkdir(parents=True)
    small_bot(tmp_path / "served" / PLACE)
    with serving(tmp_path / "served") as found:
        yield found


def said(app: AppTest) -> str:
    kinds = (app.error, app.warning, app.info, app.caption, app.markdown, app.text)
    words = "\n".join(str(element.value) for kind in kinds for element in kind)
    return words.replace("\\", "")


def asked_for(app: AppTest, uri: str) -> AppTest:
    next(box for box in app.text_input if box.label.startswith("Path")).set_value(uri).run()
    app = next(button for button in app.button if button.label == "Open").click().run()
    while not app.exception and app.title and app.title[0].value == "Opening":
        app = app.run()
    return app


def test_an_address_is_opened_like_a_file(started: Started, server: ApiServer) -> None:
    app = started(f"hummingbot-api://127.0.0.1:{server.port}")
    assert not app.exception
    # 10 − 5 − 4 × 0.1, as of the file
    assert any("4.60" in str(metric.value) for metric in app.metric), [m.value for m in app.metric]
    n = len(server.asked)
    app.run()
    assert len(server.asked) == n


def test_a_password_that_is_typed_is_refused_and_not_repeated(started: Started, server: ApiServer) -> None:
    app = asked_for(started(), server.uri(f"/archived/{PLACE}/small_bot.sqlite"))
    assert not app.exception
    assert "carries a password" in said(app)
    assert PASSWORD not in said(app)


def test_a_server_that_fails_is_said_and_what_is_open_stays(
    started: Started, server: ApiServer, bot: Path
) -> None:
    app = started(bot)
    server.always = status(500, "boom")
    app = asked_for(app, f"hummingbot-api://127.0.0.1:{server.port}?retries=0")
    assert not app.exception
    assert "answers 500: boom" in said(app)
    assert any("4.60" in str(metric.value) for metric in app.metric)
