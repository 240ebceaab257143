"""Running bots, followed through their broker: ``mqtt://[user@]host[:port]/BOT``, ``mqtt://host/+`` for all.

A broker keeps nothing: what is heard is what comes while one listens. The bots' databases settle what was
lost (`fillbook.etl.feeds`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.findings import Finding, Severity
from fillbook.schema.raw import RawTables, SourceInfo
from fillbook.sources.base import say_share
from fillbook.sources.following import BotStatus, Health
from fillbook.sources.mqtt_address import ALL, Address, address_of
from fillbook.sources.mqtt_connection import Connection
from fillbook.sources.mqtt_events import KIND
from fillbook.sources.mqtt_hearing import Hearing
from fillbook.sources.mqtt_markets import Known, known_of

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

LISTEN_S = 12.0  # how long `LiveBots.read` listens: a bot's heart beats every 10 s
_LOOK_S = 0.1


class LiveBots:
    """One running bot, or all of a broker."""

    opens = "running bots, through the MQTT broker they speak to"
    example = "mqtt://localhost/NAME"
    extra, drivers = "live", ("paho",)
    only_speaks = True  # there is nothing to read before it speaks

    def __init__(self, uri: str) -> None:
        """Remember the address; nothing is connected yet.

        Raises
        ------
        UnreadableSourceError
            The address is not one of a bot.
        """
        self.uri = uri
        self._address = address_of(uri)

    @classmethod
    def matches(cls, _path: Path) -> bool:
        """No file is a running bot."""
        return False

    def follow(self, known: Known | Mapping[str, pl.DataFrame] | None = None) -> MqttFeed:
        """Begin to listen; returns at once, `MqttFeed.health` says how it fares.

        Parameters
        ----------
        known
            Venues of the bots, which their events do not name: said, or the tables of their history.

        Raises
        ------
        MissingExtraError
            The extra ``live`` is not installed.
        UnreadableSourceError
            The file of secrets is not one.
        """
        said = known if isinstance(known, Known) or known is None else known_of(known)
        return MqttFeed(self._address, said)

    def read(self) -> RawTables:
        """What a bot says within `LISTEN_S` seconds; whoever wants more follows it.

        Raises
        ------
        UnreadableSourceError
            No broker, or it refused; no bot spoke; or more than one did.
        """
        with self.follow() as feed:
            began = time.monotonic()
            while (passed := time.monotonic() - began) < LISTEN_S and feed.health().state != "failed":
                say_share(passed / LISTEN_S)
                time.sleep(_LOOK_S)
            batches = feed.poll()
            heard, health = sorted(feed.bots()), feed.health()
            refusal = feed.refusal
        if refusal is not None:
            raise UnreadableSourceError(self._address.shown, *refusal)
        if not heard:
            why = health.message if health.state == "reconnecting" else _silence(self._address)
            raise UnreadableSourceError(self._address.shown, why, "check the address, and that the bot runs")
        if len(heard) > 1:
            why = f"stands for {len(heard)} running bots: {', '.join(heard[:5])}"
            raise UnreadableSourceError(self._address.shown, why, "name one, or follow all: fillbook watch")
        return _whole(self._address, heard[0], batches)


class MqttFeed:
    """What running bots say, as it comes; see `fillbook.sources.following.Feed`.

    ``uri`` is the address without its secrets. Counts of `health`: ``received``, ``fills``, ``repeated``,
    ``late``, ``malformed``, ``oversized``, ``dropped`` (nobody asked in time), ``waiting``, ``foreign`` and
    ``bots_ignored`` (not a bot's word, or too many bots), ``ignored`` (events of no trade),
    ``incomplete_orders`` (the bot says more was filled than was heard), ``clock_jumps``, ``reconnects``,
    ``orders_forgotten``.
    """

    def __init__(self, address: Address, known: Known | None = None) -> None:
        """Begin to listen."""
        told = known or Known()
        named = {(connector, "") for connector in address.connectors}
        self.uri = address.shown
        self._hearing = Hearing(
            address.place, replace(told, markets=frozenset(told.markets) | named), address.namespace
        )  # fmt: skip
        self._connection = Connection(address, self._hearing)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.close()

    def poll(self) -> tuple[RawTables, ...]:
        """New rows since the last call, a `RawTables` a bot that said anything. Does not wait."""
        return self._hearing.poll()

    def health(self) -> Health:
        """How it fares now; ``waiting`` also while connected to a broker where no bot has spoken."""
        state, since, message = self._connection.state()
        counts = self._hearing.counts()
        if state == "live" and not self._hearing.has_heard:
            state, message = "waiting", "connected; no bot has spoken yet"
        if state == "live" and counts.get("dropped"):
            message = (
                f"{counts['dropped']:,} events were dropped: they came faster than they were asked for; "
                "the bots' databases have them"
            )
        return Health(state, since, message, counts)

    def bots(self) -> Mapping[str, BotStatus]:
        """What each bot last said, by name."""
        return self._hearing.bots()

    def close(self) -> None:
        """Stop; nothing comes any more."""
        self._connection.close()

    @property
    def refusal(self) -> tuple[str, str] | None:
        """Why it was given up and what to do; None while it was not."""
        refused = self._connection.refusal
        return None if refused is None else (refused.why, refused.remedy)


def _silence(address: Address) -> str:
    who = "no bot" if address.bot == ALL else f"bot {address.bot}"
    return f"{'' if address.bot == ALL else 'nothing of '}{who} was heard within {LISTEN_S:.0f} s"


def _whole(address: Address, bot: str, batches: tuple[RawTables, ...]) -> RawTables:
    """What one bot said, and how long was listened."""
    said = Finding(
        "fills", "listened_briefly", Severity.INFO,
        f"what the bot said within {LISTEN_S:.0f} s: a broker keeps nothing of before",
        effect="everything before and after is missing",
        remedy="open the bot's database for its history; follow it with fillbook watch",
    )  # fmt: skip
    nothing = SourceInfo(
        uri=f"{address.place}/{bot}", kind=KIND, bot=bot, schema_version=None, layout="events", size_bytes=0,
        sha256="",
    )  # fmt: skip
    whole = batches[0] if batches else RawTables(nothing, {})
    return replace(whole, findings=(*whole.findings, said), continues=False)
