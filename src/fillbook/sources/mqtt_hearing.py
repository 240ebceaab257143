"""What a broker delivers, kept until it is asked for: bounded, and what does not fit is counted."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping
from typing import Final

from fillbook.findings import Finding
from fillbook.schema.raw import RawTables
from fillbook.sources.following import BotStatus
from fillbook.sources.mqtt_events import Events
from fillbook.sources.mqtt_markets import Known
from fillbook.sources.mqtt_messages import MAX_BYTES, NAMESPACE, Message, placed
from fillbook.sources.mqtt_status import Statuses

MAX_WAITING = 200_000  # events not yet asked for
MAX_WAITING_BYTES = 128 << 20
MAX_BOTS = 1_000
_KEPT = {"performance": 2, "status_updates": 8, "log": 50}  # last words worth keeping, by channel
COUNTS: Final = (
    "received", "fills", "repeated", "late", "malformed", "oversized", "dropped", "waiting", "foreign",
    "bots_ignored", "ignored", "incomplete_orders", "clock_jumps", "reconnects", "orders_forgotten",
)  # fmt: skip


class Hearing:
    """Messages in from one thread, tables and statuses out to another.

    Events wait in a queue of at most `MAX_WAITING` messages and `MAX_WAITING_BYTES`; of reports and log
    lines only the last ones are kept.
    """

    def __init__(self, place: str, known: Known | None = None, namespace: str = NAMESPACE) -> None:
        """Hear nothing yet; `place` is the broker's address without secrets."""
        self._namespace = namespace
        self._events, self._statuses = Events(place, known), Statuses()
        self._waiting: deque[Message] = deque()
        self._words: dict[tuple[str, str], deque[Message]] = {}
        self._seen: dict[str, float] = {}
        self._lost: Counter[str] = Counter()
        self._gaps: list[Finding] = []
        self._counts: Counter[str] = Counter()
        self._n_bytes = 0
        self._door, self._desk = threading.Lock(), threading.Lock()

    @property
    def has_heard(self) -> bool:
        """Whether anything came from any bot."""
        return bool(self._seen)

    def hear(self, topic: str, payload: bytes, at_s: float) -> None:
        """Take a message that came at `at_s`, seconds since 1970; never waits, never parses."""
        with self._door:
            self._counts["received"] += 1
            where = placed(topic, self._namespace)
            if where is None:
                self._counts["foreign"] += 1
                return
            bot, channel = where
            if bot not in self._seen and len(self._seen) >= MAX_BOTS:
                self._counts["bots_ignored"] += 1
                return
            self._seen[bot] = at_s
            if len(payload) > MAX_BYTES:
                self._counts["oversized"] += 1
                self._lost[bot] += channel == "events"
            elif channel == "events":
                self._queue(Message(bot, channel, payload, at_s))
            elif most := _KEPT.get(channel):
                kept = self._words.setdefault((bot, channel), deque(maxlen=most))
                kept.append(Message(bot, channel, payload, at_s))

    def _queue(self, message: Message) -> None:
        is_full = len(self._waiting) >= MAX_WAITING or self._n_bytes >= MAX_WAITING_BYTES
        if is_full:
            self._counts["dropped"] += 1
            self._lost[message.bot] += 1
            return
        self._waiting.append(message)
        self._n_bytes += len(message.payload)

    def counted(self, what: str, n: int = 1) -> None:
        """Count something that happened to the connection."""
        with self._door:
            self._counts[what] += n

    def missed(self, finding: Finding) -> None:
        """Have every bot's next batch say that something may be missing."""
        with self._door:
            self._gaps.append(finding)

    def poll(self) -> tuple[RawTables, ...]:
        """New rows since the last call, a `RawTables` a bot."""
        with self._desk:
            self._read_words()
            with self._door:
                waiting, self._waiting, self._n_bytes = self._waiting, deque(), 0
                lost, self._lost = self._lost, Counter()
                gaps, self._gaps = self._gaps, []
            for bot, n in lost.items():
                self._events.lost(bot, n)
            for finding in gaps:
                self._events.say(finding)
            return self._events.take(waiting)

    def bots(self) -> Mapping[str, BotStatus]:
        """What each bot last said, by name."""
        with self._desk:
            self._read_words()
            return dict(self._statuses.bots)

    def counts(self) -> Mapping[str, int]:
        """What was met since the start; what still waits counts as ``waiting``."""
        with self._door:
            own, waiting = dict(self._counts), len(self._waiting)
        read = dict(self._events.counts)
        read["malformed"] = read.get("malformed", 0) + self._statuses.n_malformed
        return {**dict.fromkeys(COUNTS, 0), **read, **own, "waiting": waiting}

    def _read_words(self) -> None:
        with self._door:
            said, self._words = self._words, {}
            seen = dict(self._seen)
        for bot, at_s in seen.items():
            self._statuses.heard(bot, at_s)
        for messages in said.values():
            for message in messages:
                for connector, pair in self._statuses.take(message):
                    self._events.saw(message.bot, connector, pair)
