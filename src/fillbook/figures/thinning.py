"""Fewer points in the same picture: extremes stay, gaps stay gaps."""

from __future__ import annotations

import numpy as np
import polars as pl

MOST = 2_000  # about one point a pixel of a wide screen


def thinned(rows: pl.DataFrame, value: str, *, most: int = MOST) -> pl.DataFrame:
    """At most about `most` rows of a time series, with every visible extreme of `value`.

    Parameters
    ----------
    rows
        Oldest first; a null in `value` is a gap and is kept.
    value
        Column whose shape counts.
    most
        How many points the picture can show.
    """
    if rows.height <= most:
        return rows
    from tsdownsample import MinMaxDownsampler  # noqa: PLC0415  (brings its own library)

    known = np.flatnonzero(rows[value].is_not_null().to_numpy())
    gaps = np.flatnonzero(rows[value].is_null().to_numpy())
    values = np.ascontiguousarray(rows[value].to_numpy()[known])
    sampler = MinMaxDownsampler()  # type: ignore[no-untyped-call]
    chosen = known[sampler.downsample(values, n_out=most - most % 2)]
    first_gaps = gaps[np.diff(gaps, prepend=-2) > 1]
    return rows[np.unique(np.concatenate([known[:1], chosen, known[-1:], first_gaps]))]
