"""Two halves of an answer at once: columns and compiled loops hold no lock while they work."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
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
        answers = one(), later.result()
    _give_back()
    return answers


def _give_back() -> None:
    """Hand what both freed to the system: glibc keeps holes of up to 32 MB, which no half can fill alone."""
    if _LIBC is not None and hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)
