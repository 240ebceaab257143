"""A connection that is held: lost, it is tried again, ever more slowly; refused, it is given up."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fillbook.errors import MissingExtraError
from fillbook.findings import Finding, Severity
from fillbook.sources.credentials import credentials_for
from fillbook.sources.following import State

if TYPE_CHECKING:
    from paho.mqtt.client import Client
    from paho.mqtt.reasoncodes import ReasonCode

    from fillbook.sources.mqtt_address import Address
    from fillbook.sources.mqtt_hearing import Hearing

KEEP_ALIVE_S = 30
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
_STEADY_S = 10.0  # a connection that held so long was a good one: the next wait is short again
_TURN_S = 0.5
_NONSENSE = (ValueError, IndexError, struct.error)  # what paho raises over packets that are none
_REFUSED = {
    132: ("speaks another version of MQTT", "fillbook speaks 3.1.1"),
    134: ("refused the name or password", "set FILLBOOK_MQTT_USERNAME and FILLBOOK_MQTT_PASSWORD"),
    135: ("refused the name or password", "set FILLBOOK_MQTT_USERNAME and FILLBOOK_MQTT_PASSWORD"),
}  # fmt: skip


class RefusedError(Exception):
    """The broker, or what stands at its address, will not have us; trying again would not help."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why, remedy)
        self.why, self.remedy = why, remedy


class Connection:
    """A thread that holds a connection and hands every message to `hearing`."""

    def __init__(self, address: Address, hearing: Hearing) -> None:
        """Begin to connect; returns at once.

        Raises
        ------
        MissingExtraError
            paho-mqtt is not installed.
        UnreadableSourceError
            The file of secrets is not one.
        """
        try:
            from paho.mqtt import client as paho  # noqa: PLC0415  (a driver loads when used)
            from paho.mqtt import enums  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtraError("live", "following a broker") from error
        self._paho, self._version = paho, enums.CallbackAPIVersion.VERSION2
        self._address, self._hearing = address, hearing
        self._login = credentials_for(address.uri)
        self._state: State = "waiting"
        self._since, self._message = datetime.now(UTC), f"connecting to {address.host}:{address.port}"
        self.refusal: RefusedError | None = None
        self._ended = ""
        self._closing, self._lock = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"fillbook {address.place}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Disconnect and wait for the thread."""
        self._closing.set()
        self._thread.join(timeout=10.0)

    def state(self) -> tuple[State, datetime, str]:
        """State, since when, and one sentence for a person."""
        with self._lock:
            return self._state, self._since, self._message

    def _say(self, state: State, message: str) -> None:
        with self._lock:
            if state != self._state:
                self._state, self._since = state, datetime.now(UTC)
            self._message = message

    def _run(self) -> None:
        try:
            self._hold()
        finally:  # whatever ended it, a feed that no longer listens must not look alive
            if not self._closing.is_set() and self.refusal is None:
                self._say("failed", "listening broke off. Follow the address anew")

    def _hold(self) -> None:
        wait_s = FIRST_WAIT_S
        while not self._closing.is_set():
            began = time.monotonic()
            try:
                why = self._session()
            except RefusedError as refused:
                self.refusal = refused
                self._say("failed", f"{refused.why}. {refused.remedy}")
                return
            if self._closing.is_set():
                return
            if time.monotonic() - began > _STEADY_S:
                wait_s = FIRST_WAIT_S
            self._say("reconnecting", f"{why}; tried again every {wait_s:g} s")
            self._closing.wait(wait_s)
            wait_s = min(2.0 * wait_s, LONGEST_WAIT_S)

    def _session(self) -> str:
        """Connect and listen until it ends; why it ended."""
        client, self._ended = self._client(), ""
        try:
            client.connect(self._address.host, self._address.port, keepalive=KEEP_ALIVE_S)
        except ssl.SSLError as error:
            raise RefusedError(*_tls_trouble(error)) from error
        except socket.gaierror:
            return f"no computer is called {self._address.host}"
        except OSError as error:
            return f"no broker answers at {self._address.host}:{self._address.port} ({_reason(error)})"
        try:
            while not self._closing.is_set():
                try:
                    code = client.loop(_TURN_S)
                except _NONSENSE:
                    return f"what answers at {self._address.host}:{self._address.port} speaks no MQTT"
                if self.refusal is not None:
                    raise self.refusal
                if code != self._paho.MQTT_ERR_SUCCESS:
                    return self._ended or "the broker closed the connection"
        except ssl.SSLError as error:
            raise RefusedError(*_tls_trouble(error)) from error
        finally:
            client.disconnect()
        return ""

    def _client(self) -> Client:
        client = self._paho.Client(
            self._version, client_id=f"fillbook-{uuid.uuid4().hex[:12]}"
        )  # fmt: skip
        if self._login.username:
            client.username_pw_set(self._login.username, self._login.password or None)
        if self._address.is_tls:
            try:
                client.tls_set(ca_certs=self._address.ca or None)
            except (OSError, ssl.SSLError) as error:
                why = f"{self._address.ca} is no file of certificates"
                raise RefusedError(why, "name the authority's certificate with ?ca=FILE.pem") from error
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_message = lambda _client, _data, message: self._hearing.hear(
            message.topic, bytes(message.payload), time.time()
        )
        return client

    def _connected(
        self, client: Client, _data: object, _flags: object, code: ReasonCode, *_more: object
    ) -> None:
        if code.is_failure:
            if code.value in _REFUSED:
                why, remedy = _REFUSED[code.value]
                self.refusal = RefusedError(f"the broker {why}", remedy)
            self._ended = f"the broker refused the connection ({code})"
            return
        client.subscribe([(topic, 1) for topic in self._address.topics])

    def _subscribed(
        self, _client: Client, _data: object, _number: int, codes: list[ReasonCode], *_more: object
    ) -> None:  # fmt: skip
        if codes and all(code.is_failure for code in codes):
            why = f"the broker does not let this name read {self._address.topics[0]}"
            self.refusal = RefusedError(why, "allow it in the broker's access list")
            return
        state, since, _ = self.state()
        if state == "reconnecting":
            self._hearing.counted("reconnects")
            self._hearing.missed(_gap(since))
        self._say("live", "")


def _gap(since: datetime) -> Finding:
    away_s = (datetime.now(UTC) - since).total_seconds()
    return Finding(
        "fills", "feed_gap", Severity.WARNING,
        f"the broker was not reached for {max(away_s, 0.0):.0f} s from {since:%Y-%m-%d %H:%M:%S} UTC",
        effect="fills of that time are missing until the bot's database is read",
        remedy="follow the bot's database as well",
    )  # fmt: skip


def _tls_trouble(error: ssl.SSLError) -> tuple[str, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"the broker's certificate is not to be trusted ({error.verify_message})"
        return why, "name the authority's certificate with ?ca=FILE.pem"
    why = f"no TLS can be spoken with the broker ({error.reason or 'no answer'})"
    return why, "use mqtt:// where the broker speaks plainly, or its port for TLS"


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__.removesuffix("Error").lower() or "no answer"
