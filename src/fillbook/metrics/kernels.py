"""Loops over pieces of time that no column operation does in one pass; compiled once, cached on disk."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def cumulate(amount):
    """Sums of the first 0 … n amounts, and what rounding took from each (TwoSum); shape (2, n + 1)."""
    sums = np.zeros((2, amount.size + 1))
    for i in range(amount.size):
        held, x = sums[0, i], amount[i]
        both = held + x
        virtual = both - held
        sums[0, i + 1] = both
        sums[1, i + 1] = sums[1, i] + ((held - (both - virtual)) + (x - virtual))
    return sums


@njit(cache=True, nogil=True)
def live_seconds(side, start, end, low, high):
    """Length covered by the buys' intervals, the sells', and all, clipped to a window; ascending by start."""
    covered, reached = np.zeros(3), np.full(3, low)
    for i in range(start.size):
        until = min(end[i], high)
        mine = 0 if side[i] > 0 else 1
        for k in (mine, 2):
            begin = max(start[i], reached[k])
            if until > begin:
                covered[k] += until - begin
                reached[k] = until
    return covered


@njit(cache=True, nogil=True)
def _share_by(when, start, end):
    """Share of a piece that lies before a moment."""
    length = end - start
    share = (when - start) / length if length > 0.0 else when - start
    return min(max(share, 0.0), 1.0)


@njit(cache=True, nogil=True)
def flow_between(start, end, amount, sums, begin, until):
    """What flowed in each window ``[begin, until)``, pieces at its ends pro rata."""
    found = np.zeros(begin.size)
    if start.size == 0:
        return found
    for i in range(begin.size):
        a = max(np.searchsorted(start, begin[i], side="right") - 1, 0)
        b = max(np.searchsorted(start, until[i], side="right") - 1, 0)
        ends = _share_by(until[i], start[b], end[b]) * amount[b]
        ends -= _share_by(begin[i], start[a], end[a]) * amount[a]
        found[i] = (sums[0, b] - sums[0, a]) + (sums[1, b] - sums[1, a]) + ends
    return found


@njit(cache=True, nogil=True)
def time_weighted(at, mid, max_age, last, begin, until):
    """Time that samples cover in each window, and ∫ mid dt over it.

    A sample lasts until the next one, or `max_age`; the last one until `last` at most. NaN is no sample.
    """
    start = at[~np.isnan(mid)]
    worth = mid[~np.isnan(mid)]
    lasts = np.empty(start.size)
    for i in range(start.size):
        following = start[i + 1] if i + 1 < start.size else max(last, start[i])
        lasts[i] = min(following - start[i], max_age)
    worth *= lasts
    end = start + lasts
    held = flow_between(start, end, lasts, cumulate(lasts), begin, until)
    return held, flow_between(start, end, worth, cumulate(worth), begin, until)
