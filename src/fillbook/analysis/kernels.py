"""Loops over ids and events that no column operation does in one pass; compiled once, cached on disk."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def fill_table(table, one, other):
    """Table of rows by hash, open addressing: the first row of each key."""
    mask = np.uint64(table.size - 1)
    for row in range(one.size):
        place = one[row] & mask
        while table[place] >= 0:
            held = table[place]
            if one[held] == one[row] and other[held] == other[row]:
                break
            place = (place + np.uint64(1)) & mask
        else:
            table[place] = row
    return table


@njit(cache=True)
def find_rows(table, one, other, asked_one, asked_other):
    """Row of each key in such a table, −1 where it is not."""
    rows = np.full(asked_one.size, -1, np.int64)
    mask = np.uint64(table.size - 1)
    for i in range(asked_one.size):
        place = asked_one[i] & mask
        while table[place] >= 0:
            held = table[place]
            if one[held] == asked_one[i] and other[held] == asked_other[i]:
                rows[i] = held
                break
            place = (place + np.uint64(1)) & mask
    return rows


@njit(cache=True)
def first_times(row, kind, at, found):
    """Least time of each kind and row."""
    for i in range(row.size):
        if row[i] >= 0:
            found[kind[i], row[i]] = min(found[kind[i], row[i]], at[i])
    return found


@njit(cache=True)
def span_times(row, at, first, last):
    """Least and greatest time of each row."""
    for i in range(row.size):
        if row[i] >= 0:
            first[row[i]] = min(first[row[i]], at[i])
            last[row[i]] = max(last[row[i]], at[i])
