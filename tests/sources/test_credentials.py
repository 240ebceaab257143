"""Names and passwords: where they are looked for, and that no text carries them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbook.errors import UnreadableSourceError
from fillbook.sources.credentials import Credentials, credentials_for, without_secrets

_SECRET = st.text("abcdefghijkXYZ0123456789%~._-!$'()*+,;/@", min_size=6, max_size=20).map(
    lambda text: f"S3{text}"
)


@pytest.fixture(autouse=True)
def _no_secrets_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FILLBOOK_SECRETS", str(tmp_path / "none.toml"))


@given(_SECRET)
def test_no_shown_address_holds_the_password(secret: str) -> None:
    for uri in (
        f"postgresql://me:{secret}@db.example:5432/bot",
        f"postgresql://db.example/bot?user=me&password={secret}",
        f"hummingbot-api://host/a?api_token={secret}",
    ):
        assert secret not in without_secrets(uri)


@pytest.mark.parametrize(
    "uri", ["a.sqlite", "/x/y z", "mqtt://host/bot", "postgresql://me@host/db?sslmode=require"]
)
def test_an_address_without_secrets_is_shown_as_it_is(uri: str) -> None:
    assert without_secrets(uri) == uri


def test_the_address_comes_before_the_environment_before_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(
        '["mqtt://host"]\nusername = "filed"\npassword = "p3"\n["mqtt://host:99"]\npassword = "p4"\n'
    )
    secrets.chmod(0o600)
    monkeypatch.setenv("FILLBOOK_SECRETS", str(secrets))
    assert credentials_for("mqtt://host/bot") == Credentials("filed", "p3")
    assert credentials_for("mqtt://host:99/bot") == Credentials("", "p4")
    monkeypatch.setenv("FILLBOOK_MQTT_PASSWORD", "p2")
    assert credentials_for("mqtt://host/bot") == Credentials("filed", "p2")
    assert credentials_for("mqtt://me:p%401@host/bot") == Credentials("me", "p@1")
    assert credentials_for("hummingbot-api://host") == Credentials()


def test_a_repr_hides_the_password() -> None:
    assert "hush" not in repr(Credentials("me", "hush"))


@pytest.mark.parametrize(
    ("mode", "text", "why"), [(0o644, "", "read by others"), (0o600, "= = [", "no TOML")]
)
def test_a_bad_file_of_secrets_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: int, text: str, why: str
) -> None:
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(text)
    secrets.chmod(mode)
    monkeypatch.setenv("FILLBOOK_SECRETS", str(secrets))
    with pytest.raises(UnreadableSourceError, match=why):
        credentials_for("mqtt://host")


def test_a_port_that_is_no_number_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnreadableSourceError, match="names no port"):
        credentials_for("postgresql://me:hush@host:port/db")
