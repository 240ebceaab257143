"""Loops over ids, orders and ticks that no column operation does in one pass; compiled once, cached on disk.

None holds Python's lock, so that two of them may run side by side. Times are µs UTC, `NEVER` where there is
none; rows are −1 where there is none.
"""

from __future__ import annotations

import numpy as np
from numba import njit

NEVER = np.iinfo(np.int64).max


@njit(cache=True, nogil=True)
def fill_table(table, one, other):
    """Table of rows by hash, open addressing, the first row of each key; and whether all keys differ."""
    mask = np.uint64(table.size - 1)
    is_unique = True
    for row in range(one.size):
        place = one[row] & mask
        while table[place] >= 0:
            held = table[place]
            if one[held] == one[row] and other[held] == other[row]:
                is_unique = False
                break
            place = (place + np.uint64(1)) & mask
        else:
            table[place] = row
    return table, is_unique


@njit(cache=True, nogil=True)
def find_rows(table, one, other, asked_one, asked_other, is_unique):
    """Row of each key in such a table, −1 where it is not.

    Where keys differ the row after the last one found is tried first: tables are often in one order.
    """
    rows = np.full(asked_one.size, -1, np.int64)
    mask = np.uint64(table.size - 1)
    near = 0 if is_unique else one.size
    for i in range(asked_one.size):
        if near < one.size and one[near] == asked_one[i] and other[near] == asked_other[i]:
            rows[i] = near
            near += 1
            continue
        place = asked_one[i] & mask
        while table[place] >= 0:
            held = table[place]
            if one[held] == asked_one[i] and other[held] == asked_other[i]:
                rows[i] = held
                near = held + 1 if is_unique else one.size
                break
            place = (place + np.uint64(1)) & mask
    return rows


@njit(cache=True, nogil=True, error_model="numpy")
def fold_fills(row, amount, price, at, n):
    """Per order: base, average price (NaN), base where amounts are contracts, fills, first and last time."""
    filled, value, coins = np.zeros(n), np.zeros(n), np.zeros(n)
    count = np.zeros(n, np.int32)
    first, last = np.full(n, NEVER, np.int64), np.full(n, NEVER, np.int64)
    for i in range(row.size):
        r = row[i]
        if r < 0:
            continue
        filled[r] += amount[i]
        value[r] += amount[i] * price[i]
        coins[r] += amount[i] / price[i]
        first[r] = min(first[r], at[i])
        last[r] = at[i] if count[r] == 0 else max(last[r], at[i])
        count[r] += 1
    for r in range(n):
        value[r] = value[r] / filled[r] if filled[r] > 0.0 else np.nan
    return filled, value, coins, count, first, last


@njit(cache=True, nogil=True)
def seen_kinds(row, kind, n):
    """Per order: a bit for each kind of event it had."""
    seen = np.zeros(n, np.uint8)
    for i in range(row.size):
        if row[i] >= 0:
            seen[row[i]] |= np.uint8(1) << np.uint8(kind[i])
    return seen


@njit(cache=True, nogil=True)
def end_times(row, kind, at, wanted, otherwise):
    """Per order: first event of the kind wanted, else `otherwise` (none wanted: none); first of kinds > 0."""
    ended = np.full(wanted.size, NEVER, np.int64)
    stopped = np.full(wanted.size, NEVER, np.int64)
    for i in range(row.size):
        r = row[i]
        if r < 0:
            continue
        if kind[i] == wanted[r]:
            ended[r] = min(ended[r], at[i])
        if kind[i] > 0:
            stopped[r] = min(stopped[r], at[i])
    for r in range(wanted.size):
        if wanted[r] >= 0 and ended[r] == NEVER:
            ended[r] = otherwise[r]
    return ended, stopped


@njit(cache=True, nogil=True)
def mean_prices(code, limit, average, n):
    """Mean of limit, else average price, of each code; NaN where all are."""
    total, count = np.zeros(n), np.zeros(n, np.int64)
    for i in range(code.size):
        price = average[i] if np.isnan(limit[i]) else limit[i]
        if not np.isnan(price):
            total[code[i]] += price
            count[code[i]] += 1
    for k in range(n):
        total[k] = total[k] / count[k] if count[k] else np.nan
    return total


@njit(cache=True, nogil=True)
def tick_quotes(order, start, side, price):
    """Per tick: best bid and ask (∓∞ where none), and buys less sells; sides of what is no quote are 0."""
    bid, ask = np.full(start.size, -np.inf), np.full(start.size, np.inf)
    balance = np.zeros(start.size, np.int64)
    for tick in range(start.size):
        until = start[tick + 1] if tick + 1 < start.size else order.size
        for i in range(start[tick], until):
            row = order[i]
            balance[tick] += side[row]
            if side[row] > 0:
                bid[tick] = max(bid[tick], price[row])
            elif side[row] < 0:
                ask[tick] = min(ask[tick], price[row])
    return bid, ask, balance


