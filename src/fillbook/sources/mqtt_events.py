"""Events of running bots as canonical tables: a pure fold, messages in, rows out."""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from fillbook.findings import Finding, Severity
from fillbook.schema.raw import UNREADABLE_SCHEMA, RawTables, SourceInfo, no_unreadable
from fillbook.sources.hummingbot import UNKNOWN_CONNECTOR
from fillbook.sources.mqtt_markets import Known, Venues
from fillbook.sources.mqtt_messages import JsonObject, Message, decoded, name, number, seconds, words
from fillbook.sources.mqtt_orders import Order, Orders
from fillbook.sources.mqtt_rows import Row, data_of, fee_cells, frame_of, more_fees, odd_cells, side_of
from fillbook.units import counted

KIND = "mqtt"
MAX_SEEN = 50_000  # messages remembered to know one that comes again; the ETL settles what comes later still
_LATE_S = 2.0  # a bot tells of a second within the next
_JUMP_S = 60.0
_CREATED = {"BuyOrderCreated": 1, "SellOrderCreated": -1}
_ENDED = frozenset({
    "BuyOrderCompleted", "SellOrderCompleted", "OrderCancelled", "OrderExpired", "OrderFailure",
})  # fmt: skip
_LIQUIDITY = {"RangePositionLiquidityAdded": "ADD", "RangePositionLiquidityRemoved": "REMOVE"}


@dataclass(slots=True)
class _Bot:
    """What is remembered of a bot from one batch to the next, and what this batch brought."""

    venues: Venues
    numbers: Counter[str] = field(default_factory=Counter)
    newest_s: float = 0.0
    ahead_s: float | None = None
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    n_bytes: int = 0
    n_malformed: int = 0
    n_unknown: int = 0
    n_lost: int = 0


