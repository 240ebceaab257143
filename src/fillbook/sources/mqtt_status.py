"""What bots say of themselves beside their fills: reports, heartbeats, warnings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from fillbook.sources.following import BotStatus
from fillbook.sources.mqtt_messages import JsonObject, Message, decoded, name, number, plain, words

_WARNING = 30  # level of Python's logging from which a line is worth showing
_MAX_TEXT = 500


@dataclass(slots=True)
class Statuses:
    """The last word of each bot."""

    bots: dict[str, BotStatus] = field(default_factory=dict)
    n_malformed: int = 0

    def heard(self, bot: str, at_s: float) -> None:
        """Anything came from a bot; a clock set back does not take back when."""
        seen_at = datetime.fromtimestamp(at_s, UTC)
        known = self.bots.get(bot)
        self.bots[bot] = BotStatus(seen_at) if known is None else replace(known, seen_at=seen_at)

    def take(self, message: Message) -> Iterator[tuple[str, str]]:
        """Learn from a message; gives the markets, connector and pair, that it names."""
        said = decoded(message.payload)
        if said is None:
            self.n_malformed += 1
            return
        known = self.bots.get(message.bot) or BotStatus(datetime.fromtimestamp(message.at_s, UTC))
        if message.channel == "status_updates":
            if words(said.get("type")) == "availability":
                known = replace(known, is_online=words(said.get("msg")) == "online")
        elif message.channel == "log":
            if (number(said.get("level_no")) or 0.0) >= _WARNING:
                known = replace(known, message=str(said.get("msg", ""))[:_MAX_TEXT])
        elif message.channel == "performance":
            reports = {key: plain(report) for key, report in said.items() if report}
            yield from _markets(said)
            known = replace(known, controllers={**known.controllers, **reports})
        self.bots[message.bot] = known


def report_of(controller: object) -> JsonObject:
    """Figures of a controller's report, also in the older form without ``performance``.

    >>> report_of({"performance": {"volume_traded": 2.0}}), report_of({"volume_traded": 2.0})
    ({'volume_traded': 2.0}, {'volume_traded': 2.0})
    """
    if not isinstance(controller, dict):
        return {}
    inner = controller.get("performance", controller)
    return inner if isinstance(inner, dict) else {}


def _markets(said: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Markets of the positions a report lists."""
    for report in said.values():
        held = report_of(report).get("positions_summary")
        for position in held if isinstance(held, list) else []:
            if isinstance(position, dict):
                connector, pair = name(position.get("connector_name")), name(position.get("trading_pair"))
                if connector and pair:
                    yield connector, pair
