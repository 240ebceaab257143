"""Bots that trade now, in simulated markets: real databases that grow, and a real broker that tells of it."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fillbook.demo.live_bots import Happening, LiveBot, live_bots
from fillbook.demo.live_bridge import (
    LiveDatabase,
    Word,
    availability,
    encoded,
    heartbeat,
    report,
    told,
)
from fillbook.errors import BadRequestError, MissingExtraError
from fillbook.sources.credentials import credentials_for, without_secrets
from fillbook.sources.mqtt_address import address_of
from fillbook.testing.broker import LocalBroker

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

    from paho.mqtt.client import Client

TICK_S = 0.1
HEARTBEAT_S, REPORT_S = 10.0, 1.0
_CONNECT_S = 10.0
_PASSED_ON_S = 0.3


@dataclass(frozen=True, slots=True)
class Pace:
    """How many bots, how many events a second all of them together, and the seed of their chance."""

    n_bots: int = 3
    events_per_s: float = 6.0
    seed: int = 1


class LiveDemo:
    """Bots at work from `start` to `stop`; also as ``with LiveDemo() as demo: …``.

    Parameters
    ----------
    pace
        How many and how fast.
    folder
        Where their databases lie (``bots/instances/NAME/data/NAME.sqlite``), and stay; left out, in a folder
        of its own that is deleted at the end.
    broker
        Address of a broker; left out, one is started.
    """

    def __init__(self, pace: Pace | None = None, *, folder: Path | None = None, broker: str = "") -> None:
        self.pace = pace or Pace()
        self._scratch = None if folder else Path(tempfile.mkdtemp(prefix="fillbook-live-"))
        self.folder = folder or self._scratch or Path()
        self.broker = None if broker else LocalBroker()
        self._uri = broker or (self.broker.uri if self.broker else "")
        self.bots = live_bots(self.pace.n_bots, self.pace.seed)
        self.n_events, self._next = 0, 0
        self.failure = ""
        self._namespace = address_of(self._uri).namespace
        self._databases: dict[str, LiveDatabase] = {}
        self._client: Client | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fillbook live demo", daemon=True)

    @property
    def address(self) -> str:
        """Address that follows all bots, without secrets."""
        return f"{without_secrets(self._uri).rstrip('/')}/+"

    @property
    def databases(self) -> tuple[Path, ...]:
        """Databases of the bots."""
        return tuple(self._path(bot) for bot in self.bots)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def start(self) -> None:
        """Start broker and bots.

        Raises
        ------
        MissingExtraError
            The extra ``live`` is not installed.
        BadRequestError
            The broker does not start, or does not answer.
        """
        with ExitStack() as undone:
            undone.callback(self._clear)
            if self.broker is not None:
                self.broker.start()
            self._client = _publisher(self._uri)
            now_s = time.time()
            for bot in self.bots:
                self._databases[bot.name] = LiveDatabase(self._path(bot), bot, now_s)
                self._say(bot, [availability(now_s, is_online=True), heartbeat(now_s)])
            undone.pop_all()
        self._thread.start()

    def stop(self) -> None:
        """Stop the bots as bots stop: orders cancelled, positions stored, offline said; then the broker."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        now_s = time.time()
        for bot in self.bots:
            if database := self._databases.pop(bot.name, None):
                self._trade(bot, database, bot.cancel_all(now_s))
                database.close(now_s)
                self._say(bot, [*report(bot), availability(now_s, is_online=False)])
        self._hear_out()
        self._clear()

    def _hear_out(self) -> None:
        """Wait until the last words are out, and a broker of our own has passed them on."""
        end = time.monotonic() + _CONNECT_S
        while self._client is not None and self._client.want_write() and time.monotonic() < end:
            time.sleep(0.02)
        if self.broker is not None:
            time.sleep(_PASSED_ON_S)

    def _clear(self) -> None:
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
        if self.broker is not None:
            self.broker.stop()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _path(self, bot: LiveBot) -> Path:
        return self.folder / "bots" / "instances" / bot.name / "data" / f"{bot.name}.sqlite"

    def _run(self) -> None:
        try:
            self._work()
        except sqlite3.Error as error:  # a full disk, a file taken away
            self.failure = str(error)

    def _work(self) -> None:
        began = time.monotonic()
        due_report = due_heartbeat = began
        while not self._ended.is_set():
            now, now_s = time.monotonic(), time.time()
            self._turn(now_s, (now - began) * self.pace.events_per_s - self.n_events)
            if now >= due_report:
                due_report = now + REPORT_S
                for bot in self.bots:
                    self._say(bot, report(bot))
            if now >= due_heartbeat:
                due_heartbeat = now + HEARTBEAT_S
                for bot in self.bots:
                    self._say(bot, [heartbeat(now_s)])
            self._ended.wait(max(0.0, TICK_S - (time.monotonic() - now)))

    def _turn(self, now_s: float, n_due: float) -> None:
        """Have the bots act in turn until `n_due` events happened; each commits its own together."""
        happened: dict[str, list[Happening]] = {}
        while n_due >= 1.0:
            bot = self.bots[self._next % len(self.bots)]
            self._next += 1
            done = bot.act(now_s)
            happened.setdefault(bot.name, []).extend(done)
            n_due -= len(done)
        for bot in self.bots:
            if bot.name in happened:
                self._trade(bot, self._databases[bot.name], happened[bot.name])

    def _trade(self, bot: LiveBot, database: LiveDatabase, happened: list[Happening]) -> None:
        """Publish what happened, then store it, as Hummingbot does."""
        self._say(bot, (("events", told(one)) for one in happened))
        database.write(happened)
        self.n_events += len(happened)

    def _say(self, bot: LiveBot, words: Iterable[Word]) -> None:
        if self._client is not None:
            for channel, payload in words:
                self._client.publish(f"{self._namespace}/{bot.name}/{channel}", encoded(payload))


def _publisher(uri: str) -> Client:
    """A connected client of the broker at `uri`, which connects again when it is lost."""
    try:
        from paho.mqtt import client as paho  # noqa: PLC0415  (a driver loads when used)
        from paho.mqtt import enums  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("live", "the live demo") from error
    address, login = address_of(uri), credentials_for(uri)
    client = paho.Client(enums.CallbackAPIVersion.VERSION2)
    client.reconnect_delay_set(1, 5)
    if login.username:
        client.username_pw_set(login.username, login.password or None)
    if address.is_tls:
        client.tls_set(ca_certs=address.ca or None)
    try:
        client.connect(address.host, address.port)
    except OSError as error:
        message = f"no broker answers at {address.place}"
        raise BadRequestError(message) from error
    client.loop_start()
    end = time.monotonic() + _CONNECT_S
    while not client.is_connected():
        if time.monotonic() > end:
            client.loop_stop()
            message = f"the broker at {address.place} lets nobody in without the right name and password"
            raise BadRequestError(message)
        time.sleep(0.02)
    return client
