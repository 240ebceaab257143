"""``fillbook reconcile``: our figures beside those of the bot and the tools around it."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from fillbook.cli.choices import AsJson, Choices, Uris, with_choices
from fillbook.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

    from fillbook.analysis.peer import Peer
    from fillbook.analysis.reconcile import Reconciliation

Balance = Annotated[
    list[str],
    typer.Option(
        "--balance",
        help="Balance of a token now, which Hummingbot's returns are measured against; repeatable.",
        metavar="CONNECTOR:TOKEN=AMOUNT",
        show_default=False,
    ),
]


@with_choices
def reconcile(uris: Uris, *, choices: Choices, balance: Balance = [], as_json: AsJson = False) -> None:  # noqa: B006
    """Show what others say the net PnL is, and every cause of the difference."""
    from fillbook.cli.opening import reconciled  # noqa: PLC0415
    from fillbook.reports.json import to_json  # noqa: PLC0415
    from fillbook.reports.reconcile import reconcile_object  # noqa: PLC0415

    data, answer = reconciled(uris, choices, read_balances(balance))
    if as_json:
        sys.stdout.write(to_json(reconcile_object(answer, data)) + "\n")
    else:
        show(answer)


def read_balances(texts: Iterable[str]) -> dict[str, dict[str, float]] | None:
    """Balances by connector and token; None where none is given.

    >>> read_balances(["binance:USDT=8643.9", "binance:ETH=1.44"])
    {'binance': {'USDT': 8643.9, 'ETH': 1.44}}

    Raises
    ------
    BadRequestError
        A text of another form.
    """
    found: dict[str, dict[str, float]] = {}
    for text in texts:
        where, _, number = text.rpartition("=")
        connector, _, token = where.rpartition(":")
        try:
            amount = float(number)
        except ValueError:
            amount = math.nan
        if not connector or not token or not math.isfinite(amount):
            raise BadRequestError(
                f"--balance is CONNECTOR:TOKEN=AMOUNT, like binance:USDT=1000; not {text!r}"
            )
        found.setdefault(connector, {})[token] = amount
    return found or None


def show(answer: Reconciliation) -> None:
    """Write the answer to the terminal."""
    from fillbook.cli.screen import cell, console, findings_line  # noqa: PLC0415

    screen = console()
    screen.print(cell(answer.headline))
    screen.print()
    screen.print(_peers(answer.peers))
    for peer in answer.peers:
        if peer.causes.height:
            screen.print()
            screen.print(_causes(peer))
            if peer.note:
                screen.print(cell(peer.note, "dim"))
            if not peer.is_explained:
                screen.print(cell(f"the rest would need {peer.lack}", "yellow"))
    screen.print()
    screen.print(findings_line(answer.findings))


def _money(value: float | None, currency: str | None) -> str:
    from fillbook.units import Unit, format_value  # noqa: PLC0415

    return format_value(value, Unit.MONEY, currency=currency, signed=True)


def _peers(peers: Iterable[Peer]) -> Table:
    """A row a peer: theirs, ours, the difference, and why there is none."""
    from fillbook.cli.screen import table  # noqa: PLC0415
    from fillbook.results import reason_text  # noqa: PLC0415

    rows = [
        [
            peer.label,
            *(_money(value, peer.currency) for value in (peer.theirs, peer.ours, peer.difference)),
            peer.currency or "", reason_text(peer.reason) if peer.reason else "",
        ]
        for peer in peers
    ]  # fmt: skip
    columns = ["", "theirs", "ours", "difference", "", "because"]
    return table("net PnL", columns, rows, right=("theirs", "ours", "difference"))


def _causes(peer: Peer) -> Table:
    """From ours to theirs, a row a cause, the rest last."""
    from fillbook.cli.screen import table  # noqa: PLC0415

    rows = [["ours", _money(peer.ours, peer.currency), "", ""]]
    rows += [
        [row["label"], _money(row["amount"], peer.currency), f"{row['n']:,}", row["meaning"]]
        for row in peer.causes.iter_rows(named=True)
    ]
    rows += [
        ["not explained", _money(peer.rest, peer.currency), "", ""],
        ["theirs", _money(peer.theirs, peer.currency), "", ""],
    ]
    return table(
        f"{peer.label}, {peer.currency}", ["from ours to theirs", "amount", "rows", ""], rows,
        right=("amount", "rows"),
    )  # fmt: skip
