"""``fillbook watch``: running bots in the terminal, kept up to date until Ctrl-C."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fillbook.cli.choices import AsJson, Choices, Uris, with_choices

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Group
    from rich.table import Table

    from fillbook.analysis.limit_file import LimitFile
    from fillbook.analysis.limits import Limits
    from fillbook.analysis.live import Live
    from fillbook.live_data import LiveData

_LIMITS_S = 10.0  # limits look at the whole run, so less often
_STYLES = {"live": "green", "silent": "yellow", "offline": "red", "not heard": "dim"}
_FEEDS = {"live": "green", "waiting": "dim", "reconnecting": "yellow", "replaced": "yellow", "failed": "red"}
_File = Annotated[
    Path | None,
    typer.Option("--limits", help="File of limits to watch, TOML.", metavar="FILE", show_default=False),
]
_Every = Annotated[
    float, typer.Option("--every", min=0.2, help="Seconds between two looks.", metavar="SECONDS")
]
_Once = Annotated[
    bool, typer.Option("--once", help="Look once, and stop; exit code 1 where a limit is exceeded.")
]
_Send = Annotated[
    bool, typer.Option("--send", help="Send new breaches to the addresses of the file of limits.")
]


@with_choices
def watch(
    uris: Uris, *, choices: Choices, file: _File = None, every: _Every = 1.0, once: _Once = False,
    send: _Send = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Follow running bots: databases as they grow, and brokers (mqtt://host/BOT); until Ctrl-C."""
    from fillbook.analysis.limit_file import read_limits  # noqa: PLC0415
    from fillbook.cli.limits import text_of  # noqa: PLC0415
    from fillbook.live_data import follow  # noqa: PLC0415  (brings Polars)

    asked = read_limits(text_of(file), str(file)) if file else None
    following = follow(*uris)
    looker = _Looker(following, choices, asked, is_sending=send)
    try:
        if once or as_json:
            _say(looker, every, is_once=once, as_json=as_json)
        else:
            _stay(looker, every)
    except KeyboardInterrupt:
        pass
    finally:
        following.close()
    if once and looker.watched and looker.watched.is_breached:
        raise typer.Exit(1)


class _Looker:
    """Looks again and again, at the limits less often; says new breaches once."""

    def __init__(
        self, following: LiveData, choices: Choices, asked: LimitFile | None, *, is_sending: bool
    ) -> None:
        self.following = following
        self._chosen, self._conventions = choices.filter(), choices.conventions()
        self._asked, self._is_sending = asked, is_sending
        self._due, self._told = 0.0, set[str]()
        self.watched: Limits | None = None

    def look(self) -> Live | None:
        from datetime import UTC, datetime  # noqa: PLC0415

        from fillbook.analysis.live import live  # noqa: PLC0415  (brings Numba)

        now = datetime.now(UTC)
        data = self.following.refresh(now)
        if data is None:
            return None
        if self._asked and time.monotonic() >= self._due:
            from fillbook.analysis.limits import limits  # noqa: PLC0415

            self.watched = limits(data, self._asked, self._chosen, self._conventions)
            self._due = time.monotonic() + _LIMITS_S
            self._send()
        return live(data, now, self._chosen, self._conventions)

    def _send(self) -> None:
        """Send breaches that were not sent before; those of before we began are known."""
        if not self._is_sending or self.watched is None or self._asked is None:
            return
        from fillbook.reports.alerts import messages_of, send  # noqa: PLC0415

        new = messages_of(self.watched, known=self._told)
        self._told |= {message.key for message in new}
        for delivery in send(new, self._asked.urls):
            typer.echo(f"{delivery.where}: {delivery.n_sent} of {delivery.n} messages sent", err=True)


def _say(looker: _Looker, every: float, *, is_once: bool, as_json: bool) -> None:
    """A line of JSON, or the screen, at each look."""
    from fillbook.cli.screen import console  # noqa: PLC0415
    from fillbook.reports.json import to_json  # noqa: PLC0415
    from fillbook.reports.live import live_object  # noqa: PLC0415

    while True:
        answer = looker.look()
        if as_json:
            text = to_json(live_object(answer, looker.following, looker.watched))
            sys.stdout.write((text if is_once else " ".join(text.split("\n"))) + "\n")
            sys.stdout.flush()
        else:
            console().print(_screen(answer, looker))
        if is_once:
            return
        time.sleep(every)


