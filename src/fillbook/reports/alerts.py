"""Breaches as messages, and sending them through Apprise: e-mail, Telegram, Slack, a web hook, others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from fillbook.analysis.limit_kinds import KINDS
from fillbook.errors import BadRequestError, MissingExtraError
from fillbook.units import NO_VALUE, Unit, format_value

if TYPE_CHECKING:
    from datetime import datetime

    from fillbook.analysis.limits import Limits

_Event = Literal["raised", "ended"]


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that happened to a limit.

    Parameters
    ----------
    limit, start, event
        Which limit, start of the episode, and whether it was raised or ended: what tells messages apart.
    title, text
        What is sent.
    """

    limit: str
    start: datetime
    event: _Event
    title: str
    text: str

    @property
    def key(self) -> str:
        """Name by which a message already sent is known."""
        return f"{self.limit}|{self.start.isoformat()}|{self.event}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where messages went, without what is secret in the address, and how many arrived."""

    where: str
    n_sent: int
    n: int

    @property
    def is_whole(self) -> bool:
        """Whether every message arrived."""
        return self.n_sent == self.n


def messages_of(answer: Limits, *, known: Collection[str] = ()) -> tuple[Message, ...]:
    """Messages of all episodes, the oldest event first.

    Parameters
    ----------
    answer
        Limits, watched.
    known
        Keys of messages that were sent before; those are left out.
    """
    found: list[tuple[datetime, Message]] = []
    for row in answer.episodes.iter_rows(named=True):
        found.append((row["detected"], _message(row, "raised")))
        if row["cleared"] is not None:
            found.append((row["cleared"], _message(row, "ended")))
    ordered = sorted(found, key=lambda event: event[0])
    return tuple(message for _, message in ordered if message.key not in set(known))


def _message(row: dict[str, object], event: _Event) -> Message:
    """What happened, in a line that can be read on a phone."""
    start, end = row["start"], row["end"]
    peak = _shown(row["peak"], row)
    label = KINDS[str(row["what"])].label
    most, began = _shown(row["max"], row), f"{start:%d %b %Y %H:%M:%S}"
    if event == "raised":
        title, text = "Limit exceeded", f"{label} is above {most} since {began} UTC; at most {peak}."
    else:
        title = "Limit held again"
        text = (
            f"{label} is back since {end:%d %b %Y %H:%M:%S} UTC; above {most} since {began}, at most {peak}."
        )
    return Message(str(row["limit"]), start, event, f"{title}: {row['limit']}", text)  # type: ignore[arg-type]


def _shown(value: object, row: dict[str, object]) -> str:
    """A number with its unit."""
    unit, currency = Unit(str(row["unit"])), row["currency"]
    if value is None:
        return NO_VALUE
    text = format_value(float(str(value)), unit, currency=None if currency is None else str(currency))
    if unit is Unit.BPS:
        return f"{text} bps"
    return f"{text} {currency}" if currency and unit in {Unit.MONEY, Unit.BASE} else text


def send(messages: Sequence[Message], urls: Iterable[str]) -> tuple[Delivery, ...]:
    """Send every message to every address.

    Parameters
    ----------
    messages
        What to send, in order.
    urls
        Addresses in Apprise's form.

    Returns
    -------
    tuple of Delivery
        One an address; an address that cannot be reached is told there, and the others are tried.

    Raises
    ------
    MissingExtraError
        Apprise is not installed.
    BadRequestError
        No address, or one of a form that Apprise does not know.
    """
    try:
        import apprise  # noqa: PLC0415  (an optional part, and slow to import)
    except ImportError as error:
        raise MissingExtraError("alerts", "sending messages") from error
    listed = tuple(urls)
    if not listed:
        raise BadRequestError("there is nowhere to send to: name addresses under [alerts] urls =")
    ways = []
    for url in listed:
        way = apprise.Apprise()
        if not way.add(url):
            raise BadRequestError(f"an address of the form {_safe(url)} is not one that Apprise knows")
        ways.append((url, way))
    kinds = {"raised": apprise.NotifyType.WARNING, "ended": apprise.NotifyType.SUCCESS}
    return tuple(
        Delivery(_safe(url), sum(
            bool(way.notify(title=message.title, body=message.text, notify_type=kinds[message.event]))
            for message in messages
        ), len(messages))
        for url, way in ways
    )  # fmt: skip


def _safe(url: str) -> str:
    """An address without its user, password and path, which may be secret."""
    parts = urlsplit(url)
    host = (
        parts.netloc.rpartition("@")[2] if parts.scheme in {"json", "jsons", "xml", "xmls", "form"} else "…"
    )
    return f"{parts.scheme or '?'}://{host}"
