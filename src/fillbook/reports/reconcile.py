"""Our figures beside those of others, as an object for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fillbook.reports.head import head_object
from fillbook.reports.json import plain

if TYPE_CHECKING:
    from fillbook.analysis.peer import Peer
    from fillbook.analysis.reconcile import Reconciliation
    from fillbook.performance_data_source import PerformanceDataSource

RECONCILE_SCHEMA = "fillbook.reconcile/1"


def reconcile_object(answer: Reconciliation, data: PerformanceDataSource) -> dict[str, object]:
    """Object of the whole answer.

    Parameters
    ----------
    answer
        What was answered.
    data
        What it was answered from.

    Returns
    -------
    dict
        ``schema, sources, filter, conventions, currency, period, headline, peers, findings``; a peer is
        ``key, label, about, status, reason, note, currency, ours, theirs, difference, rest, is_explained,
        lack, causes, parts, steps, figures``, its numbers None where there is none.
    """
    return {
        **head_object(RECONCILE_SCHEMA, answer, data), "headline": answer.headline,
        "peers": [peer_object(peer) for peer in answer.peers], "findings": plain(answer.findings),
    }  # fmt: skip


def peer_object(peer: Peer) -> dict[str, object]:
    """Object of one peer."""
    names = ("key", "label", "about", "status", "reason", "note", "currency", "ours", "theirs", "difference",
             "rest", "is_explained", "lack", "causes", "parts", "steps", "figures")  # fmt: skip
    return {name: plain(getattr(peer, name)) for name in names}