def _stay(looker: _Looker, every: float) -> None:
    """The screen, drawn again in place."""
    from rich.live import Live as Screen  # noqa: PLC0415

    from fillbook.cli.screen import console  # noqa: PLC0415

    with Screen(_screen(looker.look(), looker), console=console(), auto_refresh=False) as screen:
        while True:
            time.sleep(every)
            screen.update(_screen(looker.look(), looker), refresh=True)


def _screen(answer: Live | None, looker: _Looker) -> Group:
    from rich.console import Group  # noqa: PLC0415

    from fillbook.cli.screen import cell  # noqa: PLC0415

    parts: list[object] = [_feeds(looker.following)]
    if answer is None:
        return Group(*parts, cell("nothing has been read or heard yet", "dim"))  # type: ignore[arg-type]
    parts = [_headline(answer), *parts, _bots(answer, looker.following)]
    if answer.positions.height:
        parts.append(_positions(answer))
    if looker.watched:
        parts.append(_limits(looker.watched))
    return Group(*parts)  # type: ignore[arg-type]


def _headline(answer: Live) -> object:
    from fillbook.cli.screen import cell, moment  # noqa: PLC0415

    total = {name: _money(answer, value) for name, value in answer.total.items()}
    return cell(
        f"{moment(answer.at)} UTC  ·  today {total['pnl_today']} {answer.currency or ''}  ·  fees "
        f"{total['fees_today']}  ·  volume {total['volume_today']}  ·  exposure {total['exposure']}", "bold",
    )  # fmt: skip


def _money(answer: Live, value: float | None) -> str:
    from fillbook.units import Unit, format_value  # noqa: PLC0415

    return format_value(value, Unit.MONEY, currency=answer.currency)


def _feeds(following: LiveData) -> Table:
    from fillbook.cli.screen import cell, table  # noqa: PLC0415

    rows = [
        [cell(feed.health.state, _FEEDS[feed.health.state]), feed.uri, feed.health.message]
        for feed in following.feeds()
    ]
    return table("followed", ["", "", ""], rows or [["", "nothing that grows", ""]])


def _bots(answer: Live, following: LiveData) -> Table:
    """A row a bot."""
    from fillbook.analysis.live import with_status  # noqa: PLC0415
    from fillbook.cli.screen import cell, table  # noqa: PLC0415

    money = ("pnl_today", "fees_today", "volume_today", "exposure", "net")
    rows = [
        [
            cell(row["word"], _STYLES[row["word"]]), row["bot"], _time(row["seen_at"], answer.at),
            _time(row["last_fill_at"], answer.at), f"{row['n_fills_today']:,}",
            *(_money(answer, row[name]) for name in money), f"{row['n_open']:,}", row["message"],
        ]
        for row in with_status(answer.bots, following.bots(), answer.at).iter_rows(named=True)
    ]  # fmt: skip
    columns = [
        "", "bot", "heard, UTC", "last fill", "fills", "PnL today", "fees", "volume", "exposure",
        "net in all", "open", "its last warning",
    ]  # fmt: skip
    return table(f"bots, {answer.currency or 'no common currency'}", columns, rows, right=columns[4:11])


def _time(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "—"
    return f"{at:%H:%M:%S}" if at.date() == now.date() else f"{at:%Y-%m-%d}"


def _price(value: float | None) -> str:
    return "—" if value is None else f"{value:,.8g}"


def _positions(answer: Live) -> Table:
    from fillbook.cli.screen import table  # noqa: PLC0415
    from fillbook.units import Unit, format_value  # noqa: PLC0415

    rows = [
        [
            row["bot"], row["pair"], row["connector"], row["leg"].lower(),
            format_value(row["position_base"], Unit.BASE), _price(row["average_quote"]),
            _price(row["mark_quote"]), row["mark_kind"].replace("_", " "),
            _money(answer, row["value"]), _money(answer, row["unrealized"]),
        ]
        for row in answer.positions.iter_rows(named=True)
    ]  # fmt: skip
    columns = [
        "bot",
        "pair",
        "exchange",
        "side",
        "position",
        "average",
        "mark",
        "marked by",
        "value",
        "unrealised",
    ]
    right = ("position", "average", "mark", "value", "unrealised")
    return table("open positions", columns, rows, right=right)


def _limits(watched: Limits) -> Table:
    from fillbook.cli.limits import states  # noqa: PLC0415

    return states(watched)