class Events:
    """Tables of the events of one or many bots, batch by batch.

    Parameters
    ----------
    place
        Address of the broker without secrets; a bot's is ``place/bot``.
    known
        What is known of the bots' venues.
    """

    def __init__(self, place: str, known: Known | None = None) -> None:
        """Begin with nothing heard."""
        self._place, self._known = place, known or Known()
        self._bots: dict[str, _Bot] = {}
        self._orders = Orders()
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._counts: Counter[str] = Counter()
        self._rows: dict[str, list[Row]] = {}
        self._odd: list[Row] = []
        self._said: list[Finding] = []

    @property
    def counts(self) -> Mapping[str, int]:
        """What was met since the start: ``fills``, ``repeated``, ``late``, ``malformed`` and more."""
        found = {**self._counts, "incomplete_orders": self._orders.n_short}
        return found | {"orders_forgotten": self._orders.n_forgotten}

    def saw(self, bot: str, connector: str, pair: str) -> None:
        """Remember a market that a bot named elsewhere than in its events."""
        self._bot(bot).venues.saw(connector, pair)

    def lost(self, bot: str, n: int) -> None:
        """Say in the next batch that events of a bot had to be dropped."""
        self._bot(bot).n_lost += n

    def say(self, finding: Finding) -> None:
        """Have the next batch of every bot say something."""
        self._said.append(finding)

    def take(self, messages: Iterable[Message]) -> tuple[RawTables, ...]:
        """New rows of these events, a `RawTables` a bot that said anything new.

        The same messages in the same batches give the same tables.
        """
        self._rows, self._odd = {}, []
        for message in messages:
            self._one(message)
        for (bot, order_id), order in self._orders.changed():
            self._give_order(bot, order_id, order)
        frames = {table: frame_of(table, rows) for table, rows in self._rows.items()}
        spans = {table: {b: (f, n) for b, f, n in found.iter_rows()} for table, (_, found) in frames.items()}
        given = []
        for bot, state in self._bots.items():
            tables = {
                table: frame.slice(*spans[table][bot])
                for table, (frame, _) in frames.items()
                if bot in spans[table]
            }
            findings = (*self._said, *_findings(state))
            if tables or findings:
                given.append(self._raw(bot, state, tables, findings))
        self._said = [] if self._bots else self._said
        return tuple(given)

    def _raw(
        self, bot: str, state: _Bot, tables: dict[str, pl.DataFrame], findings: tuple[Finding, ...]
    ) -> RawTables:
        odd = [row[1:] for row in self._odd if row[0] == bot]
        info = SourceInfo(
            uri=f"{self._place}/{bot}", kind=KIND, bot=bot, schema_version=None, layout="events",
            size_bytes=state.n_bytes, sha256=state.digest.hexdigest(),
            rows={table: frame.height for table, frame in tables.items()},
        )  # fmt: skip
        state.n_bytes = state.n_malformed = state.n_unknown = state.n_lost = 0
        cells = pl.DataFrame(odd, schema=UNREADABLE_SCHEMA, orient="row") if odd else no_unreadable()
        return RawTables(info, tables, cells, findings, continues=True)

    def _bot(self, bot: str) -> _Bot:
        found = self._bots.get(bot)
        if found is None:
            found = self._bots[bot] = _Bot(Venues(self._known, bot))
        return found

    def _one(self, message: Message) -> None:
        """Rows of one message, unless it repeats another or says nothing."""
        bot = self._bot(message.bot)
        event = decoded(message.payload)
        kind, data = (words(event.get("type")), data_of(event)) if event else ("", {})
        if not event or not kind or not data:
            self._counts["malformed"] += 1
            bot.n_malformed += 1
            bot.digest.update(message.payload)
            return
        has_id = kind != "OrderFilled" or name(data.get("exchange_trade_id")) != ""
        if has_id and self._is_repeated(message):  # two fills without an id may be two, however alike
            self._counts["repeated"] += 1
            return
        bot.digest.update(message.payload)
        bot.n_bytes += len(message.payload)
        at_s = seconds(event.get("timestamp"))
        if not self._is_read(message, bot, kind, event, data, at_s):
            self._counts["malformed"] += 1
            bot.n_malformed += 1

    def _is_repeated(self, message: Message) -> bool:
        key = hash((message.bot, message.payload))
        if key in self._seen:
            self._seen.move_to_end(key)
            return True
        self._seen[key] = None
        if len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)
        return False

    def _is_read(
        self, message: Message, bot: _Bot, kind: str, event: JsonObject, data: JsonObject, at_s: float | None
    ) -> bool:  # fmt: skip
        """Whether an event of a known kind named what it is about; unknown kinds are counted as such."""
        if kind == "FundingPaymentCompleted":
            return self._funding(message.bot, event, data)
        if kind in _LIQUIDITY:
            return self._liquidity(message.bot, kind, data, at_s)
        if kind != "OrderFilled" and kind not in _CREATED and kind not in _ENDED:
            self._counts["ignored"] += 1
            return True
        order_id = name(data.get("order_id"))
        if not order_id:
            return False
        self._time(bot, message.at_s, at_s)
        if kind == "OrderFilled":
            self._fill(message.bot, order_id, event, data, at_s)
        elif kind in _CREATED:
            at_s = self._created(message.bot, order_id, kind, data, at_s)
        elif kind.endswith("Completed"):
            self._orders.met((message.bot, order_id)).completed = number(data.get("base_asset_amount"))
        self._add("order_events", message.bot, order_id, at_s, kind)
        self._orders.turned((message.bot, order_id), kind, at_s if at_s is not None else 0.0)
        return True

    def _time(self, bot: _Bot, received_s: float, at_s: float | None) -> None:
        """Count what comes late, and clocks that jump."""
        if at_s is None:
            return
        self._counts["late"] += at_s < bot.newest_s - _LATE_S
        bot.newest_s = max(bot.newest_s, at_s)
        ahead_s = at_s - received_s
        if bot.ahead_s is None or abs(ahead_s - bot.ahead_s) > _JUMP_S:
            self._counts["clock_jumps"] += bot.ahead_s is not None
            bot.ahead_s, bot.newest_s = ahead_s, at_s

    def _add(self, table: str, bot: str, *cells: object) -> int:
        """Append a row, and give its number."""
        row = self._number(table, bot)
        self._rows.setdefault(table, []).append((bot, row, *cells))
        return row

    def _number(self, table: str, bot: str) -> int:
        """The next row of a table of a bot."""
        state = self._bot(bot)
        state.numbers[table] += 1
        return state.numbers[table]

    def _placed(self, bot: str, order_id: str, data: JsonObject) -> Order:
        """The order of an event, with all that is known by now of where it was placed."""
        order = self._orders.met((bot, order_id))
        order.pair = order.pair or name(data.get("trading_pair"))
        order.action = order.action or words(data.get("position"))
        if order.connector == UNKNOWN_CONNECTOR:
            order.connector = self._bot(bot).venues.of(order_id, order.pair, order.action)
        return order

    def _fill(
        self, bot: str, order_id: str, event: JsonObject, data: JsonObject, at_s: float | None
    ) -> None:  # fmt: skip
        order = self._placed(bot, order_id, data)
        side, price, amount = (
            side_of(data.get("trade_type")), number(data.get("price")), number(data.get("amount"))
        )  # fmt: skip
        fee = data.get("trade_fee")
        further = more_fees(fee)
        first = fee_cells(fee) if further is not None else (None,) * 5
        row = self._add(
            "fills", bot, order.connector, name(data.get("trading_pair")), at_s, order_id,
            name(data.get("exchange_trade_id")), side, words(data.get("order_type")), price, amount,
            number(data.get("leverage")), words(data.get("position")) or None, *first,
        )  # fmt: skip
        for token, units in further or []:
            self._rows.setdefault("flat_fees", []).append((bot, row, token, units))
        odd = odd_cells("fills", row, {
            "at": (event.get("timestamp"), at_s), "side": (words(data.get("trade_type")), side),
            "price_quote": (data.get("price"), price), "amount_base": (data.get("amount"), amount),
        })  # fmt: skip
        self._odd += [(bot, *cell) for cell in odd]
        self._counts["fills"] += 1
        self._bot(bot).n_unknown += order.connector == UNKNOWN_CONNECTOR
        order.filled += amount if amount is not None and abs(amount) < float("inf") else 0.0

    def _created(
        self, bot: str, order_id: str, kind: str, data: JsonObject, at_s: float | None
    ) -> float | None:  # fmt: skip
        """Remember what an order asked for; the time of its creation, as the database has it."""
        order = self._placed(bot, order_id, data)
        created_s = seconds(data.get("creation_timestamp"))
        at_s = created_s if created_s is not None else at_s
        order.asked = (
            at_s, name(data.get("exchange_order_id")) or None, _CREATED[kind], words(data.get("type")),
            number(data.get("price")), number(data.get("amount")), number(data.get("leverage")),
        )  # fmt: skip
        return at_s

    def _give_order(self, bot: str, order_id: str, order: Order) -> None:
        """Row of an order as it stands, under the number it had; none where its creation was not heard."""
        if order.asked is None:
            return
        at_s, exchange_id, side, kind, price, amount, leverage = order.asked
        order.row = order.row or self._number("orders", bot)
        self._rows.setdefault("orders", []).append((
            bot, order.row, order.connector, order.pair, at_s, order_id, exchange_id, side, kind, price,
            amount, leverage, order.action or None, order.status, order.updated_at,
        ))  # fmt: skip

    def _funding(self, bot: str, event: JsonObject, data: JsonObject) -> bool:
        connector, pair = name(data.get("market")), name(data.get("trading_pair"))
        if not connector or not pair:
            return False
        self.saw(bot, connector, pair)
        at, amount = seconds(event.get("timestamp")), number(data.get("amount"))
        row = self._add("funding", bot, connector, pair, at, number(data.get("funding_rate")), amount)
        read = {"at": (event.get("timestamp"), at), "amount_quote": (data.get("amount"), amount)}
        self._odd += [(bot, *cell) for cell in odd_cells("funding", row, read)]
        return True

    def _liquidity(self, bot: str, kind: str, data: JsonObject, at_s: float | None) -> bool:
        order_id = name(data.get("order_id"))
        created_s = seconds(data.get("creation_timestamp"))
        amounts = [
            number(data.get(part)) for part in ("base_amount", "quote_amount", "base_fee", "quote_fee")
        ]
        at_s = created_s if created_s is not None else at_s
        pair = name(data.get("trading_pair")) or None
        self._add("lp_updates", bot, None, pair, at_s, order_id, _LIQUIDITY[kind], *amounts)
        return order_id != ""


def _findings(bot: _Bot) -> tuple[Finding, ...]:
    """What a reader of a batch must know."""
    said = []
    if bot.n_unknown:
        said.append(Finding(
            "fills", "unknown_venue", Severity.WARNING,
            f"{counted(bot.n_unknown, 'fill')} of which nothing says the venue: events name none, and the "
            "order ids leave several", n_rows=bot.n_unknown,
            effect="booked at the venue unknown, apart from the others, until the bot's database is read",
            remedy="follow the bot's database as well, or add ?connector=NAME to the address",
        ))  # fmt: skip
    if bot.n_malformed:
        said.append(Finding(
            "fills", "malformed_messages", Severity.WARNING,
            f"{counted(bot.n_malformed, 'message')} that could not be read as an event",
            n_rows=bot.n_malformed, effect="fills may be missing until the bot's database is read",
        ))  # fmt: skip
    if bot.n_lost:
        said.append(Finding(
            "fills", "dropped_messages", Severity.ERROR,
            f"{counted(bot.n_lost, 'message')} dropped: they came faster than they were asked for, or were "
            "too large", n_rows=bot.n_lost, effect="fills are missing until the bot's database is read",
            remedy="follow the bot's database as well",
        ))  # fmt: skip
    return tuple(said)
