"""Bots followed through a real broker: mosquitto where it is installed, else amqtt."""

from __future__ import annotations

import shutil
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as paho
import polars as pl
import pytest

from fillbook.errors import UnreadableSourceError
from fillbook.etl import performance_etl
from fillbook.schema.raw import RawTables
from fillbook.sources import mqtt, mqtt_connection, mqtt_hearing
from fillbook.sources.base import expand, open_source
from fillbook.sources.mqtt import LiveBots, MqttFeed
from fillbook.sources.mqtt_address import address_of
from fillbook.sources.mqtt_hearing import Hearing
from fillbook.sources.mqtt_markets import Known, known_of
from fillbook.sources.mqtt_messages import MAX_BYTES
from fillbook.sources.sqlite import HummingbotDatabase
from fillbook.testing.broker import LocalBroker, Program, free_port, mosquitto_path
from sources.mqtt_capture import AT_S, BOT, DATABASE, PAIR, captured, created, filled

CLOCK = datetime(2026, 12, 1, tzinfo=UTC)
KNOWN = Known(markets=[("binance", PAIR)])
PROGRAMS: list[Program] = ["mosquitto", "amqtt"] if mosquitto_path() else ["amqtt"]
needs_mosquitto = pytest.mark.skipif(mosquitto_path() is None, reason="needs mosquitto installed")


@pytest.fixture
def broker() -> Iterator[LocalBroker]:
    with LocalBroker() as running:
        yield running


class Bot:
    """Publishes as a bot's bridge does."""

    def __init__(self, broker: LocalBroker) -> None:
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        until(self.client.is_connected)

    def say(self, topic: str, payload: str | bytes) -> None:
        self.client.publish(topic, payload).wait_for_publish(10.0)

    def tell(self, *messages) -> None:
        for message in messages:
            self.say(f"hbot/{message.bot}/{message.channel}", message.payload)

    def close(self) -> None:
        self.client.loop_stop()
        self.client.disconnect()


@pytest.fixture
def bot(broker: LocalBroker) -> Iterator[Bot]:
    speaking = Bot(broker)
    yield speaking
    speaking.close()


def until(is_so: Callable[[], bool], seconds: float = 40.0) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def connected(feed: MqttFeed) -> MqttFeed:
    until(lambda: feed.health().message.startswith("connected") or feed.health().state == "live")
    return feed


def fills_of(feed: MqttFeed, batches: list[RawTables], n: int, seconds: float = 40.0) -> None:
    """Poll into `batches` until they hold `n` fills."""

    def is_there() -> bool:
        batches.extend(feed.poll())
        return sum(batch.info.rows.get("fills", 0) for batch in batches) >= n

    until(is_there, seconds)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_capture_through_a_broker_and_then_the_database(shared_data: Path, program: Program) -> None:
    database = HummingbotDatabase(str(shared_data / DATABASE)).read()
    lines = captured(shared_data)
    with LocalBroker(program) as broker:
        speaking = Bot(broker)
        with LiveBots(f"{broker.uri}/{BOT}").follow(known_of(database.tables)) as feed:
            connected(feed)
            for line in lines:
                speaking.say(line["topic"], line["raw"])
            batches: list[RawTables] = []
            fills_of(feed, batches, 375)
            until(lambda: feed.bots()[BOT].is_online is True)
            status, health = feed.bots()[BOT], feed.health()
        speaking.close()
    assert health.state == "live"
    assert health.counts["received"] == sum("/" in line["topic"] and line["topic"].split("/")[-1] in
        ("events", "performance", "status_updates", "hb", "log", "notify") for line in lines)  # fmt: skip
    assert (health.counts["fills"], health.counts.get("repeated", 0), health.counts["malformed"]) == (
        375,
        0,
        0,
    )
    assert status.message == "example warning through MQTTLogHandler"
    assert set(status.controllers) == {"pmm_simple_live", "grid_live"}
    heard = performance_etl(batches, clock=CLOCK).tables["fills"]
    assert heard["connector"].cast(pl.String).value_counts().sort("connector").rows() == [
        ("binance", 116), ("binance_perpetual", 259),
    ]  # fmt: skip
    both = performance_etl([*batches, database], clock=CLOCK).tables
    alone = performance_etl([database], clock=CLOCK).tables
    for name, table in alone.items():
        same = [left.drop("bot", "quantum", strict=False) for left in (both[name], table)]
        assert same[0].equals(same[1]), name


def test_a_broker_that_is_restarted_loses_nothing_it_delivered(broker: LocalBroker) -> None:
    with LiveBots(f"{broker.uri}/+").follow(KNOWN) as feed:
        connected(feed)
        batches: list[RawTables] = []
        speaking = Bot(broker)
        speaking.tell(*(filled(n) for n in range(50)))
        until(lambda: feed.health().counts["received"] == 50)
        broker.restart(away_s=0.5)
        until(lambda: feed.health().counts.get("reconnects", 0) == 1)
        until(speaking.client.is_connected)
        speaking.tell(*(filled(n) for n in range(40, 100)))  # ten of them again
        fills_of(feed, batches, 100)
        health = feed.health()
        speaking.close()
    assert health.state == "live"
    assert health.counts["repeated"] == 10
    assert "feed_gap" in {finding.rule for batch in batches for finding in batch.findings}
    ids = pl.concat(batch.tables["fills"] for batch in batches if "fills" in batch.tables)["trade_id"]
    assert sorted(ids) == sorted(f"t{n}" for n in range(100))


