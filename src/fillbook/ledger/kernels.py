"""Sequential folds over the columns of fills, compiled once and cached on disk.

Every kernel eats arrays of one length, sorted by (book, time, source order):

``book``      code of the book a fill belongs to, equal codes adjacent
``qty``       signed base quantity, + bought, − sold
``price``     price per base; −1/price for inverse contracts, so that one fold serves all
``fee_base``  base that left the wallet as fee; booked as a deemed trade at the fill's price

Positions are kept as a compensated sum; a position below `SNAP` times the largest one the book
ever had is flat. (With plain sums that bound would have to be 1e-9, which swallows a satoshi.)
"""

from __future__ import annotations

import heapq
import math

import numpy as np
from numba import njit

SNAP = 1e-12

# columns of the array `fold_trips` returns
TRIP_FIELDS = (
    "book", "side", "entry_fill", "exit_fill", "closed_base", "entry_base", "entry_value",
    "exit_base", "exit_value", "gross", "fees", "n_fills", "largest_base", "mae", "mfe", "is_open",
)  # fmt: skip
_BOOK, _SIDE, _ENTRY, _EXIT, _CLOSED, _IN_BASE, _IN_VALUE, _OUT_BASE, _OUT_VALUE = range(9)
_GROSS, _FEES, _N, _LARGEST, _MAE, _MFE, _OPEN = range(9, 16)


@njit(cache=True, inline="always")
def _add(total, lost, x):
    """Neumaier's step: the sum, and the digits it lost."""
    both = total + x
    lost += (total - both) + x if abs(total) >= abs(x) else (x - both) + total
    return both, lost


@njit(cache=True)
def sum_by_book(book, values, n_books):
    """Compensated sum of `values` for each of `n_books` codes."""
    total = np.zeros(n_books)
    lost = np.zeros(n_books)
    for i in range(book.size):
        total[book[i]], lost[book[i]] = _add(total[book[i]], lost[book[i]], values[i])
    return total + lost


@njit(cache=True)
def sum_gains_and_losses(book, values, n_books):
    """Compensated sums of the positive `values` and of the negative ones, the latter as positive."""
    total = np.zeros((2, n_books))
    lost = np.zeros((2, n_books))
    for i in range(book.size):
        sign = 0 if values[i] > 0.0 else 1
        at = book[i]
        total[sign, at], lost[sign, at] = _add(total[sign, at], lost[sign, at], abs(values[i]))
    return total + lost


@njit(cache=True)
def held_by_book(book, at, position, end, n_books):
    """∫|position|dt of each book up to `end`, in base × the unit of `at`."""
    total = np.zeros(n_books)
    lost = np.zeros(n_books)
    for i in range(book.size):
        is_last = i + 1 == book.size or book[i + 1] != book[i]
        until = end if is_last else at[i + 1]
        part = abs(position[i]) * max(until - at[i], 0)
        total[book[i]], lost[book[i]] = _add(total[book[i]], lost[book[i]], part)
    return total + lost


@njit(cache=True)
def fold_average(book, qty, price, fee_base):
    """Weighted average cost: position and average after, realised by and closed by each fill."""
    n = book.size
    position, average = np.empty(n), np.empty(n)
    realized, closed = np.zeros(n), np.zeros(n)
    start = 0
    for i in range(1, n + 1):
        if i == n or book[i] != book[start]:
            _fold_book(start, start, i, qty, price, fee_base, position, average, realized, closed)
            start = i
    return position, average, realized, closed


@njit(cache=True)
def fold_on(book, qty, price, fee_base, kept, position, average, realized, closed):
    """The same where the first `kept` fills of each book are folded already; fills the last four arrays."""
    start = 0
    for i in range(1, book.size + 1):
        if i == book.size or book[i] != book[start]:
            first = start + kept[book[start]]
            _fold_book(start, first, i, qty, price, fee_base, position, average, realized, closed)
            start = i


