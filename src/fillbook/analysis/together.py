"""Two halves of an answer at once: columns and compiled loops hold no lock while they work."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_One = TypeVar("_One")
_Other = TypeVar("_Other")


def both(one: Callable[[], _One], other: Callable[[], _Other]) -> tuple[_One, _Other]:
    """Answers of two functions that share nothing they change, run side by side.

    Raises
    ------
    Exception
        What the first raised, else what the second did, after both have stopped.
    """
    with ThreadPoolExecutor(max_workers=1) as beside:
        later = beside.submit(other)
        return one(), later.result()
