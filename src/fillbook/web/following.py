"""Sources that are followed for all sessions of the server, and what was last found of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import streamlit as st

from fillbook.analysis.limit_file import read_limits
from fillbook.analysis.limits import Limits, limits
from fillbook.analysis.live import Live, live
from fillbook.live_data import LiveData
from fillbook.web.state import Choice

if TYPE_CHECKING:
    from fillbook.performance_data_source import PerformanceDataSource

_T = TypeVar("_T")
FRESH_S = 0.5  # sessions that ask within it share an answer
_LIMITS_S = 10.0  # limits look at the whole run, so less often


@dataclass(slots=True)
class Followed:
    """One set of sources, followed; sessions that ask the same at the same time share the answer."""

    live: LiveData
    _answers: dict[str, tuple[float, Live]] = field(default_factory=dict)
    _limits: dict[str, tuple[float, Limits]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, asked: Choice, zone: str) -> Live | None:
        """How the bots stand, whatever period was chosen; None where nothing has been read or heard yet.

        Raises
        ------
        BadRequestError
            The choice asks for what cannot be.
        """
        with self._lock:
            now = datetime.now(UTC)
            data = self.live.refresh(now)
            if data is None:
                return None
            ever = replace(asked.chosen, start=None, end=None)
            return _kept(
                self._answers, repr((asked, zone)), FRESH_S,
                lambda: live(data, now, ever, asked.conventions, zone=zone),
            )  # fmt: skip

    def watched(self, asked: Choice, text: str) -> Limits | None:
        """Limits of a TOML text over the same; None where there is no data.

        Raises
        ------
        BadRequestError
            The text is no file of limits.
        """
        with self._lock:
            data = self.live.data
            if data is None:
                return None
            return _kept(
                self._limits, repr((asked, text)), _LIMITS_S,
                lambda: limits(data, read_limits(text), asked.chosen, asked.conventions),
            )  # fmt: skip


def _kept(held: dict[str, tuple[float, _T]], key: str, most_s: float, make: Callable[[], _T]) -> _T:
    """An answer not older than so many seconds; one question is remembered."""
    now = time.monotonic()
    if key not in held or now - held[key][0] > most_s:
        made = make()
        held.clear()
        held[key] = (now, made)
    return held[key][1]


@st.cache_resource(max_entries=3, show_spinner="Following …", on_release=lambda held: held.live.close())
def followed(uris: tuple[str, ...], _data: PerformanceDataSource | None) -> Followed:
    """Follow these sources; `_data` is what was opened of them already."""
    return Followed(LiveData(*uris, data=_data))