@njit(cache=True)
def _fold_book(start, first, end, qty, price, fee_base, position, average, realized, closed):
    """Fold the fills of one book from `first` to `end`; those from `start` are folded."""
    held, lost, cost, largest = 0.0, 0.0, math.nan, 0.0
    if first > start and first < end:
        held, cost = position[first - 1], average[first - 1]
        for i in range(start, first):
            largest = max(largest, abs(position[i]))
    for i in range(first, end):
        realized[i], closed[i] = 0.0, 0.0
        for leg in range(2):
            x = qty[i] if leg == 0 else -fee_base[i]
            if x == 0.0:
                continue
            before = held + lost
            held, lost = _add(held, lost, x)
            after = held + lost
            if abs(after) <= SNAP * largest:
                held, lost, after = 0.0, 0.0, 0.0
            if before == 0.0:
                cost = price[i]
            elif before * x > 0.0:
                cost += (price[i] - cost) * (x / (before + x))
            else:
                part = min(abs(before), abs(x))
                realized[i] += math.copysign(part, before) * (price[i] - cost)
                closed[i] += part
                if after * before < 0.0:
                    cost = price[i]
            if after == 0.0:
                cost = math.nan
            largest = max(largest, abs(after))
        position[i], average[i] = held + lost, cost


@njit(cache=True)
def splice(old, starts, kept, new, book):
    """The first `kept` values of each book, from its start in `old`, and behind them the `new` ones.

    `book` is the code of each new value, ascending.
    """
    out = np.empty(kept.sum() + new.size, old.dtype)
    place, j = 0, 0
    for b in range(kept.size):
        out[place : place + kept[b]] = old[starts[b] : starts[b] + kept[b]]
        place += kept[b]
        while j < new.size and book[j] == b:
            out[place] = new[j]
            place += 1
            j += 1
    return out


@njit(cache=True)
def fold_queue(book, qty, price, fee_base, newest_first):
    """FIFO or LIFO: realised by each fill, and the open lots (book, side × qty, price), oldest first."""
    n = book.size
    realized = np.zeros(n)
    lot_qty, lot_price = np.empty(2 * n), np.empty(2 * n)
    out_book, out_qty, out_price = np.empty(2 * n, np.int64), np.empty(2 * n), np.empty(2 * n)
    n_out, head, tail, largest, held = 0, 0, 0, 0.0, 0.0
    for i in range(n):
        if i > 0 and book[i] != book[i - 1]:
            for k in range(head, tail):
                out_book[n_out], out_qty[n_out], out_price[n_out] = (
                    book[i - 1],
                    lot_qty[k],
                    lot_price[k],
                )
                n_out += 1
            head, tail, largest, held = 0, 0, 0.0, 0.0
        for leg in range(2):
            x = qty[i] if leg == 0 else -fee_base[i]
            while x != 0.0 and tail > head and lot_qty[head] * x < 0.0:
                k = tail - 1 if newest_first else head
                part = min(abs(lot_qty[k]), abs(x))
                realized[i] += math.copysign(part, lot_qty[k]) * (price[i] - lot_price[k])
                lot_qty[k] -= math.copysign(part, lot_qty[k])
                x -= math.copysign(part, x)
                if abs(lot_qty[k]) <= SNAP * largest:
                    if newest_first:
                        tail -= 1
                    else:
                        head += 1
                if abs(x) <= SNAP * largest:
                    x = 0.0
            if x != 0.0:
                if head == tail:
                    head, tail = 0, 0
                lot_qty[tail], lot_price[tail] = x, price[i]
                tail += 1
            held += qty[i] if leg == 0 else -fee_base[i]
            largest = max(largest, abs(held))
    for k in range(head, tail):
        out_book[n_out], out_qty[n_out], out_price[n_out] = book[n - 1], lot_qty[k], lot_price[k]
        n_out += 1
    return realized, out_book[:n_out].copy(), out_qty[:n_out].copy(), out_price[:n_out].copy()


