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


_BLOCK = 64  # samples whose sums are kept together


@njit(cache=True, nogil=True)
def _following(mid, i):
    """Place of the next sample with a mid; the end of the samples where there is none."""
    i += 1
    while i < mid.size and np.isnan(mid[i]):
        i += 1
    return i


@njit(cache=True, nogil=True)
def _stops(at, mid, max_age, last, i):
    """When a sample stops to count: at the next one, at its age, the last one at `last`."""
    following = _following(mid, i)
    until = at[following] if following < at.size else max(last, at[i])
    return min(until, at[i] + max_age)


@njit(cache=True, nogil=True)
def _block_sums(at, mid, max_age, last):
    """Time that the samples of each block cover, and ∫ mid dt over it, as `cumulate` has them."""
    held, value = np.zeros(at.size // _BLOCK), np.zeros(at.size // _BLOCK)
    for i in range(held.size * _BLOCK):
        if not np.isnan(mid[i]):
            lasts = _stops(at, mid, max_age, last, i) - at[i]
            held[i // _BLOCK] += lasts
            value[i // _BLOCK] += lasts * mid[i]
    return cumulate(held), cumulate(value)


@njit(cache=True, nogil=True)
def time_weighted(at, mid, max_age, last, begin, until):
    """Time that samples cover in each window, and ∫ mid dt over it.

    A sample lasts until the next one, or `max_age`; the last one until `last` at most. NaN is no sample.
    """
    covered, value = np.zeros(begin.size), np.zeros(begin.size)
    helds, values = _block_sums(at, mid, max_age, last)
    for k in range(begin.size):
        low, high = begin[k], until[k]
        i = max(np.searchsorted(at, low, side="right") - 1, 0)
        while i > 0 and np.isnan(mid[i]):
            i -= 1
        end = np.searchsorted(at, high, side="left")
        while i < end:
            if i % _BLOCK == 0 and at[i] >= low:
                to = (end - 1) // _BLOCK  # blocks before it end with a sample within the window
                while to * _BLOCK > i and np.isnan(mid[to * _BLOCK]):
                    to -= 1
                of = i // _BLOCK
                if to > of:
                    covered[k] += (helds[0, to] - helds[0, of]) + (helds[1, to] - helds[1, of])
                    value[k] += (values[0, to] - values[0, of]) + (values[1, to] - values[1, of])
                    i = to * _BLOCK
                    continue
            if not np.isnan(mid[i]):
                lasts = min(_stops(at, mid, max_age, last, i), high) - max(at[i], low)
                if lasts > 0.0:
                    covered[k] += lasts
                    value[k] += lasts * mid[i]
            i += 1
    return covered, value
