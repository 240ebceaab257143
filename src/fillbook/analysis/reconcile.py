"""Our net PnL beside what the bot and the tools around it say, and why they differ (DEFINITIONS A12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fillbook.analysis.peer import Peer
from fillbook.analysis.peer_api import api
from fillbook.analysis.peer_dashboard import dashboard
from fillbook.analysis.peer_executors import controllers, executors
from fillbook.analysis.peer_history import Balances, history
from fillbook.analysis.view import view_of
from fillbook.conventions import Conventions
from fillbook.errors import BadRequestError
from fillbook.filters import Filter
from fillbook.findings import Finding
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Status


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One filtered view beside the figures of others.

    Parameters
    ----------
    currency, period
        As in `Overview`.
    peers
        Every peer, also those the data says nothing of (status ``unavailable`` with its reason).
    findings
        Those of the data and of the ledger.
    """

    currency: str | None
    period: tuple[datetime, datetime] | None
    peers: tuple[Peer, ...]
    findings: tuple[Finding, ...]
    chosen: Filter
    conventions: Conventions

    def __getitem__(self, key: str) -> Peer:
        """Peer of that key."""
        return next(peer for peer in self.peers if peer.key == key)

    @property
    def headline(self) -> str:
        """What all of it comes to, in one sentence."""
        known = [peer for peer in self.peers if peer.status is not Status.UNAVAILABLE]
        if not known:
            return "Nothing here can be set beside our figures."
        agree = [peer for peer in known if _agrees(peer)]
        explained = [peer for peer in known if peer not in agree and peer.is_explained]
        left = [peer for peer in known if peer not in agree and peer not in explained]
        said = [
            f"{len(group)} {words}"
            for group, words in (
                (agree, "the same as ours"), (explained, "explained to the last cause"),
                (left, "with a rest nobody explains"),
            )
            if group
        ]  # fmt: skip
        others = len(self.peers) - len(known)
        tail = f"; {others} cannot be computed from this data" if others else ""
        return f"Of {len(known)} figures others give for net PnL: {', '.join(said)}{tail}."


def reconcile(
    data: PerformanceDataSource,
    chosen: Filter | None = None,
    conventions: Conventions | None = None,
    *,
    balances: Balances | None = None,
) -> Reconciliation:
    """Figures of Hummingbot, its dashboard and its API beside ours, and the causes of each difference.

    Parameters
    ----------
    data
        An opened source.
    chosen
        Which rows count; None takes all. Peers see the same rows.
    conventions
        How we book; a given price (`marks`) is today's price and rate for the peers as well.
    balances
        Today's balance of each token by connector, which Hummingbot's returns are measured against.

    Raises
    ------
    BadRequestError
        A filter value or the connector of a balance that the data does not hold, or a currency without rates.
    """
    view = view_of(data, chosen, conventions)
    _refuse_unknown(data, balances)
    tables = data.filtered(view.chosen)
    stored = executors(view, tables)
    peers = (
        history(view, data.tables["flat_fees"], balances), stored, controllers(view, tables),
        dashboard(stored, tables["executors"]), api(view),
    )  # fmt: skip
    return Reconciliation(
        view.reporting.currency, view.period, peers, view.findings, view.chosen, view.conventions
    )


def _refuse_unknown(data: PerformanceDataSource, balances: Balances | None) -> None:
    """A balance of a connector that traded nothing would silently count for nothing."""
    held = sorted({str(name) for name in data.fills["connector"].unique()})
    if unknown := sorted(set(balances or {}) - set(held)):
        raise BadRequestError(
            f"balance of {', '.join(unknown)}: the data holds no such exchange; it holds "
            f"{', '.join(held) or 'none'}"
        )


def _agrees(peer: Peer) -> bool:
    """Whether a peer's figure is ours, to the tolerance of the identity (DEFINITIONS 0.6)."""
    volume = max(abs(peer.ours or 0.0), abs(peer.theirs or 0.0))
    return peer.difference is not None and abs(peer.difference) <= 1e-6 + 1e-9 * volume