def test_one_bot_is_followed_and_the_others_are_not(broker: LocalBroker, bot: Bot) -> None:
    with LiveBots(f"{broker.uri}/a").follow(KNOWN) as feed:
        connected(feed)
        bot.tell(filled(1, bot="b"), filled(1, bot="a"), filled(2, bot="b"))
        batches: list[RawTables] = []
        fills_of(feed, batches, 1)
        assert [batch.info.bot for batch in batches] == ["a"]
        assert set(feed.bots()) == {"a"}


def test_a_flood_is_counted_and_said(broker: LocalBroker, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_hearing, "MAX_WAITING", 20)
    with LiveBots(f"{broker.uri}/+").follow(KNOWN) as feed:
        connected(feed)
        bot.tell(*(filled(n) for n in range(50)))
        bot.say("hbot/bot/events", b"x" * (MAX_BYTES + 1))
        until(lambda: feed.health().counts["received"] == 51)
        health = feed.health()
        assert (health.counts["dropped"], health.counts["oversized"], health.counts["waiting"]) == (30, 1, 20)
        assert "30 events were dropped" in health.message
        (batch,) = feed.poll()
    assert batch.tables["fills"].height == 20
    assert [(finding.rule, finding.n_rows) for finding in batch.findings] == [("dropped_messages", 31)]


def test_only_so_many_bots_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_hearing, "MAX_BOTS", 2)
    hearing = Hearing("mqtt://broker:1883", KNOWN)
    for name in ("a", "b", "c", "a", "c"):
        hearing.hear(f"hbot/{name}/hb", b"{}", AT_S)
    hearing.hear("weather/oslo", b"{}", AT_S)
    assert (hearing.counts()["bots_ignored"], hearing.counts()["foreign"]) == (2, 1)
    assert set(hearing.bots()) == {"a", "b"}


def test_statuses_of_both_shapes_name_the_venue() -> None:
    hearing = Hearing("mqtt://broker:1883")
    position = b'{"connector_name": "kucoin", "trading_pair": "ABC-USDT"}'
    hearing.hear(
        "hbot/a/performance",
        b'{"main": {"volume_traded": NaN, "n": "-3", "positions_summary": [%s]}}' % position,
        AT_S,
    )
    hearing.hear("hbot/a/performance", b'{"main": {}}', AT_S)
    hearing.hear("hbot/a/status_updates", b'{"type": "availability", "msg": "offline"}', AT_S)
    hearing.hear("hbot/a/events", filled().payload, AT_S)
    hearing.hear("hbot/a/log", b'{"level_no": 20, "msg": "all is well"}', AT_S)
    hearing.hear("hbot/a/log", b"not json", AT_S)
    (batch,) = hearing.poll()
    assert batch.tables["fills"]["connector"].to_list() == ["kucoin"]
    status = hearing.bots()["a"]
    assert (status.is_online, status.message) == (False, "")
    report = status.controllers["main"]
    assert (report["volume_traded"], report["n"]) == (None, -3)
    assert hearing.counts()["malformed"] == 1


def test_rows_are_taken_from_one_thread_while_they_come_from_another() -> None:
    hearing, batches = Hearing("mqtt://broker:1883", KNOWN), []

    def speak(first: int) -> None:
        for n in range(first, first + 2_000):
            hearing.hear("hbot/bot/events", filled(n).payload, AT_S)

    speaking = [threading.Thread(target=speak, args=(first,)) for first in (0, 2_000)]
    for thread in speaking:
        thread.start()
    while any(thread.is_alive() for thread in speaking):
        batches += hearing.poll()
    batches += hearing.poll()
    rows = pl.concat(batch.tables["fills"] for batch in batches)
    assert rows["row"].to_list() == list(range(1, 4_001))
    assert rows["trade_id"].n_unique() == 4_000


@needs_mosquitto
def test_a_wrong_password_is_given_up_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalBroker("mosquitto", login=("me", "right")) as broker:
        place = broker.uri.removeprefix("mqtt://")
        with LiveBots(f"mqtt://me:hush@{place}/+").follow() as feed:
            until(lambda: feed.health().state == "failed")
            assert "refused the name or password" in feed.health().message
            assert "hush" not in repr((feed.health(), feed.uri))
        with pytest.raises(UnreadableSourceError, match="refused the name or password") as caught:
            LiveBots(f"mqtt://me:hush@{place}/+").read()
        assert "hush" not in str(caught.value)
        monkeypatch.setenv("FILLBOOK_MQTT_PASSWORD", "right")
        with LiveBots(f"mqtt://me@{place}/+").follow() as feed:
            connected(feed)


