"""Sources that grow: what a feed is, and how it says how it fares.

A source that can be followed has ``follow()``, which returns a `Feed`. Its rows are `RawTables`, as those of
`read`, but only what is new: `PerformanceDataSource.append` books them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from fillbook.schema.raw import RawTables

State = Literal["live", "waiting", "reconnecting", "replaced", "failed"]


@dataclass(frozen=True, slots=True)
class BotStatus:
    """What a bot last said of itself, beside its fills.

    Parameters
    ----------
    seen_at
        When anything came from it last, UTC by our clock.
    is_online
        Its own word; None where it has not said.
    message
        Its last warning or error; empty where there was none.
    controllers
        Its report by controller as it came (PnL, volume, positions by the bot's own reckoning).
    patience_s
        After how many seconds of silence it may be gone: a heart beats every 10 s, a database is written
        when something happens.
    """

    seen_at: datetime
    is_online: bool | None = None
    message: str = ""
    controllers: Mapping[str, object] = field(default_factory=dict)
    patience_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Health:
    """How a feed fares.

    Parameters
    ----------
    state
        ``live``: connected, or the file is there; ``waiting``: nothing has come yet; ``reconnecting``:
        was lost and is tried again; ``replaced``: the file is another one now, and must be opened again;
        ``failed``: given up, `message` says what to do.
    since
        When it took this state, UTC.
    message
        One sentence for a person, without secrets; empty while all is well.
    counts
        What was met since the start: ``received``, ``repeated``, ``late``, ``malformed``, ``oversized``,
        ``dropped``, ``reconnects``, …
    """

    state: State
    since: datetime
    message: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)


class Feed(Protocol):
    """What came since one last asked; safe to ask from one thread while it fills from another."""

    uri: str

    def poll(self) -> tuple[RawTables, ...]:
        """New rows since the last call, a `RawTables` a bot; empty where there are none. Does not wait.

        Rows are numbered on (`row`) from where the last call ended, under the same `info.uri`.
        """
        ...

    def health(self) -> Health:
        """How it fares now."""
        ...

    def bots(self) -> Mapping[str, BotStatus]:
        """What each bot last said, by name."""
        ...

    def close(self) -> None:
        """Stop; nothing comes any more."""
        ...
