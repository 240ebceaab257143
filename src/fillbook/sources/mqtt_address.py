"""Addresses of running bots: ``mqtt://[user@]host[:port]/BOT``."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from fillbook.errors import UnreadableSourceError
from fillbook.sources.credentials import without_secrets
from fillbook.sources.mqtt_messages import CHANNELS, NAMESPACE

ALL = "+"
PORTS = {"mqtt": 1883, "mqtts": 8883}
_FORM = "write mqtt://host/BOT for one bot, mqtt://host/+ for all; options are ?connector=NAME and ?ca=FILE"
_WILD = frozenset("+#")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the broker is, and which bots are followed.

    Parameters
    ----------
    uri
        As the user gave it; may hold a password.
    bot
        Name of the bot, `ALL` for every one.
    connectors
        Venues the user says the bots trade on.
    ca
        File of the certificate authority, empty for those of the system.
    """

    uri: str
    host: str
    port: int
    is_tls: bool
    namespace: str
    bot: str
    connectors: tuple[str, ...] = ()
    ca: str = ""

    @property
    def shown(self) -> str:
        """The address as it may be shown."""
        return without_secrets(self.uri)

    @property
    def place(self) -> str:
        """Address of the broker without any name or password; a bot's is ``place/bot``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        tail = "" if self.namespace == NAMESPACE else f"/{self.namespace}"
        return f"{'mqtts' if self.is_tls else 'mqtt'}://{host}:{self.port}{tail}"

    @property
    def topics(self) -> tuple[str, ...]:
        """What is asked of the broker."""
        return tuple(f"{self.namespace}/{self.bot}/{channel}" for channel in CHANNELS)


def address_of(uri: str) -> Address:
    """The parts of an address.

    >>> address_of("mqtt://me:hush@broker.example/maker-1").topics[0]
    'hbot/maker-1/events'

    Raises
    ------
    UnreadableSourceError
        It names no host, no port, several bots, or an option that is not known.
    """
    parts = urlsplit(uri)
    scheme, shown = parts.scheme.lower(), without_secrets(uri)
    try:
        port = parts.port or PORTS[scheme]
    except ValueError as error:
        raise UnreadableSourceError(shown, "names no port", "write host:1883") from error
    if not parts.hostname:
        raise UnreadableSourceError(shown, "names no host", _FORM)
    named = [unquote(part) for part in parts.path.split("/") if part]
    if len(named) > 2 or any(_WILD & set(part) and part not in _WILD for part in named):
        raise UnreadableSourceError(shown, "names no bot that could be followed", _FORM)
    bot = named[-1] if named else ALL
    options = parse_qsl(parts.query)
    unknown = sorted({key for key, _ in options} - {"connector", "ca"})
    if unknown:
        raise UnreadableSourceError(shown, f"has the unknown option {', '.join(unknown)}", _FORM)
    return Address(
        uri=uri, host=parts.hostname, port=port, is_tls=scheme == "mqtts",
        namespace=named[0] if len(named) == 2 else NAMESPACE, bot=ALL if bot in _WILD else bot,
        connectors=tuple(value for key, value in options if key == "connector"),
        ca=next((value for key, value in options if key == "ca"), ""),
    )  # fmt: skip
