"""A server's address on the page: its numbers, no password in the link, and no host of a stranger's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sources.postgres_server import Server, load, running
from web.conftest import Started, small_bot
from web.test_bad_input import texts


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as found:
        yield found


def address(server: Server, folder: Path) -> str:
    with_table = server.query("postgres", "SELECT to_regclass('\"TradeFill\"') IS NOT NULL AS here").item()
    if not with_table:
        load(server, "postgres", small_bot(folder))
    return server.tcp("postgres", password="hush-hush")


def test_the_page_opens_a_server(server: Server, tmp_path: Path, started: Started) -> None:
    uri = address(server, tmp_path)
    app = started(uri)
    assert not app.exception
    assert not app.error
    assert "4 fills" in " ".join(str(part.label) for part in app.expander) + texts(app)
    assert "hush" not in str(app.main) + str(app.sidebar)
    assert "hush" not in str(app.query_params)


def test_a_link_holds_no_password_and_still_leads_there(
    server: Server, tmp_path: Path, started: Started
) -> None:
    from streamlit.testing.v1 import AppTest

    from fillbook.sources.credentials import linkable
    from web.conftest import APP

    uri = address(server, tmp_path)
    started(uri)  # the command's address is known
    app = AppTest.from_file(str(APP), default_timeout=60.0)
    app.query_params["data"] = linkable(uri)
    app.run()
    assert app.session_state["selected_checkpoint"] == (uri,)


def test_a_link_to_another_host_is_not_followed(server: Server, tmp_path: Path, started: Started) -> None:
    from streamlit.testing.v1 import AppTest

    from web.conftest import APP

    uri = address(server, tmp_path)
    started(uri)
    app = AppTest.from_file(str(APP), default_timeout=60.0)
    app.query_params["data"] = "postgresql://me@collector.example/db"
    app.run()
    assert app.session_state["selected_checkpoint"] == (uri,)
