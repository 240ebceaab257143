"""A real PostgreSQL for the tests of the sources, one a session."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from sources.postgres_server import OUTSIDE, Server, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server that FILLBOOK_TEST_POSTGRES names (databases are made in it and dropped), or our own."""
    if OUTSIDE in os.environ:
        yield Server(os.environ[OUTSIDE])
    else:
        with running() as server:
            yield server


@pytest.fixture(scope="session")
def own_postgres() -> Iterator[Server]:
    """A server of the tests' own, whose users and processes are theirs."""
    with running() as server:
        yield server


@pytest.fixture(autouse=True)
def _no_secrets_of_yours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords and defaults of whoever runs the tests play no part."""
    for name in [n for n in os.environ if n.startswith(("PG", "FILLBOOK_POSTGRES", "FILLBOOK_SECRETS"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PGPASSFILE", "/nowhere/.pgpass")
    monkeypatch.setenv("FILLBOOK_SECRETS", "/nowhere/secrets.toml")
