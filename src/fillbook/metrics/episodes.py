"""When a quantity went beyond a limit, and when it came back: hysteresis over samples (DEFINITIONS E12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from fillbook.arrays import Floats, Ints

WARN_SHARE, CLEAR_SHARE = 0.8, 0.9  # of the limit, where nothing else is said
_BETWEEN, _OVER, _CLEAR = 0, 1, 2


class State(StrEnum):
    """Where a limit stands after its last sample."""

    OK = "ok"
    WARN = "warn"
    BREACH = "breach"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Threshold:
    """What is too much, and how sure one wants to be.

    Parameters
    ----------
    limit
        Samples above it (strictly) are over.
    clear_at
        Samples at or below it count towards the end of an episode.
    warn_at
        From here on the state is ``warn``.
    raise_after, clear_after
        Consecutive samples that raise and end an episode.
    """

    limit: float
    clear_at: float
    warn_at: float
    raise_after: int = 1
    clear_after: int = 1

    @classmethod
    def of(cls, limit: float, *, raise_after: int = 1, clear_after: int = 1) -> Threshold:
        """Threshold with the usual shares of its limit for clear and warn."""
        return cls(limit, CLEAR_SHARE * limit, WARN_SHARE * limit, raise_after, clear_after)


@dataclass(frozen=True, slots=True)
class Episode:
    """One time beyond the limit; places count all samples, the missing ones too.

    Parameters
    ----------
    start_index, detected_index
        First sample of the run that raised it, and the sample at which it was raised.
    end_index, cleared_index
        First sample of the run that ended it, and the sample at which it ended; None while it is open.
    peak
        Largest sample from the start until the end.
    n
        Known samples from the start until the end.
    """

    start_index: int
    detected_index: int
    end_index: int | None
    cleared_index: int | None
    peak: float
    n: int


def episodes(samples: Floats, threshold: Threshold) -> tuple[Episode, ...]:
    """Episodes of a series, in time order; the last may be open.

    An episode is raised after `raise_after` consecutive samples above the limit and ended after `clear_after`
    consecutive samples at or below the clear level. What lies between breaks either run. A missing sample
    (NaN) neither counts nor breaks anything.

    Parameters
    ----------
    samples
        In time order, NaN where not known, shape (n,).
    threshold
        Limit, clear level, and how many samples in a row.
    """
    places = np.flatnonzero(~np.isnan(samples))
    known = samples[places]
    kind = np.where(known > threshold.limit, _OVER, np.where(known <= threshold.clear_at, _CLEAR, _BETWEEN))
    begins, lengths, kinds = _runs(kind)
    found: list[Episode] = []
    opened: tuple[int, int] | None = None  # places among the known samples: start, detected
    for begin, length, what in zip(begins, lengths, kinds, strict=True):
        if opened is None and what == _OVER and length >= threshold.raise_after:
            opened = int(begin), int(begin) + threshold.raise_after - 1
        elif opened is not None and what == _CLEAR and length >= threshold.clear_after:
            ended = int(begin), int(begin) + threshold.clear_after - 1
            found.append(_episode(places, known, opened, ended))
            opened = None
    if opened is not None:
        found.append(_episode(places, known, opened, None))
    return tuple(found)


def _runs(kind: Ints) -> tuple[Ints, Ints, Ints]:
    """Begin, length and kind of each stretch of samples of one kind."""
    if not kind.size:
        nothing = np.zeros(0, np.int64)
        return nothing, nothing, nothing
    begins = np.flatnonzero(np.concatenate([[True], kind[1:] != kind[:-1]]))
    return begins, np.diff(np.append(begins, kind.size)), kind[begins]


def _episode(places: Ints, known: Floats, opened: tuple[int, int], ended: tuple[int, int] | None) -> Episode:
    stop = known.size if ended is None else ended[0]
    inside = known[opened[0] : stop]
    return Episode(
        int(places[opened[0]]), int(places[opened[1]]), None if ended is None else int(places[ended[0]]),
        None if ended is None else int(places[ended[1]]), float(inside.max()), int(inside.size),
    )  # fmt: skip


def state_at(
    at: Ints,
    samples: Floats,
    threshold: Threshold,
    found: Sequence[Episode],
    *,
    now_us: int,
    stale_after_s: float,
) -> State:
    """State of a limit now.

    Parameters
    ----------
    at, samples
        Times (µs UTC, ascending) and values, NaN where not known, shape (n,).
    threshold, found
        The limit and its `episodes`.
    now_us
        When it is asked, µs UTC.
    stale_after_s
        Seconds without a known sample after which nothing is known; an open episode stays open.
    """
    known = np.flatnonzero(~np.isnan(samples))
    if not known.size or now_us - int(at[known[-1]]) > stale_after_s * 1e6:
        return State.UNKNOWN
    if found and found[-1].end_index is None:
        return State.BREACH
    last = float(samples[known[-1]])
    return State.WARN if threshold.limit > 0.0 and last >= threshold.warn_at else State.OK