@njit(cache=True, nogil=True)
def tick_ranks(order, start, side, price):
    """Per order: rank of its price among those of its tick and side, 0 without one; whether both quoted."""
    rank, is_two_sided = np.zeros(order.size, np.int32), np.zeros(order.size, np.bool_)
    rows, depth = np.empty(order.size, np.int64), np.empty(order.size)
    for tick in range(start.size):
        until = start[tick + 1] if tick + 1 < start.size else order.size
        buys = sells = 0
        for i in range(start[tick], until):
            buys += side[order[i]] > 0
            sells += side[order[i]] < 0
        for i in range(start[tick], until):
            is_two_sided[order[i]] = buys > 0 and sells > 0
        for sign in (1, -1):
            n = 0
            for i in range(start[tick], until):
                row = order[i]
                if side[row] == sign and not np.isnan(price[row]):
                    rows[n], depth[n] = row, -sign * price[row]
                    n += 1
            if n == 1:
                rank[rows[0]] = 1
            if n < 2:
                continue
            place = np.argsort(depth[:n])
            held = 0
            for k in range(n):
                held += k == 0 or depth[place[k]] != depth[place[k - 1]]
                rank[rows[place[k]]] = held
    return rank, is_two_sided


@njit(cache=True, nogil=True)
def tally_orders(code, kind, filled, amount, price, live_s, n_fills, is_market, n, n_kinds):
    """Per group: orders by class and whether any of it filled; sums over the ended ones and over live ones.

    The sums are what was asked for and what was filled (no more than that), times the price; seconds that
    limit orders stood, and their fills. The last class is that of open orders. NaN is in no sum.
    """
    counts, sums = np.zeros((n, n_kinds, 2), np.int64), np.zeros((4, n))
    for i in range(code.size):
        group = code[i]
        if group < 0:
            continue
        counts[group, kind[i], np.int64(filled[i] > 0.0)] += 1
        if kind[i] != n_kinds - 1:
            asked = amount[i] * price[i]
            got = min(filled[i], amount[i]) * price[i]
            sums[0, group] += 0.0 if np.isnan(asked) else asked
            sums[1, group] += 0.0 if np.isnan(got) else got
        if not is_market[i] and not np.isnan(live_s[i]):
            sums[2, group] += live_s[i]
            sums[3, group] += n_fills[i]
    return counts, sums


@njit(cache=True, nogil=True, error_model="numpy")
def distance_bands(side, limit, mid, edges_bps):
    """Per order: band of the distance of its limit from the mid, 0 through it; −1 where one is not known."""
    band = np.full(side.size, -1, np.int32)
    for i in range(side.size):
        distance = side[i] * (mid[i] - limit[i]) / mid[i] * 1e4
        if side[i] != 0 and not np.isnan(distance):
            band[i] = np.searchsorted(edges_bps, distance, side="right")
    return band


@njit(cache=True, nogil=True)
def sum_rows(code, rows, n):
    """Sum of the rows of each code, and how many there are."""
    sums, counts = np.zeros((n, rows.shape[1])), np.zeros(n, np.int64)
    for i in range(code.size):
        counts[code[i]] += 1
        for k in range(rows.shape[1]):
            sums[code[i], k] += rows[i, k]
    return sums, counts


@njit(cache=True, nogil=True)
def tally_fills(code, qty, price, mid, later, n):
    """Per group: fills, those with both mids; and sums.

    They are of value, of it with both mids, edge and base with a mid, gain, base and move with both.
    """
    counts, sums = np.zeros((2, n), np.int64), np.zeros((7, n))
    for i in range(code.size):
        group = code[i]
        if group < 0:
            continue
        size = abs(qty[i])
        counts[0, group] += 1
        sums[0, group] += size * price[i]
        if np.isnan(mid[i]):
            continue
        sums[2, group] += qty[i] * (mid[i] - price[i])
        sums[3, group] += size * mid[i]
        if np.isnan(later[i]) or np.isnan(qty[i]):
            continue
        counts[1, group] += 1
        sums[1, group] += size * price[i]
        sums[4, group] += qty[i] * (later[i] - price[i])
        sums[5, group] += size * mid[i]
        sums[6, group] += qty[i] * (later[i] - mid[i])
    return counts, sums


@njit(cache=True, nogil=True)
def occurring(code, n):
    """Which of `n` codes occur; what is below 0 is none."""
    found = np.zeros(n, np.bool_)
    for one in code:
        if one >= 0:
            found[one] = True
    return found


@njit(cache=True, nogil=True)
def renumbered(code, place):
    """`place` of each code, −1 the last place, as 32 bits: NumPy would widen the codes to 64 first."""
    out = np.empty(code.size, np.int32)
    for i in range(code.size):
        out[i] = place[code[i]]
    return out


@njit(cache=True, nogil=True)
def hours_of(at):
    """Hour of the day of each time, UTC."""
    out = np.empty(at.size, np.int8)
    for i in range(at.size):
        out[i] = at[i] // 3_600_000_000 % 24
    return out