@njit(cache=True)
def fold_dearest(book, qty, price, fee_base):
    """HIFO: the dearest lot of a long, the cheapest sale of a short is closed first."""
    n = book.size
    realized = np.zeros(n)
    lot_qty, lot_price = np.empty(2 * n), np.empty(2 * n)
    out_book, out_qty, out_price = np.empty(2 * n, np.int64), np.empty(2 * n), np.empty(2 * n)
    heap = [(0.0, 0)]
    heap.pop()
    n_out, n_lots, first, largest, held = 0, 0, 0, 0.0, 0.0
    for i in range(n + 1):
        if i == n or (i > 0 and book[i] != book[i - 1]):
            for k in range(first, n_lots):
                if lot_qty[k] != 0.0:
                    out_book[n_out], out_qty[n_out], out_price[n_out] = (
                        book[i - 1],
                        lot_qty[k],
                        lot_price[k],
                    )
                    n_out += 1
            heap.clear()
            first, largest, held = n_lots, 0.0, 0.0
        if i == n:
            break
        for leg in range(2):
            x = qty[i] if leg == 0 else -fee_base[i]
            while x != 0.0 and len(heap) > 0 and lot_qty[heap[0][1]] * x < 0.0:
                k = heap[0][1]
                part = min(abs(lot_qty[k]), abs(x))
                realized[i] += math.copysign(part, lot_qty[k]) * (price[i] - lot_price[k])
                lot_qty[k] -= math.copysign(part, lot_qty[k])
                x -= math.copysign(part, x)
                if abs(lot_qty[k]) <= SNAP * largest:
                    lot_qty[k] = 0.0
                    heapq.heappop(heap)
                if abs(x) <= SNAP * largest:
                    x = 0.0
            if x != 0.0:
                lot_qty[n_lots], lot_price[n_lots] = x, price[i]
                heapq.heappush(heap, (-price[i] if x > 0.0 else price[i], n_lots))
                n_lots += 1
            held += qty[i] if leg == 0 else -fee_base[i]
            largest = max(largest, abs(held))
    return realized, out_book[:n_out].copy(), out_qty[:n_out].copy(), out_price[:n_out].copy()


@njit(cache=True)
def _widen(trip, gross, mark_gain):
    """Let the worst and the best of a trip see one more point of its PnL path."""
    trip[_MAE] = min(trip[_MAE], gross + mark_gain)
    trip[_MFE] = max(trip[_MFE], gross + mark_gain)


@njit(cache=True)
def fold_trips(book, qty, price, fee_base, fee, low, high, dust):
    """Round trips flat to flat, a row each (`TRIP_FIELDS`), in order of book and start.

    `fee` is in quote. `low` and `high` are the extreme marks after a fill and before the next one
    of its book, NaN where there is none; empty where no book has any. A position of at most `dust` ends
    a trip and is carried at its own cost into the next. `exit_fill` of an open trip is −1. Base sums of a
    crossing fill are split by quantity, its fee pro rata.
    """
    trips = np.zeros((256, 16))
    n_trips, is_open = 0, False
    held, lost, cost, largest = 0.0, 0.0, math.nan, 0.0
    trip = np.zeros(16)
    for i in range(book.size + 1):
        if i == book.size or (i > 0 and book[i] != book[i - 1]):
            if is_open:
                trips, n_trips = _store(trips, n_trips, trip, -1, True)
            held, lost, cost, largest, is_open = 0.0, 0.0, math.nan, 0.0, False
        if i == book.size:
            break
        seen = -1  # the trip this fill was last counted in
        for leg in range(2):
            x, paid = (qty[i], fee[i]) if leg == 0 else (-fee_base[i], 0.0)
            if x == 0.0:
                continue
            before = held + lost
            held, lost = _add(held, lost, x)
            after = held + lost
            if abs(after) <= SNAP * largest:
                held, lost, after = 0.0, 0.0, 0.0
            largest = max(largest, abs(after))
            part = min(abs(before), abs(x)) if before * x < 0.0 else 0.0
            gain = math.copysign(part, before) * (price[i] - cost) if part > 0.0 else 0.0
            ends = is_open and part > 0.0 and (abs(after) <= dust or after * before <= 0.0)
            share = part / abs(x) if ends and after * before < 0.0 else 1.0
            if is_open:
                _widen(trip, trip[_GROSS], before * (price[i] - cost))
            else:
                _start(trip, book[i], i, x, before if before * x > 0.0 else 0.0, cost)
                is_open = True
            trip[_GROSS] += gain
            trip[_FEES] += paid * share
            trip[_N] += 1.0 if seen != n_trips else 0.0
            seen = n_trips
            _trade(trip, x, part, price[i])
            cost = _cost_after(cost, before, after, x, price[i])
            _widen(trip, trip[_GROSS], 0.0 if ends or after == 0.0 else after * (price[i] - cost))
            trip[_LARGEST] = max(trip[_LARGEST], abs(before) if ends else abs(after))
            if ends or abs(after) <= dust:
                trips, n_trips = _store(trips, n_trips, trip, i, False)
                is_open = abs(after) > dust
                if is_open:  # what crossed zero starts the next
                    _start(trip, book[i], i, x, after, price[i])
                    trip[_FEES], trip[_N], trip[_LARGEST] = paid * (1.0 - share), 1.0, abs(after)
                    seen = n_trips
        if is_open and low.size and not math.isnan(low[i]):
            _widen(trip, trip[_GROSS], (held + lost) * (low[i] - cost))
            _widen(trip, trip[_GROSS], (held + lost) * (high[i] - cost))
    return trips[:n_trips].copy()