@needs_mosquitto
@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl for a certificate")
@pytest.mark.filterwarnings(
    "ignore:unclosed <ssl.SSLSocket:ResourceWarning"
)  # the driver drops a refused one
def test_tls_needs_a_certificate_that_is_trusted(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,  # noqa: S607
         "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    with LocalBroker("mosquitto", certificate=(certificate, key)) as broker:
        with LiveBots(f"{broker.uri}/+").follow() as feed:
            until(lambda: feed.health().state == "failed")
            assert "certificate is not to be trusted" in feed.health().message
        with LiveBots(f"{broker.uri}/+?ca={certificate}").follow() as feed:
            connected(feed)
    plain = LocalBroker("mosquitto")  # no TLS there
    with plain, LiveBots(f"mqtts://127.0.0.1:{plain.port}/+").follow() as feed:
        until(lambda: feed.health().state in ("failed", "reconnecting"), 30.0)
        assert feed.health().message
    with LiveBots(f"mqtts://127.0.0.1:{free_port()}/+?ca={tmp_path / 'none.pem'}").follow() as feed:
        until(lambda: feed.health().state == "failed")
        assert "is no file of certificates" in feed.health().message


def test_no_broker_is_tried_again_ever_more_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_connection, "FIRST_WAIT_S", 0.05)
    port = free_port()
    with LiveBots(f"mqtt://127.0.0.1:{port}/+").follow() as feed:
        until(lambda: "tried again every 0.2 s" in feed.health().message)
        assert feed.health().state == "reconnecting"
        assert "no broker answers" in feed.health().message
        with LocalBroker(port=port):
            connected(feed)
    with LiveBots("mqtt://no-such-host.invalid/+").follow() as feed:
        until(lambda: feed.health().state == "reconnecting")
        assert "no computer is called no-such-host.invalid" in feed.health().message


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x20\x02\x00\x00\x30\x03\x00\x05x", b"\xff" * 64, b""]
)
def test_what_is_no_broker_is_tried_slowly_and_never_kills(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A web server, a broken packet, noise, and one that hangs up."""
    monkeypatch.setattr(mqtt_connection, "FIRST_WAIT_S", 0.3)
    n_calls = 0

    class Nonsense(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            nonlocal n_calls
            n_calls += 1
            self.request.recv(1_024)
            self.request.sendall(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Nonsense) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with LiveBots(f"mqtt://127.0.0.1:{server.server_address[1]}/+").follow() as feed:
            until(lambda: n_calls >= 2)
            until(lambda: feed.health().state == "reconnecting")
            assert feed.health().message
            time.sleep(0.5)
            assert n_calls <= 3
        server.shutdown()


def test_reading_listens_a_while_and_says_so(
    broker: LocalBroker, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "LISTEN_S", 1.5)
    timer = threading.Timer(0.7, lambda: bot.tell(created(), filled()))
    timer.start()
    uri = f"{broker.uri}/bot?connector=binance"
    assert expand(uri) == [uri]
    raw = open_source(uri).read()
    timer.join()
    assert (
        raw.tables["fills"]["order_id"].to_list()
        == ["o1"]
        == raw.tables["orders"]["order_id"].unique().to_list()
    )
    assert raw.tables["fills"]["connector"].to_list() == ["binance"]
    assert [finding.rule for finding in raw.findings] == ["listened_briefly"]
    with pytest.raises(UnreadableSourceError, match="nothing of bot nobody was heard within 2 s"):
        open_source(f"{broker.uri}/nobody").read()
    timer = threading.Timer(0.7, lambda: bot.tell(filled(bot="a"), filled(bot="b")))
    timer.start()
    with pytest.raises(UnreadableSourceError, match="stands for 2 running bots: a, b"):
        open_source(f"{broker.uri}/").read()
    timer.join()


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("mqtt://:1/x", "names no host"), ("mqtt://h:port/x", "names no port"), ("mqtt://h/a/b/c", "names no bot"),
        ("mqtt://h/a%2B", "names no bot"), ("mqtt://h/a?wait=1", "unknown option wait"),
    ],
)  # fmt: skip
def test_addresses_that_are_none(uri: str, why: str) -> None:
    with pytest.raises(UnreadableSourceError, match=why):
        LiveBots(uri)


def test_parts_of_an_address() -> None:
    address = address_of("mqtts://me:hush@[::1]/desk/maker-1?connector=okx&connector=okx_perpetual")
    assert (address.place, address.bot, address.topics[0]) == (
        "mqtts://[::1]:8883/desk",
        "maker-1",
        "desk/maker-1/events",
    )
    assert address.connectors == ("okx", "okx_perpetual")
    assert address_of("mqtt://h").topics[0] == address_of("mqtt://h/+").topics[0] == "hbot/+/events"
    assert "hush" not in address.shown


def test_paho_loads_only_when_a_broker_is_followed() -> None:
    script = "import sys, fillbook.sources.mqtt; sys.exit('paho' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
