"""Running bots, as an object for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fillbook.analysis.live import with_status
from fillbook.reports.json import plain

if TYPE_CHECKING:
    from fillbook.analysis.limits import Limits
    from fillbook.analysis.live import Live
    from fillbook.live_data import LiveData

LIVE_SCHEMA = "fillbook.live/1"


def live_object(answer: Live | None, following: LiveData, watched: Limits | None = None) -> dict[str, object]:
    """Object of one moment.

    Parameters
    ----------
    answer
        How the bots stand; None where nothing has been read or heard yet.
    following
        The feeds and what they know of the bots.
    watched
        Limits, where some are watched.

    Returns
    -------
    dict
        ``schema, at, since, currency, feeds, bots, positions, total, limits``; a feed is ``uri, state, since,
        message, counts``, a limit ``name, state, value, max``. Money is in `currency`.
    """
    feeds = [
        {
            "uri": feed.uri, "state": feed.health.state, "since": plain(feed.health.since),
            "message": feed.health.message, "counts": dict(feed.health.counts),
        }
        for feed in following.feeds()
    ]  # fmt: skip
    limits = [
        {
            "name": w.limit.name, "state": w.state.value, "value": plain(w.value),
            "max": w.limit.threshold.limit,
        }
        for w in (watched.watches if watched else ())
    ]  # fmt: skip
    if answer is None:
        return {
            "schema": LIVE_SCHEMA,
            "at": None,
            "feeds": feeds,
            "bots": [],
            "positions": [],
            "limits": limits,
        }
    return {
        "schema": LIVE_SCHEMA, "at": plain(answer.at), "since": plain(answer.since),
        "currency": answer.currency, "feeds": feeds,
        "bots": plain(with_status(answer.bots, following.bots(), answer.at)),
        "positions": plain(answer.positions), "total": plain(answer.total), "limits": limits,
    }  # fmt: skip