@njit(cache=True)
def _start(trip, book, fill, x, carried, price):
    """Begin a trip on the side of `x`, holding `carried` already."""
    trip[:] = 0.0
    trip[_BOOK], trip[_ENTRY], trip[_SIDE] = book, fill, math.copysign(1.0, x)
    if carried != 0.0:
        trip[_IN_BASE], trip[_IN_VALUE] = abs(carried), abs(carried) * price


@njit(cache=True)
def _trade(trip, x, part, price):
    """Count a change `x`, of which `part` closes, as going in or out."""
    if trip[_SIDE] * x < 0.0:
        trip[_OUT_BASE] += part
        trip[_OUT_VALUE] += part * price
        trip[_CLOSED] += part
    else:
        opened = abs(x) - part
        trip[_IN_BASE] += opened
        trip[_IN_VALUE] += opened * price


@njit(cache=True)
def _cost_after(cost, before, after, x, price):
    """Average cost of the position once `x` was added to `before`; NaN when flat."""
    if after == 0.0:
        return math.nan
    if before == 0.0 or after * before < 0.0:
        return price
    if before * x > 0.0:
        return cost + (price - cost) * (x / (before + x))
    return cost


@njit(cache=True)
def _store(trips, n_trips, trip, exit_fill, is_open):
    """Append a finished row, doubling the store when it is full."""
    if n_trips == trips.shape[0]:
        wider = np.zeros((2 * n_trips, trips.shape[1]))
        wider[:n_trips] = trips
        trips = wider
    trips[n_trips] = trip
    trips[n_trips, _EXIT] = exit_fill
    trips[n_trips, _OPEN] = 1.0 if is_open else 0.0
    return trips, n_trips + 1


@njit(cache=True, nogil=True)
def number_labels(label, low, n_labels):
    """Number of each row's label in order of first appearance, and the row of that; labels from `low`."""
    table = np.full(n_labels, -1, np.int32)
    codes, first = np.empty(label.size, np.int32), np.empty(min(n_labels, label.size), np.int64)
    found = 0
    for i in range(label.size):
        place = np.int64(label[i]) - low
        code = table[place]
        if code < 0:
            table[place] = code = found
            first[found] = i
            found += 1
        codes[i] = code
    return codes, first[:found]


@njit(cache=True, nogil=True)
def number_pairs(codes, n_codes, other, n_other):
    """The same for two labels together."""
    table = np.full(n_codes * n_other, -1, np.int32)
    both, first = np.empty(codes.size, np.int32), np.empty(min(n_codes * n_other, codes.size), np.int64)
    found = 0
    for i in range(codes.size):
        place = np.int64(codes[i]) * n_other + other[i]
        code = table[place]
        if code < 0:
            table[place] = code = found
            first[found] = i
            found += 1
        both[i] = code
    return both, first[:found]
